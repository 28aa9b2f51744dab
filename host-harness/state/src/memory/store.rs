//! [`Store`] in memory.

use std::collections::BTreeMap;

use super::{ERASE, FORGET, Memory, Rows};
use crate::changes::{Kept, Needs, is_live, needs, plan, touched};
use crate::journal::entries;
use crate::lists::Labels;
use crate::mirror::RuleSettings;
use crate::{
    Answer, Change, ConnectionChanges, ConnectionRow, GrantChange, GrantRow, PreviousTokens,
    SecretChange, SecretRow, SessionRow, Store, StoreError,
};

/// Connections and what belongs to them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct StoreTables {
    /// By id.
    pub connections: BTreeMap<String, ConnectionRow>,
    /// By connection.
    pub labels: BTreeMap<String, Labels>,
    /// By connection, what it has set of its rules over time.
    pub rules: BTreeMap<String, RuleSettings>,
    /// By connection, name and version.
    pub secrets: BTreeMap<(String, String, u32), SecretRow>,
    /// By connection.
    pub grants: BTreeMap<String, GrantRow>,
    /// By the digest of their `state`.
    pub sessions: BTreeMap<[u8; 32], SessionRow>,
    /// How many commits have changed connections.
    pub revision: u64,
    /// By the id of a connection: when it last changed.
    pub revisions: BTreeMap<String, u64>,
}

impl Store for Memory {
    fn connections(&self) -> Answer<'_, Vec<ConnectionRow>> {
        self.answer(|rows| {
            let mut all: Vec<_> = rows.store.connections.values().cloned().collect();
            all.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(all)
        })
    }

    fn connection(&self, name: &str) -> Answer<'_, Option<ConnectionRow>> {
        let name = name.to_owned();
        self.answer(move |rows| Ok(rows.store.named(&name).cloned()))
    }

    fn connections_since(&self, revision: u64) -> Answer<'_, ConnectionChanges> {
        self.answer(move |rows| {
            let StoreTables { connections, revisions, revision: now, .. } = &rows.store;
            let is_new = |id: &&String| revisions.get(*id).is_none_or(|at| *at > revision);
            let changed = connections.keys().filter(is_new).cloned().collect();
            Ok(ConnectionChanges { revision: *now, changed })
        })
    }

    fn secrets(&self, connection: &str) -> Answer<'_, Vec<SecretRow>> {
        let connection = connection.to_owned();
        self.write(move |rows, now_ms| {
            let wanted = |row: &&SecretRow| row.connection == connection && is_live(row, now_ms);
            let mut found: Vec<_> = rows.store.secrets.values().filter(wanted).cloned().collect();
            found.sort_by(|a, b| a.name.cmp(&b.name).then(b.version.cmp(&a.version)));
            Ok(found)
        })
    }

    fn grant(&self, connection: &str) -> Answer<'_, Option<GrantRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| Ok(rows.store.grants.get(&connection).cloned()))
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<'_, ()> {
        self.write(move |rows, now_ms| {
            let kept = rows.store.kept(&needs(&changes));
            let told = entries::of_commit(&changes, &kept);
            let planned = plan(changes, kept)?;
            told.into_iter().for_each(|(id, entry)| rows.journal.note(&id, now_ms, entry));
            rows.store.touch(touched(&planned));
            planned.into_iter().for_each(|change| write(rows, change, now_ms));
            Ok(())
        })
    }

    fn change_grant(&self, connection: &str, change: GrantChange) -> Answer<'_, Option<GrantRow>> {
        let connection = connection.to_owned();
        self.write(move |rows, now_ms| {
            let Some(row) = rows.store.grants.get_mut(&connection) else { return Ok(None) };
            // What a first try decided is of no account.
            change(row, now_ms);
            let mut told = None;
            if let Some(next) = change(row, now_ms) {
                told = entries::of_grant(row, &next);
                *row = next;
            }
            let row = row.clone();
            told.into_iter().for_each(|entry| rows.journal.note(&connection, now_ms, entry));
            Ok(Some(row))
        })
    }

    fn change_secret(
        &self,
        connection: &str,
        name: &str,
        change: SecretChange,
    ) -> Answer<'_, Vec<SecretRow>> {
        let (connection, name) = (connection.to_owned(), name.to_owned());
        self.write(move |rows, now_ms| {
            if !rows.store.connections.contains_key(&connection) {
                return Err(StoreError::NoConnection(connection));
            }
            let versions = rows.store.versions(&connection, &name);
            change(&versions, now_ms);
            let changed = change(&versions, now_ms).unwrap_or_default();
            let told = entries::of_secret(&versions, &changed);
            told.into_iter().for_each(|entry| rows.journal.note(&connection, now_ms, entry));
            if !changed.is_empty() {
                rows.store.touch([&*connection]);
            }
            changed.into_iter().for_each(|row| rows.store.put_secret(row));
            Ok(rows.store.versions(&connection, &name))
        })
    }

    fn maintain(&self) -> Answer<'_, bool> {
        self.write(|rows, now_ms| {
            FORGET.iter().for_each(|forget| forget(rows, now_ms));
            Ok(false)
        })
    }

    fn take_session(&self, state: &[u8; 32]) -> Answer<'_, Option<SessionRow>> {
        let state = *state;
        self.answer(move |rows| Ok(rows.store.sessions.remove(&state)))
    }
}

