//! How a connection leaves, comes back, and comes.
//!
//! Whoever takes one out of work locks its row, its grant, its mirror and its hook, in the order of all
//! others: what was written for it before is seen, and what comes after finds it no more.

use connector_state::moving::MOVED;
use connector_state::moving::plan::{self, Arrival, Kept, Work};
use connector_state::moving::{Cell, MoveRow, MoveStage, MovedRow, Spans};
use connector_state::{Lease, StoreError, Word as _};
use tokio_postgres::Row;

use super::cells::{Column as CellColumn, insert};
use super::{Keys, export, import};
use crate::columns::{Column as _, json, odd, signed, text};
use crate::fault::DbResult;
use crate::mirror::{erase, index};
use crate::outbox;
use crate::revisions::touch;
use crate::session::Session;

/// Numbers that others may be given while some are reserved.
const MARGIN: i64 = 1_000_000;

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

fn kept(row: &Row) -> DbResult<KeptMove> {
    let stage: String = row.try_get("stage")?;
    let rows: String = row.try_get("rows")?;
    Ok(KeptMove {
        stage: MoveStage::of(&stage).ok_or_else(|| odd("stage", &stage))?,
        at_ms: u64::read(row, "at_ms")?,
        attempt: Option::read(row, "attempt")?,
        first: Spans {
            bodies: row.try_get("first_body")?,
            deliveries: row.try_get("first_delivery")?,
        },
        rows: serde_json::from_str(&rows).map_err(|why| odd("rows", &why.to_string()))?,
    })
}

/// The move of a connection.
async fn find(on: &Session, connection: &str) -> DbResult<Option<KeptMove>> {
    let sql = "SELECT * FROM moves WHERE connection = $1";
    on.rows(sql, &[&text(connection)]).await?.first().map(kept).transpose()
}

/// As [`must_be`], nobody else's until the transaction ends.
async fn lock(on: &Session, connection: &str, stages: &[MoveStage]) -> DbResult<KeptMove> {
    let sql = "SELECT 1 FROM moves WHERE connection = $1 FOR UPDATE";
    on.rows(sql, &[&text(connection)]).await?;
    must_be(on, connection, stages).await
}

/// The move of a connection that is at one of these stages.
///
/// # Errors
/// [`StoreError::NoMove`].
pub async fn must_be(on: &Session, connection: &str, stages: &[MoveStage]) -> DbResult<KeptMove> {
    let found = find(on, connection).await?.filter(|kept| stages.contains(&kept.stage));
    found.ok_or_else(|| StoreError::NoMove(connection.to_owned()).into())
}

