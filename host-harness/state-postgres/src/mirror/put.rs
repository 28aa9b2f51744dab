//! Writes the plan of a batch: a few statements, however many records there are.

use std::borrow::Cow;
use std::collections::BTreeSet;

use connector_state::mirror::plan::{Body, Head, OurChange, Plan, PutBody, PutLetter, PutRecord};
use connector_state::mirror::{Batch, ScanKind, Source};
use connector_state::{Word as _, retention};

use super::objects::{Key, Object};
use super::{index, look_ups, rules, scan, versions};
use crate::columns::{json, signed, text, texts};
use crate::fault::DbResult;
use crate::outbox;
use crate::session::Session;

/// Writes a plan, by the index of this number.
pub async fn write(
    on: &Session,
    object: Object,
    number: Key,
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
        records(on, object, number, plan, full),
        index::count(on, number, &plan.values),
        seen(on, object, plan, full),
        changes(on, object.mirror, keys, plan, now_ms),
        versions::keep(on, object.mirror, plan, now_ms),
        outbox::keep(on, object.mirror, &plan.versions),
        look_ups::list(on, object.records, plan, batch.asked),
        letters(on, object.object, &plan.letters, now_ms),
        drifts(on, object.object, &plan.drifts),
        scanned,
        counts(on, keys, plan),
        set_moment(on, object.mirror, plan, now_ms),
    )?;
    versions::trim(on, object.mirror, &plan.trims).await?;
    ours(on, object.mirror, &plan.ours).await
}

/// Puts records and their contents.
async fn records(
    on: &Session,
    object: Object,
    number: Key,
    plan: &Plan,
    full: Option<i64>,
) -> DbResult<()> {
    if plan.records.is_empty() {
        return Ok(());
    }
    let is_new = |put: &&PutRecord| {
        matches!(put.body, PutBody::Put(_)) && put.row.is_none_or(|row| row == 0)
    };
    let new = crate::columns::rows(plan.records.iter().filter(is_new).count());
    // In the order of the records, as they arrived.
    let new = match new {
        0 => vec![],
        new => {
            let sql =
                "SELECT nextval('mirror_bodies_body_seq') FROM generate_series(1, $1::bigint)";
            on.values::<i64>(sql, &[&new]).await?
        }
    };
    let mut new = new.into_iter();
    let (mut put, mut gone, mut heads) = (PutBodies::default(), Vec::new(), PutHeads::default());
    let (mut moved, mut ruled) = (index::Moved::default(), rules::Rows::default());
    for record in &plan.records {
        let kept = record.row.filter(|row| *row != 0);
        let key = match &record.body {
            PutBody::Keep => kept,
            PutBody::Remove => {
                gone.extend(kept);
                kept
            }
            PutBody::Put(body) => {
                let key = kept.or_else(|| new.next());
                put.add(key.unwrap_or_default(), body);
                key
            }
        };
        moved.add(key.unwrap_or_default(), &record.moves);
        ruled.add(key.unwrap_or_default(), &record.id, &record.rules);
        heads.add(record, key, full.filter(|_| plan.seen.contains(&record.id)));
    }
    let gone = async {
        match gone.is_empty() {
            true => Ok(0),
            false => on.run("DELETE FROM mirror_bodies WHERE body = ANY($1)", &[&gone]).await,
        }
    };
    tokio::try_join!(
        put.run(on),
        gone,
        heads.run(on, object.records),
        moved.write(on, number),
        ruled.write(on, object.records)
    )
    .map(drop)
}

#[derive(Default)]
struct PutBodies<'p> {
    keys: Vec<i64>,
    created: Vec<Option<Cow<'p, str>>>,
    data: Vec<Cow<'p, str>>,
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
    ids: Vec<Cow<'p, str>>,
    bodies: Vec<Option<i64>>,
    states: Vec<&'static str>,
    changes: Vec<i64>,
    hashes: Vec<&'p [u8]>,
    derivers: Vec<i64>,
    updated: Vec<Option<Cow<'p, str>>>,
    versions: Vec<i64>,
    rules: Vec<Option<String>>,
    seen: Vec<Option<i64>>,
}

impl<'p> PutHeads<'p> {
    fn add(&mut self, record: &'p PutRecord, body: Option<i64>, seen: Option<i64>) {
        let Head { state, updated_at, hash, change, deriver, versions, rules } = &record.head;
        self.ids.push(text(&record.id));
        self.bodies.push(body);
        self.states.push(state.word());
        self.changes.push(signed(*change));
        self.hashes.push(hash);
        self.derivers.push(signed(*deriver));
        self.updated.push(texts(updated_at.as_ref()));
        self.versions.push(i64::from(*versions));
        self.rules.push(rules.encode());
        self.seen.push(seen);
    }

    async fn run(&self, on: &Session, records: Key) -> DbResult<()> {
        let sql = "INSERT INTO mirror_heads AS h
                       (records, id, body, state, change, hash, deriver, updated_at, versions,
                        rules, seen)
                   SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[],
                       $6::bytea[], $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::bigint[])
                   ON CONFLICT (records, id) DO UPDATE SET body = excluded.body,
                       state = excluded.state, change = excluded.change, hash = excluded.hash,
                       deriver = excluded.deriver, updated_at = excluded.updated_at,
                       versions = excluded.versions, rules = excluded.rules,
                       seen = coalesce(excluded.seen, h.seen)";
        let Self { ids, bodies, states, changes, hashes, .. } = self;
        let Self { derivers, updated, versions, rules, seen, .. } = self;
        on.run(
            sql,
            &[
                &records, ids, bodies, states, changes, hashes, derivers, updated, versions, rules,
                seen,
            ],
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

pub async fn changes(
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
    let deliveries: Vec<_> = all.iter().map(|change| change.delivery.map(signed)).collect();
    let rules: Vec<_> = all.iter().map(|change| change.rule.as_ref().map(json)).collect();
    let sql = "INSERT INTO mirror_changes (mirror, at_ms, number, object, id, kind, ours, source,
                   updated_at, prior, previous, hash, members, delivery, rule)
               SELECT $1, $2, * FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[],
                   $7::boolean[], $8::text[], $9::text[], $10::bigint[], $11::bytea[],
                   $12::bytea[], $13::text[], $14::bigint[], $15::text[])";
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
            &deliveries,
            &rules,
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
pub async fn letters(
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
pub async fn set_moment(on: &Session, mirror: Key, plan: &Plan, now_ms: u64) -> DbResult<()> {
    let logged = !plan.changes.is_empty();
    let prune_ms = logged.then(|| signed(now_ms.saturating_add(retention::LOOK_EVERY_MS)));
    let sql = "UPDATE mirrors SET moment = $1, prune_ms = coalesce(prune_ms, $2)
               WHERE mirror = $3 AND moment <> $1";
    on.run(sql, &[&signed(plan.moment), &prune_ms, &mirror]).await.map(drop)
}
