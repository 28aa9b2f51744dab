//! `GET /trackings`: filtered, newest first or shuffled, in pages.
//!
//! Source: AfterShip API 2026-07, GET /trackings. The order is undocumented; every capture shows
//! `created_at` descending. Trackings of the same time are ordered by id.

use std::ops::Range;

use super::fields;
use super::filters::Filters;
use super::shuffled;
use crate::cursor;
use crate::dates::DAY_MS;
use crate::errors::ApiError;
use crate::query::Query;
use crate::router::{Call, Reply};
use crate::state::State;
use crate::store::order::Position;
use crate::store::record::Record;

/// The query parameters.
pub(super) const QUERY: &[&str] = &[
    "cursor",
    "limit",
    "keyword",
    "tracking_numbers",
    "slug",
    "transit_time",
    "origin",
    "destination",
    "tag",
    "created_at_min",
    "created_at_max",
    "updated_at_min",
    "updated_at_max",
    "fields",
    "return_to_sender",
    "courier_destination_country_region",
    "shipment_tags",
    "order_id",
];

/// What `fields` may name.
const FIELDS: &[&str] = &["title", "order_id", "tag", "checkpoints"];

/// How far back a list reaches without `created_at_min`.
const DEFAULT_DAYS: u64 = 120;

/// What one page shows.
struct Page<'a> {
    records: Vec<&'a Record>,
    /// Empty on the last page.
    next_cursor: String,
}

/// Answers one page.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let query = &call.query;
    let limit = query.integer("limit", 1..=200)?.unwrap_or(100);
    let limit = usize::try_from(limit).unwrap_or(100);
    let wanted = query.choices("fields", FIELDS)?;
    let filters = Filters::read(query)?;
    let window = window(query, call.state, call.now_ms)?;
    let after = cursor::after(query)?;
    let after = after.as_ref().map(|(place, id)| (*place, id.as_str()));
    let total = total(call.state, &filters, window.clone());
    let page = match call.state.options.shuffle {
        None => newest_first(call.state, &filters, window, after, limit),
        Some(seed) => shuffled_by(seed, call.state, &filters, window, after, limit),
    };
    Ok(Reply { status: 200, data: write(&page, total, &wanted) })
}

fn newest_first<'a>(
    state: &'a State,
    filters: &Filters,
    window: Range<usize>,
    after: Option<(u64, &str)>,
    limit: usize,
) -> Page<'a> {
    let store = state.listed();
    let rest = match after {
        Some((created_ms, id)) => {
            let end = store.places_after(Position { created_ms, id });
            window.start..window.end.min(end).max(window.start)
        }
        None => window,
    };
    let mut shown = store.newest_first(rest).filter(|record| filters.pass(record));
    let records: Vec<_> = shown.by_ref().take(limit).collect();
    let last = records.last().filter(|_| shown.next().is_some());
    let next_cursor =
        last.map(|last| cursor::write(last.facts.created_ms, &last.facts.id)).unwrap_or_default();
    Page { records, next_cursor }
}

fn shuffled_by<'a>(
    seed: u64,
    state: &'a State,
    filters: &Filters,
    window: Range<usize>,
    after: Option<(u64, &str)>,
    limit: usize,
) -> Page<'a> {
    let shown = state.listed().newest_first(window).filter(|record| filters.pass(record));
    let (records, more) = shuffled::page(seed, shown, after, limit);
    let last = records.last().filter(|_| more).map(|last| &*last.facts.id);
    let next_cursor =
        last.map(|id| cursor::write(shuffled::place(seed, id), id)).unwrap_or_default();
    Page { records, next_cursor }
}

fn write(page: &Page<'_>, total: usize, wanted: &[String]) -> String {
    let Page { records, next_cursor } = page;
    let more = !next_cursor.is_empty();
    let size = records.iter().map(|record| record.text.len() + 1).sum::<usize>();
    let mut data = String::with_capacity(size + 256);
    data.push_str(&format!(
        "{{\"pagination\":{{\"total\":{total},\"next_cursor\":\"{next_cursor}\",\
         \"has_next_page\":{more}}},\"trackings\":["
    ));
    for (place, record) in records.iter().enumerate() {
        if place > 0 {
            data.push(',');
        }
        fields::push(&mut data, record, wanted);
    }
    data.push_str("]}");
    data
}

/// The places of the trackings created in the window that the query asks, within the retention.
fn window(query: &Query, state: &State, now_ms: u64) -> Result<Range<usize>, ApiError> {
    let now_s = now_ms / 1000;
    let days_ago = |days: u64| now_s.saturating_sub(days * DAY_MS / 1000);
    let min_s = query.time("created_at_min")?.map_or(days_ago(DEFAULT_DAYS), not_negative);
    let max_s = query.time("created_at_max")?.map_or(now_s, not_negative);
    let kept_s = state.options.retention_days.map_or(0, |days| days_ago(u64::from(days)));
    let from_ms = min_s.max(kept_s).saturating_mul(1000);
    // The whole of the last second belongs to the window.
    let to_ms = max_s.saturating_add(1).saturating_mul(1000);
    Ok(state.listed().window(from_ms, to_ms))
}

fn total(state: &mut State, filters: &Filters, window: Range<usize>) -> usize {
    if filters.is_empty() {
        return window.len();
    }
    let key = format!("{window:?} {filters:?}");
    let State { store, index, totals, .. } = state;
    let listed = index.shown().unwrap_or(store);
    totals.get(listed.version(), key, || {
        listed.newest_first(window).filter(|record| filters.pass(record)).count()
    })
}

fn not_negative(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or(0)
}
