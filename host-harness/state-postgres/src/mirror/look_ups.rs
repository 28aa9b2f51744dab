//! Records that no batch could decide on, kept until their look-up is answered.

use std::collections::BTreeMap;

use connector_state::mirror::plan::{FailedLookUp, Plan, PutLetter, fail_look_ups};
use connector_state::mirror::{LOOK_UP_FAILED, hash_of};

use super::objects::{self, Key};
use super::put;
use crate::columns::{Column as _, signed, text, untext};
use crate::fault::DbResult;
use crate::session::Session;

/// Takes those off the list whose look-up, asked for at `asked`, was answered, and puts others on it.
pub async fn list(on: &Session, records: Key, plan: &Plan, asked: u64) -> DbResult<()> {
    if !plan.answered.is_empty() {
        let ids: Vec<_> = plan.answered.iter().map(|id| text(id)).collect();
        let sql = "DELETE FROM mirror_look_ups WHERE records = $1 AND id = ANY($2) AND since <= $3";
        on.run(sql, &[&records, &ids, &signed(asked)]).await?;
    }
    if !plan.look_ups.is_empty() {
        let ids: Vec<_> = plan.look_ups.keys().map(|id| text(id)).collect();
        let since: Vec<i64> = plan.look_ups.values().map(|since| signed(*since)).collect();
        let sql = "INSERT INTO mirror_look_ups (records, id, since)
                   SELECT $1, * FROM unnest($2::text[], $3::bigint[])
                   ON CONFLICT (records, id) DO UPDATE SET since = excluded.since";
        on.run(sql, &[&records, &ids, &since]).await?;
    }
    Ok(())
}

/// Records to be looked up that are due, the longest due first.
pub async fn due(on: &Session, records: Key, limit: u32) -> DbResult<Vec<String>> {
    let now_ms = on.now_ms().await?;
    let due = "SELECT id FROM mirror_look_ups WHERE records = $1 AND due_ms <= $2
               ORDER BY due_ms, id LIMIT $3";
    let of = (signed(now_ms), i64::from(limit));
    let mut ids: Vec<String> = on.values(due, &[&records, &of.0, &of.1]).await?;
    let left = i64::from(limit) - crate::columns::rows(ids.len());
    if left > 0 {
        // One that is due later than any can be was put before the clock was set back.
        let latest_ms = signed(now_ms.saturating_add(LOOK_UP_FAILED.longest_ms()));
        let late = "SELECT id FROM mirror_look_ups WHERE records = $1 AND due_ms > $2
                    ORDER BY due_ms, id LIMIT $3";
        ids.extend(on.values::<String>(late, &[&records, &latest_ms, &left]).await?);
    }
    Ok(ids.into_iter().map(untext).collect())
}

/// Counts failed tries, and gives up those that had enough. Answers how many dead letters are new.
pub async fn fail(
    on: &Session,
    connection: &str,
    object: &str,
    failed: &[(String, String)],
) -> DbResult<u64> {
    let mirror = objects::lock_or_make(on, connection).await?.mirror;
    let (now_ms, mut all) = tokio::try_join!(on.now_ms(), objects::all(on, mirror))?;
    let objects::Object { object, records, .. } =
        objects::make(on, &mut all, mirror, object).await?;
    let ids: Vec<_> = failed.iter().map(|(id, _)| text(id)).collect();
    let sql = "SELECT id, tries FROM mirror_look_ups WHERE records = $1 AND id = ANY($2)";
    let found = on.rows(sql, &[&records, &ids]).await?;
    let tries = found.iter().map(|row| Ok((String::read(row, "id")?, u32::read(row, "tries")?)));
    let mut tries: BTreeMap<String, u32> = tries.collect::<DbResult<_>>()?;
    let mut dead = 0;
    for (id, reason) in failed {
        let before = tries.get(id).copied().unwrap_or_default();
        match fail_look_ups(id, reason, before, now_ms) {
            FailedLookUp::Again { tries: now, due_ms } => {
                let sql = "INSERT INTO mirror_look_ups (records, id, since, tries, due_ms, reason)
                           VALUES ($1, $2, 0, $3, $4, $5)
                           ON CONFLICT (records, id) DO UPDATE SET tries = $3, due_ms = $4, reason = $5";
                let of = (text(id), i64::from(now), signed(due_ms), text(reason));
                on.run(sql, &[&records, &of.0, &of.1, &of.2, &of.3]).await?;
                tries.insert(id.clone(), now);
            }
            FailedLookUp::GivenUp(item) => {
                let sql = "DELETE FROM mirror_look_ups WHERE records = $1 AND id = $2";
                on.run(sql, &[&records, &text(id)]).await?;
                tries.remove(id);
                let hash = hash_of(id);
                let sql = "SELECT number FROM mirror_dead_letters WHERE object = $1 AND hash = $2";
                let number: Option<i64> = on.value(sql, &[&object, &hash.as_slice()]).await?;
                let number = number.and_then(|number| u64::try_from(number).ok());
                dead += u64::from(number.is_none());
                let letter = PutLetter { number, hash, item, scan: None };
                put::letters(on, object, &[letter], now_ms).await?;
            }
        }
    }
    Ok(dead)
}
