//! What becomes of what is kept: decided from what a database has read, without a clock or a disk of
//! its own, and written by the database as it is.
//!
//! | what happens | reads | decides |
//! |---|---|---|
//! | a delivery comes | which of its keys are known, objects of the subscriptions | [`arrival`], [`works`] |
//! | a delivery is read again | which of its keys are known | [`new_events`] |
//! | a subscription is put | the one that is there | [`subscription`] |
//! | an event is settled, replayed | the event | [`settle`], [`replay`] |
//! | a receiver is there, a gap opens or closes | the hook | [`beat`], [`open_gap`], [`close_gap`] |
//! | time passes | a delivery with the states of its events | [`is_over`] |

use std::collections::BTreeSet;

use super::{
    EventEffect, EventRow, EventState, FAILED_TRIES, FailedTry, HookRow, NewEvent, Receipt,
    Settled, SubscriptionRow,
};
use crate::retention::DELIVERIES_MS;

/// Letters of the reason of a failed try.
const REASON: usize = 500;

/// What an event is known by, as it is kept.
pub type EventKey = [u8; 16];

/// The part of an event's digest that is kept: half of SHA-256 is met twice by nobody.
#[must_use]
pub fn key(event: &NewEvent) -> EventKey {
    let [first, ..] = event.key.as_chunks().0 else { return EventKey::default() };
    *first
}

/// Newest numbers that were given away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Of a delivery.
    pub delivery: u64,
    /// Of an event. Those of one delivery follow one another.
    pub event: u64,
}

/// What a connection's numbers of waiting and of dead events change by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CountChange {
    /// Those that wait.
    pub waiting: i64,
    /// Those that were given up on.
    pub dead: i64,
}

impl CountChange {
    /// An event is in this state now.
    pub fn add(&mut self, state: EventState) {
        self.by(state, 1);
    }

    /// An event was in this state.
    pub fn take(&mut self, state: EventState) {
        self.by(state, -1);
    }

    fn by(&mut self, state: EventState, change: i64) {
        match state {
            EventState::Waiting => self.waiting += change,
            EventState::Dead => self.dead += change,
            EventState::Done => {}
        }
    }
}

/// An event that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedEvent<'a> {
    /// Its number.
    pub number: u64,
    /// To be known from now on.
    pub key: EventKey,
    /// What it says.
    pub new: &'a NewEvent,
    /// How far it is.
    pub state: EventState,
    /// It needs the provider.
    pub asks: bool,
    /// When it is taken up.
    pub next_ms: Option<u64>,
    /// When nothing was left to do about it.
    pub applied_ms: Option<u64>,
}

/// What is kept of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// What its sender's side hears: unless it is new, nothing is kept.
    pub receipt: Receipt,
    /// The events that are new.
    pub events: Vec<PlannedEvent<'a>>,
    /// Deliveries may have been missed since it came.
    pub opens_gap: bool,
}

/// What is kept of a delivery with these events, when it comes at `now_ms` and these keys are
/// `known`. Gives away `numbers`.
#[must_use]
pub fn arrival<'a>(
    events: &'a [NewEvent],
    known: &BTreeSet<EventKey>,
    numbers: &mut Numbers,
    now_ms: u64,
) -> Arrival<'a> {
    let events = new_events(events, known, numbers, now_ms);
    if events.is_empty() {
        return Arrival { receipt: Receipt::Repeat, events, opens_gap: false };
    }
    numbers.delivery += 1;
    let dead = events.iter().find(|event| event.state == EventState::Dead);
    let dead = dead.map(|event| event.number);
    let receipt = Receipt::New { delivery: numbers.delivery, dead };
    Arrival { receipt, events, opens_gap: dead.is_some() }
}

