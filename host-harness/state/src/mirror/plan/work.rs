//! A batch under way: what it has changed so far, and the plan that grows.

use std::collections::BTreeMap;

use super::{
    Body, ChangedVersions, Head, IndexMove, Known, PackedVersion, Plan, PlannedChange, PutBody,
    PutRecord, ValueMoves, values,
};
use crate::StoreError;
use crate::mirror::analytics::CELLS;
use crate::mirror::held::{Held, holders_of};
use crate::mirror::history::{self, Packer};
use crate::mirror::index::{UPDATED, ValueReader, Values, updated};
use crate::mirror::rules::{self, Followed};
use crate::mirror::version::Decision;
use crate::mirror::{Batch, RecordState, Source};

/// How many records of each object are held.
pub(super) type HeldCounts = BTreeMap<String, usize>;

/// A record that the batch changes.
pub(super) struct Touched {
    row: Option<i64>,
    /// As it was: its state, and how many records of each object it held.
    before: Option<(RecordState, HeldCounts)>,
    head: Head,
    body: PutBody,
}

/// A batch under way.
pub(super) struct Work<'b> {
    pub(super) batch: &'b Batch,
    pub(super) now_ms: u64,
    /// Number of the full scan that the batch is of, if it is of one.
    pub(super) full: Option<u64>,
    pub(super) known: Known,
    pub(super) plan: Plan,
    pub(super) packer: Packer<'b>,
    /// Reads the values of records for the index.
    pub(super) reader: ValueReader,
    /// Those of records whose content was taken, as they were before the batch.
    pub(super) values_before: BTreeMap<String, Values>,
    /// What the batch has changed so far: newer than what is in `known`.
    pub(super) touched: BTreeMap<String, Touched>,
}

