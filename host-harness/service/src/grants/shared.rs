//! What the renewals of one connection stand on: its row in the store, and the tokens held.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use connector_contract::backoff::Backoff;
use connector_contract::clock::Clock;
use connector_runtime::observe::{Event, Level, Observer};
use connector_runtime::{Current, TokenRenewer};
use connector_state::{GrantRow, LeaseHolder, Retry, Store, StoreError};
use tokio::time::{Instant, sleep};

use super::error::GrantError;
use super::held::{CachedTokens, current};
use super::protocol::{
    Claim, ClaimRequest, RenewalOutcome, claim, erase_previous, may_send, settle,
};
use super::schedule::{LEASE_MS, usable_until_ms};
use super::tokens;
use crate::lock;
use crate::vault::Key;

/// Between two looks at a row that another process renews.
pub const POLL: Duration = Duration::from_millis(500);
/// What came of an attempt is written for so long, although the store fails: tokens that are not
/// kept are lost.
const KEEP_FOR: Duration = Duration::from_secs(60);
/// Between two tries to write it.
const NOT_KEPT: Backoff = Backoff::new(&[100, 200, 400, 800, 1_600, 3_200, 5_000]);
/// A token refused within this time of its receipt is not mended by another one.
const REFUSED_AGAIN: Duration = Duration::from_secs(300);

/// See [`super::Grants`].
pub struct GrantKeeper {
    pub store: Arc<dyn Store>,
    pub connection: String,
    pub key: Key,
    pub provider: Arc<dyn TokenRenewer>,
    pub clock: Arc<dyn Clock>,
    pub observer: Arc<dyn Observer>,
    pub held: Mutex<Option<CachedTokens>>,
    /// The epoch that a refused token made way for, and when.
    pub replaced: Mutex<Option<(u64, Instant)>>,
    /// By the row as it was seen last, an answer may be lost.
    pub doubtful: AtomicBool,
    /// A task recovers it.
    pub recovering: AtomicBool,
}

/// The right to renew: who has it, the row that says so, and when it was asked for.
pub struct ClaimedGrant {
    pub holder: LeaseHolder,
    pub row: GrantRow,
    pub since: Instant,
}

impl ClaimedGrant {
    /// Whether there is still the time to send. The store's clock, which told the lease's end, may be
    /// another one than this process's, so what has passed is measured.
    pub fn may_send(&self) -> bool {
        let passed = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let until_ms = self.row.lease.as_ref().map_or(0, |lease| lease.until_ms);
        may_send(&self.row, until_ms.saturating_sub(LEASE_MS).saturating_add(passed))
    }
}

impl GrantKeeper {
    /// The row as it is; tokens replaced long ago are erased from it.
    pub async fn row(&self) -> Result<GrantRow, GrantError> {
        let row = self.store.grant(&self.connection).await?.ok_or(GrantError::Missing)?;
        self.saw(&row);
        let now_ms = self.clock.now_ms();
        if erase_previous(&row, now_ms).is_none() {
            return Ok(row);
        }
        let row = self.store.change_grant(&self.connection, Box::new(erase_previous)).await?;
        row.ok_or(GrantError::Missing)
    }

    /// Notes whether an answer may be lost.
    fn saw(&self, row: &GrantRow) {
        self.doubtful.store(row.is_doubtful(), Ordering::Relaxed);
    }

    /// Asks for the right to renew the tokens of `row`.
    pub async fn claim(
        &self,
        row: &GrantRow,
        refused: bool,
        holder: &str,
        outwaited: Option<String>,
    ) -> Result<Claim, GrantError> {
        let (epoch, holder) = (row.epoch, holder.to_owned());
        let claim = self.decide(move |row, now_ms| {
            let (attempt, outwaited) = (holder.as_str(), outwaited.as_deref());
            let claim = claim(row, &ClaimRequest { epoch, refused, attempt, outwaited, now_ms });
            let next = match &claim {
                Claim::Mine(next) => Some(next.clone()),
                Claim::Spent(next) => Some(next.clone()).filter(|next| next != row),
                Claim::Busy { .. } | Claim::Moved | Claim::NotNow { .. } | Claim::Ended => None,
            };
            (claim, next)
        });
        claim.await?.ok_or(GrantError::Missing)
    }

