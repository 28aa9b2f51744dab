//! Reads the rows of a connection that leaves.

use connector_state::moving::plan::{counted_from, is_enough};
use connector_state::moving::tables::{Kind, SMALL, Scope, Table};
use connector_state::moving::{Cell, MoveStage, MovedRow, Piece, Place, Spans};
use tokio_postgres::types::ToSql;

use super::cells::{bound, read, selected};
use super::{Keys, ObjectKeys, stages};
use crate::columns::{Bound, text, untext};
use crate::fault::DbResult;
use crate::session::Session;

/// Rows of a small table at most; there are never so many.
const SMALL_AT_ONCE: u32 = 100_000;

/// The next rows of a connection.
pub async fn piece(on: &Session, connection: &str, after: Option<Place>) -> DbResult<Piece> {
    let kept = stages::must_be(on, connection, &[MoveStage::Leaving]).await?;
    let keys = Keys::of(on, connection).await?;
    let (mut rows, mut place) = match after {
        Some(place) => (vec![], place),
        None => {
            let (first, spans) = spans(on, &keys).await?;
            let mut rows: Vec<MovedRow> = spans.into_iter().chain(kept.rows).collect();
            let shared = shared_forwards(on, &rows).await?;
            rows.extend(shared);
            (rows, Place::start(first))
        }
    };
    while let Some(table) = place.table() {
        if is_enough(&rows) {
            return Ok(Piece { rows, next: Some(place) });
        }
        place = page(on, &keys, table, place, &mut rows).await?;
    }
    Ok(Piece { rows, next: None })
}

/// The rows of the small tables of a connection that is still there.
pub async fn small(on: &Session, connection: &str) -> DbResult<Vec<MovedRow>> {
    let mut rows = Vec::new();
    for table in SMALL {
        if !matches!(table.name, "spans" | "shared_forwards") {
            let found: Bound = Box::new(text(connection).into_owned());
            let cells = select(on, table, found, &[], SMALL_AT_ONCE).await?;
            rows.extend(cells.into_iter().map(|cells| MovedRow::new(table, cells)));
        }
    }
    Ok(rows)
}

/// Those of the connector that others share, as they are now.
async fn shared_forwards(on: &Session, rows: &[MovedRow]) -> DbResult<Vec<MovedRow>> {
    let Some(table) = Table::named("shared_forwards") else { return Ok(vec![]) };
    let connection = rows.iter().find(|row| row.table.name == "connections");
    let connector = connection.map(|row| row.text("connector")).unwrap_or_default();
    let sql = format!(
        "SELECT {} FROM forwards WHERE connector = $1 AND connection IS NULL ORDER BY id",
        names(table, "")
    );
    let found = cells(on, table, &sql, vec![Box::new(text(connector).into_owned())]).await?;
    Ok(found.into_iter().map(|cells| MovedRow::new(table, cells)).collect())
}

/// The first content and delivery, and a row that tells how many there may be from it on.
async fn spans(on: &Session, keys: &Keys) -> DbResult<(Spans, Option<MovedRow>)> {
    let sets: Vec<i64> = keys.objects.iter().map(|object| object.records).collect();
    let bodies = "SELECT min(body), max(body) FROM mirror_heads WHERE records = ANY($1)";
    let bodies = on.rows(bodies, &[&sets]).await?;
    let deliveries = "SELECT min(n), max(n) FROM (
                   SELECT number AS n FROM inbox_deliveries WHERE inbox = $1
                   UNION ALL SELECT delivery FROM mirror_changes WHERE mirror = $2) AS all_of_them";
    let deliveries = on.rows(deliveries, &[&keys.inbox, &keys.mirror]).await?;
    let ends = |rows: &[tokio_postgres::Row]| -> DbResult<(i64, i64)> {
        let Some(row) = rows.first() else { return Ok((0, 0)) };
        let ends = row.try_get::<_, Option<i64>>(0)?.zip(row.try_get::<_, Option<i64>>(1)?);
        Ok(ends.map_or((0, 0), |(first, last)| (first, last - first + 1)))
    };
    let (bodies, deliveries) = (ends(&bodies)?, ends(&deliveries)?);
    let first = Spans { bodies: bodies.0, deliveries: deliveries.0 };
    let cells = vec![Cell::Integer(bodies.1), Cell::Integer(deliveries.1)];
    Ok((first, Table::named("spans").map(|table| MovedRow::new(table, cells))))
}

