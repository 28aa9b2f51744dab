//! Predictions of delivery dates: asked, answered, not stored.

mod answer;
mod batch;
mod fields;
mod pickup;
mod request;
mod single;
mod transit;

use crate::body::Object;
use crate::errors::ApiError;
use crate::router::{Call, Endpoint, endpoint};
use crate::scopes::Scope;

/// The endpoints and their limits.
///
/// Source: AfterShip API 2026-07, Estimated delivery date; rate limit.
pub(crate) static ENDPOINTS: &[Endpoint] = &[
    endpoint(
        "POST /estimated-delivery-date/predict",
        5,
        Scope::EstimatedDeliveryDateWrite,
        &[],
        single::run,
    ),
    endpoint(
        "POST /estimated-delivery-date/predict-batch",
        20,
        Scope::EstimatedDeliveryDateWrite,
        &[],
        batch::run,
    ),
];

/// The body, where the account has predictions at all.
fn body(call: &Call<'_>) -> Result<Object, ApiError> {
    if !call.state.options.predictions {
        return Err(ApiError::no_predictions());
    }
    crate::body::object(call.body)
}
