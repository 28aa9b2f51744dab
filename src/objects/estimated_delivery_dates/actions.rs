//! `predict` and `predict-batch`.
//!
//! AfterShip switches them on for an account on request; before that they answer 403.

use crate::api::endpoints::{OVER_ALL, READ, per_second};
use crate::api::{Answer, Api, Call};
use connector_sdk::include_json;
use connector_sdk::{
    ActionCall, Error, Outcome,
    declare::{Action, Endpoint},
    json::{self, Kind, Reader, Writer},
};

/// Stores nothing, whatever its scope says.
pub(super) const PREDICT: Endpoint = Endpoint {
    name: "estimated-delivery-date-predict",
    method: "POST",
    path: "/tracking/*/estimated-delivery-date/predict",
    limits: &[OVER_ALL, per_second("estimated-delivery-date-predict", 5)],
    scope: Some("aftership:estimated_delivery_date:write"),
    ..READ
};

/// Stores nothing.
pub(super) const PREDICT_BATCH: Endpoint = Endpoint {
    name: "estimated-delivery-date-predict-batch",
    method: "POST",
    path: "/tracking/*/estimated-delivery-date/predict-batch",
    limits: &[OVER_ALL, per_second("estimated-delivery-date-predict-batch", 20)],
    scope: Some("aftership:estimated_delivery_date:write"),
    ..READ
};

const PREDICT_ONE: Action = Action {
    name: "predict",
    title: "Predict the delivery date of a shipment",
    on_record: false,
    writes: false,
    input_schema: include_json!("predict-input.json"),
    output_schema: include_json!("predict-output.json"),
};

const PREDICT_MANY: Action = Action {
    name: "predict-batch",
    title: "Predict the delivery dates of up to five shipments",
    on_record: false,
    writes: false,
    input_schema: include_json!("predict-batch-input.json"),
    output_schema: include_json!("predict-batch-output.json"),
};

/// Every action on estimated delivery dates.
pub(super) const ACTIONS: &[Action] = &[PREDICT_ONE, PREDICT_MANY];

/// Member that holds a list of shipments, or of predictions.
const LIST: &str = "estimated_delivery_dates";

/// Does one of [`ACTIONS`].
pub(super) fn invoke(api: &Api<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
    let output = if call.action.name == PREDICT_ONE.name {
        one(&api.send(Call::new(PREDICT, "predict the delivery date").body(call.input))?)?
    } else {
        let request = Call::new(PREDICT_BATCH, "predict the delivery dates").body(call.input);
        let asked = predictions(call.input).map_or(0, |asked| asked.len());
        many(&api.send(request)?, asked)?
    };
    Ok(Outcome { output, written: Vec::new() })
}

/// AfterShip's documents contradict each other: `data` is a prediction by the schema, and a list
/// of them by the example (AfterShip API 2026-07, POST /estimated-delivery-date/predict).
fn one(answer: &Answer) -> Result<String, Error> {
    let data = answer.data()?;
    let prediction = match predictions(data).as_deref() {
        None => Some(data),
        Some([prediction]) => Some(*prediction),
        Some(_) => None,
    };
    let prediction = prediction.filter(|prediction| is_prediction(prediction));
    let prediction = prediction.ok_or_else(|| answer.other_shape("it is not one prediction"))?;
    Ok(prediction.to_owned())
}

fn many(answer: &Answer, asked: usize) -> Result<String, Error> {
    let data = answer.data()?;
    let predictions = predictions(data).unwrap_or_default();
    if predictions.len() != asked || !predictions.iter().all(|one| is_prediction(one)) {
        return Err(answer.other_shape("it is not one prediction a shipment"));
    }
    let mut output = Writer::new();
    output.raw(LIST, json::member(data, LIST).unwrap_or("[]"));
    Ok(output.finish())
}

fn predictions(object: &str) -> Option<Vec<&str>> {
    let list = json::member(object, LIST)?;
    Some(Reader::new(list).items().unwrap_or_default())
}

fn is_prediction(text: &str) -> bool {
    Reader::new(text).kind() == Ok(Kind::Object)
        && json::member(text, "estimated_delivery_date").is_some()
}
