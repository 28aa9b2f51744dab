//! Deliveries that come: all that wait are kept by one transaction, with a few statements.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use connector_state::StoreError;
use connector_state::inbox::plan::{self, CountChange, EventKey, Numbers};
use connector_state::inbox::{HookRow, NewDelivery, Receipt};
use tokio::sync::oneshot;

use super::events::{self, NewRow};
use super::{hooks, numbers, rows};
use crate::Inner;
use crate::columns::{Column as _, signed, text};
use crate::fault::{DbResult, unknown};
use crate::session::{Session, transact};

/// Deliveries of one transaction at most.
const AT_ONCE: usize = 64;
/// When so many in a row fail, each alone, those after them are not tried.
const FAIL_IN_A_ROW: usize = 2;

/// Where the answer to a delivery goes.
type AnswerTo = oneshot::Sender<Result<Receipt, StoreError>>;

/// Deliveries that wait for the next transaction. They are as many as callers that wait for an answer,
/// which the receiver bounds.
#[derive(Default)]
pub struct Arrivals(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    deliveries: Vec<(NewDelivery, AnswerTo)>,
    /// A task is on its way that will take them.
    is_taken: bool,
}

impl Arrivals {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers whether somebody has to be sent for it.
    fn add(&self, delivery: NewDelivery, to: AnswerTo) -> bool {
        let mut waiting = self.waiting();
        waiting.deliveries.push((delivery, to));
        !std::mem::replace(&mut waiting.is_taken, true)
    }

    /// None: whoever asks may go.
    fn take(&self) -> Vec<(NewDelivery, AnswerTo)> {
        let mut waiting = self.waiting();
        let count = waiting.deliveries.len().min(AT_ONCE);
        waiting.is_taken = count > 0;
        waiting.deliveries.drain(..count).collect()
    }
}

/// Whoever takes deliveries. When it goes in the middle, those who wait hear so.
struct Taker {
    inner: Arc<Inner>,
    /// It left nothing, and another one may have come since.
    is_done: bool,
}

impl Drop for Taker {
    fn drop(&mut self) {
        if !self.is_done {
            let mut waiting = self.inner.arrivals.waiting();
            waiting.is_taken = false;
            waiting.deliveries.clear();
        }
    }
}

/// Keeps a delivery with all that wait.
pub async fn receive(inner: Arc<Inner>, delivery: NewDelivery) -> Result<Receipt, StoreError> {
    let _still = inner.hold_time();
    let (to, answer) = oneshot::channel();
    if inner.arrivals.add(delivery, to) {
        drop(tokio::spawn(work(Taker { inner: Arc::clone(&inner), is_done: false })));
    }
    let ended = || Err(unknown(&inner.place, "the program ended meanwhile".to_owned()));
    answer.await.unwrap_or_else(|_| ended())
}

async fn work(mut taker: Taker) {
    loop {
        let inner = &taker.inner;
        let (deliveries, answers): (Vec<_>, Vec<_>) = inner.arrivals.take().into_iter().unzip();
        if answers.is_empty() {
            // Whoever comes now sends somebody else.
            taker.is_done = true;
            return;
        }
        for (to, kept) in answers.into_iter().zip(keep(inner, deliveries).await) {
            // Nobody may wait any more, and it is kept all the same.
            let _ = to.send(kept);
        }
    }
}

