//! The provider's limits, kept over all instances, calls and connections that share them.
//! A request waits for its turn; it does not fail.
//!
//! Within a process connections share a [`Limiter`]. Those in several processes share what a
//! [`Slots`] keeps: each process queues its own requests, and reserves times to send for them.
//! Requests under way at the same time are counted by each process for itself.

mod capacity;
mod queue;
mod ticket;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::limits::slots::SlotsError;
use connector_contract::limits::{Charge, LimitReport, Rate, SlotRequest, Slots};
use thiserror::Error;
use tokio::time::Instant;

use self::capacity::Capacity;
use self::queue::{Queue, Standing, Waiter};
pub use self::ticket::{InFlight, Ticket};
use super::breaker::Breakers;
use super::scopes::Demand;
use crate::lock::lock;
use crate::observe::Observer;

/// Longest wait for a turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why a request does not get its turn.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoTurn {
    /// The limits leave no room within the longest wait.
    #[error("the limits leave no room for {} s", after.as_secs())]
    NoRoom {
        /// When there may be.
        after: Duration,
    },
    /// What other processes have sent is not known.
    #[error("the limits are shared with other processes, and cannot be looked up: {0}")]
    Unknown(#[from] SlotsError),
}

/// Limits, by who shares them and name. Connections of one process share one.
pub struct Limiter {
    queue: Mutex<Queue>,
    /// Where limits are shared with other processes.
    slots: Option<Arc<dyn Slots>>,
    instead: BTreeMap<String, Rate>,
    /// Which connections and accounts are not to be asked for a while.
    pub(crate) breakers: Breakers,
}

impl Default for Limiter {
    fn default() -> Self {
        Self::new(Capacity::own(), None)
    }
}

impl Limiter {
    fn new(capacity: Capacity, slots: Option<Arc<dyn Slots>>) -> Self {
        let (queue, breakers) = (Mutex::new(Queue::new(capacity)), Breakers::default());
        Self { queue, slots, instead: BTreeMap::new(), breakers }
    }

    /// Shares limits with all processes that keep them in the same `slots`.
    #[must_use]
    pub fn shared(slots: Arc<dyn Slots>) -> Self {
        Self::new(Capacity::reserved(), Some(slots))
    }

    /// Keeps a limit of this name otherwise than manifests declare it: plans differ.
    #[must_use]
    pub fn instead(mut self, limit: &str, rate: Rate) -> Self {
        self.instead.insert(limit.to_owned(), rate);
        self
    }

    /// Puts the rates that are kept otherwise into a request's demand.
    pub(crate) fn adjust(&self, demand: &mut Demand) {
        for charge in &mut demand.rates {
            charge.rate = self.instead.get(&charge.limit.name).copied().unwrap_or(charge.rate);
        }
    }

    /// Queues a request of `connection`. `urgent`: its call holds an instance until it has gone,
    /// so it goes before those whose calls do not.
    #[must_use]
    pub fn queue_up(
        self: &Arc<Self>,
        connection: u64,
        urgent: bool,
        demand: &Demand,
        observer: &Arc<dyn Observer>,
    ) -> Ticket {
        let (limiter, observer) = (Arc::clone(self), Arc::clone(observer));
        let demand = Arc::new(demand.clone());
        let waiter = Waiter::new(connection, urgent, Arc::clone(&demand));
        let (wake, number) = (Arc::clone(&waiter.wake), lock(&self.queue).join(waiter));
        Ticket { limiter, observer, number, demand, wake, began: Instant::now(), told: false }
    }

    /// The provider answered "too many requests", and perhaps said how long to wait. The limit
    /// with the shortest window is held: the one that an endpoint has for itself.
    pub async fn throttled(&self, charges: &[Charge], pause: Option<Duration>) {
        let Some(own) = charges.iter().min_by_key(|charge| charge.rate.window()) else { return };
        let pause = pause.unwrap_or_else(|| own.rate.window());
        lock(&self.queue).throttled(own, pause, Instant::now());
        if let Some(slots) = &self.slots {
            // Where it cannot be kept, the provider will say it again.
            let _ = slots.hold(own.clone(), pause).await;
            // What was reserved meanwhile.
            lock(&self.queue).throttled(own, pause, Instant::now());
        }
    }

    /// The provider told how far a limit is used.
    pub async fn report(&self, charge: &Charge, report: LimitReport) {
        lock(&self.queue).report(charge, report, Instant::now());
        if let Some(slots) = &self.slots {
            // Where it cannot be kept, the provider will say it again.
            let _ = slots.report(charge.clone(), report).await;
        }
    }

    fn look(&self, number: u64, now: Instant) -> Standing {
        let time = self.slots.as_ref().map(|slots| slots.time());
        let mut queue = lock(&self.queue);
        if let Some(time) = time {
            queue.drop_late(number, now, time);
        }
        queue.look(number, now)
    }

    /// Reserves slots for a request and for all that wait for the same limits.
    async fn reserve(&self, number: u64, within: Duration) -> Result<(), SlotsError> {
        let wanted = lock(&self.queue).unreserved(number);
        if let (Some(shared), Some((charges, slots))) = (&self.slots, wanted) {
            let request = SlotRequest { charges: charges.clone(), slots, within };
            let reserved = shared.reserve(request).await?;
            lock(&self.queue).capacity.put(&charges, reserved);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
