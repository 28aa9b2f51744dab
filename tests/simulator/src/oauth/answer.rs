//! The kinds of answers of the authorization server. None of them may be kept (RFC 6749, 5.1).

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, LOCATION, PRAGMA, REFERRER_POLICY, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// JSON, for clients.
pub(super) fn json(status: u16, text: String) -> Response<Bytes> {
    with(status, text, &[(CONTENT_TYPE, "application/json")])
}

/// A page, for people. It may not stand in a frame (RFC 6749, 10.13).
pub(super) fn html(status: u16, text: String) -> Response<Bytes> {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    with(status, text, &headers)
}

/// 302, for browsers.
pub(super) fn redirect(location: &str) -> Response<Bytes> {
    with(302, String::new(), &[(LOCATION, location), (REFERRER_POLICY, "no-referrer")])
}

/// 200 without content.
pub(super) fn empty() -> Response<Bytes> {
    with(200, String::new(), &[])
}

fn with(status: u16, text: String, headers: &[(HeaderName, &str)]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    let never = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];
    for (name, value) in headers.iter().chain(&never) {
        // A location that HTTP does not allow is left out; registered ones are taken as they are.
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
