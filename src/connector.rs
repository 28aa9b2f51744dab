//! What this connector is: the constants and functions from which everything else follows.

use connector_sdk::include_json;
use connector_sdk::{
    Connector, Delivery, Error, Host, Object, Packed, Reception, Refusal, Scheme, Setter,
    Subscription,
    declare::{Form, KeyUse, Setting},
    schema::UNKNOWN_MEMBERS,
};

use crate::api::Api;
use crate::api::client::{API_VERSION, BASE_URL, DEFAULT_API_VERSION};
use crate::{auth, objects, subscriptions};

/// The connector to AfterShip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AfterShip;

/// The first two say where keys go and which contract is spoken, so no customer sets them.
const SETTINGS: &[Setting] = &[
    Setting {
        name: BASE_URL,
        title: "Origin of AfterShip's API",
        default: Some("https://api.aftership.com"),
        setter: Setter::Operator,
        form: Form::Url(&["*"]),
        required_by: &[],
    },
    Setting {
        name: API_VERSION,
        title: "Version of AfterShip's Tracking API",
        default: Some(DEFAULT_API_VERSION),
        setter: Setter::Operator,
        form: Form::Text,
        required_by: &[],
    },
    Setting {
        title: "Members of an input that this connector does not know: `refuse` them or let them \
                `pass` to AfterShip",
        ..UNKNOWN_MEMBERS
    },
];

/// What several schemas share.
const SCHEMA_PARTS: &[(&str, Packed)] = &[
    ("checkpoint", include_json!("parts/checkpoint.json")),
    ("customer", include_json!("parts/customer.json")),
    ("customer-contact", include_json!("parts/customer-contact.json")),
    ("estimates", include_json!("parts/estimates.json")),
    ("prediction", include_json!("parts/prediction.json")),
    ("prediction-address", include_json!("parts/prediction-address.json")),
    ("prediction-request", include_json!("parts/prediction-request.json")),
    ("told", include_json!("parts/told.json")),
    ("tracking-filters", include_json!("parts/tracking-filters.json")),
];

impl Connector for AfterShip {
    type Client<'h> = Api<'h>;

    const NAME: &'static str = "aftership";
    const TITLE: &'static str = "AfterShip";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const PROVIDER_API_VERSION: &'static str = DEFAULT_API_VERSION;
    const SCHEMES: &'static [&'static dyn Scheme] = auth::SCHEMES;
    const OBJECTS: &'static [&'static dyn Object<Self>] = objects::REGISTRY;
    const SETTINGS: &'static [Setting] = SETTINGS;
    const KEY_USES: &'static [KeyUse] = subscriptions::KEY_USES;
    const SCHEMA_PARTS: &'static [(&'static str, Packed)] = SCHEMA_PARTS;
    const VIEWS: Option<Packed> = Some(include_json!("views.json"));

    fn client(host: &dyn Host) -> Result<Api<'_>, Error> {
        Api::new(host)
    }

    fn existing(_: &dyn Host) -> Result<Vec<Subscription>, Error> {
        Err(subscriptions::cannot_list())
    }

    fn unsubscribe(_: &dyn Host, _: &str) -> Result<(), Error> {
        Err(subscriptions::cannot_end())
    }

    fn receive(host: &dyn Host, delivery: &Delivery) -> Result<Reception, Refusal> {
        let event = subscriptions::receive(host, delivery)?;
        Ok(Reception { events: vec![event], answer: None })
    }
}

#[cfg(test)]
mod schemas;
#[cfg(test)]
mod tests;