/// All moves, by name.
pub async fn moves(on: &Session) -> DbResult<Vec<MoveRow>> {
    let shown = |row: &Row| {
        let kept = kept(row)?;
        Ok(plan::shown(kept.stage, kept.at_ms, &kept.rows))
    };
    let all = on.rows("SELECT * FROM moves", &[]).await?;
    let mut all: Vec<MoveRow> = all.iter().map(shown).collect::<DbResult<_>>()?;
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// What is done for a connection, by whom.
const WORK: &str = "SELECT 'reading ' || o.name AS what, s.lease_attempt, s.lease_until_ms
    FROM mirrors AS m JOIN mirror_objects AS o USING (mirror) JOIN mirror_scans AS s USING (object)
    WHERE m.connection = $1 AND s.lease_attempt IS NOT NULL
    UNION ALL SELECT 'applying deliveries', lease_attempt, lease_until_ms FROM hooks
    WHERE connection = $1 AND lease_attempt IS NOT NULL
    UNION ALL SELECT 'handing on by ' || name, lease_attempt, lease_until_ms FROM forwards
    WHERE connection = $1 AND lease_attempt IS NOT NULL
    UNION ALL SELECT 'pushing ' || object, owner, until_ms FROM push_claims WHERE connection = $1
    UNION ALL SELECT 'renewing its grant', lease_attempt, lease_until_ms FROM grants
    WHERE connection = $1 AND lease_attempt IS NOT NULL";

async fn work(on: &Session, connection: &str) -> DbResult<Vec<Work>> {
    let read = |row: &Row| {
        let what = String::read(row, "what")?;
        let to_its_end = what == "renewing its grant";
        let (attempt, until_ms) =
            (String::read(row, "lease_attempt")?, u64::read(row, "lease_until_ms")?);
        Ok(Work { what, lease: Lease { attempt, until_ms }, to_its_end })
    };
    let work: Vec<Work> =
        on.rows(WORK, &[&text(connection)]).await?.iter().map(read).collect::<DbResult<_>>()?;
    Ok(work)
}

/// Takes a connection out of work: as one that is removed, but with its rows.
pub async fn leave(on: &Session, connection: &str) -> DbResult<bool> {
    let id = text(connection);
    for sql in [
        "SELECT 1 FROM connections WHERE id = $1 FOR UPDATE",
        "SELECT 1 FROM grants WHERE connection = $1 FOR UPDATE",
        "SELECT 1 FROM mirrors WHERE connection = $1 FOR UPDATE",
        "SELECT 1 FROM inboxes WHERE connection = $1 FOR UPDATE",
        "SELECT 1 FROM hooks WHERE connection = $1 FOR UPDATE",
        "SELECT 1 FROM forwards WHERE connection = $1 ORDER BY id FOR UPDATE",
    ] {
        on.rows(sql, &[&id]).await?;
    }
    let now_ms = on.now_ms().await?;
    if let Some(kept) = find(on, connection).await? {
        return match kept.stage {
            MoveStage::Leaving => Ok(false),
            MoveStage::Gone => {
                let row = plan::shown(kept.stage, kept.at_ms, &kept.rows);
                Err(StoreError::Moved(row.name).into())
            }
            MoveStage::Coming => Err(StoreError::NoConnection(connection.to_owned()).into()),
        };
    }
    crate::rows::must_exist(on, connection).await?;
    let rows = export::small(on, connection).await?;
    let name = plan::shown(MoveStage::Leaving, now_ms, &rows).name;
    plan::leave(&name, &work(on, connection).await?, now_ms)?;
    // Where a forward has handed on nothing yet, that moves too.
    outbox::begin_here(on, connection, true, now_ms).await?;
    put(on, connection, MoveStage::Leaving, now_ms, None, Spans::default(), &rows).await?;
    erase::rename(on, connection, &format!("{MOVED}{connection}")).await?;
    // Nothing of it is pruned while it is read.
    let sql = "UPDATE mirrors SET prune_ms = NULL WHERE connection = $1";
    on.run(sql, &[&text(&format!("{MOVED}{connection}"))]).await?;
    for sql in [
        "DELETE FROM push_claims WHERE connection = $1",
        "DELETE FROM connections WHERE id = $1",
        "DELETE FROM sessions WHERE connection_id = $1",
    ] {
        on.run(sql, &[&id]).await?;
    }
    touch(on, [connection]).await?;
    Ok(true)
}

async fn put(
    on: &Session,
    connection: &str,
    stage: MoveStage,
    at_ms: u64,
    attempt: Option<&str>,
    first: Spans,
    rows: &[MovedRow],
) -> DbResult<()> {
    let sql =
        "INSERT INTO moves (connection, stage, at_ms, attempt, first_body, first_delivery, rows)
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (at_ms, attempt, rows) = (signed(at_ms), attempt.map(text), json(&rows));
    let (bodies, deliveries) = (first.bodies, first.deliveries);
    on.run(sql, &[&text(connection), &stage.word(), &at_ms, &attempt, &bodies, &deliveries, &rows])
        .await
        .map(drop)
}

/// A connection that left is at work again.
pub async fn come_back(on: &Session, connection: &str) -> DbResult<()> {
    let kept = lock(on, connection, &[MoveStage::Leaving, MoveStage::Gone]).await?;
    must_be_free(on, &kept.rows).await?;
    be_there(on, connection, &kept.rows).await
}

/// No other connection has its name, and no other forward that of one of its.
async fn must_be_free(on: &Session, rows: &[MovedRow]) -> DbResult<()> {
    let name = plan::shown(MoveStage::Coming, 0, rows).name;
    let is_named = is_there(on, "SELECT 1 FROM connections WHERE name = $1", &name).await?;
    let forward = taken(on, rows).await?;
    plan::arrive(&name, Kept { is_named, forward, ..Kept::default() })?;
    Ok(())
}

async fn is_there(on: &Session, sql: &str, of: &str) -> DbResult<bool> {
    Ok(on.value::<i32>(sql, &[&text(of)]).await?.is_some())
}

/// The name of a forward that comes, where another one has it.
async fn taken<'r>(on: &Session, rows: &'r [MovedRow]) -> DbResult<Option<&'r str>> {
    for row in rows.iter().filter(|row| row.table.name.ends_with("forwards")) {
        let (name, id) = (text(row.text("name")), text(row.text("id")));
        let sql = "SELECT 1 FROM forwards WHERE name = $1 AND id <> $2";
        if on.value::<i32>(sql, &[&name, &id]).await?.is_some() {
            return Ok(Some(row.text("name")));
        }
    }
    Ok(None)
}

