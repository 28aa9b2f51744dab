//! A shop over Shopify's GraphQL admin API, as a second connector on the SDK.
//!
//! Nothing here is AfterShip's, and nothing in the host or the SDK is this provider's. What it shows
//! stands in its README: an origin per customer, OAuth per shop, cost-based limits, errors inside a
//! 200, records inside records, and webhooks that are subscribed to by API.

mod api;
mod gid;
mod oauth;
mod objects;
mod receive;
mod refused;

use connector_sdk::declare::Setting;
use connector_sdk::{
    Connector, Delivery, Error, Host, Object, Reception, Refusal, Scheme, Subscription,
};

use api::Api;
use objects::webhooks;

/// The connector.
#[derive(Debug)]
pub struct Shop;

impl Connector for Shop {
    type Client<'h> = Api<'h>;

    const NAME: &'static str = "shop";
    const TITLE: &'static str = "Shop (Shopify's GraphQL admin API)";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const PROVIDER_API_VERSION: &'static str = "2026-07";
    const SCHEMES: &'static [&'static dyn Scheme] = &[&oauth::OAuth2];
    const OBJECTS: &'static [&'static dyn Object<Self>] = &[
        &objects::orders::Orders,
        &objects::fulfillments::Fulfillments,
        &objects::fulfillment_events::FulfillmentEvents,
        &webhooks::Webhooks,
    ];
    const SETTINGS: &'static [Setting] = &[];
    const REPORTS_LIMITS: bool = true;

    fn client(host: &dyn Host) -> Result<Api<'_>, Error> {
        Ok(Api { host })
    }

    fn existing(host: &dyn Host) -> Result<Vec<Subscription>, Error> {
        webhooks::existing(&Api { host })
    }

    fn unsubscribe(host: &dyn Host, id: &str) -> Result<(), Error> {
        webhooks::unsubscribe(&Api { host }, id)
    }

    fn receive(host: &dyn Host, delivery: &Delivery) -> Result<Reception, Refusal> {
        receive::receive(host, delivery)
    }
}

connector_sdk::export!(Shop: derived, subscriptions);

#[cfg(test)]
mod tests;
