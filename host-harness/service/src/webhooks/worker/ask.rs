//! Events that the provider has to be asked about: deliveries that do not hold their record, ties
//! that a delivery cannot decide, and records with a dead letter.

use connector_contract::types::ErrorKind;
use connector_runtime::CallError;
use connector_runtime::retry::{Blame, blame};
use connector_state::StoreError;
use connector_state::mirror::Source;
use connector_state::mirror::gone::may_be_gone;

use super::apply::{News, Unapplied};
use super::{Seat, Shared};
use crate::webhooks::{Effect, EventRow, EventState, Settled};

/// Questions that are taken up together.
const TOGETHER: u32 = 4;
/// Looking for a record that is not found, so often: a fresh one may not be listed yet.
const LOOKS: u32 = 4;

/// What came of a question.
enum Asked {
    /// It is applied.
    Done,
    /// Nothing was found.
    Nothing,
    /// What is kept changed meanwhile.
    Overtaken,
    /// It was not answered.
    Failed(CallError),
}

impl Shared {
    /// Asks what is due until nothing is.
    pub async fn ask_due(&self, connection: &str, seat: &Seat) -> Result<(), StoreError> {
        while !self.stopping() {
            let events = self.inbox.due_events(connection, true, self.now_ms(), TOGETHER).await?;
            if events.is_empty() {
                break;
            }
            let asking = events.iter().map(|event| self.ask(connection, seat, event));
            let mut settled = Vec::with_capacity(events.len());
            for ask in join_all(asking).await {
                settled.push(ask?);
            }
            self.settle(connection, &events, settled).await?;
        }
        Ok(())
    }

    async fn ask(
        &self,
        connection: &str,
        seat: &Seat,
        event: &EventRow,
    ) -> Result<Settled, StoreError> {
        let asked = match &event.effect {
            Effect::Upserted(record) => self.look_up(connection, seat, event, &record.id).await,
            Effect::Deleted(id) => self.look_up(connection, seat, event, id).await,
            Effect::Changed(input) => self.find(connection, seat, event, input).await,
            Effect::Nothing | Effect::Unreadable => Ok(Asked::Done),
        };
        let (asked, dead) = (asked?, event.state == EventState::Dead);
        let ended = |reason: Option<String>| Settled {
            event: event.number,
            // A dead letter stays for a person to see, with its record as it should be.
            state: if dead { EventState::Dead } else { EventState::Done },
            attempts: event.attempts,
            next_ms: None,
            asks: true,
            reason: reason.or_else(|| event.reason.clone().filter(|_| dead)),
            missed: false,
        };
        Ok(match asked {
            Asked::Done => ended(None),
            Asked::Nothing if event.attempts + 1 >= LOOKS => {
                ended(Some("nothing was found; a scan shows what there is".to_owned()))
            }
            Asked::Nothing => {
                self.failed(event, true, &Blame::Item, "nothing was found".to_owned())
            }
            Asked::Overtaken => {
                let again = Blame::World(std::time::Duration::from_secs(1));
                self.failed(event, true, &again, "it changed meanwhile".to_owned())
            }
            Asked::Failed(why) => self.failed(event, true, &blame(&why), why.to_string()),
        })
    }

    /// Asks for a record and applies the answer.
    async fn look_up(
        &self,
        connection: &str,
        seat: &Seat,
        event: &EventRow,
        id: &str,
    ) -> Result<Asked, StoreError> {
        let moment = self.mirror.moment().await?;
        let news = match seat.reads.get(&event.object, id).await {
            Ok(record) => News { records: vec![record], deleted: vec![] },
            Err(CallError::Connector(error)) if error.kind == ErrorKind::NotFound => {
                let now_ms = self.now_ms();
                let kept = self.mirror.record(connection, &event.object, id).await?;
                // With a delivery that says so too, it is believed at once.
                if !matches!(event.effect, Effect::Deleted(_))
                    && let Some(kept) = kept
                    && !may_be_gone(self.mirror.as_ref(), &kept, now_ms, now_ms).await?
                {
                    return Ok(Asked::Nothing);
                }
                News { records: vec![], deleted: vec![id.to_owned()] }
            }
            Err(why) => return Ok(Asked::Failed(why)),
        };
        self.apply_answer(connection, seat, event, moment, news).await
    }

    /// Finds what a delivery is about and applies it.
    async fn find(
        &self,
        connection: &str,
        seat: &Seat,
        event: &EventRow,
        input: &str,
    ) -> Result<Asked, StoreError> {
        let moment = self.mirror.moment().await?;
        match seat.reads.find(&event.object, input).await {
            Ok(records) if records.is_empty() => Ok(Asked::Nothing),
            Ok(records) => {
                let news = News { records, deleted: vec![] };
                self.apply_answer(connection, seat, event, moment, news).await
            }
            Err(why) => Ok(Asked::Failed(why)),
        }
    }

    async fn apply_answer(
        &self,
        connection: &str,
        seat: &Seat,
        event: &EventRow,
        moment: u64,
        news: News,
    ) -> Result<Asked, StoreError> {
        let object = &event.object;
        match self.apply(connection, object, seat, Source::Lookup, moment, news).await {
            Ok(applied) if applied.look_up.is_empty() => Ok(Asked::Done),
            Ok(_) => Ok(Asked::Overtaken),
            Err(Unapplied::Underived(why)) => Ok(Asked::Failed(why)),
            Err(Unapplied::Store(why)) => Err(why),
        }
    }
}

/// Runs all of a few futures.
async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (future, done) in &mut futures {
            if done.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *done = Some(value),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    futures.into_iter().filter_map(|(_, done)| done).collect()
}
