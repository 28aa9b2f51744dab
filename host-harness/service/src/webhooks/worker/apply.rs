//! Events that are applied at once, as a page is.

use std::collections::HashSet;

use connector_contract::subscriptions::{Delivery, Refusal};
use connector_runtime::CallError;
use connector_runtime::retry::blame;
use connector_state::StoreError;
use connector_state::mirror::{Applied, Batch, Source};

use super::{ConnectionWork, TOGETHER};
use crate::webhooks::receiver::{new_events, timestamp};
use crate::webhooks::{EventEffect, EventRow, EventState, Settled};

impl ConnectionWork {
    /// Applies what is due, in order, until nothing is.
    pub async fn apply_due(&self) -> Result<(), StoreError> {
        while !self.stopping() {
            let events = self.shared.inbox.due_events(&self.id, false, TOGETHER).await?;
            if events.is_empty() {
                break;
            }
            for round in rounds(&events) {
                self.apply_round(round).await?;
            }
        }
        Ok(())
    }

    async fn apply_round(&self, round: Vec<&EventRow>) -> Result<(), StoreError> {
        let (unreadable, mut round): (Vec<&EventRow>, Vec<&EventRow>) =
            round.into_iter().partition(|event| event.effect == EventEffect::Unreadable);
        for event in unreadable {
            self.read_again(event).await?;
        }
        // Stable: those of one object stay in their order.
        round.sort_by(|one, other| one.object.cmp(&other.object));
        for events in round.chunk_by(|one, other| one.object == other.object) {
            self.apply_events(events).await?;
        }
        Ok(())
    }

    /// Applies events of different records of one object together; when they cannot be, each on
    /// its own, so that a poison one keeps nobody from being applied.
    async fn apply_events(&self, events: &[&EventRow]) -> Result<(), StoreError> {
        let Some(first) = events.first() else { return Ok(()) };
        let (mut records, mut deleted) = (Vec::new(), Vec::new());
        for event in events {
            match &event.effect {
                EventEffect::Upserted(record) => records.push(record.clone()),
                EventEffect::Deleted(id) => deleted.push(id.clone()),
                EventEffect::Changed(_) | EventEffect::Nothing | EventEffect::Unreadable => {}
            }
        }
        let brought = events
            .iter()
            .filter_map(|event| Some((event.effect.record()?.to_owned(), event.delivery)));
        let batch = Batch {
            records,
            deleted,
            deliveries: brought.collect(),
            ..Batch::new(&self.id, &first.object, Source::Delivery, 0)
        };
        let applied = self.apply(batch).await;
        let settled = match applied? {
            Ok(applied) => events.iter().map(|event| self.applied(event, &applied)).collect(),
            Err(why) if events.len() == 1 => {
                vec![self.failed(first, false, &blame(&why), why.to_string())]
            }
            Err(_) => {
                for event in events {
                    Box::pin(self.apply_events(&[event])).await?;
                }
                return Ok(());
            }
        };
        self.settle(events, settled).await
    }

    /// What becomes of an event whose batch was applied: done, unless the batch could not decide.
    fn applied(&self, event: &EventRow, applied: &Applied) -> Settled {
        let record = event.effect.record();
        let is_undecided = record
            .is_some_and(|record| applied.look_up.iter().any(|undecided| undecided == record));
        let settled = Settled { reason: None, ..Settled::of(event) };
        match is_undecided {
            true => {
                let again_after_ms = Some(0);
                Settled { state: EventState::Waiting, again_after_ms, asks: true, ..settled }
            }
            false => Settled { state: EventState::Done, ..settled },
        }
    }

    /// Commits a batch, with what is derived from its records; within, why nothing can be derived from them.
    pub async fn apply(&self, batch: Batch) -> Result<Result<Applied, CallError>, StoreError> {
        let derived = match self.connection.reads.derive(&batch.object, &batch.records).await {
            Ok(derived) => derived,
            Err(why) => return Ok(Err(why)),
        };
        let batch = Batch { derived, deriver: self.connection.reads.deriver(), ..batch };
        let applied = self.shared.mirror.apply(batch).await?;
        if applied.newest > 0 {
            self.shared.changed.notify_waiters();
        }
        Ok(Ok(applied))
    }

    /// Has the connector decode an unreadable delivery once more: it may be a newer one.
    async fn read_again(&self, event: &EventRow) -> Result<(), StoreError> {
        let inbox = &self.shared.inbox;
        let Some(row) = inbox.delivery(event.delivery).await? else { return Ok(()) };
        let body = row.body.clone();
        let delivery = Delivery {
            subscription: None,
            method: row.method,
            url: row.url,
            headers: row.headers,
            body: row.body,
            received_at: timestamp(row.received_ms),
        };
        let settled = match self.connection.decode.decode(delivery).await {
            Ok(Ok(reception)) => {
                let events = new_events(reception.events, &body, row.received_ms);
                return inbox.read_again(event.number, events).await;
            }
            // Its gap was opened when it came.
            Ok(Err(refusal)) => {
                let why = match refusal {
                    Refusal::Unreadable(why) | Refusal::TryAgain(why) => why,
                    Refusal::Unverified => "no secret that is kept now verifies it".to_owned(),
                };
                Settled { state: EventState::Dead, reason: Some(why), ..Settled::of(event) }
            }
            Err(why) => self.failed(event, false, &blame(&why), why.to_string()),
        };
        self.settle(&[event], vec![settled]).await
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
