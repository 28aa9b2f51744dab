//! One object of one connection, brought up to date.

use std::sync::Arc;

use connector_contract::clock::Clock;
use connector_contract::records::Start;
use connector_contract::types::ErrorKind;
use connector_runtime::{CallError, Connection, ScanError};
use connector_state::mirror::{Applied, Batch, Mirror, ScanChange, ScanKind, ScanRow, Source};
use connector_state::{Lease, LeaseHolder, StoreError};
use tracing::Instrument as _;

use super::begin::ScanStart;
use super::catalog::Synced;
use super::error::SyncError;
use super::report::{PullOutcome, PullReport};
use super::rhythm::{FAILED, Rhythm};
use super::turns::Turns;

/// Times that a scan begins anew without getting further.
const RESTARTS: u32 = 3;
/// Failures in a row after which reading goes on, and what a full scan did not see is left to the
/// next one.
const SWEEP_TRIES: u32 = 3;
/// Records whose rules over time are looked at in one commit.
const RULES: u32 = 100;
/// How long the lease of a scan lasts; each page extends it.
pub(super) const LEASE_MS: u64 = 45_000;

/// A connection between its provider and its mirror. Cheap to clone.
#[derive(Clone)]
pub struct SyncedConnection {
    /// Calls to the provider.
    pub client: Connection,
    /// Where records are kept.
    pub mirror: Arc<dyn Mirror>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Id of the connection's row in the store.
    pub connection: String,
    /// Pages that it and others may have under way.
    pub turns: Turns,
}

/// How an object is to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PullOptions {
    /// Everything, whatever is due.
    pub full: bool,
    /// What changed since this time (milliseconds since 1970), whatever is due: deliveries may
    /// have been missed from then on.
    pub since_ms: Option<u64>,
    /// What is due when.
    pub rhythm: Rhythm,
    /// Sweep even where more is missing than can be believed.
    pub sweep_anyway: bool,
    /// Records a page; `None`: as many as the provider gives.
    pub page_size: Option<u32>,
}

/// A page that was committed.
#[derive(Debug, Clone)]
pub struct PageCommitted {
    /// The object whose page it is.
    pub object: String,
    /// How many records it holds.
    pub records: u64,
    /// Records of the whole scan, where the provider tells.
    pub total: Option<u32>,
    /// What came of it.
    pub applied: Applied,
}

/// Brings one object up to date. See [`crate::sync`].
pub struct Pull {
    pub(super) synced: SyncedConnection,
    pub(super) object: Synced,
    pub(super) told: Box<dyn Fn(&PageCommitted) + Send + Sync>,
}

impl Pull {
    /// Of `object`. Does nothing before [`Pull::run`].
    pub fn new(synced: SyncedConnection, object: Synced) -> Self {
        Self { synced, object, told: Box::new(|_| {}) }
    }

    /// Calls `told` after each page that was committed. It must not block.
    #[must_use]
    pub fn told(mut self, told: impl Fn(&PageCommitted) + Send + Sync + 'static) -> Self {
        self.told = Box::new(told);
        self
    }

    /// Reads what is due, or the rest of what was cut, looks up what could not be decided, and
    /// sweeps after a full scan. May be dropped at any point: what was committed stays, and the
    /// next run goes on from there.
    ///
    /// # Errors
    /// [`SyncError`]; it is also kept in the object's [`ScanRow`].
    pub async fn run(&self, options: &PullOptions) -> Result<PullOutcome, SyncError> {
        let SyncedConnection { client, mirror, connection, .. } = &self.synced;
        let object = self.object.name.as_str();
        let mut run = PullRun {
            pull: self,
            client,
            mirror: mirror.as_ref(),
            connection,
            object,
            options,
            holder: LeaseHolder::new(),
            report: PullReport { object: object.to_owned(), ..PullReport::default() },
        };
        let span =
            tracing::info_span!(target: "host_harness::sync::pull", "sync", %connection, %object);
        match run.run().instrument(span).await {
            Ok(None) => Ok(PullOutcome::Done(Box::new(run.report))),
            Ok(Some(until_ms)) => Ok(PullOutcome::Busy { until_ms }),
            Err(error) => {
                if !error.is_superseded() {
                    run.fail(&error).await;
                }
                Err(error)
            }
        }
    }
}

