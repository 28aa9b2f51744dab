//! Events that AfterShip pushes.
//!
//! A person sets them up by the steps that `subscribe` answers. What then comes is verified over its
//! raw bytes before anything of it is read.

mod body;
mod headers;
mod receive;
mod signature;
mod steps;

pub use receive::receive;
pub use steps::{EVENTS, KEY_USES, SECRET, manual};

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
    if request.renews.is_some() {
        let text = "AfterShip's webhooks do not expire: there is nothing to renew.";
        return Err(Error::Unsupported(text.to_owned()));
    }
    objects::named(&request.object)?.subscribe(request)
}

/// Why no subscription can be listed, and who sees them.
#[must_use]
pub fn existing() -> Error {
    let text = "AfterShip has no API that lists subscriptions. Open https://admin.aftership.com and go \
                to Webhooks, under Settings or Notifications, to see its webhook URLs.";
    Error::Unsupported(text.to_owned())
}

/// Why no subscription can be ended, and who ends it.
#[must_use]
pub fn unsubscribe() -> Error {
    let text = "AfterShip has no API that ends a subscription. Open https://admin.aftership.com, \
                go to Webhooks, under Settings or Notifications, and delete this webhook URL there.";
    Error::Unsupported(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(object: &str) -> SubscriptionRequest {
        let target_url = "https://host.example/hooks".into();
        let (object, events) = (object.into(), Vec::new());
        SubscriptionRequest { object, events, target_url, renews: None }
    }

    #[test]
    fn trackings_and_webhooks_answer_the_same_steps() {
        let steps = subscribe(&request("trackings")).unwrap();
        assert_eq!(subscribe(&request("webhooks")).unwrap(), steps);
        for object in objects::REGISTRY.iter().map(|object| object.descriptor()) {
            let is_offered = object.operations.contains(&"subscribe");
            assert_eq!(subscribe(&request(object.name)).is_ok(), is_offered, "{}", object.name);
            assert_eq!(object.events, if is_offered { EVENTS } else { &[] }, "{}", object.name);
        }
    }

    #[test]
    fn nothing_is_pretended() {
        let error = subscribe(&request("couriers")).unwrap_err();
        assert!(matches!(&error, Error::Unsupported(text) if text.contains("since a bookmark")));
        assert!(matches!(subscribe(&request("parcels")), Err(Error::NotFound(_))));
        for error in [unsubscribe(), existing()] {
            assert!(matches!(error, Error::Unsupported(text) if text.contains("admin")));
        }
        let renews = Some("1".to_owned());
        let renewal = subscribe(&SubscriptionRequest { renews, ..request("trackings") });
        assert!(matches!(renewal, Err(Error::Unsupported(text)) if text.contains("expire")));
    }
}
