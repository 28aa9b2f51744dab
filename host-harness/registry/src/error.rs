//! Why a component cannot be had.

use connector_runtime::egress::BadOrigin;
use thiserror::Error;

use crate::reference::ContentDigest;

/// Why nothing was pulled. Nothing of what came is run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PullError {
    /// The user's slip: it is no host, or one that only the operator may allow.
    #[error(transparent)]
    Registry(#[from] BadOrigin),
    /// The network's fault, or the registry's: no answer that can be used.
    #[error("{what} cannot be fetched from {from}: {why}")]
    Unreachable {
        /// Of what.
        what: &'static str,
        /// Host that was asked.
        from: String,
        /// Why not.
        why: String,
    },
    /// The registry wants credentials, or others.
    #[error("{from} does not let anyone without the right credentials read {what}: {why}")]
    Denied {
        /// Of what.
        what: &'static str,
        /// Host that was asked.
        from: String,
        /// What it said.
        why: String,
    },
    /// The registry has no such thing.
    #[error("{from} has no {what} of this name and digest")]
    NotFound {
        /// What was asked for.
        what: &'static str,
        /// Host that was asked.
        from: String,
    },
    /// The registry's fault: other bytes than were asked for.
    #[error(
        "{from} sent another {what}: its digest is {found} and not {expected}; nothing was run"
    )]
    WrongDigest {
        /// What was asked for.
        what: &'static str,
        /// Host that was asked.
        from: String,
        /// What was named.
        expected: ContentDigest,
        /// What came.
        found: ContentDigest,
    },
    /// The digest names something else than a component.
    #[error("{digest} is no component: {why}")]
    NotAComponent {
        /// What was asked for.
        digest: ContentDigest,
        /// What is odd about it.
        why: String,
    },
    /// Keys are trusted, and the image has no signature.
    #[error("{0} has no signature, and one by a trusted key is required; nothing was run")]
    Unsigned(ContentDigest),
    /// Keys are trusted, and no signature is by one of them.
    #[error("no signature of {digest} is by a trusted key: {why}; nothing was run")]
    Untrusted {
        /// What was asked for.
        digest: ContentDigest,
        /// What is wrong with the last one.
        why: &'static str,
    },
}
