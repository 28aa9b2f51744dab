//! Every refusal of the API, one constructor each: HTTP status, `meta.code`, `meta.type`, message.

use crate::members::quote;

/// A refusal: what the envelope of an error answer holds.
///
/// Source: AfterShip API 2026-07, request errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    /// HTTP status.
    pub(crate) status: u16,
    /// `meta.code`: the status, or a four-digit code.
    pub(crate) code: u16,
    /// `meta.type`.
    pub(crate) kind: &'static str,
    /// `meta.message`.
    pub(crate) message: String,
    /// `data` as JSON text: `{}`, or hints.
    pub(crate) data: String,
    /// The header `www-authenticate`: why an access token does not do (RFC 6750, 3).
    pub(crate) challenge: Option<String>,
}

impl ApiError {
    /// 400: a parameter of the query is unknown, malformed or out of range.
    pub(crate) fn invalid_request(detail: &str) -> Self {
        let message = "The request was invalid or cannot be otherwise served.";
        Self::bad_request(400, format!("{message} {detail}"))
    }

    /// 4001: the body is not a JSON object.
    pub(crate) fn invalid_json() -> Self {
        Self::bad_request(4001, "Invalid JSON data.")
    }

    /// 4003: the pair of slug and number is taken. `data` tells by which tracking.
    pub(crate) fn exists(data: String) -> Self {
        Self { data, ..Self::bad_request(4003, "Tracking number already exists.") }
    }

    /// 4004: no such tracking. HTTP 404, yet the type is `BadRequest`.
    pub(crate) fn no_tracking() -> Self {
        Self { status: 404, ..Self::bad_request(4004, "Tracking does not exist.") }
    }

    /// 4005: the tracking number is no text of 4 to 100 characters.
    pub(crate) fn number_invalid() -> Self {
        Self::bad_request(4005, "The value of `tracking_number` is invalid.")
    }

    /// 4007: the tracking number is missing.
    pub(crate) fn number_required() -> Self {
        Self::bad_request(4007, "`tracking_number` is required.")
    }

    /// 4008: a member has the wrong type, length, form or value.
    pub(crate) fn value_invalid(member: &str) -> Self {
        Self::bad_request(4008, format!("The value of `{member}` is invalid."))
    }

    /// 4009: a member is missing.
    pub(crate) fn value_required(member: &str) -> Self {
        Self::bad_request(4009, format!("`{member}` is required."))
    }

    /// 4010: the slug has the wrong type or characters.
    pub(crate) fn slug_invalid() -> Self {
        Self::bad_request(4010, "The value of `slug` is invalid.")
    }

    /// 4010 for the courier of a connection: no such courier.
    pub(crate) fn courier_slug_invalid() -> Self {
        Self::bad_request(4010, "The value of `courier_slug` is invalid.")
    }

    /// 4011: the courier needs more members than were given.
    pub(crate) fn courier_requires(members: &[&str]) -> Self {
        let message = "The value of one or more required fields of the courier is invalid";
        Self::bad_request(4011, format!("{message}, also required: {}.", members.join(", ")))
    }

    /// 4012: the courier is not activated.
    pub(crate) fn courier_not_approved() -> Self {
        let message = "Unable to import shipment as the carrier is not on your approved list for \
                       carrier auto-correction. Add it here: \
                       https://admin.aftership.com/settings/couriers";
        Self::bad_request(4012, message)
    }

    /// 4012: the number does not look like those of the courier.
    pub(crate) fn courier_number_format() -> Self {
        let message = "Unable to import shipment as the tracking number has an invalid format.";
        Self::bad_request(4012, message)
    }

    /// 4012: the courier is not supported any more.
    pub(crate) fn courier_retired() -> Self {
        let message = "Unable to import shipment as this carrier is no longer supported.";
        Self::bad_request(4012, message)
    }

    /// 4012: no courier is recognised from the number.
    pub(crate) fn courier_unrecognised() -> Self {
        let message = "Unable to import shipment as we don't recognize the carrier from this \
                       tracking number.";
        Self::bad_request(4012, message)
    }

    /// 4012: the number belongs to no courier of the slug group.
    pub(crate) fn courier_not_in_group() -> Self {
        let message = "Unable to import shipment as the tracking number does not belong to a \
                       carrier in that group.";
        Self::bad_request(4012, message)
    }

