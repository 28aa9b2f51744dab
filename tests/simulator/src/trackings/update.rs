//! `PUT /trackings/{id}`: changes the members that are given, and leaves the others.
//!
//! Source: AfterShip API 2026-07, PUT /trackings/{id}. Whether `custom_fields` and `customers`
//! are replaced or merged is undocumented; here they are replaced.

use serde_json::Value;

use super::create::exists;
use super::{fresh, named, store_changed, validate};
use crate::body::{self, Object};
use crate::errors::ApiError;
use crate::query::refused;
use crate::router::{Call, Reply};
use crate::store::lookup::Key;

/// Answers the changed tracking.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (slot, record) = named(call)?;
    let body = body::object(call.body)?;
    if let Some(name) = validate::CREATE_ONLY.iter().find(|name| body.contains_key(**name)) {
        return Err(refused(name, "cannot be updated"));
    }
    let known: Vec<_> = validate::both().collect();
    body::known_members(&body, &known, call.state.options.lenient)?;
    let checked = clearing(&body);
    validate::check(&checked)?;
    validate::check_location(&body)?;
    if let Some(slug) = body.get("slug").and_then(Value::as_str) {
        let other = call.state.store.find(Key::Number(slug, &record.facts.tracking_number));
        if let Some((_, other)) = other.filter(|(found, _)| *found != slot) {
            return Err(exists(call.state.options.duplicate_answer, &other.facts));
        }
    }
    let mut changed = record.clone();
    let mut members = record.members();
    fresh::fill(&mut members, &checked);
    if body.get("last_mile").is_some_and(Value::is_null) {
        members.set("last_mile", "null");
    }
    if body.get("note").and_then(Value::as_str) == Some("") {
        members.set("note", "null");
    }
    changed.text = members.render().into();
    Ok(Reply { status: 200, data: store_changed(call, slot, &changed)? })
}

/// The body without the member that `null` clears, which has no other rule to pass.
fn clearing(body: &Object) -> Object {
    let mut checked = body.clone();
    checked.retain(|name, value| name != "last_mile" || !value.is_null());
    checked
}
