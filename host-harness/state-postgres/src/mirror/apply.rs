//! Reads what a batch's decision needs, and writes its plan: a few statements each, however many
//! records there are.

use std::collections::{BTreeMap, BTreeSet};

use connector_state::journal::entries;
use connector_state::mirror::plan::{
    self, Body, Head, KeptHead, KeptLetter, Known, OurChange, Plan, PutBody, PutLetter, PutRecord,
};
use connector_state::mirror::{Applied, Batch, ScanKind, ScanRow, Source};
use connector_state::{Word as _, retention};
use tokio_postgres::Row;

use super::objects::{self, Key, Locked, Object};
use super::{look_ups, scan, versions};
use crate::columns::{Column as _, Record as _, columns, json, signed, text, texts};
use crate::fault::DbResult;
use crate::session::Session;
use crate::{journal, outbox};

columns!(Head [] { state, updated_at, hash, change, deriver, versions });

/// Commits a batch.
pub async fn apply(on: &Session, batch: &Batch) -> DbResult<Applied> {
    let Locked { mirror, moment } = objects::lock_or_make(on, &batch.connection).await?;
    let (now_ms, mut all) = tokio::try_join!(on.now_ms(), objects::all(on, mirror))?;
    let object = objects::make(on, &mut all, mirror, &batch.object).await?;
    let known = Known { moment, ..known(on, object, batch, now_ms).await? };
    let plan = plan::apply(batch, known, now_ms)?;
    let mut keys = vec![object.object];
    for name in plan.objects.iter().skip(1) {
        keys.push(objects::make_derived(on, &mut all, object, name).await?);
    }
    Box::pin(write(on, object, &keys, batch, &plan, now_ms)).await?;
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
        on.run("DELETE FROM mirror_bookmarks WHERE object = $1", &[&key]).await?;
        on.run("DELETE FROM mirror_drifts WHERE object = $1", &[&key]).await?;
        keys.push(key);
        names.push(name);
    }
    let scanned = scan::of_object(on, found.object).await?;
    let plan = plan::reset(names, moment, scanned.as_ref());
    changes(on, mirror, &keys, &plan, now_ms).await?;
    set_moment(on, mirror, &plan, now_ms).await?;
    if let Some(row) = &plan.scan {
        scan::put(on, found.object, row).await?;
    }
    journal::note(on, connection, now_ms, on.actor(), &entries::of_reset(object)).await
}

/// Everything that the decision on a batch needs, but for the moment.
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
        heads,
        bodies,
        letters,
        drifts: drifts.into_iter().map(crate::columns::untext).collect(),
    })
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

const HEADS: &str = "SELECT id, body, state, updated_at, hash, change, deriver, versions, seen
    FROM mirror_heads WHERE records = $1 AND id = ANY($2)";

