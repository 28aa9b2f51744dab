//! [`Runs`] in the same file.

use connector_state::Lease;
use connector_state::push::PushRow;
use connector_state::push::runs::{
    AT_ONCE, RunHold, RunLease, Runs, TakenRun, hold, is_left, let_go,
};
use rusqlite::{Connection, Result, Row};

use super::work::RUN;
use crate::columns::{Column as _, one, prepared, run, signed};
use crate::fault::{DbFault, DbResult};
use crate::{Answer, Sqlite};

/// Who works which run off.
pub const TABLE: &str = "
CREATE TABLE run_leases (
    push TEXT NOT NULL PRIMARY KEY REFERENCES pushes (id) ON DELETE CASCADE,
    connector TEXT NOT NULL,
    policy TEXT NOT NULL,
    lease_attempt TEXT NOT NULL,
    lease_until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX run_leases_by_end ON run_leases (connector, lease_until_ms, push);
";

impl Runs for Sqlite {
    fn hold_run(&self, asked: RunHold) -> Answer<'_, bool> {
        self.write(move |on, now_ms| {
            if one::<PushRow>(on, RUN, [&asked.run])?.is_none() {
                return Ok(false);
            }
            let held = hold(kept(on, &asked.run)?.as_ref(), asked, now_ms);
            held.iter().try_for_each(|held| put(on, held))?;
            Ok::<_, DbFault>(held.is_some())
        })
    }

    fn let_go_run(&self, run: &str, attempt: &str, goes_on: bool) -> Answer<'_, ()> {
        let (run, attempt) = (run.to_owned(), attempt.to_owned());
        self.write(move |on, _| {
            match kept(on, &run)?.filter(|kept| kept.lease.attempt == attempt) {
                None => Ok::<_, DbFault>(()),
                Some(kept) => match let_go(kept, goes_on) {
                    Some(left) => Ok(put(on, &left)?),
                    None => Ok(remove(on, &run)?),
                },
            }
        })
    }

    fn take_run(
        &self,
        connector: &str,
        attempt: &str,
        for_ms: u64,
    ) -> Answer<'_, Option<TakenRun>> {
        let (connector, attempt) = (connector.to_owned(), attempt.to_owned());
        self.write(move |on, now_ms| take(on, &connector, attempt, now_ms, for_ms))
    }
}

fn take(
    on: &Connection,
    connector: &str,
    attempt: String,
    now_ms: u64,
    for_ms: u64,
) -> DbResult<Option<TakenRun>> {
    let sql = "SELECT * FROM run_leases WHERE connector = ? ORDER BY lease_until_ms, push LIMIT ?";
    let mut statement = prepared(on, sql)?;
    let first = statement.query_map((connector, AT_ONCE), read)?;
    let first: Vec<RunLease> = first.collect::<Result<_>>()?;
    drop(statement);
    for kept in first.into_iter().filter(|it| !it.lease.is_held(now_ms)) {
        let row: Option<PushRow> = one(on, RUN, [&kept.push])?;
        let Some(row) = row.filter(|row| is_left(Some(row))) else {
            remove(on, &kept.push)?;
            continue;
        };
        let lease = Lease { attempt, until_ms: now_ms.saturating_add(for_ms) };
        let policy = kept.policy.clone();
        put(on, &RunLease { lease, ..kept })?;
        return Ok(Some(TakenRun { row, policy }));
    }
    Ok(None)
}

fn kept(on: &Connection, run: &str) -> Result<Option<RunLease>> {
    let found = prepared(on, "SELECT * FROM run_leases WHERE push = ?")?.query_row([run], read);
    rusqlite::OptionalExtension::optional(found)
}

fn read(row: &Row<'_>) -> Result<RunLease> {
    let (attempt, until_ms) = (row.get("lease_attempt")?, u64::read(row, "lease_until_ms")?);
    Ok(RunLease {
        push: row.get("push")?,
        connector: row.get("connector")?,
        policy: row.get("policy")?,
        lease: Lease { attempt, until_ms },
    })
}

fn put(on: &Connection, held: &RunLease) -> Result<()> {
    let sql = "REPLACE INTO run_leases (push, connector, policy, lease_attempt, lease_until_ms)
               VALUES (?, ?, ?, ?, ?)";
    let RunLease { push, connector, policy, lease } = held;
    run(on, sql, (push, connector, policy, &lease.attempt, signed(lease.until_ms))).map(drop)
}

fn remove(on: &Connection, push: &str) -> Result<()> {
    run(on, "DELETE FROM run_leases WHERE push = ?", [push]).map(drop)
}
