//! Who goes next. Each waiting request stands in the line of one limit: the one that holds it
//! back. Only the first of a line watches the clock; whoever leaves a line wakes the next.
//!
//! | order | rule |
//! |---|---|
//! | within a connection | first come, first served |
//! | between connections | in turn |
//! | requests whose call cannot be suspended | before all others, since they hold an instance |
//! | requests that other limits hold back | stand in other lines, and hold back nobody here |
//! | where slots are shared with other processes | a line for each kind of slot, since a slot is one time for all limits |

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use connector_contract::limits::{Charge, LimitId, LimitReport};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::capacity::{Capacity, Opening};
use crate::egress::scopes::Demand;

/// A waiting request.
pub struct Waiter {
    /// Of which connection.
    pub connection: u64,
    /// Its call cannot be suspended.
    pub urgent: bool,
    /// What it counts against.
    pub demand: Arc<Demand>,
    /// Told when it has become the first of its line, or when its limit changed.
    pub wake: Arc<Notify>,
    /// All lines in which it may stand ...
    lines: Arc<[LineKey]>,
    /// ... and the one in which it does.
    line: Option<LineKey>,
}

/// What those wait for who stand in one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum LineKey {
    Limit(LimitId),
    /// A slot that is charged so.
    Slot(Vec<Charge>),
}

impl LineKey {
    fn holds(&self, limit: &LimitId) -> bool {
        match self {
            Self::Limit(own) => own == limit,
            Self::Slot(charges) => charges.iter().any(|charge| charge.limit == *limit),
        }
    }
}

impl Waiter {
    /// It stands in no line yet.
    pub fn new(connection: u64, urgent: bool, demand: Arc<Demand>) -> Self {
        Self { connection, urgent, demand, wake: Arc::default(), lines: [].into(), line: None }
    }
}

/// How a request stands.
#[derive(Debug)]
pub enum Standing {
    /// It may go.
    Ready,
    /// Slots have to be reserved for it first.
    Unreserved,
    /// It waits.
    Waits {
        /// It is the first of its line, and looks again at the opening.
        first: bool,
        /// When its limits have room; `None` when that depends on requests under way.
        opening: Option<Opening>,
    },
}

/// Limits and those who wait for them.
pub struct Queue {
    /// What they allow.
    pub capacity: Capacity,
    /// Requests under way, where a limit counts those.
    in_flight: BTreeMap<LimitId, u32>,
    lines: BTreeMap<LineKey, WaitingLine>,
    waiters: BTreeMap<u64, Waiter>,
    /// Number of the last one who came.
    last: u64,
}

impl Queue {
    /// Nobody waits yet.
    pub fn new(capacity: Capacity) -> Self {
        let (in_flight, lines) = (BTreeMap::new(), BTreeMap::new());
        Self { capacity, in_flight, lines, waiters: BTreeMap::new(), last: 0 }
    }

    /// Takes a request up, and answers its number.
    pub fn join(&mut self, mut waiter: Waiter) -> u64 {
        self.last += 1;
        let Demand { rates, at_once } = waiter.demand.as_ref();
        let is_shared = self.capacity.is_shared();
        let slot = (is_shared && !rates.is_empty()).then(|| LineKey::Slot(rates.clone()));
        let limits = rates.iter().map(|charge| &charge.limit).filter(|_| !is_shared);
        let limits = limits.chain(at_once.iter().map(|at_once| &at_once.limit));
        let limits = limits.cloned().map(LineKey::Limit);
        waiter.lines = limits.chain(slot).collect();
        self.waiters.insert(self.last, waiter);
        self.last
    }

    /// How a request stands now, and moves it to the line in which it has to stand.
    pub fn look(&mut self, number: u64, now: Instant) -> Standing {
        let Some(waiter) = self.waiters.get(&number) else { return Standing::Ready };
        let (demand, lines) = (Arc::clone(&waiter.demand), Arc::clone(&waiter.lines));
        let full = demand.at_once.iter().find(|limit| {
            self.in_flight.get(&limit.limit).is_some_and(|under_way| *under_way >= limit.places)
        });
        let opening = self.capacity.opening(&demand.rates, now);
        let held = match (full, demand.rates.first(), &opening) {
            (Some(full), ..) => Some(&full.limit),
            (None, None, _) => None,
            (None, Some(charge), None) => Some(&charge.limit),
            (None, Some(_), Some(opening)) => Some(&opening.limit).filter(|_| opening.at > now),
        };
        let urgent = waiter.urgent;
        let stands_in = |line: &&LineKey| match held {
            Some(limit) => line.holds(limit),
            None => {
                let first = self.lines.get(*line).and_then(|line| line.first_before(urgent));
                first.is_some_and(|first| first != number)
            }
        };
        let Some(line) = lines.iter().find(stands_in) else { return Standing::Ready };
        self.stand_in(number, line);
        let first = self.lines.get(line).and_then(WaitingLine::first) == Some(number);
        match &opening {
            None if full.is_none() && first => Standing::Unreserved,
            _ => Standing::Waits { first, opening },
        }
    }

