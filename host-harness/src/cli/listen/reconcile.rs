//! After an absence, a pull that overlaps it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use host_harness::clock::unix_ms;
use host_harness::mirror::Mirror as _;
use host_harness::runtime::Connection;
use host_harness::runtime::Connector;
use host_harness::store::{ConnectionRow, Sqlite};
use host_harness::sync::{Catalog, Outcome, Pull, PullOptions, SyncedConnection, Turns};
use host_harness::webhooks::{HookRow, Inbox as _, Note, Notes as _};
use tokio::task::{AbortHandle, JoinSet};

use super::notes::Shown;
use crate::cli::state::clock;
use crate::cli::supervise::PANICKED;

/// The pull begins so long before the absence did.
const BEFORE_MS: u64 = 3_600_000;
/// A pull that failed, or that another process is at, is tried again after this time.
const AGAIN: Duration = Duration::from_secs(60);
/// Lists may lag behind what happens: a pull knows of what was missed so long before it began.
const LAG_MS: u64 = 30_000;
/// What was missed later is pulled after this time, however much it is: a provider of which no
/// delivery can be read any more is not read all the time instead.
const NEXT: Duration = Duration::from_secs(300);
/// Pages under way.
const PAGES: usize = 2;

/// Closes gaps, one connection at a time each. Cheap to clone.
#[derive(Clone)]
pub struct Reconcile {
    shared: Arc<Shared>,
}

struct Shared {
    catalog: Catalog,
    /// Objects that events are about.
    told: HashSet<String>,
    database: Arc<Sqlite>,
    notes: Arc<Shown>,
    connections: Mutex<HashMap<String, Connection>>,
    /// Under way, or failed and left alone for now.
    pulls: Mutex<HashMap<String, AbortHandle>>,
    turns: Turns,
}

impl Reconcile {
    /// For connections of `connector`.
    ///
    /// # Errors
    /// When it cannot describe its objects.
    pub async fn new(
        connector: &Connector,
        database: &Arc<Sqlite>,
        notes: Arc<Shown>,
    ) -> Result<Self> {
        let catalog = Catalog::of(connector).await.context("describing the objects")?;
        let mut told = HashSet::new();
        for object in catalog.all() {
            let descriptor = connector.describe(&object.name).await;
            if !descriptor.context("describing the objects")?.events.is_empty() {
                told.insert(object.name.clone());
            }
        }
        Ok(Self {
            shared: Arc::new(Shared {
                catalog,
                told,
                database: Arc::clone(database),
                notes,
                connections: Mutex::default(),
                pulls: Mutex::default(),
                turns: Turns::new(PAGES),
            }),
        })
    }

    /// Asks for this connection by `connection` from now on.
    pub fn know(&self, row: &ConnectionRow, connection: &Connection) {
        self.shared.connections().insert(row.id.clone(), connection.clone());
        // A pull by the one before may fail, and would be left alone for a while.
        if let Some(pull) = self.shared.pulls().remove(&row.id) {
            pull.abort();
        }
    }

    /// Forgets the other connections.
    pub fn retain(&self, is_served: impl Fn(&str) -> bool) {
        self.shared.connections().retain(|id, _| is_served(id));
        self.shared.pulls().retain(|id, pull| {
            let stays = is_served(id);
            if !stays {
                pull.abort();
            }
            stays
        });
    }

    /// Begins to close the gap of a hook, if it has one and nobody is at it.
    pub fn consider(&self, hook: &HookRow) {
        let Some(gap_ms) = hook.gap_ms else { return };
        let id = hook.connection.clone();
        let Some(client) = self.shared.connections().get(&id).cloned() else { return };
        let mut pulls = self.shared.pulls();
        if pulls.get(&id).is_some_and(|pull| !pull.is_finished()) {
            return;
        }
        let (shared, connection) = (Arc::clone(&self.shared), id.clone());
        let pull = tokio::spawn(async move {
            let notes = Arc::clone(&shared.notes);
            notes.note(&Note::Gap { connection: connection.clone(), since_ms: gap_ms });
            // A task of its own, so that a panic is a failure as any other; it ends with this one.
            let mut closing = JoinSet::new();
            closing.spawn(async move { shared.close(&connection, client, gap_ms).await });
            let why = match closing.join_next().await {
                Some(Ok(Ok(true))) | None => return,
                Some(Ok(Ok(false))) => return tokio::time::sleep(NEXT).await,
                Some(Ok(Err(why))) => format!("{why:#}"),
                Some(Err(_)) => PANICKED.to_owned(),
            };
            notes.note(&Note::Failing { what: "pulling what was missed", why });
            tokio::time::sleep(AGAIN).await;
        });
        pulls.insert(id, pull.abort_handle());
    }
}

impl Shared {
    fn connections(&self) -> MutexGuard<'_, HashMap<String, Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pulls(&self) -> MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.pulls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pulls every object that was ever pulled, from before the gap on, and those that events are
    /// about, whole if need be. Of the others nothing is kept that could have a gap. Answers
    /// whether none is left.
    async fn close(&self, id: &str, client: Connection, gap_ms: u64) -> Result<bool> {
        let until_ms = unix_ms(clock().now()).saturating_sub(LAG_MS);
        let account = SyncedConnection {
            client,
            mirror: Arc::clone(&self.database) as _,
            clock: clock(),
            connection: id.to_owned(),
            turns: self.turns.clone(),
        };
        let wish = PullOptions {
            since_ms: Some(gap_ms.saturating_sub(BEFORE_MS)),
            ..PullOptions::default()
        };
        let scans = self.database.scans(id).await?;
        for object in self.catalog.all() {
            let pulled =
                scans.iter().any(|row| row.object == object.name && row.bookmark.is_some());
            if !pulled && !self.told.contains(&object.name) {
                continue;
            }
            let pull = Pull::new(account.clone(), object.clone());
            loop {
                match pull.run(&wish).await? {
                    Outcome::Done(report) if report.overlaps() => break,
                    // The rest of a scan that was cut; now its own.
                    Outcome::Done(_) => {}
                    Outcome::Busy { .. } => tokio::time::sleep(Duration::from_secs(5)).await,
                }
            }
        }
        Ok(self.database.close_gap(id, gap_ms, until_ms).await?)
    }
}
