//! What may go now: by rules of this process's own, or by slots that it has reserved among others.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::rule::{Rate, Rule};
use super::slots::{Reserved, Slot};

/// Why a request waits, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    /// The limit that holds it back longest.
    pub limit: String,
    /// When it may go, unless others go first.
    pub at: Instant,
    /// When to look again.
    pub look: Instant,
}

/// Room under the limits.
pub enum Room {
    /// Of one process.
    Own {
        /// Where the rules' line of time begins.
        began: Instant,
        /// By name.
        rules: BTreeMap<String, Rule>,
    },
    /// Shared with other processes.
    Shared {
        /// Reserved and not used yet, by the names of all their limits.
        slots: BTreeMap<Vec<String>, VecDeque<Slot>>,
        /// Where others have reserved everything.
        none_yet: BTreeMap<Vec<String>, Wake>,
    },
}

impl Room {
    /// Of one process. Nothing is declared yet.
    #[must_use]
    pub fn own() -> Self {
        Self::Own { began: Instant::now(), rules: BTreeMap::new() }
    }

    /// Shared with other processes. Nothing is reserved yet.
    #[must_use]
    pub fn shared() -> Self {
        Self::Shared { slots: BTreeMap::new(), none_yet: BTreeMap::new() }
    }

    /// Declares a limit.
    pub fn declare(&mut self, name: &str, rate: Rate) {
        if let Self::Own { rules, .. } = self {
            rules.insert(name.to_owned(), Rule::new(rate));
        }
    }

    /// Whether a request may go.
    #[must_use]
    pub fn is_ready(&self, limits: &[String], now: Instant) -> bool {
        self.wake(limits, now).is_some_and(|wake| wake.at <= now)
            && (limits.is_empty() || self.holds(limits))
    }

    /// What a request waits for; `None` when slots have to be reserved first.
    #[must_use]
    pub fn wake(&self, limits: &[String], now: Instant) -> Option<Wake> {
        let until = |limit: &str, at| Wake { limit: limit.to_owned(), at, look: at };
        match self {
            _ if limits.is_empty() => Some(until("", now)),
            Self::Own { began, rules } => {
                let known = limits.iter().filter_map(|name| Some((name, rules.get(name)?)));
                let waits = known.map(|(name, rule)| (name, *began + rule.ready_at()));
                let longest = waits.max_by_key(|(_, at)| *at);
                Some(longest.map_or_else(|| until("", now), |(name, at)| until(name, at)))
            }
            Self::Shared { slots, none_yet } => {
                let held = slots.get(limits).and_then(VecDeque::front);
                let held = held.map(|slot| until(&slot.limit, slot.at));
                held.or_else(|| none_yet.get(limits).filter(|wake| wake.look > now).cloned())
            }
        }
    }

    /// Counts a request that goes now.
    pub fn take(&mut self, limits: &[String], now: Instant) {
        match self {
            Self::Own { began, rules } => {
                let now = now - *began;
                for name in limits {
                    if let Some(rule) = rules.get_mut(name) {
                        rule.take(now);
                    }
                }
            }
            Self::Shared { slots, .. } => {
                slots.get_mut(limits).and_then(VecDeque::pop_front);
            }
        }
    }

    /// Nothing that counts against `limit` goes for `pause`. Here and not among others, where
    /// limits are shared.
    pub fn throttled(&mut self, limit: &str, pause: Duration, now: Instant) {
        match self {
            Self::Own { began, rules } => {
                if let Some(rule) = rules.get_mut(limit) {
                    rule.throttled(pause, now - *began);
                }
            }
            Self::Shared { slots, .. } => {
                let theirs = slots.iter_mut().filter(|(names, _)| names.iter().any(|n| n == limit));
                theirs.for_each(|(_, slots)| slots.retain(|slot| slot.at >= now + pause));
            }
        }
    }

    /// Keeps what was reserved.
    pub fn put(&mut self, limits: &[String], reserved: Reserved) {
        let Self::Shared { slots, none_yet } = self else { return };
        match reserved {
            Reserved::Slots(more) => slots.entry(limits.to_vec()).or_default().extend(more),
            Reserved::NoneYet { limit, at, ask_again: look } => {
                none_yet.insert(limits.to_vec(), Wake { limit, at, look });
            }
        }
    }

    /// Gives up slots that are too late.
    pub fn drop_late(&mut self, now: Instant, time: SystemTime) {
        if let Self::Shared { slots, .. } = self {
            slots.values_mut().for_each(|slots| slots.retain(|slot| !slot.is_late(now, time)));
        }
    }

    fn holds(&self, limits: &[String]) -> bool {
        match self {
            Self::Own { .. } => true,
            Self::Shared { slots, .. } => slots.get(limits).is_some_and(|slots| !slots.is_empty()),
        }
    }
}
