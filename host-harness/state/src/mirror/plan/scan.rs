//! How a page moves its scan.

use super::{Known, Plan, PlannedChange};
use crate::StoreError;
use crate::mirror::{Batch, ChangeKind, ScanKind, ScanRow, ScanStep};

/// Bookmarks are kept one for so long a time.
const BOOKMARK_EVERY_MS: u64 = 60 * 60 * 1_000;
/// Bookmarks older than this are forgotten, but for the newest of them.
const BOOKMARKS_FOR_MS: u64 = 14 * 24 * 60 * 60 * 1_000;

/// The scan that the batch is a page of.
///
/// # Errors
/// [`StoreError::Superseded`] when its lease is no longer held.
pub fn held(batch: &Batch, known: &Known) -> Result<Option<ScanRow>, StoreError> {
    let Some(step) = &batch.step else { return Ok(None) };
    let holds = |row: &&ScanRow| {
        let attempt = row.lease.as_ref().map(|lease| &lease.attempt);
        row.running && row.scan == step.scan && attempt == Some(&step.attempt)
    };
    match known.scan.as_ref().filter(holds) {
        Some(row) => Ok(Some(row.clone())),
        None => Err(StoreError::Superseded { object: batch.object.clone() }),
    }
}

/// Moves a scan on by a page of so many records.
pub fn step(
    plan: &mut Plan,
    mut row: ScanRow,
    step: &ScanStep,
    records: u64,
    bookmarked_ms: Option<u64>,
    now_ms: u64,
) {
    row.cursor.clone_from(&step.next);
    let waits_ms = step.wait_ms.unwrap_or_default();
    row.not_before_ms = step.wait_ms.map(|wait_ms| now_ms.saturating_add(wait_ms));
    row.pages += 1;
    row.records += records;
    row.outside += step.outside;
    if step.bookmark.is_some() {
        row.bookmark.clone_from(&step.bookmark);
    }
    if let Some(lease) = &mut row.lease {
        // To wait for the provider is no reason to lose it.
        lease.until_ms = now_ms.saturating_add(waits_ms).saturating_add(step.lease_ms);
    }
    if step.next.is_none() {
        complete(&mut row, now_ms);
        let is_due =
            bookmarked_ms.is_none_or(|at_ms| at_ms.saturating_add(BOOKMARK_EVERY_MS) <= now_ms);
        plan.bookmark = row.bookmark.clone().filter(|_| is_due);
        plan.bookmarks_until_ms = now_ms.saturating_sub(BOOKMARKS_FOR_MS);
    }
    plan.scan = Some(row);
}

fn complete(row: &mut ScanRow, now_ms: u64) {
    let is_full = row.kind == Some(ScanKind::Full);
    row.running = false;
    row.completed_ms = Some(now_ms);
    if row.kind != Some(ScanKind::Incremental) {
        row.overlap_ms = Some(now_ms);
    }
    if is_full {
        row.full_ms = Some(now_ms);
        row.sweep = (!row.tainted).then_some(row.scan);
    }
    row.restarts = 0;
    row.error = None;
    row.failures = 0;
    row.retry_ms = None;
}

/// Decides on the reset of an object, the first of `objects`, whose others are derived from it. The
/// database forgets all else that it keeps of them. Scans go on counting.
#[must_use]
pub fn reset(objects: Vec<String>, moment: u64, scan: Option<&ScanRow>) -> Plan {
    let numbered = (moment + 1..).zip(0..objects.len());
    let reset =
        |(number, object)| PlannedChange::of_object(number, object, ChangeKind::Reset, vec![]);
    let began =
        |row: &ScanRow| ScanRow { scan: row.scan, ..ScanRow::new(&row.connection, &row.object) };
    Plan {
        moment: moment + objects.len() as u64,
        changes: numbered.map(reset).collect(),
        scan: scan.map(began),
        objects,
        ..Plan::default()
    }
}
