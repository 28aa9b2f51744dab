//! Applies what the inbox holds.
//!
//! Each connection is worked for on its own, so that one with a poison event, or with a provider
//! that is away, holds up nobody else. Of a connection, what can be applied at once is applied in
//! the order of its arrival, many events in one transaction; what needs the provider goes beside
//! it. Trying an event again after a crash changes nothing, because the mirror's versions decide.

mod apply;
mod ask;
mod connection;

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::backoff::Backoff;
use connector_contract::clock::Clock;
use connector_runtime::retry::Blame;
use connector_state::mirror::Mirror;
use connector_state::{LeaseHolder, StoreError};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

pub use self::connection::{ConnectionReads, Reads, WorkerConnection};
use super::{EventEffect, EventRow, EventState, Inbox, Note, Notes, Settled};
use crate::jobs::PANICKED;
use crate::lock;

/// Connections that are worked for at the same time.
const AT_ONCE: usize = 16;
/// The right to work for a connection lasts so long, and is extended while there is work.
const LEASE_MS: u64 = 30_000;
/// Events that are taken up together.
const TOGETHER: u32 = 100;
/// When the worker stops, what it is doing has this time.
const FAREWELL: Duration = Duration::from_secs(10);
/// Failed tries after which an event is given up.
const TRIES: u32 = 8;
/// How long an event waits at most after so many failed tries; drawn from between nothing and
/// this. All of them together are less than the 24 hours after which a daily scan with overlap has
/// brought the same news.
const FAILED: Backoff = Backoff::new(&[10_000, 120_000, 1_440_000, 4 * 3_600_000]);

/// How a worker goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How often the inbox is looked into when nobody says that something came.
    pub tick: Duration,
    /// Seed of the jitter; `None` takes one from the system.
    pub seed: Option<u64>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { tick: Duration::from_secs(1), seed: None }
    }
}

/// Applies events.
pub struct Worker {
    inbox: Arc<dyn Inbox>,
    mirror: Arc<dyn Mirror>,
    clock: Arc<dyn Clock>,
    notes: Arc<dyn Notes>,
    connections: Mutex<HashMap<String, WorkerConnection>>,
    tick: Duration,
    /// Connections that are being worked for, and whether more of theirs was due meanwhile.
    busy: Mutex<HashMap<String, bool>>,
    more: Notify,
    random: Mutex<fastrand::Rng>,
    stopping: AtomicBool,
    changed: Arc<Notify>,
    failing: AtomicBool,
}

impl Worker {
    /// A worker that knows no connection yet.
    pub fn new(
        inbox: Arc<dyn Inbox>,
        mirror: Arc<dyn Mirror>,
        clock: Arc<dyn Clock>,
        notes: Arc<dyn Notes>,
        pace: Pace,
    ) -> Arc<Self> {
        let random = pace.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Arc::new(Self {
            inbox,
            mirror,
            clock,
            notes,
            connections: Mutex::default(),
            tick: pace.tick,
            busy: Mutex::default(),
            more: Notify::new(),
            random: Mutex::new(random),
            stopping: AtomicBool::new(false),
            changed: Arc::default(),
            failing: AtomicBool::new(false),
        })
    }

    /// Works for these connections, by id, and for no others.
    pub fn work_for(&self, connections: HashMap<String, WorkerConnection>) {
        *lock(&self.connections) = connections;
    }

