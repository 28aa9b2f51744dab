//! Verifying and decoding, which is the connector's business.

use crate::egress::Pending;
use crate::runtime::CallError;
use crate::runtime::bindings::subscriptions::{Delivery, Reception, Refusal};

/// What a connector makes of a delivery; outside: why it could not be asked.
pub type Decoded = Result<Result<Reception, Refusal>, CallError>;

/// Verifies and decodes the deliveries of one connection.
pub trait Decode: Send + Sync {
    /// Verifies a delivery, then decodes it.
    fn decode(&self, delivery: Delivery) -> Pending<'_, Decoded>;

    /// Reads the signing secrets anew, since another program may have changed them. Answers
    /// whether that was done: not more often than makes sense.
    fn renew(&self) -> Pending<'_, bool>;
}
