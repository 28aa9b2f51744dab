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
use crate::runtime::bindings::types::ErrorKind;

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
    match (&error.kind, operation) {
        (ErrorKind::Unavailable, _) => Next::Again(Cause::Transient),
        (ErrorKind::RateLimited(wait), _) => {
            let wait = wait.map(|ms| Duration::from_millis(u64::from(ms)));
            Next::Again(Cause::Throttled(wait))
        }
        (ErrorKind::OutcomeUnknown, _) => after_unknown(operation),
        (ErrorKind::NotFound, Operation::Delete) if unknown => Next::Done,
        (ErrorKind::Conflict(_), Operation::Create) if unknown => Next::Resolve,
        (ErrorKind::Conflict(_), Operation::RepeatableAction) if unknown => Next::Done,
        _ => Next::Fail,
    }
}

/// Whether `error` leaves open if the call was applied.
#[must_use]
pub fn leaves_open(error: &CallError) -> bool {
    match error {
        CallError::Connector(error) => matches!(error.kind, ErrorKind::OutcomeUnknown),
        CallError::Stopped { wrote, .. } => *wrote,
        CallError::TooLarge => false,
    }
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
    use crate::runtime::{Stop, error};

    fn of(kind: ErrorKind) -> CallError {
        error(kind, "").into()
    }

    /// Every error case against every operation, without and with an unknown attempt before.
    #[test]
    fn the_table_holds_row_by_row() {
        use Next::{Again, Done, Fail, Resolve};
        use Operation::{Action, Create, Delete, Read, RepeatableAction, Update};
        let transient = Again(Cause::Transient);
        let throttled = Again(Cause::Throttled(Some(Duration::from_millis(700))));
        let stopped = |wrote| CallError::Stopped { reason: Stop::OutOfTime, wrote };
        let operations = [Read, Create, Update, Delete, RepeatableAction, Action];
        let all = |next| [next; 6];
        let lost = [transient, Resolve, transient, transient, transient, Fail];
        let rows: [(CallError, [Next; 6], [Next; 6]); 14] = [
            (of(ErrorKind::Unavailable), all(transient), all(transient)),
            (of(ErrorKind::RateLimited(Some(700))), all(throttled), all(throttled)),
            (of(ErrorKind::OutcomeUnknown), lost, lost),
            (stopped(true), lost, lost),
            (stopped(false), all(Fail), all(Fail)),
            (CallError::TooLarge, all(Fail), all(Fail)),
            (of(ErrorKind::NotFound), all(Fail), [Fail, Fail, Fail, Done, Fail, Fail]),
            (of(ErrorKind::Conflict(None)), all(Fail), [Fail, Resolve, Fail, Fail, Done, Fail]),
            (of(ErrorKind::Unauthenticated), all(Fail), all(Fail)),
            (of(ErrorKind::Forbidden), all(Fail), all(Fail)),
            (of(ErrorKind::InvalidInput(vec![])), all(Fail), all(Fail)),
            (of(ErrorKind::CursorExpired), all(Fail), all(Fail)),
            (of(ErrorKind::Unsupported), all(Fail), all(Fail)),
            (of(ErrorKind::Internal), all(Fail), all(Fail)),
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
