//! Limits that hosts share: see [`connector_contract::limits::slots`]. One row a limit and account,
//! locked in the order of their keys; the time is asked for when they are.

use std::collections::BTreeMap;
use std::time::Duration;

use connector_contract::limits::slots::{self, Reserved, Row as Kept};
use connector_contract::limits::{Charge, LimitId, LimitReport, SlotRequest, Used};
use connector_state::rates::{Booked, Counted, minute, of_refused, of_reserved};
use tokio::time::Instant;

use super::columns::{Column as _, Record as _, columns, rows, signed, text};
use super::fault::DbResult;
use super::rates;
use super::session::Session;

/// Rows are forgotten by the day, so that using a limit seldom moves its place in an index.
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// The table.
pub const TABLE: &str = r#"
CREATE TABLE limits (
    account text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    due_us bigint NOT NULL DEFAULT 0,
    held_until_us bigint,
    lost double precision NOT NULL DEFAULT 0,
    lost_at_us bigint NOT NULL DEFAULT 0,
    seen_us bigint NOT NULL DEFAULT 0,
    ahead_us bigint NOT NULL DEFAULT 0,
    told_interval_us bigint,
    told_burst bigint,
    told_until_us bigint,
    -- The first day since 1970 on which the row says nothing more.
    idle_day bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account, name)
) WITH (fillfactor = 50);
CREATE INDEX limits_by_idle_day ON limits (idle_day);
"#;

columns!(Used [] { due "due_us", held_until "held_until_us", lost, lost_at "lost_at_us", reported "told" });

/// Reserves what is asked for.
pub async fn reserve(on: &Session, request: &SlotRequest) -> DbResult<Reserved> {
    let limits: Vec<&LimitId> = request.charges.iter().map(|charge| &charge.limit).collect();
    let kept = locked(on, &limits).await?;
    let time = on.now().await?;
    // The answer came after that time: what is counted from now on is later, and never earlier.
    let now = Instant::now();
    let row = |limit: &&LimitId| kept.get(*limit).copied().unwrap_or_default();
    let before: Vec<Kept> = limits.iter().map(row).collect();
    let mut after = before.clone();
    let reserved = slots::reserve(&mut after, request, time, now);
    for ((limit, before), row) in limits.iter().zip(&before).zip(&after) {
        if row.is_other_than(before) {
            put(on, limit, row).await?;
        }
    }
    rates::count(on, &of_reserved(request, &reserved, time)).await?;
    Ok(reserved)
}

/// The provider refused a request.
pub async fn hold(on: &Session, charge: &Charge, pause: Duration) -> DbResult<()> {
    let mut row = one(on, &charge.limit).await?;
    let now = on.now().await?;
    slots::hold(&mut row, charge.rate, pause, now);
    put(on, &charge.limit, &row).await?;
    rates::count(on, &Counted::from([((&charge.limit, minute(now)), of_refused())])).await
}

/// The provider told how far a limit is used.
pub async fn report(on: &Session, charge: &Charge, report: LimitReport) -> DbResult<()> {
    let mut row = one(on, &charge.limit).await?;
    slots::report(&mut row, charge.rate, report, on.now().await?);
    put(on, &charge.limit, &row).await
}

async fn one(on: &Session, limit: &LimitId) -> DbResult<Kept> {
    Ok(locked(on, &[limit]).await?.remove(limit).unwrap_or_default())
}

/// The rows of these limits, each made where there is none, and nobody else's until the transaction ends.
async fn locked(on: &Session, limits: &[&LimitId]) -> DbResult<BTreeMap<LimitId, Kept>> {
    let mut limits = limits.to_vec();
    limits.sort_unstable();
    limits.dedup();
    let accounts: Vec<_> = limits.iter().map(|limit| text(&limit.scope)).collect();
    let names: Vec<_> = limits.iter().map(|limit| text(&limit.name)).collect();
    let find = "SELECT l.* FROM unnest($1::text[], $2::text[]) AS u (account, name)
                    JOIN limits AS l ON l.account = u.account COLLATE \"C\" AND l.name = u.name COLLATE \"C\"
                ORDER BY l.account, l.name FOR UPDATE OF l";
    let make = "INSERT INTO limits (account, name)
                SELECT * FROM unnest($1::text[], $2::text[]) AS u (account, name) ORDER BY 1, 2
                ON CONFLICT DO NOTHING";
    let mut found = on.rows(find, &[&accounts, &names]).await?;
    // Somebody may forget those that are there before they are locked.
    while found.len() < limits.len() {
        on.run(make, &[&accounts, &names]).await?;
        found = on.rows(find, &[&accounts, &names]).await?;
    }
    let read = |row: &tokio_postgres::Row| {
        let limit =
            LimitId { scope: String::read(row, "account")?, name: String::read(row, "name")? };
        let (seen, ahead) = (Duration::read(row, "seen_us")?, Duration::read(row, "ahead_us")?);
        Ok((limit, Kept { used: Used::read(row)?, seen, ahead }))
    };
    found.iter().map(read).collect()
}

async fn put(on: &Session, limit: &LimitId, row: &Kept) -> DbResult<()> {
    let mut to = row.used.write();
    limit.scope.write("account", &mut to);
    limit.name.write("name", &mut to);
    row.seen.write("seen_us", &mut to);
    row.ahead.write("ahead_us", &mut to);
    let idle_ms = u64::try_from(row.idle_from().as_millis()).unwrap_or(u64::MAX);
    (idle_ms / DAY_MS + 1).write("idle_day", &mut to);
    on.upsert("limits", &["account", "name"], to).await
}

columns!(Booked [] { name, until_ms, held });

/// The limits of these scopes that are used up after `now_ms`.
pub async fn booked(on: &Session, scopes: &[String], now_ms: u64) -> DbResult<Vec<Booked>> {
    let sql = "SELECT * FROM (
                   SELECT l.name, (greatest(due_us, held_until_us) - ahead_us) / 1000 AS until_ms,
                       coalesce(held_until_us > due_us, false) AS held, place
                   FROM unnest($1::text[]) WITH ORDINALITY AS a (account, place)
                       JOIN limits AS l ON l.account = a.account COLLATE \"C\"
               ) AS booked WHERE until_ms > $2 ORDER BY place, name";
    let scopes: Vec<_> = scopes.iter().map(|scope| text(scope)).collect();
    on.all(sql, &[&scopes, &signed(now_ms)]).await
}

/// Forgets at most so many limits that are full again, whatever became of them. Those that somebody uses
/// now are left.
pub async fn forget_idle(on: &Session, now_ms: u64, limit: usize) -> DbResult<usize> {
    let sql = "DELETE FROM limits WHERE ctid = ANY(ARRAY(
                   SELECT ctid FROM limits WHERE idle_day <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))";
    on.count(sql, &[&signed(now_ms / DAY_MS), &rows(limit)]).await
}
