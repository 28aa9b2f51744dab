//! A store in memory that can stop for good at any of its calls, as a killed process does: its
//! rows outlive the stop.

#![allow(missing_docs, reason = "a double for tests in other crates")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{
    Answer, Change, ConnectionRow, GrantChange, GrantRow, SecretChange, SecretRow, SessionRow,
    Store, StoreError,
};

/// The rows, as the disk has them.
#[derive(Debug, Default, Clone)]
pub struct Rows {
    pub connections: BTreeMap<String, ConnectionRow>,
    pub secrets: BTreeMap<(String, String, u32), SecretRow>,
    pub grants: BTreeMap<String, GrantRow>,
    pub sessions: BTreeMap<[u8; 32], SessionRow>,
}

/// A process's way to the rows.
pub struct Memory {
    pub rows: Arc<Mutex<Rows>>,
    halt: Arc<Halt>,
    /// Calls from now on that fail.
    pub failing: Mutex<u32>,
}

/// Stops everybody who comes by at the `nth` step, and says so.
#[derive(Default)]
pub struct Halt {
    state: Mutex<(usize, Option<usize>)>,
    pub reached: Notify,
}

impl Halt {
    pub fn at(nth: Option<usize>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new((0, nth)), reached: Notify::new() })
    }

    /// One more step; does not come back from the one where it stops, or a later one.
    pub async fn step(&self) {
        let stopped = {
            let mut state = lock(&self.state);
            state.0 += 1;
            state.1.is_some_and(|nth| state.0 > nth)
        };
        if stopped {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
    }

    pub fn steps(&self) -> usize {
        lock(&self.state).0
    }
}

impl Memory {
    pub fn open(rows: &Arc<Mutex<Rows>>, halt: &Arc<Halt>) -> Arc<Self> {
        let (rows, halt) = (Arc::clone(rows), Arc::clone(halt));
        Arc::new(Self { rows, halt, failing: Mutex::new(0) })
    }

    /// A stop may come before a change is durable and after it.
    fn answer<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Rows) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(async move {
            self.halt.step().await;
            if let Some(left) = { lock(&self.failing).checked_sub(1) } {
                *lock(&self.failing) = left;
                let (path, why) = ("memory".to_owned(), "full".to_owned());
                return Err(StoreError::Unavailable { path, why });
            }
            let answer = act(&mut lock(&self.rows));
            self.halt.step().await;
            answer
        })
    }
}

impl Store for Memory {
    fn connections(&self) -> Answer<'_, Vec<ConnectionRow>> {
        self.answer(|rows| Ok(rows.connections.values().cloned().collect()))
    }

    fn connection(&self, name: &str) -> Answer<'_, Option<ConnectionRow>> {
        let name = name.to_owned();
        self.answer(move |rows| Ok(rows.connections.values().find(|row| row.name == name).cloned()))
    }

    fn secrets(&self, connection: &str, now_ms: u64) -> Answer<'_, Vec<SecretRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            let live = |row: &&SecretRow| {
                row.connection == connection && row.ends_ms.is_none_or(|end| end > now_ms)
            };
            let mut found: Vec<_> = rows.secrets.values().filter(live).cloned().collect();
            found.sort_by(|a, b| a.name.cmp(&b.name).then(b.version.cmp(&a.version)));
            Ok(found)
        })
    }

    fn grant(&self, connection: &str) -> Answer<'_, Option<GrantRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| Ok(rows.grants.get(&connection).cloned()))
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<'_, ()> {
        self.answer(move |rows| {
            let mut next = rows.clone();
            changes.into_iter().try_for_each(|change| apply(&mut next, change))?;
            *rows = next;
            Ok(())
        })
    }

    fn change_grant(&self, connection: &str, change: GrantChange) -> Answer<'_, Option<GrantRow>> {
        let connection = connection.to_owned();
        self.answer(move |rows| {
            let Some(row) = rows.grants.get_mut(&connection) else { return Ok(None) };
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
            let changed = change(&versions(rows, &connection, &name)).unwrap_or_default();
            changed.into_iter().try_for_each(|row| apply(rows, Change::PutSecret(row)))?;
            Ok(versions(rows, &connection, &name))
        })
    }

    fn take_session(&self, state: &[u8; 32]) -> Answer<'_, Option<SessionRow>> {
        let state = *state;
        self.answer(move |rows| Ok(rows.sessions.remove(&state)))
    }
}

fn versions(rows: &Rows, connection: &str, name: &str) -> Vec<SecretRow> {
    let named = |row: &&SecretRow| row.connection == connection && row.name == name;
    rows.secrets.values().rev().filter(named).cloned().collect()
}

fn apply(rows: &mut Rows, change: Change) -> Result<(), StoreError> {
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
