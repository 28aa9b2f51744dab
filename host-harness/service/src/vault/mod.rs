//! Secrets at rest: kept in versions, sealed, never shown.

mod keep;
mod kept;
mod master;
mod sealing;
pub mod write_only;

pub use connector_runtime::secrets::{Scrubber, Secret, Secrets, of_subscription};
pub use keep::VaultKeep;
pub use kept::{OVERLAP, Vault, VaultError, Version};
pub use master::{MASTER_KEY_VARIABLE, MasterKey, MasterKeyError};
pub(crate) use sealing::fill;
pub use sealing::{Key, Place, SealError};