/// Those of a delivery's events that are new, in the order and with the numbers in which they are
/// kept: one whose key is known is none, and so is one that comes twice in a delivery. Where a delivery
/// is read again, they take the place of its unreadable event.
#[must_use]
pub fn new_events<'a>(
    events: &'a [NewEvent],
    known: &BTreeSet<EventKey>,
    numbers: &mut Numbers,
    now_ms: u64,
) -> Vec<PlannedEvent<'a>> {
    let mut seen = BTreeSet::new();
    let mut planned = Vec::with_capacity(events.len());
    for new in events {
        let key = key(new);
        if known.contains(&key) || !seen.insert(key) {
            continue;
        }
        let state = match &new.effect {
            EventEffect::Unreadable => EventState::Dead,
            EventEffect::Nothing => EventState::Done,
            EventEffect::Upserted(_) | EventEffect::Deleted(_) | EventEffect::Changed(_) => {
                EventState::Waiting
            }
        };
        numbers.event += 1;
        planned.push(PlannedEvent {
            number: numbers.event,
            key,
            new,
            state,
            asks: new.asks || asks(&new.effect),
            next_ms: (state == EventState::Waiting).then_some(now_ms),
            applied_ms: (state == EventState::Done).then_some(now_ms),
        });
    }
    planned
}

/// Whether only the provider knows the record.
fn asks(effect: &EventEffect) -> bool {
    matches!(effect, EventEffect::Changed(_))
}

/// Which subscriptions, by their objects, a verified delivery shows to work: those to the objects
/// of its events. Where none is to one of these, all are: what a subscription is to may hand over
/// events of other objects.
pub fn works<'a>(
    events: &'a [NewEvent],
    subscribed: &'a [String],
) -> impl Iterator<Item = usize> + 'a {
    let is_meant = |object: &String| events.iter().any(|event| event.object == *object);
    let any = subscribed.iter().any(is_meant);
    let works =
        move |(place, object): (usize, &String)| (!any || is_meant(object)).then_some(place);
    subscribed.iter().enumerate().filter_map(works)
}

/// A subscription that is put where `kept` is: deliveries that came while the provider was asked for
/// it stay counted.
#[must_use]
pub fn subscription(row: SubscriptionRow, kept: Option<&SubscriptionRow>) -> SubscriptionRow {
    let Some(kept) = kept else { return row };
    let deliveries = row.deliveries.max(kept.deliveries);
    SubscriptionRow { deliveries, last_ms: row.last_ms.max(kept.last_ms), ..row }
}

/// What is put in the place of an event's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventChange {
    /// How far it is.
    pub state: EventState,
    /// Failed tries.
    pub attempts: u32,
    /// When it is taken up again.
    pub next_ms: Option<u64>,
    /// It needs the provider.
    pub asks: bool,
    /// What went wrong.
    pub reason: Option<String>,
    /// When it was applied, if it is.
    pub applied_ms: Option<u64>,
    /// The try that failed, to be added to those before it ([`with_try`]).
    pub failed: Option<FailedTry>,
    /// Deliveries may have been missed since then.
    pub gap_ms: Option<u64>,
    /// Of its connection.
    pub counts: CountChange,
}

/// What came of an event that was in a state `was`, and had come with its delivery at `received_ms`;
/// `None` when nothing changes. One that is done stays so: whoever settles it once more has lost its
/// lease, and believes what was true before.
#[must_use]
pub fn settle(
    was: EventState,
    received_ms: u64,
    settled: Settled,
    now_ms: u64,
) -> Option<EventChange> {
    if was == EventState::Done {
        return None;
    }
    let mut counts = CountChange::default();
    counts.take(was);
    counts.add(settled.state);
    // Nothing is left to do about one that is done.
    let again_after_ms = settled.again_after_ms.filter(|_| settled.state != EventState::Done);
    let is_done = settled.state == EventState::Done;
    let failed = settled.reason.as_ref().filter(|_| !is_done).map(|reason| FailedTry {
        at_ms: now_ms,
        reason: reason.chars().take(REASON).collect(),
        wait_ms: again_after_ms,
    });
    Some(EventChange {
        applied_ms: is_done.then_some(now_ms),
        failed,
        state: settled.state,
        attempts: settled.attempts,
        next_ms: again_after_ms.map(|after| now_ms.saturating_add(after)),
        asks: settled.asks,
        reason: settled.reason,
        gap_ms: settled.missed.then_some(received_ms),
        counts,
    })
}

