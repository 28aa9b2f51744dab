//! Reads the rows of a connection that leaves.

use std::collections::BTreeMap;

use connector_state::moving::plan::{counted_from, is_enough};
use connector_state::moving::tables::{Kind, Scope, Table};
use connector_state::moving::{Cell, MoveStage, MovedRow, Piece, Place, Spans};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::{Keys, ObjectKeys, stages};
use crate::columns::{prepared, value};
use crate::fault::DbResult;
use crate::inbox::numbers;
use crate::mirror::seen;

/// Rows of a small table at most; there are never so many.
const SMALL_AT_ONCE: u32 = 100_000;

/// The heads of a set, with their contents.
const RECORDS: &str =
    "SELECT h.id, h.body, h.state, h.change, h.hash, h.deriver, h.updated_at, h.versions,
        NULL, b.created_at, b.data, b.held, h.rules
    FROM mirror_heads AS h LEFT JOIN mirror_bodies AS b ON b.body = h.body
    WHERE h.records = ? AND h.id > ? ORDER BY h.id LIMIT ?";

/// The next rows of a connection.
pub fn piece(on: &Connection, connection: &str, after: Option<Place>) -> DbResult<Piece> {
    let kept = stages::must_be(on, connection, &[MoveStage::Leaving])?;
    let keys = Keys::of(on, connection)?;
    let (mut rows, mut place) = match after {
        Some(place) => (vec![], place),
        None => {
            let (first, spans) = spans(on, &keys)?;
            let mut rows: Vec<MovedRow> = spans.into_iter().chain(kept.rows).collect();
            rows.extend(shared_forwards(on, &rows)?);
            (rows, Place::start(first))
        }
    };
    while let Some(table) = place.table() {
        if is_enough(&rows) {
            return Ok(Piece { rows, next: Some(place) });
        }
        place = page(on, &keys, table, &place, &mut rows)?;
    }
    Ok(Piece { rows, next: None })
}

/// The rows of the small tables of a connection that is still there.
pub fn small(on: &Connection, connection: &str) -> DbResult<Vec<MovedRow>> {
    let mut rows = Vec::new();
    let found = Value::Text(connection.to_owned());
    for table in connector_state::moving::tables::SMALL {
        if !matches!(table.name, "spans" | "shared_forwards") {
            let cells = select(on, table, &found, &[], SMALL_AT_ONCE)?;
            rows.extend(cells.into_iter().map(|cells| MovedRow::new(table, cells)));
        }
    }
    Ok(rows)
}

/// Those of the connector that others share, as they are now.
fn shared_forwards(on: &Connection, rows: &[MovedRow]) -> DbResult<Vec<MovedRow>> {
    let Some(table) = Table::named("shared_forwards") else { return Ok(vec![]) };
    let connection = rows.iter().find(|row| row.table.name == "connections");
    let connector = connection.map(|row| row.text("connector")).unwrap_or_default();
    let sql = format!(
        "SELECT {} FROM forwards WHERE connector = ? AND connection IS NULL ORDER BY id",
        names(table)
    );
    let cells = cells(on, &sql, vec![Value::Text(connector.to_owned())])?;
    Ok(cells.into_iter().map(|cells| MovedRow::new(table, cells)).collect())
}

/// The first content and delivery, and a row that tells how many there may be from it on.
fn spans(on: &Connection, keys: &Keys) -> DbResult<(Spans, Option<MovedRow>)> {
    let mut bodies: Option<(i64, i64)> = None;
    let sql = "SELECT min(body), max(body) FROM mirror_heads WHERE records = ?";
    for object in &keys.objects {
        let found: (Option<i64>, Option<i64>) =
            prepared(on, sql)?.query_row([object.records], |row| row.try_into())?;
        if let (Some(first), Some(last)) = found {
            let (before, after) = bodies.unwrap_or((first, last));
            bodies = Some((first.min(before), last.max(after)));
        }
    }
    let sql = "SELECT min(n), max(n) FROM (
                   SELECT number AS n FROM inbox_deliveries WHERE inbox = ?
                   UNION ALL SELECT delivery FROM mirror_changes WHERE mirror = ?)";
    let (first, last): (Option<i64>, Option<i64>) =
        prepared(on, sql)?.query_row([keys.inbox, keys.mirror], |row| row.try_into())?;
    let deliveries = first.zip(last);
    let first_of = |of: Option<(i64, i64)>| of.map_or(0, |(first, _)| first);
    let span =
        |of: Option<(i64, i64)>| Cell::Integer(of.map_or(0, |(first, last)| last - first + 1));
    let first = Spans { bodies: first_of(bodies), deliveries: first_of(deliveries) };
    let row = Table::named("spans")
        .map(|table| MovedRow::new(table, vec![span(bodies), span(deliveries)]));
    Ok((first, row))
}

