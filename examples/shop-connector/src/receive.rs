//! From a delivery to events: verified over its raw bytes, then read.
//!
//! Shopify, "Webhooks delivery structure" and "Privacy law compliance". The app's secret signs for
//! every shop that installed it, so the shop is compared too.
//!
//! | topic | event |
//! |---|---|
//! | `orders/delete` | of orders: deleted |
//! | any other of orders | of orders: changed, since the body is in the shape of another API |
//! | `fulfillments/...` | of orders: the order that holds it changed |
//! | `customers/redact` | of orders: each order to redact changed, so that what the shop took out of it goes |
//! | `app/uninstalled`, `shop/redact` | of webhooks: disconnected |
//! | any other, such as `customers/data_request` | of webhooks: nothing |

use connector_sdk::contract::only_header;
use connector_sdk::json::{self, Reader, Writer};
use connector_sdk::signing::verify_delivery;
use connector_sdk::{Delivery, Effect, Event, Host, Reception, Refusal, dates};

use crate::gid;
use crate::oauth::{CLIENT_SECRET, domain};

/// The events that a delivery tells.
pub fn receive(host: &dyn Host, delivery: &Delivery) -> Result<Reception, Refusal> {
    let header = |name| {
        let value = only_header(&delivery.headers, name)?;
        std::str::from_utf8(value).ok()
    };
    let signature = only_header(&delivery.headers, "x-shopify-hmac-sha256");
    verify_delivery(host, CLIENT_SECRET, &delivery.body, signature)?;
    let shop = domain(host).map_err(|why| Refusal::TryAgain(why.message))?;
    if !header("x-shopify-shop-domain").is_some_and(|named| named.eq_ignore_ascii_case(&shop)) {
        return Err(Refusal::Unverified);
    }
    let unreadable = |why: &str| Refusal::Unreadable(format!("The delivery {why}."));
    let topic = header("x-shopify-topic").ok_or_else(|| unreadable("names no topic"))?;
    let body = std::str::from_utf8(&delivery.body).map_err(|_| unreadable("is not UTF-8"))?;
    let whole = Reader::new(body).members();
    whole.map_err(|_| unreadable("is no JSON object"))?;
    let order = |member| {
        let number = json::member(body, member).filter(|number| gid::is_number(number));
        let number = number.ok_or_else(|| unreadable(&format!("has no number in `{member}`")))?;
        Ok(gid::make("Order", number))
    };
    let mut effects = match topic {
        "orders/delete" => vec![("orders", Effect::Deleted(order("id")?))],
        "customers/redact" => {
            let orders = json::member(body, "orders_to_redact").unwrap_or("[]");
            let orders = Reader::new(orders).items().unwrap_or_default();
            let orders = orders.into_iter().filter(|number| gid::is_number(number));
            orders.map(|number| ("orders", changed(&gid::make("Order", number)))).collect()
        }
        "app/uninstalled" | "shop/redact" => vec![("webhooks", Effect::Disconnected)],
        _ if topic.starts_with("orders/") => vec![("orders", changed(&order("id")?))],
        _ if topic.starts_with("fulfillments/") => vec![("orders", changed(&order("order_id")?))],
        _ => vec![("webhooks", Effect::Nothing)],
    };
    if effects.is_empty() {
        effects.push(("webhooks", Effect::Nothing));
    }
    let occurred_at = header("x-shopify-triggered-at").filter(|at| dates::parse(at).is_some());
    let delivered = header("x-shopify-webhook-id");
    let events = effects.into_iter().enumerate().map(|(at, (object, effect))| Event {
        // Of several, each has its own.
        id: delivered.map(|id| if at == 0 { id.to_owned() } else { format!("{id}/{at}") }),
        object: object.to_owned(),
        name: topic.to_owned(),
        occurred_at: occurred_at.map(str::to_owned),
        effect,
    });
    Ok(Reception { events: events.collect(), answer: None })
}

/// What `find` of orders takes.
fn changed(order: &str) -> Effect {
    let mut input = Writer::new();
    input.text("id", order);
    Effect::Changed(input.finish())
}
