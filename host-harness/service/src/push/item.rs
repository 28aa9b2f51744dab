//! What becomes of one item, from its claim to its end.

use std::sync::atomic::Ordering;
use std::time::Duration;

use connector_contract::backoff::Backoff;
use connector_contract::types::{Error, ErrorKind};
use connector_runtime::retry::leaves_open;
use connector_runtime::{CallError, Stop};
use connector_state::StoreError;
use connector_state::push::{Claimed, Holder, IntentEnd, IntentRow, IntentState};
use tokio::time::sleep;

use super::engine::PushRun;
use super::error::PushError;
use super::write::{Done, Failure, ItemWrite};

/// What to do when a record was changed at the provider since it was last seen here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// The item fails.
    Fail,
    /// It is written all the same.
    Ours,
    /// It is left as it is, and what the provider has is kept here.
    Theirs,
    /// The item waits until somebody decides.
    Park,
}

impl OnConflict {
    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Ours => "ours",
            Self::Theirs => "theirs",
            Self::Park => "park",
        }
    }

    /// The one that is written so.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Fail, Self::Ours, Self::Theirs, Self::Park].into_iter().find(|it| it.word() == word)
    }
}

/// How long a claim holds, unless it is renewed.
pub const LEASE_MS: u64 = 15_000;
/// Times that an item is tried while the provider cannot be used.
const TRIES: u32 = 5;
/// Pauses between two of them.
const FAILED: Backoff = Backoff::new(&[2_000, 4_000, 8_000, 16_000, 30_000]);
/// After so many items in a row for which the provider could not be used, these and the rest are
/// left for a later run.
const AWAY: u32 = 8;
/// A limit that is used up for longer, such as a daily quota, is not waited for.
const QUOTA_MS: u32 = 120_000;
/// How often somebody else's claim is looked at again.
const LOOK: Duration = Duration::from_millis(500);

/// Brings one item to its end, and returns it as it stands then.
///
/// # Errors
/// [`PushError`], when the push cannot go on. The item is left for the next time.
pub async fn bring(run: &PushRun, item: &IntentRow) -> Result<IntentRow, PushError> {
    let push = &run.push;
    let holder =
        Holder { run: item.run.clone(), index: item.index, owner: run.owner.name().to_owned() };
    loop {
        let item = match push.intents.claim(&holder, LEASE_MS).await? {
            Claimed::Settled(item) => return Ok(*item),
            Claimed::Busy(busy_ms) => {
                wait(busy_ms).await;
                continue;
            }
            Claimed::Ours(item) => *item,
        };
        match end(run, item, holder.clone()).await {
            // Somebody thought that this process was gone. What they made of it counts.
            Err(PushError::Store(StoreError::TakenOver { .. })) => {}
            ended => return ended,
        }
    }
}

async fn end(run: &PushRun, item: IntentRow, holder: Holder) -> Result<IntentRow, PushError> {
    let push = &run.push;
    let mut write = ItemWrite::new(run, item, holder.clone())?;
    let mut tries = 1;
    let (end, batch, stop) = loop {
        let ended = |state, error| {
            let (outcome, id, error) = (None, None, Some(error));
            IntentEnd { state, outcome, id, error, conflict: None }
        };
        match write.attempt().await {
            Ok(Done { outcome, id, batch }) => {
                run.away.store(0, Ordering::Relaxed);
                let (state, outcome) = (IntentState::Done, Some(outcome));
                let end = IntentEnd { state, outcome, id, error: None, conflict: None };
                break (end, batch, None);
            }
            Err(Failure::Conflict { id, conflict }) => {
                let why = format!(
                    "{id} was changed at the provider since it was last seen here; on the command line look at \
                     it by `push --conflicts={}`, then `push --decide {}:{}=ours`, or theirs",
                    holder.run, holder.run, holder.index
                );
                let (id, conflict) = (Some(id), Some(conflict));
                let end = IntentEnd { id, conflict, ..ended(IntentState::Parked, why) };
                break (end, None, None);
            }
            Err(Failure::Store(error)) => return Err(error.into()),
            Err(Failure::Refused(why)) => break (ended(IntentState::Failed, why), None, None),
            Err(Failure::Call(error)) => {
                let CallFault { passing, away, stops } = fault(&error);
                if passing && tries < TRIES && !stops {
                    sleep(pause(tries, &error)).await;
                    tries += 1;
                    continue;
                }
                let stops = stops || (away && run.is_away());
                // What was not tried to its end is no failure of the item's.
                let state = match (write.open || leaves_open(&error), stops || away) {
                    (true, _) => IntentState::Parked,
                    (false, true) => IntentState::Pending,
                    (false, false) => IntentState::Failed,
                };
                break (ended(state, error.to_string()), None, stops.then_some(error));
            }
        }
    };
    let ItemWrite { item, input, .. } = write;
    let error = end.error.map(|text| push.without_secrets(&text, &input));
    let end = IntentEnd { error, ..end };
    push.intents.end(&holder, end.clone(), batch).await?;
    if let Some(error) = stop {
        return Err(PushError::Stopped(error));
    }
    let IntentEnd { state, outcome, id, error, conflict } = end;
    let id = id.or(item.id.clone());
    let conflict_ms = conflict.is_some().then(|| push.clock.now_ms());
    Ok(IntentRow { state, outcome, id, error, conflict, conflict_ms, ..item })
}

/// Waits for a claim of somebody else's that lasts for so long, or ends earlier.
pub async fn wait(busy_ms: u64) {
    sleep(Duration::from_millis(busy_ms.max(1)).min(LOOK)).await;
}

impl PushRun {
    /// Counts an item for which the provider could not be used. Whether there are so many in a row
    /// that it is taken to be down.
    fn is_away(&self) -> bool {
        self.away.fetch_add(1, Ordering::Relaxed) + 1 >= AWAY
    }
}

fn pause(tries: u32, error: &CallError) -> Duration {
    let asked = match error {
        CallError::Connector(Error { kind: ErrorKind::RateLimited(Some(ms)), .. }) => *ms,
        _ => 0,
    };
    FAILED.pause(tries).max(Duration::from_millis(asked.into())).min(FAILED.longest())
}

/// What a failed call says about the rest of the push.
struct CallFault {
    /// Trying again later may help.
    passing: bool,
    /// The provider or the network had a fault, which says nothing about the item.
    away: bool,
    /// No other item would fare better.
    stops: bool,
}

fn fault(error: &CallError) -> CallFault {
    // Of an object that is paused because it is forbidden, no item would fare better.
    let is_paused = matches!(error, CallError::Paused(_));
    let (passing, away, stops) = match (error.error(), error) {
        (Some(error), _) => match error.kind {
            ErrorKind::Unavailable => (true, true, false),
            ErrorKind::RateLimited(wait) => (true, true, wait.is_some_and(|ms| ms > QUOTA_MS)),
            ErrorKind::QuotaExhausted(_) => (false, true, true),
            ErrorKind::OutcomeUnknown => (true, false, false),
            ErrorKind::Unauthenticated => (false, false, true),
            _ => (false, false, is_paused),
        },
        (None, CallError::Stopped { reason: Stop::NoInstance(_), .. }) => (true, false, false),
        (None, CallError::Stopped { wrote, .. }) => (*wrote, false, false),
        (None, _) => (false, false, false),
    };
    CallFault { passing, away, stops }
}
