//! Limits that processes share: see [`connector_contract::limits::slots`]. One row a limit and account.

use std::time::{Duration, SystemTime};

use connector_contract::limits::slots::{self, Reserved, Row};
use connector_contract::limits::{Charge, LimitId, LimitReport, Reported, SlotRequest, Used};
use rusqlite::{Connection, OptionalExtension as _, named_params};
use tokio::time::Instant;

use super::fault::Fault;

/// A row that was not looked at for this long is full again, whatever became of it.
const FULL_AGAIN_US: i64 = 24 * 60 * 60 * 1_000_000;

/// Leads to the table.
pub const STEP: &str = "
CREATE TABLE limits (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    due_us INTEGER NOT NULL,
    held_until_us INTEGER,
    lost REAL NOT NULL,
    lost_at_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,
    ahead_us INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
";

/// Reserves what is asked for, at `time`.
pub fn reserve(
    on: &Connection,
    request: &SlotRequest,
    time: SystemTime,
) -> Result<Reserved, Fault> {
    let now = Instant::now();
    let charges = &request.charges;
    let kept = charges.iter().map(|charge| row(on, &charge.limit));
    let before: Vec<Row> = kept.collect::<Result<_, _>>()?;
    let mut rows = before.clone();
    let reserved = slots::reserve(&mut rows, request, time, now);
    for ((charge, before), row) in charges.iter().zip(&before).zip(&rows) {
        // A look alone changes nothing that the clock does not tell.
        if row.used != before.used || row.ahead != before.ahead {
            put(on, &charge.limit, row)?;
        }
    }
    Ok(reserved)
}

/// Holds a limit, from `time` on.
pub fn hold(
    on: &Connection,
    charge: &Charge,
    pause: Duration,
    time: SystemTime,
) -> Result<(), Fault> {
    let mut row = row(on, &charge.limit)?;
    slots::hold(&mut row, charge.rate, pause, time);
    Ok(put(on, &charge.limit, &row)?)
}

/// Counts a limit as the provider told, from `time` on.
pub fn report(
    on: &Connection,
    charge: &Charge,
    report: LimitReport,
    time: SystemTime,
) -> Result<(), Fault> {
    let mut row = row(on, &charge.limit)?;
    slots::report(&mut row, charge.rate, report, time);
    Ok(put(on, &charge.limit, &row)?)
}

/// A limit that is used up for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// Name in the manifest.
    pub name: String,
    /// Until when, in milliseconds since 1970 by the machine's clock.
    pub until_ms: u64,
    /// The provider asked for it ("too many requests").
    pub held: bool,
}

/// The limits of these scopes that are used up after `now_ms`.
pub fn booked(on: &Connection, scopes: &[String], now_ms: u64) -> Result<Vec<Booked>, Fault> {
    let sql = "SELECT name, due_us - ahead_us, IFNULL(held_until_us - ahead_us, 0)
               FROM limits WHERE account = ? ORDER BY name";
    let mut statement = on.prepare(sql)?;
    let mut all = Vec::new();
    for scope in scopes {
        let rows = statement.query_map([scope], |row| {
            let (due, held) = (since(row.get(1)?), since(row.get(2)?));
            let until_ms = u64::try_from(due.max(held).as_millis()).unwrap_or(u64::MAX);
            Ok(Booked { name: row.get(0)?, until_ms, held: held > due })
        })?;
        for limit in rows {
            all.extend(Some(limit?).filter(|limit| limit.until_ms > now_ms));
        }
    }
    Ok(all)
}

/// Forgets rows that nobody has looked at for a day.
pub fn forget_idle(on: &Connection, now_ms: u64) -> Result<(), Fault> {
    let now_us = i64::try_from(now_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
    let sql =
        "DELETE FROM limits WHERE MAX(seen_us, due_us, IFNULL(held_until_us, 0)) - ahead_us < ?";
    on.execute(sql, [now_us - FULL_AGAIN_US])?;
    Ok(())
}

fn row(on: &Connection, limit: &LimitId) -> Result<Row, rusqlite::Error> {
    let sql = "SELECT * FROM limits WHERE account = ? AND name = ?";
    let found = on.prepare(sql)?.query_row((&limit.scope, &limit.name), |row| {
        let time = |column| Ok::<_, rusqlite::Error>(since(row.get(column)?));
        Ok(Row {
            used: Used {
                due: time("due_us")?,
                held_until: row.get::<_, Option<i64>>("held_until_us")?.map(since),
                lost: row.get("lost")?,
                lost_at: time("lost_at_us")?,
                reported: match (row.get("told_interval_us")?, row.get("told_burst")?) {
                    (Some(interval), Some(burst)) => Some(Reported {
                        interval: since(interval),
                        burst,
                        until: row.get::<_, Option<i64>>("told_until_us")?.map(since),
                    }),
                    _ => None,
                },
            },
            seen: time("seen_us")?,
            ahead: time("ahead_us")?,
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

fn put(on: &Connection, limit: &LimitId, row: &Row) -> Result<(), rusqlite::Error> {
    let told = row.used.reported;
    let mut statement = on.prepare(
        "REPLACE INTO limits (account, name, due_us, held_until_us, lost, lost_at_us, seen_us, ahead_us,
             told_interval_us, told_burst, told_until_us)
         VALUES (:account, :name, :due_us, :held_until_us, :lost, :lost_at_us, :seen_us, :ahead_us,
             :told_interval_us, :told_burst, :told_until_us)",
    )?;
    statement.execute(named_params! {
        ":account": limit.scope,
        ":name": limit.name,
        ":due_us": us(row.used.due),
        ":held_until_us": row.used.held_until.map(us),
        ":lost": row.used.lost,
        ":lost_at_us": us(row.used.lost_at),
        ":seen_us": us(row.seen),
        ":ahead_us": us(row.ahead),
        ":told_interval_us": told.map(|told| us(told.interval)),
        ":told_burst": told.map(|told| told.burst),
        ":told_until_us": told.and_then(|told| told.until).map(us),
    })?;
    Ok(())
}

/// In microseconds, rounded up: later is slower.
fn us(time: Duration) -> i64 {
    i64::try_from(time.as_nanos().div_ceil(1_000)).unwrap_or(i64::MAX)
}

fn since(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or_default())
}

#[cfg(test)]
mod tests;
