//! After an absence of the receiver, a pull that overlaps it: what was not delivered is found by it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use connector_contract::clock::Clock;
use connector_runtime::{CallError, Connection, Connector};
use connector_state::mirror::Mirror;

use super::{HookRow, Inbox, Note, Notes};
use crate::jobs::{Jobs, NotBegun, Stage, Stopped};
use crate::sync::{Catalog, Pull, PullOptions, PullOutcome, SyncError, SyncedConnection, Turns};

/// The pull begins so long before the absence did.
const BEFORE_MS: u64 = 3_600_000;
/// Lists may lag behind what happens: a pull knows of what was missed so long before it began.
const LAG_MS: u64 = 30_000;
/// What was missed later is pulled after this time, however much it is: a provider of which no
/// delivery can be read any more is not read all the time instead.
const NEXT: Duration = Duration::from_secs(300);
/// Pages under way.
const PAGES: usize = 2;

/// Closes gaps: one job for each connection that has one. Clones are the same.
#[derive(Clone)]
pub struct GapCloser {
    catalog: Catalog,
    /// Objects that events are about.
    told: HashSet<String>,
    mirror: Arc<dyn Mirror>,
    inbox: Arc<dyn Inbox>,
    clock: Arc<dyn Clock>,
    notes: Arc<dyn Notes>,
    jobs: Jobs,
    turns: Turns,
}

impl GapCloser {
    /// For connections of `connector`, whose records are kept in `mirror`.
    ///
    /// # Errors
    /// When the connector cannot describe its objects.
    pub async fn new(
        connector: &Connector,
        mirror: Arc<dyn Mirror>,
        inbox: Arc<dyn Inbox>,
        clock: Arc<dyn Clock>,
        notes: Arc<dyn Notes>,
        jobs: Jobs,
    ) -> Result<Self, CallError> {
        let catalog = Catalog::of(connector).await?;
        let mut told = HashSet::new();
        for object in catalog.all() {
            if !connector.describe(&object.name).await?.events.is_empty() {
                told.insert(object.name.clone());
            }
        }
        let turns = Turns::new(PAGES);
        Ok(Self { catalog, told, mirror, inbox, clock, notes, jobs, turns })
    }

    /// Ends what is under way for a connection that is gone or changed.
    pub fn stop(&self, id: &str) {
        self.jobs.remove(&job(id));
    }

    /// Begins to close the gap of a hook, if it has one and nobody is at it.
    ///
    /// # Errors
    /// [`NotBegun`].
    pub fn consider(&self, hook: &HookRow, connection: &Connection) -> Result<(), NotBegun> {
        let Some(gap_ms) = hook.gap_ms else { return Ok(()) };
        if self.jobs.runs(&job(&hook.connection)) {
            return Ok(());
        }
        let (id, notes) = (hook.connection.clone(), Arc::clone(&self.notes));
        notes.note(&Note::Gap { connection: id.clone(), since_ms: gap_ms });
        let failed =
            move |stopped: &Stopped| notes.failing("pulling what was missed", &stopped.why);
        let (gaps, connection) = (self.clone(), connection.clone());
        self.jobs.keep(Stage::Work, &job(&hook.connection), failed, move |stop| {
            let (gaps, connection, id) = (gaps.clone(), connection.clone(), id.clone());
            let closing = async move {
                let closed = gaps.close(&id, connection, gap_ms).await;
                if !closed.map_err(|why| why.to_string())? {
                    tokio::time::sleep(NEXT).await;
                }
                Ok(())
            };
            async move {
                tokio::select! {
                    biased;
                    ended = closing => ended,
                    () = stop.requested() => Ok(()),
                }
            }
        })
    }

    /// Pulls every object that was ever pulled, from before the gap on, and those that events are
    /// about, whole if need be. Of the others nothing is kept that could have a gap. Returns
    /// whether none is left.
    async fn close(&self, id: &str, client: Connection, gap_ms: u64) -> Result<bool, SyncError> {
        let until_ms = self.clock.now_ms().saturating_sub(LAG_MS);
        let synced = SyncedConnection {
            client,
            mirror: Arc::clone(&self.mirror),
            clock: Arc::clone(&self.clock),
            connection: id.to_owned(),
            turns: self.turns.clone(),
        };
        let options = PullOptions {
            since_ms: Some(gap_ms.saturating_sub(BEFORE_MS)),
            ..PullOptions::default()
        };
        let scans = self.mirror.scans(id).await?;
        for object in self.catalog.all() {
            let pulled =
                scans.iter().any(|row| row.object == object.name && row.bookmark.is_some());
            if !pulled && !self.told.contains(&object.name) {
                continue;
            }
            let pull = Pull::new(synced.clone(), object.clone());
            loop {
                match pull.run(&options).await? {
                    PullOutcome::Done(report) if report.overlaps() => break,
                    // The rest of a scan that was cut; now its own.
                    PullOutcome::Done(_) => {}
                    PullOutcome::Busy { .. } => tokio::time::sleep(Duration::from_secs(5)).await,
                }
            }
        }
        Ok(self.inbox.close_gap(id, gap_ms, until_ms).await?)
    }
}

/// Name of the job that closes a connection's gap.
fn job(id: &str) -> String {
    format!("closing the gap of {id}")
}
