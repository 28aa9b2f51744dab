//! [`Inbox`] in memory.

use std::collections::{BTreeMap, BTreeSet};

use super::{Memory, Rows};
use crate::inbox::plan::{self, Arrival, EventChange, EventKey, Numbers, PlannedEvent};
use crate::inbox::*;
use crate::journal::entries;
use crate::retention::EVENT_KEYS_MS;
use crate::{Answer, Lease, StoreError};

/// What providers delivered.
#[derive(Debug, Default, Clone)]
pub struct InboxTables {
    hooks: BTreeMap<String, (HookRow, Option<Lease>)>,
    subscriptions: BTreeMap<(String, String), SubscriptionRow>,
    /// By connection and key: when it was first seen.
    keys: BTreeMap<(String, EventKey), u64>,
    /// Without their events.
    deliveries: BTreeMap<u64, DeliveryRow>,
    /// Each with whether it needs the provider.
    events: BTreeMap<u64, (EventRow, bool)>,
    numbers: Numbers,
}

impl InboxTables {
    /// Takes everything of a removed connection with it.
    fn remove_connection(&mut self, id: &str) {
        self.hooks.remove(id);
        self.subscriptions.retain(|(connection, _), _| connection != id);
        self.keys.retain(|(connection, _), _| connection != id);
        self.deliveries.retain(|_, row| row.connection != id);
        self.events.retain(|_, (row, _)| row.connection != id);
    }

    /// Forgets what is older than it is kept.
    fn forget(&mut self, now_ms: u64) {
        self.keys.retain(|_, seen_ms| seen_ms.saturating_add(EVENT_KEYS_MS) > now_ms);
        let over = |row: &DeliveryRow| {
            let states = self.of(row.number).map(|(event, _)| event.state);
            plan::is_over(row.received_ms, states, now_ms).then_some(row.number)
        };
        let over: BTreeSet<u64> = self.deliveries.values().filter_map(over).collect();
        self.deliveries.retain(|number, _| !over.contains(number));
        self.events.retain(|_, (row, _)| !over.contains(&row.delivery));
    }

    fn of(&self, delivery: u64) -> impl Iterator<Item = &(EventRow, bool)> {
        self.events.values().filter(move |(row, _)| row.delivery == delivery)
    }

    fn whole(&self, row: &DeliveryRow) -> DeliveryRow {
        let events = self.of(row.number).map(|(event, _)| event.clone()).collect();
        DeliveryRow { events, ..row.clone() }
    }

