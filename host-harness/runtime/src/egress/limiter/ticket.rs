//! A request's place in the queue, and the right to be under way.

use std::sync::Arc;
use std::time::Duration;

use connector_contract::limits::LimitId;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::queue::Standing;
use super::{LONGEST_WAIT, Limiter, NoTurn};
use crate::egress::scopes::Demand;
use crate::lock::lock;
use crate::observe::{Event, Observer};

/// Shorter waits are not worth telling.
const WORTH_TELLING: Duration = Duration::from_millis(250);

/// A place in the queue, given up when dropped.
pub struct Ticket {
    pub(super) limiter: Arc<Limiter>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) number: u64,
    pub(super) demand: Arc<Demand>,
    pub(super) wake: Arc<Notify>,
    pub(super) began: Instant,
    pub(super) told: bool,
}

impl Ticket {
    /// What it waits for.
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
            if lock(&self.limiter.queue).take(self.number, Instant::now()) {
                let limits = self.demand.at_once.iter().map(|limit| limit.limit.clone());
                let in_flight = InFlight(Some((Arc::clone(&self.limiter), limits.collect())));
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
                biased;
                () = self.wake.notified() => {}
                () = sleep_until(look) => {}
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.limiter.queue).remove(self.number, false);
    }
}

/// A request under way, as far as limits count those; over when dropped.
#[derive(Default)]
pub struct InFlight(Option<(Arc<Limiter>, Vec<LimitId>)>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some((limiter, limits)) = &self.0 {
            lock(&limiter.queue).release(limits);
        }
    }
}
