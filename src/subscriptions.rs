//! Events that AfterShip pushes.
//!
//! A person sets them up by the steps that `subscribe` answers. What then comes is verified over its
//! raw bytes before anything of it is read.

mod body;
mod receive;
mod steps;

pub use receive::receive;
pub use steps::{EVENTS, KEY_USES, SECRET, manual};

use connector_sdk::Error;

/// Why no subscription can be listed, and who sees them.
#[must_use]
pub fn cannot_list() -> Error {
    let text = "AfterShip has no API that lists subscriptions. Open https://admin.aftership.com and go \
                to Webhooks, under Settings or Notifications, to see its webhook URLs.";
    Error::unsupported(text)
}

/// Why no subscription can be ended, and who ends it.
#[must_use]
pub fn cannot_end() -> Error {
    let text = "AfterShip has no API that ends a subscription. Open https://admin.aftership.com, \
                go to Webhooks, under Settings or Notifications, and delete this webhook URL there.";
    Error::unsupported(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AfterShip;
    use crate::testing::attempt;
    use connector_sdk::Connector as _;
    use connector_sdk::ErrorKind;
    use connector_sdk::SubscriptionRequest;
    use connector_sdk::{FnHost, Host};

    fn host() -> impl Host {
        FnHost::of::<AfterShip>(|_| panic!("nothing is sent"))
    }

    fn request(object: &str) -> SubscriptionRequest {
        let target_url = "https://host.example/hooks".into();
        let (object, events) = (object.into(), Vec::new());
        SubscriptionRequest { object, events, target_url, renews: None, attempt: attempt(false) }
    }

    #[test]
    fn trackings_and_webhooks_answer_the_same_steps() {
        let steps = AfterShip::subscribe(&host(), &request("trackings")).unwrap();
        assert_eq!(AfterShip::subscribe(&host(), &request("webhooks")).unwrap(), steps);
        for object in crate::objects::REGISTRY.iter().map(|object| object.descriptor()) {
            let is_offered = object.operations.contains(&"subscribe");
            assert_eq!(
                AfterShip::subscribe(&host(), &request(object.name)).is_ok(),
                is_offered,
                "{}",
                object.name
            );
            assert_eq!(object.events, if is_offered { EVENTS } else { &[] }, "{}", object.name);
        }
    }

    #[test]
    fn nothing_is_pretended() {
        let error = AfterShip::subscribe(&host(), &request("couriers")).unwrap_err();
        assert!(
            matches!(&error, Error { kind: ErrorKind::Unsupported, message: text, .. } if text.contains("since a bookmark"))
        );
        assert!(matches!(
            AfterShip::subscribe(&host(), &request("parcels")),
            Err(Error { kind: ErrorKind::NotFound, .. })
        ));
        for error in [
            AfterShip::unsubscribe(&host(), "1").unwrap_err(),
            AfterShip::existing(&host()).unwrap_err(),
        ] {
            assert!(
                matches!(error, Error { kind: ErrorKind::Unsupported, message: text, .. } if text.contains("admin"))
            );
        }
        let renews = Some("1".to_owned());
        let renewal =
            AfterShip::subscribe(&host(), &SubscriptionRequest { renews, ..request("trackings") });
        assert!(
            matches!(renewal, Err(Error { kind: ErrorKind::Unsupported, message: text, .. }) if text.contains("expire"))
        );
    }
}
