//! Reads what a batch's decision needs, and writes its plan.

use std::collections::BTreeMap;

use connector_state::mirror::held::Held;
use connector_state::mirror::plan::{
    self, Body, Head, KeptHead, KeptIndex, KeptLetter, Known, OurChange, Plan, PutBody, PutRecord,
};
use connector_state::mirror::{Applied, Batch, ScanKind, ScanRow, Source};
use connector_state::{Word as _, retention};
use rusqlite::{Connection, OptionalExtension as _, Result, Row};

use super::objects::{self, Object};
use super::{counts, index, look_ups, rules, scan, seen, versions};
use crate::columns::{Column, columns, json, odd, one, prepared, run, signed, value, values};
use crate::fault::DbResult;
use crate::outbox;

columns!(Head [] { state, updated_at, hash, change, deriver, versions, rules });

/// Commits a batch.
pub fn apply(on: &Connection, batch: &Batch, now_ms: u64) -> DbResult<Applied> {
    let object = objects::make(on, &batch.connection, &batch.object)?;
    let (number, index) = index::of(on, object.object)?;
    let known = known(on, object, index, batch, now_ms)?;
    let plan = plan::apply(batch, known, now_ms)?;
    write(on, object, number, batch, &plan, now_ms)?;
    Ok(plan.applied)
}

/// Forgets everything of an object and of what is derived from it. Its records go into a set that is
/// erased in pieces. Answers whether anything was kept of it.
pub fn reset(on: &Connection, connection: &str, object: &str, now_ms: u64) -> DbResult<bool> {
    let Some(object) = objects::find(on, connection, object)? else { return Ok(false) };
    let (mut keys, mut names) = (Vec::new(), Vec::new());
    for (key, name, records) in objects::with_derived(on, object.object)? {
        run(on, "UPDATE mirror_sets SET dropped = 1 WHERE records = ?", [records])?;
        let sql = "UPDATE mirror_objects SET records = ?, live = 0, aged_out = 0, deleted = 0
                   WHERE object = ?";
        run(on, sql, (objects::make_set(on, object.mirror)?, key))?;
        index::replace(on, key)?;
        for table in ["bookmarks", "drifts"] {
            run(on, &format!("DELETE FROM mirror_{table} WHERE object = ?"), [key])?;
        }
        keys.push(key);
        names.push(name);
    }
    let scan = scan::of_object(on, object.object)?;
    let plan = plan::reset(names, moment(on, object.mirror)?, scan.as_ref());
    changes(on, object.mirror, &keys, &plan, now_ms)?;
    plan.scan.iter().try_for_each(|row| scan::put(on, object.object, row))?;
    Ok(true)
}

/// Everything that the decision on a batch needs.
fn known(
    on: &Connection,
    object: Object,
    index: KeptIndex,
    batch: &Batch,
    now_ms: u64,
) -> DbResult<Known> {
    let moment = moment(on, object.mirror)?;
    let scan = match &batch.step {
        Some(_) => scan::of_object(on, object.object)?,
        None => None,
    };
    let full = scan.as_ref().filter(|row: &&ScanRow| row.kind == Some(ScanKind::Full));
    let heads = heads(on, object, batch, full.map(|row| row.scan))?;
    let mut bodies = BTreeMap::new();
    for id in plan::bodies(batch, &heads, now_ms) {
        if let Some(kept) = heads.get(id)
            && let Some(body) = body(on, kept.row)?
        {
            bodies.insert(id.to_owned(), body);
        }
    }
    let mut letters = BTreeMap::new();
    for hash in plan::letters(batch) {
        let sql = "SELECT number, scan FROM mirror_dead_letters WHERE object = ? AND hash = ?";
        let letter = |row: &Row<'_>| Ok(KeptLetter { number: row.get(0)?, scan: row.get(1)? });
        let found = prepared(on, sql)?.query_row((object.object, hash), letter).optional()?;
        letters.extend(found.map(|letter| (hash, letter)));
    }
    let drifts = match batch.drift.is_empty() {
        true => vec![],
        false => values(on, "SELECT pointer FROM mirror_drifts WHERE object = ?", [object.object])?,
    };
    Ok(Known {
        moment,
        forwarded: outbox::are_kept(on, object.mirror)?,
        bookmarked_ms: match &batch.step {
            Some(step) if step.next.is_none() => scan::bookmarked_ms(on, object.object, now_ms)?,
            _ => None,
        },
        scan,
        index,
        heads,
        bodies,
        letters,
        drifts: drifts.into_iter().collect(),
    })
}

