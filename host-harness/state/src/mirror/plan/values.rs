//! How many records have which value of a member that is counted.

use std::collections::{BTreeMap, BTreeSet};

use super::IndexMove;
use crate::mirror::analytics::{self, CELLS, ENTERED};
use crate::mirror::index::{MemberIndex, Values};

/// Values of a member that are counted on their own; records with others are counted together.
pub const VALUES: u64 = 1_000;
/// The same for cells of analytics.
pub const CELLS_KEPT: u64 = 5_000;

/// How many more records have a value, by slot and value, by one commit.
pub type ValueMoves = BTreeMap<usize, BTreeMap<String, i64>>;

/// Counts by value: all of some slots, or what some moves need of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValueRows(BTreeMap<usize, SlotRows>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct SlotRows {
    /// Values that have a place of their own.
    alone: BTreeMap<String, i64>,
    /// Records with values for which there was no place.
    together: i64,
    /// How many places are taken, those of values that are not in `alone` included.
    taken: u64,
    /// How many of these are of values that no record has any more.
    empty: u64,
}

impl ValueRows {
    /// Takes a row as it is kept; no value: records that are counted together.
    pub fn put(&mut self, slot: usize, value: Option<String>, records: i64) {
        let rows = self.0.entry(slot).or_default();
        match value {
            Some(value) => {
                rows.taken += 1;
                rows.empty += u64::from(records == 0);
                rows.alone.insert(value, records);
            }
            None => rows.together = records,
        }
    }

    /// Of those slots of which not all rows were put: for which of them [`ValueRows::set_places`] is needed
    /// before these moves are added.
    #[must_use]
    pub fn without_places(&self, moves: &ValueMoves) -> Vec<usize> {
        let none = SlotRows::default();
        let needs = |(slot, moved): &(&usize, &BTreeMap<String, i64>)| {
            let rows = self.0.get(slot).unwrap_or(&none);
            (*slot == &ENTERED || rows.together == 0)
                && moved.keys().any(|value| !rows.alone.contains_key(value))
        };
        moves.iter().filter(needs).map(|(slot, _)| *slot).collect()
    }

    /// How many places of a slot are taken, and how many of these by values that no record has.
    pub fn set_places(&mut self, slot: usize, taken: u64, empty: u64) {
        let rows = self.0.entry(slot).or_default();
        (rows.taken, rows.empty) = (taken, empty);
    }

    /// Adds the moves of a commit. Answers of which slots the rows that say 0 are to be erased, before
    /// [`ValueRows::row`] says what the others are.
    ///
    /// A value keeps its place when no record has it any more, until places run out while nothing is counted
    /// together: so what was counted together is never taken from a place of its own. Of [`ENTERED`] nothing
    /// is ever taken: its places are given up with their days ([`forgotten`]).
    pub fn add(&mut self, moves: &ValueMoves) -> BTreeSet<usize> {
        let mut freed = BTreeSet::new();
        for (slot, moved) in moves {
            let most = if CELLS.contains(slot) { CELLS_KEPT } else { VALUES };
            let rows = self.0.entry(*slot).or_default();
            if let Some(first) = forgotten(moves).filter(|_| *slot == ENTERED) {
                let kept = rows.alone.split_off(&first);
                rows.taken -= std::mem::replace(&mut rows.alone, kept).len() as u64;
            }
            // It stays so for all of the commit: then nobody needs to know the places.
            let falls = *slot != ENTERED;
            let was_shared = falls && rows.together != 0;
            for (value, by) in moved.iter().filter(|(_, by)| **by != 0) {
                if let Some(records) = rows.alone.get_mut(value) {
                    let was_empty = *records == 0;
                    *records += by;
                    rows.empty += u64::from(*records == 0);
                    rows.empty -= u64::from(was_empty);
                    continue;
                }
                let is_shared = was_shared || (falls && rows.together != 0);
                if !is_shared && rows.taken >= most && rows.empty > 0 {
                    rows.alone.retain(|_, records| *records != 0);
                    rows.taken -= rows.empty;
                    rows.empty = 0;
                    freed.insert(*slot);
                }
                if is_shared || rows.taken >= most {
                    rows.together += by;
                } else {
                    rows.alone.insert(value.clone(), *by);
                    rows.taken += 1;
                }
            }
        }
        freed
    }

    /// What the row of a value, or of those that are counted together, says by now; `None`: there is none.
    #[must_use]
    pub fn row(&self, slot: usize, value: Option<&str>) -> Option<i64> {
        let rows = self.0.get(&slot)?;
        match value {
            Some(value) => rows.alone.get(value).copied(),
            None => Some(rows.together).filter(|records| *records != 0),
        }
    }

    /// The values of a slot that are counted on their own, in their order, and how many records have others.
    #[must_use]
    pub fn of(&self, slot: usize) -> (Vec<(String, u64)>, u64) {
        let Some(rows) = self.0.get(&slot) else { return (vec![], 0) };
        let count = |records: &i64| u64::try_from(*records).unwrap_or_default();
        let alone = rows.alone.iter().map(|(value, records)| (value.clone(), count(records)));
        (alone.filter(|(_, records)| *records > 0).collect(), count(&rows.together))
    }
}

