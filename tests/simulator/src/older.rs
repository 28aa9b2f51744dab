//! Versions before 2026-07, as far as the changelog tells: what their bodies hold, and how their
//! answers look.
//!
//! Source: AfterShip API, versioning and changelogs of 2026-01 and 2026-07.

use serde_json::{Value, json};

use crate::body::Object;
use crate::errors::ApiError;
use crate::members::{Members, elements};
use crate::query::refused;
use crate::router::{Endpoint, Reply};
use crate::scopes::Scope;
use crate::webhooks::{WebhookVersion as Version, shape};

/// Reads the body of a tracking in the version of its request as one of the newest.
pub(crate) fn body(mut body: Object, version: Version, lenient: bool) -> Result<Object, ApiError> {
    if version < Version::V2026_07 {
        if body.remove("shipment_direction").is_some() && !lenient {
            return Err(refused("shipment_direction", "is not a member of this body"));
        }
        let customers = body.get_mut("customers").and_then(Value::as_array_mut);
        for (place, customer) in customers.into_iter().flatten().enumerate() {
            let id = customer.as_object_mut().and_then(|members| members.remove("id"));
            if id.is_some() && !lenient {
                return Err(ApiError::value_invalid(&format!("customers[{place}].id")));
            }
        }
    }
    let promised = "order_promised_delivery_date";
    if version < Version::V2026_01
        && let Some(date) = body.get_mut(promised)
    {
        if !date.is_string() {
            return Err(ApiError::value_invalid(promised));
        }
        *date = json!({ "promised_delivery_date": date });
    }
    Ok(body)
}

/// The answer of an endpoint in the version of its request.
pub(crate) fn answer(endpoint: &Endpoint, version: Version, reply: Reply) -> Reply {
    let of_trackings = matches!(endpoint.scope, Scope::TrackingRead | Scope::TrackingWrite);
    if version >= Version::V2026_07 || !of_trackings {
        return reply;
    }
    let mut data = Members::parse(&reply.data).unwrap_or_default();
    let data = match data.raw("trackings").map(elements) {
        Some(list) => {
            let list: Vec<_> = list.iter().map(|text| shape::of(text, version)).collect();
            data.set("trackings", format!("[{}]", list.join(",")));
            data.render()
        }
        None => shape::of(&reply.data, version),
    };
    Reply { data, ..reply }
}
