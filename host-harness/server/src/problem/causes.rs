//! Which problem an error of the state, of a call, or of a connection is.

use connector_contract::types::{Error, ErrorKind};
use connector_runtime::{BuildError, CallError, ScanError, Stop};
use connector_service::connect::ConnectError;
use connector_service::own_writes::RecordWriteError;
use connector_service::push::PushError;
use connector_service::sync::SyncError;
use connector_service::vault::VaultError;
use connector_state::{Retry, StoreError};
use tracing::error;

use super::{Problem, ProblemKind, ProblemSource, ProviderAnswer, Violation};

/// Seconds after which a state that is busy is worth another try.
const STATE_AGAIN: u64 = 2;

impl From<StoreError> for Problem {
    fn from(why: StoreError) -> Self {
        use ProblemKind as Kind;
        use ProblemSource::{Host, Request};
        let detail = why.to_string();
        match &why {
            StoreError::NameTaken(_)
            | StoreError::ForwardNameTaken(_)
            | StoreError::TooManyForwards => Self::new(Kind::Conflict, Request, detail),
            StoreError::NoConnection(_) | StoreError::NoPush(_) => Self::not_found(detail),
            StoreError::NotIndexed { .. }
            | StoreError::NoRule { .. }
            | StoreError::NoCursor { .. }
            | StoreError::Derived { .. } => Self::invalid(detail),
            StoreError::Forgotten { .. } => Self::new(Kind::CursorExpired, Request, detail),
            StoreError::ForeignId { .. } => {
                Self::new(Kind::Internal, ProblemSource::Connector, detail)
            }
            StoreError::Unknown { .. } => {
                error!(%why, "the state's answer was lost");
                let detail = "the state's answer was lost: it may have kept this or not";
                Self::new(Kind::OutcomeUnknown, Host, detail)
                    .next("look at what is there, and ask again for what is missing")
            }
            other => match other.retry() {
                Retry::Never => {
                    // Its text names files of this machine.
                    error!(%why, "the state cannot be used");
                    let detail = "the state cannot be used; the host's log says why";
                    Self::new(Kind::Internal, Host, detail)
                }
                Retry::Later | Retry::Anew => {
                    error!(%why, "the state cannot be used now");
                    let detail = "the state cannot be used now";
                    Self::new(Kind::Unavailable, Host, detail).retry_after(STATE_AGAIN)
                }
            },
        }
    }
}

impl From<CallError> for Problem {
    fn from(why: CallError) -> Self {
        let detail = why.to_string();
        match why {
            CallError::Connector(error) => of_answer(&error),
            CallError::Paused(paused) => {
                let wait = paused.left.as_secs().saturating_add(1);
                of_answer(&paused.error).retry_after(wait)
            }
            CallError::TooLarge => Self::invalid(detail).next("ask for less with a smaller limit"),
            CallError::Stopped { wrote: true, .. } => {
                Self::new(ProblemKind::OutcomeUnknown, ProblemSource::Connector, detail)
            }
            CallError::Stopped { reason: Stop::NoInstance(_), .. } => {
                Self::new(ProblemKind::Unavailable, ProblemSource::Host, detail)
                    .retry_after(STATE_AGAIN)
            }
            _ => Self::new(ProblemKind::Internal, ProblemSource::Connector, detail),
        }
    }
}

impl From<RecordWriteError> for Problem {
    fn from(why: RecordWriteError) -> Self {
        match why {
            RecordWriteError::Call(why) => why.into(),
            RecordWriteError::Store(why) => why.into(),
        }
    }
}

impl From<ScanError> for Problem {
    fn from(why: ScanError) -> Self {
        match why {
            ScanError::Call(why) => why.into(),
            other => Self::new(ProblemKind::Internal, ProblemSource::Connector, other.to_string()),
        }
    }
}

impl From<SyncError> for Problem {
    fn from(why: SyncError) -> Self {
        match why {
            SyncError::Store(why) => why.into(),
            SyncError::Scan(why) => why.into(),
            SyncError::LookUp { source, .. } | SyncError::Derive { source, .. } => (*source).into(),
            other => Self::new(ProblemKind::Internal, ProblemSource::Connector, other.to_string()),
        }
    }
}

impl From<PushError> for Problem {
    fn from(why: PushError) -> Self {
        match why {
            PushError::Store(why) => why.into(),
            PushError::Stopped(why) | PushError::Undescribed(why) => why.into(),
            PushError::NotOffered { object, operation, mode } => {
                let text = format!("{object} offers no `{operation}`, which the mode {mode} needs");
                Self::new(ProblemKind::Unsupported, ProblemSource::Request, text)
            }
            PushError::Seal(why) => VaultError::from(why).into(),
            PushError::Source(_) | PushError::Kept { .. } => Self::invalid(why.to_string()),
        }
    }
}

impl From<BuildError> for Problem {
    fn from(why: BuildError) -> Self {
        Self::invalid(why.to_string())
    }
}