/// From now on the connection is there.
async fn be_there(on: &Session, connection: &str, rows: &[MovedRow]) -> DbResult<()> {
    let id = Cell::Text(connection.to_owned());
    for row in rows {
        let one = std::slice::from_ref(row);
        let mut columns = import::columns(one, |_| true);
        match row.table.name {
            "spans" => {}
            "connections" => insert(on, "connections", None, columns).await?,
            "shared_forwards" => share(on, row).await?,
            name => {
                let kind = connector_state::moving::tables::Kind::Text;
                columns.push(CellColumn { name: "connection", kind, cells: vec![&id] });
                insert(on, name, None, columns).await?;
            }
        }
    }
    let keys = Keys::of(on, connection).await?;
    let objects: Vec<i64> = keys.objects.iter().map(|object| object.object).collect();
    erase::rename(on, &format!("{MOVED}{connection}"), connection).await?;
    index::renew(on, &objects).await?;
    let now_ms = on.now_ms().await?;
    let sql = "UPDATE mirrors SET prune_ms = $1 WHERE connection = $2";
    on.run(sql, &[&signed(now_ms), &text(connection)]).await?;
    outbox::begin_here(on, connection, false, now_ms).await?;
    on.run("DELETE FROM moves WHERE connection = $1", &[&text(connection)]).await?;
    touch(on, [connection]).await
}

/// A forward that other connections share comes with the first of them.
async fn share(on: &Session, row: &MovedRow) -> DbResult<()> {
    let id = row.text("id");
    // Of two that come at once one brings it.
    on.batch("LOCK TABLE forwards IN SHARE ROW EXCLUSIVE MODE").await?;
    if is_there(on, "SELECT 1 FROM forwards WHERE id = $1", id).await? {
        return Ok(());
    }
    let one = std::slice::from_ref(row);
    insert(on, "forwards", None, import::columns(one, |_| true)).await?;
    outbox::begin(on, id).await
}

/// What there is of it belongs to nobody any more.
pub async fn give_up(on: &Session, connection: &str) -> DbResult<()> {
    let sql = "INSERT INTO removed_connections VALUES ($1) ON CONFLICT DO NOTHING";
    on.run(sql, &[&text(connection)]).await?;
    erase::give_up(on, connection).await?;
    on.run("DELETE FROM moves WHERE connection = $1", &[&text(connection)]).await?;
    touch(on, [connection]).await
}

/// A connection comes. Answers `false` where something of it is to be erased before.
pub async fn arrive(on: &Session, attempt: &str, rows: &[MovedRow]) -> DbResult<bool> {
    // Two that bring the same, and two that reserve numbers, do so one after the other.
    on.advise("moving").await?;
    let now_ms = on.now_ms().await?;
    let MoveRow { connection, name, .. } = plan::shown(MoveStage::Coming, now_ms, rows);
    let stage = find(on, &connection).await?.map(|kept| kept.stage);
    let removed = "SELECT 1 FROM removed_connections WHERE connection = $1";
    let kept = Kept {
        is_here: is_there(on, "SELECT 1 FROM connections WHERE id = $1", &connection).await?,
        is_named: is_there(on, "SELECT 1 FROM connections WHERE name = $1", &name).await?,
        is_removed: is_there(on, removed, &connection).await?,
        stage,
        forward: taken(on, rows).await?,
    };
    match plan::arrive(&name, kept)? {
        Arrival::Erase => {
            if stage.is_some() {
                give_up(on, &connection).await?;
            }
            Ok(false)
        }
        Arrival::Begin => {
            let first = reserve(on, rows).await?;
            put(on, &connection, MoveStage::Coming, now_ms, Some(attempt), first, rows).await?;
            Ok(true)
        }
    }
}

/// Keys of contents and numbers of deliveries that nobody else is given.
async fn reserve(on: &Session, rows: &[MovedRow]) -> DbResult<Spans> {
    let spans = rows.iter().find(|row| row.table.name == "spans");
    let span = |column| spans.and_then(|row| row.cell(column).integer()).unwrap_or_default().max(0);
    let bodies = next(on, "mirror_bodies_body_seq", span("bodies")).await?;
    let deliveries = next(on, "inbox_delivery_numbers", span("deliveries")).await?;
    Ok(Spans { bodies, deliveries })
}

/// The first of so many numbers of a sequence. Others go on taking numbers meanwhile: those below it.
async fn next(on: &Session, sequence: &str, span: i64) -> DbResult<i64> {
    if span == 0 {
        return Ok(1);
    }
    let sql = format!("SELECT setval('{sequence}', (SELECT last_value FROM {sequence}) + $1 + $2)");
    let last: Option<i64> = on.value(&sql, &[&MARGIN, &span]).await?;
    Ok(last.unwrap_or_default() - span + 1)
}

/// All of it is there.
pub async fn finish(on: &Session, connection: &str, attempt: &str) -> DbResult<()> {
    let kept = lock(on, connection, &[MoveStage::Coming]).await?;
    if kept.attempt.as_deref() != Some(attempt) {
        return Err(StoreError::NoMove(connection.to_owned()).into());
    }
    must_be_free(on, &kept.rows).await?;
    be_there(on, connection, &kept.rows).await
}
