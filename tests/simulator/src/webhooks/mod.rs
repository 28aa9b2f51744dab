//! Webhooks: what happens to trackings is told to the URLs that are set, signed, and again until it
//! is answered with 2xx.
//!
//! Source: AfterShip API 2026-07, webhook overview, specifications, signature. AfterShip's own are
//! set in its dashboard, so there is no request for it here either: the library and the flags do it.

mod attempt;
mod detect;
mod dial;
mod exchange;
mod fault;
mod handle;
mod options;
mod outbox;
mod payload;
mod send;
pub(crate) mod shape;
mod signature;
mod version;
mod webhook;

pub use attempt::{WebhookAttempt, WebhookCounts};
pub use dial::Dialer;
pub use fault::{WebhookFault, WebhookFaultPlan};
pub use options::WebhookOptions;
pub(crate) use outbox::Outbox;
pub use signature::webhook_signature;
pub use version::{UnknownWebhookVersion, WebhookVersion};
pub use webhook::{BadWebhook, UnknownWebhookEvent, Webhook, WebhookEvent, WebhookId};