/// One page of one part of a table. Answers where to go on.
fn page(
    on: &Connection,
    keys: &Keys,
    table: &'static Table,
    place: &Place,
    rows: &mut Vec<MovedRow>,
) -> DbResult<Place> {
    match table.name {
        // Events come with their deliveries.
        "inbox_events" => return Ok(place.next_table()),
        "inbox_keys" => return event_keys(on, keys, table, place, rows),
        _ => {}
    }
    let Some((part, found)) = part(on, keys, table.of, place.part.as_ref(), false)? else {
        return Ok(place.next_table());
    };
    // A run that was forgotten since is passed over.
    let after = if part == place.part { &*place.after } else { &[] };
    let page = match table.name {
        "mirror_records" => records(on, &found, after, table.at_once)?,
        _ => select(on, table, &found, after, table.at_once)?,
    };
    let is_full = !table.key.is_empty() && page.len() == table.at_once as usize;
    let key = |cells: &Vec<Cell>| {
        let cell = |name: &&str| cells.get(table.place(name)?).cloned();
        table.key.iter().filter_map(cell).collect()
    };
    let after: Vec<Cell> = page.last().map(key).unwrap_or_default();
    for cells in page {
        let part = part.as_ref().and_then(Cell::text).map(str::to_owned);
        let row = MovedRow { table, part, cells };
        add(on, keys, row, place.first, rows)?;
    }
    if is_full {
        return Ok(Place { part, after, ..*place });
    }
    Ok(match part {
        Some(done) => match self::part(on, keys, table.of, Some(&done), true)? {
            Some((next, _)) => Place { part: next, after: vec![], ..*place },
            None => place.next_table(),
        },
        None => place.next_table(),
    })
}

/// Keys by which events are known: those of a generation, then those of the next one, to the newest.
fn event_keys(
    on: &Connection,
    keys: &Keys,
    table: &'static Table,
    place: &Place,
    rows: &mut Vec<MovedRow>,
) -> DbResult<Place> {
    let newest = numbers::read(on)?.generation;
    let generation = place.part.as_ref().and_then(Cell::integer).unwrap_or(newest - 1);
    let after = place.after.first().map_or(Value::Blob(vec![]), to_value);
    let sql = "SELECT key FROM inbox_keys WHERE generation = ? AND inbox = ? AND key > ?
               ORDER BY key LIMIT ?";
    let limit = Value::Integer(table.at_once.into());
    let of = vec![Value::Integer(generation), Value::Integer(keys.inbox), after, limit];
    let page = cells(on, sql, of)?;
    let last = page.last().filter(|_| page.len() == table.at_once as usize).cloned();
    rows.extend(page.into_iter().map(|cells| MovedRow::new(table, cells)));
    Ok(match last {
        Some(after) => Place { part: Some(Cell::Integer(generation)), after, ..*place },
        None if generation < newest => {
            Place { part: Some(Cell::Integer(generation + 1)), after: vec![], ..*place }
        }
        None => place.next_table(),
    })
}

/// A part of a table, and what its rows are found by: the one that is named, the one after it, or the first.
/// A table without parts has one without a name.
fn part(
    on: &Connection,
    keys: &Keys,
    of: Scope,
    part: Option<&Cell>,
    next: bool,
) -> DbResult<Option<(Option<Cell>, Value)>> {
    let object = |key: fn(&ObjectKeys) -> i64| {
        let named = |object: &ObjectKeys| Some(object.name.as_str()) == part.and_then(Cell::text);
        let at = keys.objects.iter().position(named);
        let object = keys.objects.get(at.unwrap_or_default() + usize::from(next))?;
        Some((Some(Cell::Text(object.name.clone())), Value::Integer(key(object))))
    };
    Ok(match of {
        Scope::Connection => Some((None, Value::Text(keys.connection.clone()))),
        Scope::Mirror => Some((None, Value::Integer(keys.mirror))),
        Scope::Inbox => Some((None, Value::Integer(keys.inbox))),
        Scope::Object => object(|object| object.object),
        Scope::Set => object(|object| object.records),
        Scope::Push => {
            let from = part.and_then(Cell::text).unwrap_or_default();
            let sql = match next || part.is_none() {
                true => "SELECT id FROM pushes WHERE connection = ? AND id > ? ORDER BY id LIMIT 1",
                false => {
                    "SELECT id FROM pushes WHERE connection = ? AND id >= ? ORDER BY id LIMIT 1"
                }
            };
            let id: Option<String> = value(on, sql, (&keys.connection, from))?;
            id.map(|id| (Some(Cell::Text(id.clone())), Value::Text(id)))
        }
    })
}