fn heads(
    on: &Connection,
    object: Object,
    batch: &Batch,
    full: Option<u64>,
) -> Result<BTreeMap<String, KeptHead>> {
    let mut seen = full.map(|scan| seen::Blocks::new(object.records, scan));
    let mut find = prepared(on, HEAD)?;
    let mut heads = BTreeMap::new();
    for id in plan::ids(batch) {
        let read = |row: &Row<'_>| Ok((crate::columns::Record::read(row)?, row.get("body")?));
        let found: Option<(Head, Option<i64>)> =
            find.query_row((object.records, id), read).optional()?;
        let Some((head, row)) = found else { continue };
        let row = row.unwrap_or_default();
        let seen = match &mut seen {
            Some(blocks) => blocks.has(on, row)?,
            None => false,
        };
        heads.insert(id.to_owned(), KeptHead { row, head, seen });
    }
    Ok(heads)
}

/// The head of a record.
const HEAD: &str = "SELECT body, state, updated_at, hash, change, deriver, versions, rules
    FROM mirror_heads WHERE records = ? AND id = ?";

/// The head of a record.
pub fn head(on: &Connection, object: Object, id: &str) -> Result<Option<Head>> {
    one(on, HEAD, (object.records, id))
}

fn body(on: &Connection, key: i64) -> Result<Option<Body>> {
    let sql = "SELECT created_at, data, held FROM mirror_bodies WHERE body = ?";
    let read = |row: &Row<'_>| {
        Ok(Body { created_at: row.get(0)?, data: row.get(1)?, held: Column::read(row, "held")? })
    };
    prepared(on, sql)?.query_row([key], read).optional()
}

/// As its text; null where nothing is held.
impl Column for Held {
    fn read(row: &Row<'_>, name: &str) -> Result<Self> {
        match row.get_ref(name)?.as_str_or_null()? {
            Some(text) => Self::decode(text).map_err(|why| odd(row, name, why.into())),
            None => Ok(Self::default()),
        }
    }

    fn write(&self, name: &str, to: &mut crate::columns::Values) -> Result<()> {
        self.encode().write(name, to)
    }
}

fn write(
    on: &Connection,
    object: Object,
    index: objects::Key,
    batch: &Batch,
    plan: &Plan,
    now_ms: u64,
) -> DbResult<()> {
    let mut keys = vec![object.object];
    for name in plan.objects.iter().skip(1) {
        keys.push(objects::make_derived(on, &batch.connection, name, object.object)?.object);
    }
    let rows = records(on, object, index, &plan.records)?;
    counts::add(on, index, &plan.values)?;
    changes(on, object.mirror, &keys, plan, now_ms)?;
    if plan.scan.as_ref().is_some_and(|row| row.kind == Some(ScanKind::Full)) {
        let scan = plan.scan.as_ref().map(|row| row.scan).unwrap_or_default();
        let mut blocks = seen::Blocks::new(object.records, scan);
        for id in &plan.seen {
            let row = match rows.get(id.as_str()) {
                Some(row) => Some(*row),
                None => key_of(on, object, id)?,
            };
            if let Some(row) = row {
                blocks.set(on, row)?;
            }
        }
        blocks.write(on)?;
    }
    for id in &plan.answered {
        look_ups::settle(on, object.records, id, batch.asked)?;
    }
    for (id, since) in &plan.look_ups {
        look_ups::add(on, object.records, id, *since)?;
    }
    plan.letters
        .iter()
        .try_for_each(|letter| look_ups::put_letter(on, object.object, letter, now_ms))?;
    for pointer in &plan.drifts {
        let sql = "INSERT INTO mirror_drifts (object, pointer) VALUES (?, ?)";
        run(on, sql, (object.object, pointer))?;
    }
    if let Some(row) = &plan.scan {
        scan::put(on, object.object, row)?;
    }
    if let Some(bookmark) = &plan.bookmark {
        scan::keep_bookmark(on, object.object, bookmark, now_ms, plan.bookmarks_until_ms)?;
    }
    for (key, counts) in keys.iter().zip(&plan.counts) {
        let [live, aged_out, deleted] = counts;
        if *counts != [0; 3] {
            let sql = "UPDATE mirror_objects SET live = live + ?, aged_out = aged_out + ?,
                           deleted = deleted + ? WHERE object = ?";
            run(on, sql, (live, aged_out, deleted, key))?;
        }
    }
    Ok(())
}

