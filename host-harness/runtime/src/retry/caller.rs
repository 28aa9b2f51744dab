//! Repeats calls by the table.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_contract::actions::{Invocation, Outcome};
use connector_contract::records::{ListRequest, Page, View};
use connector_contract::subscriptions::{SubscriptionOutcome, SubscriptionRequest};
use connector_contract::types::{Attempt, DataRecord, Error, ErrorKind, Written};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, sleep};

use super::backoff::{Budget, INDEX_LAG, pause};
use super::table::{Cause, Next, Operation, leaves_open, next};
use crate::observe::Event;
use crate::secrets::random_id;
use crate::{CallError, Connection, error};

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
        self.repeat(|| self.connection.list(request.clone())).await
    }

    /// As [`Connection::get`], whole.
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn get(&self, object: &str, id: &str) -> Result<DataRecord, CallError> {
        self.get_view(object, id, &View { fields: vec![], options: None }).await
    }

    /// As [`Connection::get`].
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn get_view(
        &self,
        object: &str,
        id: &str,
        view: &View,
    ) -> Result<DataRecord, CallError> {
        self.repeat(|| self.connection.get_view(object, id, view)).await
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
        self.repeat(|| self.connection.find(object, inputs)).await
    }

    /// As [`Connection::check`].
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn check(&self, object: &str) -> Result<(), CallError> {
        self.repeat(|| self.connection.check(object)).await
    }

    /// As [`Caller::update_as`], a change of its own to a record of any version.
    ///
    /// # Errors
    /// As [`Caller::update_as`].
    pub async fn update(&self, object: &str, id: &str, patch: &str) -> Result<Written, CallError> {
        self.update_as(object, id, patch, &first_attempt()?, None).await
    }

    /// As [`Connection::update`]. With `attempt.again`, an earlier attempt at it, of a process that
    /// was cut off, may have been applied.
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn update_as(
        &self,
        object: &str,
        id: &str,
        patch: &str,
        attempt: &Attempt,
        expected: Option<&str>,
    ) -> Result<Written, CallError> {
        let call = |attempt: Attempt| async move {
            self.connection.update(object, id, patch, &attempt, expected).await
        };
        self.repeat_write(Operation::Update, attempt, call).await?.or_fail()
    }

    /// As [`Caller::delete_as`], a change of its own to a record of any version.
    ///
    /// # Errors
    /// As [`Caller::delete_as`].
    pub async fn delete(&self, object: &str, id: &str) -> Result<(), CallError> {
        self.delete_as(object, id, &first_attempt()?, None).await
    }

    /// As [`Connection::delete`]. Finding nothing after an attempt whose answer was
    /// lost means that this attempt did it.
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn delete_as(
        &self,
        object: &str,
        id: &str,
        attempt: &Attempt,
        expected: Option<&str>,
    ) -> Result<(), CallError> {
        let call = |attempt: Attempt| async move {
            self.connection.delete(object, id, &attempt, expected).await
        };
        match self.repeat_write(Operation::Delete, attempt, call).await? {
            Ended::Value(()) | Ended::DoneBefore(_) => Ok(()),
        }
    }

    /// As [`Connection::invoke`].
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn invoke(&self, invocation: &Invocation) -> Result<Outcome, CallError> {
        let call = |attempt: Attempt| {
            let invocation = Invocation { attempt, ..invocation.clone() };
            async move { self.connection.invoke(&invocation).await }
        };
        self.repeat_write(Operation::Update, &invocation.attempt, call).await?.or_fail()
    }

    /// As [`Connection::subscribe`].
    ///
    /// # Errors
    /// [`CallError`], when repeating did not help.
    pub async fn subscribe(
        &self,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionOutcome, CallError> {
        let call = |attempt: Attempt| {
            let request = SubscriptionRequest { attempt, ..request.clone() };
            async move { self.connection.subscribe(request).await }
        };
        self.repeat_write(Operation::Update, &request.attempt, call).await?.or_fail()
    }

    /// Calls a read until it succeeds, the table says stop, or attempts, time or budget run out.
    async fn repeat<R, F: Future<Output = Result<R, CallError>>>(
        &self,
        call: impl Fn() -> F,
    ) -> Result<R, CallError> {
        let attempt = Attempt { key: String::new(), again: false };
        self.repeat_write(Operation::Read, &attempt, |_| call()).await?.or_fail()
    }

    /// Calls until it succeeds, the table says stop, or attempts, time or budget run out. `call`
    /// is told whether an earlier attempt at the same change may have been applied.
    pub(super) async fn repeat_write<R, F: Future<Output = Result<R, CallError>>>(
        &self,
        operation: Operation,
        first: &Attempt,
        call: impl Fn(Attempt) -> F,
    ) -> Result<Ended<R>, CallError> {
        let began = Instant::now();
        let mut unknown = first.again;
        let mut lost = INDEX_LAG.into_iter();
        let mut attempt = 1;
        if unknown && let Some(after) = lost.next() {
            let why = "an earlier attempt was cut off, and may have been applied".to_owned();
            self.connection.observer().event(&Event::Retrying { attempt, after, why });
            sleep(after).await;
        }
        loop {
            let error = match call(Attempt { key: first.key.clone(), again: unknown }).await {
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
                Next::Done => return Ok(Ended::DoneBefore(error)),
                Next::Fail if unknown && !is_final(&error) => return Err(open(error)),
                Next::Fail => return Err(self.with_end(error)),
            };
            // A lost answer is asked for so often, whatever else is repeated.
            let pause = match cause {
                Cause::Lost => lost.next(),
                _ => (attempt < self.policy.attempts).then(|| self.pause(cause, attempt)),
            };
            let in_time = |pause: &Duration| began.elapsed() + *pause <= self.policy.deadline;
            let Some(pause) = pause.filter(in_time).filter(|_| self.budget.spend(cause)) else {
                let error = self.with_end(error);
                return Err(if unknown { open(error) } else { error });
            };
            let why = error.to_string();
            self.connection.observer().event(&Event::Retrying { attempt, after: pause, why });
            sleep(pause).await;
            attempt += 1;
        }
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
        let until = OffsetDateTime::from(self.connection.clock().now() + wait);
        let until = until.replace_nanosecond(0).unwrap_or(until).format(&Rfc3339);
        let until = until.unwrap_or_else(|_| format!("{wait:?} from now"));
        let message = format!("{} The limit is used up until {until}.", error.message);
        CallError::Connector(Error { message, ..error })
    }

    fn pause(&self, cause: Cause, attempt: u32) -> Duration {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        pause(cause, attempt, &mut random)
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

/// How a repeated call ended, short of an error that the table calls final.
pub(super) enum Ended<R> {
    /// With its result.
    Value(R),
    /// An earlier attempt had been applied; the last one answered this.
    DoneBefore(CallError),
}

impl<R> Ended<R> {
    pub(super) fn or_fail(self) -> Result<R, CallError> {
        match self {
            Self::Value(value) => Ok(value),
            Self::DoneBefore(error) => Err(error),
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
