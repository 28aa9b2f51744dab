//! How a command ends: the exit codes, and the one table from errors to them.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; also when the reader of our output went away (`\| head -1`), and when a command that goes on without end was asked to end |
//! | 1 | failed |
//! | 2 | wrong usage |
//! | 3 | partly done: some items failed, the others did not |
//! | 4 | the connection needs other credentials |
//! | 130 | interrupted (Ctrl-C or SIGTERM) |
//!
//! | error | code |
//! |---|---|
//! | a wrong option, name or JSON; a file that is no connector; a setting, secret or origin that does not fit; a name that is taken | 2 |
//! | `unauthenticated` | 4 |
//! | `unsupported` | 2 |
//! | `invalid-input` without an HTTP status: refused before any request | 2 |
//! | `invalid-input` with one: the provider refused it | 1 |
//! | a broken pipe | 0 |
//! | everything else | 1 |
//!
//! `list` ends with 3 when it met records that the connector cannot read, `push` when items
//! failed or are parked, `changes` when its consumer missed some, `verify` when a rule is broken; for
//! `check` see [`super::check`].

use std::io;
use std::process::ExitCode;

use host_harness::connect::ConnectError;
use host_harness::contract::types::ErrorKind;
use host_harness::push::PushError;
use host_harness::runtime::{BuildError, CallError, LoadError, ScanError};
use host_harness::service::own_writes::RecordWriteError;
use host_harness::store::StoreError;

use super::usage::Usage;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All of it.
    Done = 0,
    /// Nothing, or not to the end.
    Failed = 1,
    /// It was called wrongly.
    Usage = 2,
    /// Some items failed.
    Partly = 3,
    /// The credentials were refused.
    Unauthenticated = 4,
    /// By Ctrl-C or SIGTERM.
    Interrupted = 130,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// How a command ends that failed with `error`.
    #[must_use]
    pub fn of(error: &anyhow::Error) -> Self {
        error
            .chain()
            .find_map(|cause| {
                if let Some(error) = call_error(cause) {
                    return Some(Self::of_call(error));
                }
                if let Some(why) = cause.downcast_ref::<io::Error>() {
                    return (why.kind() == io::ErrorKind::BrokenPipe).then_some(Self::Done);
                }
                let push = cause.downcast_ref::<PushError>();
                if matches!(push, Some(PushError::NotOffered { .. } | PushError::Source(_))) {
                    return Some(Self::Usage);
                }
                let taken = matches!(cause.downcast_ref(), Some(StoreError::NameTaken(_)));
                let usage = cause.is::<Usage>() || cause.is::<LoadError>() || taken;
                (usage || cause.is::<BuildError>()).then_some(Self::Usage)
            })
            .unwrap_or(Self::Failed)
    }

    /// How a command ends whose call failed with `error`.
    #[must_use]
    pub fn of_call(error: &CallError) -> Self {
        let Some(error) = error.error() else { return Self::Failed };
        match &error.kind {
            ErrorKind::Unauthenticated => Self::Unauthenticated,
            ErrorKind::Unsupported => Self::Usage,
            ErrorKind::InvalidInput(_) if error.http_status.is_none() => Self::Usage,
            _ => Self::Failed,
        }
    }
}

/// The failed call in a chain of causes, if `cause` is or holds one.
pub fn call_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a CallError> {
    if let Some(ConnectError::Call(error)) = cause.downcast_ref() {
        return Some(error);
    }
    if let Some(RecordWriteError::Call(error)) = cause.downcast_ref() {
        return Some(error);
    }
    match cause.downcast_ref::<ScanError>() {
        Some(ScanError::Call(error)) => Some(error),
        Some(_) => None,
        None => cause.downcast_ref(),
    }
}

/// A command that says no more than that it is through has done all of it.
impl From<()> for Exit {
    fn from((): ()) -> Self {
        Self::Done
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use host_harness::contract::types::Error;
    use host_harness::runtime::Stop;

    use super::*;

    fn failed(kind: ErrorKind, http_status: Option<u16>) -> CallError {
        let message = "no".to_owned();
        CallError::Connector(Error {
            kind,
            message,
            http_status,
            provider_code: None,
            request_id: None,
        })
    }

    #[test]
    fn each_error_has_its_code() {
        let invalid = || ErrorKind::InvalidInput(vec![]);
        let stopped = |wrote| CallError::Stopped { reason: Stop::OutOfTime, wrote };
        let rows: [(CallError, u8); 16] = [
            (failed(ErrorKind::Unauthenticated, Some(401)), 4),
            (failed(ErrorKind::Unauthenticated, None), 4),
            (failed(ErrorKind::Forbidden, Some(403)), 1),
            (failed(ErrorKind::NotFound, Some(404)), 1),
            (failed(ErrorKind::Conflict(None), Some(409)), 1),
            (failed(invalid(), None), 2),
            (failed(invalid(), Some(400)), 1),
            (failed(ErrorKind::RateLimited(None), Some(429)), 1),
            (failed(ErrorKind::QuotaExhausted(None), Some(429)), 1),
            (failed(ErrorKind::Unavailable, None), 1),
            (failed(ErrorKind::OutcomeUnknown, None), 1),
            (failed(ErrorKind::CursorExpired, None), 1),
            (failed(ErrorKind::Unsupported, None), 2),
            (failed(ErrorKind::Internal, None), 1),
            (CallError::TooLarge, 1),
            (stopped(true), 1),
        ];
        for (error, code) in rows {
            let text = error.to_string();
            let scan = anyhow::Error::new(ScanError::Call(error.clone())).context("listing");
            assert_eq!(Exit::of(&scan).code(), code, "{text}");
            let call = anyhow::Error::new(error).context("getting").context("more");
            assert_eq!(Exit::of(&call).code(), code, "{text}");
        }
    }

    #[test]
    fn wrong_usage_a_broken_pipe_and_the_rest_are_told_apart() {
        let usage = anyhow::Error::new(Usage::new("no such object")).context("listing");
        let build = anyhow::Error::new(BuildError::UnknownScheme {
            name: "x".to_owned(),
            known: String::new(),
        });
        let load = LoadError::NotAComponent { path: "x".into(), why: String::new() };
        let pipe = Err::<(), _>(io::Error::from(io::ErrorKind::BrokenPipe)).context("writing");
        let disk = Err::<(), _>(io::Error::from(io::ErrorKind::StorageFull)).context("writing");
        let endless = anyhow::Error::new(ScanError::OnlyEmptyPages { page: 10 });
        assert_eq!(Exit::of(&usage), Exit::Usage);
        assert_eq!(Exit::of(&build), Exit::Usage);
        assert_eq!(Exit::of(&StoreError::NameTaken("x".to_owned()).into()), Exit::Usage);
        assert_eq!(Exit::of(&load.into()), Exit::Usage);
        assert_eq!(Exit::of(&pipe.unwrap_err()), Exit::Done);
        assert_eq!(Exit::of(&disk.unwrap_err()), Exit::Failed);
        assert_eq!(Exit::of(&endless), Exit::Failed);
        assert_eq!(Exit::Partly.code(), 3);
        assert_eq!(Exit::Interrupted.code(), 130);
    }
}
