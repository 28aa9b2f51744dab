//! `POST /estimated-delivery-date/predict-batch`: up to five predictions, all or none.
//!
//! Source: AfterShip API 2026-07, POST /estimated-delivery-date/predict-batch.

use serde_json::json;

use super::answer::predict;
use super::request::Request;
use crate::body::known_members;
use crate::errors::ApiError;
use crate::query::refused;
use crate::router::{Call, Reply};

/// The one member of the body, and of the answer.
const NAME: &str = "estimated_delivery_dates";

/// Answers the predictions in the order in which they were asked.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let body = super::body(call)?;
    let lenient = call.state.options.lenient;
    known_members(&body, &[NAME], lenient)?;
    let asked = body.get(NAME).ok_or_else(|| refused(NAME, "is required"))?;
    let asked = asked.as_array().filter(|list| (1..=5).contains(&list.len()));
    let asked = asked.ok_or_else(|| refused(NAME, "must be a list of 1 to 5"))?;
    let mut predictions = Vec::new();
    for (place, one) in asked.iter().enumerate() {
        let path = format!("{NAME}[{place}]");
        let one = one.as_object().ok_or_else(|| refused(&path, "must be an object"))?;
        let request = Request::read(one, format!("{path}."), lenient)?;
        predictions.push(predict(&request, &call.state.fresh_id())?);
    }
    Ok(Reply { status: 200, data: json!({ NAME: predictions }).to_string() })
}
