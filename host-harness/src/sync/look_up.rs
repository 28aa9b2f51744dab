//! Asks for single records: those that a page could not decide on, and those that a full scan did
//! not see.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::error::SyncError;
use super::pull::{Account, Pull};
use super::report::Report;
use super::window::instant;
use crate::mirror::{Applied, Batch, MirroredRecord, RecordState, Source};
use crate::runtime::CallError;
use crate::runtime::bindings::types::{DataRecord, ErrorKind};
use crate::store::StoreError;

/// Requests at once.
const AT_ONCE: usize = 8;
/// Records that are asked for and committed together.
pub(super) const TOGETHER: usize = 64;
/// "Not found" proves nothing of a record that was made so short a time ago: providers may need a
/// while until they show one.
const YOUNG_MS: u64 = 24 * 60 * 60 * 1_000;

/// What the provider answered about some records.
pub struct Answers {
    /// [`crate::mirror::Mirror::moment`] before they were asked for.
    pub asked: u64,
    /// Those that are there.
    pub found: Vec<DataRecord>,
    /// Those that it does not know.
    pub missing: Vec<String>,
    /// The first that it gave no answer to.
    pub failed: Option<SyncError>,
}

impl Pull {
    /// Looks up what earlier batches could not decide on.
    pub(super) async fn look_up_open(&self, report: &mut Report) -> Result<(), SyncError> {
        let Account { mirror, connection, .. } = &self.account;
        let mut left = BTreeSet::new();
        loop {
            let limit = u32::try_from(left.len() + TOGETHER).unwrap_or(u32::MAX);
            let open = mirror.look_ups(connection, &self.object.name, limit).await?;
            let open = open.into_iter().filter(|id| !left.contains(id));
            let ids: Vec<String> = open.take(TOGETHER).collect();
            if ids.is_empty() {
                break;
            }
            report.looked_up += ids.len() as u64;
            let Answers { asked, found, missing, failed } = self.ask(ids).await?;
            let mut gone = Vec::new();
            for id in missing {
                let kept = mirror.record(connection, &self.object.name, &id).await?;
                match kept {
                    Some(kept) if !self.may_be_gone(&kept, self.now_ms()).await? => {
                        left.insert(id);
                    }
                    _ => gone.push(id),
                }
            }
            let applied = self.apply_answers(asked, found, gone).await?;
            // What changed meanwhile waits for the next run.
            left.extend(applied.look_up.iter().cloned());
            report.add(&applied);
            if let Some(error) = failed {
                return Err(error);
            }
        }
        report.open += left.len() as u64;
        Ok(())
    }

    /// Asks for each of `ids`, a few at once.
    pub(super) async fn ask(&self, ids: Vec<String>) -> Result<Answers, SyncError> {
        let asked = self.account.mirror.moment().await?;
        let mut answers = Answers { asked, found: vec![], missing: vec![], failed: None };
        for some in ids.chunks(AT_ONCE) {
            let _turn = self.account.turns.take().await;
            let mut asking = JoinSet::new();
            for id in some {
                let (caller, id) = (self.account.caller.clone(), id.clone());
                let object = self.object.name.clone();
                let ask = async move { (caller.get(&object, &id).await, id) };
                asking.spawn(ask.in_current_span());
            }
            for (answer, id) in asking.join_all().await {
                match answer {
                    Ok(record) => answers.found.push(record),
                    Err(CallError::Connector(error))
                        if matches!(error.kind, ErrorKind::NotFound) =>
                    {
                        answers.missing.push(id);
                    }
                    Err(source) => {
                        let source = Box::new(source);
                        answers.failed = Some(SyncError::LookUp { id, source });
                    }
                }
            }
            if answers.failed.is_some() {
                break;
            }
        }
        Ok(answers)
    }

    /// Commits answers about single records.
    pub(super) async fn apply_answers(
        &self,
        asked: u64,
        records: Vec<DataRecord>,
        deleted: Vec<String>,
    ) -> Result<Applied, SyncError> {
        let derived = self.derive(&records).await?;
        let batch = Batch { derived, records, deleted, ..self.batch(Source::Lookup, asked) };
        Ok(self.account.mirror.apply(batch).await?)
    }

    /// Whether "not found" can be believed of a record: it was made before `before_ms` and more
    /// than a day ago. Of one that does not tell when it was made, the time counts since when it
    /// is as it is.
    pub(super) async fn may_be_gone(
        &self,
        record: &MirroredRecord,
        before_ms: u64,
    ) -> Result<bool, SyncError> {
        if record.state == RecordState::Deleted {
            return Ok(true);
        }
        let before_ms = before_ms.min(self.now_ms().saturating_sub(YOUNG_MS));
        let made = match made_ms(record) {
            Some(made) => Some(made),
            None => self.noticed_ms(record).await?,
        };
        Ok(made.is_none_or(|made| made < before_ms))
    }

    /// When the newest change of a record was noticed; `None` when that is no longer known.
    async fn noticed_ms(&self, record: &MirroredRecord) -> Result<Option<u64>, SyncError> {
        let since = record.change.saturating_sub(1);
        match self.account.mirror.changes(None, since, 1).await {
            Ok(changes) => {
                let change = changes.first().filter(|change| change.number == record.change);
                Ok(change.map(|change| change.at_ms))
            }
            Err(StoreError::Forgotten { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// When a record was made, in milliseconds since 1970.
pub(super) fn made_ms(record: &MirroredRecord) -> Option<u64> {
    instant(record.created_at.as_deref()).map(millis)
}

fn millis(at: OffsetDateTime) -> u64 {
    u64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}
