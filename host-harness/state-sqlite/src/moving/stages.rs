//! How a connection leaves, comes back, and comes.

use connector_state::moving::MOVED;
use connector_state::moving::plan::{self, Arrival, Kept, Work};
use connector_state::moving::{MoveRow, MoveStage, MovedRow, Spans};
use connector_state::{Lease, StoreError, Word as _};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::{Keys, export, import, insert};
use crate::columns::{Column as _, json, odd, prepared, run, signed, value};
use crate::fault::DbResult;
use crate::inbox::numbers;
use crate::mirror::{erase, index};
use crate::outbox;
use crate::revisions::touch;

/// A connection on its way, as it is kept.
pub struct KeptMove {
    pub stage: MoveStage,
    pub at_ms: u64,
    /// Who brings it.
    pub attempt: Option<String>,
    /// What its numbers count from.
    pub first: Spans,
    /// Those of the small tables.
    pub rows: Vec<MovedRow>,
}

fn kept(row: &Row<'_>) -> rusqlite::Result<KeptMove> {
    let stage: String = row.get("stage")?;
    Ok(KeptMove {
        stage: MoveStage::of(&stage).ok_or_else(|| odd(row, "stage", stage.into()))?,
        at_ms: u64::read(row, "at_ms")?,
        attempt: row.get("attempt")?,
        first: Spans { bodies: row.get("first_body")?, deliveries: row.get("first_delivery")? },
        rows: crate::columns::from_json(row, "rows")?,
    })
}

/// The move of a connection.
fn find(on: &Connection, connection: &str) -> DbResult<Option<KeptMove>> {
    let sql = "SELECT * FROM moves WHERE connection = ?";
    Ok(prepared(on, sql)?.query_row([connection], kept).optional()?)
}

/// The move of a connection that is at one of these stages.
///
/// # Errors
/// [`StoreError::NoMove`].
pub fn must_be(on: &Connection, connection: &str, stages: &[MoveStage]) -> DbResult<KeptMove> {
    let found = find(on, connection)?.filter(|kept| stages.contains(&kept.stage));
    found.ok_or_else(|| StoreError::NoMove(connection.to_owned()).into())
}

/// All moves, by name.
pub fn moves(on: &Connection) -> DbResult<Vec<MoveRow>> {
    let mut statement = prepared(on, "SELECT * FROM moves")?;
    let all = statement.query_map((), |row| {
        let kept = kept(row)?;
        Ok(plan::shown(kept.stage, kept.at_ms, &kept.rows))
    })?;
    let mut all: Vec<MoveRow> = all.collect::<rusqlite::Result<_>>()?;
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// What is done for a connection, by whom.
const WORK: &str = "SELECT 'reading ' || o.name AS what, s.lease_attempt, s.lease_until_ms
    FROM mirrors AS m CROSS JOIN mirror_objects AS o USING (mirror)
        CROSS JOIN mirror_scans AS s USING (object)
    WHERE m.connection = ?1 AND s.lease_attempt IS NOT NULL
    UNION ALL SELECT 'applying deliveries', lease_attempt, lease_until_ms FROM hooks
    WHERE connection = ?1 AND lease_attempt IS NOT NULL
    UNION ALL SELECT 'handing on by ' || name, lease_attempt, lease_until_ms FROM forwards
    WHERE connection = ?1 AND lease_attempt IS NOT NULL
    UNION ALL SELECT 'pushing ' || object, owner, until_ms FROM push_claims WHERE connection = ?1
    UNION ALL SELECT 'renewing its grant', lease_attempt, lease_until_ms FROM grants
    WHERE connection = ?1 AND lease_attempt IS NOT NULL";

fn work(on: &Connection, connection: &str) -> DbResult<Vec<Work>> {
    let mut statement = prepared(on, WORK)?;
    let read = |row: &Row<'_>| {
        let what: String = row.get("what")?;
        let to_its_end = what == "renewing its grant";
        let (attempt, until_ms) = (row.get("lease_attempt")?, u64::read(row, "lease_until_ms")?);
        Ok(Work { what, lease: Lease { attempt, until_ms }, to_its_end })
    };
    Ok(statement.query_map([connection], read)?.collect::<rusqlite::Result<_>>()?)
}

