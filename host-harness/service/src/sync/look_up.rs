//! Asks for single records: those that a page could not decide on, and those that a full scan did
//! not see.
//!
//! | the answer | what follows |
//! |---|---|
//! | the record | it is applied |
//! | the connector's `not-found` | it is gone, unless it is young ([`connector_state::mirror::gone`]); nothing else proves that |
//! | an error that is the record's ([`blame`]) | it is left alone for a while, in the end put aside as a dead letter; others go on. More than [`MOST_REFUSED`] of them in one run are no fault of records |
//! | any other error | the run stops |

use std::collections::BTreeSet;

use connector_contract::types::{DataRecord, ErrorKind};
use connector_runtime::CallError;
use connector_runtime::retry::{Blame, blame};
use connector_state::mirror::gone::may_be_gone;
use connector_state::mirror::{Applied, Batch, MirroredRecord, Source, Unreadable};
use futures_util::future::join_all;

use super::error::SyncError;
use super::prepare::Trust;
use super::pull::PullRun;

/// Requests at once.
const AT_ONCE: usize = 8;
/// Records that are asked for and committed together.
pub(super) const TOGETHER: usize = 64;
/// So many records of one run may be at fault themselves.
pub(super) const MOST_REFUSED: u64 = 20;

/// What the provider answered about some records.
pub struct LookUpAnswers {
    /// [`connector_state::mirror::Mirror::moment`] before they were asked for.
    pub asked: u64,
    /// Those that are there.
    pub found: Vec<DataRecord>,
    /// Those that it does not know.
    pub missing: Vec<String>,
    /// Those that cannot be had, and why.
    pub refused: Vec<(String, String)>,
}

impl PullRun<'_> {
    /// Looks up what earlier batches could not decide on.
    pub(super) async fn look_up_open(&mut self) -> Result<(), SyncError> {
        let (mirror, connection, object) = (self.mirror, self.connection, self.object);
        let mut left = BTreeSet::new();
        loop {
            let limit = u32::try_from(left.len() + TOGETHER).unwrap_or(u32::MAX);
            let open = mirror.look_ups(connection, object, limit).await?;
            let open = open.into_iter().filter(|id| !left.contains(id));
            let ids: Vec<String> = open.take(TOGETHER).collect();
            if ids.is_empty() {
                break;
            }
            self.report.looked_up += ids.len() as u64;
            let LookUpAnswers { asked, found, missing, refused } = self.ask(ids).await?;
            let mut gone = Vec::new();
            for id in missing {
                let kept = mirror.record(connection, object, &id).await?;
                match kept {
                    Some(kept) if !self.may_be_gone(&kept, u64::MAX).await? => {
                        left.insert(id);
                    }
                    _ => gone.push(id),
                }
            }
            let applied = self.apply_answers(asked, found, gone).await?;
            // What changed meanwhile waits for the next run.
            left.extend(applied.look_up.iter().cloned());
            self.report.add(&applied);
            self.refused(refused).await?;
            self.keep().await?;
        }
        self.report.open += left.len() as u64;
        Ok(())
    }

    /// Asks for each of `ids`, a few at once. Fails with the first error that is no record's.
    pub(super) async fn ask(&self, ids: Vec<String>) -> Result<LookUpAnswers, SyncError> {
        let asked = self.mirror.moment(self.connection).await?;
        let mut answers = LookUpAnswers { asked, found: vec![], missing: vec![], refused: vec![] };
        for some in ids.chunks(AT_ONCE) {
            let _turn = self.pull.synced.turns.take().await;
            let ask = async |id: &String| (self.client.get(self.object, id).await, id.clone());
            for (answer, id) in join_all(some.iter().map(ask)).await {
                match answer {
                    Ok(record) => answers.found.push(record),
                    Err(CallError::Connector(error))
                        if matches!(error.kind, ErrorKind::NotFound) =>
                    {
                        answers.missing.push(id);
                    }
                    Err(error) if blame(&error) == Blame::Item => {
                        answers.refused.push((id, error.to_string()));
                    }
                    Err(source) => {
                        return Err(SyncError::LookUp { id, source: Box::new(source) });
                    }
                }
            }
        }
        Ok(answers)
    }

    /// Leaves records alone for a while that cannot be had.
    pub(super) async fn refused(
        &mut self,
        refused: Vec<(String, String)>,
    ) -> Result<(), SyncError> {
        let Some((id, why)) = refused.first().cloned() else { return Ok(()) };
        self.report.refused += refused.len() as u64;
        for (id, why) in &refused {
            tracing::warn!(target: "host_harness::sync::look_up", %id, %why, object = %self.object, "the record cannot be had");
        }
        self.report.applied.unreadable +=
            self.mirror.fail_look_ups(self.connection, self.object, refused).await?;
        match self.report.refused > MOST_REFUSED {
            true => Err(SyncError::ManyRefused { records: self.report.refused, id, why }),
            false => Ok(()),
        }
    }

    /// Commits answers about single records.
    pub(super) async fn apply_answers(
        &self,
        asked: u64,
        records: Vec<DataRecord>,
        deleted: Vec<String>,
    ) -> Result<Applied, SyncError> {
        let batch = Batch { records, deleted, ..self.batch(Source::Lookup, asked) };
        let batch = self.prepare(batch, None, Trust::Nothing).await?;
        Ok(self.mirror.apply(batch).await?)
    }

    /// Whether "not found" can be believed of a record, which must have been made before
    /// `before_ms` too.
    pub(super) async fn may_be_gone(
        &self,
        record: &MirroredRecord,
        before_ms: u64,
    ) -> Result<bool, SyncError> {
        let now_ms = self.now_ms();
        // Records tell when they were made by the provider's clock.
        let doubt_ms = now_ms.saturating_sub(self.certainly_ms());
        let before_ms = before_ms.min(now_ms).saturating_sub(doubt_ms);
        let now_ms = now_ms.saturating_sub(doubt_ms);
        Ok(may_be_gone(self.mirror, record, before_ms, now_ms).await?)
    }
}

/// An item for the dead letters.
pub(super) fn unreadable(record: DataRecord, reason: String) -> Unreadable {
    Unreadable { id: Some(record.id), raw: record.data, reason }
}
