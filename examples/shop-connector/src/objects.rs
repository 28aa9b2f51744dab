//! One file an object.

pub mod fulfillment_events;
pub mod fulfillments;
pub mod orders;
pub mod webhooks;
