//! Reads what a batch's decision needs: a few statements, however many records there are.

use std::collections::{BTreeMap, BTreeSet};

use connector_state::journal::entries;
use connector_state::mirror::held::Held;
use connector_state::mirror::plan::{self, Body, Head, KeptHead, KeptIndex, KeptLetter, Known};
use connector_state::mirror::{Applied, Batch, ScanKind, ScanRow};
use tokio_postgres::Row;

use super::objects::{self, Key, Locked, Object};
use super::{index, put, scan};
use crate::columns::{Column as _, Record as _, columns, signed, text};
use crate::fault::DbResult;
use crate::session::Session;
use crate::{journal, outbox};

columns!(Head [] { state, updated_at, hash, change, deriver, versions, rules });

/// Commits a batch.
pub async fn apply(on: &Session, batch: &Batch) -> DbResult<Applied> {
    let Locked { mirror, moment } = objects::lock_or_make(on, &batch.connection).await?;
    let (now_ms, mut all) = tokio::try_join!(on.now_ms(), objects::all(on, mirror))?;
    let object = objects::make(on, &mut all, mirror, &batch.object).await?;
    let (number, index) = index::of(on, object.object).await?;
    let known = Known { moment, index, ..known(on, object, batch, now_ms).await? };
    let plan = plan::apply(batch, known, now_ms)?;
    let mut keys = vec![object.object];
    for name in plan.objects.iter().skip(1) {
        keys.push(objects::make_derived(on, &mut all, object, name).await?);
    }
    Box::pin(put::write(on, object, number, &keys, batch, &plan, now_ms)).await?;
    Ok(plan.applied)
}

/// Forgets everything of an object and of what is derived from it. Its records go into a set that is
/// erased in pieces.
pub async fn reset(on: &Session, connection: &str, object: &str) -> DbResult<()> {
    let Some(Locked { mirror, moment }) = objects::lock(on, connection).await? else {
        return Ok(());
    };
    let Some(found) = objects::find(on, connection, object).await? else { return Ok(()) };
    let now_ms = on.now_ms().await?;
    let (mut keys, mut names) = (Vec::new(), Vec::new());
    for (key, name, records) in objects::with_derived(on, found.object).await? {
        on.run("UPDATE mirror_sets SET dropped = true WHERE records = $1", &[&records]).await?;
        let sql = "UPDATE mirror_objects SET records = $1, live = 0, aged_out = 0, deleted = 0
                   WHERE object = $2";
        on.run(sql, &[&objects::make_set(on, mirror).await?, &key]).await?;
        index::replace(on, key).await?;
        on.run("DELETE FROM mirror_bookmarks WHERE object = $1", &[&key]).await?;
        on.run("DELETE FROM mirror_drifts WHERE object = $1", &[&key]).await?;
        keys.push(key);
        names.push(name);
    }
    let scanned = scan::of_object(on, found.object).await?;
    let plan = plan::reset(names, moment, scanned.as_ref());
    put::changes(on, mirror, &keys, &plan, now_ms).await?;
    put::set_moment(on, mirror, &plan, now_ms).await?;
    if let Some(row) = &plan.scan {
        scan::put(on, found.object, row).await?;
    }
    journal::note(on, connection, now_ms, on.actor(), &entries::of_reset(object)).await
}

/// Everything that the decision on a batch needs, but for the moment and the index.
async fn known(on: &Session, object: Object, batch: &Batch, now_ms: u64) -> DbResult<Known> {
    let scan = async {
        match &batch.step {
            Some(_) => scan::of_object(on, object.object).await,
            None => Ok(None),
        }
    };
    let bookmarked = async {
        match &batch.step {
            Some(step) if step.next.is_none() => {
                scan::bookmarked_ms(on, object.object, now_ms).await
            }
            _ => Ok(None),
        }
    };
    let drifts = async {
        match batch.drift.is_empty() {
            true => Ok(vec![]),
            false => {
                let sql = "SELECT pointer FROM mirror_drifts WHERE object = $1";
                on.values::<String>(sql, &[&object.object]).await
            }
        }
    };
    let (scan, bookmarked_ms, drifts, mut heads, letters, forwarded) = tokio::try_join!(
        scan,
        bookmarked,
        drifts,
        heads(on, object, batch),
        letters(on, object, batch),
        outbox::are_kept(on, object.mirror),
    )?;
    let full = scan.as_ref().filter(|row: &&ScanRow| row.kind == Some(ScanKind::Full));
    let full = full.map(|row| signed(row.scan));
    let heads: BTreeMap<String, KeptHead> = heads
        .iter_mut()
        .map(|(id, (kept, seen))| {
            let seen = full.is_some() && *seen == full;
            (id.clone(), KeptHead { seen, ..kept.clone() })
        })
        .collect();
    let bodies = bodies(on, &heads, plan::bodies(batch, &heads, now_ms)).await?;
    Ok(Known {
        moment: 0,
        forwarded,
        bookmarked_ms,
        scan,
        index: KeptIndex::default(),
        heads,
        bodies,
        letters,
        drifts: drifts.into_iter().map(crate::columns::untext).collect(),
    })
}

