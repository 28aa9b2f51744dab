//! How many records have which value of a member that is counted.

use std::collections::BTreeMap;

use super::IndexMove;
use crate::mirror::analytics::CELLS;

/// Values of a member that are counted on their own; records with others are counted together.
pub const VALUES: u64 = 1_000;
/// The same for cells of analytics.
pub const CELLS_KEPT: u64 = 5_000;

/// How a value is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// On its own.
    Alone,
    /// With all others for which there was no place.
    Together,
}

/// How a value is counted. It stays so: a value keeps its place when no record has it any more, so that what
/// was counted together is never taken from a place of its own.
#[must_use]
pub fn counted_as(slot: usize, has_place: bool, places: u64) -> Counted {
    let most = if CELLS.contains(&slot) { CELLS_KEPT } else { VALUES };
    match has_place || places < most {
        true => Counted::Alone,
        false => Counted::Together,
    }
}

/// Adds what these moves of a record change.
pub(super) fn count(
    all: &mut BTreeMap<(usize, String), i64>,
    counted: &[usize],
    moves: &[IndexMove],
) {
    for moved in moves.iter().filter(|moved| counted.contains(&moved.slot)) {
        for (value, by) in [(&moved.before, -1), (&moved.after, 1)] {
            if let Some(value) = value {
                *all.entry((moved.slot, value.clone())).or_default() += by;
            }
        }
    }
}
