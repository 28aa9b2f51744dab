//! Deliveries of the provider: verified and decoded by the connector, and handed to whoever keeps them before success is
//! answered (H-42), since nothing can be kept here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_policy::policy::{header_name, is_framing};
use connector_policy::setting::{AddressSpace, read_url};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Position;

use crate::bindings::connector::api::subscriptions::{self, Delivery, Effect, Event, Refusal};
use crate::bindings::connector::wasi::calls;
use crate::bindings::wasi::clocks::wall_clock;
use crate::exchange;
use crate::http::{Reply, Request, not_allowed};
use crate::problem::{Kind, Problem, Source};
use crate::{json, settings};

/// Bytes that are read of a keeper's answer: nothing of it matters but its status.
const ANSWER_BYTES: usize = 64 << 10;

/// Receives one.
///
/// # Errors
/// A problem that makes the provider deliver it again.
pub fn receive(request: &Request) -> Result<Reply, Problem> {
    if request.method != "POST" {
        return Err(not_allowed(&request.method));
    }
    let Some(keeper) = settings::read("front.deliveries-to")? else {
        let detail = "nobody keeps deliveries yet: set front.deliveries-to in the configuration";
        return Err(unavailable(detail));
    };
    let whole = calls::Delivery {
        url: request.url.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
    };
    let calls::Delivery { url, headers, body } =
        calls::begin_delivery(&whole).map_err(|why| unavailable(&why))?;
    let delivery = Delivery {
        subscription: None,
        method: request.method.clone(),
        url,
        headers,
        body,
        received_at: now(),
    };
    let (kept, answer) = match subscriptions::receive(&delivery) {
        Ok(reception) => {
            let events = json::list(&reception.events, event);
            (format!("{{\"events\":[{events}]}}"), reception.answer)
        }
        Err(Refusal::Unverified) => {
            let detail = "the delivery does not prove itself";
            return Err(Problem::new(Kind::Unauthenticated, Source::Request, detail));
        }
        Err(Refusal::TryAgain(why)) => return Err(unavailable(&why)),
        Err(Refusal::Unreadable(why)) => {
            let (why, body) = (json::text(&why), STANDARD.encode(&delivery.body));
            (
                format!(
                    "{{\"events\":[],\"unreadable\":{{\"reason\":{why},\"body\":\"{body}\"}}}}"
                ),
                None,
            )
        }
    };
    keep(&keeper, &kept)?;
    let Some(answer) = answer else { return Ok(Reply::empty(200)) };
    let headers = answer.headers.into_iter();
    let headers = headers
        .filter(|(name, _)| header_name(name).is_ok_and(|name| !is_framing(&name)))
        .collect();
    Ok(Reply { status: answer.status, headers, body: answer.body })
}

/// Hands a delivery on.
fn keep(keeper: &str, text: &str) -> Result<(), Problem> {
    let is_open = settings::read("allow-private")?.as_deref() == Some("true");
    let space = if is_open { AddressSpace::Private } else { AddressSpace::Public };
    let url = read_url(keeper, space);
    let url = url.map_err(|why| unavailable(&format!("front.deliveries-to {why}")))?;
    let mut headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    if let Some(token) = settings::read("front.deliveries-token")? {
        headers.push(("authorization".to_owned(), format!("Bearer {token}").into_bytes()));
    }
    let answer = exchange::exchange(
        exchange::Request {
            tls: url.scheme() == "https",
            authority: &url[Position::BeforeHost..Position::AfterPort],
            method: "POST",
            target: &url[Position::BeforePath..],
            headers,
            body: text.as_bytes(),
        },
        ANSWER_BYTES,
    );
    match answer {
        Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
        Ok(answer) => Err(unavailable(&format!("whoever keeps it answered {}", answer.status))),
        Err(why) => Err(unavailable(&format!("whoever keeps it cannot be reached: {why:?}"))),
    }
}

fn event(event: &Event) -> String {
    let (effect, more) = match &event.effect {
        Effect::Upserted(record) => ("upserted", format!(",\"record\":{}", json::record(record))),
        Effect::Deleted(id) => ("deleted", format!(",\"record_id\":{}", json::text(id))),
        Effect::Changed(input) => ("changed", format!(",\"find\":{input}")),
        Effect::Disconnected => ("disconnected", String::new()),
        Effect::Nothing => ("nothing", String::new()),
    };
    format!(
        "{{\"id\":{},\"object\":{},\"name\":{},\"occurred_at\":{},\"effect\":\"{effect}\"{more}}}",
        json::optional(event.id.as_deref()),
        json::text(&event.object),
        json::text(&event.name),
        json::optional(event.occurred_at.as_deref()),
    )
}

fn unavailable(detail: &str) -> Problem {
    Problem::new(Kind::Unavailable, Source::Host, detail)
}

fn now() -> String {
    let seconds = i64::try_from(wall_clock::now().seconds).unwrap_or_default();
    let now = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    now.format(&Rfc3339).unwrap_or_default()
}
