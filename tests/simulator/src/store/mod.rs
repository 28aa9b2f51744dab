//! The trackings of the account: kept as text, found by key, listed in order.

pub(crate) mod index;
pub(crate) mod lookup;
pub(crate) mod order;
pub(crate) mod record;

use std::collections::BTreeSet;
use std::ops::Range;

use lookup::{Key, Lookup};
use order::{Order, Position};
use record::{Record, Words};

/// The place of a tracking in the store while it lives.
pub(crate) type Slot = u32;

/// All trackings, their indexes, and what is due.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    slots: Vec<Option<Record>>,
    free: Vec<Slot>,
    lookup: Lookup,
    order: Order,
    due: BTreeSet<(u64, Slot)>,
    version: u64,
    /// Texts that trackings share.
    pub(crate) words: Words,
}

impl Store {
    /// Takes in a tracking; one with the same id is replaced.
    ///
    /// # Errors
    /// Says which id holds the slug and number, when another one does.
    pub(crate) fn insert(&mut self, record: Record) -> Result<Slot, String> {
        let (slug, number) = (&record.facts.slug, &record.facts.tracking_number);
        if let Some((_, holder)) = self.find(Key::Number(slug, number))
            && holder.facts.id != record.facts.id
        {
            let id = &holder.facts.id;
            return Err(format!("tracking {id} has slug {slug} and number {number} already"));
        }
        Ok(self.put(record))
    }

    /// The same where two trackings may have one slug and number.
    pub(crate) fn put(&mut self, record: Record) -> Slot {
        if let Some((slot, _)) = self.find(Key::Id(&record.facts.id)) {
            self.replace(slot, record);
            return slot;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            Slot::try_from(self.slots.len() - 1).unwrap_or(Slot::MAX)
        });
        self.place(slot, record);
        slot
    }

    /// Takes in many trackings, oldest first, into a store that holds none. Their keys must differ.
    /// Much faster than one by one.
    pub(crate) fn fill(&mut self, records: impl ExactSizeIterator<Item = Record>) {
        self.slots.clear();
        self.free.clear();
        self.slots.reserve_exact(records.len());
        self.slots.extend(records.map(Some));
        let all = || {
            let slots = (0..).zip(self.slots.iter());
            slots.filter_map(|(slot, record): (Slot, _)| Some((&record.as_ref()?.facts, slot)))
        };
        self.lookup.insert_all(all());
        self.order.append(all().map(|(facts, slot)| (facts.created_ms, slot)));
        self.version += 1;
    }

    /// Puts another state of a tracking, or another tracking, into a slot.
    pub(crate) fn replace(&mut self, slot: Slot, record: Record) {
        self.take(slot);
        self.place(slot, record);
    }

    /// Drops a tracking and answers it.
    pub(crate) fn remove(&mut self, slot: Slot) -> Option<Record> {
        let record = self.take(slot)?;
        self.free.push(slot);
        Some(record)
    }

    /// The tracking in a slot.
    pub(crate) fn get(&self, slot: Slot) -> Option<&Record> {
        self.slots.get(usize::try_from(slot).ok()?)?.as_ref()
    }

    /// The tracking of a key.
    pub(crate) fn find(&self, key: Key<'_>) -> Option<(Slot, &Record)> {
        self.lookup
            .candidates(key)
            .filter_map(|slot| Some((slot, self.get(slot)?)))
            .find(|(_, record)| key.matches(&record.facts))
    }

    /// The tracking that an id in a path means: an id, a custom id or a legacy id.
    pub(crate) fn find_by_any_id(&self, id: &str) -> Option<(Slot, &Record)> {
        self.find(Key::Id(id)).or_else(|| self.find(Key::Legacy(id)))
    }

    /// How many trackings there are.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// A number that changes with every change of the trackings.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// The places of the trackings created in a window: from one millisecond (included) to another
    /// (excluded). Higher places are newer; the length is the count.
    pub(crate) fn window(&self, from_ms: u64, to_ms: u64) -> Range<usize> {
        self.order.window(from_ms, to_ms)
    }

    /// How many trackings a list shows after this position: the end of the places still to come.
    pub(crate) fn places_after(&self, position: Position<'_>) -> usize {
        self.order.older_than(position, |slot| id_of(&self.slots, slot))
    }

    /// The trackings at these places, newest first.
    pub(crate) fn newest_first(&self, places: Range<usize>) -> impl Iterator<Item = &Record> {
        self.order.newest_first(places).filter_map(|slot| self.get(slot))
    }

    /// Remembers that a tracking moves on by itself at `due_ms`.
    pub(crate) fn schedule(&mut self, slot: Slot, due_ms: u64) {
        self.due.insert((due_ms, slot));
    }

    /// When the earliest tracking moves on by itself.
    pub(crate) fn first_due(&self) -> Option<u64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }

    /// The earliest tracking that is due at `now_ms`, forgotten by asking.
    pub(crate) fn next_due(&mut self, now_ms: u64) -> Option<(u64, Slot)> {
        let first = self.due.first().copied().filter(|(due_ms, _)| *due_ms <= now_ms)?;
        self.due.remove(&first);
        Some(first)
    }

    fn place(&mut self, slot: Slot, record: Record) {
        self.lookup.insert(&record.facts, slot);
        let position = Position { created_ms: record.facts.created_ms, id: &record.facts.id };
        self.order.insert(position, slot, |slot| id_of(&self.slots, slot));
        if let Some(place) = usize::try_from(slot).ok().and_then(|at| self.slots.get_mut(at)) {
            *place = Some(record);
        }
        self.version += 1;
    }

    fn take(&mut self, slot: Slot) -> Option<Record> {
        let place = usize::try_from(slot).ok()?;
        let record = self.slots.get(place)?.as_ref()?;
        self.lookup.remove(&record.facts, slot);
        let position = Position { created_ms: record.facts.created_ms, id: &record.facts.id };
        self.order.remove(position, slot, |slot| id_of(&self.slots, slot));
        self.version += 1;
        self.slots.get_mut(place)?.take()
    }
}

