//! The cursor of lists: Base64 of `[place,"id"]` of the last one shown, where the place is its time
//! in milliseconds, or its number in a shuffled list.
//!
//! Source: AfterShip API 2026-07, GET /trackings, example of `next_cursor`.

use crate::errors::ApiError;
use crate::members::quote;
use crate::query::{Query, refused};
use crate::text::{base64_decode, base64_encode};

/// The cursor that continues after a place.
pub(crate) fn write(place: u64, id: &str) -> String {
    base64_encode(format!("[{place},{}]", quote(id)).as_bytes())
}

/// The place and the id that the parameter `cursor` holds; a malformed one is a 400.
pub(crate) fn after(query: &Query) -> Result<Option<(u64, String)>, ApiError> {
    let read = |text| read(text).ok_or_else(|| refused("cursor", "is malformed"));
    query.get("cursor").map(read).transpose()
}

fn read(cursor: &str) -> Option<(u64, String)> {
    serde_json::from_slice(&base64_decode(cursor)?).ok()
}
