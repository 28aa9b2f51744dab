//! One forward at work.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use connector_contract::clock::Clock;
use connector_state::mirror::ChangeKind;
use connector_state::outbox::plan::{self, CHANGE_WAITS, TargetAnswer, TargetBreaker};
use connector_state::outbox::{ForwardWork, Missed, Outbox, Outgoing};
use connector_state::{LeaseHolder, StoreError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::filter::Filter;
use super::message::Message;
use super::round::Round;
use super::target::ForwardTarget;
use crate::jobs::FAILED;
use crate::webhooks::Notes;

/// How often the log is looked into when nobody says that something changed.
const TICK: Duration = Duration::from_secs(1);
/// Changes that are taken up together: so many may be sent twice when a program is ended.
const TOGETHER: u32 = 16;
/// While another process hands on, or no further change can wait.
const ELSEWHERE: Duration = Duration::from_secs(5);
/// How long the right to hand on lasts, and how often it is extended: no message takes as long as
/// the time between the two.
const LEASE: Duration = Duration::from_secs(90);
const LEASE_AGAIN: Duration = Duration::from_secs(30);
/// Tries to tell of a gap while other messages are taken; while none is, it is told as long as any
/// message.
const GAP_TRIES: u32 = 8;

/// Hands changes on for one forward.
pub(super) struct Forwarder {
    /// The log of changes.
    pub outbox: Arc<dyn Outbox>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Hears of what fails.
    pub notes: Arc<dyn Notes>,
    /// Id of the forward.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who gets them.
    pub target: ForwardTarget,
    /// A change is handed on that one of these takes; without any, every one.
    pub filters: Vec<Filter>,
}

/// What is known from one round to the next.
struct Running {
    holder: LeaseHolder,
    held_until: Option<Instant>,
    breaker: TargetBreaker,
    /// What went wrong last; `None`: something was taken since.
    error: Option<String>,
    /// By connection: a gap that the target failed to take.
    gaps: HashMap<String, UntoldGap>,
}

/// A gap that the target failed to take.
#[derive(Clone, Copy, Default)]
struct UntoldGap {
    since_ms: u64,
    /// Failed tries while the target took other messages.
    tries: u32,
    /// When it is told again.
    next_ms: u64,
}

/// When the next round is.
enum Next {
    Now,
    Changed,
    After(Duration),
}

impl Forwarder {
    /// Hands changes on until `stop`; a message that is under way then is sent again by the next
    /// run. `changed` says that there are new ones.
    pub async fn run(&self, changed: &Notify, stop: impl Future<Output = ()>) {
        tokio::select! {
            biased;
            () = stop => {}
            () = self.forward(changed) => {}
        }
    }

    async fn forward(&self, changed: &Notify) {
        let mut running = Running {
            holder: LeaseHolder::new(),
            held_until: None,
            breaker: TargetBreaker::default(),
            error: None,
            gaps: HashMap::new(),
        };
        let mut failures = 0;
        loop {
            let round = self.round(&mut running).await;
            failures = if round.is_ok() { 0 } else { failures + 1 };
            let next = round.unwrap_or_else(|why| {
                self.fails(&why.to_string());
                Next::After(FAILED.pause(failures))
            });
            match next {
                Next::Now => {}
                Next::After(pause) => sleep(pause).await,
                Next::Changed => tokio::select! {
                    biased;
                    () = changed.notified() => {}
                    () = sleep(TICK) => {}
                },
            }
        }
    }

    async fn round(&self, running: &mut Running) -> Result<Next, StoreError> {
        if !self.holds(running).await? {
            return Ok(Next::After(ELSEWHERE));
        }
        let work = self.outbox.find_work(&self.id, TOGETHER).await?;
        let mut round = Round::new(&work);
        let was_open = running.breaker.is_open();
        let mut is_full = false;
        for outgoing in &work.pending {
            if !self.takes(outgoing) {
                round.pass(outgoing, None);
                continue;
            }
            is_full = round.is_full();
            if is_full || round.is_over(&running.breaker) {
                break;
            }
            if round.is_blocked(outgoing) {
                round.pass(outgoing, Some(plan::behind(outgoing, self.clock.now_ms())));
                continue;
            }
            let Some(answer) = self.send(running, &Message::of(outgoing)).await? else { break };
            let now_ms = self.clock.now_ms();
            let left = round.note(&mut running.breaker, outgoing, None, &answer, now_ms);
            round.pass(outgoing, left);
        }
        for (before, outgoing) in &work.due {
            if round.is_over(&running.breaker) {
                break;
            }
            let Some(answer) = self.send(running, &Message::of(outgoing)).await? else { break };
            let now_ms = self.clock.now_ms();
            let left = round.note(&mut running.breaker, outgoing, Some(before), &answer, now_ms);
            round.retried(outgoing, left);
        }
        self.tell_missed(running, &mut round, &work).await?;
        if is_full {
            running.error = Some(full());
            self.fails(&full());
        }
        self.settle(running, round, &work, was_open, is_full).await
    }

    async fn settle(
        &self,
        running: &Running,
        mut round: Round,
        work: &ForwardWork,
        was_open: bool,
        is_full: bool,
    ) -> Result<Next, StoreError> {
        if running.breaker.is_open() {
            let why = running.error.as_deref().unwrap_or_default();
            if !was_open {
                self.fails(&format!("it is left alone for a while: {why}"));
            }
            round.park_old(work, |outgoing| self.takes(outgoing), why, self.clock.now_ms());
        }
        for parked in round.parked() {
            self.fails(&format!("a change is parked: {}", parked.reason));
        }
        let settled = round.settled(running.error.clone(), is_full);
        let is_something = settled.is_some();
        if let Some(settled) = settled {
            self.outbox.settle_work(&self.id, settled).await?;
        }
        Ok(match running.breaker.pause() {
            Some(pause) => Next::After(pause),
            None if is_full => Next::After(ELSEWHERE),
            None if is_something => Next::Now,
            None => Next::Changed,
        })
    }

    /// Says what was forgotten before the target had it, and goes on from there.
    async fn tell_missed(
        &self,
        running: &mut Running,
        round: &mut Round,
        work: &ForwardWork,
    ) -> Result<(), StoreError> {
        for missed in &work.missed {
            let now_ms = self.clock.now_ms();
            let kept = running.gaps.get(&missed.connection).copied();
            let mut gap = kept.unwrap_or(UntoldGap { since_ms: now_ms, ..UntoldGap::default() });
            if now_ms < gap.next_ms {
                continue;
            }
            if round.is_over(&running.breaker) {
                break;
            }
            let was_open = running.breaker.is_open();
            let message = Message::of_gap(missed, now_ms);
            let Some(answer) = self.send(running, &message).await? else { break };
            round.sent(&mut running.breaker, &answer);
            // The fault is the target's where it takes nothing else.
            gap.tries += u32::from(!was_open);
            let is_given_up =
                gap.tries >= GAP_TRIES || now_ms >= gap.since_ms.saturating_add(plan::PATIENCE_MS);
            if matches!(answer, TargetAnswer::Failed { .. }) && !is_given_up {
                gap.next_ms = if was_open { 0 } else { now_ms + CHANGE_WAITS.pause_ms(gap.tries) };
                running.gaps.insert(missed.connection.clone(), gap);
                continue;
            }
            running.gaps.remove(&missed.connection);
            round.told(&missed.connection, missed.forgotten);
            self.say_missed(missed, answer == TargetAnswer::Taken);
        }
        Ok(())
    }

    fn say_missed(&self, missed: &Missed, is_told: bool) {
        let Missed { name, position, forgotten, .. } = missed;
        let told =
            if is_told { "it was told so" } else { "it did not take the message that says so" };
        self.fails(&format!(
            "changes {} to {forgotten} of {name} were forgotten before it took them, and {told}; \
             `export` has the records as they are, and later changes follow",
            position + 1
        ));
    }

    /// Sends a message; `None`: another process has the right to.
    async fn send(
        &self,
        running: &mut Running,
        message: &Message,
    ) -> Result<Option<TargetAnswer>, StoreError> {
        if !self.holds(running).await? {
            return Ok(None);
        }
        let answer = self.target.send(message, self.clock.now_ms() / 1_000).await;
        running.error = match &answer {
            TargetAnswer::Taken => None,
            TargetAnswer::Refused(why) | TargetAnswer::Failed { why, .. } => Some(why.clone()),
        };
        Ok(Some(answer))
    }

    /// Whether this process has the right to hand on.
    async fn holds(&self, running: &mut Running) -> Result<bool, StoreError> {
        let now = Instant::now();
        if running.held_until.is_some_and(|until| now < until) {
            return Ok(true);
        }
        let for_ms = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
        let is_held = self.outbox.lease_forward(&self.id, running.holder.name(), for_ms).await?;
        running.held_until = is_held.then(|| now + LEASE_AGAIN);
        Ok(is_held)
    }

    /// What a record was that has been removed for days is not kept: such a change cannot be judged, nor
    /// told.
    fn takes(&self, outgoing: &Outgoing) -> bool {
        let kind = outgoing.change.kind;
        if matches!(kind, ChangeKind::Created | ChangeKind::Updated) && outgoing.after.is_none() {
            return false;
        }
        self.filters.is_empty() || self.filters.iter().any(|filter| filter.takes(outgoing))
    }

    fn fails(&self, why: &str) {
        self.notes.failing("handing changes on", &format!("{}: {why}", self.name));
    }
}

fn full() -> String {
    format!(
        "{} changes wait for another try or are parked, and no more may: `forwards parked` shows \
         them, `forwards retry` and `forwards drop` make room",
        plan::MOST_UNDELIVERED
    )
}
