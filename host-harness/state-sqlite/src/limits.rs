//! Limits that processes share: see [`connector_contract::limits::slots`]. One row a limit and account.

use std::time::SystemTime;

use connector_contract::limits::slots::{self, Reserved, Row};
use connector_contract::limits::{LimitId, SlotRequest, Used};
use connector_state::rates::{Booked, of_reserved};
use rusqlite::{Connection, OptionalExtension as _};
use tokio::time::Instant;

use super::columns::{self, Column, Record as _, columns, prepared, run, signed};
use super::fault::DbResult;
use super::rates;

/// Rows are forgotten by the day, so that using a limit seldom moves its place in an index.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// The table.
pub const TABLE: &str = "
CREATE TABLE limits (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    due_us INTEGER NOT NULL,
    held_until_us INTEGER,
    lost REAL NOT NULL,
    lost_at_us INTEGER NOT NULL,
    seen_us INTEGER NOT NULL,
    ahead_us INTEGER NOT NULL,
    told_interval_us INTEGER,
    told_burst INTEGER,
    told_until_us INTEGER,
    -- The first day since 1970 on which the row says nothing more.
    idle_day INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX limits_by_idle_day ON limits (idle_day);
";

/// Reserves what is asked for, at `time`.
pub fn reserve(
    on: &Connection,
    request: &SlotRequest,
    time: SystemTime,
) -> Result<Reserved, rusqlite::Error> {
    let now = Instant::now();
    let charges = &request.charges;
    let kept = charges.iter().map(|charge| row(on, &charge.limit));
    let before: Vec<Row> = kept.collect::<Result<_, _>>()?;
    let mut rows = before.clone();
    let reserved = slots::reserve(&mut rows, request, time, now);
    for ((charge, before), row) in charges.iter().zip(&before).zip(&rows) {
        if row.is_other_than(before) {
            put(on, &charge.limit, row)?;
        }
    }
    for ((limit, minute), counts) in of_reserved(request, &reserved, time) {
        rates::count(on, limit, minute, counts)?;
    }
    Ok(reserved)
}

/// Lets `change` decide on a limit.
pub fn change(
    on: &Connection,
    limit: &LimitId,
    change: impl FnOnce(&mut Row),
) -> Result<(), rusqlite::Error> {
    let mut row = row(on, limit)?;
    change(&mut row);
    put(on, limit, &row)
}

columns!(Booked [] { name, until_ms, held });

/// The limits of these scopes that are used up after `now_ms`.
pub fn booked(on: &Connection, scopes: &[String], now_ms: u64) -> rusqlite::Result<Vec<Booked>> {
    let sql = "SELECT name, (max(due_us, ifnull(held_until_us, 0)) - ahead_us) / 1000 AS until_ms,
                   ifnull(held_until_us > due_us, false) AS held
               FROM limits WHERE account = ? AND until_ms > ? ORDER BY name";
    let booked = |scope| columns::all(on, sql, (scope, signed(now_ms)));
    let all: Vec<Vec<Booked>> = scopes.iter().map(booked).collect::<Result<_, _>>()?;
    Ok(all.concat())
}

columns!(Used [] { due "due_us", held_until "held_until_us", lost, lost_at "lost_at_us", reported "told" });

/// Forgets at most so many limits that are full again, whatever became of them.
pub fn forget_idle(on: &Connection, now_ms: u64, limit: usize) -> DbResult<usize> {
    let sql = "DELETE FROM limits WHERE (account, name) IN
                   (SELECT account, name FROM limits WHERE idle_day <= ? LIMIT ?)";
    Ok(run(on, sql, (signed(now_ms / DAY_MS), signed(limit as u64)))?)
}

fn row(on: &Connection, limit: &LimitId) -> Result<Row, rusqlite::Error> {
    let sql = "SELECT * FROM limits WHERE account = ? AND name = ?";
    let found = prepared(on, sql)?.query_row((&limit.scope, &limit.name), |row| {
        let (seen, ahead) = (Column::read(row, "seen_us")?, Column::read(row, "ahead_us")?);
        Ok(Row { used: Used::read(row)?, seen, ahead })
    });
    Ok(found.optional()?.unwrap_or_default())
}

fn put(on: &Connection, limit: &LimitId, row: &Row) -> Result<(), rusqlite::Error> {
    let mut to = row.used.write()?;
    limit.scope.write("account", &mut to)?;
    limit.name.write("name", &mut to)?;
    row.seen.write("seen_us", &mut to)?;
    row.ahead.write("ahead_us", &mut to)?;
    let idle_ms = u64::try_from(row.idle_from().as_millis()).unwrap_or(u64::MAX);
    (idle_ms / DAY_MS + 1).write("idle_day", &mut to)?;
    columns::upsert(on, "limits", &["account", "name"], to)
}

#[cfg(test)]
mod tests;
