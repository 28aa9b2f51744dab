//! Secrets at rest: sealed by the key of their connection, which the master key seals.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use connector_contract::clock::Clock;
use connector_state::{Change, ConnectionRow, SecretRow, Store, StoreError};
use thiserror::Error;

use super::{
    Key, MasterKey, MasterKeyError, SealContext, SealError, Secret, Secrets, of_subscription,
    random_id,
};

/// How long a rotated secret serves beside its successor, unless otherwise said.
pub const OVERLAP: Duration = Duration::from_secs(72 * 3_600);

/// Why a secret cannot be kept or used.
#[derive(Debug, Error, PartialEq, Eq, Clone)]
pub enum VaultError {
    /// There is no master key.
    #[error(transparent)]
    Master(#[from] MasterKeyError),
    /// It does not seal or open.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps the secrets of connections in a store.
pub struct Vault {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    master: MasterKey,
}

impl Vault {
    /// A vault in `store`, under this master key.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, master: MasterKey) -> Self {
        Self { store, clock, master }
    }

    /// Where it keeps.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// A connection with an id and a key of its own. It is not stored yet: put it by
    /// [`Change::PutConnection`].
    ///
    /// # Errors
    /// [`SealError::NoRandomness`].
    pub fn new_connection(
        &self,
        name: &str,
        connector: &str,
        scheme: &str,
        settings: BTreeMap<String, String>,
    ) -> Result<ConnectionRow, VaultError> {
        let id = random_id()?;
        let sealed_key = Key::random()?.sealed_under(&self.master.0, &id)?;
        Ok(ConnectionRow {
            id,
            name: name.to_owned(),
            connector: connector.to_owned(),
            scheme: scheme.to_owned(),
            settings,
            sealed_key,
            made_ms: self.now_ms(),
        })
    }

    /// The key of a connection.
    ///
    /// # Errors
    /// [`SealError::NotOurs`] when another master key sealed it.
    pub fn key(&self, connection: &ConnectionRow) -> Result<Key, VaultError> {
        Ok(Key::opened(&self.master.0, &connection.id, &connection.sealed_key)?)
    }

    /// A version of a secret, sealed and not stored yet.
    ///
    /// # Errors
    /// Those of [`Vault::key`].
    pub fn seal(
        &self,
        connection: &ConnectionRow,
        name: &str,
        version: u32,
        value: &Secret,
    ) -> Result<SecretRow, VaultError> {
        let key = self.key(connection)?;
        Ok(sealed(&key, &connection.id, name, version, value, self.now_ms())?)
    }

    /// The versions of its secrets that are in use, opened: by name, newest first.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn open(
        &self,
        connection: &ConnectionRow,
    ) -> Result<Vec<(SecretRow, Secret)>, VaultError> {
        let key = self.key(connection)?;
        let rows = self.list(connection).await?;
        let open = |row: SecretRow| {
            let value = opened(&key, &row)?;
            Ok::<_, VaultError>((row, value))
        };
        rows.into_iter().map(open).collect()
    }

    /// Keeps `value` as the newest version of a secret, from now on the one that is used. The
    /// older ones serve beside it for `overlap` and then end. Returns its version.
    ///
    /// # Errors
    /// [`VaultError`]; then nothing was changed, unless the store's answer was lost
    /// ([`StoreError::Unknown`]): the versions that there are tell.
    pub async fn put(
        &self,
        connection: &ConnectionRow,
        name: &str,
        value: &Secret,
        overlap: Duration,
    ) -> Result<u32, VaultError> {
        let key = self.key(connection)?;
        let overlap = u64::try_from(overlap.as_millis()).unwrap_or(u64::MAX);
        let (failed, why) = mpsc::channel();
        let (id, secret, value) = (connection.id.clone(), name.to_owned(), value.clone());
        let change = move |rows: &[SecretRow], now_ms: u64| {
            let until_ms = now_ms.saturating_add(overlap);
            let version = rows.first().map_or(1, |newest| newest.version.saturating_add(1));
            let newest = sealed(&key, &id, &secret, version, &value, now_ms);
            // The store may ask several times: what was said last is what it did.
            let _ = failed.send(newest.as_ref().err().copied());
            let older = rows.iter().cloned().map(|row| {
                let ends_ms = Some(row.ends_ms.map_or(until_ms, |ends| ends.min(until_ms)));
                SecretRow { ends_ms, ..row }
            });
            Some(older.chain([newest.ok()?]).collect())
        };
        let rows = self.store.change_secret(&connection.id, name, Box::new(change)).await?;
        if let Some(Some(error)) = why.try_iter().last() {
            return Err(error.into());
        }
        Ok(rows.first().map_or(0, |newest| newest.version))
    }

