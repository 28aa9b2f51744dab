//! Which connections changed, by numbers that count up.

use connector_state::ConnectionChanges;
use rusqlite::{Connection, Result};

use super::columns::{run, signed, value, values};

/// This commit changes these connections.
pub fn touch<'c>(on: &Connection, connections: impl IntoIterator<Item = &'c str>) -> Result<()> {
    let mut connections = connections.into_iter().peekable();
    if connections.peek().is_none() {
        return Ok(());
    }
    run(on, "UPDATE revisions SET number = number + 1", ())?;
    for id in connections {
        let sql = "UPDATE connections SET revision = (SELECT number FROM revisions) WHERE id = ?";
        run(on, sql, [id])?;
    }
    Ok(())
}

/// What changed of connections after a revision.
pub fn since(on: &Connection, revision: u64) -> Result<ConnectionChanges> {
    let number = value::<i64>(on, "SELECT number FROM revisions", ())?.unwrap_or_default();
    let sql = "SELECT id FROM connections WHERE revision > ? ORDER BY id";
    let changed = values(on, sql, [signed(revision)])?;
    Ok(ConnectionChanges { revision: u64::try_from(number).unwrap_or_default(), changed })
}
