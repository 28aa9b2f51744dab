//! What is to be sent: events become deliveries, deliveries wait for their time and come back until
//! they are taken or given up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use super::attempt::{WebhookAttempt, WebhookCounts};
use super::detect;
use super::fault::WebhookFault;
use super::payload::{self, Payload};
use super::webhook::{Webhook, WebhookEvent, WebhookId};
use crate::options::Options;
use crate::store::Store;
use crate::store::lookup::Key;
use crate::store::record::Record;
use crate::text::scramble;

/// Attempts at one delivery, and the wait after the first; each further wait is twice as long.
///
/// Source: AfterShip API 2026-07, webhook overview.
const ATTEMPTS: u32 = 14;
const FIRST_WAIT_MS: u64 = 30_000;

/// One event on its way to one URL, with the settings that held when it happened.
#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) number: u64,
    pub(super) webhook: Arc<Webhook>,
    pub(super) event: &'static str,
    pub(super) event_id: String,
    pub(super) tracking_id: Option<String>,
    pub(super) body: Bytes,
    /// The attempt that comes next, from 1.
    pub(super) attempt: u32,
    pub(super) most_attempts: u32,
    pub(super) fault: Option<WebhookFault>,
}

/// The webhooks, what waits for them, and what became of the rest.
#[derive(Default)]
pub(crate) struct Outbox {
    webhooks: Vec<(WebhookId, Arc<Webhook>)>,
    /// By the time at which it is due, then in the order of queueing.
    due: BTreeMap<(u64, u64), Delivery>,
    /// Trackings by the time at which they will have been Pending for too long.
    pending: BTreeSet<(u64, Box<str>)>,
    faults: VecDeque<WebhookFault>,
    journal: VecDeque<WebhookAttempt>,
    counts: WebhookCounts,
    under_way: usize,
    made: u64,
    queued: u64,
    wake: Arc<Notify>,
}

impl Outbox {
    pub(super) fn webhooks(&mut self) -> &mut Vec<(WebhookId, Arc<Webhook>)> {
        &mut self.webhooks
    }

    pub(super) fn fresh_id(&mut self) -> WebhookId {
        self.made += 1;
        WebhookId(self.made)
    }

    /// Notices what a change of a tracking means.
    pub(crate) fn notice(
        &mut self,
        options: &Options,
        before: Option<&Record>,
        after: &Record,
        at_ms: u64,
    ) {
        // Stages of the test courier may be due now that were not before.
        self.wake.notify_one();
        if after.facts.tag.as_deref() == Some("Pending") && before.is_none() {
            let due_ms = after.facts.created_ms.saturating_add(options.webhooks.pending_ms);
            if due_ms > at_ms {
                self.pending.insert((due_ms, after.facts.id.clone()));
            }
        }
        if !self.webhooks.is_empty() {
            for (event, is_first_tag) in detect::events(before, after) {
                self.queue_event(options, event, is_first_tag, after, at_ms);
            }
        }
    }

    /// Notices what has been Pending for too long at `now_ms`.
    pub(crate) fn settle(&mut self, options: &Options, store: &Store, now_ms: u64) {
        while let Some((due_ms, id)) = self.pending.first().cloned() {
            if due_ms > now_ms {
                return;
            }
            self.pending.pop_first();
            let record = store.find(Key::Id(&id)).map(|(_, record)| record);
            if let Some(record) = record.filter(|one| one.facts.tag.as_deref() == Some("Pending")) {
                let event = WebhookEvent::TrackingPendingTime;
                self.queue_event(options, event, false, record, due_ms);
            }
        }
    }

    fn queue_event(
        &mut self,
        options: &Options,
        event: WebhookEvent,
        is_first_tag: bool,
        record: &Record,
        at_ms: u64,
    ) {
        let wanting = self.webhooks.iter().filter(|(_, webhook)| webhook.events.contains(&event));
        let wanting: Vec<_> = wanting.map(|(_, webhook)| Arc::clone(webhook)).collect();
        if wanting.is_empty() {
            return;
        }
        self.counts.events += 1;
        let seed = scramble(options.seed ^ scramble(self.counts.events));
        for webhook in wanting {
            let msg = payload::msg(record, event, webhook.version, options.webhooks.partial);
            let payload = Payload {
                event: event.name(),
                event_id: &payload::event_id(seed),
                is_first_tag,
                msg: &msg,
                ts: at_ms / 1000,
            };
            let tracking_id = Some(record.facts.id.to_string());
            self.queue_payload(options, webhook, event, &payload, tracking_id, at_ms);
        }
    }

