//! One page of a scan of trackings.
//!
//! AfterShip's order is undocumented, so nothing here depends on it: a bookmark comes with the
//! last page only.

use super::NAME;
use super::filters::{self, Filter};
use crate::api::bookmark::Bookmark;
use crate::api::cursor::Scan;
use crate::api::endpoints::TRACKINGS_LIST;
use crate::api::source::{LARGEST_PAGE, Source};
use crate::api::window::plan;
use crate::api::{Api, dates};
use crate::error::Error;
use crate::json::Value;
use crate::types::{ListRequest, Page, Start, Window};

/// The list of all trackings.
pub(super) const SOURCE: Source =
    Source { object: NAME, endpoint: TRACKINGS_LIST, list: "trackings", what: "list trackings" };

/// Reads one page and says where the next one is. Cursor and bookmark are those of `object`:
/// trackings, or what is derived from them.
pub(super) fn page(
    api: &Api<'_>,
    object: &'static str,
    request: &ListRequest,
) -> Result<Page, Error> {
    match &request.start {
        Start::Beginning => begin(api, object, request, None),
        Start::Since(bookmark) => begin(api, object, request, Some(bookmark)),
        Start::At(cursor) => {
            let source = Source { object, ..SOURCE };
            source.resume(api, cursor, request.page_size, filters::is_parameter)
        }
    }
}

fn begin(
    api: &Api<'_>,
    object: &'static str,
    request: &ListRequest,
    since: Option<&str>,
) -> Result<Page, Error> {
    // Checked against the filter schema already.
    let filter = request.filter.as_deref().and_then(|filter| Value::parse(filter).ok());
    let Filter { mut query, bounds, digest } = filters::read(filter.as_ref())?;
    let since = since.map(|bookmark| Bookmark::decode(object, bookmark, digest)).transpose()?;
    let now_ms = api.now_ms();
    let now = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
    let plan = plan(now, since.map(|bookmark| bookmark.until), bounds);
    filters::add_bounds(&mut query, &plan.bounds);
    let (from, until) = (plan.bounds.updated_min, plan.bounds.updated_max);
    let window = (from.is_some() || until.is_some())
        .then(|| Window { since: from.map(dates::format), until: until.map(dates::format) });
    let bookmark = plan.bookmark.map(|until| Bookmark { until, filter: digest }.encode(object));
    if plan.bounds.is_empty() {
        return Ok(Page { window, bookmark, ..Page::default() });
    }
    let page_size = request.page_size.unwrap_or(LARGEST_PAGE);
    let scan = Scan { began_ms: now_ms, query, page_size, window, bookmark, position: None };
    Source { object, ..SOURCE }.page(api, scan)
}
