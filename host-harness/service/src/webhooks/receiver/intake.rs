//! From the bytes of a delivery to a row of the inbox, and to what is answered.

use std::time::{Duration, UNIX_EPOCH};

use connector_contract::clock::unix_ms;
use connector_contract::subscriptions::{self, Answer, Delivery, Event, Reception, Refusal};
use connector_runtime::CallError;
use connector_runtime::digest::digest;
use connector_state::mirror::version::instant;
use http::HeaderMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::timeout;

use super::hook::ServedHook;
use super::shared::ReceiverState;
use crate::webhooks::{Effect, NewDelivery, NewEvent, Note, Received};

/// More than any sender goes on trying.
const OLDEST: time::Duration = time::Duration::hours(96);
/// As far as two clocks may be apart.
const NEWEST: time::Duration = time::Duration::minutes(5);

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
pub async fn take(shared: &ReceiverState, served: &ServedHook, raw: Delivery) -> Verdict {
    let received_ms = unix_ms(shared.clock.now());
    let raw = Delivery { received_at: timestamp(received_ms), ..raw };
    let decoder = &served.hook.decode;
    let mut delivery = decoder.without_secrets(raw.clone());
    let mut decoded = decode(shared, served, &delivery).await;
    // The secret may have been changed by another program.
    if matches!(decoded, Ok(Err(Refusal::Unverified | Refusal::TryAgain(_))))
        && decoder.renew().await
    {
        delivery = decoder.without_secrets(raw);
        decoded = decode(shared, served, &delivery).await;
    }
    let (events, answer) = match decoded {
        Ok(Ok(Reception { events, answer })) => (events, answer),
        Ok(Err(Refusal::Unreadable(why))) => {
            let (key, why) = (digest(&[b"unreadable", &delivery.body]), Some(why));
            let event = NewEvent { reason: why, ..about_nothing(key, Effect::Unreadable) };
            return keep(shared, served, delivery, received_ms, vec![event], None).await;
        }
        Ok(Err(Refusal::Unverified)) => return Verdict::Unverified,
        Ok(Err(Refusal::TryAgain(why))) | Err(why) => return Verdict::Later(why),
    };
    if events.iter().any(|event| event.effect == subscriptions::Effect::Disconnected) {
        if let Err(why) = decoder.disconnect().await {
            shared.fails(&why);
            return Verdict::Later(why.to_string());
        }
        let connection = served.hook.connection.clone();
        shared.notes.note(&Note::Disconnected { connection });
    }
    let events = new_events(events, &delivery.body, received_ms);
    keep(shared, served, delivery, received_ms, events, answer).await
}

/// As the connector sees it; `Err` when it could not be asked.
async fn decode(
    shared: &ReceiverState,
    served: &ServedHook,
    delivery: &Delivery,
) -> Result<Result<Reception, Refusal>, String> {
    let within = shared.bounds.decode_within;
    match timeout(within, served.hook.decode.decode(delivery.clone())).await {
        Ok(decoded) => decoded.map_err(|why: CallError| why.to_string()),
        Err(_) => Err(format!("the connector did not decode it within {within:?}")),
    }
}

async fn keep(
    shared: &ReceiverState,
    served: &ServedHook,
    delivery: Delivery,
    received_ms: u64,
    events: Vec<NewEvent>,
    answer: Option<Answer>,
) -> Verdict {
    let connection = served.hook.connection.clone();
    let names = events.iter().map(|event| event.name.clone()).collect();
    let unread = events.iter().find(|event| event.effect == Effect::Unreadable);
    let why = unread.and_then(|event| event.reason.clone()).unwrap_or_default();
    let Delivery { method, url, headers, body, .. } = delivery;
    let connection_id = connection.clone();
    let delivery =
        NewDelivery { connection: connection_id, received_ms, method, url, headers, body, events };
    match shared.inbox.receive(delivery).await {
        Ok(received) => {
            shared.works();
            shared.kept(received, connection, names, why);
            Verdict::Kept(answer)
        }
        Err(why) => {
            shared.fails(&why);
            Verdict::Later(why.to_string())
        }
    }
}

/// An event without a record.
fn about_nothing(key: [u8; 32], effect: Effect) -> NewEvent {
    NewEvent {
        key,
        id: None,
        object: String::new(),
        name: String::new(),
        occurred_at: None,
        effect,
        asks: false,
        reason: None,
    }
}

/// Events as rows, known by the provider's id with what they say, else by the body and their place
/// in it: an id that is used again for something else hides nothing. A genuine delivery without
/// events is an event about nothing: it proves the subscription.
pub fn new_events(events: Vec<Event>, body: &[u8], received_ms: u64) -> Vec<NewEvent> {
    if events.is_empty() {
        let key = digest(&[b"body", &0_u64.to_be_bytes(), body]);
        return vec![about_nothing(key, Effect::Nothing)];
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
    let happened = instant(Some(at))?;
    let received = OffsetDateTime::from(UNIX_EPOCH + Duration::from_millis(received_ms));
    let why = match received - happened {
        age if age > OLDEST => format!("more than {} hours before it came", OLDEST.whole_hours()),
        age if -age > NEWEST => "after it came".to_owned(),
        _ => return None,
    };
    Some(format!("it says that it happened at {at}, {why}: its record is looked up"))
}

/// As the contract writes times.
pub fn timestamp(ms: u64) -> String {
    let nanos = i128::from(ms) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok();
    let text = at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default();
    // The contract's examples write the offset out.
    text.strip_suffix('Z').map_or(text.clone(), |plain| format!("{plain}+00:00"))
}

impl ReceiverState {
    /// Counts and tells what came.
    fn kept(&self, received: Received, connection: String, events: Vec<String>, why: String) {
        let Received::New { delivery, dead } = received else {
            return self.count(|counts| counts.repeats += 1);
        };
        self.count(|counts| counts.kept += 1);
        if let Some(event) = dead {
            self.notes.note(&Note::Dead { connection: connection.clone(), event, why });
        }
        self.notes.note(&Note::Kept { connection, delivery, events });
        self.wake.notify_one();
    }
}