/// One run, and the lease that it holds.
pub struct PullRun<'p> {
    pub(super) pull: &'p Pull,
    pub(super) client: &'p Connection,
    pub(super) mirror: &'p dyn Mirror,
    pub(super) connection: &'p str,
    pub(super) object: &'p str,
    pub(super) options: &'p PullOptions,
    pub(super) holder: LeaseHolder,
    pub(super) report: PullReport,
}

impl PullRun<'_> {
    /// Returns until when somebody else holds the lease, if so.
    async fn run(&mut self) -> Result<Option<u64>, SyncError> {
        loop {
            match self.begin().await? {
                ScanStart::Busy { until_ms } => return Ok(Some(until_ms)),
                ScanStart::Sweep => self.settle().await?,
                ScanStart::Scan(row, start) => {
                    self.report.kind = row.kind;
                    self.report.resumed = matches!(start, Start::At(_));
                    self.scan(*row, start).await?;
                    return Ok(None);
                }
            }
        }
    }

    /// Reads a scan to its end, anew where its cursor is no longer accepted.
    async fn scan(&mut self, mut row: ScanRow, mut start: Start) -> Result<(), SyncError> {
        let mut furthest = 0;
        loop {
            let before = self.report.pages;
            let from = row.pages;
            let span = tracing::info_span!(target: "host_harness::sync::pull", "scan", scan = row.scan, kind = ?row.kind);
            let error = match self.read(&row, start.clone()).instrument(span).await {
                Ok(()) => return self.settle().await,
                Err(error) if is_expired(&error) => error,
                Err(error @ SyncError::FutureBookmark { .. })
                    if row.kind != Some(ScanKind::Full) =>
                {
                    error
                }
                Err(error) => return Err(error),
            };
            let reached = from + self.report.pages - before;
            let restarts = if reached > furthest { 1 } else { row.restarts + 1 };
            furthest = furthest.max(reached);
            if restarts > RESTARTS {
                return Err(SyncError::GotNoFurther(RESTARTS));
            }
            tracing::warn!(target: "host_harness::sync::pull", %error, restarts, "the scan begins anew");
            self.report.restarts += 1;
            self.report.restarted = Some(error.to_string());
            let refused = match (start, error) {
                (Start::Since(bookmark), _) => Some(bookmark),
                (_, SyncError::FutureBookmark { .. }) => row.bookmark,
                _ => None,
            };
            (row, start) = self.begin_anew(restarts, refused).await?;
            self.report.kind = row.kind;
        }
    }

    /// What is left to do after the last page: look-ups, and the sweep that is due. Gives the lease
    /// back.
    async fn settle(&mut self) -> Result<(), SyncError> {
        self.look_up_open().await?;
        let row = self.keep().await?;
        let trouble = match row.sweep {
            Some(_) => self.sweep(&row).await?,
            None => None,
        };
        let name = self.holder.name().to_owned();
        let applied = self.report.applied.clone();
        let end = move |row: &ScanRow, _: u64| {
            let mut ended =
                ScanRow { lease: None, sweep: None, ..with_counts(row.clone(), &applied) };
            (ended.error, ended.failures, ended.retry_ms) = (trouble.clone(), 0, None);
            is_mine(row, &name).then_some(ended)
        };
        self.change_scan(Box::new(end)).await?;
        self.raise_rules().await
    }

    /// Raises rules over time that are due, now that what would clear them has been read.
    async fn raise_rules(&self) -> Result<(), SyncError> {
        while self.mirror.wake_rules(self.connection, self.object, RULES).await? == RULES {
            // Others write meanwhile.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Keeps that a run failed, and gives the lease back. What a scan under way did not see proves
    /// nothing any more; a complete one may be swept yet.
    async fn fail(&self, error: &SyncError) {
        tracing::error!(target: "host_harness::sync::pull", %error, object = %self.object, "the run failed");
        let name = self.holder.name().to_owned();
        let (text, is_endless) = (error.to_string(), is_endless(error));
        let applied = self.report.applied.clone();
        let change = move |row: &ScanRow, now_ms: u64| {
            if !is_mine(row, &name) {
                return None;
            }
            let failures = row.failures.saturating_add(1);
            let mut failed = ScanRow {
                lease: None,
                tainted: row.tainted || row.running,
                sweep: row.sweep.filter(|_| !row.running && failures < SWEEP_TRIES),
                error: Some(text.clone()),
                failures,
                retry_ms: Some(now_ms.saturating_add(FAILED.pause_ms(failures))),
                ..with_counts(row.clone(), &applied)
            };
            if is_endless {
                // To go on from the same place would be the same again.
                failed.running = false;
                failed.cursor = None;
            }
            Some(failed)
        };
        // The error that is under way says more than one of this.
        let _ = self.change_scan(Box::new(change)).await;
    }

    /// Keeps the lease for another while. Returns the scan as it is.
    pub(super) async fn keep(&self) -> Result<ScanRow, SyncError> {
        let name = self.holder.name().to_owned();
        let change = move |row: &ScanRow, now_ms: u64| {
            let held = is_mine(row, &name);
            held.then(|| ScanRow { lease: Some(lease(&name, now_ms)), ..row.clone() })
        };
        let row = self.change_scan(Box::new(change)).await?;
        match is_mine(&row, self.holder.name()) {
            true => Ok(row),
            false => Err(self.superseded()),
        }
    }

    pub(super) async fn change_scan(&self, change: ScanChange) -> Result<ScanRow, StoreError> {
        self.mirror.change_scan(self.connection, self.object, change).await
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.pull.synced.clock.now_ms()
    }

    /// A time that has passed by every clock: the provider's is known by its answers.
    pub(super) fn certainly_ms(&self) -> u64 {
        self.now_ms().min(self.client.certainly_ms())
    }

    /// The error of a lease that was lost.
    pub(super) fn superseded(&self) -> SyncError {
        StoreError::Superseded { object: self.object.to_owned() }.into()
    }

    /// A batch without anything.
    pub(super) fn batch(&self, source: Source, asked: u64) -> Batch {
        Batch::new(self.connection, self.object, source, asked)
    }
}

/// The lease of a scan that is taken or extended at this time.
pub(super) fn lease(holder: &str, now_ms: u64) -> Lease {
    Lease { attempt: holder.to_owned(), until_ms: now_ms.saturating_add(LEASE_MS) }
}

/// A scan with what a run of it has changed.
fn with_counts(row: ScanRow, applied: &Applied) -> ScanRow {
    ScanRow {
        created: row.created + applied.created,
        updated: row.updated + applied.updated,
        deleted: row.deleted + applied.deleted,
        ..row
    }
}

/// Whether the lease of a scan is this holder's.
pub(super) fn is_mine(row: &ScanRow, holder: &str) -> bool {
    row.lease.as_ref().is_some_and(|lease| lease.attempt == holder)
}

fn is_expired(error: &SyncError) -> bool {
    let Some(CallError::Connector(error)) = error.call() else { return false };
    matches!(error.kind, ErrorKind::CursorExpired)
}

/// Whether it says that the scan would not end.
fn is_endless(error: &SyncError) -> bool {
    match error {
        SyncError::NothingNew(_)
        | SyncError::Circle(_)
        | SyncError::GotNoFurther(_)
        | SyncError::FutureBookmark { .. } => true,
        SyncError::Scan(error) => !matches!(error, ScanError::Call(_)),
        _ => false,
    }
}
