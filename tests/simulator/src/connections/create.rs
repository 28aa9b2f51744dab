//! `POST /courier-connections`: takes in credentials for a courier.
//!
//! Source: AfterShip API 2026-07, POST /courier-connections.

use super::record::Connection;
use super::{credentials, shown};
use crate::body::{self, Object, is_slug};
use crate::couriers::{Courier, is_retired};
use crate::errors::ApiError;
use crate::query::refused;
use crate::router::{Call, Reply};
use crate::state::State;

/// Answers the fresh connection with 201.
pub(super) fn run(call: &mut Call<'_>) -> Result<Reply, ApiError> {
    let body = body::object(call.body)?;
    let lenient = call.state.options.lenient;
    body::known_members(&body, &["courier_slug", "credentials"], lenient)?;
    let courier = courier(&body, call.state)?;
    let given = credentials::given(&body)?;
    let Some(wanted) = &courier.credentials else {
        return Err(refused("courier_slug", "names a courier that takes no credentials"));
    };
    let credentials = credentials::fitting(given.clone(), wanted, lenient)?;
    let slug = courier.slug.clone();
    let id = call.state.fresh_id();
    let connection = Connection::new(&id, &slug, &credentials, call.now_ms);
    let data = shown(&connection, &call.state.options);
    call.state.connections.insert(connection);
    Ok(Reply { status: 201, data })
}

fn courier<'a>(body: &Object, state: &'a State) -> Result<&'a Courier, ApiError> {
    let given = body.get("courier_slug").ok_or_else(|| ApiError::value_required("courier_slug"))?;
    let slug = given.as_str().filter(|slug| is_slug(slug) && !is_retired(&state.options, slug));
    let courier = slug.and_then(|slug| state.couriers.find(slug));
    courier.ok_or_else(ApiError::courier_slug_invalid)
}