    /// 4013: only inactive trackings can be retracked.
    pub(crate) fn retrack_active() -> Self {
        let message = "Retrack is not allowed. You can only retrack an inactive tracking.";
        Self::bad_request(4013, message)
    }

    /// 4015: the id in the path or the body has the wrong characters or length.
    pub(crate) fn id_invalid() -> Self {
        Self::bad_request(4015, "The value of `id` is invalid.")
    }

    /// 4016: the tracking was retracked as often as is allowed.
    pub(crate) fn retrack_spent() -> Self {
        let message = "Retrack is not allowed. You can only retrack each shipment once.";
        Self::bad_request(4016, message)
    }

    /// 4017: the tracking number holds other characters than `A-Z 0-9 - . _ /`.
    pub(crate) fn number_format() -> Self {
        Self::bad_request(4017, "The format of `tracking_number` is invalid.")
    }

    /// 401: no key, or a wrong one.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "The API key is invalid.")
    }

    /// 401: a request of a signed key is not signed, or not as it must be. The API's own words are
    /// not known.
    pub(crate) fn signature_refused(reason: &str) -> Self {
        Self::new(401, "Unauthorized", &format!("The API key is for signed requests: {reason}."))
    }

    /// 401: a request with both a key and an access token.
    pub(crate) fn two_credentials() -> Self {
        let message = "Send either the header `as-api-key` or the header `authorization`, once.";
        Self::new(401, "Unauthorized", message)
    }

    /// 401: an access token that is unknown, expired or revoked. The API's own words are not known.
    pub(crate) fn token_invalid() -> Self {
        let message = "The access token is unknown, expired or revoked.";
        let challenge = Some("Bearer error=\"invalid_token\"".to_owned());
        Self { challenge, ..Self::new(401, "Unauthorized", message) }
    }

    /// 403: the access token lacks a scope. The API's own words are not known.
    pub(crate) fn token_lacks(scope: &str) -> Self {
        let message = format!("The access token lacks the scope {scope}.");
        let challenge = Some(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""));
        Self { challenge, ..Self::new(403, "Forbidden", &message) }
    }

    /// 403: the plan of the account has no API.
    pub(crate) fn forbidden() -> Self {
        let message = "You don't have permission to access AfterShip API. Select a plan at \
                       https://admin.aftership.com/settings/billing to get access to premium \
                       features";
        Self::new(403, "Forbidden", message)
    }

    /// 403: the key lacks a scope. The API's own words are not known.
    pub(crate) fn scope_missing(scope: &str) -> Self {
        Self::new(403, "Forbidden", &format!("The API key lacks the scope {scope}."))
    }

    /// 403: estimated delivery dates are not switched on. The API's own words are not known.
    pub(crate) fn no_predictions() -> Self {
        let message = "Estimated delivery dates are not activated for this account.";
        Self::new(403, "Forbidden", message)
    }

    /// 404: no such path, or not with this method. `data.resource` repeats the path.
    pub(crate) fn unknown_uri(path: &str) -> Self {
        let message = "The URI requested is invalid or the resource requested does not exist.";
        let data = format!("{{\"resource\":{}}}", quote(path));
        Self { data, ..Self::new(404, "NotFound", message) }
    }

    /// 429: more requests than the endpoint takes in this second. The message names the limit of
    /// earlier versions, as the API's own does.
    pub(crate) fn too_many_requests() -> Self {
        let message = "You have exceeded the API call rate limit. Default limit is 10 requests \
                       per second.";
        Self::new(429, "TooManyRequests", message)
    }

    /// 429: more requests than a free account has in a day. The words are those of 2020.
    pub(crate) fn daily_quota(most: u32, until: &str) -> Self {
        let message = format!(
            "You have reached the limit of {most} API calls/day. It will be reset at {until}."
        );
        Self::new(429, "TooManyRequests", &message)
    }

    /// 500: the simulator itself failed.
    pub(crate) fn internal(message: &str) -> Self {
        Self::new(500, "InternalError", message)
    }

    fn new(status: u16, kind: &'static str, message: &str) -> Self {
        let (message, data) = (message.to_owned(), "{}".to_owned());
        Self { status, code: status, kind, message, data, challenge: None }
    }

    fn bad_request(code: u16, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), ..Self::new(400, "BadRequest", "") }
    }
}
