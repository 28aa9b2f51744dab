//! Deliveries that come: all that wait for a commit are kept in one piece of it, so that what they
//! share is read and written once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use connector_contract::clock::{Clock, unix_ms};
use connector_state::StoreError;
use connector_state::inbox::plan::{self, Arrival, CountChange};
use connector_state::inbox::{HookRow, NewDelivery, Receipt};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::numbers::{self, InboxNumbers};
use super::{events, hooks, rows};
use crate::columns::{run, signed, values};
use crate::fault::{DbResult, stopped, undone};
use crate::writer::{Job, Turn, Writer, alone};

pub const OF_CONNECTION: &str =
    "SELECT object FROM subscriptions WHERE connection = ? ORDER BY object";
pub const WORKS: &str = "UPDATE subscriptions SET deliveries = deliveries + ?1,
        last_ms = max(coalesce(last_ms, 0), ?2), proven_ms = coalesce(proven_ms, ?2)
    WHERE connection = ?3 AND object = ?4";
pub const PUT: &str = "INSERT INTO inbox_deliveries
    (number, inbox, received_ms, answered_ms, first_event, events, method, url, headers, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Where the answer to a delivery goes.
type AnswerTo = oneshot::Sender<Result<Receipt, StoreError>>;

/// Deliveries that wait for the next commit. Whoever finds none here queues the piece of work that
/// will take all. They are as many as callers that wait for an answer, which the receiver bounds.
#[derive(Default)]
pub struct Arrivals(Mutex<Vec<(NewDelivery, AnswerTo)>>);

impl Arrivals {
    fn add(&self, delivery: NewDelivery, to: AnswerTo) -> bool {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((delivery, to));
        waiting.len() == 1
    }

    fn take(&self) -> Vec<(NewDelivery, AnswerTo)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A piece of work that takes what waits. When it goes without having run, those who wait hear so, and
/// the next one who comes queues another.
struct Pending(Option<Arc<Arrivals>>);

impl Pending {
    fn take(mut self) -> Vec<(NewDelivery, AnswerTo)> {
        self.0.take().map(|arrivals| arrivals.take()).unwrap_or_default()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        drop(self.0.take().map(|arrivals| arrivals.take()));
    }
}

/// Keeps a delivery with all that wait.
pub async fn receive(
    arrivals: Arc<Arrivals>,
    writer: Arc<Writer>,
    clock: Arc<dyn Clock>,
    path: String,
    delivery: NewDelivery,
) -> Result<Receipt, StoreError> {
    let (to, answer) = oneshot::channel();
    if arrivals.add(delivery, to) {
        let path = path.clone();
        writer.submit(false, piece(Pending(Some(arrivals)), clock, path));
    }
    answer.await.unwrap_or_else(|_| Err(stopped(&path)))
}

/// Keeps all that have come until it runs.
fn piece(pending: Pending, clock: Arc<dyn Clock>, path: String) -> Job {
    Box::new(move |turn| {
        let (deliveries, answers): (Vec<_>, Vec<_>) = pending.take().into_iter().unzip();
        let kept = match turn {
            Ok(turn) => keep(turn, unix_ms(clock.now()), &deliveries, &path),
            Err(why) => vec![Err(why); deliveries.len()],
        };
        Box::new(move |ended| {
            for (to, kept) in answers.into_iter().zip(kept) {
                // Nobody may wait any more, and it is kept all the same.
                let _ = to.send(kept.and_then(|receipt| ended.clone().map(|()| receipt)));
            }
        })
    })
}

/// Together; when that fails, each alone, so that the one at which it fails takes no other with it.
fn keep(
    turn: Turn<'_>,
    now_ms: u64,
    deliveries: &[NewDelivery],
    path: &str,
) -> Vec<Result<Receipt, StoreError>> {
    let refused = |why| vec![Err(why); deliveries.len()];
    // One before these may have ended the transaction, and they would be committed on their own.
    if turn.on.is_autocommit() {
        return refused(undone(path));
    }
    match alone(turn, |on| keep_all(on, now_ms, deliveries)) {
        Ok(kept) => kept,
        Err(why) if deliveries.len() == 1 || turn.on.is_autocommit() => refused(why.of(path)),
        Err(_) => {
            let each = deliveries.chunks(1);
            let turn = Turn { only: false, ..turn };
            each.flat_map(|one| keep(turn, now_ms, one, path)).collect()
        }
    }
}

/// What is read once of a connection, and what is written once in the end.
struct Whose {
    inbox: i64,
    /// Objects of its subscriptions, each with how many deliveries showed it to work.
    subscribed: Vec<String>,
    works: Vec<u64>,
    counts: CountChange,
    opens_gap: bool,
}

fn keep_all(
    on: &Connection,
    now_ms: u64,
    deliveries: &[NewDelivery],
) -> DbResult<Vec<Result<Receipt, StoreError>>> {
    let before = numbers::read(on)?;
    let mut numbers = before;
    let mut all: BTreeMap<&str, Option<Whose>> = BTreeMap::new();
    let mut kept = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        let connection = delivery.connection.as_str();
        if !all.contains_key(connection) {
            all.insert(connection, whose(on, connection)?);
        }
        kept.push(match all.get_mut(connection) {
            Some(Some(whose)) => Ok(keep_one(on, now_ms, delivery, &mut numbers, whose)?),
            _ => Err(StoreError::NoConnection(connection.to_owned())),
        });
    }
    if numbers != before {
        numbers::write(on, &numbers)?;
    }
    for (connection, whose) in all {
        let Some(whose) = whose else { continue };
        numbers::count(on, whose.inbox, whose.counts)?;
        for (object, count) in whose.subscribed.iter().zip(whose.works) {
            if count > 0 {
                run(on, WORKS, (signed(count), signed(now_ms), connection, object))?;
            }
        }
        if whose.opens_gap {
            let open = |hook: &mut HookRow| plan::open_gap(hook, now_ms);
            hooks::change(on, connection, now_ms, open)?;
        }
    }
    Ok(kept)
}

/// `None`: there is no such connection.
fn whose(on: &Connection, connection: &str) -> DbResult<Option<Whose>> {
    let Some(inbox) = numbers::inbox(on, connection)? else { return Ok(None) };
    let subscribed: Vec<String> = values(on, OF_CONNECTION, [connection])?;
    let works = vec![0; subscribed.len()];
    let counts = CountChange::default();
    Ok(Some(Whose { inbox, subscribed, works, counts, opens_gap: false }))
}

fn keep_one(
    on: &Connection,
    now_ms: u64,
    delivery: &NewDelivery,
    numbers: &mut InboxNumbers,
    whose: &mut Whose,
) -> rusqlite::Result<Receipt> {
    let NewDelivery { method, url, headers, body, events: new, .. } = delivery;
    for place in plan::works(new, &whose.subscribed) {
        if let Some(count) = whose.works.get_mut(place) {
            *count += 1;
        }
    }
    let known = numbers::learn(on, numbers, whose.inbox, new)?;
    let first = numbers.newest.event + 1;
    let Arrival { receipt, events, opens_gap } =
        plan::arrival(new, &known, &mut numbers.newest, now_ms);
    let Receipt::New { delivery: number, .. } = receipt else { return Ok(receipt) };
    whose.opens_gap |= opens_gap;
    let number = signed(number);
    let headers = rows::headers_json(headers)?;
    let (now, first, count) = (signed(now_ms), signed(first), signed(events.len() as u64));
    let answered = signed(delivery.answered_ms());
    let of = (number, whose.inbox, now, answered, first, count, method, url, headers, body);
    run(on, PUT, of)?;
    let text = std::str::from_utf8(body).ok();
    for event in &events {
        events::put(on, whose.inbox, number, text, event)?;
        whose.counts.add(event.state);
    }
    Ok(receipt)
}
