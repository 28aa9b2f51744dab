//! Pages for browsers, on a listener that is there for something else.

use bytes::Bytes;
use connector_runtime::egress::Pending;
use http::{HeaderMap, Method, Response};
use http_body_util::Full;

/// What a browser gets.
pub type Page = Response<Full<Bytes>>;

/// What a browser asks for.
pub struct PageRequest {
    /// How.
    pub method: Method,
    /// What follows the name of the pages in the path.
    pub path: String,
    /// The query, as it came.
    pub query: Option<String>,
    /// The fields of its head.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
    /// Whether nobody could listen on the way: it came by TLS, by a trusted proxy, or from this machine.
    pub is_private: bool,
}

/// Answers browsers.
pub trait Pages: Send + Sync {
    /// The answer to a request.
    fn answer(&self, request: PageRequest) -> Pending<'_, Page>;
}
