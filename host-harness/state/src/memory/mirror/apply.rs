//! Reads what a batch's decision needs, and writes its plan.

use std::collections::BTreeMap;

use super::{ConnectionMirror, Letter, ObjectRows};
use crate::StoreError;
use crate::memory::Rows;
use crate::mirror::history::KEPT;
use crate::mirror::plan::{self, KeptHead, KeptIndex, KeptLetter, Known, OurChange, Plan, PutBody};
use crate::mirror::{Applied, Batch, ChangeKind, ChangeRow};

/// Commits a batch.
pub fn apply(rows: &mut Rows, batch: &Batch, now_ms: u64) -> Result<Applied, StoreError> {
    let forwarded = rows.is_forwarded(&batch.connection);
    rows.make_object(&batch.connection, &batch.object)?;
    let mirror = rows.mirror.of.entry(batch.connection.clone()).or_default();
    let settings = rows.store.rules.get(&batch.connection).cloned().unwrap_or_default();
    let known = Known {
        index: KeptIndex { settings, ..index(mirror, batch) },
        ..known(mirror, batch, forwarded, now_ms)
    };
    let plan = plan::apply(batch, known, now_ms)?;
    for object in plan.objects.iter().skip(1) {
        let derived = rows.make_object(&batch.connection, object)?;
        derived.derived_from = Some(batch.object.clone());
    }
    let mirror = rows.mirror.of.entry(batch.connection.clone()).or_default();
    Ok(write(mirror, &mut rows.mirror.letters, batch, plan, now_ms))
}

fn index(mirror: &ConnectionMirror, batch: &Batch) -> KeptIndex {
    let object = mirror.objects.get(&batch.object);
    let members = object.map(|object| object.index.clone()).unwrap_or_default();
    KeptIndex { members, ..KeptIndex::default() }
}

fn known(mirror: &ConnectionMirror, batch: &Batch, forwarded: bool, now_ms: u64) -> Known {
    let none = ObjectRows::default();
    let object = mirror.objects.get(&batch.object).unwrap_or(&none);
    let scan = object.scan.clone().filter(|_| batch.step.is_some());
    let number = scan.as_ref().map(|row| row.scan);
    let head = |id: &str| {
        let (head, _) = object.records.get(id)?;
        let seen = number.is_some() && object.seen.get(id).copied() == number;
        Some((id.to_owned(), KeptHead { row: 1, head: head.clone(), seen }))
    };
    let heads: BTreeMap<String, KeptHead> = plan::ids(batch).into_iter().filter_map(head).collect();
    let body = |id: &str| Some((id.to_owned(), object.records.get(id)?.1.clone()?));
    let bodies = plan::bodies(batch, &heads, now_ms).into_iter().filter_map(body).collect();
    let letter = |(number, letter): (&u64, &Letter)| {
        (letter.hash, KeptLetter { number: *number, scan: letter.scan })
    };
    let of_object = |(_, letter): &(&u64, &Letter)| letter.row.object == batch.object;
    Known {
        moment: mirror.moment,
        forwarded,
        scan,
        bookmarked_ms: object.bookmarks.range(..=now_ms).next_back().map(|(at_ms, _)| *at_ms),
        index: KeptIndex::default(),
        heads,
        bodies,
        letters: mirror.letters.iter().filter(of_object).map(letter).collect(),
        drifts: object.drifts.clone(),
    }
}

fn write(
    mirror: &mut ConnectionMirror,
    letters: &mut u64,
    batch: &Batch,
    plan: Plan,
    now_ms: u64,
) -> Applied {
    mirror.moment = plan.moment;
    mirror.log(&batch.connection, &plan.objects, plan.changes, now_ms);
    mirror.versions.extend(plan.versions.into_iter().map(|version| (version.change, version)));
    for version in plan.packed {
        mirror.packed.insert(version.change, (now_ms, version.before));
    }
    for number in plan.trims {
        mirror.forget_versions(number, KEPT);
    }
    for ours in plan.ours {
        match ours {
            OurChange::Number(number) => {
                if let Some(row) = mirror.changes.get_mut(&number) {
                    row.ours = true;
                }
            }
            OurChange::HeldAfter(number, holder) => {
                let follows = |row: &ChangeRow| {
                    row.kind == ChangeKind::Deleted
                        && crate::mirror::held::is_held_by(&row.id, &holder)
                };
                let after = mirror.changes.range_mut(number + 1..);
                after
                    .map(|(_, row)| row)
                    .take_while(|row| follows(row))
                    .for_each(|row| row.ours = true);
            }
        }
    }
    for (name, counts) in plan.objects.iter().zip(plan.counts) {
        let object = mirror.objects.entry(name.clone()).or_default();
        object.counts.iter_mut().zip(counts).for_each(|(count, more)| *count += more);
    }
    for letter in plan.letters {
        match letter.number.and_then(|number| mirror.letters.get_mut(&number)) {
            Some(kept) => kept.scan = letter.scan.or(kept.scan),
            None => {
                *letters += 1;
                let of = (batch.connection.as_str(), batch.object.as_str());
                mirror.keep_letter(*letters, of, letter, now_ms);
            }
        }
    }
    let ConnectionMirror { objects, arrivals, .. } = mirror;
    let object = objects.entry(batch.object.clone()).or_default();
    object.values.add(&plan.values);
    for put in plan.records {
        let kept = object.records.remove(&put.id).and_then(|(_, body)| body);
        let body = match put.body {
            PutBody::Keep => kept,
            PutBody::Put(body) => Some(body),
            PutBody::Remove => None,
        };
        if body.is_some() && !object.arrived.contains_key(&put.id) {
            *arrivals += 1;
            object.arrived.insert(put.id.clone(), *arrivals);
        }
        object.records.insert(put.id, (put.head, body));
    }
    if let Some(row) = plan.scan {
        object.seen.extend(plan.seen.into_iter().map(|id| (id, row.scan)));
        object.scan = Some(row);
    }
    object
        .look_ups
        .retain(|id, look_up| !plan.answered.contains(id) || look_up.since > batch.asked);
    for (id, since) in plan.look_ups {
        object.look_ups.entry(id).or_default().since = since;
    }
    object.drifts.extend(plan.drifts);
    if let Some(bookmark) = plan.bookmark {
        object.bookmarks.insert(now_ms, bookmark);
        let newest = object.bookmarks.range(..=plan.bookmarks_until_ms).next_back();
        if let Some(newest) = newest.map(|(at_ms, _)| *at_ms) {
            object.bookmarks.retain(|at_ms, _| *at_ms >= newest);
        }
    }
    plan.applied
}
