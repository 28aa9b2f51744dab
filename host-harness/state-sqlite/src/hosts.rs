//! [`Hosts`] in the same file.

use connector_state::hosts::{AT_ONCE, HostBeat, HostRow, HostShare, Hosts, plan};
use connector_state::{Lease, process_of};
use rusqlite::{Connection, Result, Row};

use super::columns::{Column as _, prepared, run, signed, value, values};
use super::fault::DbResult;
use super::{Answer, Sqlite};

/// Hosts, and what each works for. A claim stays when its host is forgotten: whoever takes the
/// connection ends the leases of that host.
pub const TABLES: &str = "
CREATE TABLE hosts (
    lease_attempt TEXT NOT NULL PRIMARY KEY,
    lease_until_ms INTEGER NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    connector TEXT NOT NULL,
    began_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE claims (
    connection TEXT NOT NULL PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    host TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_of ON claims (host);
CREATE INDEX connections_of ON connections (connector, id);
";

const ALL: &str =
    "SELECT h.*, (SELECT count(*) FROM claims WHERE host = h.lease_attempt) AS connections
    FROM hosts AS h ORDER BY name, lease_attempt";
const OF: &str = "SELECT connection FROM claims WHERE host = ? ORDER BY connection";

impl Hosts for Sqlite {
    fn share(&self, beat: HostBeat) -> Answer<'_, HostShare> {
        self.write(move |on, now_ms| share(on, &beat, now_ms))
    }

    fn leave(&self, holder: &str) -> Answer<'_, ()> {
        self.run("DELETE FROM hosts WHERE lease_attempt = ?", [holder.to_owned()])
    }

    fn hosts(&self) -> Answer<'_, Vec<HostRow>> {
        let now_ms = self.now_ms();
        self.read(move |on| {
            let mut all = hosts(on)?;
            all.retain(|host| host.lease.is_held(now_ms));
            Ok::<_, rusqlite::Error>(all)
        })
    }
}

fn hosts(on: &Connection) -> Result<Vec<HostRow>> {
    prepared(on, ALL)?.query_map((), host_of)?.collect()
}

fn host_of(row: &Row<'_>) -> Result<HostRow> {
    let (attempt, until_ms) = (row.get("lease_attempt")?, u64::read(row, "lease_until_ms")?);
    Ok(HostRow {
        lease: Lease { attempt, until_ms },
        name: row.get("name")?,
        version: row.get("version")?,
        connector: row.get("connector")?,
        began_ms: u64::read(row, "began_ms")?,
        connections: u64::read(row, "connections")?,
    })
}

fn share(on: &Connection, beat: &HostBeat, now_ms: u64) -> DbResult<HostShare> {
    let sql = "SELECT count(*) FROM connections WHERE connector = ?";
    let connections: u64 = value(on, sql, [&beat.connector])?.unwrap_or_default();
    let plan = plan::share(beat, &hosts(on)?, connections, now_ms);
    for gone in &plan.gone {
        run(on, "DELETE FROM hosts WHERE lease_attempt = ?", [gone])?;
    }
    let row = &plan.row;
    let sql =
        "REPLACE INTO hosts (lease_attempt, lease_until_ms, name, version, connector, began_ms)
               VALUES (?, ?, ?, ?, ?, ?)";
    let until_ms = signed(row.lease.until_ms);
    let of =
        (&beat.holder, until_ms, &row.name, &row.version, &row.connector, signed(row.began_ms));
    run(on, sql, of)?;
    let mut moved = 0;
    if plan.give_up > 0 {
        let sql = "SELECT connection FROM claims WHERE host = ? ORDER BY connection DESC LIMIT ?";
        let given = values::<String>(on, sql, (&beat.holder, plan.give_up as u64))?;
        moved = given.len();
        for id in given {
            run(on, "DELETE FROM claims WHERE connection = ?", [&id])?;
            end_leases(on, &id, &beat.holder)?;
        }
    }
    if plan.take > 0 {
        moved = take(on, beat, plan.take)?;
    }
    let connections = values(on, OF, [&beat.holder])?.into_iter().collect();
    Ok(HostShare { connections, more: moved == AT_ONCE })
}

/// Takes at most so many connections that no host works for; answers how many.
fn take(on: &Connection, beat: &HostBeat, most: usize) -> DbResult<usize> {
    let sql = "SELECT c.id, k.host FROM connections AS c
                   LEFT JOIN claims AS k ON k.connection = c.id
                   LEFT JOIN hosts AS h ON h.lease_attempt = k.host
               WHERE c.connector = ? AND h.lease_attempt IS NULL ORDER BY c.id LIMIT ?";
    let mut find = prepared(on, sql)?;
    let free = find.query_map((&beat.connector, most as u64), |row| row.try_into())?;
    let free: Vec<(String, Option<String>)> = free.collect::<Result<_>>()?;
    let taken = free.len();
    for (id, before) in free {
        let sql = "REPLACE INTO claims (connection, host) VALUES (?, ?)";
        run(on, sql, (&id, &beat.holder))?;
        if let Some(before) = before {
            end_leases(on, &id, &before)?;
        }
    }
    Ok(taken)
}

/// Ends the leases on a connection's work that the process of a host has.
fn end_leases(on: &Connection, connection: &str, holder: &str) -> DbResult<()> {
    let process = process_of(holder);
    let sql = "UPDATE mirror_scans SET lease_attempt = NULL, lease_until_ms = NULL
               WHERE object IN (SELECT o.object FROM mirrors AS m
                       JOIN mirror_objects AS o USING (mirror) WHERE m.connection = ?1)
                   AND substr(lease_attempt, 1, length(?2)) = ?2";
    run(on, sql, (connection, process))?;
    let sql = "UPDATE hooks SET lease_attempt = NULL, lease_until_ms = NULL
               WHERE connection = ?1 AND substr(lease_attempt, 1, length(?2)) = ?2";
    run(on, sql, (connection, process))?;
    Ok(())
}
