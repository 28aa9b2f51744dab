//! Requests to the provider, which the host sends.

use serde::{Deserialize, Serialize};

/// A request that the connector wants sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Name of an endpoint in the manifest: it gives the method and the origin.
    pub endpoint: String,
    /// As it is sent, but for the secrets: `/v1/orders?limit=50`. Empty, or only a
    /// query, where the endpoint's path is empty.
    pub path_with_query: String,
    /// Name and value.
    pub headers: Vec<(String, String)>,
    /// The bytes.
    #[serde(with = "crate::bytes")]
    pub body: Option<Vec<u8>>,
    /// Which of the endpoint's secret uses the host puts in, by name.
    pub secret_uses: Vec<String>,
    /// Counts against limits that are measured in points.
    pub cost: u32,
}

/// An answer, bounded and without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// Whole, decoded from its content encoding.
    #[serde(with = "crate::bytes")]
    pub body: Vec<u8>,
    /// Names of the secrets that the host took out of this answer and kept.
    pub captured: Vec<String>,
}

/// Why there is no answer. The text is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SendError {
    /// Nothing reached the provider: name, address, connection or TLS failed, or
    /// the secrets could not be read now.
    NotSent(String),
    /// Nothing was sent: the limits leave no room. Milliseconds until they do.
    Limited(u32),
    /// Nothing was sent: the connection has no such secret.
    NoSecret(String),
    /// Sent in part or whole, and no whole answer came: it may have been applied.
    Unanswered(String),
    /// The manifest or the host's policy forbids it. Trying again does not help.
    Refused(String),
}
