//! What a commit does, decided from what is kept.
//!
//! A database reads what [`needs`] names, lets [`plan`] decide, and writes what it answers, all in
//! one transaction.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::StoreError;
use crate::rows::{ConnectionRow, SecretRow};
use crate::store::Change;

/// What is to be read before a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Connections with these ids.
    pub ids: BTreeSet<String>,
    /// Connections with these names.
    pub names: BTreeSet<String>,
    /// The epochs of the grants of these connections.
    pub grants: BTreeSet<String>,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// The connections that were asked for, by id or by name.
    pub connections: Vec<ConnectionRow>,
    /// The epochs of grants, by the ids of their connections.
    pub epochs: BTreeMap<String, u64>,
}

/// What has to be read for these changes.
#[must_use]
pub fn needs(changes: &[Change]) -> Needs {
    let mut needs = Needs::default();
    for change in changes {
        match change {
            Change::PutConnection(row) => {
                needs.names.insert(row.name.clone());
                needs.ids.insert(row.id.clone());
            }
            Change::ChangeConnection { id, name, .. } => {
                needs.names.extend(name.clone());
                needs.ids.insert(id.clone());
            }
            Change::PutKey { id, .. } => drop(needs.ids.insert(id.clone())),
            Change::PutSecret(row) => drop(needs.ids.insert(row.connection.clone())),
            Change::PutGrant(row) => drop(needs.ids.insert(row.connection.clone())),
            Change::PutNextGrant(row) => {
                needs.ids.insert(row.connection.clone());
                needs.grants.insert(row.connection.clone());
            }
            Change::RemoveConnection { .. }
            | Change::RemoveSecret { .. }
            | Change::RemoveGrant { .. }
            | Change::PutSession(_) => {}
        }
    }
    needs
}

/// The connections that these changes change ([`crate::Store::connections_since`]), also those that go.
#[must_use]
pub fn touched(changes: &[Change]) -> BTreeSet<&str> {
    fn of(change: &Change) -> Option<&str> {
        match change {
            Change::PutConnection(row) => Some(&row.id),
            Change::ChangeConnection { id, .. } | Change::RemoveConnection { id } => Some(id),
            Change::PutSecret(row) => Some(&row.connection),
            Change::RemoveSecret { connection, .. } => Some(connection),
            Change::PutKey { .. }
            | Change::PutGrant(_)
            | Change::PutNextGrant(_)
            | Change::RemoveGrant { .. }
            | Change::PutSession(_) => None,
        }
    }
    changes.iter().filter_map(of).collect()
}

/// Decides on `changes`, one after the other. Answers what is to be written, in this order and
/// without another look: each row as it will stand, in place of the one with its key.
///
/// # Errors
/// [`StoreError::NameTaken`], [`StoreError::NoConnection`] and [`StoreError::NotNext`], of the first
/// change that cannot be made; then nothing is to be written.
pub fn plan(changes: Vec<Change>, kept: Kept) -> Result<Vec<Change>, StoreError> {
    let mut now = Now {
        names: kept.connections.iter().map(|row| (row.name.clone(), row.id.clone())).collect(),
        connections: kept.connections.into_iter().map(|row| (row.id.clone(), row)).collect(),
        epochs: kept.epochs,
    };
    changes.into_iter().map(|change| now.decide(change)).collect()
}

/// Whether a version of a secret is in use at a time.
#[must_use]
pub fn is_live(row: &SecretRow, now_ms: u64) -> bool {
    row.ends_ms.is_none_or(|end| now_ms < end)
}

/// What is kept, with the changes so far.
struct Now {
    /// Ids by name.
    names: BTreeMap<String, String>,
    connections: BTreeMap<String, ConnectionRow>,
    epochs: BTreeMap<String, u64>,
}

impl Now {
    fn decide(&mut self, change: Change) -> Result<Change, StoreError> {
        match change {
            Change::PutConnection(row) => self.put(row).map(Change::PutConnection),
            Change::ChangeConnection { id, name, labels } => {
                let row = self.must_exist(&id)?.clone();
                if let Some(name) = &name {
                    self.put(ConnectionRow { name: name.clone(), ..row })?;
                }
                Ok(Change::ChangeConnection { id, name, labels })
            }
            Change::PutKey { id, sealed_key } => {
                self.must_exist(&id)?.sealed_key = sealed_key.clone();
                Ok(Change::PutKey { id, sealed_key })
            }
            Change::RemoveConnection { id } => {
                self.names.retain(|_, whose| *whose != id);
                self.connections.remove(&id);
                self.epochs.remove(&id);
                Ok(Change::RemoveConnection { id })
            }
            Change::PutSecret(row) => {
                self.must_exist(&row.connection)?;
                Ok(Change::PutSecret(row))
            }
            Change::PutNextGrant(row) => {
                self.must_exist(&row.connection)?;
                let before = self.epochs.get(&row.connection).copied().unwrap_or_default();
                if row.epoch != before.saturating_add(1) {
                    return Err(StoreError::NotNext(row.connection));
                }
                self.epochs.insert(row.connection.clone(), row.epoch);
                Ok(Change::PutGrant(row))
            }
            Change::PutGrant(row) => {
                self.must_exist(&row.connection)?;
                self.epochs.insert(row.connection.clone(), row.epoch);
                Ok(Change::PutGrant(row))
            }
            Change::RemoveGrant { connection } => {
                self.epochs.remove(&connection);
                Ok(Change::RemoveGrant { connection })
            }
            other @ (Change::RemoveSecret { .. } | Change::PutSession(_)) => Ok(other),
        }
    }

    /// A connection keeps its key, whatever somebody who read it long ago believes, and the time
    /// when it was made.
    fn put(&mut self, row: ConnectionRow) -> Result<ConnectionRow, StoreError> {
        if self.names.get(&row.name).is_some_and(|whose| *whose != row.id) {
            return Err(StoreError::NameTaken(row.name));
        }
        let row = match self.connections.remove(&row.id) {
            Some(ConnectionRow { name, sealed_key, made_ms, .. }) => {
                self.names.remove(&name);
                ConnectionRow { sealed_key, made_ms, ..row }
            }
            None => row,
        };
        self.names.insert(row.name.clone(), row.id.clone());
        self.connections.insert(row.id.clone(), row.clone());
        Ok(row)
    }

    fn must_exist(&mut self, id: &str) -> Result<&mut ConnectionRow, StoreError> {
        self.connections.get_mut(id).ok_or_else(|| StoreError::NoConnection(id.to_owned()))
    }
}

/// Whether a change erases what may not be found on a disk any more.
#[must_use]
pub fn erases(change: &Change) -> bool {
    matches!(
        change,
        Change::RemoveConnection { .. } | Change::RemoveSecret { .. } | Change::RemoveGrant { .. }
    )
}

#[cfg(feature = "memory")]
#[cfg(test)]
mod tests;
