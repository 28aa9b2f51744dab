//! Vocabulary that every interface shares.

use serde::{Deserialize, Serialize};

/// One record of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Its identity.
    pub id: String,
    /// When the provider says that it last changed.
    pub updated_at: Option<String>,
    /// When the provider says that it was made.
    pub created_at: Option<String>,
    /// What the provider calls this state of it: an ETag, a revision. Opaque.
    pub version: Option<String>,
    /// The whole record, valid against the object's `record-schema`, or the part
    /// that a `view` asked for. Members that the connector does not know are kept.
    pub data: String,
}

/// A record that a write changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum WrittenRecord {
    /// As it is now.
    Whole(DataRecord),
    /// The provider's answer holds only its id; the host calls `get` if it needs more.
    Id(String),
}

/// A record of a named object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectRecord {
    /// Name of the object.
    pub object: String,
    /// The record.
    pub item: WrittenRecord,
}

/// What a write left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The record.
    pub item: WrittenRecord,
    /// Other records that it changed, e.g. the one that holds a derived record.
    pub also: Vec<ObjectRecord>,
}

/// One attempt at a change that the host wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Names the change: the same in every attempt at it, never used for another.
    pub key: String,
    /// An earlier attempt ended in `outcome-unknown`. Check first whether it was
    /// applied, unless a second one does no harm at the provider. If it was, answer
    /// as that attempt would have. If that cannot be known, send nothing and fail
    /// with `outcome-unknown` again.
    pub again: bool,
}

/// One rejected member of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// JSON Pointer (RFC 6901) into the input; empty for the whole document.
    pub pointer: String,
    /// For people; hosts never branch on it.
    pub message: String,
}

/// What went wrong, sorted by what the host does next: one case, one action.
/// Closed on purpose: a new condition of a provider is a `provider-code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum ErrorKind {
    /// Credentials missing, wrong or revoked. Refresh once; else ask for a new connection.
    Unauthenticated,
    /// Valid credentials without the scope or plan. Stop; tell the customer.
    Forbidden,
    /// No such record, object or action. Do not retry.
    NotFound,
    /// Contradicts the provider's state: it exists already, or is no longer of the
    /// `expected` version. Do not retry as is. Holds the record there, when known.
    Conflict(Option<String>),
    /// Refused for its content. Do not retry; show the violations.
    InvalidInput(Vec<Violation>),
    /// Not applied: too fast. Wait at least so many milliseconds; `None`: back off.
    RateLimited(Option<u32>),
    /// Not applied: a quota of hours or days is used up. Pause the connection, and
    /// tell the customer. It is back in so many milliseconds; `None`: try tomorrow.
    QuotaExhausted(Option<u32>),
    /// Transient, and certainly not applied. Retry with backoff.
    Unavailable,
    /// The answer was lost: the request may or may not have been applied. Wait,
    /// then call with `again`.
    OutcomeUnknown,
    /// The cursor or bookmark is no longer accepted. Restart the scan.
    CursorExpired,
    /// Not offered; the message says what to do instead.
    Unsupported,
    /// A fault of the connector or an answer that it cannot read. Alert; do not retry.
    Internal,
}

/// Why a call failed: the kind is for the host, the rest for people and logs.
/// Hosts never branch on `message`. No field holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    /// What the host does next.
    pub kind: ErrorKind,
    /// For people; hosts never branch on it.
    pub message: String,
    /// HTTP status, when the provider answered at all.
    pub http_status: Option<u16>,
    /// The provider's own code, verbatim.
    pub provider_code: Option<String>,
    /// The provider's request id, to quote to its support.
    pub request_id: Option<String>,
}

impl Written {
    /// The record that was written, where the answer holds it whole.
    pub fn record(self) -> Option<DataRecord> {
        match self.item {
            WrittenRecord::Whole(record) => Some(record),
            WrittenRecord::Id(_) => None,
        }
    }

    /// Another record of `object` that was changed too, where the answer holds it whole.
    pub fn also(&self, object: &str) -> Option<&DataRecord> {
        self.also.iter().find_map(|one| match &one.item {
            WrittenRecord::Whole(record) if one.object == object => Some(record),
            _ => None,
        })
    }
}
