//! What is done for a push, within one transaction: it reads what a decision needs, and writes what
//! was decided.
//!
//! Whoever changes how many items of a run are where locks the run's row; whoever takes a record, its
//! key.

use std::collections::BTreeSet;

use connector_state::journal::entries;
use connector_state::mirror::{Applied, Batch};
use connector_state::push::plan::{self, ClaimPlan, KeptItem, SealPlan};
use connector_state::push::{
    ClaimRow, Claimed, Holder, IntentEnd, IntentRow, Outcome, PushRow, Sent,
};

use super::pruning;
use crate::columns::{Record as _, signed, text, texts};
use crate::fault::DbResult;
use crate::session::Session;
use crate::{journal, mirror};

/// A run. Those of a removed connection are gone, though they are not erased yet.
pub const RUN: &str = "SELECT p.* FROM pushes AS p WHERE p.id = $1
     AND EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)";

/// The run with this id.
pub async fn run(on: &Session, id: &str) -> DbResult<Option<PushRow>> {
    on.one(RUN, &[&text(id)]).await
}

/// The same, nobody else's until the transaction ends.
pub async fn locked(on: &Session, id: &str) -> DbResult<Option<PushRow>> {
    on.one(&format!("{RUN} FOR UPDATE OF p"), &[&text(id)]).await
}

/// Keeps a run.
pub async fn begin(on: &Session, new: &PushRow) -> DbResult<()> {
    let kept = locked(on, &new.id).await?;
    let is_connected = "SELECT 1 FROM connections WHERE id = $1 FOR KEY SHARE";
    let is_connected: Option<i32> = on.value(is_connected, &[&text(&new.connection)]).await?;
    match plan::begin(new.clone(), kept.as_ref(), is_connected.is_some())? {
        Some(new) => put_run(on, &new).await,
        None => Ok(()),
    }
}

/// Adds items to runs.
pub async fn add(on: &Session, items: &[IntentRow]) -> DbResult<()> {
    for items in items.chunk_by(|a, b| a.run == b.run) {
        let id = items.first().map(|item| item.run.as_str()).unwrap_or_default();
        let run = locked(on, id).await?;
        let indexes: Vec<i64> = items.iter().map(|item| signed(item.index)).collect();
        let sql = "SELECT item FROM intents WHERE push = $1 AND item = ANY($2)";
        let there: Vec<i64> = on.values(sql, &[&text(id), &indexes]).await?;
        let there: BTreeSet<u64> =
            there.into_iter().filter_map(|item| u64::try_from(item).ok()).collect();
        let (run, items) = plan::add(id, run, items.to_vec(), &there)?;
        put_run(on, &run).await?;
        insert(on, id, &items).await?;
    }
    Ok(())
}

/// Adds items in one statement.
async fn insert(on: &Session, run: &str, items: &[IntentRow]) -> DbResult<()> {
    use connector_state::Word as _;
    if items.is_empty() {
        return Ok(());
    }
    let number = |of: fn(&IntentRow) -> u64| items.iter().map(of).map(signed).collect();
    let (index, line): (Vec<i64>, Vec<i64>) = (number(|item| item.index), number(|item| item.line));
    let attempts: Vec<i64> = number(|item| u64::from(item.attempts));
    let keys: Vec<_> = items.iter().map(|item| text(&item.key)).collect();
    let inputs: Vec<_> = items.iter().map(|item| texts(item.input.as_ref())).collect();
    let raw: Vec<_> =
        items.iter().map(|item| item.raw.as_ref().map(|raw| raw.0.as_slice())).collect();
    let states: Vec<_> = items.iter().map(|item| item.state.word()).collect();
    let sent: Vec<_> = items.iter().map(|item| item.sent.map(Sent::word)).collect();
    let outcomes: Vec<_> = items.iter().map(|item| item.outcome.map(Outcome::word)).collect();
    let ids: Vec<_> = items.iter().map(|item| texts(item.id.as_ref())).collect();
    let errors: Vec<_> = items.iter().map(|item| texts(item.error.as_ref())).collect();
    let sql = "INSERT INTO intents (push, item, line, record_key, input, sealed_raw, state, sent,
                   outcome, id, error, attempts)
               SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[],
                   $6::bytea[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
                   $12::bigint[])";
    on.run(
        sql,
        &[
            &text(run),
            &index,
            &line,
            &keys,
            &inputs,
            &raw,
            &states,
            &sent,
            &outcomes,
            &ids,
            &errors,
            &attempts,
        ],
    )
    .await
    .map(drop)
}

