//! Why an object could not be brought up to date. What was committed before stays.

use connector_runtime::CallError;
use connector_runtime::ScanError;
use connector_state::StoreError;
use thiserror::Error;

/// What went wrong.
#[derive(Debug, Error)]
pub enum SyncError {
    /// The mirror could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A page could not be had.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// A record could not be looked up.
    #[error("looking up {id}: {source}")]
    LookUp {
        /// Its id.
        id: String,
        /// The call that failed.
        source: Box<CallError>,
    },
    /// So many records cannot be had that it is no fault of records.
    #[error("{records} records could not be had; of {id}: {why}")]
    ManyRefused {
        /// Number of these records.
        records: u64,
        /// One of them.
        id: String,
        /// What went wrong, for people.
        why: String,
    },
    /// What a full scan did not see could not be asked for.
    #[error("the sweep was broken off, and nothing was removed: {0}")]
    Sweep(#[source] Box<SyncError>),
    /// What lies inside the records could not be computed.
    #[error("deriving {object}: {source}")]
    Derive {
        /// The derived object.
        object: String,
        /// The call that failed.
        source: Box<CallError>,
    },
    /// A full scan brings the same records again and again.
    #[error(
        "{0} pages in a row brought no record that this scan had not seen; it was stopped, \
         since it seems never to end"
    )]
    NothingNew(u32),
    /// A scan of changes hands out a cursor that it had handed out before.
    #[error("the scan goes in a circle: page {0} answers a cursor that an earlier page answered")]
    Circle(u64),
    /// The scan's cursors expire before it gets anywhere.
    #[error(
        "the scan began anew {0} times because the provider no longer accepted its cursor, \
         and got no further; what is kept stays as it is"
    )]
    GotNoFurther(u32),
    /// What the bookmark promises lies ahead of the provider's clock, so nothing would be read.
    #[error(
        "the bookmark lies in the future ({since} is after {until}), so a scan from it reads \
         nothing; a clock was wrong when it was made"
    )]
    FutureBookmark {
        /// From when on it would read.
        since: String,
        /// Up to when.
        until: String,
    },
}

impl SyncError {
    /// The failed call behind it, if that is what it is.
    pub fn call(&self) -> Option<&CallError> {
        match self {
            Self::Scan(ScanError::Call(error)) => Some(error),
            Self::LookUp { source, .. } | Self::Derive { source, .. } => Some(source),
            Self::Sweep(source) => source.call(),
            _ => None,
        }
    }

    /// Whether it says only that another process has gone on with the scan.
    pub fn is_superseded(&self) -> bool {
        match self {
            Self::Store(StoreError::Superseded { .. }) => true,
            Self::Sweep(source) => source.is_superseded(),
            _ => false,
        }
    }
}