/// Takes a connection out of work: as one that is removed, but with its rows.
pub fn leave(on: &Connection, connection: &str, now_ms: u64) -> DbResult<bool> {
    if let Some(kept) = find(on, connection)? {
        return match kept.stage {
            MoveStage::Leaving => Ok(false),
            MoveStage::Gone => {
                let row = plan::shown(kept.stage, kept.at_ms, &kept.rows);
                Err(StoreError::Moved(row.name).into())
            }
            MoveStage::Coming => Err(StoreError::NoConnection(connection.to_owned()).into()),
        };
    }
    crate::rows::must_exist(on, connection)?;
    let rows = export::small(on, connection)?;
    let name = plan::shown(MoveStage::Leaving, now_ms, &rows).name;
    plan::leave(&name, &work(on, connection)?, now_ms)?;
    // Where a forward has handed on nothing yet, that moves too.
    outbox::begin_here(on, connection, true, now_ms)?;
    put(on, connection, MoveStage::Leaving, now_ms, None, Spans::default(), &rows)?;
    erase::rename(on, connection, &format!("{MOVED}{connection}"))?;
    // Nothing of it is pruned while it is read.
    let sql = "UPDATE mirrors SET prune_ms = NULL WHERE connection = ? || ?";
    run(on, sql, (MOVED, connection))?;
    for sql in [
        "DELETE FROM push_claims WHERE connection = ?",
        "DELETE FROM connections WHERE id = ?",
        "DELETE FROM sessions WHERE connection_id = ?",
    ] {
        run(on, sql, [connection])?;
    }
    touch(on, [connection])?;
    Ok(true)
}

fn put(
    on: &Connection,
    connection: &str,
    stage: MoveStage,
    at_ms: u64,
    attempt: Option<&str>,
    first: Spans,
    rows: &[MovedRow],
) -> DbResult<()> {
    let sql =
        "INSERT INTO moves (connection, stage, at_ms, attempt, first_body, first_delivery, rows)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let (bodies, deliveries) = (first.bodies, first.deliveries);
    let of = (connection, stage.word(), signed(at_ms), attempt, bodies, deliveries, json(&rows)?);
    run(on, sql, of)?;
    Ok(())
}

/// A connection that left is at work again.
pub fn come_back(on: &Connection, connection: &str, now_ms: u64) -> DbResult<()> {
    let kept = must_be(on, connection, &[MoveStage::Leaving, MoveStage::Gone])?;
    must_be_free(on, &kept.rows)?;
    be_there(on, connection, &kept.rows, now_ms)
}

/// No other connection has its name, and no other forward that of one of its.
fn must_be_free(on: &Connection, rows: &[MovedRow]) -> DbResult<()> {
    let name = plan::shown(MoveStage::Coming, 0, rows).name;
    let is_named = is_there(on, "SELECT 1 FROM connections WHERE name = ?", &name)?;
    plan::arrive(&name, Kept { is_named, forward: taken(on, rows)?, ..Kept::default() })?;
    Ok(())
}

fn is_there(on: &Connection, sql: &str, of: &str) -> DbResult<bool> {
    Ok(value::<i64>(on, sql, [of])?.is_some())
}

/// The name of a forward that comes, where another one has it.
fn taken<'r>(on: &Connection, rows: &'r [MovedRow]) -> DbResult<Option<&'r str>> {
    for row in rows.iter().filter(|row| row.table.name.ends_with("forwards")) {
        let sql = "SELECT 1 FROM forwards WHERE name = ? AND id <> ?";
        if value::<i64>(on, sql, [row.text("name"), row.text("id")])?.is_some() {
            return Ok(Some(row.text("name")));
        }
    }
    Ok(None)
}

