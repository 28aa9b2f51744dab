//! Repeats calls by the table.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, sleep};

use super::backoff::{Budget, pause};
use super::table::{Cause, Next, Operation, leaves_open, next};
use crate::observe::Event;
use crate::runtime::bindings::actions::{Invocation, Outcome};
use crate::runtime::bindings::auth::Account;
use crate::runtime::bindings::records::{ListRequest, Page};
use crate::runtime::bindings::types::{DataRecord, Error, ErrorKind, Written};
use crate::runtime::{CallError, Connection, error};

/// A wait that is told by its end and not by its length.
const WORTH_A_DATE: Duration = Duration::from_secs(60);

/// How persistent to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Tries of one call, the first included.
    pub attempts: u32,
    /// No new try begins after this time from the call's start.
    pub deadline: Duration,
    /// Seed of the jitter; `None` takes one from the system.
    pub seed: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { attempts: 4, deadline: Duration::from_secs(120), seed: None }
    }
}

/// A connection whose calls are repeated where that is safe. Cheap to clone.
#[derive(Clone)]
pub struct Caller {
    connection: Connection,
    policy: Policy,
    budget: Arc<Budget>,
    random: Arc<Mutex<fastrand::Rng>>,
}

impl Caller {
    /// Wraps `connection`.
    #[must_use]
    pub fn new(connection: Connection, policy: Policy) -> Self {
        let random = policy.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self { connection, policy, budget: Arc::default(), random: Arc::new(Mutex::new(random)) }
    }

    /// The connection itself, for calls that are made once.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// As [`Connection::list`].
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn list(&self, request: &ListRequest) -> Result<Page, CallError> {
        self.repeat(Operation::Read, |_| self.connection.list(request.clone())).await?.or_fail()
    }

    /// As [`Connection::get`].
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn get(&self, object: &str, id: &str) -> Result<DataRecord, CallError> {
        self.repeat(Operation::Read, |_| self.connection.get(object, id)).await?.or_fail()
    }

    /// As [`Connection::find`], for one input.
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn find(&self, object: &str, input: &str) -> Result<Vec<DataRecord>, CallError> {
        let inputs = [input.to_owned()];
        Ok(self.find_each(object, &inputs).await?.into_iter().flatten().collect())
    }

    /// As [`Connection::find`], for several inputs at once.
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn find_each(
        &self,
        object: &str,
        inputs: &[String],
    ) -> Result<Vec<Vec<DataRecord>>, CallError> {
        self.repeat(Operation::Read, |_| self.connection.find(object, inputs)).await?.or_fail()
    }

    /// As [`Connection::check`].
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn check(&self, object: &str) -> Result<Option<Account>, CallError> {
        self.repeat(Operation::Read, |_| self.connection.check(object)).await?.or_fail()
    }

    /// As [`Connection::update`].
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn update(&self, object: &str, id: &str, patch: &str) -> Result<Written, CallError> {
        let call = |_| self.connection.update(object, id, patch);
        self.repeat(Operation::Update, call).await?.or_fail()
    }

    /// As [`Connection::delete`]. Finding nothing after an attempt whose answer was
    /// lost means that this attempt did it.
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn delete(&self, object: &str, id: &str) -> Result<(), CallError> {
        match self.repeat(Operation::Delete, |_| self.connection.delete(object, id)).await? {
            Ended::Value(()) | Ended::DoneBefore(_) => Ok(()),
            Ended::Unresolved(error) => Err(error),
        }
    }

    /// As [`Connection::invoke`]. A conflict after an attempt whose answer was lost
    /// means that this attempt did it; the record is then fetched as it is now.
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn invoke(
        &self,
        invocation: &Invocation,
        repeatable: bool,
    ) -> Result<Outcome, CallError> {
        let operation = if repeatable { Operation::RepeatableAction } else { Operation::Action };
        let ended = self.repeat(operation, |again| {
            let invocation = Invocation { again, ..invocation.clone() };
            async move { self.connection.invoke(&invocation).await }
        });
        match (ended.await?, &invocation.id) {
            (Ended::DoneBefore(_), Some(id)) => {
                let record = self.get(&invocation.object, id).await?;
                Ok(Outcome { output: record.data.clone(), written: vec![record] })
            }
            (ended, _) => ended.or_fail(),
        }
    }

    /// Calls until it succeeds, the table says stop, or attempts, time or budget run
    /// out. `call` is told whether an earlier attempt may have been applied.
    pub(super) async fn repeat<R, F: Future<Output = Result<R, CallError>>>(
        &self,
        operation: Operation,
        call: impl Fn(bool) -> F,
    ) -> Result<Ended<R>, CallError> {
        let began = Instant::now();
        let mut unknown = false;
        let mut attempt = 1;
        loop {
            let error = match call(unknown).await {
                Ok(value) => {
                    self.budget.earn();
                    return Ok(Ended::Value(value));
                }
                Err(error) => error,
            };
            let next = next(operation, &error, unknown);
            unknown |= leaves_open(&error);
            let cause = match next {
                Next::Again(cause) => cause,
                Next::Resolve => return Ok(Ended::Unresolved(error)),
                Next::Done => return Ok(Ended::DoneBefore(error)),
                Next::Fail if unknown && !is_final(&error) => return Err(open(error)),
                Next::Fail => return Err(error),
            };
            let pause = self.pause(cause, attempt);
            let late = began.elapsed() + pause > self.policy.deadline;
            if attempt >= self.policy.attempts || late || !self.budget.spend(cause) {
                let error = self.with_end(error, cause);
                return Err(if unknown { open(error) } else { error });
            }
            let why = error.to_string();
            self.connection.observer().event(&Event::Retrying { attempt, after: pause, why });
            sleep(pause).await;
            attempt += 1;
        }
    }

    /// A wait that is too long to be made here ends the call, and the error says when it is over.
    fn with_end(&self, error: CallError, cause: Cause) -> CallError {
        match (error, cause) {
            (CallError::Connector(error), Cause::Throttled(Some(wait))) if wait >= WORTH_A_DATE => {
                let until = OffsetDateTime::from(self.connection.clock().now() + wait);
                let until = until.replace_nanosecond(0).unwrap_or(until).format(&Rfc3339);
                let until = until.unwrap_or_else(|_| format!("{wait:?} from now"));
                let message = format!("{} The limit is used up until {until}.", error.message);
                CallError::Connector(Error { message, ..error })
            }
            (error, _) => error,
        }
    }

    fn pause(&self, cause: Cause, attempt: u32) -> Duration {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        pause(cause, attempt, &mut random)
    }
}

/// How a repeated call ended, short of an error that the table calls final.
pub(super) enum Ended<R> {
    /// With its result.
    Value(R),
    /// An earlier attempt had been applied; the last one answered this.
    DoneBefore(CallError),
    /// It is open whether a create was applied.
    Unresolved(CallError),
}

impl<R> Ended<R> {
    fn or_fail(self) -> Result<R, CallError> {
        match self {
            Self::Value(value) => Ok(value),
            Self::DoneBefore(error) | Self::Unresolved(error) => Err(error),
        }
    }
}

/// Whether the provider judged the wish itself, and so every attempt of it alike.
fn is_final(error: &CallError) -> bool {
    let CallError::Connector(error) = error else {
        return false;
    };
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
        CallError::TooLarge | CallError::Stopped { .. } => error(ErrorKind::Internal, ""),
    };
    CallError::Connector(Error { kind: ErrorKind::OutcomeUnknown, message, ..facts })
}
