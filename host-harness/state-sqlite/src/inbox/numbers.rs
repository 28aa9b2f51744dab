//! What an inbox counts: connections, deliveries, events, generations of keys.

use std::collections::BTreeSet;

use connector_state::inbox::NewEvent;
use connector_state::inbox::plan::{self, CountChange, EventKey, Numbers};
use rusqlite::{Connection, Result};

use crate::columns::{prepared, run, signed, value};

pub const READ: &str =
    "SELECT delivery, event, looked_at, generation, generation_ms FROM inbox_numbers WHERE one = 1";
pub const WRITE: &str = "UPDATE inbox_numbers SET delivery = ?, event = ?, looked_at = ?,
    generation = ?, generation_ms = ? WHERE one = 1";
pub const INBOX: &str = "SELECT number FROM inboxes WHERE connection = ?
    AND EXISTS (SELECT 1 FROM connections WHERE id = inboxes.connection)";
pub const PUT_INBOX: &str = "INSERT INTO inboxes (connection)
    SELECT id FROM connections WHERE id = ? RETURNING number";
pub const COUNT: &str =
    "UPDATE inboxes SET waiting = waiting + ?, dead = dead + ? WHERE number = ?";
/// Whether a key is known from the generation before the newest.
pub const KNOWN_BEFORE: &str =
    "SELECT 1 FROM inbox_keys WHERE generation = ?1 - 1 AND inbox = ?2 AND key = ?3";
pub const PUT_KEY: &str =
    "INSERT INTO inbox_keys (generation, inbox, key) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";

/// The row of `inbox_numbers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxNumbers {
    pub newest: Numbers,
    /// All old deliveries up to this one were looked at; those that were still needed then are
    /// forgotten by what ends that.
    pub looked_at: u64,
    /// Of keys, the newest.
    pub generation: i64,
    /// Since when it is.
    pub generation_ms: u64,
}

pub fn read(on: &Connection) -> Result<InboxNumbers> {
    prepared(on, READ)?.query_row((), |row| {
        Ok(InboxNumbers {
            newest: Numbers { delivery: row.get(0)?, event: row.get(1)? },
            looked_at: row.get(2)?,
            generation: row.get(3)?,
            generation_ms: row.get(4)?,
        })
    })
}

pub fn write(on: &Connection, numbers: &InboxNumbers) -> Result<()> {
    let InboxNumbers { newest, looked_at, generation, generation_ms } = *numbers;
    let (delivery, event) = (signed(newest.delivery), signed(newest.event));
    let of = (delivery, event, signed(looked_at), generation, signed(generation_ms));
    run(on, WRITE, of).map(drop)
}

/// The number of a connection's inbox, which is made when there is none; `None` when there is no
/// such connection.
pub fn inbox(on: &Connection, connection: &str) -> Result<Option<i64>> {
    match value(on, INBOX, [connection])? {
        Some(number) => Ok(Some(number)),
        None => value(on, PUT_INBOX, [connection]),
    }
}

/// Counts what became of a connection's events.
pub fn count(on: &Connection, inbox: i64, change: CountChange) -> Result<()> {
    if change != CountChange::default() {
        run(on, COUNT, (change.waiting, change.dead, inbox))?;
    }
    Ok(())
}

/// Knows the keys of new events from now on. Answers those that were known.
pub fn learn(
    on: &Connection,
    numbers: &InboxNumbers,
    inbox: i64,
    events: &[NewEvent],
) -> Result<BTreeSet<EventKey>> {
    let keys: BTreeSet<EventKey> = events.iter().map(plan::key).collect();
    let mut known = BTreeSet::new();
    for key in keys {
        let of = (numbers.generation, inbox, key);
        if value::<i64>(on, KNOWN_BEFORE, of)?.is_some() || run(on, PUT_KEY, of)? == 0 {
            known.insert(key);
        }
    }
    Ok(known)
}
