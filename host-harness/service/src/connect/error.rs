//! Why a connection was not made.

use connector_runtime::CallError;
use connector_state::StoreError;
use thiserror::Error;

use crate::vault::{SealError, VaultError};

/// Why a connection was not made. Nothing was kept.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The callback holds no `state`, or several.
    #[error("the callback carries no single \"state\", so it is no answer to us; connect again")]
    NoState,
    /// Nobody asked, or it was answered before.
    #[error(
        "the callback's \"state\" is not one that is waited for: it was used before, or is not \
         ours; connect again"
    )]
    UnknownState,
    /// Somebody else asked.
    #[error("the callback belongs to another browser; connect again from this one")]
    OtherBrowser,
    /// It took too long.
    #[error("the callback came after more than {} minutes; connect again", super::LIFE_MINUTES)]
    TooLate,
    /// The customer or the provider said no.
    #[error("access was denied at the provider: {0}; connect again to allow it")]
    Denied(CallError),
    /// The connector sends people where nobody should go.
    #[error("the connector answers an address that no browser may be sent to: {0}")]
    BadRedirect(String),
    /// The port is taken, or none may be had.
    #[error("cannot listen on {address}: {why}; choose another port")]
    Listen {
        /// The address and port that were asked for.
        address: String,
        /// What the system said.
        why: String,
    },
    /// The browser did not come back.
    #[error("nobody came back from the provider within {0} minutes; connect again")]
    NobodyCame(u64),
    /// The connector could not do it.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The state cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A value cannot be opened or sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The connection cannot be opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl ConnectError {
    /// Whether it came of a callback that is no answer to us: the right one may still come.
    pub fn is_foreign(&self) -> bool {
        matches!(self, Self::NoState | Self::UnknownState | Self::OtherBrowser)
    }
}
