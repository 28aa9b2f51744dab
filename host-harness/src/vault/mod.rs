//! Secrets: kept, used as keys, never shown.

mod forms;
mod keep;
mod kept;
mod keys;
mod master;
mod scrub;
mod sealing;
mod secret;
pub mod write_only;

pub use keep::VaultKeep;
pub use kept::{OVERLAP, Vault, VaultError, Version};
pub use keys::{KeyError, same, sign, verify, verify_any};
pub use master::{MASTER_KEY_VARIABLE, MasterKey, MasterKeyError};
pub use scrub::{REDACTED, Scrubber};
pub use sealing::{Key, Place, SealError, Sealed, fill};
pub use secret::{Secret, Secrets, of_subscription};
