//! Why there are no tokens to use.

use std::time::Duration;

use connector_contract::types::ErrorKind;
use connector_runtime::{CallError, error};
use connector_state::StoreError;
use thiserror::Error;
use tracing::warn;

use crate::vault::SealError;

/// Why a connection has no usable tokens now.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum GrantError {
    /// It was never connected, or its grant was removed.
    #[error("the connection has no grant; connect first")]
    Missing,
    /// Only the customer can help.
    #[error("the provider ended the grant ({0}); connect again")]
    Ended(String),
    /// The access token is over, and it is not yet time for the next try.
    #[error("the tokens could not be renewed ({why}); try again in {} s", .after.as_secs().max(1))]
    Later {
        /// What went wrong, for people.
        why: String,
        /// When it will be tried again.
        after: Duration,
    },
    /// The provider does not know this program.
    #[error(
        "the provider refuses the credentials of this program itself ({0}); correct the \
         client's id and secret"
    )]
    ClientRefused(String),
    /// Answers were lost, and asking again could end what is left of the grant.
    #[error(
        "the answers to two renewals were lost, so the tokens rest until the access token ends; \
         then it is tried again. Connect again if that is too late"
    )]
    Uncertain,
    /// A token that was received to replace a refused one was refused too.
    #[error(
        "the provider refuses the access token that it has just given out; look whether the \
         account is still allowed to use its API, then connect again"
    )]
    RefusedAgain,
    /// The state cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The tokens cannot be opened or sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The program ends.
    #[error("the renewal was cut off; it is taken up when the program runs again")]
    Interrupted,
}

/// Why a call cannot be made. Nothing of it was sent.
impl From<GrantError> for CallError {
    fn from(why: GrantError) -> Self {
        // Texts of the state name files of this machine, and a call's error may be shown to others.
        let text = match &why {
            GrantError::Store(cause) => {
                warn!(why = %cause, "the state cannot be used for a grant");
                "the host's state cannot be used now, so the connection has no tokens; the host's log says why"
                    .to_owned()
            }
            other => other.to_string(),
        };
        let kind = match &why {
            GrantError::Missing | GrantError::Ended(_) | GrantError::RefusedAgain => {
                ErrorKind::Unauthenticated
            }
            GrantError::ClientRefused(_) => ErrorKind::Forbidden,
            GrantError::Later { .. }
            | GrantError::Uncertain
            | GrantError::Interrupted
            | GrantError::Store(_) => ErrorKind::Unavailable,
            GrantError::Seal(_) => ErrorKind::Internal,
        };
        error(kind, text).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_this_machine_are_not_named() {
        let (path, why) = ("/srv/state.db".to_owned(), "full".to_owned());
        let told = CallError::from(GrantError::Store(StoreError::Unavailable { path, why }));
        assert!(!told.to_string().contains("srv"), "{told}");
        assert!(told.to_string().contains("log"), "{told}");
    }
}