    /// The versions that are in use, by name, newest first.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn list(&self, connection: &ConnectionRow) -> Result<Vec<SecretRow>, VaultError> {
        Ok(self.store.secrets(&connection.id).await?)
    }

    /// Erases every version of a secret.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn remove(&self, connection: &ConnectionRow, name: &str) -> Result<(), VaultError> {
        let connection = connection.id.clone();
        let remove = Change::RemoveSecret { connection, name: name.to_owned() };
        Ok(self.store.commit(vec![remove]).await?)
    }

    /// Erases the secrets that belong to one subscription, in one step.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn remove_of_subscription(
        &self,
        connection: &ConnectionRow,
        subscription: &str,
    ) -> Result<(), VaultError> {
        let own = of_subscription("", subscription);
        let mut names: Vec<String> =
            self.list(connection).await?.into_iter().map(|it| it.name).collect();
        names.retain(|name| name.ends_with(&own));
        names.dedup();
        let connection = &connection.id;
        let remove = |name| Change::RemoveSecret { connection: connection.clone(), name };
        Ok(self.store.commit(names.into_iter().map(remove).collect()).await?)
    }

    /// Opens all versions that are in use into `secrets`.
    ///
    /// # Errors
    /// [`VaultError`]; then `secrets` is as it was.
    pub async fn load(
        &self,
        connection: &ConnectionRow,
        secrets: &Secrets,
    ) -> Result<(), VaultError> {
        let mut opened: BTreeMap<String, Vec<(Secret, Option<u64>)>> = BTreeMap::new();
        for (row, value) in self.open(connection).await? {
            opened.entry(row.name).or_default().push((value, row.ends_ms));
        }
        secrets.set_versions(opened);
        Ok(())
    }

    /// Seals the keys of all connections by another master key; what they sealed stays as it is.
    /// Returns how many there were. Customers who are at the provider just now have to connect
    /// again.
    ///
    /// # Errors
    /// [`VaultError`]; then all keys are as they were, or, where a connection was made meanwhile or
    /// the store's answer was lost ([`StoreError::Unknown`]), those of before may be sealed anew: do
    /// it again, which goes on with those that are left.
    pub async fn rewrap(&self, new: &MasterKey) -> Result<usize, VaultError> {
        let mut done = 0;
        loop {
            let mut changes = Vec::new();
            for row in self.store.connections().await? {
                if Key::opened(&new.0, &row.id, &row.sealed_key).is_err() {
                    let sealed_key = self.key(&row)?.sealed_under(&new.0, &row.id)?;
                    changes.push(Change::PutKey { id: row.id, sealed_key });
                }
            }
            let count = changes.len();
            if count == 0 {
                return Ok(done);
            }
            match self.store.commit(changes).await {
                Ok(()) => done += count,
                // Removed meanwhile: once more, with those that are left.
                Err(StoreError::NoConnection(_)) => {}
                Err(why) => return Err(why.into()),
            }
        }
    }

    pub(super) fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Now, by its clock: milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }
}

fn sealed(
    key: &Key,
    connection: &str,
    name: &str,
    version: u32,
    value: &Secret,
    made_ms: u64,
) -> Result<SecretRow, SealError> {
    let sealed = key.seal(context(connection, name, version), value.expose())?;
    let (connection, name) = (connection.to_owned(), name.to_owned());
    Ok(SecretRow { connection, name, version, sealed, made_ms, ends_ms: None })
}

/// A version of a secret, by the key of its connection.
///
/// # Errors
/// [`SealError::NotOurs`].
pub(crate) fn opened(key: &Key, row: &SecretRow) -> Result<Secret, SealError> {
    key.open(context(&row.connection, &row.name, row.version), &row.sealed)
}

fn context<'a>(connection: &'a str, name: &'a str, version: u32) -> SealContext<'a> {
    SealContext { connection, kind: "secret", name, version: version.into() }
}

#[cfg(test)]
mod tests;