impl Work<'_> {
    pub(super) fn head(&self, id: &str) -> Option<&Head> {
        let touched = self.touched.get(id).map(|touched| &touched.head);
        touched.or_else(|| self.known.heads.get(id).map(|kept| &kept.head))
    }

    /// The content as it is by now. It is put back by [`Work::put`].
    pub(super) fn take_body(&mut self, id: &str) -> Result<Body, StoreError> {
        if let Some(touched) = self.touched.get_mut(id)
            && let PutBody::Put(body) = &mut touched.body
        {
            return Ok(std::mem::take(body));
        }
        let known = self.known.bodies.remove(id);
        let known = known
            .ok_or_else(|| StoreError::ChangedMeanwhile { object: self.batch.object.clone() })?;
        if self.known.index.covers(id) {
            let updated_at =
                self.known.heads.get(id).and_then(|kept| kept.head.updated_at.as_deref());
            let made = known.created_at.as_deref();
            let values = self.reader.values(id, made, updated_at, &known.data);
            self.values_before.insert(id.to_owned(), values);
        }
        Ok(known)
    }

    pub(super) fn give_back(&mut self, id: &str, body: Body) {
        match self.touched.get_mut(id) {
            Some(Touched { body: PutBody::Put(taken), .. }) => *taken = body,
            _ => drop(self.known.bodies.insert(id.to_owned(), body)),
        }
    }

    /// What cannot be decided is looked up; an answer to that takes it off the list.
    pub(super) fn decided(&mut self, id: &str, decision: Decision) {
        if decision == Decision::LookUp {
            let since = self.tick();
            self.plan.look_ups.insert(id.to_owned(), since);
            let listed = &mut self.plan.applied.look_up;
            if !listed.iter().any(|listed| listed == id) {
                listed.push(id.to_owned());
            }
        } else if matches!(self.batch.source, Source::Lookup | Source::Ours) {
            self.plan.answered.insert(id.to_owned());
        }
    }

    /// Notes that the full scan has seen the record, if it had not.
    pub(super) fn mark(&mut self, id: &str) {
        let was_seen = self.known.heads.get(id).is_some_and(|kept| kept.seen);
        if self.full.is_some() && !was_seen && self.plan.seen.insert(id.to_owned()) {
            self.plan.applied.unseen += 1;
        }
    }

    /// Counts the moment up.
    pub(super) fn tick(&mut self) -> u64 {
        self.plan.moment += 1;
        self.plan.moment
    }

    /// Logs a change under the next number, and returns that.
    pub(super) fn log(
        &mut self,
        change: PlannedChange,
        before: Option<&str>,
        after: Option<&str>,
    ) -> u64 {
        let number = self.tick();
        // What is told of a whole object is nobody's write.
        let ours = self.batch.source == Source::Ours && !change.id.is_empty();
        if self.known.forwarded && !change.id.is_empty() {
            let (before, after) = (before.map(str::to_owned), after.map(str::to_owned));
            self.plan.versions.push(ChangedVersions { change: number, before, after });
        }
        let source = (!change.id.is_empty()).then_some(self.batch.source);
        // What a record holds comes with it.
        let told = |id| self.batch.deliveries.get(id).copied();
        let delivery = match self.batch.deliveries.is_empty() {
            true => None,
            false => holders_of(&change.id).find_map(told),
        };
        self.plan.changes.push(PlannedChange { number, ours, source, delivery, ..change });
        self.plan.applied.newest = number;
        number
    }

    /// Keeps what a record's change has `replaced`, for its history; `after`: the place of what it brought
    /// among the batch's records. With this change the record has had so many.
    pub(super) fn keep_version(
        &mut self,
        change: u64,
        versions: u32,
        replaced: Option<&str>,
        after: Option<usize>,
    ) -> Result<(), StoreError> {
        if let Some(before) = replaced {
            let after = after.and_then(|index| self.batch.records.get(index));
            let after = after.map(|record| record.data.as_str());
            let before = self.packer.pack(before, after)?;
            self.plan.packed.push(PackedVersion { change, before });
        }
        if history::trims(versions) {
            self.plan.trims.push(change);
        }
        Ok(())
    }

    pub(super) fn put(
        &mut self,
        id: &str,
        before: Option<(RecordState, HeldCounts)>,
        head: Head,
        body: PutBody,
    ) {
        let row = self.known.heads.get(id).map(|kept| kept.row);
        match self.touched.get_mut(id) {
            Some(touched) => {
                touched.head = head;
                if body != PutBody::Keep {
                    if touched.body == PutBody::Keep {
                        touched.before = before;
                    }
                    touched.body = body;
                }
            }
            None => {
                self.touched.insert(id.to_owned(), Touched { row, before, head, body });
            }
        }
    }

    /// The values of a record by its content, where that is put.
    fn values(&self, id: &str, head: &Head, body: &PutBody) -> Option<Values> {
        match body {
            PutBody::Put(body) if head.state != RecordState::Deleted => {
                let made = body.created_at.as_deref();
                Some(self.reader.values(id, made, head.updated_at.as_deref(), &body.data))
            }
            _ => None,
        }
    }

    /// What becomes of the rules of a record that now has these values. They hold while it is live.
    fn rules(&self, head: &Head, body: &PutBody, after: Option<&Values>) -> Followed {
        if *body == PutBody::Keep {
            return Followed { after: head.rules.clone(), ..Followed::default() };
        }
        let live = after.filter(|_| head.state == RecordState::Live);
        let since = live.map_or(&[][..], |values| &values.rules);
        let index = &self.known.index;
        let due = rules::due(&index.members.rules, &index.settings, since);
        rules::follow(&head.rules, &due, self.now_ms)
    }

    /// What becomes of a record in the index; what it changes of counts by value is added to `counts`.
    fn moves(
        &self,
        id: &str,
        head: &Head,
        body: &PutBody,
        after: Option<&Values>,
        counts: &mut ValueMoves,
    ) -> Vec<IndexMove> {
        if !self.known.index.covers(id) {
            return vec![];
        }
        let known = self.known.heads.get(id).map(|kept| &kept.head);
        let was = known.filter(|known| known.state != RecordState::Deleted);
        if let (Some(was), PutBody::Keep) = (was, body) {
            let (before, after) = (&was.updated_at, &head.updated_at);
            let (before, after) = (updated(before.as_deref()), updated(after.as_deref()));
            let is_other = before != after;
            let moved = IndexMove { slot: UPDATED, before: Some(before), after: Some(after) };
            return is_other.then_some(moved).into_iter().collect();
        }
        let before = was.and_then(|_| self.values_before.get(id));
        let all = before.or(after);
        let slots = all.map_or(0, |values| values.slots.len());
        // A record may be in a cell of a kind before, and in none after.
        let cells = all.into_iter().flat_map(|_| CELLS);
        let moved = |slot| {
            let of = |values: Option<&Values>| values.and_then(|it| it.get(slot)).cloned();
            let (before, after) = (of(before), of(after));
            (before != after).then_some(IndexMove { slot, before, after })
        };
        let moves: Vec<IndexMove> = (0..slots).filter_map(moved).collect();
        let cells: Vec<IndexMove> = cells.filter_map(moved).collect();
        let counted: Vec<usize> = self.known.index.members.all_counted().collect();
        values::count(counts, &counted, moves.iter().chain(&cells));
        let updated_at = head.updated_at.as_deref();
        values::count_entered(counts, before, after, updated_at, self.now_ms);
        moves
    }

    /// The plan, with what follows from what was changed: counts, and the index.
    pub(super) fn finish(mut self) -> Plan {
        let mut plan = std::mem::take(&mut self.plan);
        let touched = std::mem::take(&mut self.touched);
        let mut all: BTreeMap<String, [i64; 3]> = BTreeMap::new();
        for (id, Touched { row, before, mut head, body }) in touched {
            let values = self.values(&id, &head, &body);
            let moves = self.moves(&id, &head, &body, values.as_ref(), &mut plan.values);
            let followed = self.rules(&head, &body, values.as_ref());
            plan.tell(&id, head.updated_at.as_deref(), &followed.told);
            head.rules = followed.after;
            let after = match &body {
                PutBody::Put(body) => Some(counts(&body.held)),
                PutBody::Remove => Some(HeldCounts::new()),
                PutBody::Keep => None,
            };
            if let Some(after) = after {
                if let Some((state, held)) = before {
                    count(&mut all, &self.batch.object, state, held, -1);
                }
                count(&mut all, &self.batch.object, head.state, after, 1);
            }
            plan.records.push(PutRecord { id, row, head, body, moves, rules: followed.moves });
        }
        for object in all.keys() {
            index_of(&mut plan.objects, object);
        }
        plan.counts =
            plan.objects.iter().map(|object| all.remove(object).unwrap_or_default()).collect();
        plan
    }
}

/// The index of an object, which is added where it is not there: what is held of objects that the batch
/// does not name changes with its holder.
pub(super) fn index_of(objects: &mut Vec<String>, object: &str) -> usize {
    objects.iter().position(|name| name == object).unwrap_or_else(|| {
        objects.push(object.to_owned());
        objects.len() - 1
    })
}

pub(super) fn counts(held: &Held) -> HeldCounts {
    held.0.iter().map(|(object, records)| (object.clone(), records.len())).collect()
}

/// Counts a record of `object`, and what it holds. Derived records that are gone are not kept, so not
/// counted.
fn count(
    all: &mut BTreeMap<String, [i64; 3]>,
    object: &str,
    state: RecordState,
    held: HeldCounts,
    by: i64,
) {
    let at = match state {
        RecordState::Live => 0,
        RecordState::AgedOut => 1,
        RecordState::Deleted => 2,
    };
    let held = held.into_iter().filter(|_| state != RecordState::Deleted);
    for (object, records) in held.chain([(object.to_owned(), 1)]) {
        if let Some(count) = all.entry(object).or_default().get_mut(at) {
            *count += by * i64::try_from(records).unwrap_or(i64::MAX);
        }
    }
}
