//! A write as a dry run shows it: the request that it would send.

use connector_runtime::egress::UnsentRequest;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::hidden::hide;
use crate::push::{PlannedItem, Word as _};

/// A request that was held back. Secrets stand in it by name.
#[derive(Debug, Serialize, JsonSchema)]
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
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum PlannedBody {
    /// Digit for digit.
    Json(#[schemars(with = "Value")] Box<RawValue>),
    /// What is no JSON.
    Text(String),
}

/// What would come of an item of a push.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedItemDocument {
    /// Its place among the items of its source, from 0.
    pub index: u64,
    /// Its line in the source, from 1.
    pub line: u64,
    /// The write that would be sent: `create`, `update`, `delete` or `none`.
    pub write: &'static str,
    /// The record that is there.
    pub id: Option<String>,
    /// The request.
    pub request: Option<PlannedRequest>,
    /// Why it would fail.
    pub error: Option<String>,
}

impl PlannedItemDocument {
    /// Of an item.
    #[must_use]
    pub fn of(planned: PlannedItem) -> Self {
        let PlannedItem { index, line, write, id, request, hidden, error } = planned;
        let write = write.map_or("none", |write| write.word());
        let request = request.map(|request| PlannedRequest::of(request, &hidden));
        Self { index, line, write, id, request, error }
    }
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
