//! What all connections of a receiver share.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::clock::Clock;
use connector_state::StoreError;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use super::Surroundings;
use super::hook::ServedHook;
use crate::lock;
use crate::webhooks::{Beat, Inbox, Note, Notes, ReceiverBounds};

/// After a failed commit, requests are turned away unread for this long.
const HOLD_OFF: Duration = Duration::from_secs(1);
/// A connection that no receiver served for this long may have missed deliveries.
const GAP: Duration = Duration::from_secs(15 * 60);

/// Counts since the receiver began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceiverCounts {
    /// Connections that are open now.
    pub open: u64,
    /// Connections that were closed because their address had too many.
    pub turned_away: u64,
    /// Deliveries that were kept.
    pub kept: u64,
    /// Deliveries whose events were all known.
    pub repeats: u64,
    /// Not verified: 401.
    pub unverified: u64,
    /// To be sent again: 429 and 503.
    pub later: u64,
    /// Refused for another reason.
    pub refused: u64,
}

/// A receiver of deliveries.
pub struct Receiver {
    pub(super) bounds: ReceiverBounds,
    pub(super) inbox: Arc<dyn Inbox>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) notes: Arc<dyn Notes>,
    pub(super) wake: Arc<Notify>,
    pub(super) surroundings: Surroundings,
    pub(super) hooks: Mutex<HashMap<String, Arc<ServedHook>>>,
    /// Tokens of hooks of connections that are on their way to another state.
    pub(super) away: Mutex<HashSet<String>>,
    /// A permit for each byte of a body that may still be held.
    pub(super) held: Semaphore,
    pub(super) counts: Mutex<ReceiverCounts>,
    pub(super) networks: Mutex<HashMap<AddressBlock, usize>>,
    /// When a commit failed last, if none has succeeded since.
    pub(super) failed: Mutex<Option<Instant>>,
}

impl Receiver {
    /// The hook with this token. Tokens are looked up by their hash, so the time that this takes
    /// tells nothing about one.
    pub(super) fn hook(&self, token: &str) -> Option<Arc<ServedHook>> {
        lock(&self.hooks).get(token).cloned()
    }

    /// Whether what comes to this token is to come again: here or elsewhere.
    pub(super) fn is_away(&self, token: &str) -> bool {
        lock(&self.away).contains(token)
    }

    /// Commits work.
    pub(super) fn works(&self) {
        *lock(&self.failed) = None;
    }

    /// A commit failed.
    pub(super) fn fails(&self, why: &StoreError) {
        let first = lock(&self.failed).replace(Instant::now()).is_none();
        if first {
            self.notes.failing("keeping deliveries", why);
        }
    }

    /// Whether requests are turned away for now.
    pub(super) fn holds_off(&self) -> bool {
        lock(&self.failed).is_some_and(|at| at.elapsed() < HOLD_OFF)
    }

    /// Whether a delivery could be kept: tried, unless that was known a moment ago.
    pub(super) async fn is_ready(&self) -> bool {
        let failed = *lock(&self.failed);
        failed.is_none() || (!self.holds_off() && self.beat().await.is_ok())
    }

    /// Notes on the disk that the receiver is there.
    pub(super) async fn beat(&self) -> Result<(), StoreError> {
        let served = self.served();
        let served = served.iter().map(|it| (it.hook.connection.clone(), it.take_refused()));
        let served = served.collect();
        let gap_after_ms = u64::try_from(GAP.as_millis()).unwrap_or(u64::MAX);
        let beat = self.inbox.beat(Beat { gap_after_ms, served }).await;
        match &beat {
            Ok(()) => self.works(),
            Err(why) => self.fails(why),
        }
        beat
    }

    /// Counts something.
    pub(super) fn count(&self, count: impl FnOnce(&mut ReceiverCounts)) {
        count(&mut lock(&self.counts));
    }

    fn served(&self) -> Vec<Arc<ServedHook>> {
        let mut served: Vec<_> = lock(&self.hooks).values().cloned().collect();
        served.sort_by(|a, b| a.hook.connection.cmp(&b.hook.connection));
        served
    }

    /// Has the next scan overlap what hooks turned away; for each hook not too often.
    pub(super) async fn open_missed(&self, not_more_often_than: Duration) {
        for served in self.served() {
            let Some(since_ms) = served.take_missed(not_more_often_than) else { continue };
            let connection = served.hook.connection.clone();
            if let Err(why) = self.inbox.open_gap(&connection, since_ms).await {
                served.give_missed_back(since_ms);
                return self.fails(&why);
            }
            self.notes.note(&Note::Gap { connection, since_ms });
        }
    }

    /// A place among the connections of an address, if it and its networks have one left.
    pub(super) fn place(self: &Arc<Self>, address: IpAddr) -> Option<AddressPlace> {
        let is_proxy = self.surroundings.trusted_proxies.contains(&address);
        let counted = if is_proxy { vec![] } else { networks(address) };
        let most = [self.bounds.connections_of_address, self.bounds.connections_of_site];
        let mut open = lock(&self.networks);
        let is_full = |(network, most)| open.get(network).is_some_and(|open| *open >= most);
        if counted.iter().zip(most).any(is_full) {
            return None;
        }
        counted.iter().for_each(|network| *open.entry(*network).or_default() += 1);
        Some(AddressPlace { shared: Arc::clone(self), counted })
    }
}

/// Addresses that somebody may have all of, and the length of what they share.
pub type AddressBlock = (IpAddr, u8);

/// Whose an address is, the smallest network first. An IPv4 address stands for itself. Whoever has
/// one of IPv6 has its /64 (RFC 4291 section 2.5.4), and a site may have a /48 (RFC 6177).
fn networks(address: IpAddr) -> Vec<AddressBlock> {
    match address {
        IpAddr::V4(_) => vec![(address, 32)],
        IpAddr::V6(address) => {
            let first = |bits: u8| {
                let mask = u128::MAX << (128 - u32::from(bits));
                (IpAddr::from((u128::from(address) & mask).to_be_bytes()), bits)
            };
            vec![first(64), first(48)]
        }
    }
}

/// A connection's place among those of its networks; given back when it is dropped.
pub struct AddressPlace {
    shared: Arc<Receiver>,
    counted: Vec<AddressBlock>,
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut networks = lock(&self.shared.networks);
        for network in &self.counted {
            if let Some(open) = networks.get_mut(network) {
                *open = open.saturating_sub(1);
                if *open == 0 {
                    networks.remove(network);
                }
            }
        }
    }
}
