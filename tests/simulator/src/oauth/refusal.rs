//! The refusals of the authorization server (RFC 6749, 4.1.2.1 and 5.2; RFC 7009, 2.2.1).

use bytes::Bytes;
use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::{HeaderValue, Response};

use super::answer;
use crate::members::quote;

/// A refusal: a code for clients and a description for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) error: &'static str,
    /// ASCII without quotes and backslashes, as the RFC wants it.
    pub(super) description: &'static str,
}

impl Refusal {
    pub(super) fn invalid_request(description: &'static str) -> Self {
        Self { status: 400, error: "invalid_request", description }
    }

    /// 405: the request is no POST.
    pub(super) fn not_a_post() -> Self {
        Self { status: 405, ..Self::invalid_request("The request must be a POST.") }
    }

    /// 401: the client is unknown, shows no secret or a wrong one, or shows it in a way that is not
    /// taken. All of these read alike.
    pub(super) fn invalid_client() -> Self {
        let description = "Client authentication failed.";
        Self { status: 401, error: "invalid_client", description }
    }

    pub(super) fn invalid_grant(description: &'static str) -> Self {
        Self { status: 400, error: "invalid_grant", description }
    }

    pub(super) fn unauthorized_client() -> Self {
        let description = "The client may not have tokens in this way.";
        Self { status: 400, error: "unauthorized_client", description }
    }

    pub(super) fn unsupported_grant_type() -> Self {
        let description = "The grant types are authorization_code and refresh_token.";
        Self { status: 400, error: "unsupported_grant_type", description }
    }

    pub(super) fn unsupported_response_type() -> Self {
        let description = "The response type must be code.";
        Self { status: 400, error: "unsupported_response_type", description }
    }

    pub(super) fn invalid_scope(description: &'static str) -> Self {
        Self { status: 400, error: "invalid_scope", description }
    }

    pub(super) fn access_denied() -> Self {
        Self { status: 400, error: "access_denied", description: "Consent was denied." }
    }

    /// The refusal as JSON, for the endpoints that clients call.
    pub(super) fn response(&self) -> Response<Bytes> {
        let (error, description) = (quote(self.error), quote(self.description));
        let text = format!("{{\"error\":{error},\"error_description\":{description}}}");
        let mut response = answer::json(self.status, text);
        let (name, value) = match self.status {
            401 => (WWW_AUTHENTICATE, "Basic realm=\"oauth\", charset=\"UTF-8\""),
            405 => (ALLOW, "POST"),
            _ => return response,
        };
        response.headers_mut().insert(name, HeaderValue::from_static(value));
        response
    }
}
