//! Events that AfterShip pushes.
//!
//! Not offered yet, and said so: no object lists `subscribe` among its operations, and a delivery
//! is neither trusted nor dropped.

use crate::error::Error;
use crate::objects;
use crate::types::{ManualSteps, SubscriptionRequest};

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

/// How events of an object come to be sent to the URL of `request`: by a person's hand, because
/// AfterShip's webhooks are set in its admin only.
///
/// # Errors
/// [`Error::NotFound`] for an unknown object, [`Error::Unsupported`] for one without events,
/// [`Error::InvalidInput`] for a URL or an event that AfterShip does not take.
pub fn subscribe(request: &SubscriptionRequest) -> Result<ManualSteps, Error> {
    objects::named(&request.object)?.subscribe(request)
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
        let request = |object: &str| SubscriptionRequest {
            object: object.into(),
            events: Vec::new(),
            target_url: "https://host.example/hooks".into(),
        };
        let error = subscribe(&request("trackings")).unwrap_err();
        assert!(matches!(&error, Error::Unsupported(text) if text.contains("since a bookmark")));
        assert!(matches!(subscribe(&request("parcels")), Err(Error::NotFound(_))));
        assert!(matches!(unsubscribe(), Error::Unsupported(_)));
        assert!(matches!(receive(), Refusal::TryAgain(_)));
    }
}
