//! What the simulator knows and what changes: the settings, the objects and the counters.

use crate::connections::Connections;
use crate::couriers::catalogue::Catalogue;
use crate::limits::Limits;
use crate::oauth::Grants;
use crate::options::Options;
use crate::store::Store;
use crate::store::lookup::Key;
use crate::text;
use crate::trackings::totals::Totals;

/// Everything behind the one lock of the simulator.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The settings.
    pub(crate) options: Options,
    /// The trackings.
    pub(crate) store: Store,
    /// The couriers.
    pub(crate) couriers: Catalogue,
    /// The courier connections.
    pub(crate) connections: Connections,
    /// What was used of the limits.
    pub(crate) limits: Limits,
    /// What the authorization server has given out.
    pub(crate) oauth: Grants,
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
