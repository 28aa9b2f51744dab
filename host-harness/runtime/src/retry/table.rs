//! The one table: what to do after a failed call.
//!
//! | error | read | write |
//! |---|---|---|
//! | `unavailable` | again | again |
//! | `rate-limited` | after the stated time | same |
//! | `outcome-unknown`, or stopped after a write | again | again, and told so, after a time in which the provider's index may catch up |
//! | `not-found` | fail | a delete whose earlier attempt may have landed: done; else fail |
//! | `conflict` | fail | a create whose earlier attempt may have landed: it did; else fail |
//! | everything else, `quota-exhausted` among it; not made, because calls are paused | fail | fail |
//!
//! An error after which the provider certainly did nothing may always be repeated. After one that
//! leaves it open the connector is told (`attempt.again`): it knows whether to look first, to send
//! again, or to give up.

use std::time::Duration;

use connector_contract::types::ErrorKind;

use crate::CallError;

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallKind {
    /// Changes nothing.
    Read,
    /// Makes a record.
    Create,
    /// Changes something.
    Update,
    /// Removes a record.
    Delete,
}

/// Why to wait before the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Something passed by.
    Transient,
    /// The provider asked to slow down; at least this long when it said.
    Throttled(Option<Duration>),
    /// The answer was lost.
    Lost,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Call again after a pause.
    Again(Cause),
    /// The earlier attempt did it.
    Done,
    /// Nothing helps; show the error.
    Fail,
}

/// What to do after `operation` failed with `error`. `unknown`: an earlier attempt of
/// the same change may have been applied.
pub fn next(operation: CallKind, error: &CallError, unknown: bool) -> Next {
    let lost = match operation {
        CallKind::Read => Next::Again(Cause::Transient),
        CallKind::Create | CallKind::Update | CallKind::Delete => Next::Again(Cause::Lost),
    };
    let error = match error {
        CallError::Connector(error) => error,
        CallError::Stopped { wrote: true, .. } => return lost,
        CallError::Stopped { .. } | CallError::TooLarge | CallError::Paused(_) => {
            return Next::Fail;
        }
    };
    match (&error.kind, operation) {
        (ErrorKind::Unavailable, _) => Next::Again(Cause::Transient),
        (ErrorKind::RateLimited(wait), _) => {
            let wait = wait.map(|ms| Duration::from_millis(u64::from(ms)));
            Next::Again(Cause::Throttled(wait))
        }
        (ErrorKind::OutcomeUnknown, _) => lost,
        (ErrorKind::NotFound, CallKind::Delete) if unknown => Next::Done,
        (ErrorKind::Conflict(_), CallKind::Create) if unknown => Next::Done,
        _ => Next::Fail,
    }
}

/// Whether `error` leaves open if the call was applied.
pub fn leaves_open(error: &CallError) -> bool {
    match error {
        CallError::Connector(error) => matches!(error.kind, ErrorKind::OutcomeUnknown),
        CallError::Stopped { wrote, .. } => *wrote,
        CallError::TooLarge | CallError::Paused(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stop, error};

    fn of(kind: ErrorKind) -> CallError {
        error(kind, "").into()
    }

    /// Every error case against every operation, without and with an unknown attempt before.
    #[test]
    fn the_table_holds_row_by_row() {
        use CallKind::{Create, Delete, Read, Update};
        use Next::{Again, Done, Fail};
        let transient = Again(Cause::Transient);
        let throttled = Again(Cause::Throttled(Some(Duration::from_millis(700))));
        let stopped = |wrote| CallError::Stopped { reason: Stop::OutOfTime, wrote };
        let operations = [Read, Create, Update, Delete];
        let all = |next| [next; 4];
        let again = Again(Cause::Lost);
        let lost = [transient, again, again, again];
        let rows: [(CallError, [Next; 4], [Next; 4]); 15] = [
            (of(ErrorKind::Unavailable), all(transient), all(transient)),
            (of(ErrorKind::RateLimited(Some(700))), all(throttled), all(throttled)),
            (of(ErrorKind::QuotaExhausted(Some(700))), all(Fail), all(Fail)),
            (of(ErrorKind::OutcomeUnknown), lost, lost),
            (stopped(true), lost, lost),
            (stopped(false), all(Fail), all(Fail)),
            (CallError::TooLarge, all(Fail), all(Fail)),
            (of(ErrorKind::NotFound), all(Fail), [Fail, Fail, Fail, Done]),
            (of(ErrorKind::Conflict(None)), all(Fail), [Fail, Done, Fail, Fail]),
            (of(ErrorKind::Unauthenticated), all(Fail), all(Fail)),
            (of(ErrorKind::Forbidden), all(Fail), all(Fail)),
            (of(ErrorKind::InvalidInput(vec![])), all(Fail), all(Fail)),
            (of(ErrorKind::CursorExpired), all(Fail), all(Fail)),
            (of(ErrorKind::Unsupported), all(Fail), all(Fail)),
            (of(ErrorKind::Internal), all(Fail), all(Fail)),
        ];
        for (error, first, after_unknown) in rows {
            for (index, operation) in operations.into_iter().enumerate() {
                for (unknown, expected) in [(false, first[index]), (true, after_unknown[index])] {
                    let next = next(operation, &error, unknown);
                    assert_eq!(next, expected, "{operation:?}, unknown {unknown}: {error:?}");
                }
            }
        }
    }
}
