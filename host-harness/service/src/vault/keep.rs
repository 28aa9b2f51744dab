//! Secrets that a call brings, kept before its answer goes on.

use std::sync::Arc;

use connector_runtime::egress::{Keep, Pending};
use connector_state::ConnectionRow;

use super::{OVERLAP, Secret, Vault};

/// Keeps what is captured for a connection in its vault.
pub struct VaultKeep {
    /// Keeps them.
    pub vault: Arc<Vault>,
    /// The connection's row.
    pub row: ConnectionRow,
}

impl Keep for VaultKeep {
    fn keep(&self, captured: Vec<(String, Secret)>) -> Pending<'_, Result<(), String>> {
        Box::pin(async move {
            for (name, value) in captured {
                let kept = self.vault.put(&self.row, &name, &value, OVERLAP).await;
                kept.map_err(|why| why.to_string())?;
            }
            Ok(())
        })
    }
}
