//! One look at what is to be handed on, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use connector_state::outbox::plan::{self, TargetAnswer, TargetBreaker};
use connector_state::outbox::{ForwardWork, Outgoing, SettledWork, Undelivered};

/// What was done with the work that was found.
pub(super) struct Round {
    /// Whether somebody was asked.
    tried: bool,
    positions: BTreeMap<String, u64>,
    settled: SettledWork,
    blocked: BTreeSet<(String, u64)>,
    /// Records with a change of this round that waits.
    waiting: BTreeSet<(String, String, String)>,
    /// So many more changes may wait or be parked.
    room: u64,
}

impl Round {
    pub fn new(work: &ForwardWork) -> Self {
        Self {
            tried: false,
            positions: BTreeMap::new(),
            settled: SettledWork::default(),
            blocked: work.blocked.clone(),
            waiting: BTreeSet::new(),
            room: plan::MOST_UNDELIVERED.saturating_sub(work.undelivered),
        }
    }

    /// The target is left alone, and was asked already whether it is back.
    pub fn is_over(&self, breaker: &TargetBreaker) -> bool {
        self.tried && breaker.is_open()
    }

    /// No further change can wait or be parked.
    pub fn is_full(&self) -> bool {
        self.room == 0
    }

    /// A change of its record before it waits.
    pub fn is_blocked(&self, outgoing: &Outgoing) -> bool {
        self.blocked.contains(&key(outgoing)) || self.waiting.contains(&record(outgoing))
    }

    /// The forward is done with a new change; `left`: it was not taken.
    pub fn pass(&mut self, outgoing: &Outgoing, left: Option<Undelivered>) {
        let (connection, number) = key(outgoing);
        self.positions.insert(connection, number);
        if left.is_some() {
            self.room = self.room.saturating_sub(1);
        }
        self.leave(outgoing, left);
    }

    /// A change that waited was tried.
    pub fn retried(&mut self, outgoing: &Outgoing, left: Option<Undelivered>) {
        if left.is_none() {
            self.settled.delivered.push(key(outgoing));
        }
        self.leave(outgoing, left);
    }

    fn leave(&mut self, outgoing: &Outgoing, left: Option<Undelivered>) {
        if left.as_ref().is_some_and(|left| left.next_ms.is_some()) {
            self.waiting.insert(record(outgoing));
        }
        self.settled.undelivered.extend(left);
    }

    /// A message was sent; returns what becomes of its change.
    pub fn note(
        &mut self,
        breaker: &mut TargetBreaker,
        outgoing: &Outgoing,
        before: Option<&Undelivered>,
        answer: &TargetAnswer,
        now_ms: u64,
    ) -> Option<Undelivered> {
        let was_open = breaker.is_open();
        self.sent(breaker, answer);
        plan::not_taken(outgoing, before, answer, was_open, now_ms)
    }

    /// A message was sent that is of no change.
    pub fn sent(&mut self, breaker: &mut TargetBreaker, answer: &TargetAnswer) {
        self.tried = true;
        breaker.note(answer);
    }

    /// Changes of a connection up to this number were told as missed.
    pub fn told(&mut self, connection: &str, number: u64) {
        self.positions.insert(connection.to_owned(), number);
    }

    /// While the target is left alone: parks what has waited for too long.
    pub fn park_old(
        &mut self,
        work: &ForwardWork,
        takes: impl Fn(&Outgoing) -> bool,
        why: &str,
        now_ms: u64,
    ) {
        let mut stopped = BTreeSet::new();
        for outgoing in &work.pending {
            let (connection, number) = key(outgoing);
            let is_past = self.positions.get(&connection).is_some_and(|at| *at >= number);
            if is_past || stopped.contains(&connection) {
                continue;
            }
            let old = plan::unsent(outgoing, why, now_ms);
            match takes(outgoing) {
                false => self.pass(outgoing, None),
                true if old.is_some() && !self.is_full() => self.pass(outgoing, old),
                true => drop(stopped.insert(connection)),
            }
        }
        for (before, outgoing) in &work.due {
            let is_done = |row: &Undelivered| {
                (&row.connection, row.change) == (&before.connection, before.change)
            };
            let is_delivered = self.settled.delivered.contains(&key(outgoing));
            if !is_delivered && !self.settled.undelivered.iter().any(is_done) {
                let old = plan::unsent(outgoing, &before.reason, now_ms);
                self.settled.undelivered.extend(old);
            }
        }
    }

    /// What is to be kept; `None`: nothing came of it.
    pub fn settled(mut self, error: Option<String>, is_full: bool) -> Option<SettledWork> {
        self.settled.positions = self.positions.into_iter().collect();
        let is_empty = !self.tried && !is_full && self.settled == SettledWork::default();
        self.settled.error = error;
        (!is_empty).then_some(self.settled)
    }

    /// The changes that were parked.
    pub fn parked(&self) -> impl Iterator<Item = &Undelivered> {
        self.settled.undelivered.iter().filter(|left| left.next_ms.is_none())
    }
}

/// By what a change is known: its connection, and its number there.
fn key(outgoing: &Outgoing) -> (String, u64) {
    (outgoing.change.connection.clone(), outgoing.change.number)
}

fn record(outgoing: &Outgoing) -> (String, String, String) {
    let change = &outgoing.change;
    (change.connection.clone(), change.object.clone(), change.id.clone())
}
