//! Gives out the tokens of one connection, and renews them in time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use connector_contract::clock::Clock;
use connector_runtime::egress::Pending;
use connector_runtime::observe::Observer;
use connector_runtime::{CallError, Connection, Current, TokenRenewer, TokenSource};
use connector_state::{GrantRow, GrantState, LeaseHolder, Store, StoreError};
use tokio::sync::{Mutex as Turns, OwnedMutexGuard};
use tokio::time::{Instant, sleep};

use super::error::GrantError;
use super::protocol::{Claim, wants_renewal};
use super::schedule::{LEASE_MS, LOST};
use super::shared::{ClaimedGrant, GrantKeeper, POLL};
use crate::lock;
use crate::vault::Key;

/// The tokens of one connection. Clones are the same.
///
/// Several processes may have it at once: they agree through the store, and at most one of them
/// asks the provider. A renewal runs to its end although nobody waits for it any more; a program
/// that is about to end waits for [`Renewals::quiet`], and loses nothing if it cannot.
#[derive(Clone)]
pub struct Grants {
    shared: Arc<GrantKeeper>,
    turns: Arc<Turns<()>>,
}

/// The renewals of one [`Grants`] in this process. Does not keep it alive.
pub struct Renewals(Weak<Turns<()>>);

impl Renewals {
    /// Waits until none is under way.
    pub async fn quiet(&self) {
        if let Some(turns) = self.0.upgrade() {
            drop(turns.lock().await);
        }
    }

    /// Whether one is under way, or somebody is left who could begin one.
    pub fn may_come(&self) -> bool {
        self.0.strong_count() > 0
    }
}

impl Grants {
    /// The grant of the connection with this id, whose tokens `key` seals.
    pub fn new(
        store: Arc<dyn Store>,
        connection: impl Into<String>,
        key: Key,
        provider: Arc<dyn TokenRenewer>,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let (connection, held, replaced) = (connection.into(), Mutex::default(), Mutex::default());
        let (doubtful, recovering) = (AtomicBool::new(false), AtomicBool::new(false));
        let shared = GrantKeeper {
            store,
            connection,
            key,
            provider,
            clock,
            observer,
            held,
            replaced,
            doubtful,
            recovering,
        };
        Self { shared: Arc::new(shared), turns: Arc::default() }
    }

    /// The grant on which `connection` is to live: the one that is kept in `store` under this id, of
    /// which `key` seals the tokens. Hand it over with [`Connection::with_tokens`].
    pub fn of(
        connection: &Connection,
        store: Arc<dyn Store>,
        id: impl Into<String>,
        key: Key,
    ) -> Self {
        let (clock, observer) = (connection.clock(), Arc::clone(connection.observer()));
        Self::new(store, id, key, Arc::new(connection.authority()), clock, observer)
    }

    /// The tokens to use now, renewed first when it is time. While somebody else renews them, the
    /// old ones serve as long as they live.
    ///
    /// # Errors
    /// [`GrantError`] when there are none to use.
    pub async fn fresh(&self) -> Result<Current, GrantError> {
        let now = Instant::now();
        let turn = match self.shared.held() {
            Some(held) if !held.is_due(now) => return Ok(held.current),
            Some(held) if held.lives(now) => match Arc::clone(&self.turns).try_lock_owned() {
                Ok(turn) => turn,
                Err(_) => return Ok(held.current),
            },
            _ => Arc::clone(&self.turns).lock_owned().await,
        };
        self.work(turn, None).await
    }

    /// The tokens to use after the provider refused the access token of `epoch` (401): newer ones
    /// when there are, else renewed ones. Ask once for one call: a second refusal is an error of
    /// the connection.
    ///
    /// # Errors
    /// [`GrantError`] when there are no others.
    pub async fn replace(&self, epoch: u64) -> Result<Current, GrantError> {
        let turn = Arc::clone(&self.turns).lock_owned().await;
        self.work(turn, Some(epoch)).await
    }

    /// The grant as the store has it; `None` when there is none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn row(&self) -> Result<Option<GrantRow>, StoreError> {
        self.shared.store.grant(&self.shared.connection).await
    }

    /// Its renewals in this process, for who waits for their end.
    pub fn renewals(&self) -> Renewals {
        Renewals(Arc::downgrade(&self.turns))
    }

    /// A task of its own: a caller that goes away takes no rotated token with it.
    async fn work(
        &self,
        turn: OwnedMutexGuard<()>,
        refused: Option<u64>,
    ) -> Result<Current, GrantError> {
        let shared = Arc::clone(&self.shared);
        let (keeper, turns) = (Arc::downgrade(&self.shared), Arc::downgrade(&self.turns));
        let task = tokio::spawn(async move {
            let obtained = {
                let _turn = turn;
                shared.obtain(refused).await
            };
            if shared.doubtful.load(Ordering::Relaxed) {
                recover(keeper, turns);
            }
            obtained
        });
        task.await.unwrap_or(Err(GrantError::Interrupted))
    }

    /// Goes on with a renewal whose answer an earlier process may have lost. Needs a tokio runtime.
    pub fn recover(&self) {
        self.shared.doubtful.store(true, Ordering::Relaxed);
        recover(Arc::downgrade(&self.shared), Arc::downgrade(&self.turns));
    }
}

