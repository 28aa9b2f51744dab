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
mod forward;
mod gaps;
mod note;
mod receiver;
mod renewal;
#[cfg(test)]
mod tests;
mod worker;

pub use self::bounds::Bounds;
pub use self::decode::{ConnectionDecode, Decode, Decoded};
pub use self::forward::{
    BadSecret, Filter, Forwarder, Message, NotTaken, Outbox, Outgoing, Parked, Signer, Target,
};
pub use self::gaps::GapCloser;
pub use self::note::{Note, Notes, Unnoted};
pub use self::receiver::{
    Accept, Accepted, Counts, Hook, Receiver, Surroundings, TcpAccept, Tls, TlsError, hook_path,
    new_token,
};
pub use self::renewal::SubscriptionRenewal;
pub use self::worker::{ConnectionReads, Pace, Reads, Worker, WorkerConnection};
pub use connector_state::inbox::{Beat, Inbox, Settled};
pub use connector_state::inbox::{
    DeliveryRow, EventEffect, EventRow, EventState, HookRow, NewDelivery, NewEvent, Receipt,
    SubscriptionRow,
};