    /// Queues a test delivery, which is about no tracking and is not repeated.
    pub(super) fn queue_test(&mut self, options: &Options, webhook: Arc<Webhook>, at_ms: u64) {
        self.counts.events += 1;
        let event = webhook.events.first().copied().unwrap_or(WebhookEvent::TrackingUpdate);
        let seed = scramble(options.seed ^ scramble(self.counts.events));
        let payload = Payload {
            event: event.name(),
            event_id: &payload::event_id(seed),
            is_first_tag: false,
            msg: "{}",
            ts: at_ms / 1000,
        };
        self.queue_payload(options, webhook, event, &payload, None, at_ms);
    }

    fn queue_payload(
        &mut self,
        options: &Options,
        webhook: Arc<Webhook>,
        event: WebhookEvent,
        payload: &Payload<'_>,
        tracking_id: Option<String>,
        at_ms: u64,
    ) {
        self.counts.deliveries += 1;
        let number = self.counts.deliveries;
        let plan = options.webhooks.faults.as_ref();
        let fault = self.faults.pop_front().or_else(|| plan?.roll(number));
        let delivery = Delivery {
            number,
            webhook,
            event: event.name(),
            event_id: payload.event_id.to_owned(),
            most_attempts: if tracking_id.is_some() { ATTEMPTS } else { 1 },
            tracking_id,
            body: payload.write(number.is_multiple_of(2)).into(),
            attempt: 1,
            fault,
        };
        let late_ms = if let Some(WebhookFault::Late(ms)) = fault { ms } else { 0 };
        self.queue(delivery, at_ms.saturating_add(late_ms));
    }

    fn queue(&mut self, delivery: Delivery, due_ms: u64) {
        self.queued += 1;
        self.due.insert((due_ms, self.queued), delivery);
        self.wake.notify_one();
    }

    /// Takes out what is due at `now_ms`.
    pub(super) fn take_due(&mut self, now_ms: u64) -> Vec<Delivery> {
        let mut taken = Vec::new();
        while let Some(first) = self.due.first_entry().filter(|first| first.key().0 <= now_ms) {
            taken.push(first.remove());
        }
        self.under_way += taken.len();
        taken
    }

    /// When the next delivery is due, or the next tracking Pending for too long.
    pub(super) fn next_ms(&self) -> Option<u64> {
        let due = self.due.keys().next().map(|(due_ms, _)| *due_ms);
        let pending = self.pending.first().map(|(due_ms, _)| *due_ms);
        due.into_iter().chain(pending).min()
    }

    /// Takes a delivery back after the attempts that were made at once.
    pub(super) fn ended(
        &mut self,
        mut delivery: Delivery,
        attempts: Vec<WebhookAttempt>,
        capacity: Option<usize>,
        now_ms: u64,
    ) {
        self.under_way -= 1;
        self.counts.attempts += attempts.len() as u64;
        let is_taken = attempts.iter().any(WebhookAttempt::is_taken);
        for attempt in attempts {
            self.record(attempt, capacity);
        }
        let fault = delivery.fault.take();
        match fault {
            Some(WebhookFault::Repeats(count)) if is_taken && count > 0 => {
                delivery.fault = Some(WebhookFault::Repeats(count - 1));
                delivery.attempt = 1;
                self.queue(delivery, now_ms);
            }
            _ if is_taken => self.counts.taken += 1,
            _ if delivery.attempt >= delivery.most_attempts => self.counts.lost += 1,
            _ => {
                let wait_ms = FIRST_WAIT_MS << (delivery.attempt - 1);
                // What concerns one request is over; a repeat is still to come.
                delivery.fault = fault.filter(|fault| matches!(fault, WebhookFault::Repeats(_)));
                delivery.attempt += 1;
                self.queue(delivery, now_ms.saturating_add(wait_ms));
            }
        }
        self.wake.notify_one();
    }

    fn record(&mut self, attempt: WebhookAttempt, capacity: Option<usize>) {
        self.journal.push_back(attempt);
        if capacity.is_some_and(|capacity| self.journal.len() > capacity) {
            self.journal.pop_front();
        }
    }

    pub(super) fn journal(&mut self) -> &mut VecDeque<WebhookAttempt> {
        &mut self.journal
    }

    pub(super) fn fault_next(&mut self, fault: WebhookFault) {
        self.faults.push_back(fault);
    }

    pub(super) fn counts(&self) -> WebhookCounts {
        self.counts
    }

    /// Deliveries that are neither taken nor given up.
    pub(super) fn open(&self) -> usize {
        self.due.len() + self.under_way
    }

    pub(super) fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Outbox")
            .field("webhooks", &self.webhooks)
            .field("counts", &self.counts)
            .field("open", &self.open())
            .finish_non_exhaustive()
    }
}
