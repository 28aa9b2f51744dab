//! [`Inbox`] in the same file.

mod arrivals;
mod events;
pub mod forget;
mod hooks;
pub mod numbers;
mod rows;
pub mod tables;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use connector_state::inbox::{
    Beat, DeliveryRow, EventRow, HookRow, Inbox, NewDelivery, NewEvent, Receipt, Settled,
    SubscriptionRow, plan,
};
use connector_state::journal::entries;
use connector_state::{Lease, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Params, Result};

pub use self::arrivals::Arrivals;
pub use self::events::{DEAD_ALL_PAGE, DEAD_PAGE};
pub use self::rows::events;
use self::rows::select_deliveries;
use super::columns::{one, prepared, put_one, run, signed, values};
use super::fault::DbFault;
use super::revisions::touch;
use super::rows::must_exist;
use super::{Answer, Sqlite, journal};

const HOOKS: &str = "SELECT * FROM hooks ORDER BY connection";
const PUT_HOOK: &str = "INSERT INTO hooks (connection, token, made_ms) VALUES (?, ?, ?)
    ON CONFLICT (connection) DO NOTHING";
const REMOVE_SUBSCRIPTION: &str = "DELETE FROM subscriptions WHERE connection = ? AND object = ?";
const SUBSCRIPTION: &str = "SELECT * FROM subscriptions WHERE connection = ? AND object = ?";
const SUBSCRIPTIONS: &str = "SELECT * FROM subscriptions ORDER BY connection, object";
const SUBSCRIPTIONS_OF: &str = "SELECT * FROM subscriptions WHERE connection = ? ORDER BY object";
/// Looks at one event of each inbox: that with the least `next_ms`.
const DUE: &str = "SELECT i.connection FROM inboxes AS i
    CROSS JOIN connections AS c ON c.id = i.connection
    WHERE (i.waiting > 0 OR i.dead > 0) AND (
        EXISTS (SELECT 1 FROM inbox_events AS e
                WHERE e.inbox = i.number AND e.asks = 0 AND e.next_ms <= ?1)
        OR EXISTS (SELECT 1 FROM inbox_events AS e
                   WHERE e.inbox = i.number AND e.asks = 1 AND e.next_ms <= ?1))
    ORDER BY i.number";
const DELIVERIES: &str =
    select_deliveries!("x''", "WHERE d.number < ?1 ORDER BY d.number DESC LIMIT ?2");
const DELIVERIES_OF: &str = select_deliveries!(
    "x''",
    "WHERE d.inbox = (SELECT number FROM inboxes WHERE connection = ?3) AND d.number < ?1
     ORDER BY d.number DESC LIMIT ?2"
);
const DELIVERY: &str = select_deliveries!("d.body", "WHERE d.number = ?");
const COUNT: &str = "SELECT coalesce(sum(i.waiting), 0), coalesce(sum(i.dead), 0)
    FROM inboxes AS i CROSS JOIN connections AS c ON c.id = i.connection";
const COUNT_OF: &str = "SELECT i.waiting, i.dead
    FROM connections AS c CROSS JOIN inboxes AS i ON i.connection = c.id WHERE c.id = ?";

/// The deliveries that `sql` finds, with their events.
fn deliveries(on: &Connection, sql: &str, of: impl Params) -> Result<Vec<DeliveryRow>> {
    let mut statement = prepared(on, sql)?;
    let mut found = statement.query(of)?;
    let mut deliveries = Vec::new();
    while let Some(row) = found.next()? {
        let mut delivery = rows::delivery_of(row)?;
        delivery.events = rows::events(on, events::OF_DELIVERY, [signed(delivery.number)])?;
        deliveries.push(delivery);
    }
    Ok(deliveries)
}

