//! From the bytes of a delivery to a row of the inbox, and to what is answered.

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, PROXY_AUTHORIZATION};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::timeout;

use super::hook::Served;
use super::shared::Shared;
use crate::clock::unix_ms;
use crate::runtime::CallError;
use crate::runtime::bindings::subscriptions::{Answer, Delivery, Event, Reception, Refusal};
use crate::webhooks::{Effect, NewDelivery, NewEvent, Received};

/// Headers that hold credentials. They are for whoever stands before us; neither the connector
/// nor the disk gets them.
const CREDENTIALS: [HeaderName; 3] = [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE];

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
    /// It says that it happens in the future.
    TooEarly(String),
    /// It cannot be taken now.
    Later(String),
}

/// The headers without those that hold credentials.
pub fn without_credentials(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let kept = headers.iter().filter(|(name, _)| !CREDENTIALS.contains(name));
    kept.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// Verifies, decodes, keeps. It is on the disk when this answers [`Verdict::Kept`], and only then.
pub async fn take(shared: &Shared, served: &Served, raw: Raw) -> Verdict {
    let received_ms = unix_ms(shared.clock.now());
    let mut decoded = decode(shared, served, &raw, received_ms).await;
    // The secret may have been changed by another program.
    if matches!(decoded, Ok(Err(Refusal::Unverified | Refusal::TryAgain(_))))
        && served.hook.decode.renew().await
    {
        decoded = decode(shared, served, &raw, received_ms).await;
    }
    let (events, answer) = match decoded {
        Ok(Ok(Reception { events, answer })) => (events, answer),
        Ok(Err(Refusal::Unreadable(why))) => {
            return keep(shared, served, raw, received_ms, Err(why)).await;
        }
        Ok(Err(Refusal::Unverified)) => return Verdict::Unverified,
        Ok(Err(Refusal::TryAgain(why))) => return Verdict::Later(why),
        Err(why) => return Verdict::Later(why),
    };
    let newest = shared.clock.now() + shared.bounds.newest;
    let early = events.iter().find(|event| happened(event).is_some_and(|at| at > newest));
    if let Some(event) = early {
        let at = event.occurred_at.clone().unwrap_or_default();
        return Verdict::TooEarly(at);
    }
    match keep(shared, served, raw, received_ms, Ok(events)).await {
        Verdict::Kept(_) => Verdict::Kept(answer),
        other => other,
    }
}

/// As the connector sees it; `Err` when it could not be asked.
async fn decode(
    shared: &Shared,
    served: &Served,
    raw: &Raw,
    received_ms: u64,
) -> Result<Result<Reception, Refusal>, String> {
    let delivery = Delivery {
        subscription: served.hook.subscription.clone(),
        method: raw.method.clone(),
        url: raw.url.clone(),
        headers: raw.headers.clone(),
        body: raw.body.clone(),
        received_at: timestamp(received_ms),
    };
    let within = shared.bounds.decode_within;
    match timeout(within, served.hook.decode.decode(delivery)).await {
        Ok(decoded) => decoded.map_err(|why: CallError| why.to_string()),
        Err(_) => Err(format!("the connector did not decode it within {within:?}")),
    }
}

async fn keep(
    shared: &Shared,
    served: &Served,
    raw: Raw,
    received_ms: u64,
    events: Result<Vec<Event>, String>,
) -> Verdict {
    let connection = &served.hook.connection;
    let oldest = shared.clock.now().checked_sub(shared.bounds.oldest);
    let events: Vec<NewEvent> = match events {
        Ok(events) => {
            let stale =
                |event: &Event| happened(event).zip(oldest).is_some_and(|(at, old)| at < old);
            let dead = |event: &Event| {
                stale(event).then(|| {
                    let days = shared.bounds.oldest.as_secs() / 3_600;
                    format!("it happened more than {days} hours before it came; not applied")
                })
            };
            let dead: Vec<_> = events.iter().map(dead).collect();
            let mut new = new_events(events, &raw.body);
            new.iter_mut().zip(dead).for_each(|(event, dead)| event.dead = dead);
            new
        }
        Err(why) => vec![unreadable(&raw.body, why)],
    };
    let names = events.iter().map(|event| event.name.clone()).collect();
    let Raw { method, url, headers, body } = raw;
    let connection = connection.clone();
    let dead = events.iter().find_map(|event| event.dead.clone());
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
            shared.kept(received, connection, names, dead);
            Verdict::Kept(None)
        }
        Err(why) => {
            shared.fails(&why);
            Verdict::Later(why.to_string())
        }
    }
}

/// Events as rows, known by the provider's id, else by the body and their place in it. A genuine
/// delivery without events is an event about nothing: it proves the subscription.
pub fn new_events(events: Vec<Event>, body: &[u8]) -> Vec<NewEvent> {
    if events.is_empty() {
        return vec![NewEvent {
            key: key(b"body", &[&0_u64.to_be_bytes(), body]),
            id: None,
            object: String::new(),
            name: String::new(),
            occurred_at: None,
            effect: Effect::Nothing,
            dead: None,
        }];
    }
    let rows = (0_u64..).zip(events).map(|(place, event)| NewEvent {
        key: match &event.id {
            Some(id) => key(b"id", &[event.object.as_bytes(), id.as_bytes()]),
            None => key(b"body", &[&place.to_be_bytes(), body]),
        },
        id: event.id,
        object: event.object,
        name: event.name,
        occurred_at: event.occurred_at,
        effect: event.effect.into(),
        dead: None,
    });
    rows.collect()
}

fn unreadable(body: &[u8], why: String) -> NewEvent {
    NewEvent {
        key: key(b"unreadable", &[body]),
        id: None,
        object: String::new(),
        name: String::new(),
        occurred_at: None,
        effect: Effect::Unreadable,
        dead: Some(why),
    }
}

/// Pieces with their lengths, so that no two lists of them look the same.
fn key(kind: &[u8], pieces: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for piece in [kind].iter().chain(pieces) {
        hash.update((piece.len() as u64).to_be_bytes());
        hash.update(piece);
    }
    hash.finalize().into()
}

fn happened(event: &Event) -> Option<std::time::SystemTime> {
    let at = OffsetDateTime::parse(event.occurred_at.as_deref()?, &Rfc3339).ok()?;
    Some(at.into())
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
    fn kept(
        &self,
        received: Received,
        connection: String,
        events: Vec<String>,
        dead: Option<String>,
    ) {
        use super::counts::Counting;
        use crate::webhooks::Note;
        let Received::New(delivery) = received else {
            return Counting::one(&self.counts.repeats);
        };
        Counting::one(&self.counts.kept);
        if let Some(why) = dead {
            let connection = connection.clone();
            self.notes.note(&Note::Dead { connection, event: delivery, why });
        }
        self.notes.note(&Note::Kept { connection, delivery, events });
        self.wake.notify_one();
    }
}
