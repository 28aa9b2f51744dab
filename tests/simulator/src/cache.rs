//! A cache on the way, which answers with what the API answered before.

use std::collections::HashMap;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response};

/// The most answers that are kept; all are dropped when one more comes.
const MOST: usize = 1_000;

/// Answers by the URI that they are of, each with its time in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Cache(HashMap<String, (u64, Response<Bytes>)>);

impl Cache {
    /// What this request was answered less than so many seconds ago, with its `age`.
    pub(crate) fn find(&self, parts: &Parts, now_ms: u64, seconds: u64) -> Option<Response<Bytes>> {
        let (at_ms, response) = self.0.get(&parts.uri.to_string())?;
        let age = now_ms.saturating_sub(*at_ms) / 1000;
        if parts.method != Method::GET || age >= seconds {
            return None;
        }
        let mut response = response.clone();
        response.headers_mut().insert("age", HeaderValue::from(age));
        Some(response)
    }

    /// Keeps the answer to a request, if it is a good one to a GET.
    pub(crate) fn keep(&mut self, parts: &Parts, response: &Response<Bytes>, now_ms: u64) {
        if parts.method == Method::GET && response.status().is_success() {
            if self.0.len() >= MOST {
                self.0.clear();
            }
            self.0.insert(parts.uri.to_string(), (now_ms, response.clone()));
        }
    }
}
