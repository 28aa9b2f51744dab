//! [`Hosts`] in the same database.

use connector_state::hosts::{AT_ONCE, HostBeat, HostRow, HostShare, Hosts, plan};
use connector_state::{Answer, Lease, process_of};
use tokio_postgres::Row;

use super::Postgres;
use super::columns::{Column, signed, text};
use super::fault::DbResult;
use super::session::Session;

/// Hosts, and what each works for. A claim stays when its host is forgotten: whoever takes the
/// connection ends the leases of that host.
pub const TABLES: &str = "
CREATE TABLE hosts (
    lease_attempt text COLLATE \"C\" PRIMARY KEY,
    lease_until_ms bigint NOT NULL,
    name text COLLATE \"C\" NOT NULL,
    version text NOT NULL,
    connector text COLLATE \"C\" NOT NULL,
    began_ms bigint NOT NULL
);

CREATE TABLE claims (
    connection text COLLATE \"C\" PRIMARY KEY REFERENCES connections (id) ON DELETE CASCADE,
    host text COLLATE \"C\" NOT NULL
);
CREATE INDEX claims_of ON claims (host, connection);
CREATE INDEX connections_of ON connections (connector, id);
";

const ALL: &str =
    "SELECT h.*, (SELECT count(*) FROM claims WHERE host = h.lease_attempt) AS connections
    FROM hosts AS h ORDER BY name, lease_attempt";

/// Of some connections those of which somebody has locked a scan or the hook.
const HELD: &str = "WITH scans AS (
        SELECT s.object, m.connection FROM mirrors AS m JOIN mirror_objects AS o ON o.mirror = m.mirror
            JOIN mirror_scans AS s ON s.object = o.object WHERE m.connection = ANY($1)),
    free_scans AS MATERIALIZED (
        SELECT object FROM mirror_scans WHERE object = ANY(ARRAY(SELECT object FROM scans))
        ORDER BY object FOR UPDATE SKIP LOCKED),
    free_hooks AS MATERIALIZED (
        SELECT connection FROM hooks WHERE connection = ANY($1) ORDER BY connection FOR UPDATE SKIP LOCKED)
    SELECT connection FROM scans WHERE object NOT IN (SELECT object FROM free_scans)
    UNION SELECT connection FROM hooks
        WHERE connection = ANY($1) AND connection NOT IN (SELECT connection FROM free_hooks)";

impl Hosts for Postgres {
    fn share(&self, beat: HostBeat) -> Answer<'_, HostShare> {
        self.write(beat, |on, beat| Box::pin(share(on, beat)))
    }

    fn leave(&self, holder: &str) -> Answer<'_, ()> {
        self.write(holder.to_owned(), |on, holder| Box::pin(leave(on, holder)))
    }

    fn hosts(&self) -> Answer<'_, Vec<HostRow>> {
        self.look((), |on, ()| Box::pin(there(on)))
    }
}

async fn hosts(on: &Session) -> DbResult<Vec<HostRow>> {
    on.rows(ALL, &[]).await?.iter().map(host_of).collect()
}

async fn there(on: &Session) -> DbResult<Vec<HostRow>> {
    let mut all = hosts(on).await?;
    let now_ms = on.now_ms().await?;
    all.retain(|host| host.lease.is_held(now_ms));
    Ok(all)
}

fn host_of(row: &Row) -> DbResult<HostRow> {
    let attempt = String::read(row, "lease_attempt")?;
    Ok(HostRow {
        lease: Lease { attempt, until_ms: u64::read(row, "lease_until_ms")? },
        name: String::read(row, "name")?,
        version: String::read(row, "version")?,
        connector: String::read(row, "connector")?,
        began_ms: u64::read(row, "began_ms")?,
        connections: u64::read(row, "connections")?,
    })
}

async fn leave(on: &Session, holder: &str) -> DbResult<()> {
    on.run("DELETE FROM hosts WHERE lease_attempt = $1", &[&text(holder)]).await.map(drop)
}

