//! The provider's limits, kept over all instances, calls and connections of one
//! account. A request waits for its turn; it does not fail.

mod queue;
mod rule;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use self::queue::{Queue, Ticket};
use crate::observe::{Event, Observer};
use crate::runtime::bindings::catalog::Limit;

/// Longest wait for a turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Shorter waits are not worth telling.
const WORTH_TELLING: Duration = Duration::from_millis(250);

/// The limits leave no room within the longest wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom {
    /// When there may be.
    pub after: Duration,
}

/// Limits of one account. Connections of that account share one.
#[derive(Default)]
pub struct Limiter {
    queue: Mutex<Queue>,
}

impl Limiter {
    /// Declares the limits of a manifest; known ones stay as far used as they are.
    pub fn declare(&self, limits: &[Limit]) {
        let now = Instant::now();
        let mut queue = self.queue();
        for limit in limits {
            let window = Duration::from_millis(u64::from(limit.window_ms));
            queue.declare(&limit.name, limit.requests, window, now);
        }
    }

    /// Waits until a request of `connection` may go, and counts it against `limits`.
    /// Answers how long that took. Dropping the future leaves the queue.
    ///
    /// # Errors
    /// [`NoRoom`] when it would wait longer than 30 s.
    pub async fn turn(
        &self,
        connection: u64,
        limits: &[String],
        observer: &dyn Observer,
    ) -> Result<Duration, NoRoom> {
        let began = Instant::now();
        let deadline = began + LONGEST_WAIT;
        let (ticket, mut may_go) = self.queue().join(connection, limits);
        let _place = Place { limiter: self, ticket };
        let mut told = false;
        loop {
            let now = Instant::now();
            let wake = {
                let mut queue = self.queue();
                queue.serve(now);
                let (limit, at) = queue.ready_at(limits, now);
                (limit.to_owned(), at)
            };
            if may_go.try_recv().is_ok() {
                return Ok(now - began);
            }
            let (limit, at) = wake;
            if at > deadline || now >= deadline {
                return Err(NoRoom { after: at.saturating_duration_since(now) });
            }
            if !told && at > now + WORTH_TELLING {
                told = true;
                observer.event(&Event::Waiting { limit, for_about: at - now });
            }
            // Behind others a turn comes later than the limit alone says; then the one
            // in front serves the queue, or the next look is a millisecond away.
            let look_again = at.max(now + Duration::from_millis(1)).min(deadline);
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

    /// The provider answered "too many requests", and perhaps said how long to wait.
    pub fn throttled(&self, limits: &[String], pause: Option<Duration>) {
        self.queue().throttled(limits, pause, Instant::now());
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
