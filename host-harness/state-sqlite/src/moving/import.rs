//! Keeps the rows of a connection that comes.

use std::collections::BTreeMap;

use connector_state::StoreError;
use connector_state::mirror::rules::KeptRules;
use connector_state::moving::MOVED;
use connector_state::moving::plan::counted_to;
use connector_state::moving::tables::{Kind, Scope};
use connector_state::moving::{Cell, MoveStage, MovedRow};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::export::to_value;
use super::stages::KeptMove;
use super::{Keys, ObjectKeys, insert, stages};
use crate::columns::{Values, run};
use crate::fault::DbResult;
use crate::inbox::numbers;
use crate::mirror::objects::make_set;
use crate::mirror::rules;
use crate::mirror::seen::Blocks;

/// Full scans that have seen records, by set and scan.
type Seen = BTreeMap<(i64, u64), Blocks>;

/// Keeps rows, in their order.
pub fn rows(on: &Connection, connection: &str, attempt: &str, rows: Vec<MovedRow>) -> DbResult<()> {
    let kept = stages::must_be(on, connection, &[MoveStage::Coming])?;
    if kept.attempt.as_deref() != Some(attempt) {
        return Err(StoreError::NoMove(connection.to_owned()).into());
    }
    let mut keys = Keys::of(on, connection)?;
    let mut seen = Seen::new();
    for row in rows {
        one(on, &mut keys, &kept, &mut seen, row)?;
    }
    for blocks in seen.into_values() {
        blocks.write(on)?;
    }
    Ok(())
}

fn one(
    on: &Connection,
    keys: &mut Keys,
    kept: &KeptMove,
    seen: &mut Seen,
    mut row: MovedRow,
) -> DbResult<()> {
    for (cell, (name, kind)) in row.cells.iter_mut().zip(row.table.columns) {
        let taken = std::mem::replace(cell, Cell::Null);
        *cell = match (*kind, row.table.name, *name) {
            (Kind::Object, ..) => {
                let found = taken.text().and_then(|name| keys.named(name));
                found.map_or(Cell::Null, |object| Cell::Integer(object.object))
            }
            (_, "mirror_records", "body") => counted_to(taken, kept.first.bodies),
            (_, "mirror_changes" | "inbox_events", "delivery")
            | (_, "inbox_deliveries", "number") => counted_to(taken, kept.first.deliveries),
            _ => taken,
        };
    }
    match row.table.name {
        "mirrors" => {
            let mut values = values(&row);
            values.add("connection", format!("{MOVED}{}", keys.connection));
            insert(on, "mirrors", values)?;
            keys.mirror = on.last_insert_rowid();
        }
        "mirror_objects" => object(on, keys, &row)?,
        "mirror_records" => record(on, keys, seen, &row)?,
        "inboxes" => {
            let mut values = values(&row);
            values.add("connection", keys.connection.clone());
            insert(on, "inboxes", values)?;
            keys.inbox = on.last_insert_rowid();
        }
        "inbox_keys" => {
            // Known for longer than where it comes from.
            let generation = numbers::read(on)?.generation;
            let key = to_value(row.cell("key"));
            run(on, numbers::PUT_KEY, (generation, keys.inbox, key))?;
        }
        "inbox_deliveries" => {
            let mut values = values(&row);
            values.add("inbox", keys.inbox);
            values.add("first_event", 0);
            values.add("events", 0);
            insert(on, "inbox_deliveries", values)?;
        }
        "inbox_events" => event(on, keys, &row)?,
        name => {
            let mut values = values(&row);
            if let Some(found) = found_by(keys, &row) {
                values.add(row.table.found_by(), found);
                insert(on, name, values)?;
            }
        }
    }
    Ok(())
}

/// What the rows of the same part are found by.
fn found_by(keys: &Keys, row: &MovedRow) -> Option<Value> {
    let object = || keys.named(row.part.as_deref()?);
    Some(match row.table.of {
        Scope::Connection => Value::Text(keys.connection.clone()),
        Scope::Mirror => Value::Integer(keys.mirror),
        Scope::Inbox => Value::Integer(keys.inbox),
        Scope::Object => Value::Integer(object()?.object),
        Scope::Set => Value::Integer(object()?.records),
        Scope::Push => Value::Text(row.part.clone()?),
    })
}

/// All columns of a row, but those that are numbered.
pub fn values(row: &MovedRow) -> Values {
    let mut values = Values::default();
    for ((name, _), cell) in row.table.columns.iter().zip(&row.cells) {
        if !row.table.is_numbered(name) {
            values.add(*name, to_value(cell));
        }
    }
    values
}

fn object(on: &Connection, keys: &mut Keys, row: &MovedRow) -> DbResult<()> {
    let name = row.part.clone().unwrap_or_default();
    let records = make_set(on, keys.mirror)?;
    let mut values = values(row);
    values.add("mirror", keys.mirror);
    values.add("name", name.clone());
    values.add("records", records);
    insert(on, "mirror_objects", values)?;
    keys.objects.push(ObjectKeys { name, object: on.last_insert_rowid(), records });
    Ok(())
}

fn record(on: &Connection, keys: &Keys, seen: &mut Seen, row: &MovedRow) -> DbResult<()> {
    let Some(object) = row.part.as_deref().and_then(|name| keys.named(name)) else { return Ok(()) };
    let records = object.records;
    let columns = |names: &[&str]| {
        let mut values = Values::default();
        names.iter().for_each(|name| values.add(*name, to_value(row.cell(name))));
        values
    };
    // One that is gone has a key, and no content any more.
    if row.cell("data").text().is_some() {
        insert(on, "mirror_bodies", columns(&["body", "created_at", "data", "held"]))?;
    }
    if let (Some(body), Some(scan)) = (row.cell("body").integer(), row.cell("seen").integer()) {
        let scan = u64::try_from(scan).unwrap_or_default();
        let blocks = seen.entry((records, scan)).or_insert_with(|| Blocks::new(records, scan));
        blocks.set(on, body)?;
    }
    let mut head =
        columns(&["id", "body", "state", "change", "hash", "deriver", "updated_at", "versions"]);
    head.add("records", records);
    let kept = row.cell("rules").text().and_then(|text| KeptRules::decode(text).ok());
    let kept = kept.unwrap_or_default();
    head.add("rules", kept.encode());
    insert(on, "mirror_heads", head)?;
    let body = row.cell("body").integer().unwrap_or_default();
    Ok(rules::write(on, records, body, row.text("id"), &kept.rows())?)
}

/// Numbers of a delivery's events follow one another: they come in one commit.
fn event(on: &Connection, keys: &Keys, row: &MovedRow) -> DbResult<()> {
    let mut newest = numbers::read(on)?;
    newest.newest.event += 1;
    numbers::write(on, &newest)?;
    let number = crate::columns::signed(newest.newest.event);
    let sql = "UPDATE inbox_deliveries SET first_event = iif(events = 0, ?1, first_event),
                   events = events + 1 WHERE number = ?2";
    run(on, sql, (number, to_value(row.cell("delivery"))))?;
    let mut values = values(row);
    values.add("number", number);
    values.add("inbox", keys.inbox);
    insert(on, "inbox_events", values)
}
