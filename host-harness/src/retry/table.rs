//! The one table: what to do after a failed call.
//!
//! | error | read | create | update, delete | action |
//! |---|---|---|---|---|
//! | `unavailable` | again | again | again | again |
//! | `rate-limited` | after the stated time | same | same | same |
//! | `outcome-unknown`, or stopped after a write | again | resolve | again | again if repeatable, else fail |
//! | `not-found` | fail | fail | a delete whose earlier attempt may have landed: done | fail |
//! | `conflict` | fail | earlier attempt may have landed: resolve | fail | same: done |
//! | everything else | fail | fail | fail | fail |
//!
//! An error after which the provider certainly did nothing may always be repeated;
//! one that leaves it open is repeated only where doing it twice is as doing it once.

use std::time::Duration;

use crate::runtime::CallError;
use crate::runtime::bindings::types::Error;

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Changes nothing.
    Read,
    /// Makes a record.
    Create,
    /// Changes one; doing it again changes nothing more.
    Update,
    /// Removes one; doing it again finds nothing.
    Delete,
    /// An action that may be called again after an unknown outcome.
    RepeatableAction,
    /// An action that may not.
    Action,
}

/// Why to wait before the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Something passed by.
    Transient,
    /// The provider asked to slow down; at least this long when it said.
    Throttled(Option<Duration>),
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Call again after a pause.
    Again(Cause),
    /// Look whether the create was applied before doing anything else.
    Resolve,
    /// The earlier attempt did it.
    Done,
    /// Nothing helps; show the error.
    Fail,
}

/// What to do after `operation` failed with `error`. `unknown`: an earlier attempt of
/// the same wish may have been applied.
#[must_use]
pub fn next(operation: Operation, error: &CallError, unknown: bool) -> Next {
    let error = match error {
        CallError::Connector(error) => error,
        CallError::Stopped { wrote: true, .. } => return after_unknown(operation),
        CallError::Stopped { .. } | CallError::TooLarge => return Next::Fail,
    };
    match (error, operation) {
        (Error::Unavailable(_), _) => Next::Again(Cause::Transient),
        (Error::RateLimited(limit), _) => {
            let wait = limit.retry_after_ms.map(|ms| Duration::from_millis(u64::from(ms)));
            Next::Again(Cause::Throttled(wait))
        }
        (Error::OutcomeUnknown(_), _) => after_unknown(operation),
        (Error::NotFound(_), Operation::Delete) if unknown => Next::Done,
        (Error::Conflict(_), Operation::Create) if unknown => Next::Resolve,
        (Error::Conflict(_), Operation::RepeatableAction) if unknown => Next::Done,
        _ => Next::Fail,
    }
}

/// Whether `error` leaves open if the call was applied.
#[must_use]
pub fn leaves_open(error: &CallError) -> bool {
    matches!(
        error,
        CallError::Connector(Error::OutcomeUnknown(_)) | CallError::Stopped { wrote: true, .. }
    )
}

fn after_unknown(operation: Operation) -> Next {
    match operation {
        Operation::Create => Next::Resolve,
        Operation::Action => Next::Fail,
        Operation::Read | Operation::Update | Operation::Delete | Operation::RepeatableAction => {
            Next::Again(Cause::Transient)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Stop;
    use crate::runtime::bindings::types::{Conflict, Failure, InvalidInput, RateLimit};

    fn failure() -> Failure {
        Failure { message: String::new(), http_status: None, provider_code: None, request_id: None }
    }

    /// Every error case against every operation, without and with an unknown attempt before.
    #[test]
    fn the_table_holds_row_by_row() {
        use Next::{Again, Done, Fail, Resolve};
        use Operation::{Action, Create, Delete, Read, RepeatableAction, Update};
        let transient = Again(Cause::Transient);
        let throttled = Again(Cause::Throttled(Some(Duration::from_millis(700))));
        let limit = RateLimit { failure: failure(), retry_after_ms: Some(700) };
        let conflict = Conflict { failure: failure(), existing: None };
        let invalid = InvalidInput { failure: failure(), violations: vec![] };
        let stopped = |wrote| CallError::Stopped { reason: Stop::OutOfTime, wrote };
        let operations = [Read, Create, Update, Delete, RepeatableAction, Action];
        let all = |next| [next; 6];
        let lost = [transient, Resolve, transient, transient, transient, Fail];
        let rows: [(CallError, [Next; 6], [Next; 6]); 14] = [
            (Error::Unavailable(failure()).into(), all(transient), all(transient)),
            (Error::RateLimited(limit).into(), all(throttled), all(throttled)),
            (Error::OutcomeUnknown(failure()).into(), lost, lost),
            (stopped(true), lost, lost),
            (stopped(false), all(Fail), all(Fail)),
            (CallError::TooLarge, all(Fail), all(Fail)),
            (Error::NotFound(failure()).into(), all(Fail), [Fail, Fail, Fail, Done, Fail, Fail]),
            (Error::Conflict(conflict).into(), all(Fail), [Fail, Resolve, Fail, Fail, Done, Fail]),
            (Error::Unauthenticated(failure()).into(), all(Fail), all(Fail)),
            (Error::Forbidden(failure()).into(), all(Fail), all(Fail)),
            (Error::InvalidInput(invalid).into(), all(Fail), all(Fail)),
            (Error::CursorExpired(failure()).into(), all(Fail), all(Fail)),
            (Error::Unsupported(String::new()).into(), all(Fail), all(Fail)),
            (Error::Internal(failure()).into(), all(Fail), all(Fail)),
        ];
        for (error, first, after_unknown) in rows {
            for (index, operation) in operations.into_iter().enumerate() {
                assert_eq!(
                    next(operation, &error, false),
                    first[index],
                    "{operation:?}: {error:?}"
                );
                let expected = after_unknown[index];
                assert_eq!(
                    next(operation, &error, true),
                    expected,
                    "{operation:?} again: {error:?}"
                );
            }
        }
    }
}