/// Which of these records are kept as they are.
pub async fn unchanged(
    on: &Session,
    object: Object,
    deriver: u64,
    records: &[(String, [u8; 32])],
) -> DbResult<Vec<bool>> {
    let ids: Vec<_> = records.iter().map(|(id, _)| text(id)).collect();
    let read = |row: &Row| Ok((String::read(row, "id")?, Head::read(row)?));
    let found = on.rows(HEADS, &[&object.records, &ids]).await?;
    let heads: BTreeMap<String, Head> = found.iter().map(read).collect::<DbResult<_>>()?;
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
            held: connector_state::mirror::held::Held::read(row, "held")?,
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

async fn write(
    on: &Session,
    object: Object,
    keys: &[Key],
    batch: &Batch,
    plan: &Plan,
    now_ms: u64,
) -> DbResult<()> {
    let full = plan.scan.as_ref().filter(|row| row.kind == Some(ScanKind::Full));
    let full = full.map(|row| signed(row.scan));
    let scanned = async {
        if let Some(row) = &plan.scan {
            scan::put(on, object.object, row).await?;
        }
        if let Some(bookmark) = &plan.bookmark {
            let until_ms = plan.bookmarks_until_ms;
            scan::keep_bookmark(on, object.object, bookmark, now_ms, until_ms).await?;
        }
        Ok(())
    };
    // Whichever of these comes first: they are of different rows.
    tokio::try_join!(
        records(on, object, plan, full),
        seen(on, object, plan, full),
        changes(on, object.mirror, keys, plan, now_ms),
        versions::keep(on, object.mirror, plan, now_ms),
        outbox::keep(on, object.mirror, &plan.versions),
        look_ups::put(on, object.records, plan, batch.asked),
        letters_put(on, object.object, &plan.letters, now_ms),
        drifts(on, object.object, &plan.drifts),
        scanned,
        counts(on, keys, plan),
        set_moment(on, object.mirror, plan, now_ms),
    )?;
    versions::trim(on, object.mirror, &plan.trims).await?;
    ours(on, object.mirror, &plan.ours).await
}

/// Puts records and their contents.
async fn records(on: &Session, object: Object, plan: &Plan, full: Option<i64>) -> DbResult<()> {
    if plan.records.is_empty() {
        return Ok(());
    }
    let is_new = |put: &&PutRecord| {
        matches!(put.body, PutBody::Put(_)) && put.row.is_none_or(|row| row == 0)
    };
    let new = crate::columns::rows(plan.records.iter().filter(is_new).count());
    let mut new = match new {
        0 => vec![],
        new => {
            let sql =
                "SELECT nextval('mirror_bodies_body_seq') FROM generate_series(1, $1::bigint)";
            on.values::<i64>(sql, &[&new]).await?
        }
    };
    let (mut put, mut gone, mut heads) = (PutBodies::default(), Vec::new(), PutHeads::default());
    for record in &plan.records {
        let kept = record.row.filter(|row| *row != 0);
        let key = match &record.body {
            PutBody::Keep => kept,
            PutBody::Remove => {
                gone.extend(kept);
                kept
            }
            PutBody::Put(body) => {
                let key = kept.or_else(|| new.pop());
                put.add(key.unwrap_or_default(), body);
                key
            }
        };
        heads.add(record, key, full.filter(|_| plan.seen.contains(&record.id)));
    }
    let gone = async {
        match gone.is_empty() {
            true => Ok(0),
            false => on.run("DELETE FROM mirror_bodies WHERE body = ANY($1)", &[&gone]).await,
        }
    };
    tokio::try_join!(put.run(on), gone, heads.run(on, object.records)).map(drop)
}

#[derive(Default)]
struct PutBodies<'p> {
    keys: Vec<i64>,
    created: Vec<Option<std::borrow::Cow<'p, str>>>,
    data: Vec<std::borrow::Cow<'p, str>>,
    held: Vec<Option<String>>,
}

impl<'p> PutBodies<'p> {
    fn add(&mut self, key: i64, body: &'p Body) {
        self.keys.push(key);
        self.created.push(texts(body.created_at.as_ref()));
        self.data.push(text(&body.data));
        self.held.push(body.held.encode());
    }

    async fn run(&self, on: &Session) -> DbResult<()> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let sql = "INSERT INTO mirror_bodies (body, created_at, data, held)
                   SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
                   ON CONFLICT (body) DO UPDATE SET created_at = excluded.created_at,
                       data = excluded.data, held = excluded.held";
        on.run(sql, &[&self.keys, &self.created, &self.data, &self.held]).await.map(drop)
    }
}

#[derive(Default)]
struct PutHeads<'p> {
    ids: Vec<std::borrow::Cow<'p, str>>,
    bodies: Vec<Option<i64>>,
    states: Vec<&'static str>,
    changes: Vec<i64>,
    hashes: Vec<&'p [u8]>,
    derivers: Vec<i64>,
    updated: Vec<Option<std::borrow::Cow<'p, str>>>,
    versions: Vec<i64>,
    seen: Vec<Option<i64>>,
}