impl From<VaultError> for Problem {
    fn from(why: VaultError) -> Self {
        match why {
            VaultError::Store(why) => why.into(),
            other => {
                error!(why = %other, "a secret cannot be sealed or opened");
                let detail = "a secret cannot be sealed or opened; the host's log says why";
                Self::new(ProblemKind::Internal, ProblemSource::Host, detail)
            }
        }
    }
}

impl From<ConnectError> for Problem {
    fn from(why: ConnectError) -> Self {
        match why {
            ConnectError::Call(why) | ConnectError::Denied(why) => why.into(),
            ConnectError::Store(why) => why.into(),
            ConnectError::Vault(why) => why.into(),
            ConnectError::Seal(why) => VaultError::from(why).into(),
            ConnectError::BadRedirect(_) => {
                Self::new(ProblemKind::Internal, ProblemSource::Connector, why.to_string())
            }
            other => Self::invalid(other.to_string()),
        }
    }
}

/// The contract's error.
fn of_answer(error: &Error) -> Problem {
    let Error { kind, http_status, provider_code, request_id, .. } = error;
    let provider_or_network = match http_status {
        Some(_) => ProblemSource::Provider,
        None => ProblemSource::Network,
    };
    let seconds = |ms: &Option<u32>| ms.map(|ms| u64::from(ms).div_ceil(1_000));
    let new = |kind, source| Problem::new(kind, source, error.message.as_str());
    let mut problem = match kind {
        ErrorKind::Unauthenticated => new(ProblemKind::Unauthenticated, ProblemSource::Account)
            .next("connect it again, or set its secret"),
        ErrorKind::Forbidden => new(ProblemKind::Forbidden, ProblemSource::Account)
            .next("ask the provider for the right or plan that this needs"),
        ErrorKind::NotFound => new(ProblemKind::NotFound, ProblemSource::Request),
        ErrorKind::Conflict(existing) => {
            let existing = existing.clone();
            new(ProblemKind::Conflict, ProblemSource::Request)
                .with(|problem| problem.existing = existing)
        }
        ErrorKind::InvalidInput(all) => {
            let violations = all.iter().map(|one| Violation {
                pointer: one.pointer.clone(),
                message: one.message.clone(),
            });
            let violations = violations.collect();
            new(ProblemKind::InvalidInput, ProblemSource::Request)
                .with(|problem| problem.violations = violations)
        }
        ErrorKind::RateLimited(wait) => new(ProblemKind::RateLimited, ProblemSource::Provider)
            .with(|problem| problem.retry_after_seconds = seconds(wait)),
        ErrorKind::QuotaExhausted(wait) => new(ProblemKind::QuotaExhausted, ProblemSource::Account)
            .with(|problem| problem.retry_after_seconds = seconds(wait)),
        ErrorKind::Unavailable => new(ProblemKind::Unavailable, provider_or_network),
        ErrorKind::OutcomeUnknown => new(ProblemKind::OutcomeUnknown, provider_or_network)
            .next("look whether it is there before you send it again"),
        ErrorKind::CursorExpired => new(ProblemKind::CursorExpired, ProblemSource::Request),
        ErrorKind::Unsupported => new(ProblemKind::Unsupported, ProblemSource::Request),
        ErrorKind::Internal => new(ProblemKind::Internal, ProblemSource::Connector),
    };
    if http_status.is_some() || provider_code.is_some() || request_id.is_some() {
        problem.provider = Some(ProviderAnswer {
            status: *http_status,
            code: provider_code.clone(),
            request_id: request_id.clone(),
        });
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: ErrorKind, http_status: Option<u16>) -> Problem {
        let message = "so".to_owned();
        let error = Error { kind, message, http_status, provider_code: None, request_id: None };
        CallError::Connector(error).into()
    }

    #[test]
    fn faults_of_the_caller_the_account_the_provider_and_the_network_are_told_apart() {
        let whose = |kind, status| {
            let problem = told(kind, status);
            (problem.status, problem.source, problem.retry_after_seconds)
        };
        use ProblemSource::{Account, Connector, Network, Provider, Request};
        assert_eq!(whose(ErrorKind::InvalidInput(vec![]), None), (422, Request, None));
        assert_eq!(whose(ErrorKind::Unauthenticated, Some(401)), (424, Account, None));
        assert_eq!(whose(ErrorKind::RateLimited(Some(1_200)), Some(429)), (429, Provider, Some(2)));
        assert_eq!(whose(ErrorKind::Unavailable, Some(503)), (503, Provider, None));
        assert_eq!(whose(ErrorKind::Unavailable, None), (503, Network, None));
        assert_eq!(whose(ErrorKind::OutcomeUnknown, None), (504, Network, None));
        assert_eq!(whose(ErrorKind::Internal, Some(200)), (502, Connector, None));
    }

    #[test]
    fn files_of_this_machine_are_not_named() {
        let (path, why) = ("/srv/state.db".to_owned(), "full".to_owned());
        let lost = StoreError::Unknown { path: path.clone(), why: why.clone() };
        let busy = StoreError::Unavailable { path: path.clone(), why: why.clone() };
        for why in [lost, busy, StoreError::Corrupt { path, why }] {
            let problem = Problem::from(why);
            assert!(!problem.detail.contains("srv") && problem.status >= 500, "{problem:?}");
        }
    }
}
