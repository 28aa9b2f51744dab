//! What the limits allow: by this process's own count, or by slots that it has reserved among
//! others.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use connector_contract::limits::slots::{Reserved, Slot};
use connector_contract::limits::{Charge, LimitId, LimitReport, PacedLimit};
use tokio::time::Instant;

/// From so many entries on it is looked for those that say nothing any more: limits that are full
/// again, slots that are too late. What is left is in use and stays, since the provider counts it too;
/// it is looked through again when it has doubled, so that no request pays for all.
const REMEMBERED: usize = 10_000;

/// When the limits have room for a request, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The limit that has room last.
    pub limit: LimitId,
    /// When there is room, unless other requests use it.
    pub at: Instant,
    /// When to look again: at that time, or earlier where slots have to be reserved first.
    pub look: Instant,
}

/// What the limits allow.
pub struct Capacity {
    counted: Counting,
    /// Entries from which on those are forgotten that say nothing any more.
    sweep_at: usize,
}

enum Counting {
    /// Counted by this process alone.
    Own {
        /// Where the rules' line of time begins.
        began: Instant,
        rules: BTreeMap<LimitId, PacedLimit>,
    },
    /// Shared with other processes.
    Reserved {
        /// Reserved and not used yet, by what they are charged to.
        slots: BTreeMap<Vec<Charge>, VecDeque<Slot>>,
        /// Where other processes have reserved everything.
        none_yet: BTreeMap<Vec<Charge>, Opening>,
    },
}

impl Capacity {
    /// Counted by this process alone. Nothing is used yet.
    pub fn own() -> Self {
        let counted = Counting::Own { began: Instant::now(), rules: BTreeMap::new() };
        Self { counted, sweep_at: REMEMBERED }
    }

    /// Shared with other processes. Nothing is reserved yet.
    pub fn reserved() -> Self {
        let counted = Counting::Reserved { slots: BTreeMap::new(), none_yet: BTreeMap::new() };
        Self { counted, sweep_at: REMEMBERED }
    }

    /// Whether slots are reserved among other processes.
    pub fn is_shared(&self) -> bool {
        matches!(self.counted, Counting::Reserved { .. })
    }

    /// When a request that is charged to `charges` has room; `None` when slots have to be reserved
    /// first, or nothing is charged.
    pub fn opening(&self, charges: &[Charge], now: Instant) -> Option<Opening> {
        match &self.counted {
            Counting::Own { began, rules } => {
                let at = |charge: &Charge| {
                    let rule = rules.get(&charge.limit).copied();
                    let rule = rule.unwrap_or_else(|| PacedLimit::new(charge.rate));
                    *began + rule.ready_at(charge.count)
                };
                let last = charges.iter().map(|charge| (charge, at(charge)));
                let (charge, at) = last.max_by_key(|(_, at)| *at)?;
                Some(Opening { limit: charge.limit.clone(), at, look: at })
            }
            Counting::Reserved { slots, none_yet } => {
                let slot = slots.get(charges).and_then(VecDeque::front);
                let opening = slot.and_then(|slot| {
                    let charge = charges.iter().find(|charge| charge.limit.name == slot.limit)?;
                    Some(Opening { limit: charge.limit.clone(), at: slot.at, look: slot.at })
                });
                opening.or_else(|| none_yet.get(charges).filter(|none| none.look > now).cloned())
            }
        }
    }

    /// Uses the room for a request that goes now. Answers whether there was any: nothing may go
    /// without a slot.
    pub fn take(&mut self, charges: &[Charge], now: Instant) -> bool {
        self.sweep(now);
        match &mut self.counted {
            Counting::Own { began, rules } => {
                let now = now - *began;
                charges.iter().for_each(|one| rule(rules, one).take(one.count, now));
                true
            }
            Counting::Reserved { slots, .. } => {
                slots.get_mut(charges).and_then(VecDeque::pop_front).is_some()
            }
        }
    }

    fn sweep(&mut self, now: Instant) {
        let entries = |counted: &Counting| match counted {
            Counting::Own { rules, .. } => rules.len(),
            Counting::Reserved { slots, none_yet } => slots.len() + none_yet.len(),
        };
        if entries(&self.counted) < self.sweep_at {
            return;
        }
        match &mut self.counted {
            Counting::Own { began, rules } => rules.retain(|_, rule| !rule.is_full(now - *began)),
            Counting::Reserved { slots, none_yet } => {
                slots.retain(|_, slots| slots.iter().any(|slot| slot.at + slot.lateness >= now));
                none_yet.retain(|_, none| none.look > now);
            }
        }
        self.sweep_at = REMEMBERED.max(2 * entries(&self.counted));
    }

    /// Nothing that is charged to this limit goes for `pause`. Here and not in other processes,
    /// where limits are shared.
    pub fn throttled(&mut self, charge: &Charge, pause: Duration, now: Instant) {
        match &mut self.counted {
            Counting::Own { began, rules } => rule(rules, charge).throttled(pause, now - *began),
            Counting::Reserved { .. } => self.give_up(&charge.limit, now + pause),
        }
    }

    /// The provider told how far a limit is used.
    pub fn report(&mut self, charge: &Charge, report: LimitReport, now: Instant) {
        match &mut self.counted {
            Counting::Own { began, rules } => rule(rules, charge).report(report, now - *began),
            // Where nothing is left, what was reserved is not there.
            Counting::Reserved { .. } if report.left == 0 => {
                self.give_up(&charge.limit, now + report.full_in);
            }
            Counting::Reserved { .. } => {}
        }
    }

    fn give_up(&mut self, limit: &LimitId, before: Instant) {
        if let Counting::Reserved { slots, .. } = &mut self.counted {
            let is_charged = |charges: &[Charge]| charges.iter().any(|one| one.limit == *limit);
            let charged = slots.iter_mut().filter(|(charges, _)| is_charged(charges));
            charged.for_each(|(_, slots)| slots.retain(|slot| slot.at >= before));
        }
    }

    /// Keeps what was reserved.
    pub fn put(&mut self, charges: &[Charge], reserved: Reserved) {
        let Counting::Reserved { slots, none_yet } = &mut self.counted else { return };
        match reserved {
            Reserved::Slots(more) => slots.entry(charges.to_vec()).or_default().extend(more),
            Reserved::NoneYet { limit, at, ask_again: look } => {
                let Some(charge) = charges.iter().find(|charge| charge.limit.name == limit) else {
                    return;
                };
                // Where nothing is reserved nothing may go, whatever the clock says.
                let (limit, at) = (charge.limit.clone(), at.max(look));
                none_yet.insert(charges.to_vec(), Opening { limit, at, look });
            }
        }
    }

    /// Gives up slots that are too late to be used.
    pub fn drop_late(&mut self, charges: &[Charge], now: Instant, time: SystemTime) {
        if let Counting::Reserved { slots, .. } = &mut self.counted
            && let Some(slots) = slots.get_mut(charges)
        {
            slots.retain(|slot| !slot.is_late(now, time));
        }
    }
}

fn rule<'r>(rules: &'r mut BTreeMap<LimitId, PacedLimit>, charge: &Charge) -> &'r mut PacedLimit {
    rules.entry(charge.limit.clone()).or_insert_with(|| PacedLimit::new(charge.rate))
}