impl<'p> PutHeads<'p> {
    fn add(&mut self, record: &'p PutRecord, body: Option<i64>, seen: Option<i64>) {
        let Head { state, updated_at, hash, change, deriver, versions } = &record.head;
        self.ids.push(text(&record.id));
        self.bodies.push(body);
        self.states.push(state.word());
        self.changes.push(signed(*change));
        self.hashes.push(hash);
        self.derivers.push(signed(*deriver));
        self.updated.push(texts(updated_at.as_ref()));
        self.versions.push(i64::from(*versions));
        self.seen.push(seen);
    }

    async fn run(&self, on: &Session, records: Key) -> DbResult<()> {
        let sql = "INSERT INTO mirror_heads AS h
                       (records, id, body, state, change, hash, deriver, updated_at, versions, seen)
                   SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[],
                       $6::bytea[], $7::bigint[], $8::text[], $9::bigint[], $10::bigint[])
                   ON CONFLICT (records, id) DO UPDATE SET body = excluded.body,
                       state = excluded.state, change = excluded.change, hash = excluded.hash,
                       deriver = excluded.deriver, updated_at = excluded.updated_at,
                       versions = excluded.versions, seen = coalesce(excluded.seen, h.seen)";
        let Self { ids, bodies, states, changes, hashes, derivers, updated, versions, seen } = self;
        on.run(
            sql,
            &[&records, ids, bodies, states, changes, hashes, derivers, updated, versions, seen],
        )
        .await
        .map(drop)
    }
}

/// Notes what a full scan has seen of what else stays as it is.
async fn seen(on: &Session, object: Object, plan: &Plan, full: Option<i64>) -> DbResult<()> {
    let put: BTreeSet<&str> = plan.records.iter().map(|record| record.id.as_str()).collect();
    let ids = plan.seen.iter().filter(|id| !put.contains(id.as_str()));
    let ids: Vec<_> = ids.map(|id| text(id)).collect();
    let Some(full) = full.filter(|_| !ids.is_empty()) else { return Ok(()) };
    let sql = "UPDATE mirror_heads SET seen = $1 WHERE records = $2 AND id = ANY($3)";
    on.run(sql, &[&full, &object.records, &ids]).await.map(drop)
}

async fn changes(
    on: &Session,
    mirror: Key,
    keys: &[Key],
    plan: &Plan,
    now_ms: u64,
) -> DbResult<()> {
    let all = &plan.changes;
    if all.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = all.iter().map(|change| signed(change.number)).collect();
    let object = |index: usize| keys.get(index).copied().unwrap_or_default();
    let objects: Vec<i64> = all.iter().map(|change| object(change.object)).collect();
    let ids: Vec<_> = all.iter().map(|change| text(&change.id)).collect();
    let kinds: Vec<_> = all.iter().map(|change| change.kind.word()).collect();
    let ours: Vec<bool> = all.iter().map(|change| change.ours).collect();
    let sources: Vec<_> = all.iter().map(|change| change.source.map(Source::word)).collect();
    let updated: Vec<_> = all.iter().map(|change| texts(change.updated_at.as_ref())).collect();
    let prior: Vec<_> = all.iter().map(|change| change.prior.map(signed)).collect();
    let previous: Vec<_> =
        all.iter().map(|change| change.previous.as_ref().map(<[u8; 32]>::as_slice)).collect();
    let hashes: Vec<_> =
        all.iter().map(|change| change.hash.as_ref().map(<[u8; 32]>::as_slice)).collect();
    let members = |names: &Vec<String>| (!names.is_empty()).then(|| json(names));
    let members: Vec<_> = all.iter().map(|change| members(&change.members)).collect();
    let sql = "INSERT INTO mirror_changes (mirror, at_ms, number, object, id, kind, ours, source,
                   updated_at, prior, previous, hash, members)
               SELECT $1, $2, * FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[],
                   $7::boolean[], $8::text[], $9::text[], $10::bigint[], $11::bytea[],
                   $12::bytea[], $13::text[])";
    on.run(
        sql,
        &[
            &mirror,
            &signed(now_ms),
            &numbers,
            &objects,
            &ids,
            &kinds,
            &ours,
            &sources,
            &updated,
            &prior,
            &previous,
            &hashes,
            &members,
        ],
    )
    .await
    .map(drop)
}

