//! From the bytes of a delivery to a row of the inbox, and to what is answered.

use std::time::{Duration, UNIX_EPOCH};

use connector_contract::clock::unix_ms;
use connector_contract::subscriptions::{self, Answer, Delivery, Event, Reception, Refusal};
use connector_runtime::CallError;
use http::HeaderMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::timeout;

use super::hook::Served;
use super::shared::Shared;
use crate::digest::digest;
use crate::webhooks::{Effect, NewDelivery, NewEvent, Note, Received};

/// More than any sender goes on trying.
const OLDEST: time::Duration = time::Duration::hours(96);
/// As far as two clocks may be apart.
const NEWEST: time::Duration = time::Duration::minutes(5);

/// A request to a hook, whole.
pub struct Raw {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

/// What came of it.
pub enum Verdict {
    /// It is on the disk, or was before.
    Kept(Option<Answer>),
    /// Nobody proves that it is the provider's.
    Unverified,
    /// It cannot be taken now.
    Later(String),
}

/// All headers. Credentials among them go no further than [`take`].
pub fn all_headers(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let all = headers.iter();
    all.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// Verifies, decodes, keeps. It is on the disk when this answers [`Verdict::Kept`], and only then.
pub async fn take(shared: &Shared, served: &Served, raw: Raw) -> Verdict {
    let received_ms = unix_ms(shared.clock.now());
    let mut delivery = without_secrets(served, &raw, received_ms);
    let mut decoded = decode(shared, served, &delivery).await;
    // The secret may have been changed by another program.
    if matches!(decoded, Ok(Err(Refusal::Unverified | Refusal::TryAgain(_))))
        && served.hook.decode.renew().await
    {
        delivery = without_secrets(served, &raw, received_ms);
        decoded = decode(shared, served, &delivery).await;
    }
    drop(raw);
    let (events, answer) = match decoded {
        Ok(Ok(Reception { events, answer })) => (events, answer),
        Ok(Err(Refusal::Unreadable(why))) => {
            return keep(shared, served, delivery, received_ms, Err(why)).await;
        }
        Ok(Err(Refusal::Unverified)) => return Verdict::Unverified,
        Ok(Err(Refusal::TryAgain(why))) => return Verdict::Later(why),
        Err(why) => return Verdict::Later(why),
    };
    if events.iter().any(|event| event.effect == subscriptions::Effect::Disconnected) {
        if let Err(why) = served.hook.decode.disconnect().await {
            shared.fails(&why);
            return Verdict::Later(why.to_string());
        }
        let connection = served.hook.connection.clone();
        shared.notes.note(&Note::Disconnected { connection });
    }
    match keep(shared, served, delivery, received_ms, Ok(events)).await {
        Verdict::Kept(_) => Verdict::Kept(answer),
        other => other,
    }
}

fn without_secrets(served: &Served, raw: &Raw, received_ms: u64) -> Delivery {
    served.hook.decode.without_secrets(Delivery {
        subscription: served.hook.subscription.clone(),
        method: raw.method.clone(),
        url: raw.url.clone(),
        headers: raw.headers.clone(),
        body: raw.body.clone(),
        received_at: timestamp(received_ms),
    })
}

/// As the connector sees it; `Err` when it could not be asked.
async fn decode(
    shared: &Shared,
    served: &Served,
    delivery: &Delivery,
) -> Result<Result<Reception, Refusal>, String> {
    let within = shared.bounds.decode_within;
    match timeout(within, served.hook.decode.decode(delivery.clone())).await {
        Ok(decoded) => decoded.map_err(|why: CallError| why.to_string()),
        Err(_) => Err(format!("the connector did not decode it within {within:?}")),
    }
}

async fn keep(
    shared: &Shared,
    served: &Served,
    delivery: Delivery,
    received_ms: u64,
    events: Result<Vec<Event>, String>,
) -> Verdict {
    let connection = &served.hook.connection;
    let events = match events {
        Ok(events) => new_events(events, &delivery.body, received_ms),
        Err(why) => vec![unreadable(&delivery.body, why)],
    };
    let names = events.iter().map(|event| event.name.clone()).collect();
    let Delivery { method, url, headers, body, .. } = delivery;
    let connection = connection.clone();
    let unread = events.iter().find(|event| event.effect == Effect::Unreadable);
    let why = unread.and_then(|event| event.reason.clone()).unwrap_or_default();
    let delivery = NewDelivery {
        connection: connection.clone(),
        received_ms,
        method,
        url,
        headers,
        body,
        events,
    };
    match shared.inbox.receive(delivery).await {
        Ok(received) => {
            shared.works();
            shared.kept(received, connection, names, why);
            Verdict::Kept(None)
        }
        Err(why) => {
            shared.fails(&why);
            Verdict::Later(why.to_string())
        }
    }
}

/// Events as rows, known by the provider's id with what they say, else by the body and their place
/// in it: an id that is used again for something else hides nothing. A genuine delivery without
/// events is an event about nothing: it proves the subscription.
pub fn new_events(events: Vec<Event>, body: &[u8], received_ms: u64) -> Vec<NewEvent> {
    if events.is_empty() {
        return vec![NewEvent {
            key: digest(&[b"body", &0_u64.to_be_bytes(), body]),
            id: None,
            object: String::new(),
            name: String::new(),
            occurred_at: None,
            effect: Effect::Nothing,
            asks: false,
            reason: None,
        }];
    }
    let rows = (0_u64..).zip(events).map(|(place, event)| {
        let reason = doubt(&event, received_ms);
        let effect = Effect::from(event.effect);
        NewEvent {
            key: match &event.id {
                Some(id) => digest(&[b"id", event.object.as_bytes(), id.as_bytes(), effect.said()]),
                None => digest(&[b"body", &place.to_be_bytes(), body]),
            },
            id: event.id,
            object: event.object,
            name: event.name,
            occurred_at: event.occurred_at,
            effect,
            asks: reason.is_some(),
            reason,
        }
    });
    rows.collect()
}

/// Why an event is not taken at its word, if it is not. Its time says that it is a recording, a
/// canned example, or that somebody's clock is wrong; the provider knows how its record is now.
fn doubt(event: &Event, received_ms: u64) -> Option<String> {
    let at = event.occurred_at.as_deref()?;
    let happened = OffsetDateTime::parse(at, &Rfc3339).ok()?;
    let received = OffsetDateTime::from(UNIX_EPOCH + Duration::from_millis(received_ms));
    let why = match received - happened {
        age if age > OLDEST => format!("more than {} hours before it came", OLDEST.whole_hours()),
        age if -age > NEWEST => "after it came".to_owned(),
        _ => return None,
    };
    Some(format!("it says that it happened at {at}, {why}: its record is looked up"))
}

fn unreadable(body: &[u8], why: String) -> NewEvent {
    NewEvent {
        key: digest(&[b"unreadable", body]),
        id: None,
        object: String::new(),
        name: String::new(),
        occurred_at: None,
        effect: Effect::Unreadable,
        asks: false,
        reason: Some(why),
    }
}

/// As the contract writes times.
pub fn timestamp(ms: u64) -> String {
    let nanos = i128::from(ms) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    let text = at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default();
    // The contract's examples write the offset out.
    text.strip_suffix('Z').map_or(text.clone(), |plain| format!("{plain}+00:00"))
}

/// For logs of what came.
impl Shared {
    fn kept(&self, received: Received, connection: String, events: Vec<String>, why: String) {
        use super::counts::Counting;
        let Received::New { delivery, dead } = received else {
            return Counting::one(&self.counts.repeats);
        };
        Counting::one(&self.counts.kept);
        if let Some(event) = dead {
            self.notes.note(&Note::Dead { connection: connection.clone(), event, why });
        }
        self.notes.note(&Note::Kept { connection, delivery, events });
        self.wake.notify_one();
    }
}
