//! Finds trackings by id, by legacy id, and by slug and number.
//!
//! It keeps a hash and a slot, no second copy of the texts: whoever asks compares the candidates
//! with the tracking itself.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Slot;
use super::record::Facts;

/// What a tracking is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key<'a> {
    /// `id`.
    Id(&'a str),
    /// `legacy_id`.
    Legacy(&'a str),
    /// `slug` and `tracking_number`, unique together.
    Number(&'a str, &'a str),
}

impl Key<'_> {
    /// Whether this is a key of the tracking.
    pub(crate) fn matches(&self, facts: &Facts) -> bool {
        keys(facts).into_iter().flatten().any(|key| key == *self)
    }

    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        Hash::hash(self, &mut hasher);
        hasher.finish()
    }
}

/// The index behind every way to find one tracking.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lookup(BTreeSet<(u64, Slot)>);

impl Lookup {
    /// Takes in the keys of a tracking.
    pub(crate) fn insert(&mut self, facts: &Facts, slot: Slot) {
        self.0.extend(hashes(facts).map(|hash| (hash, slot)));
    }

    /// Takes in the keys of many trackings at once; one bulk build beats a million insertions.
    pub(crate) fn insert_all<'a>(&mut self, all: impl Iterator<Item = (&'a Facts, Slot)>) {
        let mut fresh: BTreeSet<_> =
            all.flat_map(|(facts, slot)| hashes(facts).map(move |hash| (hash, slot))).collect();
        self.0.append(&mut fresh);
    }

    /// Drops the keys of a tracking.
    pub(crate) fn remove(&mut self, facts: &Facts, slot: Slot) {
        for hash in hashes(facts) {
            self.0.remove(&(hash, slot));
        }
    }

    /// The slots that may hold the tracking of this key.
    pub(crate) fn candidates(&self, key: Key<'_>) -> impl Iterator<Item = Slot> {
        let hash = key.hash();
        self.0.range((hash, 0)..=(hash, Slot::MAX)).map(|(_, slot)| *slot)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

fn keys(facts: &Facts) -> [Option<Key<'_>>; 3] {
    [
        Some(Key::Id(&facts.id)),
        facts.legacy_id.as_deref().map(Key::Legacy),
        Some(Key::Number(&facts.slug, &facts.tracking_number)),
    ]
}

fn hashes(facts: &Facts) -> impl Iterator<Item = u64> {
    keys(facts).map(|key| key.map(|key| key.hash())).into_iter().flatten()
}
