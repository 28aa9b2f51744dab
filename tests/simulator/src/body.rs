//! Bodies of requests: how they are read, and the rules that several endpoints share.

use serde_json::{Map, Value};

use crate::errors::ApiError;
use crate::query::refused;
use crate::switches::LowerCaseNumbers;

/// A JSON object in the order of its members.
pub(crate) type Object = Map<String, Value>;

/// Reads a body: 4001 unless it is a JSON object.
pub(crate) fn object(body: &[u8]) -> Result<Object, ApiError> {
    serde_json::from_slice(body).map_err(|_| ApiError::invalid_json())
}

/// Refuses members that the endpoint does not know, unless `lenient`.
pub(crate) fn known_members(body: &Object, known: &[&str], lenient: bool) -> Result<(), ApiError> {
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) if !lenient => Err(refused(name, "is not a member of this body")),
        _ => Ok(()),
    }
}

/// The number, or why it is refused: 4007 missing, 4005 no text of 4 to 100 characters, 4017 other
/// characters than `A-Z 0-9 - . _ /`. Which of the two codes the API gives in which case is
/// undocumented.
pub(crate) fn number(body: &Object, lower_case: LowerCaseNumbers) -> Result<String, ApiError> {
    let given = match body.get("tracking_number") {
        None | Some(Value::Null) => return Err(ApiError::number_required()),
        Some(given) => given.as_str().ok_or_else(ApiError::number_invalid)?,
    };
    let number = match lower_case {
        LowerCaseNumbers::Refuse => given.to_owned(),
        LowerCaseNumbers::Raise => given.to_ascii_uppercase(),
    };
    if !(4..=100).contains(&number.chars().count()) {
        return Err(ApiError::number_invalid());
    }
    let allowed =
        |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-._/".contains(&byte);
    if !number.bytes().all(allowed) {
        return Err(ApiError::number_format());
    }
    Ok(number)
}

/// Whether a text is `[0-9a-zA-Z-_]{1,128}`.
pub(crate) fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether a text is `[a-z0-9-]+`.
pub(crate) fn is_slug(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(allowed)
}

/// Whether a text is three upper-case letters (ISO 3166 alpha-3).
pub(crate) fn is_region(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