/// The heads of these records, as far as they are there.
pub async fn heads_of(
    on: &Session,
    records: Key,
    ids: &[&str],
) -> DbResult<BTreeMap<String, Head>> {
    let ids: Vec<_> = ids.iter().map(|id| text(id)).collect();
    let read = |row: &Row| Ok((String::read(row, "id")?, Head::read(row)?));
    on.rows(HEADS, &[&records, &ids]).await?.iter().map(read).collect()
}

/// The records of a batch that are there, each with the scan that saw it.
async fn heads(
    on: &Session,
    object: Object,
    batch: &Batch,
) -> DbResult<BTreeMap<String, (KeptHead, Option<i64>)>> {
    let ids: Vec<_> = plan::ids(batch).into_iter().map(text).collect();
    let read = |row: &Row| {
        let key: Option<i64> = row.try_get("body")?;
        let kept = KeptHead { row: key.unwrap_or_default(), head: Head::read(row)?, seen: false };
        Ok((String::read(row, "id")?, (kept, row.try_get("seen")?)))
    };
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    on.rows(HEADS, &[&object.records, &ids]).await?.iter().map(read).collect()
}

const HEADS: &str =
    "SELECT id, body, state, updated_at, hash, change, deriver, versions, rules, seen
    FROM mirror_heads WHERE records = $1 AND id = ANY($2)";

/// Which of these records are kept as they are.
pub async fn unchanged(
    on: &Session,
    object: Object,
    deriver: u64,
    records: &[(String, [u8; 32])],
) -> DbResult<Vec<bool>> {
    let ids: Vec<&str> = records.iter().map(|(id, _)| id.as_str()).collect();
    let heads = heads_of(on, object.records, &ids).await?;
    let is = |(id, hash): &(String, [u8; 32])| plan::is_unchanged(heads.get(id), hash, deriver);
    Ok(records.iter().map(is).collect())
}

async fn bodies(
    on: &Session,
    heads: &BTreeMap<String, KeptHead>,
    needed: BTreeSet<&str>,
) -> DbResult<BTreeMap<String, Body>> {
    let ids: BTreeMap<i64, &str> =
        needed.into_iter().filter_map(|id| Some((heads.get(id)?.row, id))).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let keys: Vec<i64> = ids.keys().copied().collect();
    let sql = "SELECT body, created_at, data, held FROM mirror_bodies WHERE body = ANY($1)";
    let read = |row: &Row| {
        let id = ids.get(&row.try_get("body")?).copied().unwrap_or_default();
        let body = Body {
            created_at: Option::read(row, "created_at")?,
            data: String::read(row, "data")?,
            held: Held::read(row, "held")?,
        };
        Ok((id.to_owned(), body))
    };
    on.rows(sql, &[&keys]).await?.iter().map(read).collect()
}

async fn letters(
    on: &Session,
    object: Object,
    batch: &Batch,
) -> DbResult<BTreeMap<[u8; 32], KeptLetter>> {
    let hashes = plan::letters(batch);
    if hashes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let hashes: Vec<&[u8]> = hashes.iter().map(<[u8; 32]>::as_slice).collect();
    let sql =
        "SELECT hash, number, scan FROM mirror_dead_letters WHERE object = $1 AND hash = ANY($2)";
    let read = |row: &Row| {
        let kept =
            KeptLetter { number: u64::read(row, "number")?, scan: Option::read(row, "scan")? };
        Ok((<[u8; 32]>::read(row, "hash")?, kept))
    };
    on.rows(sql, &[&object.object, &hashes]).await?.iter().map(read).collect()
}
