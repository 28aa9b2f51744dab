//! Creates, without doubles and without false failures.
//!
//! When an answer is lost the provider is asked before anything is written again.
//! A record that was just made may not be listed yet, so the question is repeated
//! over the lag of the provider's index before the create is.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::sleep;

use super::caller::{Caller, Ended};
use super::table::Operation;
use crate::observe::Event;
use crate::runtime::bindings::types::{DataRecord, ErrorKind, Written};
use crate::runtime::{CallError, error};

/// Pauses before each further look for a record whose answer was lost.
const INDEX_LAG: [Duration; 3] =
    [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15)];
/// How often a create whose outcome stays unknown is sent again.
const RECREATIONS: u32 = 2;

/// How a create ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Created {
    /// Its answer came.
    Answered(Box<Written>),
    /// Its answer was lost, and the record was found.
    Found(Box<DataRecord>),
}

impl Created {
    /// The record, as it is now.
    #[must_use]
    pub fn into_item(self) -> DataRecord {
        match self {
            Self::Answered(written) => written.item,
            Self::Found(record) => *record,
        }
    }
}

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Object.
    pub object: &'a str,
    /// JSON of the new record.
    pub input: &'a str,
    /// Names the wish, the same for every repetition.
    pub key: &'a str,
    /// The descriptor's `create-repeatable`.
    pub repeatable: bool,
    /// An earlier attempt, of a process that was cut off, may have been applied.
    pub begun: bool,
}

/// Answers what a create would collide with. A [`Caller`] asks for one at a time; whoever makes
/// many records may ask for many at once.
pub trait Find: Send + Sync {
    /// As [`Caller::find`].
    fn find<'a>(
        &'a self,
        object: &'a str,
        input: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<DataRecord>, CallError>> + Send + 'a>>;
}

impl Find for Caller {
    fn find<'a>(
        &'a self,
        object: &'a str,
        input: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<DataRecord>, CallError>> + Send + 'a>> {
        Box::pin(Self::find(self, object, input))
    }
}

impl Caller {
    /// As [`crate::runtime::Connection::create`], resolved when the answer is lost.
    /// `repeatable` is the descriptor's `create-repeatable`.
    ///
    /// # Errors
    /// [`CallError`]; `outcome-unknown` when it is still open whether it was applied.
    pub async fn create(
        &self,
        object: &str,
        input: &str,
        key: &str,
        repeatable: bool,
    ) -> Result<Created, CallError> {
        let wish = Wish { object, input, key, repeatable, begun: false };
        self.create_by(&wish, self).await
    }

    /// As [`Caller::create`], looking by `finder`.
    ///
    /// # Errors
    /// As [`Caller::create`].
    pub async fn create_by(
        &self,
        wish: &Wish<'_>,
        finder: &dyn Find,
    ) -> Result<Created, CallError> {
        let Wish { object, input, key, repeatable, begun } = *wish;
        let mut sent = 0;
        let mut earlier = begun.then(cut_off);
        loop {
            let call = |_| self.connection().create(object, input, key);
            let lost = match earlier.take() {
                Some(lost) => lost,
                None => match self.repeat(Operation::Create, call).await {
                    Ok(Ended::Value(written)) => return Ok(Created::Answered(Box::new(written))),
                    Ok(Ended::Unresolved(error) | Ended::DoneBefore(error)) => error,
                    // Sent again after a lost answer: what it collides with is our own.
                    Err(error) if sent > 0 && is_conflict(&error) => error,
                    Err(error) => return Err(error),
                },
            };
            if let Some(found) = self.look_for(object, input, &lost, finder).await? {
                return Ok(Created::Found(Box::new(found)));
            }
            if !repeatable || sent >= RECREATIONS || is_conflict(&lost) {
                return Err(lost);
            }
            sent += 1;
        }
    }

    /// The record that a create whose answer was lost left behind, or that one collided with, if
    /// it is listed before the lag of the provider's index is over. `lost` is the error of that
    /// create.
    ///
    /// # Errors
    /// `outcome-unknown` when looking fails, or several fit.
    pub async fn look_for(
        &self,
        object: &str,
        input: &str,
        lost: &CallError,
        finder: &dyn Find,
    ) -> Result<Option<DataRecord>, CallError> {
        let pauses = std::iter::once(None).chain(INDEX_LAG.into_iter().map(Some));
        for (attempt, pause) in (1..).zip(pauses) {
            if let Some(after) = pause {
                let why = format!("looking again for a record whose answer was lost: {lost}");
                self.connection().observer().event(&Event::Retrying { attempt, after, why });
                sleep(after).await;
            }
            // A look that fails leaves open what was open before, so that is what is told.
            let found = finder.find(object, input).await;
            let mut found = found.map_err(|look| unresolved(lost, &look))?.into_iter();
            match (found.next(), found.next()) {
                (None, _) => {}
                (Some(record), None) => return Ok(Some(record)),
                (Some(_), Some(_)) => return Err(ambiguous(lost)),
            }
        }
        Ok(None)
    }
}

fn cut_off() -> CallError {
    unknown("the process that sent it was cut off before the answer came".to_owned())
}

fn is_conflict(error: &CallError) -> bool {
    matches!(error, CallError::Connector(error) if matches!(error.kind, ErrorKind::Conflict(_)))
}

fn unresolved(lost: &CallError, look: &CallError) -> CallError {
    unknown(format!("{lost}; looking for it failed too: {look}"))
}

fn ambiguous(lost: &CallError) -> CallError {
    unknown(format!(
        "{lost}; several records fit, so it cannot be told which one it made: look at them and name more members"
    ))
}

fn unknown(message: String) -> CallError {
    error(ErrorKind::OutcomeUnknown, message).into()
}
