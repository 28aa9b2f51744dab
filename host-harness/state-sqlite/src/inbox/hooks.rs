//! Hooks: where deliveries come to, and since when some may be missing.

use connector_state::Lease;
use connector_state::inbox::{Beat, HookRow, plan};
use connector_state::journal::entries;
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use crate::columns::{Column as _, one, prepared, run, signed};
use crate::journal;
use crate::revisions::touch;

pub const ONE: &str = "SELECT * FROM hooks WHERE connection = ?";
pub const CHANGE: &str = "UPDATE hooks SET alive_ms = ?, gap_ms = ?, gap_end_ms = ?, refused = ?,
    refused_ms = ? WHERE connection = ?";
pub const ALIVE: &str = "REPLACE INTO receiver (one, alive_ms) VALUES (1, ?)";
pub const LEASE: &str = "SELECT lease_attempt, lease_until_ms FROM hooks WHERE connection = ?";
pub const TAKE: &str =
    "UPDATE hooks SET lease_attempt = ?, lease_until_ms = ? WHERE connection = ?";
pub const RELEASE: &str = "UPDATE hooks SET lease_attempt = NULL, lease_until_ms = NULL
    WHERE connection = ? AND lease_attempt = ?";

/// Lets `change` decide on a hook, and writes what it made of it. `None` when there is none.
pub fn change<T>(
    on: &Connection,
    connection: &str,
    now_ms: u64,
    change: impl FnOnce(&mut HookRow) -> T,
) -> Result<Option<T>> {
    let Some(before) = one::<HookRow>(on, ONE, [connection])? else { return Ok(None) };
    let mut hook = before.clone();
    let answer = change(&mut hook);
    if plan::opens_gap(&before, &hook) {
        touch(on, [connection])?;
    }
    if let Some(entry) = entries::of_hook(&before, &hook) {
        journal::note(on, connection, now_ms, None, &entry)?;
    }
    let HookRow { alive_ms, gap_ms, gap_end_ms, refused, refused_ms, .. } = hook;
    let at = |ms: Option<u64>| ms.map(signed);
    let to = (at(alive_ms), at(gap_ms), at(gap_end_ms), signed(refused), at(refused_ms));
    run(on, CHANGE, (to.0, to.1, to.2, to.3, to.4, connection))?;
    Ok(Some(answer))
}

/// A receiver is there.
pub fn beat(on: &Connection, now_ms: u64, beat: &Beat) -> Result<()> {
    run(on, ALIVE, [signed(now_ms)])?;
    for (connection, refused) in &beat.served {
        change(on, connection, now_ms, |hook| {
            plan::beat(hook, *refused, beat.gap_after_ms, now_ms);
        })?;
    }
    Ok(())
}

/// Takes the right to work on a connection's events, unless somebody else has it.
pub fn lease(on: &Connection, now_ms: u64, connection: &str, wanted: &Lease) -> Result<bool> {
    let held = |row: &Row<'_>| <Option<Lease>>::read(row, "lease");
    let held = prepared(on, LEASE)?.query_row([connection], held).optional()?.flatten();
    if held.is_some_and(|held| held.blocks(wanted, now_ms)) {
        return Ok(false);
    }
    let taken = run(on, TAKE, (&wanted.attempt, signed(wanted.until_ms), connection))?;
    Ok(taken > 0)
}