/// One page of one part of a table. Answers where to go on.
async fn page(
    on: &Session,
    keys: &Keys,
    table: &'static Table,
    place: Place,
    rows: &mut Vec<MovedRow>,
) -> DbResult<Place> {
    // Events come with their deliveries.
    if table.name == "inbox_events" {
        return Ok(place.next_table());
    }
    let Some((part, found)) = part(on, keys, table.of, place.part.as_ref(), false).await? else {
        return Ok(place.next_table());
    };
    // A run that was forgotten since is passed over.
    let after = if part == place.part { &*place.after } else { &[] };
    let page = match table.name {
        "mirror_records" => records(on, table, found, after).await?,
        _ => select(on, table, found, after, table.at_once).await?,
    };
    let is_full = !table.key.is_empty() && page.len() == table.at_once as usize;
    let key = |cells: &Vec<Cell>| {
        let cell = |name: &&str| cells.get(table.place(name)?).cloned();
        table.key.iter().filter_map(cell).collect()
    };
    let after: Vec<Cell> = page.last().map(key).unwrap_or_default();
    add_all(on, keys, table, part.as_ref(), page, place.first, rows).await?;
    if is_full {
        return Ok(Place { part, after, ..place });
    }
    Ok(match part {
        Some(done) => match self::part(on, keys, table.of, Some(&done), true).await? {
            Some((next, _)) => Place { part: next, after: vec![], ..place },
            None => place.next_table(),
        },
        None => place.next_table(),
    })
}

/// A part of a table, and what its rows are found by: the one that is named, the one after it, or the first.
/// A table without parts has one without a name.
async fn part(
    on: &Session,
    keys: &Keys,
    of: Scope,
    part: Option<&Cell>,
    next: bool,
) -> DbResult<Option<(Option<Cell>, Bound)>> {
    let object = |key: fn(&ObjectKeys) -> i64| -> Option<(Option<Cell>, Bound)> {
        let named = |object: &ObjectKeys| Some(object.name.as_str()) == part.and_then(Cell::text);
        let at = keys.objects.iter().position(named);
        let object = keys.objects.get(at.unwrap_or_default() + usize::from(next))?;
        Some((Some(Cell::Text(object.name.clone())), Box::new(key(object))))
    };
    Ok(match of {
        Scope::Connection => Some((None, Box::new(text(&keys.connection).into_owned()))),
        Scope::Mirror => Some((None, Box::new(keys.mirror))),
        Scope::Inbox => Some((None, Box::new(keys.inbox))),
        Scope::Object => object(|object| object.object),
        Scope::Set => object(|object| object.records),
        Scope::Push => {
            let from = part.and_then(Cell::text).unwrap_or_default();
            let sql = match next || part.is_none() {
                true => {
                    "SELECT id FROM pushes WHERE connection = $1 AND id > $2 ORDER BY id LIMIT 1"
                }
                false => {
                    "SELECT id FROM pushes WHERE connection = $1 AND id >= $2 ORDER BY id LIMIT 1"
                }
            };
            let id: Option<String> = on.value(sql, &[&text(&keys.connection), &text(from)]).await?;
            id.map(|id| -> (Option<Cell>, Bound) {
                (Some(Cell::Text(untext(id.clone()))), Box::new(id))
            })
        }
    })
}

/// Adds rows as they are moved; to each delivery its events.
async fn add_all(
    on: &Session,
    keys: &Keys,
    table: &'static Table,
    part: Option<&Cell>,
    page: Vec<Vec<Cell>>,
    first: Spans,
    rows: &mut Vec<MovedRow>,
) -> DbResult<()> {
    let part = part.and_then(Cell::text);
    let number = table.place("number");
    for cells in page {
        let delivery = number.and_then(|at| cells.get(at)).and_then(Cell::integer);
        let row = MovedRow { table, part: part.map(str::to_owned), cells };
        rows.push(moved(keys, row, first));
        let events = Table::named("inbox_events").filter(|_| table.name == "inbox_deliveries");
        if let (Some(events), Some(delivery)) = (events, delivery) {
            let sql = format!(
                "SELECT {} FROM inbox_events WHERE delivery = $1 ORDER BY number",
                names(events, "")
            );
            for cells in cells_of(on, events, &sql, delivery).await? {
                rows.push(moved(keys, MovedRow::new(events, cells), first));
            }
        }
    }
    Ok(())
}

