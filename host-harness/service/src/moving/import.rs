//! Connections out of a file, into a state.

use std::path::Path;
use std::time::Duration;

use connector_state::moving::plan::is_enough;
use connector_state::moving::tables::SMALL;
use connector_state::moving::{Cell, MovedRow, Moving};
use connector_state::{Store, StoreError};
use tokio::time::sleep;

use super::file::FileReader;
use super::reseal::reseal;
use super::{FileEnd, MoveError, MovedConnection};
use crate::vault::{MasterKey, random_id};

/// What is imported, and by which keys.
pub struct Import<'i> {
    /// The file.
    pub from: &'i Path,
    /// Has sealed the file.
    pub one_time: &'i MasterKey,
    /// Seals what the state keeps.
    pub master: &'i MasterKey,
    /// The name that the connection is to have, where there is one in the file.
    pub name: Option<&'i str>,
    /// Told how many rows more are in the state.
    pub progress: &'i (dyn Fn(u64) + Sync),
}

/// Reads a file to its end. Answers the connections in it: all of it is whole.
///
/// # Errors
/// [`MoveError`].
pub fn inspect(from: &Path, one_time: &MasterKey) -> Result<Vec<MovedConnection>, MoveError> {
    let mut file = Rows(FileReader::open(from, one_time)?);
    let mut found = Vec::new();
    let (mut rows, mut name) = (0, String::new());
    while let Some(next) = file.next()? {
        match next {
            Next::Row(row) => {
                rows += 1;
                if row.table.name == "connections" {
                    row.text("name").clone_into(&mut name);
                }
            }
            Next::End(FileEnd { end, rows: told }) => {
                if told != std::mem::take(&mut rows) {
                    return Err(file.0.altered());
                }
                found.push(MovedConnection {
                    id: end,
                    name: std::mem::take(&mut name),
                    rows: told,
                });
            }
        }
    }
    match rows {
        0 => Ok(found),
        _ => Err(file.0.altered()),
    }
}

/// Between two looks whether what was there of a connection is erased.
const AGAIN: Duration = Duration::from_millis(200);

/// Brings the connections of a file that was looked at by [`inspect`] into a state, one after the other. Each
/// is there when all of it is; one that is not there when the program ends is brought anew by the next run, and
/// one that is there is left as it is.
///
/// # Errors
/// [`MoveError`].
pub async fn import(
    state: &(impl Moving + Store + ?Sized),
    import: Import<'_>,
) -> Result<(), MoveError> {
    let mut file = Rows(FileReader::open(import.from, import.one_time)?);
    let attempt = random_id()?;
    while let Some(first) = file.next()? {
        let mut next = Some(first);
        let mut small = Vec::new();
        while let Some(Next::Row(mut row)) = next.take_if(|next| next.is_small()) {
            reseal(&mut row, import.one_time, import.master)?;
            if let (Some(name), "connections") = (import.name, row.table.name) {
                row.set("name", Cell::Text(name.to_owned()));
            }
            small.push(row);
            next = file.next()?;
        }
        let connection = small.iter().find(|row| row.table.name == "connections");
        let id = connection.ok_or_else(|| file.0.altered())?.text("id").to_owned();
        let is_here = loop {
            match state.arrive(&attempt, small.clone()).await {
                Ok(true) => break false,
                // An earlier run brought it.
                Err(StoreError::IsHere(_)) => break true,
                Ok(false) => {
                    while state.maintain().await? {}
                    // Another host may be at it.
                    sleep(AGAIN).await;
                }
                Err(why) => return Err(why.into()),
            }
        };
        if is_here {
            while !matches!(next.take(), Some(Next::End(_))) {
                next = Some(file.next()?.ok_or_else(|| file.0.altered())?);
            }
            continue;
        }
        let mut rows: Vec<MovedRow> = Vec::new();
        loop {
            match next.take() {
                Some(Next::Row(row)) => {
                    // A delivery comes with its events.
                    if is_enough(&rows) && row.table.name != "inbox_events" {
                        (import.progress)(rows.len() as u64);
                        state.import_rows(&id, &attempt, std::mem::take(&mut rows)).await?;
                    }
                    rows.push(row);
                }
                Some(Next::End(_)) => break,
                None => return Err(file.0.altered()),
            }
            next = file.next()?;
        }
        (import.progress)(rows.len() as u64);
        state.import_rows(&id, &attempt, rows).await?;
        finish(state, &id, &attempt).await?;
    }
    Ok(())
}

/// When the answer is lost, the state tells whether the connection is there.
async fn finish(
    state: &(impl Moving + Store + ?Sized),
    id: &str,
    attempt: &str,
) -> Result<(), MoveError> {
    match state.finish(id, attempt).await {
        Err(why @ StoreError::Unknown { .. }) => {
            let is_there = state.connections().await?.iter().any(|row| row.id == id);
            if is_there { Ok(()) } else { Err(why.into()) }
        }
        other => Ok(other?),
    }
}

enum Next {
    Row(MovedRow),
    End(FileEnd),
}

impl Next {
    fn is_small(&self) -> bool {
        let is_of = |row: &MovedRow| SMALL.iter().any(|table| table.name == row.table.name);
        matches!(self, Self::Row(row) if is_of(row))
    }
}

/// The lines of a file after its head.
struct Rows(FileReader);

impl Rows {
    fn next(&mut self) -> Result<Option<Next>, MoveError> {
        let Some(line) = self.0.line()? else { return Ok(None) };
        let read = match line.first() {
            Some(b'[') => serde_json::from_slice(&line).map(Next::Row),
            _ => serde_json::from_slice(&line).map(Next::End),
        };
        read.map(Some).map_err(|_| self.0.altered())
    }
}
