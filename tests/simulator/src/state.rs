//! What the simulator knows and what changes: the settings, the objects and the counters.

use std::collections::HashMap;

use crate::cache::Cache;
use crate::connections::Connections;
use crate::couriers::catalogue::Catalogue;
use crate::limits::Limits;
use crate::oauth::Grants;
use crate::options::Options;
use crate::store::index::Index;
use crate::store::lookup::Key;
use crate::store::record::Record;
use crate::store::{Slot, Store};
use crate::switches::Ghost;
use crate::text;
use crate::trackings::test_courier;
use crate::trackings::totals::Totals;
use crate::webhooks::Outbox;

/// Everything behind the one lock of the simulator.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The settings.
    pub(crate) options: Options,
    /// The trackings as they are. What lists show is [`State::listed`], so changes go through the
    /// methods of the state.
    pub(crate) store: Store,
    /// What lists show of them.
    pub(crate) index: Index,
    /// What is told of them.
    pub(crate) outbox: Outbox,
    /// The couriers.
    pub(crate) couriers: Catalogue,
    /// The courier connections.
    pub(crate) connections: Connections,
    /// What was used of the limits.
    pub(crate) limits: Limits,
    /// What the authorization server has given out.
    pub(crate) oauth: Grants,
    /// What a cache on the way has kept.
    pub(crate) cache: Cache,
    /// The trackings that are deleted in part.
    pub(crate) ghosts: HashMap<String, Ghost>,
    /// Totals of filtered lists.
    pub(crate) totals: Totals,
    /// How many requests came in.
    pub(crate) requests: u64,
    made: u64,
}

impl State {
    /// An account without trackings and connections.
    pub(crate) fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Takes in a tracking at `at_ms`; one with the same id is replaced.
    ///
    /// # Errors
    /// Says which id holds the slug and number, when another one does.
    pub(crate) fn insert(&mut self, record: Record, at_ms: u64) -> Result<Slot, String> {
        let lag = self.options.index_lag;
        self.index.prepare(&self.store, lag);
        let before = self.store.find(Key::Id(&record.facts.id)).map(|(_, before)| before.clone());
        let slot = self.store.insert(record)?;
        if let Some(after) = self.store.get(slot) {
            self.index.note(lag, at_ms, &after.facts.id, Some(after));
            self.outbox.notice(&self.options, before.as_ref(), after, at_ms);
        }
        Ok(slot)
    }

    /// Takes in a tracking that counts as having been there before: lists show it at once.
    ///
    /// # Errors
    /// As for [`State::insert`].
    pub(crate) fn admit(&mut self, record: Record) -> Result<Slot, String> {
        let slot = self.store.insert(record)?;
        if let Some(record) = self.store.get(slot) {
            self.index.show(record);
        }
        Ok(slot)
    }

    /// Puts another state of a tracking into its slot at `at_ms`.
    pub(crate) fn replace(&mut self, slot: Slot, record: Record, at_ms: u64) {
        let lag = self.options.index_lag;
        self.index.prepare(&self.store, lag);
        if let Some(before) = self.store.get(slot) {
            if before.facts.id != record.facts.id {
                self.index.note(lag, at_ms, &before.facts.id, None);
            }
            self.outbox.notice(&self.options, Some(before), &record, at_ms);
        }
        self.index.note(lag, at_ms, &record.facts.id, Some(&record));
        self.store.replace(slot, record);
    }

    /// Drops a tracking at `at_ms` and answers it.
    pub(crate) fn remove(&mut self, slot: Slot, at_ms: u64) -> Option<Record> {
        let lag = self.options.index_lag;
        self.index.prepare(&self.store, lag);
        let record = self.store.remove(slot)?;
        if self.ghosts.remove(&*record.facts.id).is_some() {
            self.index.unhide(&record.facts.id);
        }
        self.index.note(lag, at_ms, &record.facts.id, None);
        Some(record)
    }

    /// Catches up to `now_ms`: the test courier, what lists show, and what is Pending too long.
    pub(crate) fn settle(&mut self, now_ms: u64) {
        test_courier::settle(self, now_ms);
        self.index.settle(now_ms);
        self.outbox.settle(&self.options, &self.store, now_ms);
    }

    /// The trackings as lists show them.
    pub(crate) fn listed(&self) -> &Store {
        self.index.shown().unwrap_or(&self.store)
    }

    /// A fresh pair of `id` and `legacy_id`.
    pub(crate) fn fresh_ids(&mut self) -> (String, String) {
        loop {
            let seed = self.fresh_seed();
            let id = text::hex(32, seed);
            if self.store.find(Key::Id(&id)).is_none() {
                return (id, text::legacy_id(seed));
            }
        }
    }

    /// A fresh `id` of something that is no tracking.
    pub(crate) fn fresh_id(&mut self) -> String {
        text::hex(32, self.fresh_seed())
    }

    fn fresh_seed(&mut self) -> u64 {
        self.made += 1;
        text::scramble(self.options.seed ^ text::scramble(self.made << 1))
    }
}
