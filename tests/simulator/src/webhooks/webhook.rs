//! A webhook: where what is sent.

use std::fmt;
use std::str::FromStr;

use http::{HeaderName, HeaderValue, Uri};

use super::version::WebhookVersion;

/// The most custom headers of one URL.
const MOST_HEADERS: usize = 5;

/// One of the three events.
///
/// Source: AfterShip API 2026-07, webhook specifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookEvent {
    /// A shipment got on: its status changed, though not to Pending, or its courier scanned it.
    TrackingUpdate,
    /// An estimated delivery date changed.
    EddRevise,
    /// A shipment is Pending longer than [`WebhookOptions::pending_ms`](super::WebhookOptions).
    TrackingPendingTime,
}

impl WebhookEvent {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::TrackingUpdate, Self::EddRevise, Self::TrackingPendingTime];

    /// What `event` says.
    pub fn name(self) -> &'static str {
        match self {
            Self::TrackingUpdate => "tracking_update",
            Self::EddRevise => "edd_revise",
            Self::TrackingPendingTime => "tracking_pending_time",
        }
    }
}

/// A text that is no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownWebhookEvent;

impl fmt::Display for UnknownWebhookEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = WebhookEvent::ALL.map(WebhookEvent::name);
        write!(formatter, "no such event; there are {}", names.join(", "))
    }
}

impl std::error::Error for UnknownWebhookEvent {}

impl FromStr for WebhookEvent {
    type Err = UnknownWebhookEvent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|event| event.name() == text);
        known.ok_or(UnknownWebhookEvent)
    }
}

/// Names a webhook that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WebhookId(pub(super) u64);

/// A URL that is told what happens.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    pub(super) url: String,
    pub(super) secret: String,
    pub(super) version: WebhookVersion,
    pub(super) events: Vec<WebhookEvent>,
    pub(super) headers: Vec<(String, String)>,
}

impl Webhook {
    /// A webhook of the newest version with all events, signed with `secret`.
    pub fn new(url: &str, secret: &str) -> Self {
        Self {
            url: url.to_owned(),
            secret: secret.to_owned(),
            version: WebhookVersion::default(),
            events: WebhookEvent::ALL.to_vec(),
            headers: Vec::new(),
        }
    }

    /// The same in another version.
    #[must_use]
    pub fn version(mut self, version: WebhookVersion) -> Self {
        self.version = version;
        self
    }

    /// The same with these events only.
    #[must_use]
    pub fn events(mut self, events: &[WebhookEvent]) -> Self {
        self.events = events.to_vec();
        self
    }

    /// The same with one more header of its own.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn check(&self) -> Result<(), BadWebhook> {
        let uri: Uri = self.url.parse().map_err(|_| BadWebhook("its URL is none"))?;
        if uri.scheme_str() != Some("http") {
            return Err(BadWebhook("its URL must begin with http://, the simulator has no TLS"));
        }
        if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
            return Err(BadWebhook("its URL must name a host and no user"));
        }
        if self.headers.len() > MOST_HEADERS {
            return Err(BadWebhook("it has more than five headers of its own"));
        }
        let is_header = |(name, value): &(String, String)| {
            name.parse::<HeaderName>().is_ok() && HeaderValue::from_str(value).is_ok()
        };
        match self.headers.iter().all(is_header) {
            true => Ok(()),
            false => Err(BadWebhook("a header of its own is none that HTTP allows")),
        }
    }
}

/// The secret stays out of debug output, and so do headers, which may hold one.
impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Webhook")
            .field("url", &self.url)
            .field("version", &self.version)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

/// Why a webhook was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadWebhook(pub(super) &'static str);

impl fmt::Display for BadWebhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the webhook is refused: {}", self.0)
    }
}

impl std::error::Error for BadWebhook {}
