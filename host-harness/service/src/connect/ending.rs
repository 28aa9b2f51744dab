//! The end of a connection: its grant is given back, and all that is kept for it is erased.

use connector_contract::types::ErrorKind;
use connector_runtime::{Authority, CallError};
use connector_state::{Change, ConnectionRow, GrantRow, GrantState};

use super::ConnectError;
use crate::grants;
use crate::vault::Vault;

/// The grant of a connection that the provider still honours, as far as is known.
///
/// # Errors
/// When the state cannot be read.
pub async fn live_grant(
    vault: &Vault,
    row: &ConnectionRow,
) -> Result<Option<GrantRow>, ConnectError> {
    let grant = vault.store().grant(&row.id).await?;
    Ok(grant.filter(|grant| grant.state != GrantState::Ended))
}

/// Gives a grant back to the provider. Answers what a person has to do where the provider offers no way.
///
/// # Errors
/// When the provider could not be told.
pub async fn give_back(
    vault: &Vault,
    row: &ConnectionRow,
    grant: &GrantRow,
    authority: &Authority,
) -> Result<Option<String>, ConnectError> {
    let key = vault.key(row)?;
    let tokens = grants::open(&key, &row.id, grant.epoch, &grant.sealed_tokens)?;
    match authority.revoke(tokens).await {
        Ok(()) => Ok(None),
        Err(CallError::Connector(error)) if error.kind == ErrorKind::Unsupported => {
            Ok(Some(error.message))
        }
        // It is gone already.
        Err(CallError::Connector(error)) if error.kind == ErrorKind::Unauthenticated => Ok(None),
        Err(why) => Err(why.into()),
    }
}

/// Removes a connection: its secrets and its grant are erased now, the rest piece by piece
/// ([`connector_state::Store::maintain`]).
///
/// # Errors
/// When the state cannot be written.
pub async fn remove(vault: &Vault, row: &ConnectionRow) -> Result<(), ConnectError> {
    Ok(vault.store().commit(vec![Change::RemoveConnection { id: row.id.clone() }]).await?)
}
