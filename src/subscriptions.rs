//! Events that AfterShip pushes.
//!
//! Not offered yet, and said so: no object lists `subscribe` among its operations, and a delivery
//! is neither trusted nor dropped.

use crate::error::Error;
use crate::objects;

/// Why a delivery cannot be used, and what to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Signature missing or wrong.
    Unverified,
    /// Genuine, but redelivery will not help.
    Unreadable(String),
    /// Cannot tell now: let it come again.
    TryAgain(String),
}

/// Why an object cannot be subscribed to: [`Error::NotFound`] for an unknown one, else
/// [`Error::Unsupported`].
#[must_use]
pub fn subscribe(object: &str) -> Error {
    match objects::named(object) {
        Ok(object) => Error::Unsupported(format!(
            "{} cannot be subscribed to with this version of the connector. Scan for changes \
             with `records.list` since a bookmark.",
            object.descriptor().title
        )),
        Err(unknown) => unknown,
    }
}

/// Why no subscription can be ended: there is none.
#[must_use]
pub fn unsubscribe() -> Error {
    let text = "There is no subscription to end: AfterShip's webhooks are removed in its admin.";
    Error::Unsupported(text.to_owned())
}

/// Why a delivery cannot be used: it has to come again. AfterShip sends it for about three days,
/// so a later version may still get it.
#[must_use]
pub fn receive() -> Refusal {
    let text = "This version of the connector cannot read deliveries. Install a later one.";
    Refusal::TryAgain(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_pretended() {
        let error = subscribe("trackings");
        assert!(matches!(&error, Error::Unsupported(text) if text.contains("since a bookmark")));
        assert!(matches!(subscribe("parcels"), Error::NotFound(_)));
        assert!(matches!(unsubscribe(), Error::Unsupported(_)));
        assert!(matches!(receive(), Refusal::TryAgain(_)));
    }
}
