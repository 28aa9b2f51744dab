//! `POST /trackings`: takes in a tracking.
//!
//! Source: AfterShip API 2026-07, POST /trackings.

use serde_json::Value;

use super::validate::{self, Object};
use super::{fresh, test_courier};
use crate::couriers;
use crate::errors::ApiError;
use crate::members::{Members, quote};
use crate::options::{DuplicateAnswer, LowerCaseNumbers, Options, Unrecognized};
use crate::router::{Call, Reply};
use crate::store::lookup::Key;
use crate::store::record::{Facts, Record};

/// Answers the fresh tracking with 201.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let body = validate::object(call.body)?;
    let options = &call.state.options;
    let number = number(&body, options.lower_case_numbers)?;
    validate::known_members(&body, &validate::all(), options.lenient)?;
    validate::check(&body)?;
    validate::check_location(&body)?;
    let slug = courier(&body, &number, options)?;
    let store = &call.state.store;
    let custom_id = body.get("id").and_then(Value::as_str);
    let holder = store
        .find(Key::Number(&slug, &number))
        .or_else(|| custom_id.and_then(|id| store.find_by_any_id(id)));
    if let Some((_, holder)) = holder {
        return Err(exists(options.duplicate_answer, &holder.facts));
    }
    let (fresh_id, legacy_id) = call.state.fresh_ids();
    let id = custom_id.unwrap_or(&fresh_id);
    let identity = fresh::Identity { id, legacy_id: &legacy_id, number: &number, slug: &slug };
    let members = fresh::tracking(&identity, &body, call.now_ms);
    let data = take_in(call, &members)?;
    Ok(Reply { status: 201, data })
}

fn take_in(call: &mut Call<'_>, members: &Members<'_>) -> Result<String, ApiError> {
    let failed = |problem: String| ApiError::internal(&problem);
    let store = &mut call.state.store;
    let mut record = Record::from_members(members, &mut store.words).map_err(failed)?;
    (record.facts.created_ms, record.facts.updated_ms) = (call.now_ms, call.now_ms);
    let data = record.text.to_string();
    let slot = store.insert(record.clone()).map_err(failed)?;
    test_courier::start(call.state, slot, record);
    Ok(data)
}

/// The number, or why it is refused: 4007 missing, 4005 no text of 4 to 100 characters, 4017 other
/// characters than `A-Z 0-9 - . _ /`. Which of the two codes the API gives in which case is
/// undocumented.
fn number(body: &Object, lower_case: LowerCaseNumbers) -> Result<String, ApiError> {
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

/// The slug that is given, or the one of the courier whose numbers look like this one.
fn courier(body: &Object, number: &str, options: &Options) -> Result<String, ApiError> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    if let Some(slug) = text("slug") {
        if body.contains_key("slug_group") {
            return Err(ApiError::value_invalid("slug_group"));
        }
        required(slug, body)?;
        return Ok(slug.to_owned());
    }
    let detected = match text("slug_group") {
        Some(group) => Some(
            couriers::detect_in_group(number, group).ok_or_else(ApiError::courier_not_in_group)?,
        ),
        None => couriers::detect(number),
    };
    match (detected, options.unrecognized) {
        (Some(courier), _) => {
            required(courier.slug, body)?;
            Ok(courier.slug.to_owned())
        }
        (None, Unrecognized::Store) => Ok(couriers::UNRECOGNIZED.to_owned()),
        (None, Unrecognized::Refuse) => Err(ApiError::courier_unrecognised()),
    }
}

fn required(slug: &str, body: &Object) -> Result<(), ApiError> {
    let required = couriers::by_slug(slug).map_or(&[] as &[&str], |courier| courier.required);
    let missing: Vec<_> =
        required.iter().copied().filter(|name| !body.contains_key(*name)).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(ApiError::courier_requires(&missing)),
    }
}

/// The refusal that names the tracking which has the slug and number already.
pub(super) fn exists(shape: DuplicateAnswer, holder: &Facts) -> ApiError {
    let (id, number, slug) =
        (quote(&holder.id), quote(&holder.tracking_number), quote(&holder.slug));
    ApiError::exists(match shape {
        DuplicateAnswer::Flat => {
            format!("{{\"id\":{id},\"tracking_number\":{number},\"slug\":{slug}}}")
        }
        DuplicateAnswer::Nested => {
            format!("{{\"tracking\":{{\"tracking_number\":{number},\"slug\":{slug},\"id\":{id}}}}}")
        }
        DuplicateAnswer::Empty => "{}".to_owned(),
    })
}
