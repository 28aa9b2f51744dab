//! `GET /trackings/{id}`: one tracking, whole or cut down.
//!
//! Source: AfterShip API 2026-07, GET /trackings/{id}. The retention does not apply here.

use super::{fields, named};
use crate::errors::ApiError;
use crate::query::refused;
use crate::router::{Call, Reply};
use crate::switches::Ghost;

/// The query parameters.
pub(super) const QUERY: &[&str] = &["fields", "lang"];

/// What `fields` may name.
const FIELDS: &[&str] = &[
    "destination_postal_code",
    "tracking_ship_date",
    "tracking_account_number",
    "tracking_key",
    "origin_country_region",
    "destination_country_region",
    "destination_state",
    "title",
    "order_id",
    "tag",
    "checkpoints",
];

/// What `lang` may be. It is checked only: messages are not translated here.
const LANGUAGES: &[&str] = &[
    "en", "fr", "fr-CA", "ar", "bg", "ca", "hr", "cs", "da", "nl", "et", "tl", "fi", "de", "el",
    "he", "hi", "hu", "id", "it", "ja", "ko", "lv", "lt", "ms", "pl", "pt", "ro", "ru", "sr", "sk",
    "sl", "es", "sv", "th", "tr", "uk", "vi", "zh-Hans", "zh-Hant", "nb",
];

/// Answers the tracking.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let wanted = call.query.choices("fields", FIELDS)?;
    if call.query.get("lang").is_some_and(|lang| !LANGUAGES.contains(&lang)) {
        return Err(refused("lang", "is not a language of this endpoint"));
    }
    let (_, record) = named(call)?;
    if call.state.ghosts.get(&*record.facts.id) == Some(&Ghost::Listed) {
        return Err(ApiError::no_tracking());
    }
    let mut data = String::new();
    fields::push(&mut data, record, &wanted);
    Ok(Reply { status: 200, data })
}