/// All items are there: the run to go on with.
pub async fn seal(on: &Session, id: &str, digest: [u8; 32]) -> DbResult<String> {
    // Of two runs that ask for the same, one is gone on with.
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    on.advise(&format!("digest {digits}")).await?;
    let same = "SELECT id FROM pushes WHERE digest = $1 AND ended_ms IS NULL AND id <> $2 LIMIT 1";
    let same: Option<String> = on.value(same, &[&digest.as_slice(), &text(id)]).await?;
    let before = locked(on, id).await?;
    let now_ms = on.now_ms().await?;
    match plan::seal(id, before.clone(), same, digest, now_ms)? {
        SealPlan::Same(same) => {
            pruning::remove(on, id).await?;
            Ok(same)
        }
        SealPlan::Ours(run) => {
            put_run(on, &run).await?;
            note(on, before.as_ref(), &run, now_ms, on.actor()).await?;
            Ok(run.id)
        }
    }
}

/// Removes a run that was not sealed.
pub async fn forget(on: &Session, id: &str) -> DbResult<()> {
    match locked(on, id).await?.filter(plan::is_forgotten) {
        Some(run) => pruning::remove(on, &run.id).await,
        None => Ok(()),
    }
}

/// Removes a run of which nothing was begun.
pub async fn discard(on: &Session, id: &str) -> DbResult<bool> {
    match locked(on, id).await?.filter(plan::is_unbegun) {
        Some(run) => pruning::remove(on, &run.id).await.map(|()| true),
        None => Ok(false),
    }
}

/// Takes an item and the record that its key names.
pub async fn claim(on: &Session, holder: &Holder, for_ms: u64) -> DbResult<Claimed> {
    let kept = kept(on, holder, run(on, &holder.run).await?, true).await?;
    let now_ms = on.now_ms().await?;
    Ok(match plan::claim(holder, kept, for_ms, now_ms)? {
        ClaimPlan::Settled(item) => Claimed::Settled(Box::new(item)),
        ClaimPlan::Busy(busy_ms) => Claimed::Busy(busy_ms),
        ClaimPlan::Take(item, claim) => {
            let sql = "UPDATE intents SET attempts = $1 WHERE push = $2 AND item = $3";
            let of = (i64::from(item.attempts), text(&item.run), signed(item.index));
            on.run(sql, &[&of.0, &of.1, &of.2]).await?;
            put_claim(on, &claim).await?;
            Claimed::Ours(Box::new(item))
        }
    })
}

/// Takes one record more.
pub async fn hold(on: &Session, holder: &Holder, key: &str, for_ms: u64) -> DbResult<Option<u64>> {
    // Its own claim is only looked at: who has lost it is refused when it is about to send.
    let kept = kept(on, holder, run(on, &holder.run).await?, false).await?;
    let there = match &kept {
        Some(kept) => claim_of(on, &kept.run, key, true).await?,
        None => None,
    };
    match plan::hold(holder, kept, key, there.as_ref(), for_ms, on.now_ms().await?)? {
        Err(busy_ms) => Ok(Some(busy_ms)),
        Ok(claim) => {
            put_claim(on, &claim).await?;
            Ok(None)
        }
    }
}

/// A write is about to be sent.
pub async fn sending(on: &Session, holder: &Holder, sent: Sent, id: Option<&str>) -> DbResult<()> {
    let kept = kept(on, holder, locked(on, &holder.run).await?, true).await?;
    let (run, item) = plan::sending(holder, kept, sent, id)?;
    put_run(on, &run).await?;
    put_item(on, &item).await
}

