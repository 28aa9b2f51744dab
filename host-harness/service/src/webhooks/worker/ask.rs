//! Events that the provider has to be asked about: deliveries that do not hold their record, ties
//! that a delivery cannot decide, and records with a dead letter.

use connector_contract::types::{DataRecord, ErrorKind};
use connector_runtime::CallError;
use connector_runtime::retry::{Blame, blame};
use connector_state::StoreError;
use connector_state::mirror::gone::may_be_gone;
use connector_state::mirror::{Batch, Source};
use futures_util::future::join_all;

use super::ConnectionWork;
use crate::webhooks::{EventEffect, EventRow, EventState, Settled};

/// Questions that are taken up together.
const TOGETHER: u32 = 4;
/// Looking for a record that is not found, so often: a fresh one may not be listed yet.
const LOOKS: u32 = 4;

/// What came of a question.
enum LookUpAnswer {
    /// It is applied.
    Done,
    /// Nothing was found.
    Nothing,
    /// What is kept changed meanwhile.
    Overtaken,
    /// It was not answered.
    Failed(CallError),
}

impl ConnectionWork {
    /// Asks what is due until nothing is, or until the connection is paused: then events wait as
    /// they are, however many there are.
    pub async fn ask_due(&self) -> Result<(), StoreError> {
        while !self.stopping() && self.connection.reads.paused().is_none() {
            let events = self.shared.inbox.due_events(&self.id, true, TOGETHER).await?;
            if events.is_empty() {
                break;
            }
            let asked = join_all(events.iter().map(|event| self.ask(event))).await;
            let settled = asked.into_iter().collect::<Result<_, _>>()?;
            self.settle(&events.iter().collect::<Vec<_>>(), settled).await?;
        }
        Ok(())
    }

    async fn ask(&self, event: &EventRow) -> Result<Settled, StoreError> {
        let asked = match &event.effect {
            EventEffect::Upserted(DataRecord { id, .. }) | EventEffect::Deleted(id) => {
                self.look_up(event, id).await?
            }
            EventEffect::Changed(input) => self.find(event, input).await?,
            EventEffect::Nothing | EventEffect::Unreadable => LookUpAnswer::Done,
        };
        let dead = event.state == EventState::Dead;
        let ended = |reason: Option<String>| Settled {
            // A dead letter stays for a person to see, with its record as it should be.
            state: if dead { EventState::Dead } else { EventState::Done },
            asks: true,
            reason: reason.or_else(|| event.reason.clone().filter(|_| dead)),
            ..Settled::of(event)
        };
        Ok(match asked {
            LookUpAnswer::Done => ended(None),
            LookUpAnswer::Nothing if event.attempts + 1 >= LOOKS => {
                ended(Some("nothing was found; a scan shows what there is".to_owned()))
            }
            LookUpAnswer::Nothing => {
                self.failed(event, true, &Blame::Item, "nothing was found".to_owned())
            }
            LookUpAnswer::Overtaken => {
                let again = Blame::World(std::time::Duration::from_secs(1));
                self.failed(event, true, &again, "it changed meanwhile".to_owned())
            }
            LookUpAnswer::Failed(why) => self.failed(event, true, &blame(&why), why.to_string()),
        })
    }

    /// Asks for a record and applies the answer.
    async fn look_up(&self, event: &EventRow, id: &str) -> Result<LookUpAnswer, StoreError> {
        let mirror = &self.shared.mirror;
        let moment = mirror.moment(&self.id).await?;
        match self.connection.reads.get(&event.object, id).await {
            Ok(record) => self.apply_answer(event, moment, vec![record], vec![]).await,
            Err(CallError::Connector(error)) if error.kind == ErrorKind::NotFound => {
                let now_ms = self.shared.clock.now_ms();
                // With a delivery that says so too, it is believed at once.
                if !matches!(event.effect, EventEffect::Deleted(_))
                    && let Some(kept) = mirror.record(&self.id, &event.object, id).await?
                    && !may_be_gone(mirror.as_ref(), &kept, now_ms, now_ms).await?
                {
                    return Ok(LookUpAnswer::Nothing);
                }
                self.apply_answer(event, moment, vec![], vec![id.to_owned()]).await
            }
            Err(why) => Ok(LookUpAnswer::Failed(why)),
        }
    }

    /// Finds what a delivery is about and applies it.
    async fn find(&self, event: &EventRow, input: &str) -> Result<LookUpAnswer, StoreError> {
        let moment = self.shared.mirror.moment(&self.id).await?;
        match self.connection.reads.find(&event.object, input).await {
            Ok(records) if records.is_empty() => Ok(LookUpAnswer::Nothing),
            Ok(records) => self.apply_answer(event, moment, records, vec![]).await,
            Err(why) => Ok(LookUpAnswer::Failed(why)),
        }
    }

    async fn apply_answer(
        &self,
        event: &EventRow,
        moment: u64,
        records: Vec<DataRecord>,
        deleted: Vec<String>,
    ) -> Result<LookUpAnswer, StoreError> {
        let ids = records.iter().map(|record| &record.id).chain(&deleted);
        let batch = Batch {
            deliveries: ids.map(|id| (id.clone(), event.delivery)).collect(),
            records,
            deleted,
            ..Batch::new(&self.id, &event.object, Source::Lookup, moment)
        };
        Ok(match self.apply(batch).await? {
            Ok(applied) if applied.look_up.is_empty() => LookUpAnswer::Done,
            Ok(_) => LookUpAnswer::Overtaken,
            Err(why) => LookUpAnswer::Failed(why),
        })
    }
}