/// Puts records; answers the keys of the new ones' contents.
fn records<'p>(
    on: &Connection,
    object: Object,
    index: objects::Key,
    records: &'p [PutRecord],
) -> DbResult<BTreeMap<&'p str, i64>> {
    let (mut new, mut moved) = (BTreeMap::new(), index::Moved::default());
    for PutRecord { id, row, head, body, moves, rules } in records {
        let kept = row.filter(|row| *row != 0);
        let key = match body {
            PutBody::Keep => kept,
            PutBody::Remove => {
                run(on, "DELETE FROM mirror_bodies WHERE body = ?", [kept])?;
                kept
            }
            PutBody::Put(Body { created_at, data, held }) => {
                let held = held.encode();
                let sql =
                    "UPDATE mirror_bodies SET created_at = ?, data = ?, held = ? WHERE body = ?";
                match kept {
                    Some(key) if run(on, sql, (created_at, data, &held, key))? > 0 => Some(key),
                    // A new one, or one that is back.
                    _ => {
                        let sql = "INSERT INTO mirror_bodies (body, created_at, data, held)
                                   VALUES (?, ?, ?, ?)";
                        run(on, sql, (kept, created_at, data, held))?;
                        new.insert(id.as_str(), on.last_insert_rowid());
                        Some(on.last_insert_rowid())
                    }
                }
            }
        };
        moved.add(key.unwrap_or_default(), moves);
        let Head { state, updated_at, hash, change, deriver, versions, rules: held } = head;
        let sql = match row {
            Some(_) => {
                "UPDATE mirror_heads SET body = ?, state = ?, change = ?, hash = ?, deriver = ?,
                            updated_at = ?, versions = ?, rules = ? WHERE records = ? AND id = ?"
            }
            None => {
                "INSERT INTO mirror_heads
                         (body, state, change, hash, deriver, updated_at, versions, rules, records, id)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            }
        };
        let deriver = deriver.cast_signed();
        let (state, change) = (state.word(), signed(*change));
        let held = held.encode();
        let of =
            (key, state, change, hash, deriver, updated_at, versions, held, object.records, id);
        run(on, sql, of)?;
        rules::write(on, object.records, key.unwrap_or_default(), id, rules)?;
    }
    moved.write(on, index)?;
    Ok(new)
}

/// Logs the changes of a plan, and what belongs to them.
pub fn changes(
    on: &Connection,
    mirror: i64,
    keys: &[i64],
    plan: &Plan,
    now_ms: u64,
) -> DbResult<()> {
    let mut log = prepared(
        on,
        "INSERT INTO mirror_changes
             (mirror, number, object, id, kind, ours, source, at_ms, updated_at, prior, previous,
              hash, members, delivery, rule)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for change in &plan.changes {
        let members = match change.members.is_empty() {
            true => None,
            false => Some(json(&change.members)?),
        };
        let object = keys.get(change.object).copied().unwrap_or_default();
        log.execute((
            mirror,
            signed(change.number),
            object,
            &change.id,
            change.kind.word(),
            change.ours,
            change.source.map(Source::word),
            signed(now_ms),
            &change.updated_at,
            change.prior.map(signed),
            change.previous,
            change.hash,
            members,
            change.delivery.map(signed),
            change.rule.as_ref().map(json).transpose()?,
        ))?;
    }
    versions::keep(on, mirror, plan, now_ms)?;
    outbox::keep(on, mirror, &plan.versions)?;
    for ours in &plan.ours {
        match ours {
            OurChange::Number(number) => {
                let sql = "UPDATE mirror_changes SET ours = 1 WHERE mirror = ? AND number = ?";
                run(on, sql, (mirror, signed(*number)))?;
            }
            OurChange::HeldAfter(number, holder) => {
                // What a record held ends right after it, under ids that begin with its own.
                let sql = "UPDATE mirror_changes SET ours = 1
                           WHERE mirror = ?1 AND number > ?2 AND number < (
                               SELECT coalesce(min(number), 9223372036854775807) FROM mirror_changes
                               WHERE mirror = ?1 AND number > ?2 AND NOT (kind = 'deleted'
                                   AND (id = ?3 OR substr(id, 1, length(?3) + 1) = ?3 || '/')))";
                run(on, sql, (mirror, signed(*number), holder))?;
            }
        }
    }
    set_moment(on, mirror, plan.moment, now_ms, !plan.changes.is_empty())
}

/// Keeps the moment that was reached; with changes, also when to look for those that are too old.
fn set_moment(
    on: &Connection,
    mirror: i64,
    moment: u64,
    now_ms: u64,
    logged: bool,
) -> DbResult<()> {
    let prune_ms = logged.then(|| signed(now_ms.saturating_add(retention::LOOK_EVERY_MS)));
    let sql = "UPDATE mirrors SET moment = ?1, prune_ms = coalesce(prune_ms, ?2)
               WHERE mirror = ?3 AND moment <> ?1";
    run(on, sql, (signed(moment), prune_ms, mirror))?;
    Ok(())
}

/// How often anything of a connection has changed so far.
pub fn moment(on: &Connection, mirror: i64) -> Result<u64> {
    Ok(value(on, "SELECT moment FROM mirrors WHERE mirror = ?", [mirror])?.unwrap_or_default())
}

fn key_of(on: &Connection, object: Object, id: &str) -> Result<Option<i64>> {
    let sql = "SELECT body FROM mirror_heads WHERE records = ? AND id = ?";
    Ok(value::<Option<i64>>(on, sql, (object.records, id))?.flatten())
}
