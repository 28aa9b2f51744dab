//! From a delivery to an event: verifies, and only then reads.

use std::borrow::Cow;

use super::SECRET;
use super::body::{self, Body, Tracking};
use crate::api::client::API_VERSION;
use connector_sdk::{
    DataRecord, Delivery, Effect, Event, Host, Level, Refusal,
    contract::only_header,
    json::Writer,
    signing::verify_delivery,
    text::{contains, join},
};

/// The header of the version in which a delivery's tracking is written. It is chosen for each URL
/// in AfterShip's admin, whatever version the API is called in.
const VERSION: &str = "as-webhook-version";

/// The header of the signature: HMAC-SHA256 over the body, in base64.
const SIGNATURE: &str = "aftership-hmac-sha256";

/// The object of every event.
const OBJECT: &str = "trackings";

/// The name of an event that AfterShip gives none.
const UNNAMED: &str = "unnamed";

/// The event that a delivery tells.
///
/// | `msg` | effect |
/// |---|---|
/// | a whole tracking, in the version that the connection reads | upserted, token for token |
/// | names a tracking by `id`, or by `tracking_number` | changed: its members may be called otherwise or be missing |
/// | missing, null, empty | nothing |
/// | names none, in an event without a name or a test | nothing |
/// | names none, in any other event | unreadable: some tracking changed |
///
/// # Errors
/// As [`verify_delivery`]; [`Refusal::Unreadable`] for a genuine body of which nobody can tell
/// what it is about.
pub fn receive(host: &dyn Host, delivery: &Delivery) -> Result<Event, Refusal> {
    verify_delivery(host, SECRET, &delivery.body, only_header(&delivery.headers, SIGNATURE))?;
    let body = body::read(&delivery.body).map_err(Refusal::Unreadable)?;
    let Body { name, id, occurred_at, tracking, odd } = body;
    if !odd.is_empty() {
        let text = format!(
            "A delivery's `{}` is not as AfterShip documents it and counts as unknown.",
            join(&odd, "`, `")
        );
        host.log(Level::Info, &text);
    }
    let effect = match tracking {
        Some(tracking) => effect(tracking, is_current(host, delivery)),
        None => Some(Effect::Nothing),
    };
    let may_be_test = match &name {
        Some(name) => contains(&name.to_ascii_lowercase(), "test"),
        None => true,
    };
    let effect = match effect {
        Some(effect) => effect,
        None if may_be_test && odd.is_empty() => Effect::Nothing,
        None => {
            let text = "The delivery's `msg` names no tracking: it has no text in `id` or \
                        `tracking_number`.";
            return Err(Refusal::Unreadable(text.to_owned()));
        }
    };
    let name = name.map_or_else(|| UNNAMED.to_owned(), Cow::into_owned);
    Ok(Event { id: id.map(Cow::into_owned), object: OBJECT.to_owned(), name, occurred_at, effect })
}

/// What becomes of the tracking; `None` when it cannot be told which one it is.
fn effect(tracking: Tracking<'_>, is_current: bool) -> Option<Effect> {
    Some(match tracking {
        Tracking { raw, id: Some(id), times: Some([created_at, updated_at]), .. } if is_current => {
            Effect::Upserted(DataRecord {
                id: id.into_owned(),
                updated_at: Some(updated_at),
                created_at: Some(created_at),
                version: None,
                data: raw.to_owned(),
            })
        }
        Tracking { id: Some(id), .. } => looked_up(&[("id", Some(&id))]),
        Tracking { number: Some(number), slug, .. } => {
            looked_up(&[("tracking_number", Some(&number)), ("slug", slug.as_deref())])
        }
        Tracking { .. } => return None,
    })
}

/// What `records.find` of trackings takes.
fn looked_up(known: &[(&str, Option<&str>)]) -> Effect {
    let mut input = Writer::new();
    for (name, value) in known {
        if let Some(value) = value {
            input.text(name, value);
        }
    }
    Effect::Changed(input.finish())
}

/// Whether trackings are written as the API writes them. The header is not signed: a wrong one at
/// most costs a lookup, or brings a genuine tracking in an older shape.
fn is_current(host: &dyn Host, delivery: &Delivery) -> bool {
    let wanted = host.setting(API_VERSION).unwrap_or_default();
    let version = only_header(&delivery.headers, VERSION);
    let is_current = version == Some(wanted.as_bytes());
    if !is_current {
        let text = format!(
            "A delivery is not of webhook version {wanted}, so its tracking has to be looked up. \
             Choose version {wanted} for the webhook URL in AfterShip's admin."
        );
        host.log(Level::Info, &text);
    }
    is_current
}

#[cfg(test)]
mod tests;