/// Together; when that fails, each alone, so that the one at which it fails takes no other with it.
async fn keep(
    inner: &Arc<Inner>,
    deliveries: Vec<NewDelivery>,
) -> Vec<Result<Receipt, StoreError>> {
    let together = transact(inner, &deliveries, |on, all| Box::pin(keep_all(on, all))).await;
    let why = match together {
        Ok(kept) => return kept,
        Err(why) if deliveries.len() == 1 || why.may_be_done() => {
            return vec![Err(why); deliveries.len()];
        }
        Err(why) => why,
    };
    let (mut kept, mut failed) = (Vec::with_capacity(deliveries.len()), 0);
    for delivery in deliveries {
        if failed >= FAIL_IN_A_ROW {
            kept.push(Err(why.clone()));
            continue;
        }
        let alone = transact(inner, &vec![delivery], |on, all| Box::pin(keep_all(on, all))).await;
        let alone = alone.and_then(|mut kept| kept.pop().unwrap_or_else(|| Err(why.clone())));
        failed = if matches!(alone, Err(StoreError::Unavailable { .. })) { failed + 1 } else { 0 };
        kept.push(alone);
    }
    kept
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

async fn keep_all(
    on: &Session,
    deliveries: &Vec<NewDelivery>,
) -> DbResult<Vec<Result<Receipt, StoreError>>> {
    let connections: BTreeSet<&str> =
        deliveries.iter().map(|delivery| delivery.connection.as_str()).collect();
    let mut all = whose(on, &connections).await?;
    let (now_ms, progress) = tokio::try_join!(on.now_ms(), numbers::read(on))?;
    let mut learned = learn(on, deliveries, &all, progress.generation).await?;
    let mut newest = Numbers::default();
    let (mut kept, mut new_deliveries, mut new_events) = (Vec::new(), Vec::new(), Vec::new());
    for delivery in deliveries {
        let Some(whose) = all.get_mut(delivery.connection.as_str()) else {
            kept.push(Err(StoreError::NoConnection(delivery.connection.clone())));
            continue;
        };
        for place in plan::works(&delivery.events, &whose.subscribed) {
            if let Some(count) = whose.works.get_mut(place) {
                *count += 1;
            }
        }
        let keys = delivery.events.iter().map(plan::key);
        let known: BTreeSet<EventKey> =
            keys.clone().filter(|key| !learned.contains(&(whose.inbox, *key))).collect();
        let arrival = plan::arrival(&delivery.events, &known, &mut newest, now_ms);
        for key in keys {
            learned.remove(&(whose.inbox, key));
        }
        if let Receipt::New { delivery: number, .. } = arrival.receipt {
            whose.opens_gap |= arrival.opens_gap;
            new_deliveries.push((whose.inbox, delivery));
            for event in arrival.events {
                whose.counts.add(event.state);
                let body = std::str::from_utf8(&delivery.body).ok();
                new_events.push(NewRow {
                    inbox: whose.inbox,
                    delivery: signed(number),
                    body,
                    event,
                });
            }
        }
        kept.push(Ok(arrival.receipt));
    }
    let given = numbers::give(on, newest).await?;
    put(on, &new_deliveries, &given.deliveries, now_ms).await?;
    for row in &mut new_events {
        row.delivery = given.delivery(row.delivery);
        row.event.number = given.event(row.event.number);
    }
    events::put(on, &new_events).await?;
    finish(on, &all, now_ms).await?;
    Ok(kept.into_iter().map(|receipt| receipt.map(|receipt| given.receipt(receipt))).collect())
}

/// The connections that are there. Their inboxes are locked.
async fn whose<'c>(
    on: &Session,
    connections: &BTreeSet<&'c str>,
) -> DbResult<BTreeMap<&'c str, Whose>> {
    let inboxes = numbers::lock(on, connections).await?;
    let ids: Vec<_> = connections.iter().map(|connection| text(connection)).collect();
    let sql = "SELECT connection, object FROM subscriptions WHERE connection = ANY($1)
               ORDER BY connection, object";
    let mut subscribed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in on.rows(sql, &[&ids]).await? {
        let of = subscribed.entry(String::read(&row, "connection")?).or_default();
        of.push(String::read(&row, "object")?);
    }
    let whose = |connection: &&'c str| {
        let inbox = *inboxes.get(*connection)?;
        let subscribed = subscribed.remove(*connection).unwrap_or_default();
        let works = vec![0; subscribed.len()];
        let counts = CountChange::default();
        Some((*connection, Whose { inbox, subscribed, works, counts, opens_gap: false }))
    };
    Ok(connections.iter().filter_map(whose).collect())
}

/// Knows the keys of these events from now on; answers those that were not known.
async fn learn(
    on: &Session,
    deliveries: &[NewDelivery],
    all: &BTreeMap<&str, Whose>,
    generation: i64,
) -> DbResult<BTreeSet<(i64, EventKey)>> {
    let mut keys = BTreeSet::new();
    for delivery in deliveries {
        if let Some(whose) = all.get(delivery.connection.as_str()) {
            keys.extend(delivery.events.iter().map(|event| (whose.inbox, plan::key(event))));
        }
    }
    numbers::learn(on, &keys, generation).await
}

async fn put(
    on: &Session,
    new: &[(i64, &NewDelivery)],
    numbers: &[i64],
    now_ms: u64,
) -> DbResult<()> {
    if new.is_empty() {
        return Ok(());
    }
    let inboxes: Vec<i64> = new.iter().map(|(inbox, _)| *inbox).collect();
    let methods: Vec<_> = new.iter().map(|(_, delivery)| text(&delivery.method)).collect();
    let urls: Vec<_> = new.iter().map(|(_, delivery)| text(&delivery.url)).collect();
    let headers: Vec<_> =
        new.iter().map(|(_, delivery)| rows::headers_json(&delivery.headers)).collect();
    let bodies: Vec<&[u8]> = new.iter().map(|(_, delivery)| delivery.body.as_slice()).collect();
    let answered: Vec<i64> =
        new.iter().map(|(_, delivery)| signed(delivery.answered_ms())).collect();
    let sql = "INSERT INTO inbox_deliveries
                   (received_ms, number, inbox, answered_ms, method, url, headers, body)
               SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[],
                   $6::text[], $7::text[], $8::bytea[])";
    let now = signed(now_ms);
    on.run(sql, &[&now, &numbers, &inboxes, &answered, &methods, &urls, &headers, &bodies])
        .await
        .map(drop)
}

async fn finish(on: &Session, all: &BTreeMap<&str, Whose>, now_ms: u64) -> DbResult<()> {
    let counts = all.values().map(|whose| (whose.inbox, whose.counts));
    numbers::count(on, &counts.collect()).await?;
    let (mut connections, mut objects, mut works) = (Vec::new(), Vec::new(), Vec::new());
    for (connection, whose) in all {
        for (object, count) in whose.subscribed.iter().zip(&whose.works) {
            if *count > 0 {
                connections.push(text(connection));
                objects.push(text(object));
                works.push(signed(*count));
            }
        }
    }
    if !works.is_empty() {
        let sql = "UPDATE subscriptions AS s SET deliveries = s.deliveries + u.works,
                       last_ms = greatest(s.last_ms, $4), proven_ms = coalesce(s.proven_ms, $4)
                   FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u (connection, object, works)
                   WHERE s.connection = u.connection COLLATE \"C\" AND s.object = u.object COLLATE \"C\"";
        on.run(sql, &[&connections, &objects, &works, &signed(now_ms)]).await?;
    }
    for (connection, whose) in all {
        if whose.opens_gap {
            let open = |hook: &mut HookRow, _| plan::open_gap(hook, now_ms);
            hooks::change(on, connection, open).await?;
        }
    }
    Ok(())
}
