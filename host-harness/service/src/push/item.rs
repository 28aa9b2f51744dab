//! The way of one item, from its claim to its end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use connector_contract::clock::unix_ms;
use connector_contract::types::{Error, ErrorKind};
use connector_runtime::retry::leaves_open;
use connector_runtime::{CallError, Stop};
use connector_state::StoreError;
use connector_state::push::{Claimed, End, Holder, IntentRow, IntentState};
use tokio::time::sleep;

use super::differences::Members;
use super::engine::Inner;
use super::error::PushError;
use super::way::{Done, Failure, Way};

/// What to do when a record was changed at the provider since it was last seen here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// The item fails.
    Fail,
    /// It is written all the same.
    Ours,
    /// It is left as it is, and what the provider has is kept here.
    Theirs,
}

/// How long a claim holds, unless it is renewed.
pub const LEASE: Duration = Duration::from_secs(15);
/// Times that an item is tried while the provider cannot be used.
const TRIES: u32 = 5;
/// The longest pause between two of them.
const LONGEST: Duration = Duration::from_secs(30);
/// Items in a row for which the provider could not be used, however often they were tried: then
/// the rest is left for later, as these are.
const AWAY: u32 = 8;
/// A limit that is used up for longer, such as a daily quota, is not waited for.
const QUOTA_MS: u32 = 120_000;
/// How often somebody else's claim is looked at again.
const LOOK: Duration = Duration::from_millis(500);

/// Brings one item to its end, and answers it as it stands then.
///
/// # Errors
/// [`PushError`], when the push cannot go on. The item is left for the next time.
pub async fn bring(push: &Inner, item: &IntentRow) -> Result<IntentRow, PushError> {
    let (run, index) = (item.run.clone(), item.index);
    let holder = Holder { run, index, owner: push.owner.clone() };
    loop {
        let claimed = push.intents.claim(&holder, push.lease_end()).await?;
        let item = match claimed {
            Claimed::Ended(item) => return Ok(*item),
            Claimed::Busy(until) => {
                push.wait(until).await;
                continue;
            }
            Claimed::Ours(item) => *item,
        };
        match end(push, item, holder.clone()).await {
            // Somebody thought that this process was gone. What they made of it counts.
            Err(PushError::Store(StoreError::TakenOver { .. })) => {}
            ended => return ended,
        }
    }
}

async fn end(push: &Inner, item: IntentRow, holder: Holder) -> Result<IntentRow, PushError> {
    let index = item.index;
    let input = push.sealer.open(&item).map_err(|why| PushError::Kept { index, why })?;
    let members: Members = serde_json::from_str(&input).unwrap_or_default();
    let (sent, open) = (item.sent, item.state != IntentState::Pending && item.sent.is_some());
    let mut way = Way { push, item, holder, input, members, sent, open, asked: 0 };
    let mut tries = 1;
    let (end, batch, stop) = loop {
        match way.attempt().await {
            Ok(Done { outcome, id, batch }) => {
                push.away.store(0, Ordering::Relaxed);
                let (state, outcome) = (IntentState::Done, Some(outcome));
                break (End { state, outcome, id, error: None }, batch, None);
            }
            Err(Failure::Stop(error)) => return Err(error),
            Err(Failure::Refused(why)) => {
                let state = IntentState::Failed;
                break (End { state, outcome: None, id: None, error: Some(why) }, None, None);
            }
            Err(Failure::Call(error)) => {
                if is_passing(&error) && tries < TRIES && !stops(&error) {
                    sleep(pause(tries, &error)).await;
                    tries += 1;
                    continue;
                }
                let (away, stops) = (is_away(&error), stops(&error));
                let stops = stops || (away && push.is_away());
                // What was not tried to its end is no failure of the item's.
                let state = match (way.open || leaves_open(&error), stops || away) {
                    (true, _) => IntentState::Parked,
                    (false, true) => IntentState::Pending,
                    (false, false) => IntentState::Failed,
                };
                let why = Some(error.to_string());
                let end = End { state, outcome: None, id: None, error: why };
                break (end, None, stops.then_some(error));
            }
        }
    };
    let Way { item, holder, input, .. } = way;
    let error = end.error.map(|text| push.without_secrets(&text, &input));
    let end = End { error, ..end };
    push.intents.end(&holder, end.clone(), batch).await?;
    if let Some(error) = stop {
        return Err(PushError::Stopped(error));
    }
    let End { state, outcome, id, error } = end;
    Ok(IntentRow { state, outcome, id: id.or(item.id.clone()), error, ..item })
}

impl Inner {
    /// When a claim that is made now ends.
    pub fn lease_end(&self) -> u64 {
        let lease = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
        self.now_ms().saturating_add(lease)
    }

    pub fn now_ms(&self) -> u64 {
        unix_ms(self.clock.now())
    }

    /// Whether so many items in a row could not be done that the provider is not there.
    fn is_away(&self) -> bool {
        self.away.fetch_add(1, Ordering::Relaxed) + 1 >= AWAY
    }

    /// Waits for a claim of somebody else's that lasts until then, or ends earlier.
    pub async fn wait(&self, until_ms: u64) {
        let left = Duration::from_millis(until_ms.saturating_sub(self.now_ms()).max(1));
        sleep(left.min(LOOK)).await;
    }
}

fn pause(tries: u32, error: &CallError) -> Duration {
    let asked = match error {
        CallError::Connector(Error { kind: ErrorKind::RateLimited(Some(ms)), .. }) => *ms,
        _ => 0,
    };
    let own = Duration::from_secs(1) * 2_u32.saturating_pow(tries);
    own.max(Duration::from_millis(u64::from(asked))).min(LONGEST)
}

/// Whether trying again later may help.
fn is_passing(error: &CallError) -> bool {
    let passing = |kind: &ErrorKind| {
        matches!(kind, ErrorKind::Unavailable | ErrorKind::RateLimited(_))
            || matches!(kind, ErrorKind::OutcomeUnknown)
    };
    match error {
        CallError::Connector(error) => passing(&error.kind),
        CallError::Stopped { reason: Stop::NoInstance(_), .. } => true,
        CallError::Stopped { wrote, .. } => *wrote,
        _ => false,
    }
}

/// Whether it was not the item's turn to be judged: the provider, or the way to it, had a fault.
fn is_away(error: &CallError) -> bool {
    let CallError::Connector(error) = error else { return false };
    let away =
        |kind: &ErrorKind| matches!(kind, ErrorKind::Unavailable | ErrorKind::RateLimited(_));
    away(&error.kind) || matches!(error.kind, ErrorKind::QuotaExhausted(_))
}

/// Whether no other item would fare better.
fn stops(error: &CallError) -> bool {
    let CallError::Connector(error) = error else { return false };
    match error.kind {
        ErrorKind::Unauthenticated | ErrorKind::QuotaExhausted(_) => true,
        ErrorKind::RateLimited(wait) => wait.is_some_and(|ms| ms > QUOTA_MS),
        _ => false,
    }
}
