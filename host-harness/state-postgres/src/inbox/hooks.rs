//! Hooks: where deliveries come to, and since when some may be missing.

use std::collections::BTreeMap;

use connector_state::inbox::{Beat, HookRow, plan};
use connector_state::journal::entries;
use connector_state::{Lease, StoreError};

use crate::columns::{Column as _, signed, text};
use crate::fault::{DbFault, DbResult};
use crate::journal;
use crate::revisions::touch;
use crate::rows::must_exist;
use crate::session::Session;

/// The hook of a connection, made with this token where there is none.
pub async fn make(on: &Session, connection: &str, token: &str) -> DbResult<HookRow> {
    must_exist(on, connection).await?;
    let now_ms = signed(on.now_ms().await?);
    let sql = "INSERT INTO hooks (connection, token, made_ms) VALUES ($1, $2, $3)
               ON CONFLICT (connection) DO NOTHING";
    let is_new = on.run(sql, &[&text(connection), &text(token), &now_ms]).await? > 0;
    let found = on.one("SELECT * FROM hooks WHERE connection = $1", &[&text(connection)]).await?;
    if is_new {
        touch(on, [connection]).await?;
    }
    found.ok_or_else(|| DbFault::from(StoreError::NoConnection(connection.to_owned())))
}

/// Lets `change` decide on a hook at a time, and writes what it made of it. `None` when there is none.
pub async fn change<T>(
    on: &Session,
    connection: &str,
    change: impl FnOnce(&mut HookRow, u64) -> T,
) -> DbResult<Option<T>> {
    let sql = "SELECT * FROM hooks WHERE connection = $1 FOR UPDATE";
    let Some(mut hook) = on.one::<HookRow>(sql, &[&text(connection)]).await? else {
        return Ok(None);
    };
    let (before, now_ms) = (hook.clone(), on.now_ms().await?);
    let answer = change(&mut hook, now_ms);
    put(on, &[(before, hook)], now_ms).await?;
    Ok(Some(answer))
}

/// Writes hooks, each as it was and as it is now, and what the journal says of that.
async fn put(on: &Session, changed: &[(HookRow, HookRow)], now_ms: u64) -> DbResult<()> {
    for (before, hook) in changed {
        if let Some(entry) = entries::of_hook(before, hook) {
            journal::note(on, &hook.connection, now_ms, None, &entry).await?;
        }
    }
    let hooks = || changed.iter().map(|(_, hook)| hook);
    let times = |of: fn(&HookRow) -> Option<u64>| -> Vec<Option<i64>> {
        hooks().map(|hook| of(hook).map(signed)).collect()
    };
    let connections: Vec<_> = hooks().map(|hook| text(&hook.connection)).collect();
    let refused: Vec<i64> = hooks().map(|hook| signed(hook.refused)).collect();
    let (alive, gap, end, refused_at) = (
        times(|hook| hook.alive_ms),
        times(|hook| hook.gap_ms),
        times(|hook| hook.gap_end_ms),
        times(|hook| hook.refused_ms),
    );
    let sql = "UPDATE hooks AS h SET alive_ms = u.alive_ms, gap_ms = u.gap_ms, gap_end_ms = u.gap_end_ms,
                   refused = u.refused, refused_ms = u.refused_ms
               FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
                   AS u (connection, alive_ms, gap_ms, gap_end_ms, refused, refused_ms)
               WHERE h.connection = u.connection COLLATE \"C\"";
    on.run(sql, &[&connections, &alive, &gap, &end, &refused, &refused_at]).await?;
    let opened = changed.iter().filter(|(before, hook)| plan::opens_gap(before, hook));
    touch(on, opened.map(|(_, hook)| &*hook.connection)).await
}

/// A receiver is there.
pub async fn beat(on: &Session, beat: &Beat) -> DbResult<()> {
    let served: BTreeMap<&str, u64> =
        beat.served.iter().map(|(connection, refused)| (connection.as_str(), *refused)).collect();
    let connections: Vec<_> = served.keys().map(|connection| text(connection)).collect();
    let sql = "SELECT * FROM hooks WHERE connection = ANY($1) ORDER BY connection FOR UPDATE";
    let before: Vec<HookRow> = on.all(sql, &[&connections]).await?;
    let now_ms = on.now_ms().await?;
    let changed = |before: HookRow| {
        let mut hook = before.clone();
        let refused = served.get(hook.connection.as_str()).copied().unwrap_or_default();
        plan::beat(&mut hook, refused, beat.gap_after_ms, now_ms);
        (before, hook)
    };
    let changed: Vec<_> = before.into_iter().map(changed).collect();
    put(on, &changed, now_ms).await?;
    // Last, because the hosts share it.
    let sql = "INSERT INTO receiver (alive_ms) VALUES ($1)
               ON CONFLICT (one) DO UPDATE SET alive_ms = excluded.alive_ms";
    on.run(sql, &[&signed(now_ms)]).await.map(drop)
}

/// Takes the right to work on a connection's events, unless somebody else has it.
pub async fn lease(on: &Session, connection: &str, holder: &str, for_ms: u64) -> DbResult<bool> {
    let sql = "SELECT lease_attempt, lease_until_ms FROM hooks WHERE connection = $1 FOR UPDATE";
    let found = on.rows(sql, &[&text(connection)]).await?;
    let Some(row) = found.first() else { return Ok(false) };
    let now_ms = on.now_ms().await?;
    let until_ms = now_ms.saturating_add(for_ms);
    let wanted = Lease { attempt: holder.to_owned(), until_ms };
    if <Option<Lease>>::read(row, "lease")?.is_some_and(|held| held.blocks(&wanted, now_ms)) {
        return Ok(false);
    }
    let sql = "UPDATE hooks SET lease_attempt = $1, lease_until_ms = $2 WHERE connection = $3";
    on.run(sql, &[&text(holder), &signed(until_ms), &text(connection)]).await?;
    Ok(true)
}

/// Gives that right back.
pub async fn release(on: &Session, connection: &str, holder: &str) -> DbResult<()> {
    let sql = "UPDATE hooks SET lease_attempt = NULL, lease_until_ms = NULL
               WHERE connection = $1 AND lease_attempt = $2";
    on.run(sql, &[&text(connection), &text(holder)]).await.map(drop)
}