/// The id of the tracking in a slot; outside the store's methods because they hold other parts of
/// it mutably.
fn id_of(slots: &[Option<Record>], slot: Slot) -> &str {
    let place = usize::try_from(slot).unwrap_or(usize::MAX);
    slots.get(place).and_then(Option::as_ref).map_or("", |record| &record.facts.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::Members;

    fn record(store: &mut Store, id: &str, second: u32) -> Record {
        let text = format!(
            r#"{{"id":"{id}","legacy_id":"l{id}","tracking_number":"n{id}","slug":"dhl","created_at":"2026-11-22T12:00:{second:02}Z","updated_at":"2026-11-22T12:00:00Z"}}"#
        );
        Record::from_members(&Members::parse(&text).unwrap(), &mut store.words).unwrap()
    }

    fn ids(store: &Store) -> Vec<&str> {
        store.newest_first(0..store.len()).map(|record| &*record.facts.id).collect()
    }

    #[test]
    fn trackings_are_found_by_every_key_and_no_longer_once_removed() {
        let mut store = Store::default();
        for (place, id) in ["a", "b", "c"].iter().enumerate() {
            let one = record(&mut store, id, 3 - place as u32);
            store.insert(one).unwrap();
        }
        assert_eq!(ids(&store), ["a", "b", "c"]);
        for key in [Key::Id("b"), Key::Legacy("lb"), Key::Number("dhl", "nb")] {
            assert_eq!(&*store.find(key).unwrap().1.facts.id, "b");
        }
        let (slot, _) = store.find_by_any_id("lb").unwrap();
        store.remove(slot).unwrap();
        assert!(store.find(Key::Id("b")).is_none());
        assert_eq!(ids(&store), ["a", "c"]);
        let next = record(&mut store, "d", 9);
        assert_eq!(store.insert(next), Ok(slot), "a slot is used again");
        assert_eq!(ids(&store), ["d", "a", "c"]);
    }

    #[test]
    fn nothing_is_left_of_what_is_removed() {
        let mut store = Store::default();
        for id in ["a", "b"] {
            let one = record(&mut store, id, 1);
            let again = one.clone();
            store.insert(one).unwrap();
            let slot = store.insert(again).unwrap();
            store.remove(slot).unwrap();
        }
        assert_eq!((store.len(), store.lookup.len()), (0, 0));
    }
}
