//! [`Runs`] in the same database.

use connector_state::push::runs::{
    AT_ONCE, RunHold, RunLease, Runs, TakenRun, hold, is_left, let_go,
};
use connector_state::{Answer, Lease};
use tokio_postgres::Row;

use super::work;
use crate::Postgres;
use crate::columns::{Column as _, signed, text};
use crate::fault::DbResult;
use crate::session::Session;

/// Who works which run off.
pub const TABLE: &str = "
CREATE TABLE run_leases (
    push text COLLATE \"C\" PRIMARY KEY REFERENCES pushes (id) ON DELETE CASCADE,
    connector text COLLATE \"C\" NOT NULL,
    policy text NOT NULL,
    lease_attempt text NOT NULL,
    lease_until_ms bigint NOT NULL
);
CREATE INDEX run_leases_by_end ON run_leases (connector, lease_until_ms, push);
";

impl Runs for Postgres {
    fn hold_run(&self, asked: RunHold) -> Answer<'_, bool> {
        self.write(asked, |on, asked| {
            Box::pin(async move {
                if work::locked(on, &asked.run).await?.is_none() {
                    return Ok(false);
                }
                let kept = kept(on, &asked.run).await?;
                let held = hold(kept.as_ref(), asked.clone(), on.now_ms().await?);
                if let Some(held) = &held {
                    put(on, held).await?;
                }
                Ok(held.is_some())
            })
        })
    }

    fn let_go_run(&self, run: &str, attempt: &str, goes_on: bool) -> Answer<'_, ()> {
        let of = (run.to_owned(), attempt.to_owned(), goes_on);
        self.write(of, |on, (run, attempt, goes_on)| {
            Box::pin(async move {
                let kept = kept(on, run).await?.filter(|kept| kept.lease.attempt == *attempt);
                let Some(kept) = kept else { return Ok(()) };
                match let_go(kept, *goes_on) {
                    Some(left) => put(on, &left).await,
                    None => remove(on, run).await,
                }
            })
        })
    }

    fn take_run(
        &self,
        connector: &str,
        attempt: &str,
        for_ms: u64,
    ) -> Answer<'_, Option<TakenRun>> {
        let of = (connector.to_owned(), attempt.to_owned(), for_ms);
        self.write(of, |on, (connector, attempt, for_ms)| {
            Box::pin(take(on, connector, attempt, *for_ms))
        })
    }
}

async fn take(
    on: &Session,
    connector: &str,
    attempt: &str,
    for_ms: u64,
) -> DbResult<Option<TakenRun>> {
    let sql = "SELECT * FROM run_leases WHERE connector = $1 ORDER BY lease_until_ms, push LIMIT $2
               FOR UPDATE SKIP LOCKED";
    let first = on.rows(sql, &[&text(connector), &i64::from(AT_ONCE)]).await?;
    let now_ms = on.now_ms().await?;
    for row in &first {
        let kept = read(row)?;
        if kept.lease.is_held(now_ms) {
            continue;
        }
        let Some(row) = work::run(on, &kept.push).await?.filter(|row| is_left(Some(row))) else {
            remove(on, &kept.push).await?;
            continue;
        };
        let lease = Lease { attempt: attempt.to_owned(), until_ms: now_ms.saturating_add(for_ms) };
        let policy = kept.policy.clone();
        put(on, &RunLease { lease, ..kept }).await?;
        return Ok(Some(TakenRun { row, policy }));
    }
    Ok(None)
}

async fn kept(on: &Session, run: &str) -> DbResult<Option<RunLease>> {
    let sql = "SELECT * FROM run_leases WHERE push = $1 FOR UPDATE";
    on.rows(sql, &[&text(run)]).await?.first().map(read).transpose()
}

fn read(row: &Row) -> DbResult<RunLease> {
    let attempt = String::read(row, "lease_attempt")?;
    Ok(RunLease {
        push: String::read(row, "push")?,
        connector: String::read(row, "connector")?,
        policy: String::read(row, "policy")?,
        lease: Lease { attempt, until_ms: u64::read(row, "lease_until_ms")? },
    })
}

async fn put(on: &Session, held: &RunLease) -> DbResult<()> {
    let sql = "INSERT INTO run_leases (push, connector, policy, lease_attempt, lease_until_ms)
               VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (push) DO UPDATE SET policy = excluded.policy,
                   lease_attempt = excluded.lease_attempt, lease_until_ms = excluded.lease_until_ms";
    let RunLease { push, connector, policy, lease } = held;
    let (push, connector, policy) = (text(push), text(connector), text(policy));
    let (attempt, until_ms) = (text(&lease.attempt), signed(lease.until_ms));
    on.run(sql, &[&push, &connector, &policy, &attempt, &until_ms]).await.map(drop)
}

async fn remove(on: &Session, push: &str) -> DbResult<()> {
    on.run("DELETE FROM run_leases WHERE push = $1", &[&text(push)]).await.map(drop)
}