/// Ends an item, with what its answer told.
pub async fn end(
    on: &Session,
    holder: &Holder,
    end: &IntentEnd,
    batch: Option<&Batch>,
) -> DbResult<Option<Applied>> {
    let kept = kept(on, holder, locked(on, &holder.run).await?, true).await?;
    let before = kept.as_ref().map(|kept| kept.run.clone());
    let now_ms = on.now_ms().await?;
    let (push, item) = plan::end(holder, kept, end.clone(), now_ms)?;
    put_run(on, &push).await?;
    note(on, before.as_ref(), &push, now_ms, None).await?;
    put_item(on, &item).await?;
    let sql = "DELETE FROM push_claims WHERE push = $1 AND item = $2";
    on.run(sql, &[&text(&holder.run), &signed(holder.index)]).await?;
    match batch {
        Some(batch) => mirror::apply(on, batch).await.map(Some),
        None => Ok(None),
    }
}

/// All claims of an owner last for so long from now on.
pub async fn renew(on: &Session, owner: &str, for_ms: u64) -> DbResult<()> {
    let lock = "SELECT 1 FROM push_claims WHERE owner = $1
                ORDER BY connection, object, record_key FOR UPDATE";
    on.rows(lock, &[&text(owner)]).await?;
    let until_ms = signed(on.now_ms().await?.saturating_add(for_ms));
    let sql = "UPDATE push_claims SET until_ms = $1 WHERE owner = $2";
    on.run(sql, &[&until_ms, &text(owner)]).await.map(drop)
}

/// Writes what the journal says of a run that was changed.
pub async fn note(
    on: &Session,
    before: Option<&PushRow>,
    run: &PushRow,
    now_ms: u64,
    by: Option<&str>,
) -> DbResult<()> {
    for entry in entries::of_push(before, run) {
        journal::note(on, &run.connection, now_ms, by, &entry).await?;
    }
    Ok(())
}

/// Keeps a run as it is now.
pub async fn put_run(on: &Session, run: &PushRow) -> DbResult<()> {
    on.upsert("pushes", &["id"], run.write()).await
}

/// Keeps an item as it is now.
pub async fn put_item(on: &Session, item: &IntentRow) -> DbResult<()> {
    on.upsert("intents", &["push", "item"], item.write()).await
}

async fn put_claim(on: &Session, claim: &ClaimRow) -> DbResult<()> {
    on.upsert("push_claims", &["connection", "object", "record_key"], claim.write()).await
}

/// An item of a run, nobody else's until the transaction ends.
pub async fn item_of(on: &Session, run: &str, index: u64) -> DbResult<Option<IntentRow>> {
    let sql = "SELECT * FROM intents WHERE push = $1 AND item = $2 FOR UPDATE";
    on.one(sql, &[&text(run), &signed(index)]).await
}

/// `locks`: nobody else takes it until the transaction ends.
async fn kept(
    on: &Session,
    holder: &Holder,
    run: Option<PushRow>,
    locks: bool,
) -> DbResult<Option<KeptItem>> {
    let Some(run) = run else { return Ok(None) };
    let lock = if locks { "FOR UPDATE" } else { "" };
    let sql = format!("SELECT * FROM intents WHERE push = $1 AND item = $2 {lock}");
    let of = (text(&holder.run), signed(holder.index));
    let Some(item) = on.one::<IntentRow>(&sql, &[&of.0, &of.1]).await? else { return Ok(None) };
    let claim = claim_of(on, &run, &item.key, locks).await?;
    Ok(Some(KeptItem { run, item, claim }))
}

/// Who may write a record. `locks` as for [`kept`]: also where nobody has it.
async fn claim_of(
    on: &Session,
    run: &PushRow,
    key: &str,
    locks: bool,
) -> DbResult<Option<ClaimRow>> {
    let PushRow { connection, object, .. } = run;
    if locks {
        on.advise(&format!("claim {connection} {object} {key}")).await?;
    }
    let lock = if locks { "FOR UPDATE" } else { "" };
    let sql = format!(
        "SELECT * FROM push_claims
         WHERE connection = $1 AND object = $2 AND record_key = $3 {lock}"
    );
    on.one(&sql, &[&text(connection), &text(object), &text(key)]).await
}
