//! A request's place in the queue, and the right to be under way.

use std::sync::Arc;
use std::time::Duration;

use connector_contract::limits::LimitId;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::queue::{Standing, Waiter};
use super::{LONGEST_WAIT, Limiter, NoTurn};
use crate::egress::scopes::Demand;
use crate::observe::{Event, Observer};

/// Shorter waits are not worth telling.
const WORTH_TELLING: Duration = Duration::from_millis(250);

/// A place in the queue, given up when dropped.
pub struct Ticket {
    limiter: Arc<Limiter>,
    observer: Arc<dyn Observer>,
    number: u64,
    demand: Arc<Demand>,
    wake: Arc<Notify>,
    began: Instant,
    told: bool,
}

impl Ticket {
    pub(super) fn new(
        limiter: Arc<Limiter>,
        observer: Arc<dyn Observer>,
        connection: u64,
        urgent: bool,
        demand: Demand,
    ) -> Self {
        let demand = Arc::new(demand);
        let waiter = Waiter::new(connection, urgent, Arc::clone(&demand));
        let wake = Arc::clone(&waiter.wake);
        let number = limiter.queue().join(waiter);
        Self { limiter, observer, number, demand, wake, began: Instant::now(), told: false }
    }

    /// What it waits for.
    #[must_use]
    pub fn demand(&self) -> &Demand {
        &self.demand
    }

    /// Waits until the request may go, and lets it go. Answers how long that took. The place is
    /// kept when the future is dropped.
    ///
    /// # Errors
    /// As [`Ticket::ready`].
    pub async fn turn(&mut self) -> Result<(Duration, InFlight), NoTurn> {
        loop {
            self.ready().await?;
            if self.limiter.queue().take(self.number, Instant::now()) {
                let limits = self.demand.at_once.iter().map(|limit| limit.limit.clone());
                let in_flight =
                    InFlight { limits: limits.collect(), limiter: Some(Arc::clone(&self.limiter)) };
                return Ok((self.began.elapsed(), in_flight));
            }
        }
    }

    /// Waits until the request may go. It stays the first, so that others wait for it.
    ///
    /// # Errors
    /// [`NoTurn::NoRoom`] when it would wait longer than 30 s; [`NoTurn::Unknown`] when the limits
    /// are shared and the store fails.
    pub async fn ready(&mut self) -> Result<(), NoTurn> {
        let deadline = self.began + LONGEST_WAIT;
        loop {
            let now = Instant::now();
            let (first, opening) = match self.limiter.look(self.number, now) {
                Standing::Ready => return Ok(()),
                Standing::Unreserved if now < deadline => {
                    self.limiter.reserve(self.number, deadline - now).await?;
                    continue;
                }
                Standing::Unreserved => (true, None),
                Standing::Waits { first, opening } => (first, opening),
            };
            let at = opening.as_ref().map_or(now, |opening| opening.at.max(now));
            if now >= deadline || at > deadline {
                let after = if at > now { at - now } else { Duration::from_secs(1) };
                return Err(NoTurn::NoRoom { after });
            }
            if !self.told && at > now + WORTH_TELLING {
                self.told = true;
                let limit = opening.as_ref().map(|opening| opening.limit.name.clone());
                let (limit, for_about) = (limit.unwrap_or_default(), at - now);
                self.observer.event(&Event::Waiting { limit, for_about });
            }
            // Behind others a turn comes later than the limits alone say, and is told.
            let look = opening.filter(|_| first).map_or(deadline, |opening| opening.look);
            let look = look.max(now + Duration::from_millis(1)).min(deadline);
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep_until(look) => {}
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.limiter.queue().leave(self.number);
    }
}

/// A request under way, as far as limits count those; over when dropped.
#[derive(Default)]
pub struct InFlight {
    limits: Vec<LimitId>,
    limiter: Option<Arc<Limiter>>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(limiter) = self.limiter.as_ref().filter(|_| !self.limits.is_empty()) {
            limiter.queue().release(&self.limits);
        }
    }
}