/// From now on the connection is there.
fn be_there(on: &Connection, connection: &str, rows: &[MovedRow], now_ms: u64) -> DbResult<()> {
    for row in rows {
        let mut values = import::values(row);
        match row.table.name {
            "spans" => {}
            "connections" => insert(on, "connections", values)?,
            "shared_forwards" => share(on, row, now_ms)?,
            name => {
                values.add("connection", Value::Text(connection.to_owned()));
                insert(on, name, values)?;
            }
        }
    }
    let objects = Keys::of(on, connection)?.objects;
    erase::rename(on, &format!("{MOVED}{connection}"), connection)?;
    for object in objects {
        index::renew(on, object.object)?;
    }
    let sql = "UPDATE mirrors SET prune_ms = ? WHERE connection = ?";
    run(on, sql, (signed(now_ms), connection))?;
    outbox::begin_here(on, connection, false, now_ms)?;
    run(on, "DELETE FROM moves WHERE connection = ?", [connection])?;
    touch(on, [connection])?;
    Ok(())
}

/// A forward that other connections share comes with the first of them.
fn share(on: &Connection, row: &MovedRow, now_ms: u64) -> DbResult<()> {
    let id = row.text("id");
    if value::<i64>(on, "SELECT 1 FROM forwards WHERE id = ?", [id])?.is_some() {
        return Ok(());
    }
    insert(on, "forwards", import::values(row))?;
    outbox::begin(on, id, now_ms)
}

/// What there is of it belongs to nobody any more.
pub fn give_up(on: &Connection, connection: &str) -> DbResult<()> {
    run(on, "INSERT OR IGNORE INTO removed_connections VALUES (?)", [connection])?;
    erase::give_up(on, connection)?;
    run(on, "DELETE FROM moves WHERE connection = ?", [connection])?;
    touch(on, [connection])?;
    Ok(())
}

/// A connection comes. Answers `false` where something of it is to be erased before.
pub fn arrive(on: &Connection, attempt: &str, rows: &[MovedRow], now_ms: u64) -> DbResult<bool> {
    let MoveRow { connection, name, .. } = plan::shown(MoveStage::Coming, now_ms, rows);
    let stage = find(on, &connection)?.map(|kept| kept.stage);
    let kept = Kept {
        is_here: is_there(on, "SELECT 1 FROM connections WHERE id = ?", &connection)?,
        is_named: is_there(on, "SELECT 1 FROM connections WHERE name = ?", &name)?,
        is_removed: is_there(
            on,
            "SELECT 1 FROM removed_connections WHERE connection = ?",
            &connection,
        )?,
        stage,
        forward: taken(on, rows)?,
    };
    match plan::arrive(&name, kept)? {
        Arrival::Erase => {
            if stage.is_some() {
                give_up(on, &connection)?;
            }
            Ok(false)
        }
        Arrival::Begin => {
            let first = reserve(on, rows)?;
            put(on, &connection, MoveStage::Coming, now_ms, Some(attempt), first, rows)?;
            Ok(true)
        }
    }
}

/// Keys of contents and numbers of deliveries that nobody else is given.
fn reserve(on: &Connection, rows: &[MovedRow]) -> DbResult<Spans> {
    let spans = rows.iter().find(|row| row.table.name == "spans");
    let span = |column| spans.and_then(|row| row.cell(column).integer()).unwrap_or_default().max(0);
    let last = "SELECT seq FROM sqlite_sequence WHERE name = 'mirror_bodies'";
    let last: Option<i64> = value(on, last, ())?;
    let until = last.unwrap_or_default() + span("bodies");
    let sql = match last {
        Some(_) => "UPDATE sqlite_sequence SET seq = ? WHERE name = 'mirror_bodies'",
        None => "INSERT INTO sqlite_sequence (name, seq) VALUES ('mirror_bodies', ?)",
    };
    run(on, sql, [until])?;
    let mut newest = numbers::read(on)?;
    let deliveries = signed(newest.newest.delivery) + 1;
    let span = u64::try_from(span("deliveries")).unwrap_or_default();
    newest.newest.delivery = newest.newest.delivery.saturating_add(span);
    numbers::write(on, &newest)?;
    Ok(Spans { bodies: last.unwrap_or_default() + 1, deliveries })
}

/// All of it is there.
pub fn finish(on: &Connection, connection: &str, attempt: &str, now_ms: u64) -> DbResult<()> {
    let kept = must_be(on, connection, &[MoveStage::Coming])?;
    if kept.attempt.as_deref() != Some(attempt) {
        return Err(StoreError::NoMove(connection.to_owned()).into());
    }
    must_be_free(on, &kept.rows)?;
    be_there(on, connection, &kept.rows, now_ms)
}
