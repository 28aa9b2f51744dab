//! What is decided of a move, whatever the database.

use super::{Cell, MoveRow, MoveStage, MovedRow};
use crate::{Lease, StoreError};

/// Rows and bytes after which a piece is long enough.
const ROWS: usize = 500;
const BYTES: usize = 1024 * 1024;

/// Whether these rows are enough for a piece.
#[must_use]
pub fn is_enough(rows: &[MovedRow]) -> bool {
    rows.len() >= ROWS || rows.iter().map(MovedRow::size).sum::<usize>() >= BYTES
}

/// Work for a connection that somebody does, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// What it is, for people.
    pub what: String,
    /// Who does it, and until when.
    pub lease: Lease,
    /// It counts to its end even when who does it has ended: what that had sent may still arrive.
    pub to_its_end: bool,
}

/// Whether a connection may be taken out of work at a time (milliseconds since 1970).
///
/// # Errors
/// [`StoreError::InUse`] names all that keeps it.
pub fn leave(name: &str, work: &[Work], now_ms: u64) -> Result<(), StoreError> {
    let held = |work: &&Work| match work.to_its_end {
        true => now_ms < work.lease.until_ms,
        false => work.lease.is_held(now_ms),
    };
    let mut by: Vec<&str> = work.iter().filter(held).map(|work| work.what.as_str()).collect();
    by.sort_unstable();
    by.dedup();
    match by.is_empty() {
        true => Ok(()),
        false => Err(StoreError::InUse { name: name.to_owned(), by: by.join(", ") }),
    }
}

/// What is to be done with what there is of a connection that comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing is there of it.
    Begin,
    /// What is there is to be erased first.
    Erase,
}

/// What a database knows of a connection that comes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kept<'k> {
    /// It is there.
    pub is_here: bool,
    /// Another connection has its name.
    pub is_named: bool,
    /// Something of it is being erased.
    pub is_removed: bool,
    /// How far it is on its way.
    pub stage: Option<MoveStage>,
    /// A forward that others have has the name of one that comes with it.
    pub forward: Option<&'k str>,
}

/// Whether a connection may come.
///
/// # Errors
/// [`StoreError::NameTaken`], [`StoreError::IsHere`], [`StoreError::ForwardNameTaken`].
pub fn arrive(name: &str, kept: Kept<'_>) -> Result<Arrival, StoreError> {
    if kept.is_here || kept.stage == Some(MoveStage::Leaving) {
        return Err(StoreError::IsHere(name.to_owned()));
    }
    if kept.is_named {
        return Err(StoreError::NameTaken(name.to_owned()));
    }
    if let Some(forward) = kept.forward {
        return Err(StoreError::ForwardNameTaken(forward.to_owned()));
    }
    // What has left from here is older than what comes back.
    Ok(if kept.is_removed || kept.stage.is_some() { Arrival::Erase } else { Arrival::Begin })
}

/// A move as it is shown, of its kept small rows.
#[must_use]
pub fn shown(stage: MoveStage, at_ms: u64, rows: &[MovedRow]) -> MoveRow {
    let find = |table: &str| rows.iter().find(|row| row.table.name == table);
    let text = |column| find("connections").map_or_else(String::new, |row| row.text(column).into());
    let token = find("hooks").map(|row| row.text("token").to_owned());
    MoveRow { connection: text("id"), name: text("name"), stage, at_ms, token }
}

/// A number as it is moved: counted from the first one.
#[must_use]
pub fn counted_from(cell: Cell, first: i64) -> Cell {
    match cell {
        Cell::Integer(number) => Cell::Integer(number.saturating_sub(first)),
        other => other,
    }
}

/// The other way.
#[must_use]
pub fn counted_to(cell: Cell, first: i64) -> Cell {
    match cell {
        Cell::Integer(number) => Cell::Integer(number.saturating_add(first)),
        other => other,
    }
}