impl StoreTables {
    /// A commit changes these connections.
    pub(super) fn touch<'c>(&mut self, connections: impl IntoIterator<Item = &'c str>) {
        let mut connections = connections.into_iter().peekable();
        if connections.peek().is_some() {
            self.revision += 1;
            let now = |id: &str| (id.to_owned(), self.revision);
            self.revisions.extend(connections.map(now));
        }
    }

    fn named(&self, name: &str) -> Option<&ConnectionRow> {
        self.connections.values().find(|row| row.name == name)
    }

    /// What a commit needs to know.
    pub(crate) fn kept(&self, needs: &Needs) -> Kept {
        let by_id = needs.ids.iter().filter_map(|id| self.connections.get(id));
        let by_name = needs.names.iter().filter_map(|name| self.named(name));
        let epoch = |id: &String| Some((id.clone(), self.grants.get(id)?.epoch));
        Kept {
            connections: by_id.chain(by_name).cloned().collect(),
            epochs: needs.grants.iter().filter_map(epoch).collect(),
        }
    }

    /// Newest first.
    fn versions(&self, connection: &str, name: &str) -> Vec<SecretRow> {
        let of = |version| (connection.to_owned(), name.to_owned(), version);
        self.secrets.range(of(0)..=of(u32::MAX)).rev().map(|(_, row)| row.clone()).collect()
    }

    fn put_secret(&mut self, row: SecretRow) {
        self.secrets.insert((row.connection.clone(), row.name.clone(), row.version), row);
    }
}

/// Writes what was decided.
pub(crate) fn write(rows: &mut Rows, change: Change, now_ms: u64) {
    let store = &mut rows.store;
    match change {
        Change::PutConnection(row) => drop(store.connections.insert(row.id.clone(), row)),
        Change::ChangeConnection { id, name, labels } => {
            if let (Some(row), Some(name)) = (store.connections.get_mut(&id), name) {
                row.name = name;
            }
            store.labels.extend(labels.map(|labels| (id, labels)));
        }
        Change::PutKey { id, sealed_key } => {
            if let Some(row) = store.connections.get_mut(&id) {
                row.sealed_key = sealed_key;
            }
        }
        Change::RemoveConnection { id } => {
            store.connections.remove(&id);
            store.revisions.remove(&id);
            store.grants.remove(&id);
            store.secrets.retain(|_, row| row.connection != id);
            store.sessions.retain(|_, row| row.connection.id != id);
            ERASE.iter().for_each(|erase| erase(rows, &id));
        }
        Change::PutSecret(row) => store.put_secret(row),
        Change::RemoveSecret { connection, name } => {
            store.secrets.retain(|_, row| row.connection != connection || row.name != name);
        }
        Change::PutGrant(row) | Change::PutNextGrant(row) => {
            store.grants.insert(row.connection.clone(), row);
        }
        Change::RemoveGrant { connection } => drop(store.grants.remove(&connection)),
        Change::PutSession(row) => {
            store.sessions.retain(|_, other| now_ms < other.ends_ms);
            store.sessions.insert(row.state, row);
        }
    }
}

/// Erases secrets, replaced tokens and sessions that ended.
pub(super) fn forget(rows: &mut Rows, now_ms: u64) {
    let store = &mut rows.store;
    store.secrets.retain(|_, row| is_live(row, now_ms));
    store.sessions.retain(|_, row| now_ms < row.ends_ms);
    for row in store.grants.values_mut() {
        let over = |previous: &mut PreviousTokens| previous.until_ms <= now_ms;
        row.previous.take_if(over);
    }
}
