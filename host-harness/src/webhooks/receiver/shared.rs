//! What all connections of a receiver share.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::Surroundings;
use super::body::Held;
use super::counts::Counting;
use super::hook::Served;
use crate::clock::{Clock, unix_ms};
use crate::store::StoreError;
use crate::webhooks::{Beat, Bounds, Inbox, Note, Notes};

/// After a failed commit, requests are turned away unread for this long.
const HOLD_OFF: Duration = Duration::from_secs(1);
/// A connection that no receiver served for this long may have missed deliveries.
const GAP: Duration = Duration::from_secs(15 * 60);

pub struct Shared {
    pub bounds: Bounds,
    pub inbox: Arc<dyn Inbox>,
    pub clock: Arc<dyn Clock>,
    pub notes: Arc<dyn Notes>,
    pub wake: Arc<Notify>,
    pub surroundings: Surroundings,
    pub hooks: RwLock<HashMap<String, Arc<Served>>>,
    pub held: Held,
    pub counts: Counting,
    addresses: Mutex<HashMap<IpAddr, usize>>,
    /// When a commit failed last, if none has succeeded since.
    failed: Mutex<Option<Instant>>,
}

impl Shared {
    pub fn new(
        bounds: Bounds,
        inbox: Arc<dyn Inbox>,
        clock: Arc<dyn Clock>,
        notes: Arc<dyn Notes>,
        surroundings: Surroundings,
    ) -> Self {
        Self {
            bounds,
            inbox,
            clock,
            notes,
            wake: Arc::default(),
            surroundings,
            hooks: RwLock::default(),
            held: Held::default(),
            counts: Counting::default(),
            addresses: Mutex::default(),
            failed: Mutex::new(None),
        }
    }

    /// The hook with this token. Tokens are looked up by their hash, so the time that this takes
    /// tells nothing about one.
    pub fn hook(&self, token: &str) -> Option<Arc<Served>> {
        self.hooks.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// Commits work.
    pub fn works(&self) {
        *self.failed() = None;
    }

    /// A commit failed.
    pub fn fails(&self, why: &StoreError) {
        let first = self.failed().replace(Instant::now()).is_none();
        if first {
            let why = why.to_string();
            self.notes.note(&Note::Failing { what: "keeping deliveries", why });
        }
    }

    /// Whether requests are turned away for now.
    pub fn holds_off(&self) -> bool {
        self.failed().is_some_and(|at| at.elapsed() < HOLD_OFF)
    }

    /// Whether a delivery could be kept: tried, unless that was known a moment ago.
    pub async fn is_ready(&self) -> Result<(), String> {
        match *self.failed() {
            None => return Ok(()),
            Some(at) if at.elapsed() < HOLD_OFF => return Err("commits fail".to_owned()),
            Some(_) => {}
        }
        self.beat().await.map_err(|why| why.to_string())
    }

    /// Notes on the disk that the receiver is there.
    pub async fn beat(&self) -> Result<(), StoreError> {
        let served: Vec<Arc<Served>> = {
            let hooks = self.hooks.read().unwrap_or_else(PoisonError::into_inner);
            hooks.values().cloned().collect()
        };
        let refused: Vec<u64> = served.iter().map(|served| served.take_refused()).collect();
        let beat = Beat {
            now_ms: unix_ms(self.clock.now()),
            gap_after_ms: u64::try_from(GAP.as_millis()).unwrap_or(u64::MAX),
            served: served
                .iter()
                .zip(refused)
                .map(|(served, refused)| (served.hook.connection.clone(), refused))
                .collect(),
        };
        match self.inbox.beat(beat).await {
            Ok(()) => {
                self.works();
                Ok(())
            }
            Err(why) => {
                self.fails(&why);
                Err(why)
            }
        }
    }

    /// A place among the connections of an address, if it has one left.
    pub fn place(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let trusted = self.surroundings.trusted_proxies.contains(&address);
        let mut addresses = self.addresses();
        let open = addresses.entry(address).or_default();
        if *open >= self.bounds.connections_of_address && !trusted {
            return None;
        }
        *open += 1;
        Some(Place { shared: Arc::clone(self), address })
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self) -> MutexGuard<'_, Option<Instant>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place among those of its address; given back when it is dropped.
pub struct Place {
    shared: Arc<Shared>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut addresses = self.shared.addresses();
        if let Some(open) = addresses.get_mut(&self.address) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}