/// Rows of [`ENTERED`] with values before this one are to be erased before these moves are added.
#[must_use]
pub fn forgotten(moves: &ValueMoves) -> Option<String> {
    analytics::kept_from(moves.get(&ENTERED)?.keys().next_back()?)
}

/// Counts a record that was not counted before. `updated_at`: when the provider says that it last changed.
pub fn count_new(
    all: &mut ValueMoves,
    index: &MemberIndex,
    values: &Values,
    updated_at: Option<&str>,
    now_ms: u64,
) {
    for slot in index.all_counted() {
        // Not every record is in a cell of each kind.
        let Some(value) = values.get(slot) else { continue };
        *all.entry(slot).or_default().entry(value.clone()).or_default() += 1;
    }
    count_entered(all, None, Some(values), updated_at, now_ms);
}

/// Counts that a record has entered a status, where it was in another one before, or not there.
pub(super) fn count_entered(
    all: &mut ValueMoves,
    before: Option<&Values>,
    after: Option<&Values>,
    updated_at: Option<&str>,
    now_ms: u64,
) {
    let status = |values: Option<&'_ Values>| values.and_then(|values| values.status.clone());
    let (before, after) = (status(before), status(after));
    let entered = after.filter(|after| before.as_ref() != Some(after));
    if let Some(cell) = entered.and_then(|it| analytics::entered(&it, updated_at, now_ms)) {
        *all.entry(ENTERED).or_default().entry(cell).or_default() += 1;
    }
}

/// Counts what these moves of a record change.
pub(super) fn count<'m>(
    all: &mut ValueMoves,
    counted: &[usize],
    moves: impl Iterator<Item = &'m IndexMove>,
) {
    for moved in moves.filter(|moved| counted.contains(&moved.slot)) {
        for (value, by) in [(&moved.before, -1), (&moved.after, 1)] {
            if let Some(value) = value {
                *all.entry(moved.slot).or_default().entry(value.clone()).or_default() += by;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any slot of a member.
    const SLOT: usize = 7;

    /// Applies moves as a database does that reads only what they need.
    fn add_by_parts(all: &mut ValueRows, moves: &ValueMoves) {
        let rows = all.0.entry(SLOT).or_default();
        let mut some = ValueRows::default();
        let there = moves[&SLOT].keys().filter_map(|key| rows.alone.get_key_value(key));
        there.for_each(|(value, records)| some.put(SLOT, Some(value.clone()), *records));
        some.put(SLOT, None, rows.together);
        for slot in some.without_places(moves) {
            let empty = rows.alone.values().filter(|records| **records == 0).count();
            some.set_places(slot, rows.alone.len() as u64, empty as u64);
        }
        if some.add(moves).contains(&SLOT) {
            rows.alone.retain(|_, records| *records != 0);
        }
        for value in moves[&SLOT].keys() {
            match some.row(SLOT, Some(value)) {
                Some(records) => drop(rows.alone.insert(value.clone(), records)),
                None => drop(rows.alone.remove(value)),
            }
        }
        rows.together = some.row(SLOT, None).unwrap_or_default();
        rows.taken = rows.alone.len() as u64;
        rows.empty = rows.alone.values().filter(|records| **records == 0).count() as u64;
    }

    #[test]
    fn counts_are_right_however_many_values_come_and_go() {
        // Numbers that look random and are the same each time (Knuth's MMIX).
        let mut seed = 3_u64;
        let mut below = |end: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % end
        };
        let (mut all, mut by_parts) = (ValueRows::default(), ValueRows::default());
        let mut records: BTreeMap<u64, String> = BTreeMap::new();
        let (mut was_shared, mut gave_back, mut freed) = (false, false, false);
        for round in 0..600 {
            // More values than there are places, then none, then others.
            let (values, from) = [(1_300, 0), (0, 0), (1_300, 500)][round / 100 % 3];
            let mut moves = ValueMoves::new();
            let moved = moves.entry(SLOT).or_default();
            for _ in 0..200 {
                let id = below(2_500);
                let value = (values > 0).then(|| format!("{:04}", from + below(values)));
                let before = match &value {
                    Some(value) => records.insert(id, value.clone()),
                    None => records.remove(&id),
                };
                for (value, by) in [(before, -1), (value, 1)] {
                    value.into_iter().for_each(|it| *moved.entry(it).or_default() += by);
                }
            }
            freed |= !all.add(&moves).is_empty();
            add_by_parts(&mut by_parts, &moves);
            assert_eq!(all, by_parts, "round {round}");
            let mut expected: BTreeMap<&String, u64> = BTreeMap::new();
            records.values().for_each(|value| *expected.entry(value).or_default() += 1);
            let (alone, others) = all.of(SLOT);
            assert!(alone.iter().all(|(value, count)| expected.get(value) == Some(count)));
            let total: u64 = alone.iter().map(|(_, count)| count).sum();
            assert_eq!(total + others, records.len() as u64, "round {round}");
            assert!(all.0[&SLOT].taken <= VALUES);
            gave_back |= was_shared && others == 0;
            was_shared = others > 0;
        }
        assert!(gave_back && freed, "the numbers of this test show nothing");
    }
}
