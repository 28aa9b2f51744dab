//! The provider's limits, kept over all instances, calls and connections that share them.
//! A request waits for its turn; it does not fail.
//!
//! Within a process connections share a [`Limiter`]. Those in several processes share what a
//! [`Slots`] keeps: each process queues its own requests, and reserves times to send for them.
//! Requests under way at the same time are counted by each process for itself.

mod queue;
mod room;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_contract::limits::slots::{SlotsError, Wish};
use connector_contract::limits::{Rate, Report, Shared, Slots};
use thiserror::Error;
use tokio::sync::{self, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use self::queue::{Queue, Ticket};
use self::room::Room;
use crate::observe::{Event, Observer};

/// Longest wait for a turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A quota is asked for again after this time, whatever the provider said.
const A_DAY: Duration = Duration::from_secs(24 * 3_600);
/// One call in so long finds out whether a quota is still used up.
const TRY_AFTER: Duration = Duration::from_secs(60);
/// Shorter waits are not worth telling.
const WORTH_TELLING: Duration = Duration::from_millis(250);

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
    others: Option<Others>,
    under_way: Mutex<BTreeMap<AtOnce, Arc<Semaphore>>>,
    instead: BTreeMap<String, Rate>,
    /// Quotas of hours that are used up, by sharer.
    exhausted: Mutex<BTreeMap<String, Exhausted>>,
}

/// A quota that is used up.
struct Exhausted {
    /// By the provider's word.
    until: Instant,
    /// When one call may find out whether that still holds.
    next_try: Instant,
}

/// A limit of requests that are under way at the same time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AtOnce {
    /// Whose requests count together.
    pub sharer: String,
    /// Its name in the manifest.
    pub name: String,
    /// So many.
    pub places: u32,
}

/// Places of a request that is under way, given up when dropped.
#[derive(Debug, Default)]
pub struct Places(Vec<OwnedSemaphorePermit>);

/// How limits are shared with other processes.
struct Others {
    slots: Arc<dyn Slots>,
    /// Whoever holds it reserves.
    asking: sync::Mutex<()>,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            queue: Mutex::new(Queue::new(Room::own())),
            others: None,
            under_way: Mutex::default(),
            instead: BTreeMap::new(),
            exhausted: Mutex::default(),
        }
    }
}

impl Limiter {
    /// Shares limits with all processes that keep them in the same `slots`.
    #[must_use]
    pub fn shared(slots: Arc<dyn Slots>) -> Self {
        let others = Others { slots, asking: sync::Mutex::default() };
        let queue = Mutex::new(Queue::new(Room::shared()));
        Self {
            queue,
            others: Some(others),
            under_way: Mutex::default(),
            instead: BTreeMap::new(),
            exhausted: Mutex::default(),
        }
    }

    /// Keeps a limit of this name otherwise than manifests declare it: plans differ.
    #[must_use]
    pub fn instead(mut self, limit: &str, rate: Rate) -> Self {
        self.instead.insert(limit.to_owned(), rate);
        self
    }