/// Adds a row as it is moved; to a delivery its events.
fn add(
    on: &Connection,
    keys: &Keys,
    mut row: MovedRow,
    first: Spans,
    rows: &mut Vec<MovedRow>,
) -> DbResult<()> {
    let delivery = row.cell("number").integer();
    for (cell, (name, kind)) in row.cells.iter_mut().zip(row.table.columns) {
        let taken = std::mem::replace(cell, Cell::Null);
        *cell = match (*kind, row.table.name, *name) {
            (Kind::Object, ..) => named(keys, &taken),
            (_, "mirror_records", "body") => counted_from(taken, first.bodies),
            (_, "mirror_changes" | "inbox_events", "delivery")
            | (_, "inbox_deliveries", "number") => counted_from(taken, first.deliveries),
            (_, _, name) if row.table.is_numbered(name) => Cell::Null,
            _ => taken,
        };
    }
    let is_delivery = row.table.name == "inbox_deliveries";
    rows.push(row);
    if let (true, Some(delivery), Some(table)) =
        (is_delivery, delivery, Table::named("inbox_events"))
    {
        let columns = table.columns.iter().map(|(name, _)| format!("e.{name}"));
        let sql = format!(
            "SELECT {} FROM inbox_deliveries AS d CROSS JOIN inbox_events AS e
                 ON e.number >= d.first_event AND e.number < d.first_event + d.events
             WHERE d.number = ? ORDER BY e.number",
            columns.collect::<Vec<_>>().join(", ")
        );
        for cells in cells(on, &sql, vec![Value::Integer(delivery)])? {
            add(on, keys, MovedRow::new(table, cells), first, rows)?;
        }
    }
    Ok(())
}

/// The name of an object by its key.
fn named(keys: &Keys, key: &Cell) -> Cell {
    let found = keys.objects.iter().find(|object| key.integer() == Some(object.object));
    found.map_or(Cell::Null, |object| Cell::Text(object.name.clone()))
}

/// Records of a set, and by which full scan each was seen.
fn records(on: &Connection, set: &Value, after: &[Cell], limit: u32) -> DbResult<Vec<Vec<Cell>>> {
    let after = after.first().and_then(Cell::text).unwrap_or_default();
    let of = vec![set.clone(), Value::Text(after.to_owned()), Value::Integer(limit.into())];
    let mut page = cells(on, RECORDS, of)?;
    let Value::Integer(set) = *set else { return Ok(page) };
    let mut blocks = BTreeMap::new();
    for cells in &mut page {
        if let Some(body) = cells.get(1).and_then(Cell::integer) {
            let scan = seen::scan_of(on, set, body, &mut blocks)?;
            if let (Some(scan), Some(cell)) = (scan, cells.get_mut(8)) {
                *cell = Cell::Integer(scan);
            }
        }
    }
    Ok(page)
}

fn names(table: &Table) -> String {
    table.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Rows of a table that are found by this, those after a key.
fn select(
    on: &Connection,
    table: &Table,
    found: &Value,
    after: &[Cell],
    limit: u32,
) -> DbResult<Vec<Vec<Cell>>> {
    let mut sql =
        format!("SELECT {} FROM {} WHERE {} = ?", names(table), table.name, table.found_by());
    let mut of = vec![found.clone()];
    let key = table.key.join(", ");
    if !after.is_empty() {
        let places = vec!["?"; after.len()].join(", ");
        sql = format!("{sql} AND ({key}) > ({places})");
        of.extend(after.iter().map(to_value));
    }
    if !key.is_empty() {
        sql = format!("{sql} ORDER BY {key}");
    }
    of.push(Value::Integer(limit.into()));
    cells(on, &format!("{sql} LIMIT ?"), of)
}

fn cells(on: &Connection, sql: &str, of: Vec<Value>) -> DbResult<Vec<Vec<Cell>>> {
    let mut statement = prepared(on, sql)?;
    let columns = statement.column_count();
    let read = |row: &Row<'_>| (0..columns).map(|at| Ok(of_value(row.get(at)?))).collect();
    let found = statement.query_map(params_from_iter(of), read)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn of_value(value: Value) -> Cell {
    match value {
        Value::Integer(number) => Cell::Integer(number),
        Value::Text(text) => Cell::Text(text),
        Value::Blob(bytes) => Cell::Bytes(bytes),
        // No table has such numbers.
        Value::Real(_) | Value::Null => Cell::Null,
    }
}

/// As SQLite has it.
pub fn to_value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(number) => Value::Integer(*number),
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Bytes(bytes) => Value::Blob(bytes.clone()),
    }
}