    /// Lets a request go, if it may.
    pub fn take(&mut self, number: u64, now: Instant) -> bool {
        if !matches!(self.look(number, now), Standing::Ready) {
            return false;
        }
        let Some(waiter) = self.waiters.get(&number) else { return false };
        let demand = Arc::clone(&waiter.demand);
        if !demand.rates.is_empty() && !self.capacity.take(&demand.rates, now) {
            return false;
        }
        for limit in &demand.at_once {
            *self.in_flight.entry(limit.limit.clone()).or_default() += 1;
        }
        self.remove(number, true);
        true
    }

    /// Requests under these limits have ended.
    pub fn release(&mut self, limits: &[LimitId]) {
        for limit in limits {
            if let Some(under_way) = self.in_flight.get_mut(limit) {
                *under_way = under_way.saturating_sub(1);
                if *under_way == 0 {
                    self.in_flight.remove(limit);
                }
            }
            self.wake_first(&LineKey::Limit(limit.clone()));
        }
    }

    /// What slots are reserved for, and for how many requests.
    pub fn unreserved(&self, number: u64) -> Option<(Vec<Charge>, usize)> {
        let rates = &self.waiters.get(&number)?.demand.rates;
        let alike = self.waiters.values().filter(|waiter| waiter.demand.rates == *rates);
        Some((rates.clone(), alike.count()))
    }

    /// Gives up slots for a request that are too late.
    pub fn drop_late(&mut self, number: u64, now: Instant, time: SystemTime) {
        if let Some(waiter) = self.waiters.get(&number) {
            self.capacity.drop_late(&waiter.demand.rates, now, time);
        }
    }

    /// Nothing that is charged to this limit goes for `pause`, and then less.
    pub fn throttled(&mut self, charge: &Charge, pause: Duration, now: Instant) {
        self.capacity.throttled(charge, pause, now);
        self.wake_held(&charge.limit);
    }

    /// The provider told how far this limit is used.
    pub fn report(&mut self, charge: &Charge, report: LimitReport, now: Instant) {
        self.capacity.report(charge, report, now);
        self.wake_held(&charge.limit);
    }

    fn stand_in(&mut self, number: u64, line: &LineKey) {
        let Some(waiter) = self.waiters.get_mut(&number) else { return };
        if waiter.line.as_ref() == Some(line) {
            return;
        }
        let before = waiter.line.replace(line.clone());
        let (connection, urgent) = (waiter.connection, waiter.urgent);
        self.lines.entry(line.clone()).or_default().join(number, connection, urgent);
        if let Some(before) = before {
            self.leave_line(&before, number, connection, false);
        }
    }

    /// Forgets a request, which was `served` or given up.
    pub fn remove(&mut self, number: u64, served: bool) {
        let Some(waiter) = self.waiters.remove(&number) else { return };
        if let Some(line) = waiter.line {
            self.leave_line(&line, number, waiter.connection, served);
        }
    }

    fn leave_line(&mut self, key: &LineKey, number: u64, connection: u64, served: bool) {
        let Some(line) = self.lines.get_mut(key) else { return };
        let was_first = line.first() == Some(number);
        line.leave(number, connection, served);
        if line.first().is_none() {
            self.lines.remove(key);
        } else if was_first {
            self.wake_first(key);
        }
    }

    fn wake_held(&self, limit: &LimitId) {
        if !self.capacity.is_shared() {
            return self.wake_first(&LineKey::Limit(limit.clone()));
        }
        let held = self.lines.keys().filter(|line| line.holds(limit));
        held.for_each(|line| self.wake_first(line));
    }

    fn wake_first(&self, line: &LineKey) {
        let first = self.lines.get(line).and_then(WaitingLine::first);
        if let Some(waiter) = first.and_then(|first| self.waiters.get(&first)) {
            waiter.wake.notify_one();
        }
    }
}

/// Those who wait for the same, by number.
#[derive(Default)]
struct WaitingLine {
    urgent: BTreeSet<u64>,
    /// Those of each connection, in the order in which connections are served next.
    lanes: VecDeque<(u64, BTreeSet<u64>)>,
}

impl WaitingLine {
    fn first(&self) -> Option<u64> {
        self.first_before(false)
    }

    /// The first that goes before one who is as urgent and comes now.
    fn first_before(&self, urgent: bool) -> Option<u64> {
        let lane = self.lanes.front().and_then(|(_, lane)| lane.first());
        self.urgent.first().or(lane.filter(|_| !urgent)).copied()
    }

    fn join(&mut self, number: u64, connection: u64, urgent: bool) {
        if urgent {
            self.urgent.insert(number);
            return;
        }
        match self.lanes.iter_mut().find(|(of, _)| *of == connection) {
            Some((_, lane)) => _ = lane.insert(number),
            None => self.lanes.push_back((connection, BTreeSet::from([number]))),
        }
    }

    /// Its connection comes after all others, when it was served.
    fn leave(&mut self, number: u64, connection: u64, served: bool) {
        self.urgent.remove(&number);
        let Some(at) = self.lanes.iter().position(|(of, _)| *of == connection) else { return };
        let Some((_, mut lane)) = self.lanes.remove(at) else { return };
        lane.remove(&number);
        match served {
            _ if lane.is_empty() => {}
            true => self.lanes.push_back((connection, lane)),
            false => self.lanes.insert(at, (connection, lane)),
        }
    }
}
