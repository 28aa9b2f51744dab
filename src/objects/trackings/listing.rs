//! One page of a scan of trackings.
//!
//! AfterShip's order is undocumented, so nothing here depends on it: a bookmark comes with the
//! last page only.

use super::endpoints::LIST;
use super::filters::{self, Filter};
use super::{NAME, view};
use crate::api::Api;
use crate::api::source::{LARGEST_PAGE, Source};
use crate::api::window::{Future, plan};
use connector_sdk::{
    Error, ListRequest, Page, Start,
    bookmark::Bookmark,
    cursor::{Scan, Window},
    dates,
    json::Value,
};

/// The list of all trackings.
pub(super) const SOURCE: Source =
    Source { object: NAME, endpoint: LIST, list: "trackings", what: "list trackings" };

/// Reads one page and says where the next one is. Cursor and bookmark are those of `object`:
/// trackings, or what is derived from them.
pub(super) fn page(
    api: &Api<'_>,
    object: &'static str,
    request: &ListRequest,
) -> Result<Page, Error> {
    let source = Source { object, ..SOURCE };
    match &request.start {
        Start::Beginning => begin(api, source, request, None),
        Start::Since(bookmark) => begin(api, source, request, Some(bookmark)),
        Start::At(cursor) => source.resume(api, cursor, request.page_size, filters::is_parameter),
    }
}

fn begin(
    api: &Api<'_>,
    source: Source,
    request: &ListRequest,
    since: Option<&str>,
) -> Result<Page, Error> {
    // Checked against the filter schema already.
    let filter = request.filter.as_deref().and_then(|filter| Value::parse(filter).ok());
    let Filter { mut query, bounds, digest } = filters::read(filter.as_ref())?;
    let since =
        since.map(|bookmark| Bookmark::decode(source.object, bookmark, digest)).transpose()?;
    // What is derived needs other members than a view of it names.
    if source.object == NAME {
        view::add_of_many(&mut query, &request.view);
    }
    let now_ms = api.now_ms();
    let now = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
    let plan = plan(now, since.map(|bookmark| bookmark.until), bounds);
    filters::add_bounds(&mut query, &plan.bounds);
    let (from, until) = (plan.bounds.updated_min, plan.bounds.updated_max);
    let window = (from.is_some() || until.is_some())
        .then(|| Window { since: from.map(dates::format), until: until.map(dates::format) });
    let promised = |served| match plan.promise.kept(served) {
        Ok(until) => {
            let bookmark = until.map(|until| Bookmark { until, filter: digest });
            Ok(bookmark.map(|bookmark| bookmark.encode(source.object)))
        }
        Err(Future) => Err(Error::cursor_expired(
            "The bookmark cannot be used: it lies in the future by AfterShip's clock, so it was \
             made by a wrong one. Scan from an older one, or from the start.",
        )),
    };
    if plan.bounds.is_empty() {
        let mut page = Page { bookmark: promised(None)?, ..Page::empty() };
        if let Some(window) = window {
            window.tell(&mut page);
        }
        return Ok(page);
    }
    let page_size = request.page_size.unwrap_or(LARGEST_PAGE);
    let scan = Scan { began_ms: now_ms, query, page_size, window, bookmark: None, position: None };
    source.begin(api, scan, promised)
}
