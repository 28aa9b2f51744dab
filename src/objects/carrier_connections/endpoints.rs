//! The endpoints of carrier connections.

use crate::api::endpoints::Endpoint;

/// `GET /courier-connections`.
pub(super) const LIST: Endpoint = Endpoint {
    name: "courier-connections-list",
    method: "GET",
    path: "/courier-connections",
    writes: false,
    per_second: 5,
    scope: "aftership:carrier_connection:read",
};

/// `POST /courier-connections`. Nothing refuses a second one.
pub(super) const CREATE: Endpoint = Endpoint {
    name: "courier-connections-create",
    method: "POST",
    path: "/courier-connections",
    writes: true,
    per_second: 5,
    scope: "aftership:carrier_connection:write",
};

/// `GET /courier-connections/{id}`.
pub(super) const GET: Endpoint = Endpoint {
    name: "courier-connections-get",
    method: "GET",
    path: "/courier-connections/*",
    writes: false,
    per_second: 5,
    scope: "aftership:carrier_connection:read",
};

/// `PATCH /courier-connections/{id}`.
pub(super) const UPDATE: Endpoint = Endpoint {
    name: "courier-connections-update",
    method: "PATCH",
    path: "/courier-connections/*",
    writes: true,
    per_second: 5,
    scope: "aftership:carrier_connection:write",
};

/// `DELETE /courier-connections/{id}`.
pub(super) const DELETE: Endpoint = Endpoint {
    name: "courier-connections-delete",
    method: "DELETE",
    path: "/courier-connections/*",
    writes: true,
    per_second: 5,
    scope: "aftership:carrier_connection:write",
};