    /// Says how an attempt went; `None` when it was no longer its turn. Tries for a while when the
    /// store fails.
    pub async fn settle(
        &self,
        claimed: &ClaimedGrant,
        outcome: RenewalOutcome,
    ) -> Result<Option<GrantRow>, GrantError> {
        let (since, mut failures) = (Instant::now(), 0);
        loop {
            let (epoch, holder) = (claimed.row.epoch, claimed.holder.name().to_owned());
            let outcome = outcome.clone();
            let settled = self.decide(move |row, now_ms| {
                let next = settle(row, epoch, &holder, outcome.clone(), now_ms);
                (next.clone(), next)
            });
            match settled.await {
                // Where the answer was lost, the row says that the turn is over, and is read again.
                Err(why) if why.retry() != Retry::Never && since.elapsed() < KEEP_FOR => {
                    failures += 1;
                    sleep(NOT_KEPT.pause(failures)).await;
                }
                settled => {
                    let row = settled?.flatten();
                    row.iter().for_each(|row| self.saw(row));
                    return Ok(row);
                }
            }
        }
    }

    /// Lets `decide` say something about the row at the store's time and, if it is to change, how it
    /// is then: one step among all processes. `None` when there is no row.
    async fn decide<T: Send + 'static>(
        &self,
        decide: impl Fn(&GrantRow, u64) -> (T, Option<GrantRow>) + Send + Sync + 'static,
    ) -> Result<Option<T>, StoreError> {
        let (decision, decided) = mpsc::channel();
        let change = Box::new(move |row: &GrantRow, now_ms: u64| {
            let (said, next) = decide(row, now_ms);
            let _ = decision.send(said);
            next
        });
        self.store.change_grant(&self.connection, change).await?;
        // The store may have asked several times: what was said last is what it did.
        Ok(decided.try_iter().last())
    }

    /// The tokens that there are, if they still serve; else `error`.
    pub fn make_do(
        &self,
        row: &GrantRow,
        refused: bool,
        error: GrantError,
    ) -> Result<Current, GrantError> {
        if refused || !self.lives(row) {
            return Err(error);
        }
        let again =
            row.retry_ms.map_or(LEASE_MS, |retry| retry.saturating_sub(self.clock.now_ms()));
        self.hold(row, Some(Duration::from_millis(again).max(POLL)))
    }

    /// Holds the row's tokens. `again`: look at the row then, whatever it says.
    pub fn hold(&self, row: &GrantRow, again: Option<Duration>) -> Result<Current, GrantError> {
        let known = self.held().map(|held| held.current);
        let current = match known.filter(|current| current.epoch == row.epoch) {
            Some(current) => current,
            None => {
                let sealed = &row.sealed_tokens;
                let tokens = tokens::open(&self.key, &self.connection, row.epoch, sealed)?;
                current(row, tokens)
            }
        };
        *lock(&self.held) =
            Some(CachedTokens::new(current.clone(), row, self.clock.now_ms(), again));
        Ok(current)
    }

    /// Whether the access token can be used.
    pub fn lives(&self, row: &GrantRow) -> bool {
        match self.held().filter(|held| held.current.epoch == row.epoch) {
            Some(held) => held.lives(Instant::now()),
            None => usable_until_ms(row).is_none_or(|until| self.clock.now_ms() < until),
        }
    }

    /// Whether the tokens of `epoch` came but now, in place of refused ones.
    pub fn was_replaced(&self, epoch: u64) -> bool {
        let replaced = *lock(&self.replaced);
        replaced.is_some_and(|(by, at)| by == epoch && at.elapsed() < REFUSED_AGAIN)
    }

    pub fn held(&self) -> Option<CachedTokens> {
        lock(&self.held).clone()
    }

    pub fn say(&self, level: Level, what: &dyn std::fmt::Display) {
        let message = format!("renewing the grant: {what}");
        self.observer.event(&Event::Log { level, message });
    }
}
