//! [`Journal`] in the same file: entries are written by whatever does what they tell.

use connector_state::journal::{
    Data, Entry, Folds, Journal, JournalKind, JournalRow, day, entries::encode, folded,
};
use connector_state::{Word as _, retention};
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use super::columns::{columns, json, prepared, run, signed};
use super::fault::DbResult;
use super::{Answer, Sqlite};

/// The journal. `day` is set of the row that the ordinary reads of a day and object have become, and
/// `folds` of those that will.
pub const TABLES: &str = "
CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    connection TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    object TEXT,
    by TEXT,
    data TEXT NOT NULL,
    folds INTEGER NOT NULL,
    day INTEGER
) STRICT;
CREATE INDEX journal_of ON journal (connection);
CREATE UNIQUE INDEX journal_days ON journal (connection, object, day) WHERE day IS NOT NULL;
CREATE INDEX journal_to_fold ON journal (at_ms) WHERE folds = 1;
CREATE INDEX journal_by_time ON journal (at_ms);
";

columns!(JournalRow [] { number, connection, at_ms, kind, object, by, data });

impl Journal for Sqlite {
    fn journal(
        &self,
        connection: &str,
        kinds: Vec<JournalKind>,
        before: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Vec<JournalRow>> {
        let connection = connection.to_owned();
        let before = before.map_or(i64::MAX, signed);
        let sql = "SELECT number, connection, at_ms, kind, object, by, data FROM journal
                   WHERE connection = ?1 AND number < ?2
                       AND (?3 = '[]' OR kind IN (SELECT value FROM json_each(?3)))
                       AND EXISTS (SELECT 1 FROM connections WHERE id = ?1)
                   ORDER BY number DESC LIMIT ?4";
        self.read(move |on| {
            let kinds = json(&kinds.iter().map(|kind| kind.word()).collect::<Vec<_>>())?;
            super::columns::all(on, sql, (connection, before, kinds, limit))
        })
    }
}

/// Writes an entry of a connection.
pub fn note(
    on: &Connection,
    connection: &str,
    now_ms: u64,
    by: Option<&str>,
    entry: &Entry,
) -> Result<()> {
    if entry.folds == Folds::Now
        && fold(on, connection, entry.object.as_deref(), now_ms, &entry.data)?
    {
        return Ok(());
    }
    // The first ordinary read of a day begins its row.
    let (kind, data, day) = match entry.folds {
        Folds::Now => (JournalKind::SyncDay, encode(&folded(None, &entry.data)), Some(day(now_ms))),
        Folds::Later | Folds::Never => (entry.kind, encode(&entry.data), None),
    };
    let sql = "INSERT INTO journal (connection, at_ms, kind, object, by, data, folds, day)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let by = by.filter(|_| day.is_none());
    let folds = entry.folds == Folds::Later;
    let of =
        (connection, signed(now_ms), kind.word(), &entry.object, by, data, folds, day.map(signed));
    run(on, sql, of).map(drop)
}

/// Adds a read to the row of its day; `false` where there is none yet.
fn fold(
    on: &Connection,
    connection: &str,
    object: Option<&str>,
    at_ms: u64,
    data: &Data,
) -> Result<bool> {
    let sql = "SELECT number, data FROM journal WHERE connection = ? AND object = ? AND day = ?";
    let row = |row: &Row<'_>| {
        Ok((row.get::<_, i64>(0)?, super::columns::from_json::<Data>(row, "data")?))
    };
    let of = (connection, object, signed(day(at_ms)));
    let Some((number, sums)) = prepared(on, sql)?.query_row(of, row).optional()? else {
        return Ok(false);
    };
    let sql = "UPDATE journal SET at_ms = max(at_ms, ?), data = ? WHERE number = ?";
    run(on, sql, (signed(at_ms), encode(&folded(Some(sums), data)), number))?;
    Ok(true)
}

/// Folds ordinary reads that are old into their days, and forgets what is older than is kept; answers
/// how many entries there were.
pub fn forget(on: &Connection, now_ms: u64, limit: usize) -> DbResult<usize> {
    let sql = "SELECT number, connection, at_ms, kind, object, by, data FROM journal
               WHERE folds = 1 AND at_ms < ? ORDER BY at_ms LIMIT ?";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let before = signed(now_ms.saturating_sub(retention::SYNCS_MS));
    let old: Vec<JournalRow> = super::columns::all(on, sql, (before, limit))?;
    for JournalRow { number, connection, at_ms, object, data, .. } in &old {
        if fold(on, connection, object.as_deref(), *at_ms, data)? {
            run(on, "DELETE FROM journal WHERE number = ?", [signed(*number)])?;
            continue;
        }
        let sql = "UPDATE journal SET kind = ?, by = NULL, data = ?, folds = 0, day = ?
                   WHERE number = ?";
        let (kind, sums) = (JournalKind::SyncDay.word(), encode(&folded(None, data)));
        run(on, sql, (kind, sums, signed(day(*at_ms)), signed(*number)))?;
    }
    let left = limit.saturating_sub(signed(old.len() as u64));
    let sql = "DELETE FROM journal WHERE number IN
                   (SELECT number FROM journal WHERE at_ms < ? ORDER BY at_ms LIMIT ?)";
    let before = signed(now_ms.saturating_sub(retention::JOURNAL_MS));
    Ok(old.len() + run(on, sql, (before, left))?)
}

/// Erases entries of a removed connection; answers how many there were.
pub fn erase(on: &Connection, connection: &str, limit: usize) -> DbResult<usize> {
    let sql = "DELETE FROM journal WHERE number IN
                   (SELECT number FROM journal WHERE connection = ? LIMIT ?)";
    Ok(run(on, sql, (connection, i64::try_from(limit).unwrap_or(i64::MAX)))?)
}
