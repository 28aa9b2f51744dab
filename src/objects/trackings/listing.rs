//! One page of a scan of trackings.
//!
//! AfterShip's order is undocumented, so nothing here depends on it: a bookmark comes with the
//! last page only.

use super::LIST;
use super::filters::{self, Filter};
use crate::api::answer::to_record;
use crate::api::bookmark::Bookmark;
use crate::api::cursor::Scan;
use crate::api::endpoints::TRACKINGS_LIST;
use crate::api::window::plan;
use crate::api::{Api, Call, dates};
use crate::error::Error;
use crate::json::Value;
use crate::types::{ListRequest, Page, Start, Unreadable, Window};

/// AfterShip's largest page.
const LARGEST_PAGE: u32 = 200;

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
            let mut scan = Scan::decode(object, cursor, api.now_ms())?;
            if !scan.query.pairs().iter().all(|(name, _)| filters::is_parameter(name)) {
                let text = "The cursor cannot be used: it asks for what this connector does not \
                            know. Start the scan again.";
                return Err(Error::cursor_expired(text));
            }
            // The host halves the page size when an answer was too large.
            scan.page_size = request.page_size.unwrap_or(scan.page_size);
            read(api, object, scan)
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
    read(api, object, Scan { began_ms: now_ms, query, page_size, window, bookmark, position: None })
}

fn read(api: &Api<'_>, object: &'static str, mut scan: Scan) -> Result<Page, Error> {
    let mut query = scan.query.clone();
    query.add("limit", scan.page_size.to_string());
    let mut call = Call::new(TRACKINGS_LIST, "list trackings").query(query);
    if let Some(position) = &scan.position {
        call = call.cursor(&position.cursor);
    }
    let answer = api.send(call)?;
    let (listing, items) = answer.listing(LIST)?;
    // Without it nobody could tell the last page from the first of many.
    let pagination = listing
        .pagination
        .ok_or_else(|| answer.other_shape("it does not say whether more pages follow"))?;
    let mut page = Page { total: pagination.total, ..Page::default() };
    page.records.reserve(items.len());
    for item in items {
        let raw = item.raw;
        match to_record(item) {
            Some(record) => page.records.push(record),
            None => page.unreadable.push(Unreadable {
                id: None,
                raw: raw.to_owned(),
                reason: "The item has no id that is a text.".to_owned(),
            }),
        }
    }
    page.window.clone_from(&scan.window);
    match pagination.next() {
        Some(next) => {
            scan.advance(next)?;
            page.next = Some(scan.encode(object));
        }
        None => page.bookmark = scan.bookmark,
    }
    Ok(page)
}