    /// Hooks by their connections.
    pub(super) fn hooks(&self) -> impl Iterator<Item = (String, HookRow)> + '_ {
        self.hooks.iter().map(|(connection, (hook, _))| (connection.clone(), hook.clone()))
    }

    fn known(&self, connection: &str, events: &[NewEvent]) -> BTreeSet<EventKey> {
        let keys = events.iter().map(plan::key);
        keys.filter(|key| self.keys.contains_key(&(connection.to_owned(), *key))).collect()
    }

    fn open_gap(&mut self, connection: &str, since_ms: u64) {
        if let Some((hook, _)) = self.hooks.get_mut(connection) {
            plan::open_gap(hook, since_ms);
        }
    }

    fn works(&mut self, delivery: &NewDelivery, now_ms: u64) {
        let rows = self.subscriptions.values_mut();
        let mut rows: Vec<_> = rows.filter(|row| row.connection == delivery.connection).collect();
        let subscribed: Vec<String> = rows.iter().map(|row| row.object.clone()).collect();
        for place in plan::works(&delivery.events, &subscribed) {
            let Some(row) = rows.get_mut(place) else { continue };
            row.deliveries += 1;
            row.last_ms = Some(row.last_ms.map_or(now_ms, |last_ms| last_ms.max(now_ms)));
            row.proven_ms = row.proven_ms.or(Some(now_ms));
        }
    }

    fn receive(&mut self, delivery: NewDelivery, now_ms: u64) -> Receipt {
        self.works(&delivery, now_ms);
        let known = self.known(&delivery.connection, &delivery.events);
        let NewDelivery { connection, method, url, headers, body, events } = delivery;
        let Arrival { receipt, events, opens_gap } =
            plan::arrival(&events, &known, &mut self.numbers, now_ms);
        let Receipt::New { delivery: number, .. } = receipt else { return receipt };
        let bytes = body.len() as u64;
        let row = DeliveryRow {
            number,
            connection: connection.clone(),
            received_ms: now_ms,
            method,
            url,
            headers,
            body,
            bytes,
            events: vec![],
        };
        self.put(&row, events, now_ms);
        self.deliveries.insert(number, row);
        if opens_gap {
            self.open_gap(&connection, now_ms);
        }
        receipt
    }

    fn put(&mut self, delivery: &DeliveryRow, events: Vec<PlannedEvent<'_>>, now_ms: u64) {
        for PlannedEvent { number, key, new, state, asks, next_ms, applied_ms } in events {
            let connection = delivery.connection.clone();
            self.keys.insert((connection.clone(), key), now_ms);
            let new = new.clone();
            let row = EventRow {
                number,
                delivery: delivery.number,
                connection,
                id: new.id,
                object: new.object,
                name: new.name,
                occurred_at: new.occurred_at,
                effect: new.effect,
                state,
                attempts: 0,
                next_ms,
                reason: new.reason,
                received_ms: delivery.received_ms,
                applied_ms,
                tries: vec![],
            };
            self.events.insert(number, (row, asks));
        }
    }

    fn change(&mut self, event: u64, change: EventChange) {
        let Some((row, asks)) = self.events.get_mut(&event) else { return };
        row.state = change.state;
        row.attempts = change.attempts;
        row.next_ms = change.next_ms;
        row.reason = change.reason;
        row.applied_ms = change.applied_ms;
        if let Some(failed) = change.failed {
            row.tries = plan::with_try(std::mem::take(&mut row.tries), failed);
        }
        *asks = change.asks;
        let connection = row.connection.clone();
        if let Some(since_ms) = change.gap_ms {
            self.open_gap(&connection, since_ms);
        }
    }

    fn read_again(&mut self, event: u64, new: &[NewEvent], now_ms: u64) {
        let Some((unread, _)) = self.events.get(&event) else { return };
        if unread.effect != EventEffect::Unreadable {
            return;
        }
        let Some(delivery) = self.deliveries.get(&unread.delivery).cloned() else { return };
        self.events.remove(&event);
        let known = self.known(&delivery.connection, new);
        let planned = plan::new_events(new, &known, &mut self.numbers, now_ms);
        self.put(&delivery, planned, now_ms);
    }

    fn drop_event(&mut self, event: u64) -> bool {
        let dead = self.events.get(&event).filter(|(row, _)| row.state == EventState::Dead);
        let Some(delivery) = dead.map(|(row, _)| row.delivery) else { return false };
        self.events.remove(&event);
        if self.of(delivery).next().is_none() {
            self.deliveries.remove(&delivery);
        }
        true
    }
}

fn must_exist(rows: &Rows, connection: &str) -> Result<(), StoreError> {
    match rows.store.connections.contains_key(connection) {
        true => Ok(()),
        false => Err(StoreError::NoConnection(connection.to_owned())),
    }
}

/// Whether a row is one of the connection that is asked for.
fn is_of(asked: Option<&str>, connection: &str) -> bool {
    asked.is_none_or(|asked| asked == connection)
}

