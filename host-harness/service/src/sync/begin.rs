//! How a scan begins, goes on, or begins anew: one decision under the database's lock.

use connector_contract::records::Start;
use connector_state::Lease;
use connector_state::mirror::{ScanKind, ScanRow};

use super::error::SyncError;
use super::pull::{PullRun, is_mine, lease};
use super::rhythm::OVERLAP_HOURS;

const HOUR_MS: u64 = 60 * 60 * 1_000;

/// What a run has to do.
pub enum ScanStart {
    /// Nothing: another one is at it.
    Busy {
        /// Until when its lease holds.
        until_ms: u64,
    },
    /// Sweep after a scan that an earlier run completed.
    Sweep,
    /// Read pages.
    Scan(Box<ScanRow>, Start),
}

impl PullRun<'_> {
    /// Takes the lease, and decides what to do.
    pub(super) async fn begin(&self) -> Result<ScanStart, SyncError> {
        let now_ms = self.now_ms();
        let (options, name) = (*self.options, self.holder.name().to_owned());
        let age_ms = options.since_ms.map(|since_ms| now_ms.saturating_sub(since_ms));
        let overlap = self.overlap(age_ms, None).await?;
        let can_overlap = overlap.is_some();
        let row = self.change_scan(Box::new(move |row, now_ms| {
            let lease = lease(&name, now_ms);
            // The lease of who waits for the provider begins when that wait is over.
            let waits_ms = row.not_before_ms.map_or(0, |at| at.saturating_sub(now_ms));
            let wanted = Lease { until_ms: lease.until_ms + waits_ms, ..lease.clone() };
            if row.lease.as_ref().is_some_and(|held| held.blocks(&wanted, now_ms + waits_ms)) {
                return None;
            }
            let is_wished = !options.full || row.kind == Some(ScanKind::Full);
            let goes_on = (row.running && is_wished) || (row.sweep.is_some() && !options.full);
            let held = ScanRow { lease: Some(lease), ..row.clone() };
            if goes_on {
                return Some(held);
            }
            let kind = match options.rhythm.kind(row, now_ms) {
                _ if options.full => ScanKind::Full,
                ScanKind::Incremental if options.since_ms.is_some() && can_overlap => {
                    ScanKind::Overlap
                }
                ScanKind::Overlap if !can_overlap => ScanKind::Full,
                kind => kind,
            };
            Some(fresh(held, kind, now_ms))
        }));
        let row = row.await?;
        if !is_mine(&row, self.holder.name()) {
            let until_ms = row.lease.map_or(now_ms, |lease| lease.until_ms);
            return Ok(ScanStart::Busy { until_ms });
        }
        if !row.running {
            return Ok(ScanStart::Sweep);
        }
        let start = start(&row, overlap);
        Ok(ScanStart::Scan(Box::new(row), start))
    }

    /// Begins the same scan anew, under another number. A bookmark that is `refused` is dropped:
    /// the first time for an older one, then everything is read.
    pub(super) async fn begin_anew(
        &self,
        restarts: u32,
        refused: Option<String>,
    ) -> Result<(ScanRow, Start), SyncError> {
        let overlap = self.overlap(None, refused.as_deref()).await?;
        let has_older = overlap.is_some();
        let name = self.holder.name().to_owned();
        let row = self.change_scan(Box::new(move |row, now_ms| {
            let kind = match row.kind {
                Some(kind) if refused.is_none() => kind,
                Some(ScanKind::Incremental) if has_older => ScanKind::Overlap,
                _ => ScanKind::Full,
            };
            let bookmark = row.bookmark.clone().filter(|_| refused.is_none());
            let anew = || ScanRow { restarts, bookmark, ..fresh(row.clone(), kind, now_ms) };
            (is_mine(row, &name) && row.running).then(anew)
        }));
        let row = row.await?;
        if !is_mine(&row, self.holder.name()) || !row.running {
            return Err(self.superseded());
        }
        let start = start(&row, overlap);
        Ok((row, start))
    }

    /// The bookmark that a scan with overlap begins at: at least `age_ms` old, where there is one so
    /// old, and not the one that was `refused`.
    async fn overlap(
        &self,
        age_ms: Option<u64>,
        refused: Option<&str>,
    ) -> Result<Option<String>, SyncError> {
        let usual = OVERLAP_HOURS.map(|hours| hours * HOUR_MS);
        let wished = age_ms.filter(|age_ms| usual.first().is_some_and(|usual| age_ms > usual));
        for age_ms in wished.into_iter().chain(usual) {
            let found = self.mirror.bookmark_before(self.connection, self.object, age_ms).await?;
            if found.is_some() && found.as_deref() != refused {
                return Ok(found);
            }
        }
        Ok(None)
    }
}

fn fresh(row: ScanRow, kind: ScanKind, now_ms: u64) -> ScanRow {
    ScanRow {
        scan: row.scan + 1,
        kind: Some(kind),
        running: true,
        cursor: None,
        not_before_ms: None,
        began_ms: now_ms,
        pages: 0,
        records: 0,
        created: 0,
        updated: 0,
        deleted: 0,
        outside: 0,
        restarts: 0,
        tainted: false,
        sweep: None,
        ..row
    }
}

fn start(row: &ScanRow, overlap: Option<String>) -> Start {
    if let Some(cursor) = &row.cursor {
        return Start::At(cursor.clone());
    }
    let since = match row.kind {
        Some(ScanKind::Incremental) => row.bookmark.clone(),
        Some(ScanKind::Overlap) => overlap.or_else(|| row.bookmark.clone()),
        Some(ScanKind::Full) | None => None,
    };
    since.map_or(Start::Beginning, Start::Since)
}
