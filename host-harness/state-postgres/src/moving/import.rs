//! Keeps the rows of a connection that comes: all of one table in one statement.

use std::collections::BTreeMap;

use connector_state::StoreError;
use connector_state::mirror::rules::KeptRules;
use connector_state::moving::MOVED;
use connector_state::moving::plan::counted_to;
use connector_state::moving::tables::{Kind, LARGE, Scope};
use connector_state::moving::{Cell, MoveStage, MovedRow};

use super::cells::{Column, insert};
use super::stages::KeptMove;
use super::{Keys, ObjectKeys, stages};
use crate::columns::text;
use crate::fault::DbResult;
use crate::inbox::numbers;
use crate::mirror::objects::make_set;
use crate::mirror::rules;
use crate::session::Session;

/// Keeps rows, in their order.
pub async fn rows(
    on: &Session,
    connection: &str,
    attempt: &str,
    rows: &[MovedRow],
) -> DbResult<()> {
    let kept = stages::must_be(on, connection, &[MoveStage::Coming]).await?;
    if kept.attempt.as_deref() != Some(attempt) {
        return Err(StoreError::NoMove(connection.to_owned()).into());
    }
    let mut keys = Keys::of(on, connection).await?;
    // A table's rows need those of the tables before it alone.
    let mut of: BTreeMap<usize, Vec<MovedRow>> = BTreeMap::new();
    for row in rows {
        let place = LARGE.iter().position(|table| table.name == row.table.name);
        of.entry(place.unwrap_or_default()).or_default().push(row.clone());
    }
    for rows in of.into_values() {
        table(on, &mut keys, &kept, rows).await?;
    }
    Ok(())
}

async fn table(
    on: &Session,
    keys: &mut Keys,
    kept: &KeptMove,
    mut rows: Vec<MovedRow>,
) -> DbResult<()> {
    let Some(table) = rows.first().map(|row| row.table) else { return Ok(()) };
    if table.name == "mirror_objects" {
        for row in &mut rows {
            here(keys, kept, row);
            object(on, keys, row).await?;
        }
        return Ok(());
    }
    rows.iter_mut().for_each(|row| here(keys, kept, row));
    match table.name {
        "mirrors" => {
            let name = format!("'{MOVED}{}'", quoted(&keys.connection));
            insert(on, "mirrors", Some(("connection", &name)), columns(&rows, |_| true)).await?;
            keys.mirror = Keys::of(on, &keys.connection).await?.mirror;
            Ok(())
        }
        "mirror_records" => records(on, keys, &rows).await,
        "inboxes" => {
            let name = format!("'{}'", quoted(&keys.connection));
            insert(on, "inboxes", Some(("connection", &name)), columns(&rows, |_| true)).await?;
            keys.inbox = Keys::of(on, &keys.connection).await?.inbox;
            Ok(())
        }
        "inbox_keys" => {
            // Known for longer than where it comes from.
            let generation = numbers::read(on).await?.generation;
            let first = format!("{}, {generation}", keys.inbox);
            let first = Some(("inbox, generation", first.as_str()));
            insert(on, "inbox_keys", first, columns(&rows, |_| true)).await
        }
        "inbox_events" => {
            // Given away in the order of the rows.
            let first = format!("{}, nextval('inbox_event_numbers')", keys.inbox);
            let first = Some(("inbox, number", first.as_str()));
            insert(on, "inbox_events", first, columns(&rows, |_| true)).await
        }
        name => {
            let found: Vec<Cell> = rows.iter().map(|row| found_by(keys, row)).collect();
            let kind = match table.of {
                Scope::Connection | Scope::Push => Kind::Text,
                _ => Kind::Integer,
            };
            let mut columns = columns(&rows, |name| !table.is_numbered(name));
            columns.push(Column { name: table.found_by(), kind, cells: found.iter().collect() });
            insert(on, name, None, columns).await
        }
    }
}

fn quoted(text: &str) -> String {
    crate::columns::text(text).replace('\'', "''")
}

/// A row with the keys and numbers that it has here.
fn here(keys: &Keys, kept: &KeptMove, row: &mut MovedRow) {
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
}

/// What the rows of the same part are found by.
fn found_by(keys: &Keys, row: &MovedRow) -> Cell {
    let part = row.part.as_deref().unwrap_or_default();
    let object = || keys.named(part);
    match row.table.of {
        Scope::Connection => Cell::Text(keys.connection.clone()),
        Scope::Mirror => Cell::Integer(keys.mirror),
        Scope::Inbox => Cell::Integer(keys.inbox),
        Scope::Object => object().map_or(Cell::Null, |object| Cell::Integer(object.object)),
        Scope::Set => object().map_or(Cell::Null, |object| Cell::Integer(object.records)),
        Scope::Push => Cell::Text(part.to_owned()),
    }
}

/// The columns of rows of one table, as far as they are wanted.
pub fn columns(rows: &[MovedRow], wanted: impl Fn(&str) -> bool) -> Vec<Column<'_>> {
    let Some(table) = rows.first().map(|row| row.table) else { return vec![] };
    let all = table.columns.iter().filter(|(name, _)| wanted(name));
    let column = |(name, kind): &(&'static str, Kind)| Column {
        name,
        kind: *kind,
        cells: rows.iter().map(|row| row.cell(name)).collect(),
    };
    all.map(column).collect()
}

async fn object(on: &Session, keys: &mut Keys, row: &MovedRow) -> DbResult<()> {
    let name = row.part.clone().unwrap_or_default();
    let records = make_set(on, keys.mirror).await?;
    let number = |column| row.cell(column).integer();
    let sql = "INSERT INTO mirror_objects
                   (mirror, name, records, derived_from, live, aged_out, deleted)
               VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING object";
    let of = (number("derived_from"), number("live"), number("aged_out"), number("deleted"));
    let object: Option<i64> =
        on.value(sql, &[&keys.mirror, &text(&name), &records, &of.0, &of.1, &of.2, &of.3]).await?;
    keys.objects.push(ObjectKeys { name, object: object.unwrap_or_default(), records });
    Ok(())
}

async fn records(on: &Session, keys: &Keys, rows: &[MovedRow]) -> DbResult<()> {
    // One that is gone has a key, and no content any more.
    let with_body: Vec<MovedRow> =
        rows.iter().filter(|row| row.cell("data").text().is_some()).cloned().collect();
    let of_body = |name: &str| matches!(name, "created_at" | "data" | "held");
    let bodies = columns(&with_body, |name| name == "body" || of_body(name));
    insert(on, "mirror_bodies", None, bodies).await?;
    let sets: Vec<Cell> = rows.iter().map(|row| found_by(keys, row)).collect();
    let mut heads = columns(rows, |name| !of_body(name));
    heads.push(Column { name: "records", kind: Kind::Integer, cells: sets.iter().collect() });
    insert(on, "mirror_heads", None, heads).await?;
    for (row, set) in rows.iter().zip(&sets) {
        let kept = row.cell("rules").text().and_then(|text| KeptRules::decode(text).ok());
        let Some(moves) = kept.map(|kept| kept.rows()).filter(|moves| !moves.is_empty()) else {
            continue;
        };
        let mut ruled = rules::Rows::default();
        ruled.add(row.cell("body").integer().unwrap_or_default(), row.text("id"), &moves);
        ruled.write(on, set.integer().unwrap_or_default()).await?;
    }
    Ok(())
}
