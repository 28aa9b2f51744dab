//! Connections out of a state, into a file.

use std::path::Path;

use connector_state::moving::{Moving, Place};

use super::file::FileWriter;
use super::reseal::reseal;
use super::{FileEnd, MoveError, MovedConnection};
use crate::vault::MasterKey;

/// What is exported, and by which keys.
pub struct Export<'e> {
    /// Ids and names of the connections.
    pub connections: Vec<(String, String)>,
    /// Seals what the state keeps.
    pub master: &'e MasterKey,
    /// Seals the file.
    pub one_time: &'e MasterKey,
    /// The file, which is not there yet.
    pub to: &'e Path,
    /// Now, in milliseconds since 1970.
    pub now_ms: u64,
    /// Told how many rows more are in the file.
    pub progress: &'e (dyn Fn(u64) + Sync),
}

/// Takes connections out of work and writes all that is kept for them into a file. When that is whole, on the
/// disk and under its name, they have left; on an error those that it took out are at work again. When the program ends in
/// between, they wait: exporting again goes on, [`Moving::come_back`] undoes it. Answers the connections, and
/// the size of the file in bytes.
///
/// # Errors
/// [`MoveError`].
pub async fn export(
    state: &(impl Moving + ?Sized),
    export: Export<'_>,
) -> Result<(Vec<MovedConnection>, u64), MoveError> {
    let mut left = Vec::new();
    let written = write(state, &export, &mut left).await;
    if written.is_err() {
        for id in left {
            // What went wrong first is what is told; one that cannot come back waits to be exported again.
            let _ = state.come_back(id).await;
        }
        return written;
    }
    for (id, _) in &export.connections {
        state.depart(id).await?;
    }
    written
}

async fn write<'e>(
    state: &(impl Moving + ?Sized),
    export: &'e Export<'_>,
    left: &mut Vec<&'e str>,
) -> Result<(Vec<MovedConnection>, u64), MoveError> {
    let mut file = FileWriter::begin(export.to, export.one_time, export.now_ms)?;
    for (id, _) in &export.connections {
        // One that left already is another export's, which may still be at it.
        if state.move_out(id).await? {
            left.push(id);
        }
    }
    let mut moved = Vec::new();
    for (id, name) in &export.connections {
        let (mut rows, mut after) = (0_u64, None::<Place>);
        loop {
            let mut piece = state.export_rows(id, after).await?;
            for row in &mut piece.rows {
                reseal(row, export.master, export.one_time)?;
                file.line(row)?;
            }
            rows += piece.rows.len() as u64;
            (export.progress)(piece.rows.len() as u64);
            after = piece.next;
            if after.is_none() {
                break;
            }
        }
        file.line(&FileEnd { end: id.clone(), rows })?;
        moved.push(MovedConnection { id: id.clone(), name: name.clone(), rows });
    }
    Ok((moved, file.finish()?))
}