    /// The provider said that a quota of hours or days is used up: whoever shares it asks for
    /// nothing for `pause`, a day at most, but for one call a minute, which finds out whether that
    /// was wrong or the account has another plan by now.
    pub fn exhaust(&self, sharer: &str, pause: Duration) {
        let now = Instant::now();
        let exhausted = Exhausted { until: now + pause.min(A_DAY), next_try: now + TRY_AFTER };
        let mut all = self.exhausted.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, exhausted| exhausted.until > now);
        all.insert(sharer.to_owned(), exhausted);
    }

    /// How long nothing is to be asked for. The call that is told `None` is to find out.
    #[must_use]
    pub fn exhausted(&self, sharer: &str) -> Option<Duration> {
        let now = Instant::now();
        let mut all = self.exhausted.lock().unwrap_or_else(PoisonError::into_inner);
        let exhausted = all.get_mut(sharer)?;
        if exhausted.next_try <= now {
            exhausted.next_try = now + TRY_AFTER;
            return None;
        }
        let left = exhausted.until.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// The provider answered as ever: the quota is not used up.
    pub fn replenish(&self, sharer: &str) {
        self.exhausted.lock().unwrap_or_else(PoisonError::into_inner).remove(sharer);
    }

    /// Waits for a place in each of `limits`.
    ///
    /// # Errors
    /// [`NoTurn::NoRoom`] when none is free within the longest wait.
    pub async fn enter(&self, limits: &[AtOnce]) -> Result<Places, NoTurn> {
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut held = Places::default();
        let mut limits: Vec<&AtOnce> = limits.iter().collect();
        // In one order for all, so that no two wait for each other.
        limits.sort_unstable();
        for limit in limits {
            let places = {
                let mut all = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
                all.retain(|_, places| Arc::strong_count(places) > 1);
                let fresh = || Arc::new(Semaphore::new(limit.places as usize));
                Arc::clone(all.entry(limit.clone()).or_insert_with(fresh))
            };
            match tokio::time::timeout_at(deadline, places.acquire_owned()).await {
                Ok(Ok(place)) => held.0.push(place),
                _ => return Err(NoTurn::NoRoom { after: Duration::from_secs(1) }),
            }
        }
        Ok(held)
    }

    /// Waits until a request of `connection` may go, and counts it against `limits`.
    /// Answers how long that took. Dropping the future leaves the queue.
    ///
    /// # Errors
    /// [`NoTurn::NoRoom`] when it would wait longer than 30 s; [`NoTurn::Unknown`] when the limits
    /// are shared and the store fails.
    pub async fn turn(
        &self,
        connection: u64,
        limits: &[Shared],
        observer: &dyn Observer,
    ) -> Result<Duration, NoTurn> {
        let began = Instant::now();
        let deadline = began + LONGEST_WAIT;
        let kept = |limit: &Shared| match self.instead.get(&limit.name) {
            Some(rate) => Shared { rate: *rate, ..limit.clone() },
            None => limit.clone(),
        };
        let limits: &[Shared] = &limits.iter().map(kept).collect::<Vec<_>>();
        let (ticket, mut may_go) = self.queue().join(connection, limits);
        let _place = Place { limiter: self, ticket };
        let mut told = false;
        loop {
            let now = Instant::now();
            let wake = {
                let mut queue = self.queue();
                if let Some(others) = &self.others {
                    queue.drop_late(now, others.slots.time());
                }
                queue.serve(now);
                queue.wake(limits, now)
            };
            if may_go.try_recv().is_ok() {
                return Ok(now - began);
            }
            if now >= deadline {
                let after = wake.map_or(Duration::ZERO, |wake| wake.at - now);
                return Err(NoTurn::NoRoom { after });
            }
            let Some(wake) = wake else {
                tokio::select! {
                    biased;
                    served = &mut may_go => {
                        if served.is_ok() {
                            return Ok(began.elapsed());
                        }
                    }
                    reserved = self.reserve(limits, deadline) => reserved?,
                }
                continue;
            };
            if wake.at > deadline {
                return Err(NoTurn::NoRoom { after: wake.at - now });
            }
            if !told && wake.at > now + WORTH_TELLING {
                told = true;
                let for_about = wake.at - now;
                observer.event(&Event::Waiting { limit: wake.limit, for_about });
            }
            // Behind others a turn comes later than the limit alone says; then the one
            // in front serves the queue, or the next look is a millisecond away.
            let look_again = wake.look.max(now + Duration::from_millis(1)).min(deadline);
            tokio::select! {
                biased;
                served = &mut may_go => {
                    if served.is_ok() {
                        return Ok(began.elapsed());
                    }
                }
                () = sleep_until(look_again) => {}
            }
        }
    }

    /// The provider answered "too many requests", and perhaps said how long to wait. The limit
    /// with the shortest window is held: the one that an endpoint has for itself.
    pub async fn throttled(&self, limits: &[Shared], pause: Option<Duration>) {
        let Some(own) = limits.iter().min_by_key(|one| one.rate.window()) else { return };
        let pause = pause.unwrap_or_else(|| own.rate.window());
        self.queue().throttled(own, pause, Instant::now());
        if let Some(others) = &self.others {
            // Where it cannot be kept, the provider will say it again.
            let _ = others.slots.hold(own.clone(), pause).await;
            // What was reserved meanwhile.
            self.queue().throttled(own, pause, Instant::now());
        }
    }

    /// The provider told how far a limit is used.
    pub async fn report(&self, limit: &Shared, report: Report) {
        self.queue().report(limit, report, Instant::now());
        if let Some(others) = &self.others {
            // Where it cannot be kept, the provider will say it again.
            let _ = others.slots.report(limit.clone(), report).await;
        }
    }

    /// Reserves for all that wait for the same limits, unless somebody has done so.
    async fn reserve(&self, limits: &[Shared], deadline: Instant) -> Result<(), SlotsError> {
        let Some(others) = &self.others else { return Ok(()) };
        let _asking = others.asking.lock().await;
        let now = Instant::now();
        let slots = {
            let queue = self.queue();
            if queue.wake(limits, now).is_some() {
                return Ok(());
            }
            queue.waiting(limits)
        };
        let within = deadline.saturating_duration_since(now);
        let wish = Wish { limits: limits.to_vec(), slots, within };
        let reserved = others.slots.reserve(wish).await?;
        self.queue().put(limits, reserved);
        Ok(())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, given up when dropped.
struct Place<'a> {
    limiter: &'a Limiter,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.limiter.queue().leave(self.ticket);
    }
}

#[cfg(test)]
mod tests;
