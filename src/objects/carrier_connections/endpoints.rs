//! The endpoints of carrier connections.

use crate::api::endpoints::{OVER_ALL, READ, WRITE, per_second};
use connector_sdk::declare::Endpoint;

/// `GET /courier-connections`.
pub(super) const LIST: Endpoint = Endpoint {
    name: "courier-connections-list",
    path: "/tracking/*/courier-connections",
    limits: &[OVER_ALL, per_second("courier-connections-list", 5)],
    scope: Some("aftership:carrier_connection:read"),
    ..READ
};

/// `POST /courier-connections`. Nothing refuses a second one.
pub(super) const CREATE: Endpoint = Endpoint {
    name: "courier-connections-create",
    path: "/tracking/*/courier-connections",
    limits: &[OVER_ALL, per_second("courier-connections-create", 5)],
    scope: Some("aftership:carrier_connection:write"),
    ..WRITE
};

/// `GET /courier-connections/{id}`.
pub(super) const GET: Endpoint = Endpoint {
    name: "courier-connections-get",
    path: "/tracking/*/courier-connections/*",
    limits: &[OVER_ALL, per_second("courier-connections-get", 5)],
    scope: Some("aftership:carrier_connection:read"),
    ..READ
};

/// `PATCH /courier-connections/{id}`.
pub(super) const UPDATE: Endpoint = Endpoint {
    name: "courier-connections-update",
    method: "PATCH",
    path: "/tracking/*/courier-connections/*",
    limits: &[OVER_ALL, per_second("courier-connections-update", 5)],
    scope: Some("aftership:carrier_connection:write"),
    ..WRITE
};

/// `DELETE /courier-connections/{id}`.
pub(super) const DELETE: Endpoint = Endpoint {
    name: "courier-connections-delete",
    method: "DELETE",
    path: "/tracking/*/courier-connections/*",
    limits: &[OVER_ALL, per_second("courier-connections-delete", 5)],
    scope: Some("aftership:carrier_connection:write"),
    ..WRITE
};
