//! [`Inbox`] in the same file.

mod deliveries;
mod events;
mod rows;
pub mod tables;

use connector_state::inbox::{
    Beat, DeliveryRow, EventRow, HookRow, Inbox, NewDelivery, NewEvent, Receipt, Settled,
    SubscriptionRow,
};
use connector_state::{Lease, StoreError};
use rusqlite::{OptionalExtension as _, Row};

use super::columns::{Column as _, one, put_one, run, signed, value, values};
use super::fault::DbFault;
use super::{Answer, Sqlite};
use crate::rows::must_exist;

/// Notes a gap: its time, and the connection.
const OPEN_GAP: &str = "UPDATE hooks SET gap_ms = min(coalesce(gap_ms, ?1), ?1),
        gap_end_ms = max(coalesce(gap_end_ms, ?1), ?1)
    WHERE connection = ?2";

impl Inbox for Sqlite {
    fn hooks(&self) -> Answer<'_, Vec<HookRow>> {
        self.all("SELECT * FROM hooks ORDER BY connection", ())
    }

    fn make_hook(&self, new: HookRow) -> Answer<'_, HookRow> {
        self.write(move |on, _| {
            must_exist(on, &new.connection)?;
            let sql = "INSERT INTO hooks (connection, token, made_ms) VALUES (?, ?, ?)
                       ON CONFLICT (connection) DO NOTHING";
            run(on, sql, (&new.connection, &new.token, signed(new.made_ms)))?;
            let found = one(on, "SELECT * FROM hooks WHERE connection = ?", [&new.connection])?;
            found.ok_or_else(|| DbFault::from(StoreError::NoConnection(new.connection)))
        })
    }

    fn put_subscription(&self, row: SubscriptionRow) -> Answer<'_, ()> {
        self.write(move |on, _| {
            must_exist(on, &row.connection)?;
            put_one(on, "REPLACE INTO subscriptions", &row).map_err(DbFault::from)
        })
    }

    fn remove_subscription(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let sql = "DELETE FROM subscriptions WHERE connection = ? AND object = ?";
        self.run(sql, (connection.to_owned(), object.to_owned()))
    }

    fn subscriptions(&self, connection: Option<&str>) -> Answer<'_, Vec<SubscriptionRow>> {
        let sql = "SELECT * FROM subscriptions WHERE ?1 IS NULL OR connection = ?1
                   ORDER BY connection, object";
        self.all(sql, [connection.map(str::to_owned)])
    }

    fn receive(&self, delivery: NewDelivery) -> Answer<'_, Receipt> {
        self.write(move |on, _| deliveries::receive(on, &delivery))
    }

    fn beat(&self, beat: Beat) -> Answer<'_, ()> {
        let now = signed(beat.now_ms);
        let oldest = signed(beat.now_ms.saturating_sub(beat.gap_after_ms));
        let sql = "UPDATE hooks SET
                       gap_ms = CASE WHEN alive_ms < ?1
                                THEN min(coalesce(gap_ms, alive_ms), alive_ms) ELSE gap_ms END,
                       gap_end_ms = CASE WHEN alive_ms < ?1 THEN ?2 ELSE gap_end_ms END,
                       alive_ms = ?2, refused = refused + ?3,
                       refused_ms = CASE WHEN ?3 > 0 THEN ?2 ELSE refused_ms END
                   WHERE connection = ?4";
        self.write(move |on, _| {
            run(on, "REPLACE INTO receiver (one, alive_ms) VALUES (1, ?)", [now])?;
            for (connection, refused) in &beat.served {
                run(on, sql, (oldest, now, signed(*refused), connection))?;
            }
            Ok::<_, rusqlite::Error>(())
        })
    }

    fn close_gap(&self, connection: &str, gap_ms: u64, until_ms: u64) -> Answer<'_, bool> {
        let of = (connection.to_owned(), signed(gap_ms), signed(until_ms));
        let sql = "UPDATE hooks SET
                       gap_ms = CASE WHEN gap_end_ms >= ?3 THEN max(gap_ms, ?3) END,
                       gap_end_ms = CASE WHEN gap_end_ms >= ?3 THEN gap_end_ms END
                   WHERE connection = ?1 AND gap_ms >= ?2 RETURNING gap_ms IS NULL";
        self.write(move |on, _| value(on, sql, of).map(Option::unwrap_or_default))
    }

    fn open_gap(&self, connection: &str, since_ms: u64) -> Answer<'_, ()> {
        self.run(OPEN_GAP, (signed(since_ms), connection.to_owned()))
    }

    fn due(&self, now_ms: u64) -> Answer<'_, Vec<String>> {
        let sql = "SELECT connection FROM hooks AS h WHERE EXISTS (
                       SELECT 1 FROM events AS e WHERE e.connection = h.connection
                           AND e.next_ms IS NOT NULL AND e.next_ms <= ?)";
        self.read(move |on| values(on, sql, [signed(now_ms)]))
    }

    fn lease(&self, connection: &str, lease: Lease, now_ms: u64) -> Answer<'_, bool> {
        let connection = connection.to_owned();
        let sql = "SELECT lease_attempt, lease_until_ms FROM hooks WHERE connection = ?";
        self.write(move |on, _| {
            let held = |row: &Row<'_>| <Option<Lease>>::read(row, "lease");
            let held = on.prepare_cached(sql)?.query_row([&connection], held).optional()?.flatten();
            if held.is_some_and(|held| held.blocks(&lease, now_ms)) {
                return Ok(false);
            }
            let sql = "UPDATE hooks SET lease_attempt = ?, lease_until_ms = ? WHERE connection = ?";
            run(on, sql, (lease.attempt, signed(lease.until_ms), connection)).map(|taken| taken > 0)
        })
    }

    fn release(&self, connection: &str, attempt: &str) -> Answer<'_, ()> {
        let sql = "UPDATE hooks SET lease_attempt = NULL, lease_until_ms = NULL
                   WHERE connection = ? AND lease_attempt = ?";
        self.run(sql, (connection.to_owned(), attempt.to_owned()))
    }

    fn due_events(
        &self,
        connection: &str,
        asks: bool,
        now_ms: u64,
        limit: u32,
    ) -> Answer<'_, Vec<EventRow>> {
        let of = (connection.to_owned(), asks, signed(now_ms), limit);
        let due = "e.connection = ? AND e.asks = ? AND e.next_ms IS NOT NULL AND e.next_ms <= ?";
        self.all(format!("{} WHERE {due} ORDER BY e.number LIMIT ?", events::SELECT), of)
    }

    fn settle(&self, settled: Vec<Settled>) -> Answer<'_, ()> {
        self.write(move |on, _| settled.iter().try_for_each(|one| events::settle(on, one)))
    }

    fn read_again(&self, event: u64, new: Vec<NewEvent>) -> Answer<'_, ()> {
        self.write(move |on, _| events::read_again(on, event, &new))
    }

    fn deliveries(
        &self,
        connection: Option<&str>,
        before: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Vec<DeliveryRow>> {
        let of = (connection.map(str::to_owned), before.map(signed), limit);
        let sql = "SELECT number, connection, received_ms, method, url, headers,
                       length(body) AS bytes, x'' AS body FROM deliveries
                   WHERE (?1 IS NULL OR connection = ?1) AND (?2 IS NULL OR number < ?2)
                   ORDER BY number DESC LIMIT ?3";
        self.read(move |on| deliveries::with_events(on, sql, of))
    }

    fn delivery(&self, number: u64) -> Answer<'_, Option<DeliveryRow>> {
        let sql = "SELECT *, length(body) AS bytes FROM deliveries WHERE number = ?";
        self.read(move |on| {
            deliveries::with_events(on, sql, [signed(number)]).map(|mut found| found.pop())
        })
    }

    fn dead_events(&self, connection: Option<&str>) -> Answer<'_, Vec<EventRow>> {
        let dead = "e.state = 'dead' AND (?1 IS NULL OR e.connection = ?1)";
        let sql = format!("{} WHERE {dead} ORDER BY e.number", events::SELECT);
        self.all(sql, [connection.map(str::to_owned)])
    }

    fn replay(&self, event: u64, now_ms: u64) -> Answer<'_, bool> {
        let sql = "UPDATE events SET state = 'waiting', attempts = 0, next_ms = ?,
                       asks = (effect = 'changed')
                   WHERE number = ? AND state = 'dead'";
        let of = (signed(now_ms), signed(event));
        self.write(move |on, _| run(on, sql, of).map(|count| count > 0))
    }

    fn drop_event(&self, event: u64) -> Answer<'_, bool> {
        self.commit_work(true, move |on, _| events::remove(on, event))
    }

    fn prune(&self, applied_before_ms: u64, keys_before_ms: u64) -> Answer<'_, bool> {
        self.write(move |on, _| deliveries::prune(on, applied_before_ms, keys_before_ms))
    }

    fn count_events(&self, connection: Option<&str>) -> Answer<'_, (u64, u64)> {
        let of = [connection.map(str::to_owned)];
        let sql = "SELECT
            (SELECT count(*) FROM events
             WHERE state = 'waiting' AND (?1 IS NULL OR connection = ?1)),
            (SELECT count(*) FROM events
             WHERE state = 'dead' AND (?1 IS NULL OR connection = ?1))";
        self.read(move |on| on.query_row(sql, of, |row| row.try_into()))
    }
}
