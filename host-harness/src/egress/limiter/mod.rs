//! The provider's limits, kept over all instances, calls and connections of one
//! account. A request waits for its turn; it does not fail.
//!
//! Within a process connections of an account share a [`Limiter`]. Those in several processes share
//! what a [`Slots`] keeps: each process queues its own requests, and reserves times to send for
//! them.

mod queue;
mod room;
mod rule;
pub mod slots;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::sync;
use tokio::time::{Instant, sleep_until};

use self::queue::{Queue, Ticket};
use self::room::Room;
pub use self::rule::Rate;
pub use self::slots::Slots;
use self::slots::Wish;
use crate::observe::{Event, Observer};
use crate::runtime::bindings::catalog::Limit;
use crate::store::StoreError;

/// Longest wait for a turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
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
    Unknown(#[from] StoreError),
}

/// Limits of one account. Connections of that account share one.
pub struct Limiter {
    queue: Mutex<Queue>,
    others: Option<Others>,
}

/// How limits are shared with other processes.
struct Others {
    slots: Arc<dyn Slots>,
    account: String,
    /// Whoever holds it reserves.
    asking: sync::Mutex<()>,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { queue: Mutex::new(Queue::new(Room::own())), others: None }
    }
}

impl Limiter {
    /// Shares the limits of `account` with all processes that keep them in the same `slots`.
    #[must_use]
    pub fn shared(slots: Arc<dyn Slots>, account: impl Into<String>) -> Self {
        let others = Others { slots, account: account.into(), asking: sync::Mutex::default() };
        Self { queue: Mutex::new(Queue::new(Room::shared())), others: Some(others) }
    }

    /// Declares the limits of a manifest; known ones stay as far used as they are.
    pub fn declare(&self, limits: &[Limit]) {
        let mut queue = self.queue();
        for limit in limits {
            let window = Duration::from_millis(u64::from(limit.window_ms));
            queue.declare(&limit.name, Rate::new(limit.requests, window));
        }
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
        limits: &[String],
        observer: &dyn Observer,
    ) -> Result<Duration, NoTurn> {
        let began = Instant::now();
        let deadline = began + LONGEST_WAIT;
        let limits = &self.queue().known(limits);
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
    pub async fn throttled(&self, limits: &[String], pause: Option<Duration>) {
        let Some(own) = self.queue().own(limits) else { return };
        let pause = pause.unwrap_or_else(|| own.rate.window());
        self.queue().throttled(&own.name, pause, Instant::now());
        if let Some(others) = &self.others {
            let name = own.name.clone();
            // Where it cannot be kept, the provider will say it again.
            let _ = others.slots.hold(others.account.clone(), own, pause).await;
            // What was reserved meanwhile.
            self.queue().throttled(&name, pause, Instant::now());
        }
    }

    /// Reserves for all that wait for the same limits, unless somebody has done so.
    async fn reserve(&self, limits: &[String], deadline: Instant) -> Result<(), StoreError> {
        let Some(others) = &self.others else { return Ok(()) };
        let _asking = others.asking.lock().await;
        let now = Instant::now();
        let (limits_of, slots) = {
            let queue = self.queue();
            if queue.wake(limits, now).is_some() {
                return Ok(());
            }
            queue.wanted(limits)
        };
        let account = others.account.clone();
        let within = deadline.saturating_duration_since(now);
        let wish = Wish { account, limits: limits_of, slots, within };
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
