//! What may go now: by rules of this process's own, or by slots that it has reserved among others.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use connector_contract::limits::slots::{Reserved, Slot};
use connector_contract::limits::{Report, Rule, Shared};
use tokio::time::Instant;

/// Limits of one process that are remembered; those that are full again go first.
const REMEMBERED: usize = 10_000;

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
        /// By sharer and name.
        rules: BTreeMap<(String, String), Rule>,
    },
    /// Shared with other processes.
    Shared {
        /// Reserved and not used yet, by the names of all their limits.
        slots: BTreeMap<Vec<Shared>, VecDeque<Slot>>,
        /// Where others have reserved everything.
        none_yet: BTreeMap<Vec<Shared>, Wake>,
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

    /// Whether a request may go.
    #[must_use]
    pub fn is_ready(&self, limits: &[Shared], now: Instant) -> bool {
        self.wake(limits, now).is_some_and(|wake| wake.at <= now)
            && (limits.is_empty() || self.holds(limits))
    }

    /// What a request waits for; `None` when slots have to be reserved first.
    #[must_use]
    pub fn wake(&self, limits: &[Shared], now: Instant) -> Option<Wake> {
        let until = |limit: &str, at| Wake { limit: limit.to_owned(), at, look: at };
        match self {
            _ if limits.is_empty() => Some(until("", now)),
            Self::Own { began, rules } => {
                let waits = limits.iter().map(|limit| {
                    let fresh = Rule::new(limit.rate);
                    let rule = rules.get(&key(limit)).unwrap_or(&fresh);
                    (&limit.name, *began + rule.ready_at(limit.count))
                });
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
    pub fn take(&mut self, limits: &[Shared], now: Instant) {
        match self {
            Self::Own { began, rules } => {
                let now = now - *began;
                if rules.len() > REMEMBERED {
                    rules.retain(|_, rule| !rule.is_full(now));
                }
                for limit in limits {
                    let rule = rules.entry(key(limit)).or_insert_with(|| Rule::new(limit.rate));
                    rule.take(limit.count, now);
                }
            }
            Self::Shared { slots, none_yet } => {
                slots.get_mut(limits).and_then(VecDeque::pop_front);
                if slots.len() + none_yet.len() > REMEMBERED {
                    slots.retain(|_, slots| !slots.is_empty());
                    none_yet.retain(|_, wake| wake.look > now);
                }
            }
        }
    }

    /// Nothing that counts against `limit` goes for `pause`. Here and not among others, where
    /// limits are shared.
    pub fn throttled(&mut self, limit: &Shared, pause: Duration, now: Instant) {
        match self {
            Self::Own { began, rules } => {
                let rule = rules.entry(key(limit)).or_insert_with(|| Rule::new(limit.rate));
                rule.throttled(pause, now - *began);
            }
            Self::Shared { .. } => self.give_up(limit, now + pause),
        }
    }

    /// The provider told how far `limit` is used.
    pub fn report(&mut self, limit: &Shared, report: Report, now: Instant) {
        match self {
            Self::Own { began, rules } => {
                let rule = rules.entry(key(limit)).or_insert_with(|| Rule::new(limit.rate));
                rule.report(report, now - *began);
            }
            // Where nothing is left, what was reserved is not there.
            Self::Shared { .. } if report.left == 0 => self.give_up(limit, now + report.full_in),
            Self::Shared { .. } => {}
        }
    }

    fn give_up(&mut self, limit: &Shared, before: Instant) {
        if let Self::Shared { slots, .. } = self {
            let is_it = |one: &Shared| key(one) == key(limit);
            let theirs = slots.iter_mut().filter(|(limits, _)| limits.iter().any(is_it));
            theirs.for_each(|(_, slots)| slots.retain(|slot| slot.at >= before));
        }
    }

    /// Keeps what was reserved.
    pub fn put(&mut self, limits: &[Shared], reserved: Reserved) {
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

    fn holds(&self, limits: &[Shared]) -> bool {
        match self {
            Self::Own { .. } => true,
            Self::Shared { slots, .. } => slots.get(limits).is_some_and(|slots| !slots.is_empty()),
        }
    }
}

fn key(limit: &Shared) -> (String, String) {
    (limit.sharer.clone(), limit.name.clone())
}
