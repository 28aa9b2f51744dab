//! Which courier a tracking that is created goes to.
//!
//! Source: AfterShip API 2026-07, POST /trackings, `slug` and `slug_group`; request errors, 4011
//! and 4012.

use serde_json::Value;

use crate::body::Object;
use crate::couriers::{self, Courier, is_active, is_of_group, is_retired};
use crate::errors::ApiError;
use crate::state::State;
use crate::switches::Unrecognized;

/// The slug that is given, or the one of the most likely courier among those that are activated.
pub(super) fn choose(body: &Object, number: &str, state: &State) -> Result<String, ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let group = text("slug_group");
    if let Some(slug) = text("slug") {
        if group.is_some() {
            return Err(ApiError::value_invalid("slug_group"));
        }
        permitted(slug, number, state)?;
        if let Some(courier) = state.couriers.find(slug) {
            required(courier, body)?;
        }
        return Ok(slug.to_owned());
    }
    let options = &state.options;
    let (mut seen, mut detected) = (false, None);
    for courier in state.couriers.detect(number) {
        let slug = &courier.slug;
        if group.is_none_or(|group| is_of_group(slug, group)) && !is_retired(options, slug) {
            seen = true;
            detected = detected.or(Some(courier).filter(|_| is_active(options, slug)));
        }
    }
    match (detected, group, options.unrecognized) {
        (Some(courier), ..) => {
            required(courier, body)?;
            Ok(courier.slug.to_string())
        }
        (None, None, Unrecognized::Store) => Ok(couriers::UNRECOGNIZED.to_owned()),
        (None, ..) if seen => Err(ApiError::courier_not_approved()),
        (None, Some(_), _) => Err(ApiError::courier_not_in_group()),
        (None, None, Unrecognized::Refuse) => Err(ApiError::courier_unrecognised()),
    }
}

/// Refuses a courier that is given, with 4012.
fn permitted(slug: &str, number: &str, state: &State) -> Result<(), ApiError> {
    let options = &state.options;
    if is_retired(options, slug) {
        return Err(ApiError::courier_retired());
    }
    if options.active_couriers_only && !is_active(options, slug) {
        return Err(ApiError::courier_not_approved());
    }
    let looks_wrong =
        || state.couriers.find(slug).and_then(|courier| courier.recognises(number)) == Some(false);
    if options.strict_numbers && looks_wrong() {
        return Err(ApiError::courier_number_format());
    }
    Ok(())
}

/// The phone number of a customer, as the additional fields of a courier name it.
const PHONE_NUMBER: &str = "customers[x].phone_number";

fn is_given(body: &Object, name: &str) -> bool {
    if name != PHONE_NUMBER {
        return body.contains_key(name);
    }
    let mut customers = body.get("customers").and_then(Value::as_array).into_iter().flatten();
    customers.any(|customer| customer.get("phone_number").is_some_and(Value::is_string))
}

/// Refuses a body without the members that the courier asks for, with 4011.
fn required(courier: &Courier, body: &Object) -> Result<(), ApiError> {
    let names = courier.required.iter().map(String::as_str);
    let missing: Vec<_> = names.filter(|name| !is_given(body, name)).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(ApiError::courier_requires(&missing)),
    }
}
