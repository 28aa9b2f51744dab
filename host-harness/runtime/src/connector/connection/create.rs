//! Creates, without doubles and without false failures.
//!
//! When an answer is lost the connector is called again and told so: it looks whether the record
//! is there, unless a second one does no harm at the provider. A record that was just made may not
//! be listed yet, so the pauses before are those in which the provider's index catches up.

use connector_contract::types::{Attempt, DataRecord, Error, ErrorKind, Written, WrittenRecord};

use super::super::granting::PendingCall;
use super::super::instance::call;
use super::Connection;
use crate::egress::CallSends;
use crate::error::{CallError, error};
use crate::retry::{CallKind, INDEX_LAG, first_attempt};

/// How a create ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Created {
    /// The record, and what else was changed.
    pub written: Written,
    /// Its answer was lost, and the record was there: by this create, or by another program in
    /// the same moment.
    pub found: bool,
}

impl Created {
    /// The record, where the answer holds it whole.
    pub fn record(self) -> Option<DataRecord> {
        self.written.record()
    }
}

/// Answers what a create would collide with. A [`Connection`] asks for one at a time; whoever makes
/// many records may ask for many at once.
pub trait Find: Send + Sync {
    /// As [`Connection::find`].
    fn find<'a>(&'a self, object: &'a str, input: &'a str) -> PendingCall<'a, Vec<DataRecord>>;
}

impl Find for Connection {
    fn find<'a>(&'a self, object: &'a str, input: &'a str) -> PendingCall<'a, Vec<DataRecord>> {
        Box::pin(Self::find(self, object, input))
    }
}

impl Connection {
    /// Makes a record of `input`. When the answer is lost, the record is looked for before it is
    /// sent again.
    ///
    /// # Errors
    /// [`CallError`]; `outcome-unknown` when it is still open whether it was applied.
    pub async fn create(&self, object: &str, input: &str) -> Result<Created, CallError> {
        self.create_as(object, input, &first_attempt()?, self).await
    }

    /// As [`Connection::create`], looking by `finder`. With `attempt.again`, an earlier attempt at it, of
    /// a process that was cut off, may have been applied.
    ///
    /// # Errors
    /// As [`Connection::create`].
    pub async fn create_as(
        &self,
        object: &str,
        input: &str,
        attempt: &Attempt,
        finder: &dyn Find,
    ) -> Result<Created, CallError> {
        let call = |attempt: Attempt| async move {
            let first = &attempt;
            let call = || call!(create(object, input, first));
            let (made, sends) = self.once(("create", object), CallSends::default, call).await;
            Ok(Created { written: made?, found: attempt.again && !sends.progress.wrote() })
        };
        let conflict = match self.repeater.repeat(CallKind::Create, attempt, call).await? {
            Ok(created) => return Ok(created),
            Err(conflict) => conflict,
        };
        // What it collides with after a lost answer is our own.
        let existing = match &conflict {
            CallError::Connector(Error { kind: ErrorKind::Conflict(id), .. }) => id.as_deref(),
            _ => None,
        };
        let found = match existing {
            Some(id) => {
                Some(self.get(object, id).await.map_err(|why| unresolved(&conflict, &why))?)
            }
            None => self.look_for(object, input, &conflict, finder).await?,
        };
        let record = found.ok_or_else(|| unknown(conflict.to_string()))?;
        let written = Written { item: WrittenRecord::Whole(record), also: vec![] };
        Ok(Created { written, found: true })
    }

    /// The record that a write left behind; asked for where the answer tells only its id.
    ///
    /// # Errors
    /// [`CallError`] of asking.
    pub async fn whole(
        &self,
        object: &str,
        written: WrittenRecord,
    ) -> Result<DataRecord, CallError> {
        match written {
            WrittenRecord::Whole(record) => Ok(record),
            WrittenRecord::Id(id) => self.get(object, &id).await,
        }
    }

    /// The record that a create collided with, if it is listed before the lag of the provider's
    /// index is over. `conflict` is the error of that create.
    ///
    /// # Errors
    /// `outcome-unknown` when looking fails, or several fit.
    pub async fn look_for(
        &self,
        object: &str,
        input: &str,
        conflict: &CallError,
        finder: &dyn Find,
    ) -> Result<Option<DataRecord>, CallError> {
        let pauses = std::iter::once(None).chain(INDEX_LAG.into_iter().map(Some));
        for (attempt, pause) in (1..).zip(pauses) {
            if let Some(after) = pause {
                let why = format!("looking again for the record that is there: {conflict}");
                self.repeater.wait(attempt, after, why).await;
            }
            // A look that fails leaves open what was open before, so that is what is told.
            let found = finder.find(object, input).await;
            let mut found = found.map_err(|look| unresolved(conflict, &look))?.into_iter();
            match (found.next(), found.next()) {
                (None, _) => {}
                (Some(record), None) => return Ok(Some(record)),
                (Some(_), Some(_)) => {
                    return Err(unknown(format!(
                        "{conflict}; several records fit, so it cannot be told which one it made: look at them and name more members"
                    )));
                }
            }
        }
        Ok(None)
    }
}

/// The id of a record that a write left behind.
pub fn id_of(written: &WrittenRecord) -> &str {
    match written {
        WrittenRecord::Whole(record) => &record.id,
        WrittenRecord::Id(id) => id,
    }
}

fn unresolved(lost: &CallError, look: &CallError) -> CallError {
    unknown(format!("{lost}; looking for it failed too: {look}"))
}

fn unknown(message: String) -> CallError {
    error(ErrorKind::OutcomeUnknown, message).into()
}
