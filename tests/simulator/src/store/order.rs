//! The order of lists: newest `created_at` first, then by id.
//!
//! A sorted vector rather than a tree: a position in it is a count, so the total of a window of
//! time costs two binary searches; new trackings go to its end; and it holds 16 bytes a tracking.

use std::cmp::Ordering;
use std::ops::Range;

use super::Slot;

/// Where a tracking stands in lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position<'a> {
    /// `created_at` in milliseconds.
    pub(crate) created_ms: u64,
    /// `id`.
    pub(crate) id: &'a str,
}

impl Position<'_> {
    /// Compares by age, oldest first; of the same age, the one listed last comes first.
    fn by_age(&self, other: &Position<'_>) -> Ordering {
        self.created_ms.cmp(&other.created_ms).then_with(|| other.id.cmp(self.id))
    }
}

/// All trackings, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Order(Vec<(u64, Slot)>);

impl Order {
    /// Takes in a tracking.
    pub(crate) fn insert<'a>(
        &mut self,
        position: Position<'_>,
        slot: Slot,
        id_of: impl Fn(Slot) -> &'a str,
    ) {
        let place = self.older_than(position, id_of);
        self.0.insert(place, (position.created_ms, slot));
    }

    /// Takes in many trackings that are sorted already and all younger than those here; their
    /// times must differ.
    pub(crate) fn append(&mut self, sorted: impl Iterator<Item = (u64, Slot)>) {
        self.0.extend(sorted);
    }

    /// Drops a tracking.
    pub(crate) fn remove<'a>(
        &mut self,
        position: Position<'_>,
        slot: Slot,
        id_of: impl Fn(Slot) -> &'a str,
    ) {
        let place = self.older_than(position, id_of);
        if self.0.get(place).is_some_and(|(_, found)| *found == slot) {
            self.0.remove(place);
        }
    }

    /// How many trackings come after this position in a list.
    pub(crate) fn older_than<'a>(
        &self,
        position: Position<'_>,
        id_of: impl Fn(Slot) -> &'a str,
    ) -> usize {
        self.0.partition_point(|(created_ms, slot)| {
            // The id is looked up only where the times are equal.
            let id = if *created_ms == position.created_ms { id_of(*slot) } else { "" };
            Position { created_ms: *created_ms, id }.by_age(&position) == Ordering::Less
        })
    }

    /// The places of the trackings created from one millisecond (included) to another (excluded).
    pub(crate) fn window(&self, from_ms: u64, to_ms: u64) -> Range<usize> {
        let place = |ms: u64| self.0.partition_point(|(created_ms, _)| *created_ms < ms);
        let start = place(from_ms);
        start..place(to_ms).max(start)
    }

    /// The trackings at these places in the order of lists: newest first.
    pub(crate) fn newest_first(&self, places: Range<usize>) -> impl Iterator<Item = Slot> {
        self.0.get(places).unwrap_or_default().iter().rev().map(|(_, slot)| *slot)
    }

    /// How many trackings there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
