//! What is done now and then, in pieces between the commits of others: what is older than is kept
//! ([`connector_state::retention`]) is forgotten, and what belonged to removed connections erased.

use rusqlite::Connection;

use super::columns::{run, values};
use super::fault::DbResult;
use super::inbox::forget as inbox;
use super::{access, journal, limits, mirror, outbox, push, rates};

/// Rows that one commit removes at most: each may lie on a page of its own, and nobody is to wait for
/// more than 50 ms.
const AT_ONCE: usize = 100;

/// Removes at most so many rows of a removed connection; answers how many there were.
type Erase = fn(&Connection, &str, usize) -> DbResult<usize>;
/// Forgets at most so many rows that are too old at a time; answers how many there were.
type Forget = fn(&Connection, u64, usize) -> DbResult<usize>;

/// One of each area whose rows do not go with the row of their connection.
const ERASE: [Erase; 4] =
    [mirror::erase::connection, push::pruning::erase, inbox::erase, journal::erase];
/// One of each area that keeps rows for a time; and what is built again meanwhile.
const FORGET: [Forget; 10] = [
    mirror::log::forget,
    outbox::forget,
    push::pruning::forget,
    limits::forget_idle,
    inbox::deliveries,
    inbox::keys,
    journal::forget,
    rates::forget,
    access::forget,
    mirror::index::build,
];

/// What a piece came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Piece {
    /// There is more to do.
    pub more: bool,
    /// What was removed is erased to its end.
    pub erased: bool,
}

/// Does one piece at a time (milliseconds since 1970).
pub fn piece(on: &Connection, now_ms: u64) -> DbResult<Piece> {
    let mut left = AT_ONCE;
    let next = "SELECT connection FROM removed_connections LIMIT 1";
    if let Some(connection) = values::<String>(on, next, ())?.pop() {
        let erased = erase(on, &connection, &mut left)?;
        return Ok(Piece { more: true, erased });
    }
    if let Some(erased) = mirror::index::erase_dropped(on, left)? {
        return Ok(Piece { more: true, erased });
    }
    if let Some(erased) = mirror::erase::dropped(on, left)? {
        return Ok(Piece { more: true, erased });
    }
    for forget in FORGET {
        left = left.saturating_sub(forget(on, now_ms, left)?);
        if left == 0 {
            return Ok(Piece { more: true, erased: false });
        }
    }
    Ok(Piece::default())
}

/// Erases everything that is left of a removed connection, whose id is used again.
pub fn erase_all(on: &Connection, connection: &str) -> DbResult<()> {
    while !erase(on, connection, &mut usize::MAX.clone())? {}
    Ok(())
}

/// Returns whether that is the last of it.
fn erase(on: &Connection, connection: &str, left: &mut usize) -> DbResult<bool> {
    for erase in ERASE {
        *left = left.saturating_sub(erase(on, connection, *left)?);
        if *left == 0 {
            return Ok(false);
        }
    }
    run(on, "DELETE FROM removed_connections WHERE connection = ?", [connection])?;
    Ok(true)
}
