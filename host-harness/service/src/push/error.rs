//! Why a push stops.

use std::io;

use connector_runtime::CallError;
use connector_state::StoreError;
use thiserror::Error;

use crate::vault::SealError;
use crate::vault::write_only::MembersError;

/// Why a push stops before its last item. What was done is kept, and the rest can be gone on with.
#[derive(Debug, Error)]
pub enum PushError {
    /// The state cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No item can be done: the credentials are refused, or the provider is not there.
    #[error("the push stops here, and goes on when it is started again: {0}")]
    Stopped(#[source] CallError),
    /// The connector does not describe its objects.
    #[error("the connector does not describe its objects: {0}")]
    Undescribed(#[source] CallError),
    /// The object does not offer what the mode needs.
    #[error("{object} offers no `{operation}`, which --mode {mode} needs")]
    NotOffered {
        /// Object.
        object: String,
        /// What is missing.
        operation: &'static str,
        /// The mode.
        mode: &'static str,
    },
    /// The source cannot be read.
    #[error("the source cannot be read: {0}")]
    Source(#[source] io::Error),
    /// An item cannot be kept.
    #[error("item {index} cannot be kept: {why}")]
    Kept {
        /// Its place among the items, from 0.
        index: u64,
        /// What went wrong, for people.
        #[source]
        why: MembersError,
    },
    /// Nothing can be kept safely.
    #[error(transparent)]
    Seal(#[from] SealError),
}
