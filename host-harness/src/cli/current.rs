//! The kept connections as they are now, for programs that run long: they look every
//! [`LOOK_EVERY`], and make anew what they made of a connection that has changed since.

use std::time::Duration;

use anyhow::Result;
use host_harness::store::SecretRow;
use host_harness::store::{ConnectionRow, Store};

use super::state::Kept;

/// How often it is looked whether connections came, went or changed.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A connection as it is kept now.
pub struct Current {
    /// It.
    pub kept: Kept,
    /// Of all its secrets.
    versions: Vec<SecretRow>,
}

impl Current {
    /// Looks which secrets are kept for it.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn of(kept: Kept) -> Result<Self> {
        let versions = kept.vault.list(&kept.row).await?;
        Ok(Self { kept, versions })
    }

    /// Whether what is made of one could be made of the other: name, scheme, settings and secrets
    /// are the same. Its key may be sealed anew, and opens the same.
    #[must_use]
    pub fn is_as(&self, other: &Self) -> bool {
        let (row, others) = (&self.kept.row, &other.kept.row);
        row.name == others.name
            && row.scheme == others.scheme
            && row.settings == others.settings
            && self.versions == other.versions
    }
}

/// The kept connections of a connector, or the one of this name if it is there.
///
/// # Errors
/// When the state cannot be read.
pub async fn connections(
    store: &dyn Store,
    connector: &str,
    name: Option<&str>,
) -> Result<Vec<ConnectionRow>> {
    let mut rows = store.connections().await?;
    rows.retain(|row| row.connector == connector && name.is_none_or(|name| row.name == name));
    Ok(rows)
}
