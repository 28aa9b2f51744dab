//! What lists show while their index lags behind: every change of a tracking reaches it some time
//! after it was made.
//!
//! There is no second copy of the trackings until the first change that lags.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use super::Store;
use super::lookup::Key;
use super::record::Record;
use crate::text::scramble;

/// How long after a change lists still show what was there before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexLag {
    /// Lists show every change at once.
    #[default]
    None,
    /// So many milliseconds after each change.
    Fixed(u64),
    /// From nothing up to `most_ms` milliseconds, another time for each change, so that a later
    /// change may show before an earlier one of another tracking. Of one tracking, an earlier
    /// state never comes back.
    Random {
        /// Decides the times.
        seed: u64,
        /// The longest time, in milliseconds.
        most_ms: u64,
    },
}

/// Text that is no lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLag;

impl fmt::Display for BadLag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("seconds, or a seed and seconds as in `7:30`")
    }
}

impl std::error::Error for BadLag {}

/// `SECONDS`, or `SEED:SECONDS`.
impl FromStr for IndexLag {
    type Err = BadLag;

    fn from_str(text: &str) -> Result<Self, BadLag> {
        let millis = |text: &str| {
            let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=1e9).contains(seconds));
            seconds.map(|seconds| (seconds * 1000.0) as u64).ok_or(BadLag)
        };
        match text.split_once(':') {
            Some((seed, most)) => {
                let seed = seed.parse().map_err(|_| BadLag)?;
                Ok(Self::Random { seed, most_ms: millis(most)? })
            }
            None => Ok(match millis(text)? {
                0 => Self::None,
                ms => Self::Fixed(ms),
            }),
        }
    }
}

impl IndexLag {
    /// The lag of change number `count`, in milliseconds.
    fn of_change(self, count: u64) -> u64 {
        match self {
            Self::None => 0,
            Self::Fixed(ms) => ms,
            Self::Random { seed, most_ms } => {
                scramble(seed ^ scramble(count)) % most_ms.saturating_add(1)
            }
        }
    }
}

/// The trackings as lists show them, where that differs from what they are.
#[derive(Debug, Default)]
pub(crate) struct Index {
    shown: Option<Store>,
    /// By the time at which it shows, then by its number.
    waiting: BTreeMap<(u64, u64), Change>,
    /// The ids that lists do not show at all.
    hidden: HashSet<Box<str>>,
    /// The number of the latest change of an id that shows, while any change waits.
    latest: HashMap<Box<str>, u64>,
    changes: u64,
}

/// What became of a tracking.
#[derive(Debug)]
struct Change {
    id: Box<str>,
    /// `None`: it was deleted.
    state: Option<Record>,
}

impl Index {
    /// Must be told before a change is made: from here on, what lists show may differ from `store`.
    pub(crate) fn prepare(&mut self, store: &Store, lag: IndexLag) {
        if lag != IndexLag::None && self.shown.is_none() {
            self.shown = Some(store.clone());
        }
    }

    /// Takes in what became of an id at `at_ms`.
    pub(crate) fn note(&mut self, lag: IndexLag, at_ms: u64, id: &str, state: Option<&Record>) {
        if self.shown.is_some() {
            self.changes += 1;
            let shows_ms = at_ms.saturating_add(lag.of_change(self.changes));
            let change = Change { id: id.into(), state: state.cloned() };
            self.waiting.insert((shows_ms, self.changes), change);
        }
    }

    /// Shows a tracking at once.
    pub(crate) fn show(&mut self, record: &Record) {
        if let Some(shown) = self.shown.as_mut().filter(|_| !self.hidden.contains(&record.facts.id))
        {
            shown.put(record.clone());
        }
    }

    /// Takes a tracking of `store` out of lists, whatever becomes of it.
    pub(crate) fn hide(&mut self, store: &Store, id: &str) {
        let shown = self.shown.get_or_insert_with(|| store.clone());
        if let Some((slot, _)) = shown.find(Key::Id(id)) {
            shown.remove(slot);
        }
        self.hidden.insert(id.into());
    }

    /// Lets a tracking into lists again with its next change.
    pub(crate) fn unhide(&mut self, id: &str) {
        self.hidden.remove(id);
    }

    /// Shows every change whose time has come.
    pub(crate) fn settle(&mut self, now_ms: u64) {
        let Some(shown) = &mut self.shown else { return };
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 <= now_ms) {
            let ((_, number), Change { id, state }) = first.remove_entry();
            if self.latest.get(&id).is_some_and(|latest| *latest > number) {
                continue;
            }
            if self.hidden.contains(&id) {
                continue;
            }
            if let Some(record) = state {
                shown.put(record);
            } else if let Some((slot, _)) = shown.find(Key::Id(&id)) {
                shown.remove(slot);
            }
            self.latest.insert(id, number);
        }
        if self.waiting.is_empty() {
            self.latest.clear();
        }
    }

    /// The trackings as lists show them, unless that is what they are.
    pub(crate) fn shown(&self) -> Option<&Store> {
        self.shown.as_ref()
    }

    /// How many changes do not show yet.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
