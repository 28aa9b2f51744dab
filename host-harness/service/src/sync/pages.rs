//! Reads the pages of a scan: while one is committed, the next one is asked for and prepared.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use connector_contract::records::{ListRequest, Page, Start, View};
use connector_runtime::Scan;
use connector_state::StoreError;
use connector_state::mirror::{Applied, Batch, ScanKind, ScanRow, ScanStep, Source};
use tracing::Instrument as _;

use super::drift::Drift;
use super::error::SyncError;
use super::prepare::Trust;
use super::pull::{LEASE_MS, PageCommitted, PullRun};
use super::turns::PageTurn;
use super::window::{Window, outside};

/// Pages in a row without an unseen record that are taken for a full scan that does not end.
const NOTHING_NEW: u32 = 10;

/// A page that is ready to be committed.
struct Ready {
    batch: Batch,
    /// Records that it brought.
    records: u64,
    /// Records of the whole scan, where the provider tells.
    total: Option<u32>,
    /// There is another page.
    more: bool,
    /// Records that lay outside the window.
    outside: u64,
    _turn: PageTurn,
}

impl PullRun<'_> {
    /// Reads from `start` to the scan's end. Two pages are in memory at most.
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
        let mut guard =
            EndlessGuard { is_full: row.kind == Some(ScanKind::Full), ..EndlessGuard::default() };
        let mut drift = Drift::default();
        let mut ready = self.next(row, &mut scan, &mut guard, &mut drift).await?;
        while let Some(Ready { batch, records, total, more, outside, _turn: turn }) = ready {
            let number = row.pages + guard.pages;
            let span =
                tracing::info_span!(target: "host_harness::sync::pages", "page", number, records);
            let committing = async {
                let applied = self.commit(batch, outside).await;
                drop(turn);
                applied
            };
            // While a page is committed, the next one is asked for and prepared.
            let preparing = async {
                match more {
                    true => self.next(row, &mut scan, &mut guard, &mut drift).await,
                    false => Ok(None),
                }
            };
            let (applied, following) = tokio::join!(committing.instrument(span), preparing);
            let applied = applied?;
            self.report.pages += 1;
            self.report.records += records;
            self.report.outside += outside;
            self.report.add(&applied);
            guard.committed(records, &applied)?;
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
        scan: &mut Scan<'_>,
        guard: &mut EndlessGuard,
        drift: &mut Drift,
    ) -> Result<Option<Ready>, SyncError> {
        // Who waits for the provider holds no turn.
        scan.ready().await;
        let turn = self.pull.synced.turns.take().await;
        let asked = self.mirror.moment(self.connection).await?;
        let Some(page) = Box::pin(scan.next()).await? else { return Ok(None) };
        guard.came(&page)?;
        let outside = outside(&page);
        let (records, total, more) = (page.records.len() as u64, page.total, page.next.is_some());
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
        Ok(Some(Ready { batch, records, total, more, outside, _turn: turn }))
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

/// Stops what would never end, beyond the guards of [`Scan`].
#[derive(Default)]
struct EndlessGuard {
    is_full: bool,
    pages: u64,
    /// Hashes of the cursors so far.
    cursors: BTreeSet<u64>,
    nothing_new: u32,
}

impl EndlessGuard {
    /// A page came.
    fn came(&mut self, page: &Page) -> Result<(), SyncError> {
        self.pages += 1;
        if let Some((since, until)) = Window::of(page).as_ref().and_then(Window::crossed) {
            return Err(SyncError::FutureBookmark { since, until });
        }
        if let Some(cursor) = &page.next {
            let mut hasher = DefaultHasher::new();
            cursor.hash(&mut hasher);
            if !self.cursors.insert(hasher.finish()) {
                return Err(SyncError::Circle(self.pages));
            }
        }
        Ok(())
    }

    /// And was committed.
    fn committed(&mut self, records: u64, applied: &Applied) -> Result<(), SyncError> {
        if !self.is_full || records == 0 {
            return Ok(());
        }
        self.nothing_new = if applied.unseen == 0 { self.nothing_new + 1 } else { 0 };
        if self.nothing_new >= NOTHING_NEW {
            return Err(SyncError::NothingNew(self.nothing_new));
        }
        Ok(())
    }
}
