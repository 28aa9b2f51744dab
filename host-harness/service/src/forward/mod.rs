//! Hands changes on to services of the user's own: filtered, in order for each record, at least once,
//! each under an id that stays; signed as Standard Webhooks, or as a template makes them.
//!
//! What becomes of a change that is not taken is decided by [`connector_state::outbox::plan`]: no
//! target, no change and no forward keeps another one waiting.

mod filter;
mod forwarder;
mod jobs;
mod message;
mod round;
mod target;
mod template;
#[cfg(test)]
mod tests;

use connector_state::StoreError;
use connector_state::outbox::{ForwardRow, Outbox};

pub use self::filter::{Filter, unknown_object, unknown_rule};
pub use self::jobs::ForwardJobs;
pub use self::message::{BadSecret, Signer, new_id, new_secret};
pub use self::target::{BadForward, TargetAddress};
pub use self::template::{BadTemplate, Template};
use crate::vault::{MasterKey, Vault, VaultError};

/// Seals the targets of all forwards by another master key; returns how many there were. To be done
/// before [`Vault::rewrap`], so that what was interrupted can be done again with the old key.
///
/// # Errors
/// [`VaultError`]; do it again, which goes on with those that are left.
pub async fn rewrap(
    outbox: &dyn Outbox,
    vault: &Vault,
    new: &MasterKey,
) -> Result<usize, VaultError> {
    let mut done = 0;
    for row in outbox.list_forwards().await? {
        let Some(sealed) = vault.reseal_target(&row.id, &row.sealed, new)? else { continue };
        match outbox.put_forward(ForwardRow { sealed, ..row }).await {
            // Its connection was removed meanwhile, and it with that.
            Ok(()) | Err(StoreError::NoConnection(_)) => done += 1,
            Err(why) => return Err(why.into()),
        }
    }
    Ok(done)
}
