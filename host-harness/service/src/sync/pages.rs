//! Reads the pages of a scan: while one is committed, the next one is asked for.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use connector_contract::records::{ListRequest, Page, Start, View};
use connector_contract::types::DataRecord;
use connector_runtime::Scan;
use connector_runtime::retry::{Blame, blame};
use connector_state::mirror::{
    Applied, Batch, Derived, ScanKind, ScanRow, ScanStep, Source, Unreadable,
};
use tracing::Instrument as _;

use super::derive;
use super::drift::Drift;
use super::error::SyncError;
use super::look_up::unreadable;
use super::pull::{PageCommitted, PullRun};
use super::turns::PageTurn;
use super::window::{Window, outside};

/// Pages in a row without an unseen record that are taken for a full scan that does not end.
const NOTHING_NEW: u32 = 10;

/// A page that came.
struct Fetched {
    page: Page,
    /// [`connector_state::mirror::Mirror::moment`] before it was asked for.
    asked: u64,
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
        let mut next = self.fetch(&mut scan).await?;
        while let Some(Fetched { page, asked, _turn: turn }) = next {
            guard.came(&page)?;
            let (records, total, more) =
                (page.records.len() as u64, page.total, page.next.is_some());
            let number = row.pages + guard.pages;
            let span =
                tracing::info_span!(target: "host_harness::sync::pages", "page", number, records);
            let committing = async {
                let applied = self.commit(row, page, asked, &mut drift).await;
                drop(turn);
                applied
            };
            let fetching = async { if more { self.fetch(&mut scan).await } else { Ok(None) } };
            let (applied, following) = tokio::join!(committing.instrument(span), fetching);
            let (applied, outside) = applied?;
            self.report.pages += 1;
            self.report.records += records;
            self.report.outside += outside;
            self.report.add(&applied);
            guard.committed(records, &applied)?;
            let object = self.object.to_owned();
            (self.pull.told)(&PageCommitted { object, records, total, applied });
            next = following?;
        }
        Ok(())
    }

    async fn fetch(&self, scan: &mut Scan<'_>) -> Result<Option<Fetched>, SyncError> {
        // Who waits for the provider holds no turn.
        scan.ready().await;
        let turn = self.pull.synced.turns.take().await;
        let asked = self.mirror.moment().await?;
        let page = Box::pin(scan.next()).await?;
        Ok(page.map(|page| Fetched { page, asked, _turn: turn }))
    }

    /// Commits a page with what its records hold, and the scan's next position. Returns also how
    /// many records lay outside the window.
    async fn commit(
        &self,
        row: &ScanRow,
        page: Page,
        asked: u64,
        drift: &mut Drift,
    ) -> Result<(Applied, u64), SyncError> {
        let outside = outside(&page);
        let now_ms = self.now_ms();
        let not_before_ms = page.not_before_ms.map(|wait| now_ms.saturating_add(u64::from(wait)));
        let step = ScanStep {
            scan: row.scan,
            attempt: self.holder.name().to_owned(),
            next: page.next,
            not_before_ms,
            bookmark: page.bookmark,
            outside,
            // Waiting for the provider is no reason to lose the lease.
            lease_until_ms: self.lease(not_before_ms.unwrap_or(now_ms)).until_ms,
        };
        let unreadable = page.unreadable.into_iter();
        let drift = drift.new_in(&self.pull.object.outline, &page.records);
        let (records, derived, aside) = self.derive(page.records).await?;
        let batch = Batch {
            drift,
            derived,
            records,
            deleted: page.deleted,
            unreadable: unreadable.chain(aside).collect(),
            step: Some(step),
            ..self.batch(Source::Page, asked)
        };
        let applied = self.mirror.apply(batch).await?;
        tracing::debug!(
            target: "host_harness::sync::pages",
            created = applied.created,
            updated = applied.updated,
            unchanged = applied.unchanged,
            outside,
            "committed"
        );
        Ok((applied, outside))
    }

    /// What each of `records` holds, for each derived object, without those for which that cannot
    /// be computed: they are put aside. Sends nothing.
    pub(super) async fn derive(
        &self,
        records: Vec<DataRecord>,
    ) -> Result<(Vec<DataRecord>, Vec<Derived>, Vec<Unreadable>), SyncError> {
        let error = match self.derive_all(&records).await {
            Ok(derived) => return Ok((records, derived, Vec::new())),
            Err(error) => error,
        };
        let (mut good, mut aside) = (Vec::new(), Vec::new());
        for record in records {
            match self.derive_all(std::slice::from_ref(&record)).await {
                Ok(_) => good.push(record),
                Err(why) if why.call().is_some_and(|why| blame(why) == Blame::Item) => {
                    aside.push(unreadable(record, why.to_string()));
                }
                Err(why) => return Err(why),
            }
        }
        // Where of many none can be derived from, it is no fault of records; nor where each can.
        if aside.is_empty() || (good.is_empty() && aside.len() > 1) {
            return Err(error);
        }
        let derived = self.derive_all(&good).await?;
        Ok((good, derived, aside))
    }

    async fn derive_all(&self, records: &[DataRecord]) -> Result<Vec<Derived>, SyncError> {
        let objects = &self.pull.object.derived;
        derive(self.client, objects, records).await.map_err(|source| {
            let (object, source) = (objects.join(", "), Box::new(source));
            SyncError::Derive { object, source }
        })
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
