//! What becomes of the rows of an inbox.

use std::collections::BTreeSet;

use super::InboxTables;
use crate::inbox::plan::{self, Arrival, EventChange, EventKey, PlannedEvent};
use crate::inbox::*;
use crate::retention::EVENT_KEYS_MS;

impl InboxTables {
    /// Takes everything of a removed connection with it.
    pub(super) fn remove_connection(&mut self, id: &str) {
        self.hooks.remove(id);
        self.subscriptions.retain(|(connection, _), _| connection != id);
        self.keys.retain(|(connection, _), _| connection != id);
        self.deliveries.retain(|_, row| row.connection != id);
        self.events.retain(|_, (row, _)| row.connection != id);
    }

    /// Forgets what is older than it is kept.
    pub(super) fn forget(&mut self, now_ms: u64) {
        self.keys.retain(|_, seen_ms| seen_ms.saturating_add(EVENT_KEYS_MS) > now_ms);
        let over = |row: &DeliveryRow| {
            let states = self.of(row.number).map(|(event, _)| event.state);
            plan::is_over(row.received_ms, states, now_ms).then_some(row.number)
        };
        let over: BTreeSet<u64> = self.deliveries.values().filter_map(over).collect();
        self.deliveries.retain(|number, _| !over.contains(number));
        self.events.retain(|_, (row, _)| !over.contains(&row.delivery));
    }

    pub(in crate::memory) fn of(&self, delivery: u64) -> impl Iterator<Item = &(EventRow, bool)> {
        self.events.values().filter(move |(row, _)| row.delivery == delivery)
    }

    pub(super) fn whole(&self, row: &DeliveryRow) -> DeliveryRow {
        let events = self.of(row.number).map(|(event, _)| event.clone()).collect();
        DeliveryRow { events, ..row.clone() }
    }

    /// Hooks by their connections.
    pub(in crate::memory) fn hooks(&self) -> impl Iterator<Item = (String, HookRow)> + '_ {
        self.hooks.iter().map(|(connection, (hook, _))| (connection.clone(), hook.clone()))
    }

    pub(super) fn known(&self, connection: &str, events: &[NewEvent]) -> BTreeSet<EventKey> {
        let keys = events.iter().map(plan::key);
        keys.filter(|key| self.keys.contains_key(&(connection.to_owned(), *key))).collect()
    }

    pub(super) fn open_gap(&mut self, connection: &str, since_ms: u64) {
        if let Some((hook, _)) = self.hooks.get_mut(connection) {
            plan::open_gap(hook, since_ms);
        }
    }

    pub(super) fn works(&mut self, delivery: &NewDelivery, now_ms: u64) {
        let rows = self.subscriptions.values_mut();
        let mut rows: Vec<_> = rows.filter(|row| row.connection == delivery.connection).collect();
        let subscribed: Vec<String> = rows.iter().map(|row| row.object.clone()).collect();
        for place in plan::works(&delivery.events, &subscribed) {
            let Some(row) = rows.get_mut(place) else { continue };
            row.deliveries += 1;
            row.last_ms = Some(row.last_ms.map_or(now_ms, |last_ms| last_ms.max(now_ms)));
            row.proven_ms = row.proven_ms.or(Some(now_ms));
        }
    }

    pub(super) fn receive(&mut self, delivery: NewDelivery, now_ms: u64) -> Receipt {
        self.works(&delivery, now_ms);
        let known = self.known(&delivery.connection, &delivery.events);
        let answered_ms = delivery.answered_ms();
        let NewDelivery { connection, method, url, headers, body, events, .. } = delivery;
        let Arrival { receipt, events, opens_gap } =
            plan::arrival(&events, &known, &mut self.numbers, now_ms);
        let Receipt::New { delivery: number, .. } = receipt else { return receipt };
        let bytes = body.len() as u64;
        let row = DeliveryRow {
            number,
            connection: connection.clone(),
            received_ms: now_ms,
            answered_ms,
            method,
            url,
            headers,
            body,
            bytes,
            events: vec![],
        };
        self.put(&row, events, now_ms);
        self.deliveries.insert(number, row);
        if opens_gap {
            self.open_gap(&connection, now_ms);
        }
        receipt
    }

    pub(super) fn put(
        &mut self,
        delivery: &DeliveryRow,
        events: Vec<PlannedEvent<'_>>,
        now_ms: u64,
    ) {
        for PlannedEvent { number, key, new, state, asks, next_ms, applied_ms } in events {
            let connection = delivery.connection.clone();
            self.keys.insert((connection.clone(), key), now_ms);
            let new = new.clone();
            let row = EventRow {
                number,
                delivery: delivery.number,
                connection,
                id: new.id,
                object: new.object,
                name: new.name,
                occurred_at: new.occurred_at,
                effect: new.effect,
                state,
                attempts: 0,
                next_ms,
                reason: new.reason,
                received_ms: delivery.received_ms,
                applied_ms,
                tries: vec![],
            };
            self.events.insert(number, (row, asks));
        }
    }

    pub(super) fn change(&mut self, event: u64, change: EventChange) {
        let Some((row, asks)) = self.events.get_mut(&event) else { return };
        row.state = change.state;
        row.attempts = change.attempts;
        row.next_ms = change.next_ms;
        row.reason = change.reason;
        row.applied_ms = change.applied_ms;
        if let Some(failed) = change.failed {
            row.tries = plan::with_try(std::mem::take(&mut row.tries), failed);
        }
        *asks = change.asks;
        let connection = row.connection.clone();
        if let Some(since_ms) = change.gap_ms {
            self.open_gap(&connection, since_ms);
        }
    }

    pub(super) fn read_again(&mut self, event: u64, new: &[NewEvent], now_ms: u64) {
        let Some((unread, _)) = self.events.get(&event) else { return };
        if unread.effect != EventEffect::Unreadable {
            return;
        }
        let Some(delivery) = self.deliveries.get(&unread.delivery).cloned() else { return };
        self.events.remove(&event);
        let known = self.known(&delivery.connection, new);
        let planned = plan::new_events(new, &known, &mut self.numbers, now_ms);
        self.put(&delivery, planned, now_ms);
    }

    pub(super) fn drop_event(&mut self, event: u64) -> bool {
        let dead = self.events.get(&event).filter(|(row, _)| row.state == EventState::Dead);
        let Some(delivery) = dead.map(|(row, _)| row.delivery) else { return false };
        self.events.remove(&event);
        if self.of(delivery).next().is_none() {
            self.deliveries.remove(&delivery);
        }
        true
    }
}
