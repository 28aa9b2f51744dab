//! [`Rates`] in the same file, counted by [`super::limits`].

use connector_contract::limits::LimitId;
use connector_state::rates::{RateCounts, RateRow, Rates};
use connector_state::retention;
use rusqlite::{Connection, Result, Row};

use super::columns::{prepared, run, signed};
use super::fault::DbResult;
use super::{Answer, Sqlite};

/// The table.
pub const TABLE: &str = "
CREATE TABLE rates (
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    minute INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    waited INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    PRIMARY KEY (account, name, minute)
) STRICT, WITHOUT ROWID;
CREATE INDEX rates_by_minute ON rates (minute);
";

impl Rates for Sqlite {
    fn rates(&self, accounts: Vec<String>, since_minute: u64) -> Answer<'_, Vec<RateRow>> {
        let sql = "SELECT account, name, minute, sent, waited, refused FROM rates
                   WHERE account = ? AND minute >= ? ORDER BY account, name, minute";
        self.read(move |on| {
            let mut find = prepared(on, sql)?;
            let mut found = Vec::new();
            for account in accounts {
                let rows = find.query_map((account, signed(since_minute)), rate_of)?;
                found.extend(rows.collect::<Result<Vec<_>>>()?);
            }
            Ok::<_, rusqlite::Error>(found)
        })
    }
}

fn rate_of(row: &Row<'_>) -> Result<RateRow> {
    Ok(RateRow {
        account: row.get(0)?,
        name: row.get(1)?,
        minute: row.get(2)?,
        counts: RateCounts { sent: row.get(3)?, waited: row.get(4)?, refused: row.get(5)? },
    })
}

/// Counts requests of a limit.
pub fn count(on: &Connection, limit: &LimitId, minute: u64, counts: RateCounts) -> Result<()> {
    let sql = "INSERT INTO rates (account, name, minute, sent, waited, refused)
               VALUES (?, ?, ?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET sent = sent + excluded.sent,
                   waited = waited + excluded.waited, refused = refused + excluded.refused";
    let RateCounts { sent, waited, refused } = counts;
    let of =
        (&limit.scope, &limit.name, signed(minute), signed(sent), signed(waited), signed(refused));
    run(on, sql, of).map(drop)
}

/// Forgets at most so many rows that are old; answers how many there were.
pub fn forget(on: &Connection, now_ms: u64, limit: usize) -> DbResult<usize> {
    let sql = "DELETE FROM rates WHERE (account, name, minute) IN
                   (SELECT account, name, minute FROM rates WHERE minute < ? LIMIT ?)";
    let since = signed(now_ms.saturating_sub(retention::RATES_MS) / 60_000);
    Ok(run(on, sql, (since, signed(limit as u64)))?)
}
