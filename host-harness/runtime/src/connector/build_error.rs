//! Why a connection cannot be made.

use thiserror::Error;

use crate::egress::BadOrigin;
use crate::setting::BadSetting;

/// Why a connection cannot be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The manifest declares no such setting.
    #[error("the connector has no setting \"{name}\"; it has: {known}")]
    UnknownSetting {
        /// As given.
        name: String,
        /// Names in the manifest.
        known: String,
    },
    /// The manifest declares no such scheme.
    #[error("the connector has no scheme \"{name}\"; it has: {known}")]
    UnknownScheme {
        /// As given.
        name: String,
        /// Names in the manifest.
        known: String,
    },
    /// The scheme cannot do without a setting that has neither value nor default.
    #[error("the scheme {scheme} needs the setting \"{name}\", which has no value")]
    MissingSetting {
        /// Which setting.
        name: String,
        /// Which scheme.
        scheme: String,
    },
    /// A setting cannot have this value, or not from whoever gives it.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// The manifest has no use for such a secret.
    #[error("the connector has no use for a secret \"{name}\"; it uses: {known}")]
    UnknownSecret {
        /// As given.
        name: String,
        /// Names in the manifest.
        known: String,
    },
    /// A secret holds what is none of it.
    #[error("the secret \"{name}\" {why}, so it was not copied well; give it again without")]
    BadSecret {
        /// Its name.
        name: String,
        /// What is wrong with it; nothing of it.
        why: String,
    },
    /// A setting leads where nothing may be sent.
    #[error(transparent)]
    Origin(#[from] BadOrigin),
    /// Limits are the provider's; only a simulator does without.
    #[error("limits can be off towards this machine only, and requests may go to {0}")]
    LimitsOff(String),
}
