//! `POST /estimated-delivery-date/predict`: one prediction.
//!
//! Source: AfterShip API 2026-07, POST /estimated-delivery-date/predict.

use serde_json::json;

use super::answer::predict;
use super::request::Request;
use crate::errors::ApiError;
use crate::router::{Call, Reply};
use crate::switches::PredictAnswer;

/// Answers the prediction.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let body = super::body(call)?;
    let request = Request::read(&body, String::new(), call.state.options.lenient)?;
    let prediction = predict(&request, &call.state.fresh_id())?;
    let data = match call.state.options.predict_answer {
        PredictAnswer::Object => prediction,
        PredictAnswer::List => json!({ "estimated_delivery_dates": [prediction] }),
    };
    Ok(Reply { status: 200, data: data.to_string() })
}
