//! Repeats a call by the table.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::clock::Clock;
use connector_contract::types::{Attempt, Error, ErrorKind};
use tokio::time::{Instant, sleep};

use super::backoff::{Budget, INDEX_LAG, pause};
use super::policy::Policy;
use super::table::{CallKind, Cause, Next, leaves_open, next};
use crate::error::{CallError, error, to_the_second};
use crate::lock::lock;
use crate::observe::{Event, Observer};
use crate::secrets::random_id;

/// A wait that is told by its end and not by its length.
const WORTH_A_DATE: Duration = Duration::from_secs(60);

/// Repeats the calls of one connection. Clones share the budget of repetitions.
#[derive(Clone)]
pub(crate) struct Repeater {
    policy: Policy,
    budget: Arc<Budget>,
    random: Arc<Mutex<fastrand::Rng>>,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
}

impl Repeater {
    pub(crate) fn new(policy: Policy, observer: Arc<dyn Observer>, clock: Arc<dyn Clock>) -> Self {
        Self { policy, budget: Arc::default(), random: policy.random(), observer, clock }
    }

    /// The same with another policy.
    pub(crate) fn with_policy(&self, policy: Policy) -> Self {
        Self { policy, random: policy.random(), ..self.clone() }
    }

    /// Makes a call until it succeeds, the table says stop, or attempts, time or budget run out.
    /// `call` is told whether an earlier attempt at the same change may have been applied.
    ///
    /// `Ok(Err(_))`: an earlier attempt had been applied, and the last one answered this.
    pub(crate) async fn repeat<R, F: Future<Output = Result<R, CallError>>>(
        &self,
        operation: CallKind,
        first: &Attempt,
        call: impl Fn(Attempt) -> F,
    ) -> Result<Result<R, CallError>, CallError> {
        let began = Instant::now();
        let mut unknown = first.again;
        let mut lost = INDEX_LAG.into_iter();
        let mut attempt = 1;
        if unknown && let Some(after) = lost.next() {
            let why = "an earlier attempt was cut off, and may have been applied".to_owned();
            self.wait(attempt, after, why).await;
        }
        loop {
            let error = match call(Attempt { key: first.key.clone(), again: unknown }).await {
                Ok(value) => {
                    self.budget.earn();
                    return Ok(Ok(value));
                }
                Err(error) => error,
            };
            let next = next(operation, &error, unknown);
            unknown |= leaves_open(&error);
            let cause = match next {
                Next::Again(cause) => cause,
                Next::Done => return Ok(Err(error)),
                Next::Fail if unknown && !is_final(&error) => return Err(open(error)),
                Next::Fail => return Err(self.with_end(error)),
            };
            // A lost answer is asked for so often, whatever else is repeated.
            let pause = match cause {
                Cause::Lost => lost.next(),
                _ => (attempt < self.policy.attempts)
                    .then(|| pause(cause, attempt, &mut lock(&self.random))),
            };
            let in_time = |pause: &Duration| began.elapsed() + *pause <= self.policy.deadline;
            let Some(pause) = pause.filter(in_time).filter(|_| self.budget.spend(cause)) else {
                let error = self.with_end(error);
                return Err(if unknown { open(error) } else { error });
            };
            self.wait(attempt, pause, error.to_string()).await;
            attempt += 1;
        }
    }

    /// Waits before a repetition, and says so.
    pub(crate) async fn wait(&self, attempt: u32, after: Duration, why: String) {
        self.observer.event(&Event::Retrying { attempt, after, why });
        sleep(after).await;
    }

    /// A wait that is too long to be made here ends the call, and the error says when it is over.
    fn with_end(&self, error: CallError) -> CallError {
        let CallError::Connector(error) = error else { return error };
        let (ErrorKind::RateLimited(Some(ms)) | ErrorKind::QuotaExhausted(Some(ms))) = error.kind
        else {
            return CallError::Connector(error);
        };
        let wait = Duration::from_millis(u64::from(ms));
        if wait < WORTH_A_DATE {
            return CallError::Connector(error);
        }
        let until = to_the_second(self.clock.now() + wait);
        let message = format!("{} The limit is used up until {until}.", error.message);
        CallError::Connector(Error { message, ..error })
    }
}

/// The first attempt at a change of its own: named by 128 random bits in hex.
///
/// # Errors
/// When the machine has no randomness.
pub fn first_attempt() -> Result<Attempt, CallError> {
    let key = random_id().map_err(|why| error(ErrorKind::Unavailable, why.to_string()))?;
    Ok(Attempt { key, again: false })
}

/// Whether the provider judged what was asked for, and so every attempt at it alike.
fn is_final(error: &CallError) -> bool {
    let CallError::Connector(error) = error else { return false };
    matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict(_) | ErrorKind::InvalidInput(_))
}

/// Giving up after an attempt that may have been applied must say so, even when the
/// last attempt was certainly not.
fn open(last: CallError) -> CallError {
    if leaves_open(&last) {
        return last;
    }
    let message = format!("an earlier attempt may have been applied; the last one failed: {last}");
    let facts = match last {
        CallError::Connector(facts) => facts,
        CallError::Paused(paused) => paused.error,
        CallError::TooLarge | CallError::Stopped { .. } => error(ErrorKind::Internal, ""),
    };
    CallError::Connector(Error { kind: ErrorKind::OutcomeUnknown, message, ..facts })
}
