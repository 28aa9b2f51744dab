//! What the simulator knows and what changes: the settings, the trackings and the counters.

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
    /// An account without trackings.
    pub(crate) fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// A fresh pair of `id` and `legacy_id`.
    pub(crate) fn fresh_ids(&mut self) -> (String, String) {
        loop {
            self.made += 1;
            let seed = text::scramble(self.options.seed ^ text::scramble(self.made << 1));
            let id = text::hex(32, seed);
            if self.store.find(Key::Id(&id)).is_none() {
                return (id, text::legacy_id(seed));
            }
        }
    }
}
