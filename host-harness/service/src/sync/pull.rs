//! One object of one connection, brought up to date.

use std::sync::Arc;

use connector_contract::clock::{Clock, unix_ms};
use connector_contract::records::Start;
use connector_contract::types::ErrorKind;
use connector_runtime::CallError;
use connector_runtime::{Connection, ScanError};
use connector_state::StoreError;
use connector_state::mirror::{Applied, Batch, Mirror, ScanChange, ScanKind, ScanRow, Source};
use tracing::Instrument as _;

use super::begin::Begun;
use super::catalog::Synced;
use super::error::SyncError;
use super::lease::Attempt;
use super::report::{Outcome, Report};
use super::rhythm::{Rhythm, pause};
use super::turns::Turns;

/// Times that a scan begins anew without getting further.
const RESTARTS: u32 = 3;
/// Failures in a row after which reading goes on, and what a full scan did not see is left to the
/// next one.
const SWEEP_TRIES: u32 = 3;

/// A connection between its provider and its mirror. Cheap to clone.
#[derive(Clone)]
pub struct Account {
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
pub struct Wish {
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
pub struct Told {
    /// Of which object.
    pub object: String,
    /// Its records.
    pub records: u64,
    /// Records of the whole scan, where the provider tells.
    pub total: Option<u32>,
    /// What came of it.
    pub applied: Applied,
}

/// Brings one object up to date. See [`crate::sync`].
pub struct Pull {
    pub(super) account: Account,
    pub(super) object: Synced,
    pub(super) told: Box<dyn Fn(&Told) + Send + Sync>,
}

impl Pull {
    /// Of `object`. Does nothing before [`Pull::run`].
    #[must_use]
    pub fn new(account: Account, object: Synced) -> Self {
        Self { account, object, told: Box::new(|_| {}) }
    }

    /// Calls `told` after each page that was committed. It must not block.
    #[must_use]
    pub fn told(mut self, told: impl Fn(&Told) + Send + Sync + 'static) -> Self {
        self.told = Box::new(told);
        self
    }

    /// Reads what is due, or the rest of what was cut, looks up what could not be decided, and
    /// sweeps after a full scan. May be dropped at any point: what was committed stays, and the
    /// next run goes on from there.
    ///
    /// # Errors
    /// [`SyncError`]; it is also kept in the object's [`ScanRow`].
    pub async fn run(&self, wish: &Wish) -> Result<Outcome, SyncError> {
        let attempt = Attempt::new()?;
        let span = tracing::info_span!(
            target: "host_harness::sync::pull",
            "sync",
            connection = %self.account.connection,
            object = %self.object.name,
        );
        let ended = self.run_as(&attempt, wish).instrument(span).await;
        if let Err(error) = &ended
            && !error.is_superseded()
        {
            self.fail(&attempt, error).await;
        }
        ended
    }

    async fn run_as(&self, attempt: &Attempt, wish: &Wish) -> Result<Outcome, SyncError> {
        let mut report = Report { object: self.object.name.clone(), ..Report::default() };
        loop {
            match self.begin(attempt, wish).await? {
                Begun::Busy { until_ms } => return Ok(Outcome::Busy { until_ms }),
                Begun::Sweep => self.settle(attempt, wish, &mut report).await?,
                Begun::Scan(row, start) => {
                    report.kind = row.kind;
                    report.resumed = matches!(start, Start::At(_));
                    self.scan(attempt, wish, *row, start, &mut report).await?;
                    return Ok(Outcome::Done(Box::new(report)));
                }
            }
        }
    }

    /// Reads a scan to its end, anew where its cursor is no longer accepted.
    async fn scan(
        &self,
        attempt: &Attempt,
        wish: &Wish,
        mut row: ScanRow,
        mut start: Start,
        report: &mut Report,
    ) -> Result<(), SyncError> {
        let mut furthest = 0;
        loop {
            let before = report.pages;
            let from = row.pages;
            let span = tracing::info_span!(target: "host_harness::sync::pull", "scan", scan = row.scan, kind = ?row.kind);
            let read = self.read(attempt, wish, &row, start.clone(), report).instrument(span);
            let error = match read.await {
                Ok(()) => break,
                Err(error) if is_expired(&error) => error,
                Err(error @ SyncError::FutureBookmark { .. })
                    if row.kind != Some(ScanKind::Full) =>
                {
                    error
                }
                Err(error) => return Err(error),
            };
            let reached = from + report.pages - before;
            let restarts = if reached > furthest { 1 } else { row.restarts + 1 };
            furthest = furthest.max(reached);
            if restarts > RESTARTS {
                return Err(SyncError::GotNoFurther { restarts: RESTARTS });
            }
            tracing::warn!(target: "host_harness::sync::pull", %error, restarts, "the scan begins anew");
            report.restarts += 1;
            report.restarted = Some(error.to_string());
            let refused = match (start, error) {
                (Start::Since(bookmark), _) => Some(bookmark),
                (_, SyncError::FutureBookmark { .. }) => row.bookmark,
                _ => None,
            };
            (row, start) = self.begin_anew(attempt, restarts, refused).await?;
            report.kind = row.kind;
        }
        self.settle(attempt, wish, report).await
    }