/// Asks for tokens whose answer may be lost until they come or the grant ends, although nobody needs
/// them now: many providers take a replaced token once more, for a minute to an hour. Ends with the last
/// [`Grants`], and when this program's own credentials are refused: whoever needs tokens then asks
/// again. What may be sent, and when, says the row: this only looks at it, every minute in the end, by no
/// clock that is told.
fn recover(keeper: Weak<GrantKeeper>, turns: Weak<Turns<()>>) {
    let is_first =
        keeper.upgrade().is_some_and(|keeper| !keeper.recovering.swap(true, Ordering::Relaxed));
    if !is_first {
        return;
    }
    let recovering = Recovering(Weak::clone(&keeper));
    tokio::spawn(async move {
        let _recovering = recovering;
        let mut looks = 0;
        loop {
            looks += 1;
            sleep(LOST.pause(looks).min(LOOK_EVERY)).await;
            let (Some(keeper), Some(turns)) = (keeper.upgrade(), turns.upgrade()) else { return };
            let _turn = turns.lock_owned().await;
            // It fails as it does for those who ask, and they are told.
            match keeper.row().await {
                Ok(_) if keeper.doubtful.load(Ordering::Relaxed) => {
                    let obtained = keeper.obtain_by_row(None).await;
                    if matches!(obtained, Err(GrantError::ClientRefused(_))) {
                        return;
                    }
                }
                Err(GrantError::Missing) => keeper.doubtful.store(false, Ordering::Relaxed),
                Ok(_) | Err(_) => {}
            }
            if !keeper.doubtful.load(Ordering::Relaxed) {
                // While it has the turn: who takes it next and loses an answer begins anew.
                keeper.recovering.store(false, Ordering::Relaxed);
                return;
            }
        }
    });
}

/// How often a row is looked at whose answer may be lost.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// A task that recovers a lost answer, until it ends, however it does.
struct Recovering(Weak<GrantKeeper>);

impl Drop for Recovering {
    fn drop(&mut self) {
        if let Some(keeper) = self.0.upgrade() {
            keeper.recovering.store(false, Ordering::Relaxed);
        }
    }
}

impl TokenSource for Grants {
    fn fresh(&self) -> Pending<'_, Result<Current, CallError>> {
        Box::pin(async move { Ok(Self::fresh(self).await?) })
    }

    fn replace(&self, epoch: u64) -> Pending<'_, Result<Current, CallError>> {
        Box::pin(async move { Ok(Self::replace(self, epoch).await?) })
    }
}

impl GrantKeeper {
    /// Tokens to use; where the provider refused the access token of an epoch, other ones.
    async fn obtain(&self, refused_epoch: Option<u64>) -> Result<Current, GrantError> {
        // Who had the turn before may have brought them.
        if let Some(held) = self.held()
            && refused_epoch.is_none()
            && !held.is_due(Instant::now())
        {
            return Ok(held.current);
        }
        self.obtain_by_row(refused_epoch).await
    }

    /// The same, whatever is held.
    async fn obtain_by_row(&self, refused_epoch: Option<u64>) -> Result<Current, GrantError> {
        let mut watched: Option<(String, Instant)> = None;
        loop {
            let row = self.row().await?;
            let refused = refused_epoch == Some(row.epoch);
            if refused && self.was_replaced(row.epoch) {
                return Err(GrantError::RefusedAgain);
            }
            let usable =
                row.state != GrantState::Ended && !wants_renewal(&row, self.clock.now_ms());
            if usable && !refused {
                return self.hold(&row, None);
            }
            let over = |(_, since): &&(String, Instant)| {
                since.elapsed() >= Duration::from_millis(LEASE_MS)
            };
            let outwaited = watched.as_ref().filter(over).map(|(holder, _)| holder.clone());
            let (holder, since) = (LeaseHolder::new(), Instant::now());
            match self.claim(&row, refused, holder.name(), outwaited).await? {
                Claim::Mine(row) => {
                    let claimed = ClaimedGrant { holder, row, since };
                    if let Some(current) = self.renew(&claimed, refused).await? {
                        return Ok(current);
                    }
                }
                Claim::Moved => {}
                Claim::Busy { .. } => {
                    if !refused && self.lives(&row) {
                        return self.hold(&row, Some(POLL));
                    }
                    // A time of day that was set back must not keep a dead owner's lease alive.
                    let holder = row.lease.map(|lease| lease.attempt);
                    if holder.as_ref() != watched.as_ref().map(|(holder, _)| holder) {
                        watched = holder.map(|holder| (holder, Instant::now()));
                    }
                    sleep(POLL).await;
                }
                Claim::NotNow { retry_ms } => {
                    let why = "an earlier try failed".to_owned();
                    let after = Duration::from_millis(retry_ms.saturating_sub(self.clock.now_ms()));
                    return self.make_do(&row, refused, GrantError::Later { why, after });
                }
                Claim::Spent(row) => return self.make_do(&row, refused, GrantError::Uncertain),
                Claim::Ended => {
                    *lock(&self.held) = None;
                    let why = "it was refused before".to_owned();
                    return Err(GrantError::Ended(why));
                }
            }
        }
    }
}
