//! [`Inbox`] in memory.

mod tables;

use std::collections::{BTreeMap, BTreeSet};

use super::{Memory, Rows};
use crate::inbox::plan::{self, EventKey, Numbers};
use crate::inbox::*;
use crate::journal::entries;
use crate::{Answer, Lease, StoreError};

/// What providers delivered.
#[derive(Debug, Default, Clone)]
pub struct InboxTables {
    pub(super) hooks: BTreeMap<String, (HookRow, Option<Lease>)>,
    pub(super) subscriptions: BTreeMap<(String, String), SubscriptionRow>,
    /// By connection and key: when it was first seen.
    pub(super) keys: BTreeMap<(String, EventKey), u64>,
    /// Without their events.
    pub(super) deliveries: BTreeMap<u64, DeliveryRow>,
    /// Each with whether it needs the provider.
    pub(super) events: BTreeMap<u64, (EventRow, bool)>,
    pub(super) numbers: Numbers,
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
            if !rows.inbox.hooks.contains_key(&connection) {
                rows.store.touch([&*connection]);
            }
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
            rows.store.touch([&*row.connection]);
            rows.inbox.subscriptions.insert(key, row);
            Ok(())
        })
    }

    fn remove_subscription(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let key = (connection.to_owned(), object.to_owned());
        self.write(move |rows, now_ms| {
            if rows.inbox.subscriptions.remove(&key).is_some() {
                rows.store.touch([&*key.0]);
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

/// Ends the lease on a connection's events if its holder's name begins so.
pub(super) fn end_leases(rows: &mut Rows, connection: &str, process: &str) {
    if let Some((_, lease)) = rows.inbox.hooks.get_mut(connection) {
        lease.take_if(|lease| lease.attempt.starts_with(process));
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