/// Marks changes of before as our own writes.
async fn ours(on: &Session, mirror: Key, ours: &[OurChange]) -> DbResult<()> {
    for ours in ours {
        match ours {
            OurChange::Number(number) => {
                let sql = "UPDATE mirror_changes SET ours = true WHERE mirror = $1 AND number = $2";
                on.run(sql, &[&mirror, &signed(*number)]).await?;
            }
            OurChange::HeldAfter(number, holder) => {
                // What a record held ends right after it, under ids that begin with its own.
                let sql = "UPDATE mirror_changes SET ours = true
                           WHERE mirror = $1 AND number > $2 AND number < coalesce((
                               SELECT number FROM mirror_changes
                               WHERE mirror = $1 AND number > $2 AND NOT (kind = 'deleted'
                                   AND (id = $3 OR starts_with(id, $3 || '/')))
                               ORDER BY number LIMIT 1), 9223372036854775807)";
                on.run(sql, &[&mirror, &signed(*number), &text(holder)]).await?;
            }
        }
    }
    Ok(())
}

/// Keeps items that could not be read, or the scan that met them again.
pub async fn letters_put(
    on: &Session,
    object: Key,
    letters: &[PutLetter],
    now_ms: u64,
) -> DbResult<()> {
    for PutLetter { number, hash, item, scan } in letters {
        let scan = scan.map(signed);
        match number {
            Some(number) => {
                let sql =
                    "UPDATE mirror_dead_letters SET scan = coalesce($1, scan) WHERE number = $2";
                on.run(sql, &[&scan, &signed(*number)]).await?;
            }
            None => {
                let sql =
                    "INSERT INTO mirror_dead_letters (object, id, raw, hash, reason, at_ms, scan)
                           VALUES ($1, $2, $3, $4, $5, $6, $7)";
                let (id, raw, reason) =
                    (texts(item.id.as_ref()), text(&item.raw), text(&item.reason));
                let hash = hash.as_slice();
                let at_ms = signed(now_ms);
                on.run(sql, &[&object, &id, &raw, &hash, &reason, &at_ms, &scan]).await?;
            }
        }
    }
    Ok(())
}

async fn drifts(on: &Session, object: Key, drifts: &[String]) -> DbResult<()> {
    if drifts.is_empty() {
        return Ok(());
    }
    let drifts: Vec<_> = drifts.iter().map(|pointer| text(pointer)).collect();
    let sql = "INSERT INTO mirror_drifts (object, pointer) SELECT $1, * FROM unnest($2::text[])";
    on.run(sql, &[&object, &drifts]).await.map(drop)
}

async fn counts(on: &Session, keys: &[Key], plan: &Plan) -> DbResult<()> {
    let changed = keys.iter().zip(&plan.counts).filter(|(_, counts)| **counts != [0; 3]);
    let (mut objects, mut all) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
    for (key, counts) in changed {
        objects.push(*key);
        all.iter_mut().zip(counts).for_each(|(all, count)| all.push(*count));
    }
    if objects.is_empty() {
        return Ok(());
    }
    let [live, aged_out, deleted] = all;
    let sql =
        "UPDATE mirror_objects AS o SET live = o.live + u.live, aged_out = o.aged_out + u.aged_out,
                   deleted = o.deleted + u.deleted
               FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])
                   AS u (object, live, aged_out, deleted)
               WHERE o.object = u.object";
    on.run(sql, &[&objects, &live, &aged_out, &deleted]).await.map(drop)
}

/// Keeps the moment that was reached; with changes, also when to look for those that are too old.
async fn set_moment(on: &Session, mirror: Key, plan: &Plan, now_ms: u64) -> DbResult<()> {
    let logged = !plan.changes.is_empty();
    let prune_ms = logged.then(|| signed(now_ms.saturating_add(retention::LOOK_EVERY_MS)));
    let sql = "UPDATE mirrors SET moment = $1, prune_ms = coalesce(prune_ms, $2)
               WHERE mirror = $3 AND moment <> $1";
    on.run(sql, &[&signed(plan.moment), &prune_ms, &mirror]).await.map(drop)
}