impl Inbox for Memory {
    fn hooks(&self) -> Answer<'_, Vec<HookRow>> {
        self.answer(|rows| Ok(rows.inbox.hooks.values().map(|(row, _)| row.clone()).collect()))
    }

    fn make_hook(&self, connection: &str, token: &str) -> Answer<'_, HookRow> {
        let (connection, token) = (connection.to_owned(), token.to_owned());
        self.write(move |rows, made_ms| {
            must_exist(rows, &connection)?;
            let new = || {
                let connection = connection.clone();
                (HookRow { connection, token, made_ms, ..HookRow::default() }, None)
            };
            Ok(rows.inbox.hooks.entry(connection.clone()).or_insert_with(new).0.clone())
        })
    }

    fn put_subscription(&self, row: SubscriptionRow) -> Answer<'_, ()> {
        self.write(move |rows, now_ms| {
            must_exist(rows, &row.connection)?;
            let key = (row.connection.clone(), row.object.clone());
            let kept = rows.inbox.subscriptions.get(&key);
            if kept.is_none() {
                let entry = entries::of_subscription(&row.object, true);
                rows.journal.note(&row.connection, now_ms, entry);
            }
            let row = plan::subscription(row, kept);
            rows.inbox.subscriptions.insert(key, row);
            Ok(())
        })
    }

    fn remove_subscription(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let key = (connection.to_owned(), object.to_owned());
        self.write(move |rows, now_ms| {
            if rows.inbox.subscriptions.remove(&key).is_some() {
                let entry = entries::of_subscription(&key.1, false);
                rows.journal.note(&key.0, now_ms, entry);
            }
            Ok(())
        })
    }

    fn subscriptions(&self, connection: Option<&str>) -> Answer<'_, Vec<SubscriptionRow>> {
        let asked = connection.map(str::to_owned);
        self.answer(move |rows| {
            let all = rows.inbox.subscriptions.values();
            Ok(all.filter(|row| is_of(asked.as_deref(), &row.connection)).cloned().collect())
        })
    }

    fn receive(&self, delivery: NewDelivery) -> Answer<'_, Receipt> {
        self.write(move |rows, now_ms| {
            must_exist(rows, &delivery.connection)?;
            Ok(rows.noting_gaps(now_ms, |rows| rows.inbox.receive(delivery, now_ms)))
        })
    }

    fn beat(&self, beat: Beat) -> Answer<'_, ()> {
        self.write(move |rows, now_ms| {
            rows.noting_gaps(now_ms, |rows| {
                for (connection, refused) in &beat.served {
                    if let Some((hook, _)) = rows.inbox.hooks.get_mut(connection) {
                        plan::beat(hook, *refused, beat.gap_after_ms, now_ms);
                    }
                }
                Ok(())
            })
        })
    }

    fn close_gap(&self, connection: &str, gap_ms: u64, until_ms: u64) -> Answer<'_, bool> {
        let connection = connection.to_owned();
        self.write(move |rows, now_ms| {
            rows.noting_gaps(now_ms, |rows| {
                let hook = rows.inbox.hooks.get_mut(&connection);
                Ok(hook.is_none_or(|(hook, _)| plan::close_gap(hook, gap_ms, until_ms)))
            })
        })
    }

    fn open_gap(&self, connection: &str, since_ms: u64) -> Answer<'_, ()> {
        let connection = connection.to_owned();
        self.write(move |rows, now_ms| {
            rows.noting_gaps(now_ms, |rows| rows.inbox.open_gap(&connection, since_ms));
            Ok(())
        })
    }

    fn due(&self) -> Answer<'_, Vec<String>> {
        self.write(move |rows, now_ms| {
            let due = |(row, _): &&(EventRow, bool)| row.next_ms.is_some_and(|at| at <= now_ms);
            let due = rows.inbox.events.values().filter(due);
            let due: BTreeSet<String> = due.map(|(row, _)| row.connection.clone()).collect();
            Ok(due.into_iter().collect())
        })
    }

    fn lease(&self, connection: &str, holder: &str, for_ms: u64) -> Answer<'_, bool> {
        let (connection, attempt) = (connection.to_owned(), holder.to_owned());
        self.write(move |rows, now_ms| {
            let wanted = Lease { attempt, until_ms: now_ms.saturating_add(for_ms) };
            let Some((_, lease)) = rows.inbox.hooks.get_mut(&connection) else { return Ok(false) };
            if lease.as_ref().is_some_and(|held| held.blocks(&wanted, now_ms)) {
                return Ok(false);
            }
            *lease = Some(wanted);
            Ok(true)
        })
    }

    fn release(&self, connection: &str, holder: &str) -> Answer<'_, ()> {
        let (connection, holder) = (connection.to_owned(), holder.to_owned());
        self.answer(move |rows| {
            if let Some((_, lease)) = rows.inbox.hooks.get_mut(&connection) {
                lease.take_if(|lease| lease.attempt == holder);
            }
            Ok(())
        })
    }

    fn due_events(&self, connection: &str, asks: bool, limit: u32) -> Answer<'_, Vec<EventRow>> {
        let connection = connection.to_owned();
        self.write(move |rows, now_ms| {
            let due = rows.inbox.events.values().filter(|(row, of)| {
                row.connection == connection
                    && *of == asks
                    && row.next_ms.is_some_and(|at| at <= now_ms)
            });
            let mut due: Vec<EventRow> = due.map(|(row, _)| row.clone()).collect();
            due.sort_by_key(|row| (row.next_ms, row.number));
            due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(due)
        })
    }

    fn settle(&self, settled: Vec<Settled>) -> Answer<'_, ()> {
        self.write(move |rows, now_ms| {
            rows.noting_gaps(now_ms, |rows| {
                for settled in settled {
                    let number = settled.event;
                    let Some((row, _)) = rows.inbox.events.get(&number) else { continue };
                    let change = plan::settle(row.state, row.received_ms, settled, now_ms);
                    change.into_iter().for_each(|change| rows.inbox.change(number, change));
                }
                Ok(())
            })
        })
    }

    fn read_again(&self, event: u64, events: Vec<NewEvent>) -> Answer<'_, ()> {
        self.write(move |rows, now_ms| {
            rows.inbox.read_again(event, &events, now_ms);
            Ok(())
        })
    }

    fn deliveries(
        &self,
        connection: Option<&str>,
        before: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Vec<DeliveryRow>> {
        let asked = connection.map(str::to_owned);
        self.answer(move |rows| {
            let all = rows.inbox.deliveries.range(..before.unwrap_or(u64::MAX)).rev();
            let found = all.filter(|(_, row)| is_of(asked.as_deref(), &row.connection));
            let found = found.take(usize::try_from(limit).unwrap_or(usize::MAX));
            let shown = found
                .map(|(_, row)| DeliveryRow { body: vec![], ..rows.inbox.whole(row) })
                .collect();
            Ok(shown)
        })
    }

    fn delivery(&self, number: u64) -> Answer<'_, Option<DeliveryRow>> {
        self.answer(move |rows| {
            let found = rows.inbox.deliveries.get(&number);
            Ok(found.map(|row| rows.inbox.whole(row)))
        })
    }

    fn dead_events(&self, connection: Option<&str>) -> Answer<'_, Vec<EventRow>> {
        let asked = connection.map(str::to_owned);
        self.answer(move |rows| {
            let dead = rows.inbox.events.values().map(|(row, _)| row).filter(|row| {
                row.state == EventState::Dead && is_of(asked.as_deref(), &row.connection)
            });
            Ok(dead.cloned().collect())
        })
    }

    fn replay(&self, event: u64) -> Answer<'_, bool> {
        self.write(move |rows, now_ms| {
            let row = rows.inbox.events.get(&event);
            let change = row.and_then(|(row, _)| plan::replay(row, now_ms));
            let was_there = change.is_some();
            change.into_iter().for_each(|change| rows.inbox.change(event, change));
            Ok(was_there)
        })
    }

    fn drop_event(&self, event: u64) -> Answer<'_, bool> {
        self.answer(move |rows| Ok(rows.inbox.drop_event(event)))
    }

    fn count_events(&self, connection: Option<&str>) -> Answer<'_, (u64, u64)> {
        let asked = connection.map(str::to_owned);
        self.answer(move |rows| {
            let in_state = |state| {
                let all = rows.inbox.events.values().map(|(row, _)| row);
                let found = all
                    .filter(|row| row.state == state && is_of(asked.as_deref(), &row.connection));
                found.count() as u64
            };
            Ok((in_state(EventState::Waiting), in_state(EventState::Dead)))
        })
    }
}

/// Removes what a connection had.
pub(super) fn erase(rows: &mut Rows, connection: &str) {
    rows.inbox.remove_connection(connection);
}

/// Forgets what is older than is kept.
pub(super) fn forget(rows: &mut Rows, now_ms: u64) {
    rows.inbox.forget(now_ms);
}
