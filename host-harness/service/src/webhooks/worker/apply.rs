//! Events that are applied at once, as a page is.

use std::collections::HashSet;

use connector_contract::subscriptions::{Delivery, Refusal};
use connector_contract::types::DataRecord;
use connector_runtime::CallError;
use connector_runtime::retry::blame;
use connector_state::StoreError;
use connector_state::mirror::{Applied, Batch, Derived, Source};

use super::{Seat, Shared, TOGETHER};
use crate::webhooks::receiver::{new_events, timestamp};
use crate::webhooks::{Effect, EventRow, EventState, Settled};

/// Why a batch was not applied.
pub enum Unapplied {
    /// Its records cannot be derived from.
    Underived(CallError),
    /// The mirror cannot take it now.
    Store(StoreError),
}

impl From<StoreError> for Unapplied {
    fn from(why: StoreError) -> Self {
        Self::Store(why)
    }
}

/// What is to be applied: records and ids of removed ones, of one object.
#[derive(Default)]
pub struct News {
    pub records: Vec<DataRecord>,
    pub deleted: Vec<String>,
}

impl Shared {
    /// Applies what is due, in order, until nothing is.
    pub async fn apply_due(&self, connection: &str, seat: &Seat) -> Result<(), StoreError> {
        while !self.stopping() {
            let events = self.inbox.due_events(connection, false, self.now_ms(), TOGETHER).await?;
            if events.is_empty() {
                break;
            }
            for round in rounds(&events) {
                self.apply_round(connection, seat, &round).await?;
            }
        }
        Ok(())
    }

    async fn apply_round(
        &self,
        connection: &str,
        seat: &Seat,
        round: &[&EventRow],
    ) -> Result<(), StoreError> {
        let mut objects: Vec<&str> = round.iter().map(|event| event.object.as_str()).collect();
        objects.sort_unstable();
        objects.dedup();
        for object in objects {
            let events: Vec<&EventRow> =
                round.iter().copied().filter(|event| event.object == object).collect();
            let (unreadable, events): (Vec<&EventRow>, Vec<&EventRow>) =
                events.into_iter().partition(|event| event.effect == Effect::Unreadable);
            for event in unreadable {
                self.read_again(connection, seat, event).await?;
            }
            self.apply_events(connection, object, seat, &events).await?;
        }
        Ok(())
    }

    /// Applies events of different records of one object together; when they cannot be, each on
    /// its own, so that a poison one keeps nobody from being applied.
    async fn apply_events(
        &self,
        connection: &str,
        object: &str,
        seat: &Seat,
        events: &[&EventRow],
    ) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        let news = News::of(events);
        let settled = match self.apply(connection, object, seat, Source::Delivery, 0, news).await {
            Ok(applied) => events.iter().map(|event| self.applied(event, &applied)).collect(),
            Err(Unapplied::Store(why)) => return Err(why),
            Err(Unapplied::Underived(why)) => match events {
                [event] => vec![self.failed(event, false, &blame(&why), why.to_string())],
                _ => {
                    for event in events {
                        Box::pin(self.apply_events(connection, object, seat, &[event])).await?;
                    }
                    return Ok(());
                }
            },
        };
        let events: Vec<EventRow> = events.iter().copied().cloned().collect();
        self.settle(connection, &events, settled).await
    }

    /// What becomes of an event whose batch was applied: done, unless the batch could not decide.
    fn applied(&self, event: &EventRow, applied: &Applied) -> Settled {
        let undecided = event
            .effect
            .record()
            .is_some_and(|record| applied.look_up.iter().any(|undecided| undecided == record));
        let (state, next_ms) = match undecided {
            true => (EventState::Waiting, Some(self.now_ms())),
            false => (EventState::Done, None),
        };
        let (event, attempts) = (event.number, event.attempts);
        Settled { event, state, attempts, next_ms, asks: undecided, reason: None, missed: false }
    }

    /// Commits news with what is derived from them.
    pub async fn apply(
        &self,
        connection: &str,
        object: &str,
        seat: &Seat,
        source: Source,
        asked: u64,
        news: News,
    ) -> Result<Applied, Unapplied> {
        let News { records, deleted } = news;
        let mut derived = Vec::new();
        let names = seat.reads.derived_from(object);
        if !records.is_empty() && !names.is_empty() {
            let all = seat.reads.derive(names, records.clone()).await;
            let named = names.iter().cloned().zip(all.map_err(Unapplied::Underived)?);
            derived.extend(named.map(|(object, lists)| Derived { object, lists }));
        }
        let batch = Batch::new(connection, object, source, asked);
        let applied = self.mirror.apply(Batch { records, derived, deleted, ..batch }).await?;
        if applied.newest > 0 {
            self.changed.notify_one();
        }
        Ok(applied)
    }

    /// Has the connector decode an unreadable delivery once more: it may be a newer one.
    async fn read_again(
        &self,
        connection: &str,
        seat: &Seat,
        event: &EventRow,
    ) -> Result<(), StoreError> {
        let Some(row) = self.inbox.delivery(event.delivery).await? else { return Ok(()) };
        let body = row.body.clone();
        let delivery = Delivery {
            subscription: None,
            method: row.method,
            url: row.url,
            headers: row.headers,
            body: row.body,
            received_at: timestamp(row.received_ms),
        };
        let settled = match seat.decode.decode(delivery).await {
            Ok(Ok(reception)) => {
                let events = new_events(reception.events, &body, row.received_ms);
                return self.inbox.read_again(event.number, events).await;
            }
            Ok(Err(refusal)) => Settled {
                event: event.number,
                state: EventState::Dead,
                attempts: event.attempts,
                next_ms: None,
                asks: false,
                reason: Some(match refusal {
                    Refusal::Unreadable(why) | Refusal::TryAgain(why) => why,
                    Refusal::Unverified => "no secret that is kept now verifies it".to_owned(),
                }),
                // Its gap was opened when it came.
                missed: false,
            },
            Err(why) => self.failed(event, false, &blame(&why), why.to_string()),
        };
        self.settle(connection, std::slice::from_ref(event), vec![settled]).await
    }
}

impl News {
    fn of(events: &[&EventRow]) -> Self {
        let mut news = Self::default();
        for event in events {
            match &event.effect {
                Effect::Upserted(record) => news.records.push(record.clone()),
                Effect::Deleted(id) => news.deleted.push(id.clone()),
                Effect::Changed(_) | Effect::Nothing | Effect::Unreadable => {}
            }
        }
        news
    }
}

/// Events in order, cut where a record comes for the second time: it is applied twice then, as it
/// came twice.
fn rounds(events: &[EventRow]) -> Vec<Vec<&EventRow>> {
    let mut rounds = Vec::new();
    let mut round = Vec::new();
    let mut seen = HashSet::new();
    for event in events {
        let record = event.effect.record().map(|record| (event.object.as_str(), record));
        if record.is_some_and(|record| !seen.insert(record)) {
            rounds.push(std::mem::take(&mut round));
            seen.clear();
            seen.extend(record);
        }
        round.push(event);
    }
    rounds.push(round);
    rounds
}
