//! The endpoints of trackings.

use crate::api::endpoints::Endpoint;

/// `GET /trackings`.
pub(crate) const LIST: Endpoint = Endpoint {
    name: "trackings-list",
    method: "GET",
    path: "/trackings",
    writes: false,
    per_second: 6,
    scope: "aftership:tracking:read",
};

/// `POST /trackings`. AfterShip refuses a second one with 4003.
pub(crate) const CREATE: Endpoint = Endpoint {
    name: "trackings-create",
    method: "POST",
    path: "/trackings",
    writes: true,
    per_second: 20,
    scope: "aftership:tracking:write",
};

/// `GET /trackings/{id}`.
pub(crate) const GET: Endpoint = Endpoint {
    name: "trackings-get",
    method: "GET",
    path: "/trackings/*",
    writes: false,
    per_second: 5,
    scope: "aftership:tracking:read",
};

/// `PUT /trackings/{id}`.
pub(crate) const UPDATE: Endpoint = Endpoint {
    name: "trackings-update",
    method: "PUT",
    path: "/trackings/*",
    writes: true,
    per_second: 5,
    scope: "aftership:tracking:write",
};

/// `DELETE /trackings/{id}`.
pub(crate) const DELETE: Endpoint = Endpoint {
    name: "trackings-delete",
    method: "DELETE",
    path: "/trackings/*",
    writes: true,
    per_second: 5,
    scope: "aftership:tracking:write",
};

/// `POST /trackings/{id}/retrack`.
pub(crate) const RETRACK: Endpoint = Endpoint {
    name: "trackings-retrack",
    method: "POST",
    path: "/trackings/*/retrack",
    writes: true,
    per_second: 5,
    scope: "aftership:tracking:write",
};

/// `POST /trackings/{id}/mark-as-completed`.
pub(crate) const MARK_AS_COMPLETED: Endpoint = Endpoint {
    name: "trackings-mark-as-completed",
    method: "POST",
    path: "/trackings/*/mark-as-completed",
    writes: true,
    per_second: 5,
    scope: "aftership:tracking:write",
};
