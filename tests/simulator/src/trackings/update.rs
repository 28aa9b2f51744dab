//! `PUT /trackings/{id}`: changes the members that are given, and leaves the others.
//!
//! Source: AfterShip API 2026-07, PUT /trackings/{id}. An empty text clears. Whether `customers`
//! are replaced or merged is undocumented; here they are replaced.

use serde_json::Value;

use super::create::exists;
use super::validate::Write;
use super::{fresh, named, store_changed, validate};
use crate::body::{self, Object};
use crate::errors::ApiError;
use crate::members::Members;
use crate::older;
use crate::query::refused;
use crate::router::{Call, Reply};
use crate::store::lookup::Key;
use crate::switches::CustomFieldsUpdate;

/// Answers the changed tracking.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let (slot, record) = named(call)?;
    let options = &call.state.options;
    let mut body = older::body(body::object(call.body)?, call.version, options.lenient)?;
    if let Some(name) = validate::CREATE_ONLY.iter().find(|name| body.contains_key(**name)) {
        return Err(refused(name, "cannot be updated"));
    }
    let known: Vec<_> = validate::both().collect();
    body::known_members(&body, &known, options.lenient)?;
    validate::check(&clearing(&body), Write::Update)?;
    validate::check_location(&body)?;
    if let Some(slug) = body.get("slug").and_then(Value::as_str) {
        let other = call.state.store.find(Key::Number(slug, &record.facts.tracking_number));
        if let Some((_, other)) = other.filter(|(found, _)| *found != slot) {
            return Err(exists(options.duplicate_answer, &other.facts));
        }
    }
    let mut changed = record.clone();
    let mut members = record.members();
    if options.custom_fields_update == CustomFieldsUpdate::Merge {
        merge(&mut body, &members);
    }
    fresh::fill(&mut members, &clearing(&body));
    if body.get("last_mile").is_some_and(Value::is_null) {
        members.set("last_mile", "null");
    }
    for name in validate::CLEARED {
        if body.get(*name).and_then(Value::as_str) == Some("") {
            members.set(name, "null");
        }
    }
    changed.text = members.render().into();
    Ok(Reply { status: 200, data: store_changed(call, slot, &changed)? })
}

/// Adds the custom fields that a tracking has to those that are given.
fn merge(body: &mut Object, members: &Members<'_>) {
    let known = members.raw("custom_fields").map(serde_json::from_str::<Object>);
    if let (Some(Value::Object(given)), Some(Ok(mut fields))) =
        (body.get_mut("custom_fields"), known)
    {
        fields.append(given);
        *given = fields;
    }
}

/// The body without the member that `null` clears, which has no other rule to pass.
fn clearing(body: &Object) -> Object {
    let mut checked = body.clone();
    checked.retain(|name, value| name != "last_mile" || !value.is_null());
    checked
}