/// A person has an event tried again: a dead one from the start, or one that waits before its time.
#[must_use]
pub fn replay(event: &EventRow, now_ms: u64) -> Option<EventChange> {
    let is_later = event.next_ms.is_some_and(|next_ms| next_ms > now_ms);
    let attempts = match event.state {
        EventState::Dead => 0,
        EventState::Waiting if is_later => event.attempts,
        EventState::Waiting | EventState::Done => return None,
    };
    let settled = Settled {
        state: EventState::Waiting,
        attempts,
        again_after_ms: Some(0),
        asks: asks(&event.effect),
        reason: event.reason.clone(),
        ..Settled::of(event)
    };
    // It has not failed once more.
    settle(event.state, event.received_ms, settled, now_ms)
        .map(|change| EventChange { failed: None, ..change })
}

/// The failed tries of an event with one more: the newest [`FAILED_TRIES`].
#[must_use]
pub fn with_try(mut tries: Vec<FailedTry>, failed: FailedTry) -> Vec<FailedTry> {
    tries.push(failed);
    tries.split_off(tries.len().saturating_sub(FAILED_TRIES))
}

/// Whether a delivery may be forgotten: it is old, and nothing is left to do about any of its
/// events. A dead letter waits for a person.
#[must_use]
pub fn is_over(
    received_ms: u64,
    states: impl IntoIterator<Item = EventState>,
    now_ms: u64,
) -> bool {
    is_old(received_ms, now_ms) && states.into_iter().all(|state| state == EventState::Done)
}

/// Whether a delivery has been kept for as long as those are that are done.
#[must_use]
pub fn is_old(received_ms: u64, now_ms: u64) -> bool {
    received_ms.saturating_add(DELIVERIES_MS) <= now_ms
}

/// Deliveries of a hook may have been missed since then.
pub fn open_gap(hook: &mut HookRow, since_ms: u64) {
    hook.gap_ms = Some(hook.gap_ms.map_or(since_ms, |gap_ms| gap_ms.min(since_ms)));
    hook.gap_end_ms = Some(hook.gap_end_ms.map_or(since_ms, |end_ms| end_ms.max(since_ms)));
}

/// A scan is complete that overlaps what a hook missed from `gap_ms` until `until_ms`. Answers
/// whether no gap is left.
pub fn close_gap(hook: &mut HookRow, gap_ms: u64, until_ms: u64) -> bool {
    let Some(began_ms) = hook.gap_ms else { return true };
    if began_ms < gap_ms {
        return false;
    }
    let left = hook.gap_end_ms.is_some_and(|end_ms| end_ms >= until_ms);
    hook.gap_ms = left.then_some(began_ms.max(until_ms));
    hook.gap_end_ms = hook.gap_end_ms.filter(|_| left);
    !left
}

/// A receiver serves a hook, and refused so many deliveries since it said so last. After an absence
/// of more than `gap_after_ms` there is a gap from its beginning until now.
pub fn beat(hook: &mut HookRow, refused: u64, gap_after_ms: u64, now_ms: u64) {
    let oldest_ms = now_ms.saturating_sub(gap_after_ms);
    if let Some(alive_ms) = hook.alive_ms.filter(|alive_ms| *alive_ms < oldest_ms) {
        open_gap(hook, alive_ms);
        hook.gap_end_ms = Some(now_ms);
    }
    hook.alive_ms = Some(now_ms);
    hook.refused += refused;
    if refused > 0 {
        hook.refused_ms = Some(now_ms);
    }
}

/// Whether a hook has a gap now that it had not before.
#[must_use]
pub fn opens_gap(before: &HookRow, after: &HookRow) -> bool {
    after.gap_ms.is_some() && before.gap_ms != after.gap_ms
}

#[cfg(test)]
mod tests;
