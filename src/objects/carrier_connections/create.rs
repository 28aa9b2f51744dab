//! What a courier asks for, before it is given to AfterShip.

use super::credentials::CREDENTIALS;
use super::{COURIER, find};
use crate::api::Api;
use crate::objects::couriers;
use connector_sdk::{
    Error, ErrorKind, Violation, Written,
    json::{self, Value},
    text::join,
};

/// Reads the courier and compares: AfterShip would refuse the same, or store what cannot work.
///
/// # Errors
/// `invalid-input` for a courier that does not exist and for each credential that it
/// requires and that is missing or empty; else why the courier could not be read.
pub(super) fn check(api: &Api<'_>, input: &str) -> Result<(), Error> {
    let slug = json::text_member(input, COURIER).unwrap_or_default();
    let courier = match couriers::with_slug(api, &slug, "read what the courier asks for") {
        // The grant may lack the scope `aftership:courier:read`: then AfterShip judges alone.
        Err(
            Error { kind: ErrorKind::Forbidden, .. } | Error { kind: ErrorKind::Unsupported, .. },
        ) => return Ok(()),
        courier => courier?,
    };
    let Some(courier) = courier else {
        return Err(Error::invalid_member("/courier_slug", couriers::unknown(&slug)));
    };
    let violations = missing(&courier.data, json::member(input, CREDENTIALS).unwrap_or("{}"));
    if violations.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = violations.iter().map(|violation| violation.message.as_str()).collect();
    let text = format!("The courier `{slug}` asks for more: {}.", join(&names, ", "));
    Err(Error::invalid(text + " Nothing was sent; correct it.", violations))
}

/// The connection that an earlier attempt made. Another is never made: nothing would refuse it, and
/// one that was just made may not be listed yet.
///
/// # Errors
/// `outcome-unknown` unless exactly one connection is there; else why they could not be
/// read.
pub(super) fn found(api: &Api<'_>, input: &str) -> Result<Written, Error> {
    let inputs = [input.to_owned()];
    let mut found = match find::matching(api, &inputs) {
        // AfterShip masks the credentials.
        Err(error @ Error { kind: ErrorKind::InvalidInput(_), .. }) => {
            return Err(Error { kind: ErrorKind::OutcomeUnknown, ..error });
        }
        found => found?.into_iter().flatten(),
    };
    match (found.next(), found.next()) {
        (Some(item), None) => Ok(Written::whole(item)),
        (None, _) => Err(unknown("no carrier connection with these credentials is listed")),
        (Some(_), Some(_)) => Err(unknown("several carrier connections have these credentials")),
    }
}

fn unknown(why: &str) -> Error {
    Error::outcome_unknown(format!(
        "Cannot tell whether the carrier connection was created: {why}. Nothing was sent again; look \
         in the AfterShip admin before another one is created."
    ))
}

/// AfterShip API 2026-07, GET /couriers: `credentials.fields` are `{name, type, required}`.
fn missing(courier: &str, given: &str) -> Vec<Violation> {
    let fields = json::member(courier, "credentials").and_then(|all| json::member(all, "fields"));
    let Some(Ok(fields)) = fields.map(Value::parse) else { return Vec::new() };
    let missing = fields.items().iter().filter_map(|field| {
        let name = field.get("name").and_then(Value::text)?;
        let is_required = field.get("required") == Some(&Value::Bool(true));
        let is_given = json::text_member(given, name).is_some_and(|value| !value.is_empty());
        if is_given || !is_required {
            return None;
        }
        let kind = field.get("type").and_then(Value::text);
        let kind = kind.map_or_else(String::new, |kind| format!(" ({kind})"));
        let pointer = format!("/{CREDENTIALS}/{}", json::pointer_token(name));
        Some(Violation { pointer, message: format!("`{name}`{kind} is required") })
    });
    missing.collect()
}
