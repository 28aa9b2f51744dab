//! `POST /trackings`: takes in a tracking.
//!
//! Source: AfterShip API 2026-07, POST /trackings.

use serde_json::Value;

use super::validate::Write;
use super::{courier, fresh, test_courier, validate};
use crate::body;
use crate::errors::ApiError;
use crate::members::{Members, quote};
use crate::older;
use crate::router::{Call, Reply};
use crate::store::lookup::Key;
use crate::store::record::{Facts, Record};
use crate::switches::DuplicateAnswer;

/// Answers the fresh tracking with 201.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let options = &call.state.options;
    let body = older::body(body::object(call.body)?, call.version, options.lenient)?;
    let number = body::number(&body, options.lower_case_numbers)?;
    body::known_members(&body, &validate::all(), options.lenient)?;
    validate::check(&body, Write::Create)?;
    validate::check_location(&body)?;
    let slug = courier::choose(&body, &number, call.state)?;
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
    let courier = fresh::AtCourier {
        link: call.state.couriers.find(&slug).map_or("", |courier| &courier.link),
        connection_id: call.state.connections.earliest(&slug),
    };
    let members = fresh::tracking(&identity, &courier, &body, call.now_ms);
    let data = take_in(call, &members)?;
    Ok(Reply { status: 201, data })
}

fn take_in(call: &mut Call<'_>, members: &Members<'_>) -> Result<String, ApiError> {
    let failed = |problem: String| ApiError::internal(&problem);
    let words = &mut call.state.store.words;
    let mut record = Record::from_members(members, words).map_err(failed)?;
    (record.facts.created_ms, record.facts.updated_ms) = (call.now_ms, call.now_ms);
    let data = record.text.to_string();
    let slot = call.state.insert(record.clone(), call.now_ms).map_err(failed)?;
    test_courier::start(call.state, slot, record);
    Ok(data)
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
