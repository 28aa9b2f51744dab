//! All 16 operations of AfterShip's Tracking API 2026-07, and the limits they count against.
//!
//! The manifest declares them and every call is made from them, so what is declared and what is
//! sent cannot differ.

use crate::error::Effect;

/// Kept on top of AfterShip's limits per endpoint: 600 requests a minute over everything.
pub const OVER_ALL: Limit = Limit { name: "all", requests: 600, window_ms: 60_000 };

/// A number of requests in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Name of the limit.
    pub name: &'static str,
    /// How many requests.
    pub requests: u32,
    /// In how many milliseconds.
    pub window_ms: u32,
}

/// One operation of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// HTTP method, upper case.
    pub method: &'static str,
    /// Path after `/tracking/{version}`; `*` stands for one segment.
    pub path: &'static str,
    /// What a request does.
    pub effect: Effect,
    /// Its own limit per second (AfterShip API 2026-07, "Rate limit"), besides [`OVER_ALL`].
    pub limit: Limit,
}

impl Endpoint {
    /// Whether its code 404 means the record. Of a tracking AfterShip says 4004, and 404 of an
    /// address that it does not know; of a courier connection it documents no code of its own.
    #[must_use]
    pub fn record_404(&self) -> bool {
        self.path.starts_with("/courier-connections/")
    }
}

const fn endpoint(
    method: &'static str,
    path: &'static str,
    effect: Effect,
    limit: &'static str,
    per_second: u32,
) -> Endpoint {
    let limit = Limit { name: limit, requests: per_second, window_ms: 1000 };
    Endpoint { method, path, effect, limit }
}

use Effect::{Read, RepeatableWrite, Write};

/// `GET /trackings`.
pub const TRACKINGS_LIST: Endpoint = endpoint("GET", "/trackings", Read, "trackings-list", 6);
/// `POST /trackings`. AfterShip refuses a second one with 4003.
pub const TRACKINGS_CREATE: Endpoint =
    endpoint("POST", "/trackings", Write, "trackings-create", 20);
/// `GET /trackings/{id}`.
pub const TRACKINGS_GET: Endpoint = endpoint("GET", "/trackings/*", Read, "trackings-get", 5);
/// `PUT /trackings/{id}`.
pub const TRACKINGS_UPDATE: Endpoint =
    endpoint("PUT", "/trackings/*", RepeatableWrite, "trackings-update", 5);
/// `DELETE /trackings/{id}`.
pub const TRACKINGS_DELETE: Endpoint =
    endpoint("DELETE", "/trackings/*", RepeatableWrite, "trackings-delete", 5);
/// `POST /trackings/{id}/retrack`.
pub const TRACKINGS_RETRACK: Endpoint =
    endpoint("POST", "/trackings/*/retrack", Write, "trackings-retrack", 5);
/// `POST /trackings/{id}/mark-as-completed`.
pub const TRACKINGS_MARK_AS_COMPLETED: Endpoint =
    endpoint("POST", "/trackings/*/mark-as-completed", Write, "trackings-mark-as-completed", 5);
/// `GET /couriers`.
pub const COURIERS_LIST: Endpoint = endpoint("GET", "/couriers", Read, "couriers-list", 5);
/// `POST /couriers/detect`: a question, though its method is POST.
pub const COURIERS_DETECT: Endpoint =
    endpoint("POST", "/couriers/detect", Read, "couriers-detect", 3);
/// `GET /courier-connections`.
pub const COURIER_CONNECTIONS_LIST: Endpoint =
    endpoint("GET", "/courier-connections", Read, "courier-connections-list", 5);
/// `POST /courier-connections`.
pub const COURIER_CONNECTIONS_CREATE: Endpoint =
    endpoint("POST", "/courier-connections", Write, "courier-connections-create", 5);
/// `GET /courier-connections/{id}`.
pub const COURIER_CONNECTIONS_GET: Endpoint =
    endpoint("GET", "/courier-connections/*", Read, "courier-connections-get", 5);
/// `PATCH /courier-connections/{id}`.
pub const COURIER_CONNECTIONS_UPDATE: Endpoint =
    endpoint("PATCH", "/courier-connections/*", RepeatableWrite, "courier-connections-update", 5);
/// `DELETE /courier-connections/{id}`.
pub const COURIER_CONNECTIONS_DELETE: Endpoint =
    endpoint("DELETE", "/courier-connections/*", RepeatableWrite, "courier-connections-delete", 5);
/// `POST /estimated-delivery-date/predict`: stores nothing.
pub const PREDICT: Endpoint = endpoint(
    "POST",
    "/estimated-delivery-date/predict",
    Read,
    "estimated-delivery-date-predict",
    5,
);
/// `POST /estimated-delivery-date/predict-batch`: stores nothing.
pub const PREDICT_BATCH: Endpoint = endpoint(
    "POST",
    "/estimated-delivery-date/predict-batch",
    Read,
    "estimated-delivery-date-predict-batch",
    20,
);

/// Every endpoint, in the order of AfterShip's documentation.
pub const ALL: [Endpoint; 16] = [
    TRACKINGS_LIST,
    TRACKINGS_CREATE,
    TRACKINGS_GET,
    TRACKINGS_UPDATE,
    TRACKINGS_DELETE,
    TRACKINGS_RETRACK,
    TRACKINGS_MARK_AS_COMPLETED,
    COURIERS_LIST,
    COURIERS_DETECT,
    COURIER_CONNECTIONS_LIST,
    COURIER_CONNECTIONS_CREATE,
    COURIER_CONNECTIONS_GET,
    COURIER_CONNECTIONS_UPDATE,
    COURIER_CONNECTIONS_DELETE,
    PREDICT,
    PREDICT_BATCH,
];
