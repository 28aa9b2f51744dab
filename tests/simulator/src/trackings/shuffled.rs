//! Lists in an order that a seed makes up: every tracking has a place that depends on its id alone,
//! so a scan in pages still shows once what does not change, and new ones turn up anywhere.

use std::collections::BinaryHeap;

use crate::store::record::Record;
use crate::text::{digest, scramble};

/// Digits of a place that a JSON number keeps in every reader.
const BITS: u32 = 52;

/// Where a tracking stands; of the same place, the id decides.
pub(super) fn place(seed: u64, id: &str) -> u64 {
    scramble(seed ^ digest(id)) >> (u64::BITS - BITS)
}

/// The first `limit` trackings after a place and id, and whether more follow.
pub(super) fn page<'a>(
    seed: u64,
    records: impl Iterator<Item = &'a Record>,
    after: Option<(u64, &str)>,
    limit: usize,
) -> (Vec<&'a Record>, bool) {
    // No place is so large: it is the beginning, from which a fault may lead on.
    let after = after.filter(|(place, _)| place >> BITS == 0);
    // The largest stands on top, so that only a page is kept, however many there are.
    let mut first = BinaryHeap::with_capacity(limit + 2);
    for record in records {
        let id = &*record.facts.id;
        let key = (place(seed, id), id);
        if after.is_none_or(|after| key > after) {
            first.push(Entry { key, record });
            if first.len() > limit + 1 {
                first.pop();
            }
        }
    }
    let mut page: Vec<_> = first.into_sorted_vec().iter().map(|entry| entry.record).collect();
    let more = page.len() > limit;
    page.truncate(limit);
    (page, more)
}

/// A tracking that is compared by its place alone.
struct Entry<'a> {
    key: (u64, &'a str),
    record: &'a Record,
}

impl PartialEq for Entry<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Entry<'_> {}

impl PartialOrd for Entry<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}