    /// Told when a change was made.
    pub fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Works until `stop`. `wake` tells that something came.
    pub async fn run(self: &Arc<Self>, wake: &Notify, stop: impl Future<Output = ()>) {
        self.stopping.store(false, Ordering::Relaxed);
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        let working = async {
            loop {
                match self.inbox.due().await {
                    Ok(due) => {
                        self.works();
                        due.into_iter().for_each(|id| self.begin(&mut tasks, &room, id));
                    }
                    Err(why) => self.fails(&why),
                }
                let tick = sleep(self.tick);
                tokio::pin!(tick);
                loop {
                    tokio::select! {
                        biased;
                        Some(ended) = tasks.join_next() => self.panicked(&ended),
                        () = wake.notified() => break,
                        () = self.more.notified() => break,
                        () = &mut tick => break,
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = stop => {}
            () = working => {}
        }
        self.stopping.store(true, Ordering::Relaxed);
        let all = async { while tasks.join_next().await.is_some() {} };
        let _ = timeout(FAREWELL, all).await;
    }

    /// Begins to work for a connection, unless somebody does.
    fn begin(self: &Arc<Self>, tasks: &mut JoinSet<()>, room: &Arc<Semaphore>, id: String) {
        let Some(connection) = lock(&self.connections).get(&id).cloned() else { return };
        let mut busy = lock(&self.busy);
        if let Some(more) = busy.get_mut(&id) {
            *more = true;
            return;
        }
        busy.insert(id.clone(), false);
        drop(busy);
        let (work, room) =
            (ConnectionWork { shared: Arc::clone(self), id, connection }, room.clone());
        tasks.spawn(async move {
            // Never closed, so a failure to acquire cannot come.
            let _room = room.acquire().await;
            if let Err(why) = work.run().await {
                work.shared.fails(&why);
            }
        });
    }

    fn works(&self) {
        self.failing.store(false, Ordering::Relaxed);
    }

    fn fails(&self, why: &StoreError) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            self.notes.failing("applying deliveries", why);
        }
    }

    /// Its connection's lease ends with it, and the next tick works for it again.
    fn panicked(&self, ended: &Result<(), JoinError>) {
        if ended.is_err() {
            self.notes.failing("applying deliveries", &PANICKED);
        }
    }
}

/// The work for one connection, until nothing of it is due.
struct ConnectionWork {
    shared: Arc<Worker>,
    id: String,
    connection: WorkerConnection,
}

impl Drop for ConnectionWork {
    fn drop(&mut self) {
        if lock(&self.shared.busy).remove(&self.id) == Some(true) {
            self.shared.more.notify_one();
        }
    }
}

impl ConnectionWork {
    async fn run(&self) -> Result<(), StoreError> {
        let (inbox, id) = (&self.shared.inbox, self.id.as_str());
        // A lease is not written for events that all have to wait for the provider.
        if self.connection.reads.paused().is_some()
            && inbox.due_events(id, false, 1).await?.is_empty()
        {
            return Ok(());
        }
        let holder = LeaseHolder::new();
        let take = || inbox.lease(id, holder.name(), LEASE_MS);
        if !take().await? {
            return Ok(());
        }
        let extending = async {
            loop {
                sleep(Duration::from_millis(LEASE_MS / 3)).await;
                if !matches!(take().await, Ok(true)) {
                    return;
                }
            }
        };
        let working = async {
            let (applied, asked) = tokio::join!(self.apply_due(), self.ask_due());
            applied.and(asked)
        };
        let worked = tokio::select! {
            biased;
            worked = working => worked,
            // Somebody else took over, or the disk fails; what was not settled is done again.
            () = extending => Ok(()),
        };
        let _ = inbox.release(id, holder.name()).await;
        worked
    }

    /// A try failed: what becomes of the event.
    fn failed(&self, event: &EventRow, asks: bool, blame: &Blame, why: String) -> Settled {
        let settled = Settled { asks, reason: Some(why), ..Settled::of(event) };
        if let Blame::World(wait) = blame {
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            return Settled { again_after_ms: Some(wait), ..settled };
        }
        let (attempts, is_dead) = (event.attempts + 1, event.state == EventState::Dead);
        // A dead event is tried on for its look-up, as often again.
        let tries = if is_dead { attempts.saturating_sub(TRIES) } else { attempts };
        if tries < TRIES {
            let mut random = lock(&self.shared.random);
            let again_after_ms = Some(random.u64(0..=FAILED.pause_ms(tries)));
            return Settled { attempts, again_after_ms, ..settled };
        }
        // The delivery was a hint; the provider has the truth. Where that cannot be had either, a
        // scan may bring it; one that could not be read opened its gap when it came.
        let look_up = !is_dead && event.effect.record().is_some();
        let again_after_ms = look_up.then_some(0);
        let missed = !look_up && event.effect != EventEffect::Unreadable;
        let state = EventState::Dead;
        Settled { state, attempts, again_after_ms, asks: true, missed, ..settled }
    }

    /// Keeps what came of events, and tells of those that died.
    async fn settle(&self, events: &[&EventRow], settled: Vec<Settled>) -> Result<(), StoreError> {
        let died = |settled: &&Settled| {
            let event = events.iter().find(|event| event.number == settled.event);
            settled.state == EventState::Dead
                && event.is_some_and(|event| event.state != EventState::Dead)
        };
        let note = |settled: &Settled| Note::Dead {
            connection: self.id.clone(),
            event: settled.event,
            why: settled.reason.clone().unwrap_or_default(),
        };
        let notes: Vec<Note> = settled.iter().filter(died).map(note).collect();
        self.shared.inbox.settle(settled).await?;
        notes.iter().for_each(|note| self.shared.notes.note(note));
        Ok(())
    }

    fn stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_tries_end_within_a_day() {
        let waits: Vec<u64> = (1..TRIES).map(|tries| FAILED.pause(tries).as_secs()).collect();
        assert_eq!(waits, [10, 120, 1_440, 14_400, 14_400, 14_400, 14_400]);
        assert!(waits.iter().sum::<u64>() < 24 * 3_600);
    }
}