async fn cells_of(on: &Session, table: &Table, sql: &str, of: i64) -> DbResult<Vec<Vec<Cell>>> {
    cells(on, table, sql, vec![Box::new(of)]).await
}

/// A row as it is moved.
fn moved(keys: &Keys, mut row: MovedRow, first: Spans) -> MovedRow {
    for (cell, (name, kind)) in row.cells.iter_mut().zip(row.table.columns) {
        let taken = std::mem::replace(cell, Cell::Null);
        *cell = match (*kind, row.table.name, *name) {
            (Kind::Object, ..) => {
                let found =
                    keys.objects.iter().find(|object| taken.integer() == Some(object.object));
                found.map_or(Cell::Null, |object| Cell::Text(object.name.clone()))
            }
            (_, "mirror_records", "body") => counted_from(taken, first.bodies),
            (_, "mirror_changes" | "inbox_events", "delivery")
            | (_, "inbox_deliveries", "number") => counted_from(taken, first.deliveries),
            (_, _, name) if row.table.is_numbered(name) => Cell::Null,
            _ => taken,
        };
    }
    row
}

/// Records of a set.
async fn records(
    on: &Session,
    table: &Table,
    set: Bound,
    after: &[Cell],
) -> DbResult<Vec<Vec<Cell>>> {
    let columns = table.columns.iter().map(|(name, kind)| match *name {
        "created_at" | "data" | "held" => format!("b.{name}"),
        _ => selected(&format!("h.{name}"), *kind),
    });
    let sql = format!(
        "SELECT {} FROM mirror_heads AS h LEFT JOIN mirror_bodies AS b ON b.body = h.body
         WHERE h.records = $1 AND h.id > $2 ORDER BY h.id LIMIT $3",
        columns.collect::<Vec<_>>().join(", ")
    );
    let after = after.first().and_then(Cell::text).unwrap_or_default();
    let after: Bound = Box::new(text(after).into_owned());
    cells(on, table, &sql, vec![set, after, Box::new(i64::from(table.at_once))]).await
}

fn names(table: &Table, of: &str) -> String {
    let names = table.columns.iter().map(|(name, kind)| selected(&format!("{of}{name}"), *kind));
    names.collect::<Vec<_>>().join(", ")
}

/// Rows of a table that are found by this, those after a key.
async fn select(
    on: &Session,
    table: &Table,
    found: Bound,
    after: &[Cell],
    limit: u32,
) -> DbResult<Vec<Vec<Cell>>> {
    let mut sql =
        format!("SELECT {} FROM {} WHERE {} = $1", names(table, ""), table.name, table.found_by());
    let mut of = vec![found];
    let key = table.key.join(", ");
    if !after.is_empty() {
        let places: Vec<String> = (2..after.len() + 2).map(|place| format!("${place}")).collect();
        sql = format!("{sql} AND ({key}) > ({})", places.join(", "));
        of.extend(after.iter().map(bound));
    }
    if !key.is_empty() {
        sql = format!("{sql} ORDER BY {key}");
    }
    of.push(Box::new(i64::from(limit)));
    cells(on, table, &format!("{sql} LIMIT ${}", of.len()), of).await
}

async fn cells(on: &Session, table: &Table, sql: &str, of: Vec<Bound>) -> DbResult<Vec<Vec<Cell>>> {
    let of: Vec<&(dyn ToSql + Sync)> = of.iter().map(|it| &**it as &(dyn ToSql + Sync)).collect();
    let all = on.rows(sql, &of).await?;
    let row = |row: &tokio_postgres::Row| {
        let columns = table.columns.iter().enumerate();
        columns.map(|(at, (_, kind))| read(row, at, *kind)).collect()
    };
    all.iter().map(row).collect()
}