    /// What is left to do after the last page: look-ups, and the sweep that is due. Gives the lease
    /// back.
    async fn settle(
        &self,
        attempt: &Attempt,
        wish: &Wish,
        report: &mut Report,
    ) -> Result<(), SyncError> {
        self.look_up_open(attempt, report).await?;
        let row = self.keep(attempt).await?;
        let trouble = match row.sweep {
            Some(_) => self.sweep(attempt, wish, &row, report).await?,
            None => None,
        };
        let name = attempt.name().to_owned();
        let end = move |row: &ScanRow| {
            let mut ended = ScanRow { lease: None, sweep: None, ..row.clone() };
            (ended.error, ended.failures, ended.retry_ms) = (trouble, 0, None);
            is_mine(row, &name).then_some(ended)
        };
        self.change_scan(Box::new(end)).await?;
        Ok(())
    }

    /// Keeps that a run failed, and gives the lease back. What a scan under way did not see proves
    /// nothing any more; a complete one may be swept yet.
    async fn fail(&self, attempt: &Attempt, error: &SyncError) {
        tracing::error!(target: "host_harness::sync::pull", %error, object = %self.object.name, "the run failed");
        let (name, now_ms) = (attempt.name().to_owned(), self.now_ms());
        let (text, is_endless) = (error.to_string(), is_endless(error));
        let change = move |row: &ScanRow| {
            if !is_mine(row, &name) {
                return None;
            }
            let failures = row.failures.saturating_add(1);
            let pause = u64::try_from(pause(failures).as_millis()).unwrap_or(u64::MAX);
            let mut failed = ScanRow {
                lease: None,
                tainted: row.tainted || row.running,
                sweep: row.sweep.filter(|_| !row.running && failures < SWEEP_TRIES),
                error: Some(text),
                failures,
                retry_ms: Some(now_ms.saturating_add(pause)),
                ..row.clone()
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

    pub(super) async fn change_scan(&self, change: ScanChange) -> Result<ScanRow, StoreError> {
        let Account { mirror, connection, .. } = &self.account;
        mirror.change_scan(connection, &self.object.name, change).await
    }

    pub(super) fn now_ms(&self) -> u64 {
        unix_ms(self.account.clock.now())
    }

    /// A time that has passed by every clock: the provider's is known by its answers.
    pub(super) fn certainly_ms(&self) -> u64 {
        self.now_ms().min(self.account.client.certainly_ms())
    }

    /// The error of a lease that was lost.
    pub(super) fn superseded(&self) -> SyncError {
        StoreError::Superseded { object: self.object.name.clone() }.into()
    }

    /// A batch without anything.
    pub(super) fn batch(&self, source: Source, asked: u64) -> Batch {
        Batch::new(&self.account.connection, &self.object.name, source, asked)
    }
}

/// Whether the lease of a scan is this attempt's.
pub(super) fn is_mine(row: &ScanRow, attempt: &str) -> bool {
    row.lease.as_ref().is_some_and(|lease| lease.attempt == attempt)
}

fn is_expired(error: &SyncError) -> bool {
    let Some(CallError::Connector(error)) = error.call() else { return false };
    matches!(error.kind, ErrorKind::CursorExpired)
}

/// Whether it says that the scan would not end.
fn is_endless(error: &SyncError) -> bool {
    match error {
        SyncError::NothingNew { .. }
        | SyncError::Circle { .. }
        | SyncError::GotNoFurther { .. }
        | SyncError::FutureBookmark { .. } => true,
        SyncError::Scan(error) => !matches!(error, ScanError::Call(_)),
        _ => false,
    }
}
