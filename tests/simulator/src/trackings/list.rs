//! `GET /trackings`: filtered, newest first, in pages.
//!
//! Source: AfterShip API 2026-07, GET /trackings. The order is undocumented; every capture shows
//! `created_at` descending. Trackings of the same time are ordered by id.

use std::ops::Range;

use super::fields;
use super::filters::Filters;
use crate::cursor;
use crate::dates::DAY_MS;
use crate::errors::ApiError;
use crate::query::Query;
use crate::router::{Call, Reply};
use crate::state::State;
use crate::store::order::Position;
use crate::store::record::{Facts, Record};

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

/// Answers one page.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let query = &call.query;
    let limit = query.integer("limit", 1..=200)?.unwrap_or(100);
    let limit = usize::try_from(limit).unwrap_or(100);
    let wanted = query.choices("fields", FIELDS)?;
    let filters = Filters::read(query)?;
    let window = window(query, call.state, call.now_ms)?;
    let page = match cursor::after(query)? {
        Some((created_ms, id)) => {
            let end = call.state.store.places_after(Position { created_ms, id: &id });
            window.start..window.end.min(end).max(window.start)
        }
        None => window.clone(),
    };
    let total = total(call.state, &filters, window);
    let shown = call.state.store.newest_first(page).filter(|record| filters.pass(record));
    Ok(Reply { status: 200, data: write(shown, limit, total, &wanted) })
}

fn write<'a>(
    mut shown: impl Iterator<Item = &'a Record>,
    limit: usize,
    total: usize,
    wanted: &[String],
) -> String {
    let page: Vec<_> = shown.by_ref().take(limit).collect();
    let more = shown.next().is_some();
    let position = |record: &&'a Record| {
        let Facts { created_ms, id, .. } = &record.facts;
        Position { created_ms: *created_ms, id }
    };
    let next = page.last().filter(|_| more).map(position).map(cursor::write).unwrap_or_default();
    let size = page.iter().map(|record| record.text.len() + 1).sum::<usize>();
    let mut data = String::with_capacity(size + 256);
    data.push_str(&format!(
        "{{\"pagination\":{{\"total\":{total},\"next_cursor\":\"{next}\",\"has_next_page\":{more}}},\
         \"trackings\":["
    ));
    for (place, record) in page.iter().enumerate() {
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
    Ok(state.store.window(from_ms, to_ms))
}

fn total(state: &mut State, filters: &Filters, window: Range<usize>) -> usize {
    if filters.is_empty() {
        return window.len();
    }
    let key = format!("{window:?} {filters:?}");
    let State { store, totals, .. } = state;
    totals.get(store.version(), key, || {
        store.newest_first(window).filter(|record| filters.pass(record)).count()
    })
}

fn not_negative(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or(0)
}
