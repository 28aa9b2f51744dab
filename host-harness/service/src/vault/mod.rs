//! Secrets at rest: kept in versions, sealed, never shown.

mod keep;
mod kept;
mod master;
mod sealing;
mod targets;
pub mod write_only;

pub use self::keep::VaultKeep;
pub(crate) use self::kept::opened;
pub use self::kept::{OVERLAP, Vault, VaultError};
pub use self::master::{MASTER_KEY_VARIABLE, MasterKey, MasterKeyError};
pub use self::sealing::{Key, SealContext, SealError};
pub(crate) use self::sealing::{fill, random_id};
pub(crate) use self::targets::resealed_target;
pub use connector_runtime::secrets::{Scrubber, Secret, Secrets, of_subscription};