impl Inbox for Sqlite {
    fn hooks(&self) -> Answer<'_, Vec<HookRow>> {
        self.all(HOOKS, ())
    }

    fn make_hook(&self, connection: &str, token: &str) -> Answer<'_, HookRow> {
        let (connection, token) = (connection.to_owned(), token.to_owned());
        self.write(move |on, now_ms| {
            must_exist(on, &connection)?;
            if run(on, PUT_HOOK, (&connection, token, signed(now_ms)))? > 0 {
                touch(on, [&*connection])?;
            }
            let found = one(on, hooks::ONE, [&connection])?;
            found.ok_or_else(|| DbFault::from(StoreError::NoConnection(connection)))
        })
    }

    fn put_subscription(&self, row: SubscriptionRow) -> Answer<'_, ()> {
        let by = self.actor.clone();
        self.write(move |on, now_ms| {
            must_exist(on, &row.connection)?;
            let kept = one(on, SUBSCRIPTION, (&row.connection, &row.object))?;
            if kept.is_none() {
                let entry = entries::of_subscription(&row.object, true);
                journal::note(on, &row.connection, now_ms, by.as_deref(), &entry)?;
            }
            let row = plan::subscription(row, kept.as_ref());
            touch(on, [&*row.connection])?;
            put_one(on, "REPLACE INTO subscriptions", &row).map_err(DbFault::from)
        })
    }

    fn remove_subscription(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let by = self.actor.clone();
        self.write(move |on, now_ms| {
            if run(on, REMOVE_SUBSCRIPTION, (&connection, &object))? > 0 {
                touch(on, [&*connection])?;
                let entry = entries::of_subscription(&object, false);
                journal::note(on, &connection, now_ms, by.as_deref(), &entry)?;
            }
            Ok::<_, rusqlite::Error>(())
        })
    }

    fn subscriptions(&self, connection: Option<&str>) -> Answer<'_, Vec<SubscriptionRow>> {
        match connection {
            Some(connection) => self.all(SUBSCRIPTIONS_OF, [connection.to_owned()]),
            None => self.all(SUBSCRIPTIONS, ()),
        }
    }

    fn receive(&self, delivery: NewDelivery) -> Answer<'_, Receipt> {
        let (arrivals, writer) = (Arc::clone(&self.arrivals), Arc::clone(&self.writer));
        let (clock, path) = (Arc::clone(&self.clock), self.shown.clone());
        Box::pin(arrivals::receive(arrivals, writer, clock, path, delivery))
    }

    fn beat(&self, beat: Beat) -> Answer<'_, ()> {
        self.write(move |on, now_ms| hooks::beat(on, now_ms, &beat))
    }

    fn close_gap(&self, connection: &str, gap_ms: u64, until_ms: u64) -> Answer<'_, bool> {
        let connection = connection.to_owned();
        self.write(move |on, now_ms| {
            let close = |hook: &mut HookRow| plan::close_gap(hook, gap_ms, until_ms);
            hooks::change(on, &connection, now_ms, close).map(|none_left| none_left.unwrap_or(true))
        })
    }

    fn open_gap(&self, connection: &str, since_ms: u64) -> Answer<'_, ()> {
        let connection = connection.to_owned();
        self.write(move |on, now_ms| {
            let open = |hook: &mut HookRow| plan::open_gap(hook, since_ms);
            hooks::change(on, &connection, now_ms, open).map(drop)
        })
    }

    fn due(&self) -> Answer<'_, Vec<String>> {
        let now = signed(self.now_ms());
        self.read(move |on| values(on, DUE, [now]))
    }

    fn lease(&self, connection: &str, holder: &str, for_ms: u64) -> Answer<'_, bool> {
        let (connection, attempt) = (connection.to_owned(), holder.to_owned());
        self.write(move |on, now_ms| {
            let wanted = Lease { attempt, until_ms: now_ms.saturating_add(for_ms) };
            hooks::lease(on, now_ms, &connection, &wanted)
        })
    }

    fn release(&self, connection: &str, holder: &str) -> Answer<'_, ()> {
        self.run(hooks::RELEASE, (connection.to_owned(), holder.to_owned()))
    }

    fn due_events(&self, connection: &str, asks: bool, limit: u32) -> Answer<'_, Vec<EventRow>> {
        let of = (connection.to_owned(), asks, signed(self.now_ms()), limit);
        self.read(move |on| rows::events(on, events::DUE, of))
    }

    fn settle(&self, settled: Vec<Settled>) -> Answer<'_, ()> {
        self.write(move |on, now_ms| {
            settled.into_iter().try_for_each(|one| events::settle(on, one, now_ms))
        })
    }

    fn read_again(&self, event: u64, new: Vec<NewEvent>) -> Answer<'_, ()> {
        self.write(move |on, now_ms| events::read_again(on, event, &new, now_ms))
    }

    fn deliveries(
        &self,
        connection: Option<&str>,
        before: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Vec<DeliveryRow>> {
        let before = before.map_or(i64::MAX, signed);
        match connection.map(str::to_owned) {
            Some(of) => self.read(move |on| deliveries(on, DELIVERIES_OF, (before, limit, of))),
            None => self.read(move |on| deliveries(on, DELIVERIES, (before, limit))),
        }
    }

    fn delivery(&self, number: u64) -> Answer<'_, Option<DeliveryRow>> {
        let number = signed(number);
        self.read(move |on| deliveries(on, DELIVERY, [number]).map(|mut found| found.pop()))
    }

    fn dead_events(&self, connection: Option<&str>) -> Answer<'_, Vec<EventRow>> {
        match connection.map(str::to_owned) {
            Some(of) => self.read(move |on| rows::events(on, events::DEAD_OF, [of])),
            None => self.read(move |on| rows::events(on, events::DEAD, ())),
        }
    }

    fn replay(&self, event: u64) -> Answer<'_, bool> {
        self.write(move |on, now_ms| events::replay(on, event, now_ms))
    }

    fn drop_event(&self, event: u64) -> Answer<'_, bool> {
        self.commit_work(true, move |on, now_ms| events::remove(on, event, now_ms))
    }

    fn count_events(&self, connection: Option<&str>) -> Answer<'_, (u64, u64)> {
        let connection = connection.map(str::to_owned);
        self.read(move |on| {
            let found = match &connection {
                Some(of) => prepared(on, COUNT_OF)?.query_row([of], |row| row.try_into()),
                None => prepared(on, COUNT)?.query_row((), |row| row.try_into()),
            };
            found.optional().map(Option::unwrap_or_default)
        })
    }
}
