//! What was sent, and what came back.

use bytes::Bytes;
use serde::Serialize;

/// One attempt to deliver one event to one URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookAttempt {
    /// When it was sent, in milliseconds since 1970 on the simulator's clock.
    pub at_ms: u64,
    /// When the answer, or the end of waiting for it, came.
    pub ended_ms: u64,
    /// The delivery: the same for all attempts, another for each URL.
    pub delivery: u64,
    /// 1 to 14; again 1 for a copy or a repeat of a delivery that was taken.
    pub attempt: u32,
    /// Where it went.
    pub url: String,
    /// `event`.
    pub event: String,
    /// `event_id`.
    pub event_id: String,
    /// The `id` of the tracking; none in a test delivery.
    pub tracking_id: Option<String>,
    /// Names in lower case, in their order, as they were sent; the values of headers of the
    /// webhook's own are left out.
    pub headers: Vec<(String, String)>,
    /// The body as it was sent.
    pub body: Bytes,
    /// The status that the sender saw.
    pub status: Option<u16>,
    /// Why it saw none.
    pub error: Option<String>,
    /// The fault that it met.
    pub fault: Option<String>,
}

impl WebhookAttempt {
    /// Whether it was taken.
    pub fn is_taken(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// The value of a header; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// How many there were of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct WebhookCounts {
    /// Events that happened while any URL wanted them.
    pub events: u64,
    /// Events times the URLs that wanted them.
    pub deliveries: u64,
    /// Requests, copies and repeats too.
    pub attempts: u64,
    /// Deliveries that were taken.
    pub taken: u64,
    /// Deliveries that were given up.
    pub lost: u64,
}
