//! A write as a dry run shows it: the request that it would send.

use connector_runtime::egress::UnsentRequest;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::hidden::hide;

/// A request that was held back. Secrets stand in it by name.
#[derive(Debug, Serialize)]
pub struct PlannedRequest {
    /// Its name in the manifest.
    pub endpoint: String,
    /// Upper case.
    pub method: String,
    /// Absolute, with query.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, where there is one.
    pub body: Option<PlannedBody>,
}

/// JSON as it is, anything else as text.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum PlannedBody {
    /// Digit for digit.
    Json(Box<RawValue>),
    /// What is no JSON.
    Text(String),
}

impl PlannedRequest {
    /// Of a request; `hidden` values ([`super::hidden::values`]) stand nowhere in it.
    #[must_use]
    pub fn of(planned: UnsentRequest, hidden: &[Value]) -> Self {
        let body = planned.body.map(|bytes| {
            let text = hide(&String::from_utf8_lossy(&bytes), hidden);
            match serde_json::from_str(&text) {
                Ok(json) => PlannedBody::Json(json),
                Err(_) => PlannedBody::Text(text),
            }
        });
        let headers = planned.headers.into_iter();
        Self {
            endpoint: planned.endpoint,
            method: planned.method,
            url: hide(&planned.url, hidden),
            headers: headers.map(|(name, value)| (name, hide(&value, hidden))).collect(),
            body,
        }
    }
}
