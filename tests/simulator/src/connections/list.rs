//! `GET /courier-connections`: newest first, in pages.
//!
//! Source: AfterShip API 2026-07, GET /courier-connections. The order is undocumented; here it is
//! the one of trackings.

use super::shown;
use crate::body::is_slug;
use crate::cursor;
use crate::errors::ApiError;
use crate::query::refused;
use crate::router::{Call, Reply};
use crate::store::order::Position;

/// The query parameters.
pub(super) const QUERY: &[&str] = &["courier_slug", "cursor", "limit"];

/// Answers one page.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let query = &call.query;
    let limit = query.integer("limit", 1..=200)?.unwrap_or(100);
    let limit = usize::try_from(limit).unwrap_or(100);
    let courier_slug = query.get("courier_slug");
    if courier_slug.is_some_and(|slug| !is_slug(slug)) {
        return Err(refused("courier_slug", "must be a slug"));
    }
    let after = cursor::after(query)?;
    let all = call.state.connections.newest_first(courier_slug);
    let total = all.len();
    let mut rest = all.into_iter().filter(|connection| match &after {
        Some((created_ms, id)) => connection.comes_after(Position { created_ms: *created_ms, id }),
        None => true,
    });
    let page: Vec<_> = rest.by_ref().take(limit).collect();
    let more = rest.next().is_some();
    let last = page.last().filter(|_| more);
    let next = last.map(|last| cursor::write(last.created_ms, &last.id)).unwrap_or_default();
    let options = &call.state.options;
    let texts: Vec<_> = page.iter().map(|connection| shown(connection, options)).collect();
    let data = format!(
        "{{\"pagination\":{{\"total\":{total},\"next_cursor\":\"{next}\",\"has_next_page\":{more}}},\
         \"courier_connections\":[{}]}}",
        texts.join(",")
    );
    Ok(Reply { status: 200, data })
}
