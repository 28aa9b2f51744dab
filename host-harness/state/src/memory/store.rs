//! [`Store`] in memory.

use std::collections::BTreeMap;

use super::Memory;
use crate::{
    Answer, Change, ConnectionRow, GrantChange, GrantRow, SecretChange, SecretRow, SessionRow,
    Store, StoreError,
};

/// Connections and what belongs to them.
#[derive(Debug, Default, Clone)]
pub struct StoreTables {
    pub connections: BTreeMap<String, ConnectionRow>,
    pub secrets: BTreeMap<(String, String, u32), SecretRow>,
    pub grants: BTreeMap<String, GrantRow>,
    pub sessions: BTreeMap<[u8; 32], SessionRow>,
}

impl Store for Memory {
    fn connections(&self) -> Answer<'_, Vec<ConnectionRow>> {
        self.answer(|rows| Ok(rows.store.connections.values().cloned().collect()))
    }

    fn connection(&self, name: &str) -> Answer<'_, Option<ConnectionRow>> {
        let name = name.to_owned();
        self.answer(move |rows| {
            Ok(rows.store.connections.values().find(|row| row.name == name).cloned())
        })
    }

    fn secrets(&self, connection: &str, now_ms: u64) -> Answer<'_, Vec<SecretRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            let live = |row: &&SecretRow| {
                row.connection == connection && row.ends_ms.is_none_or(|end| end > now_ms)
            };
            let mut found: Vec<_> = rows.store.secrets.values().filter(live).cloned().collect();
            found.sort_by(|a, b| a.name.cmp(&b.name).then(b.version.cmp(&a.version)));
            Ok(found)
        })
    }

    fn grant(&self, connection: &str) -> Answer<'_, Option<GrantRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| Ok(rows.store.grants.get(&connection).cloned()))
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<'_, ()> {
        self.answer(move |rows| {
            let mut next = rows.store.clone();
            let removed = changes.iter().filter_map(|change| match change {
                Change::RemoveConnection { id } => Some(id.clone()),
                _ => None,
            });
            let removed: Vec<String> = removed.collect();
            changes.into_iter().try_for_each(|change| apply(&mut next, change))?;
            rows.store = next;
            removed.iter().for_each(|id| rows.inbox.remove_connection(id));
            Ok(())
        })
    }

    fn change_grant(&self, connection: &str, change: GrantChange) -> Answer<'_, Option<GrantRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            let Some(row) = rows.store.grants.get_mut(&connection) else { return Ok(None) };
            if let Some(next) = change(row) {
                *row = next;
            }
            Ok(Some(row.clone()))
        })
    }

    fn change_secret(
        &self,
        connection: &str,
        name: &str,
        change: SecretChange,
    ) -> Answer<'_, Vec<SecretRow>> {
        let (connection, name) = (connection.to_owned(), name.to_owned());
        self.answer(move |rows| {
            let changed = change(&versions(&rows.store, &connection, &name)).unwrap_or_default();
            changed
                .into_iter()
                .try_for_each(|row| apply(&mut rows.store, Change::PutSecret(row)))?;
            Ok(versions(&rows.store, &connection, &name))
        })
    }

    fn maintain(&self) -> Answer<'_, bool> {
        let now_ms = self.now_ms();
        self.answer(move |rows| {
            rows.inbox.forget(now_ms);
            Ok(false)
        })
    }

    fn take_session(&self, state: &[u8; 32]) -> Answer<'_, Option<SessionRow>> {
        let state = *state;
        self.answer(move |rows| Ok(rows.store.sessions.remove(&state)))
    }
}

fn versions(rows: &StoreTables, connection: &str, name: &str) -> Vec<SecretRow> {
    let named = |row: &&SecretRow| row.connection == connection && row.name == name;
    rows.secrets.values().rev().filter(named).cloned().collect()
}

fn apply(rows: &mut StoreTables, change: Change) -> Result<(), StoreError> {
    match change {
        Change::PutConnection(row) => {
            let mut others = rows.connections.values().filter(|other| other.id != row.id);
            if others.any(|other| other.name == row.name) {
                return Err(StoreError::NameTaken(row.name));
            }
            let key = rows.connections.get(&row.id).map(|kept| kept.sealed_key.clone());
            let sealed_key = key.unwrap_or_else(|| row.sealed_key.clone());
            rows.connections.insert(row.id.clone(), ConnectionRow { sealed_key, ..row });
        }
        Change::PutKey { id, sealed_key } => {
            if let Some(row) = rows.connections.get_mut(&id) {
                row.sealed_key = sealed_key;
            }
        }
        Change::RemoveConnection { id } => {
            rows.connections.remove(&id);
            rows.grants.remove(&id);
            rows.secrets.retain(|_, row| row.connection != id);
        }
        Change::PutSecret(row) => {
            rows.secrets.insert((row.connection.clone(), row.name.clone(), row.version), row);
        }
        Change::RemoveSecret { connection, name } => {
            rows.secrets.retain(|_, row| row.connection != connection || row.name != name);
        }
        Change::PutNextGrant(row) => {
            let before = rows.grants.get(&row.connection).map_or(0, |before| before.epoch);
            if row.epoch != before.saturating_add(1) {
                return Err(StoreError::NotNext(row.connection));
            }
            rows.grants.insert(row.connection.clone(), row);
        }
        Change::PutGrant(row) => {
            rows.grants.insert(row.connection.clone(), row);
        }
        Change::RemoveGrant { connection } => {
            rows.grants.remove(&connection);
        }
        Change::PutSession(row) => {
            rows.sessions.retain(|_, other| other.ends_ms > row.made_ms);
            rows.sessions.insert(row.state, row);
        }
    }
    Ok(())
}
