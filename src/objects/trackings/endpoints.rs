//! The endpoints of trackings.

use crate::api::endpoints::{OVER_ALL, READ, WRITE, per_second};
use connector_sdk::declare::Endpoint;

/// `GET /trackings`.
pub(crate) const LIST: Endpoint = Endpoint {
    name: "trackings-list",
    path: "/tracking/*/trackings",
    limits: &[OVER_ALL, per_second("trackings-list", 6)],
    scope: Some("aftership:tracking:read"),
    ..READ
};

/// `POST /trackings`. AfterShip refuses a second one with 4003.
pub(crate) const CREATE: Endpoint = Endpoint {
    name: "trackings-create",
    path: "/tracking/*/trackings",
    limits: &[OVER_ALL, per_second("trackings-create", 20)],
    scope: Some("aftership:tracking:write"),
    ..WRITE
};

/// `GET /trackings/{id}`.
pub(crate) const GET: Endpoint = Endpoint {
    name: "trackings-get",
    path: "/tracking/*/trackings/*",
    limits: &[OVER_ALL, per_second("trackings-get", 5)],
    scope: Some("aftership:tracking:read"),
    ..READ
};

/// `PUT /trackings/{id}`.
pub(crate) const UPDATE: Endpoint = Endpoint {
    name: "trackings-update",
    method: "PUT",
    path: "/tracking/*/trackings/*",
    limits: &[OVER_ALL, per_second("trackings-update", 5)],
    scope: Some("aftership:tracking:write"),
    ..WRITE
};

/// `DELETE /trackings/{id}`.
pub(crate) const DELETE: Endpoint = Endpoint {
    name: "trackings-delete",
    method: "DELETE",
    path: "/tracking/*/trackings/*",
    limits: &[OVER_ALL, per_second("trackings-delete", 5)],
    scope: Some("aftership:tracking:write"),
    ..WRITE
};

/// `POST /trackings/{id}/retrack`.
pub(crate) const RETRACK: Endpoint = Endpoint {
    name: "trackings-retrack",
    path: "/tracking/*/trackings/*/retrack",
    limits: &[OVER_ALL, per_second("trackings-retrack", 5)],
    scope: Some("aftership:tracking:write"),
    ..WRITE
};

/// `POST /trackings/{id}/mark-as-completed`.
pub(crate) const MARK_AS_COMPLETED: Endpoint = Endpoint {
    name: "trackings-mark-as-completed",
    path: "/tracking/*/trackings/*/mark-as-completed",
    limits: &[OVER_ALL, per_second("trackings-mark-as-completed", 5)],
    scope: Some("aftership:tracking:write"),
    ..WRITE
};
