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

use connector_state::StoreError;
use connector_state::mirror::gone::made_ms;
use connector_state::mirror::{Batch, MirroredRecord, ScanRow, Source};

use super::error::SyncError;
use super::look_up::{LookUpAnswers, MOST_REFUSED, TOGETHER};
use super::pull::PullRun;
use super::report::Swept;

/// So few may be gone whatever the share.
const FEW: u64 = 20;
/// Of so many live records one may be gone.
const ONE_IN: u64 = 20;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// Unseen records that are read at once.
const AT_ONCE: u32 = 500;

/// Ids that the provider does not know, after the moment before it was asked.
type Gone = (u64, Vec<String>);

impl PullRun<'_> {
    /// Sweeps after the full scan of `row`. Returns what a person should know of it.
    pub(super) async fn sweep(&mut self, row: &ScanRow) -> Result<Option<String>, SyncError> {
        let mut swept = Swept::default();
        self.nominate(row, &mut swept).await?;
        let too_many = swept.nominated > FEW && swept.nominated > swept.live / ONE_IN;
        swept.alarm = too_many && !self.options.sweep_anyway;
        if !swept.alarm {
            let confirmed = self.confirm(row, &mut swept).await;
            let gone = confirmed.map_err(|source| SyncError::Sweep(Box::new(source)))?;
            for (asked, ids) in gone {
                let applied = self.apply_answers(asked, Vec::new(), ids).await?;
                swept.deleted += applied.deleted;
                self.report.add(&applied);
                self.keep().await?;
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
        self.report.swept = Some(swept);
        Ok(trouble)
    }

    /// Counts the live records that the scan did not see. Those that aged out are marked so.
    async fn nominate(&mut self, row: &ScanRow, swept: &mut Swept) -> Result<(), SyncError> {
        (_, swept.live) = self.mirror.count_unseen(self.connection, self.object, row.scan).await?;
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
                let applied = self.mirror.apply(batch).await?;
                swept.aged_out += applied.aged_out;
                self.report.add(&applied);
            }
            self.keep().await?;
        }
    }

    /// Asks for those of them that may be gone. Returns those that the provider does not know.
    async fn confirm(&mut self, row: &ScanRow, swept: &mut Swept) -> Result<Vec<Gone>, SyncError> {
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
                let LookUpAnswers { asked, found, missing, refused } =
                    self.ask(some.to_vec()).await?;
                swept.found += found.len() as u64;
                let applied = self.apply_answers(asked, found, Vec::new()).await?;
                self.report.add(&applied);
                gone.push((asked, missing));
                all_refused.extend(refused);
                if all_refused.len() as u64 + self.report.refused > MOST_REFUSED {
                    break 'all;
                }
                self.keep().await?;
            }
        }
        swept.refused = all_refused.len() as u64;
        self.refused(all_refused).await?;
        Ok(gone)
    }

    async fn unseen(
        &self,
        row: &ScanRow,
        after: Option<&str>,
    ) -> Result<Vec<MirroredRecord>, StoreError> {
        self.mirror.unseen(self.connection, self.object, row.scan, after, AT_ONCE).await
    }

    fn has_aged_out(&self, record: &MirroredRecord) -> bool {
        let kept_ms = self.pull.object.retention_days.map(|days| u64::from(days) * DAY_MS);
        let ends = made_ms(record).zip(kept_ms).map(|(made, kept)| made.saturating_add(kept));
        ends.is_some_and(|ends| ends <= self.certainly_ms())
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
