//! Which records are gone, after a full scan.
//!
//! A complete full scan without an error only nominates what it did not see:
//!
//! 1. What lists no longer show because of its age (`created-at` and the object's
//!    `retention-days`) has aged out: a state, not a removal.
//! 2. If the rest is more than one in twenty of all live records, and more than [`FEW`], nothing
//!    is removed: more likely the scan was wrong than the records gone.
//! 3. Each one that was made before the scan began and more than a day ago is asked for. Those that
//!    the provider says it does not know are removed, after all have been asked for. One whose own
//!    fault it is that there is no answer is put aside ([`super::look_up`]); after any other error
//!    none is removed, and the next run sweeps again.

use connector_state::mirror::gone::made_ms;
use connector_state::mirror::{Batch, MirroredRecord, ScanRow, Source};

use super::error::SyncError;
use super::lease::Attempt;
use super::look_up::{Answers, MOST_REFUSED, TOGETHER};
use super::pull::{Pull, Wish, is_mine};
use super::report::{Report, Swept};

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
    /// Sweeps after the full scan of `row`. Answers what a person should know of it.
    pub(super) async fn sweep(
        &self,
        attempt: &Attempt,
        wish: &Wish,
        row: &ScanRow,
        report: &mut Report,
    ) -> Result<Option<String>, SyncError> {
        let mut swept = Swept::default();
        self.nominate(attempt, row, &mut swept, report).await?;
        swept.alarm =
            swept.nominated > FEW && swept.nominated > swept.live / ONE_IN && !wish.sweep_anyway;
        if !swept.alarm {
            let confirmed = self.confirm(attempt, row, &mut swept, report).await;
            let gone = confirmed.map_err(|source| SyncError::Sweep { source: Box::new(source) })?;
            for Gone { asked, ids } in gone {
                let applied = self.apply_answers(asked, Vec::new(), ids).await?;
                swept.deleted += applied.deleted;
                report.add(&applied);
                self.keep(attempt).await?;
            }
        }
        tracing::info!(
            target: "host_harness::sync::sweep",
            nominated = swept.nominated,
            deleted = swept.deleted,
            aged_out = swept.aged_out,
            refused = swept.refused,
            alarm = swept.alarm,
            "swept"
        );
        let trouble = swept.alarm.then(|| alarm(&swept));
        report.swept = Some(swept);
        Ok(trouble)
    }

    /// Counts the live records that the scan did not see. Those that aged out are marked so.
    async fn nominate(
        &self,
        attempt: &Attempt,
        row: &ScanRow,
        swept: &mut Swept,
        report: &mut Report,
    ) -> Result<(), SyncError> {
        let (mirror, connection) = (&self.account.mirror, &self.account.connection);
        (_, swept.live) = mirror.count_unseen(connection, &self.object.name, row.scan).await?;
        let mut after: Option<String> = None;
        loop {
            let some = self.unseen(row, after.as_deref()).await?;
            let Some(last) = some.last() else { return Ok(()) };
            after = Some(last.id.clone());
            let aged_out = some.iter().filter(|record| self.has_aged_out(record));
            let aged_out: Vec<String> = aged_out.map(|record| record.id.clone()).collect();
            swept.nominated += (some.len() - aged_out.len()) as u64;
            if !aged_out.is_empty() {
                let batch = Batch { aged_out, ..self.batch(Source::Page, 0) };
                let applied = mirror.apply(batch).await?;
                swept.aged_out += applied.aged_out;
                report.add(&applied);
            }
            self.keep(attempt).await?;
        }
    }

    /// Asks for those of them that may be gone. Answers those that the provider does not know.
    async fn confirm(
        &self,
        attempt: &Attempt,
        row: &ScanRow,
        swept: &mut Swept,
        report: &mut Report,
    ) -> Result<Vec<Gone>, SyncError> {
        let (mut gone, mut all_refused) = (Vec::new(), Vec::new());
        let mut after: Option<String> = None;
        'all: loop {
            let some = self.unseen(row, after.as_deref()).await?;
            let Some(last) = some.last() else { break };
            after = Some(last.id.clone());
            let mut ids = Vec::new();
            for record in some {
                match self.may_be_gone(&record, row.began_ms).await? {
                    true => ids.push(record.id),
                    false => swept.young += 1,
                }
            }
            for some in ids.chunks(TOGETHER) {
                let Answers { asked, found, missing, refused } = self.ask(some.to_vec()).await?;
                swept.found += found.len() as u64;
                report.add(&self.apply_answers(asked, found, Vec::new()).await?);
                gone.push(Gone { asked, ids: missing });
                all_refused.extend(refused);
                if all_refused.len() as u64 + report.refused > MOST_REFUSED {
                    break 'all;
                }
                self.keep(attempt).await?;
            }
        }
        swept.refused = all_refused.len() as u64;
        self.refused(all_refused, report).await?;
        Ok(gone)
    }

    async fn unseen(
        &self,
        row: &ScanRow,
        after: Option<&str>,
    ) -> Result<Vec<MirroredRecord>, SyncError> {
        let (mirror, connection) = (&self.account.mirror, &self.account.connection);
        Ok(mirror.unseen(connection, &self.object.name, row.scan, after, AT_ONCE).await?)
    }

    fn has_aged_out(&self, record: &MirroredRecord) -> bool {
        let kept_ms = self.object.retention_days.map(|days| u64::from(days) * DAY_MS);
        let ends = made_ms(record).zip(kept_ms).map(|(made, kept)| made.saturating_add(kept));
        ends.is_some_and(|ends| ends <= self.certainly_ms())
    }

    /// Keeps the lease for another while. Answers the scan as it is.
    pub(super) async fn keep(&self, attempt: &Attempt) -> Result<ScanRow, SyncError> {
        let lease = attempt.lease(self.now_ms());
        let change = move |row: &ScanRow| {
            let held = is_mine(row, &lease.attempt);
            held.then(|| ScanRow { lease: Some(lease), ..row.clone() })
        };
        let row = self.change_scan(Box::new(change)).await?;
        match is_mine(&row, attempt.name()) {
            true => Ok(row),
            false => Err(self.superseded()),
        }
    }
}

fn alarm(swept: &Swept) -> String {
    format!(
        "the full scan did not see {} of {} records: too many to believe, so none was removed. \
         If they are gone indeed, `sync --full --sweep-anyway` removes those that the provider \
         does not know",
        swept.nominated, swept.live
    )
}
