//! Reads the pages of a scan: while one is committed, the next one is prepared, and the one after it is
//! asked for.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use connector_contract::records::{ListRequest, Page, Start, View};
use connector_runtime::Scan;
use connector_state::StoreError;
use connector_state::mirror::{Applied, Batch, Mirror, ScanKind, ScanRow, ScanStep, Source};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use super::drift::Drift;
use super::error::SyncError;
use super::prepare::Trust;
use super::pull::{LEASE_MS, PageCommitted, PullRun};
use super::turns::{PageTurn, Turns};
use super::window::{Window, outside};

/// Pages in a row without an unseen record that are taken for a full scan that does not end.
const NOTHING_NEW: u32 = 10;
/// Pages that are read ahead of the one that is prepared.
const AHEAD: usize = 1;

/// A page as it came.
struct Fetched {
    page: Page,
    /// How often anything of the connection had changed when it was asked for.
    asked: u64,
    turn: PageTurn,
}

/// A page that is ready to be committed.
struct Ready {
    batch: Batch,
    /// Records that it brought.
    records: u64,
    /// Records of the whole scan, where the provider tells.
    total: Option<u32>,
    /// Records that lay outside the window.
    outside: u64,
    _turn: PageTurn,
}

/// Asks for pages.
struct PageReader<'r> {
    scan: Scan<'r>,
    mirror: &'r dyn Mirror,
    connection: &'r str,
    turns: &'r Turns,
    pages: u64,
    /// Hashes of the cursors so far.
    cursors: BTreeSet<u64>,
}

impl PageReader<'_> {
    /// Sends pages until the last one or the first error, as there is room for them. Then it never ends.
    async fn read(mut self, to: mpsc::Sender<Result<Fetched, SyncError>>) -> Infallible {
        while let Ok(room) = to.reserve().await {
            let Some(fetched) = self.next().await.transpose() else { break };
            let is_last = fetched.as_ref().map_or(true, |fetched| fetched.page.next.is_none());
            room.send(fetched);
            if is_last {
                break;
            }
        }
        drop(to);
        std::future::pending().await
    }

    async fn next(&mut self) -> Result<Option<Fetched>, SyncError> {
        // Who waits for the provider holds no turn.
        self.scan.ready().await;
        let turn = self.turns.take().await;
        let asked = self.mirror.moment(self.connection).await?;
        let Some(page) = Box::pin(self.scan.next()).await? else { return Ok(None) };
        self.pages += 1;
        if let Some((since, until)) = Window::of(&page).as_ref().and_then(Window::crossed) {
            return Err(SyncError::FutureBookmark { since, until });
        }
        if let Some(cursor) = &page.next {
            let mut hasher = DefaultHasher::new();
            cursor.hash(&mut hasher);
            if !self.cursors.insert(hasher.finish()) {
                return Err(SyncError::Circle(self.pages));
            }
        }
        Ok(Some(Fetched { page, asked, turn }))
    }
}

impl PullRun<'_> {
    /// Reads from `start` to the scan's end. Three pages are in memory at most.
    pub(super) async fn read(&mut self, row: &ScanRow, start: Start) -> Result<(), SyncError> {
        let mut scan = self.client.scan(ListRequest {
            object: self.object.to_owned(),
            start,
            page_size: self.options.page_size,
            filter: None,
            view: View { fields: vec![], options: None },
        });
        // What a page of before said holds across restarts.
        let now_ms = self.now_ms();
        let left = row.not_before_ms.map_or(0, |at| at.saturating_sub(now_ms));
        scan.wait(Duration::from_millis(left));
        let reader = PageReader {
            scan,
            mirror: self.mirror,
            connection: self.connection,
            turns: &self.pull.synced.turns,
            pages: 0,
            cursors: BTreeSet::new(),
        };
        let (to, pages) = mpsc::channel(AHEAD);
        // The next page is asked for before the last one is worked on.
        tokio::select! {
            biased;
            never = reader.read(to) => match never {},
            taken = self.take(row, pages) => taken,
        }
    }

    /// Prepares and commits what is read.
    async fn take(
        &mut self,
        row: &ScanRow,
        mut pages: mpsc::Receiver<Result<Fetched, SyncError>>,
    ) -> Result<(), SyncError> {
        let is_full = row.kind == Some(ScanKind::Full);
        let (mut number, mut nothing_new) = (row.pages, 0);
        let mut drift = Drift::default();
        let mut ready = self.next(row, &mut pages, &mut drift).await?;
        while let Some(Ready { batch, records, total, outside, _turn: turn }) = ready {
            number += 1;
            let span =
                tracing::info_span!(target: "host_harness::sync::pages", "page", number, records);
            let committing = async {
                let applied = self.commit(batch, outside).await;
                drop(turn);
                applied
            };
            let preparing = self.next(row, &mut pages, &mut drift);
            let (applied, following) = tokio::join!(committing.instrument(span), preparing);
            let applied = applied?;
            self.report.pages += 1;
            self.report.records += records;
            self.report.outside += outside;
            self.report.add(&applied);
            if is_full && records > 0 {
                nothing_new = if applied.unseen == 0 { nothing_new + 1 } else { 0 };
                if nothing_new >= NOTHING_NEW {
                    return Err(SyncError::NothingNew(nothing_new));
                }
            }
            let object = self.object.to_owned();
            (self.pull.told)(&PageCommitted { object, records, total, applied });
            ready = following?;
        }
        Ok(())
    }

    /// The next page as a batch, with what its records hold and the scan's next position.
    async fn next(
        &self,
        row: &ScanRow,
        pages: &mut mpsc::Receiver<Result<Fetched, SyncError>>,
        drift: &mut Drift,
    ) -> Result<Option<Ready>, SyncError> {
        let Some(fetched) = pages.recv().await else { return Ok(None) };
        let Fetched { page, asked, turn } = fetched?;
        let outside = outside(&page);
        let (records, total) = (page.records.len() as u64, page.total);
        let step = ScanStep {
            scan: row.scan,
            attempt: self.holder.name().to_owned(),
            next: page.next,
            wait_ms: page.not_before_ms.map(u64::from),
            bookmark: page.bookmark,
            outside,
            lease_ms: LEASE_MS,
        };
        let batch = Batch {
            records: page.records,
            deleted: page.deleted,
            unreadable: page.unreadable,
            step: Some(step),
            ..self.batch(Source::Page, asked)
        };
        let batch = self.prepare(batch, Some(drift), Trust::Mirror).await?;
        Ok(Some(Ready { batch, records, total, outside, _turn: turn }))
    }

    /// Commits a page.
    async fn commit(&self, batch: Batch, outside: u64) -> Result<Applied, SyncError> {
        // Only what was left out may have to be prepared anew.
        let again = (!batch.underived.is_empty()).then(|| batch.clone());
        let applied = match (self.mirror.apply(batch).await, again) {
            // Somebody else has changed a record that was left out because it was unchanged.
            (Err(StoreError::ChangedMeanwhile { .. }), Some(again)) => {
                let batch = self.prepare(again, None, Trust::Nothing).await?;
                self.mirror.apply(batch).await?
            }
            (applied, _) => applied?,
        };
        tracing::debug!(
            target: "host_harness::sync::pages",
            created = applied.created,
            updated = applied.updated,
            unchanged = applied.unchanged,
            outside,
            "committed"
        );
        Ok(applied)
    }
}
