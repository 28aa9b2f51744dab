//! Events that providers push: received, kept before they are answered, applied.
//!
//! A delivery comes to the [`Receiver`], which bounds it, has the connector verify and decode it
//! ([`Decode`]), and commits it to the [`Inbox`]. Only then is it answered. The [`Worker`] applies
//! what the inbox holds to the mirror, as a page of a scan is applied; so the order in which
//! deliveries come does not matter, and a repeat changes nothing. A delivery moves no bookmark:
//! what was never delivered is found by the next scan.
//!
//! What is kept of a delivery may be personal data. It holds no secret: headers with credentials
//! are dropped before anything else sees them.

mod bounds;
mod decode;
mod gaps;
mod note;
mod receiver;
mod renewal;
#[cfg(test)]
mod tests;
mod worker;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use self::bounds::ReceiverBounds;
pub use self::decode::{ConnectionDecode, Decode, Decoded};
pub use self::gaps::GapCloser;
pub use self::note::{Note, Notes, Unnoted};
pub use self::receiver::{Hook, Receiver, ReceiverCounts, Surroundings, hook_path, new_token};
pub use self::renewal::SubscriptionRenewal;
pub use self::worker::{ConnectionReads, Pace, Reads, Worker, WorkerConnection};
pub use crate::listener::{Accept, Accepted, Tls, TlsError};
pub(crate) use connector_state::inbox::{Beat, EventState, NewDelivery, NewEvent, Settled};
pub use connector_state::inbox::{
    DeliveryRow, EventEffect, EventRow, HookRow, Inbox, Receipt, SubscriptionRow,
};

/// A time in milliseconds since 1970, in UTC.
pub(crate) fn rfc3339(ms: u64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok();
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}