async fn share(on: &Session, beat: &HostBeat) -> DbResult<HostShare> {
    // Hosts are few and say so every few seconds: they count shares one after the other, and none waits
    // for so long for a row that those behind it are taken for gone.
    on.batch("SET LOCAL lock_timeout = '2s'; LOCK TABLE hosts IN SHARE ROW EXCLUSIVE MODE").await?;
    let sql = "SELECT count(*) FROM connections WHERE connector = $1";
    let (connector, holder) = (text(&beat.connector), text(&beat.holder));
    let connections: i64 = on.value(sql, &[&connector]).await?.unwrap_or_default();
    let connections = u64::try_from(connections).unwrap_or_default();
    let (hosts, now_ms) = (hosts(on).await?, on.now_ms().await?);
    let plan = plan::share(beat, &hosts, connections, now_ms);
    let gone: Vec<_> = plan.gone.iter().map(|gone| text(gone)).collect();
    on.run("DELETE FROM hosts WHERE lease_attempt = ANY($1)", &[&gone]).await?;
    let row = &plan.row;
    let sql =
        "INSERT INTO hosts (lease_attempt, lease_until_ms, name, version, connector, began_ms)
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (lease_attempt) DO UPDATE SET lease_until_ms = excluded.lease_until_ms";
    let (until_ms, began_ms) = (signed(row.lease.until_ms), signed(row.began_ms));
    let (name, version) = (text(&row.name), text(&row.version));
    on.run(sql, &[&holder, &until_ms, &name, &version, &connector, &began_ms]).await?;
    let mut moved = 0;
    if plan.give_up > 0 {
        let sql = "DELETE FROM claims WHERE connection IN (SELECT connection FROM claims
                       WHERE host = $1 ORDER BY connection DESC LIMIT $2)
                   RETURNING connection";
        let most = signed(plan.give_up as u64);
        let given: Vec<String> = on.values(sql, &[&holder, &most]).await?;
        moved = given.len();
        end_leases(on, &[(given, beat.holder.clone())]).await?;
    }
    if plan.take > 0 {
        moved = take(on, beat, plan.take).await?;
    }
    let sql = "SELECT connection FROM claims WHERE host = $1";
    let connections: Vec<String> = on.values(sql, &[&holder]).await?;
    Ok(HostShare { connections: connections.into_iter().collect(), more: moved == AT_ONCE })
}

/// Takes at most so many connections that no host works for; answers how many.
async fn take(on: &Session, beat: &HostBeat, most: usize) -> DbResult<usize> {
    let sql = "SELECT c.id, k.host FROM connections AS c
                   LEFT JOIN claims AS k ON k.connection = c.id
                   LEFT JOIN hosts AS h ON h.lease_attempt = k.host
               WHERE c.connector = $1 AND h.lease_attempt IS NULL ORDER BY c.id LIMIT $2
               FOR KEY SHARE OF c SKIP LOCKED";
    let found = on.rows(sql, &[&text(&beat.connector), &signed(most as u64)]).await?;
    let mut found: Vec<(String, Option<String>)> = found
        .iter()
        .map(|row| Ok((String::read(row, "id")?, Column::read(row, "host")?)))
        .collect::<DbResult<_>>()?;
    // The rows of a host that was stopped in the middle of a commit stay locked for as long as the server lets
    // it: nobody waits for them, and the next beat looks again.
    let taken: Vec<_> =
        found.iter().filter(|(_, host)| host.is_some()).map(|(id, _)| text(id)).collect();
    let held: Vec<String> = on.values(HELD, &[&taken]).await?;
    found.retain(|(id, _)| !held.contains(id));
    let mut free = Vec::new();
    let mut before = std::collections::BTreeMap::<String, Vec<String>>::new();
    for (id, host) in found {
        if let Some(host) = host {
            before.entry(host).or_default().push(id.clone());
        }
        free.push(id);
    }
    let ids: Vec<_> = free.iter().map(|id| text(id)).collect();
    let sql = "INSERT INTO claims (connection, host) SELECT unnest($1::text[]), $2
               ON CONFLICT (connection) DO UPDATE SET host = excluded.host";
    on.run(sql, &[&ids, &text(&beat.holder)]).await?;
    let before: Vec<_> = before.into_iter().map(|(host, ids)| (ids, host)).collect();
    end_leases(on, &before).await?;
    Ok(free.len())
}

/// Ends the leases on the work for connections that the process of the host beside them has.
async fn end_leases(on: &Session, held: &[(Vec<String>, String)]) -> DbResult<()> {
    // In the order in which others lock them.
    let all: Vec<_> = held.iter().flat_map(|(ids, _)| ids).map(|id| text(id)).collect();
    let sql = "SELECT s.object FROM mirrors AS m JOIN mirror_objects AS o USING (mirror)
                   JOIN mirror_scans AS s USING (object)
               WHERE m.connection = ANY($1) ORDER BY s.object FOR UPDATE OF s";
    on.rows(sql, &[&all]).await?;
    let sql = "SELECT 1 FROM hooks WHERE connection = ANY($1) ORDER BY connection FOR UPDATE";
    on.rows(sql, &[&all]).await?;
    for (connections, holder) in held {
        let ids: Vec<_> = connections.iter().map(|id| text(id)).collect();
        let process = text(process_of(holder));
        let sql = "UPDATE mirror_scans SET lease_attempt = NULL, lease_until_ms = NULL
                   WHERE object IN (SELECT o.object FROM mirrors AS m
                           JOIN mirror_objects AS o ON o.mirror = m.mirror
                           WHERE m.connection = ANY($1))
                       AND starts_with(lease_attempt, $2)";
        on.run(sql, &[&ids, &process]).await?;
        let sql = "UPDATE hooks SET lease_attempt = NULL, lease_until_ms = NULL
                   WHERE connection = ANY($1) AND starts_with(lease_attempt, $2)";
        on.run(sql, &[&ids, &process]).await?;
    }
    Ok(())
}
