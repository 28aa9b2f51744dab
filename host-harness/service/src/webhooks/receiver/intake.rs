//! From the bytes of a delivery to a row of the inbox, and to what is answered.

use std::time::{Duration, UNIX_EPOCH};

use connector_contract::subscriptions::{self, Answer, Delivery, Event, Reception, Refusal};
use connector_runtime::CallError;
use connector_runtime::digest::digest;
use connector_state::StoreError;
use connector_state::mirror::version::instant;
use http::StatusCode;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout};

use super::Receiver;
use super::answer::RefusedDelivery;
use super::hook::ServedHook;
use crate::webhooks::{EventEffect, NewDelivery, NewEvent, Note, Receipt, rfc3339};

/// More than any sender goes on trying.
const OLDEST: time::Duration = time::Duration::hours(96);
/// As far as two clocks may be apart.
const NEWEST: time::Duration = time::Duration::minutes(5);

/// Verifies, decodes, keeps. It is on the disk, now or since before, when this answers what to
/// answer, and only then.
pub async fn take(
    shared: &Receiver,
    served: &ServedHook,
    raw: Delivery,
    arrived: Instant,
) -> Result<Option<Answer>, RefusedDelivery> {
    let received_ms = shared.clock.now_ms();
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
        Ok(Ok(Reception { events, answer })) => {
            if events.iter().any(|event| event.effect == subscriptions::Effect::Disconnected) {
                decoder.disconnect().await.map_err(|why| shared.not_kept(&why))?;
                let connection = served.hook.connection.clone();
                shared.notes.note(&Note::Disconnected { connection });
            }
            (new_events(events, &delivery.body, received_ms), answer)
        }
        Ok(Err(Refusal::Unreadable(why))) => {
            let key = digest(&[b"unreadable", &delivery.body]);
            let reason = Some(why);
            (vec![NewEvent { reason, ..about_nothing(key, EventEffect::Unreadable) }], None)
        }
        Ok(Err(Refusal::Unverified)) => {
            served.count_refused();
            let why = "it is not signed with the secret that is kept";
            return Err(RefusedDelivery::new(StatusCode::UNAUTHORIZED, why));
        }
        Ok(Err(Refusal::TryAgain(why))) | Err(why) => return Err(RefusedDelivery::later(why)),
    };
    let connection = served.hook.connection.clone();
    let names = events.iter().map(|event| event.name.clone()).collect();
    let unread = events.iter().find(|event| event.effect == EventEffect::Unreadable);
    let why = unread.and_then(|event| event.reason.clone()).unwrap_or_default();
    let Delivery { method, url, headers, body, .. } = delivery;
    let id = connection.clone();
    let row = NewDelivery { connection: id, method, url, headers, body, events, arrived };
    let received = shared.inbox.receive(row).await.map_err(|why| shared.not_kept(&why))?;
    shared.works();
    shared.kept(received, connection, names, why);
    Ok(answer)
}

/// As the connector sees it; `Err` when it could not be asked.
async fn decode(
    shared: &Receiver,
    served: &ServedHook,
    delivery: &Delivery,
) -> Result<Result<Reception, Refusal>, String> {
    let within = shared.bounds.decode_within;
    match timeout(within, served.hook.decode.decode(delivery.clone())).await {
        Ok(decoded) => decoded.map_err(|why: CallError| why.to_string()),
        Err(_) => Err(format!("the connector did not decode it within {within:?}")),
    }
}

/// An event without a record.
fn about_nothing(key: [u8; 32], effect: EventEffect) -> NewEvent {
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
        return vec![about_nothing(key, EventEffect::Nothing)];
    }
    let rows = (0_u64..).zip(events).map(|(place, event)| {
        let reason = doubt(&event, received_ms);
        let effect = EventEffect::from(event.effect);
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

/// As the contract writes times: its examples write the offset out.
pub fn timestamp(ms: u64) -> String {
    rfc3339(ms).replace('Z', "+00:00")
}

impl Receiver {
    fn not_kept(&self, why: &StoreError) -> RefusedDelivery {
        // A connection that is removed or moves is no trouble of the others.
        if !matches!(why, StoreError::NoConnection(_)) {
            self.fails(why);
        }
        RefusedDelivery::later(why.to_string())
    }

    /// Counts and tells what came.
    fn kept(&self, received: Receipt, connection: String, events: Vec<String>, why: String) {
        let Receipt::New { delivery, dead } = received else {
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
