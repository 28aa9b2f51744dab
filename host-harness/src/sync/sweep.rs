//! Which records are gone, after a full scan.
//!
//! A complete full scan without an error only nominates what it did not see:
//!
//! 1. What lists no longer show because of its age (`created-at` and the object's
//!    `retention-days`) has aged out: a state, not a removal.
//! 2. If the rest is more than one in twenty of all live records, and more than [`FEW`], nothing
//!    is removed: more likely the scan was wrong than the records gone.
//! 3. Each one that was made before the scan began and more than a day ago is asked for. Those that
//!    the provider says it does not know are removed, after all have been answered: one error,
//!    and none is.

use super::error::SyncError;
use super::lease::Attempt;
use super::look_up::{Answers, TOGETHER, made_ms};
use super::pull::{Pull, Wish, is_mine};
use super::report::{Report, Swept};
use crate::mirror::{Batch, MirroredRecord, ScanRow, Source};

/// So few may be gone whatever the share.
pub const FEW: u64 = 20;
/// Of so many live records one may be gone.
pub const ONE_IN: u64 = 20;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Unseen records that are read at once.
const AT_ONCE: u32 = 500;

/// Ids that the provider does not know, and the moment before it was asked.
struct Gone {
    asked: u64,
    ids: Vec<String>,
}

impl Pull {
    /// Sweeps after the full scan `scan`, if that is due.
    pub(super) async fn sweep(
        &self,
        attempt: &Attempt,
        wish: &Wish,
        scan: u64,
        report: &mut Report,
    ) -> Result<(), SyncError> {
        // A tainted scan proves nothing, and its lease has ended.
        let row = self.renew(attempt).await?.filter(|row| row.sweep == Some(scan));
        let Some(row) = row else { return Ok(()) };
        let mut swept = Swept::default();
        let nominated = self.nominate(attempt, &row, &mut swept, report).await?;
        swept.alarm =
            swept.nominated > FEW && swept.nominated > swept.live / ONE_IN && !wish.sweep_anyway;
        if !swept.alarm {
            let gone = self.confirm(attempt, nominated, &mut swept, report).await?;
            for Gone { asked, ids } in gone {
                let applied = self.apply_answers(asked, Vec::new(), ids).await?;
                swept.deleted += applied.deleted;
                report.add(&applied);
                self.keep(attempt).await?;
            }
        }
        let error = trouble(&swept);
        tracing::info!(
            nominated = swept.nominated,
            deleted = swept.deleted,
            aged_out = swept.aged_out,
            alarm = swept.alarm,
            "swept"
        );
        report.swept = Some(swept);
        let name = attempt.name().to_owned();
        let end = move |row: &ScanRow| {
            let ended = || ScanRow { lease: None, sweep: None, error, ..row.clone() };
            is_mine(row, &name).then(ended)
        };
        self.change_scan(Box::new(end)).await?;
        Ok(())
    }

    /// Ids of the live records that the scan did not see and that may be gone. Those that aged out
    /// are marked so. No ids when there are too many to believe.
    async fn nominate(
        &self,
        attempt: &Attempt,
        row: &ScanRow,
        swept: &mut Swept,
        report: &mut Report,
    ) -> Result<Vec<String>, SyncError> {
        let (mirror, connection) = (&self.account.mirror, &self.account.connection);
        let name = &self.object.name;
        (_, swept.live) = mirror.count_unseen(connection, name, row.scan).await?;
        let mut ids = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let some = mirror.unseen(connection, name, row.scan, after.as_deref(), AT_ONCE).await?;
            let Some(last) = some.last() else { return Ok(ids) };
            after = Some(last.id.clone());
            let (aged_out, unseen): (Vec<_>, Vec<_>) =
                some.into_iter().partition(|record| self.has_aged_out(record));
            if !aged_out.is_empty() {
                let aged_out = aged_out.into_iter().map(|record| record.id).collect();
                let batch = Batch { aged_out, ..self.batch(Source::Page, 0) };
                let applied = mirror.apply(batch).await?;
                swept.aged_out += applied.aged_out;
                report.add(&applied);
            }
            swept.nominated += unseen.len() as u64;
            for record in unseen {
                match self.may_be_gone(&record, row.began_ms).await? {
                    true => ids.push(record.id),
                    false => swept.young += 1,
                }
            }
            self.keep(attempt).await?;
        }
    }

    /// Asks for each of `ids`. Answers those that the provider does not know; none after any
    /// error.
    async fn confirm(
        &self,
        attempt: &Attempt,
        ids: Vec<String>,
        swept: &mut Swept,
        report: &mut Report,
    ) -> Result<Vec<Gone>, SyncError> {
        let mut gone = Vec::new();
        for some in ids.chunks(TOGETHER) {
            let Answers { asked, found, missing, failed } = self.ask(some.to_vec()).await?;
            swept.found += found.len() as u64;
            report.add(&self.apply_answers(asked, found, Vec::new()).await?);
            if let Some(error) = failed {
                swept.failed = Some(error.to_string());
                return Ok(Vec::new());
            }
            gone.push(Gone { asked, ids: missing });
            self.keep(attempt).await?;
        }
        Ok(gone)
    }

    fn has_aged_out(&self, record: &MirroredRecord) -> bool {
        let kept_ms = self.object.retention_days.map(|days| u64::from(days) * DAY_MS);
        let ends = made_ms(record).zip(kept_ms).map(|(made, kept)| made.saturating_add(kept));
        ends.is_some_and(|ends| ends <= self.now_ms())
    }

    /// Keeps the lease for another while.
    async fn keep(&self, attempt: &Attempt) -> Result<(), SyncError> {
        self.renew(attempt).await?.map(drop).ok_or_else(|| self.superseded())
    }

    /// As [`Pull::keep`]. Answers the scan as it is; `None` when the lease is not held any more.
    async fn renew(&self, attempt: &Attempt) -> Result<Option<ScanRow>, SyncError> {
        let lease = attempt.lease(self.now_ms());
        let change = move |row: &ScanRow| {
            let held = is_mine(row, &lease.attempt);
            held.then(|| ScanRow { lease: Some(lease), ..row.clone() })
        };
        let row = self.change_scan(Box::new(change)).await?;
        Ok(Some(row).filter(|row| is_mine(row, attempt.name())))
    }
}

/// What a person should know of a sweep.
fn trouble(swept: &Swept) -> Option<String> {
    if let Some(why) = &swept.failed {
        return Some(format!("the sweep was broken off, and nothing was removed: {why}"));
    }
    swept.alarm.then(|| {
        format!(
            "the full scan did not see {} of {} records: too many to believe, so none was removed. \
             If they are gone indeed, `sync --full --sweep-anyway` removes those that the provider \
             does not know",
            swept.nominated, swept.live
        )
    })
}
