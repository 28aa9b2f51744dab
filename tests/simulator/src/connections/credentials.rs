//! The rules for credentials: what a body may bring, and what the courier asks for.
//!
//! Source: AfterShip API 2026-07, POST and PATCH /courier-connections; GET /couriers,
//! `credentials.fields`.

use serde_json::Value;

use crate::body::Object;
use crate::couriers::Credential;
use crate::errors::ApiError;
use crate::query::refused;

/// The member `credentials` of a body: texts by name. 4009 when it is missing, 4008 when it is
/// something else.
pub(super) fn given(body: &Object) -> Result<&Object, ApiError> {
    let value = body.get("credentials").ok_or_else(|| ApiError::value_required("credentials"))?;
    let given = value.as_object().ok_or_else(|| ApiError::value_invalid("credentials"))?;
    match given.iter().find(|(_, value)| value.as_str().is_none_or(str::is_empty)) {
        Some((name, _)) => Err(ApiError::value_invalid(&format!("credentials.{name}"))),
        None => Ok(given),
    }
}

/// Holds credentials against what the courier asks for, and answers those that it knows: 4009
/// names all that are missing; an unknown one is a 400, or left out where `lenient`.
pub(super) fn fitting(
    mut given: Object,
    wanted: &[Credential],
    lenient: bool,
) -> Result<Object, ApiError> {
    let known = |name: &str| wanted.iter().any(|credential| credential.name == name);
    if let Some(name) = given.keys().find(|name| !known(name)).filter(|_| !lenient) {
        let name = format!("credentials.{name}");
        return Err(refused(&name, "is not a credential of this courier"));
    }
    given.retain(|name, _: &mut Value| known(name));
    let missing: Vec<_> = wanted
        .iter()
        .filter(|credential| credential.required && !given.contains_key(&credential.name))
        .map(|credential| format!("credentials.{}", credential.name))
        .collect();
    match missing.is_empty() {
        true => Ok(given),
        false => Err(ApiError::value_required(&missing.join("`, `"))),
    }
}
