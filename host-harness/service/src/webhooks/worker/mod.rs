//! Applies what the inbox holds.
//!
//! Each connection is worked for on its own, so that one with a poison event, or with a provider
//! that is away, holds up nobody else. Of a connection, what can be applied at once is applied in
//! the order of its arrival, many events in one transaction; what needs the provider goes beside
//! it. Trying an event again after a crash changes nothing, because the mirror's versions decide.

mod apply;
mod ask;
mod seat;
mod trouble;

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use connector_contract::clock::{Clock, unix_ms};
use connector_runtime::retry::Blame;
use connector_state::mirror::Mirror;
use connector_state::{Lease, StoreError};
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};

pub use self::seat::{ConnectionReads, Reads, Seat};
use self::trouble::wait;
use super::{Effect, EventRow, EventState, Inbox, Note, Notes, Settled};

/// Connections that are worked for at the same time.
const AT_ONCE: usize = 16;
/// The right to work for a connection lasts so long, and is extended while there is work.
const LEASE_MS: u64 = 30_000;
/// Events that are taken up together.
const TOGETHER: u32 = 100;
/// How often what is old is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Deliveries that were applied are kept for 72 hours, for people to see.
const KEEP_MS: u64 = 72 * 3_600_000;
/// Events are known for 7 days: longer than any accepted age and a day.
const KNOW_MS: u64 = 7 * 24 * 3_600_000;
/// When the worker stops, what it is doing has this time.
const FAREWELL: Duration = Duration::from_secs(10);

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

/// Applies events. Cheap to clone; clones are the same worker.
#[derive(Clone)]
pub struct Worker {
    shared: Arc<Shared>,
}

struct Shared {
    inbox: Arc<dyn Inbox>,
    mirror: Arc<dyn Mirror>,
    clock: Arc<dyn Clock>,
    notes: Arc<dyn Notes>,
    seats: RwLock<HashMap<String, Seat>>,
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
    #[must_use]
    pub fn new(
        inbox: Arc<dyn Inbox>,
        mirror: Arc<dyn Mirror>,
        clock: Arc<dyn Clock>,
        notes: Arc<dyn Notes>,
        pace: Pace,
    ) -> Self {
        let random = pace.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self {
            shared: Arc::new(Shared {
                inbox,
                mirror,
                clock,
                notes,
                seats: RwLock::default(),
                tick: pace.tick,
                busy: Mutex::default(),
                more: Notify::new(),
                random: Mutex::new(random),
                stopping: AtomicBool::new(false),
                changed: Arc::default(),
                failing: AtomicBool::new(false),
            }),
        }
    }

    /// Works for these connections, by id, and for no others.
    pub fn work_for(&self, seats: HashMap<String, Seat>) {
        *self.shared.seats.write().unwrap_or_else(PoisonError::into_inner) = seats;
    }

    /// Told when a change was made.
    #[must_use]
    pub fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.changed)
    }

    /// Works until `stop`. `wake` tells that something came.
    pub async fn run(&self, wake: &Notify, stop: impl Future<Output = ()>) {
        let shared = &self.shared;
        shared.stopping.store(false, Ordering::Relaxed);
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        let mut pruned = None;
        let working = async {
            loop {
                match shared.inbox.due(shared.now_ms()).await {
                    Ok(due) => {
                        shared.works();
                        due.into_iter().for_each(|id| shared.begin(&mut tasks, &room, id));
                    }
                    Err(why) => shared.fails(&why),
                }
                if pruned.is_none_or(|at: Instant| at.elapsed() >= PRUNE_EVERY) {
                    pruned = Some(Instant::now());
                    shared.prune().await;
                }
                let tick = sleep(shared.tick);
                tokio::pin!(tick);
                loop {
                    tokio::select! {
                        () = wake.notified() => break,
                        () = shared.more.notified() => break,
                        () = &mut tick => break,
                        Some(ended) = tasks.join_next() => shared.panicked(&ended),
                    }
                }
            }
        };
        tokio::select! {
            () = working => {}
            () = stop => {}
        }
        shared.stopping.store(true, Ordering::Relaxed);
        let all = async { while tasks.join_next().await.is_some() {} };
        let _ = timeout(FAREWELL, all).await;
    }
}

impl Shared {
    /// Begins to work for a connection, unless somebody does.
    fn begin(self: &Arc<Self>, tasks: &mut JoinSet<()>, room: &Arc<Semaphore>, id: String) {
        let seats = self.seats.read().unwrap_or_else(PoisonError::into_inner);
        let Some(seat) = seats.get(&id).cloned() else { return };
        drop(seats);
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(more) = busy.get_mut(&id) {
            *more = true;
            return;
        }
        busy.insert(id.clone(), false);
        drop(busy);
        let mark = Busy { shared: Arc::clone(self), id: id.clone() };
        let (shared, room) = (Arc::clone(self), Arc::clone(room));
        tasks.spawn(async move {
            // Never closed, so a failure to acquire cannot come.
            let _room = room.acquire().await;
            shared.serve(&id, &seat).await;
            drop(mark);
        });
    }

    /// Works for a connection until nothing of it is due.
    async fn serve(&self, id: &str, seat: &Seat) {
        let attempt = format!("{:032x}", self.random().u128(..));
        let lease = |now_ms| Lease { attempt: attempt.clone(), until_ms: now_ms + LEASE_MS };
        let now_ms = self.now_ms();
        match self.inbox.lease(id, lease(now_ms), now_ms).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(why) => return self.fails(&why),
        }
        let extending = async {
            loop {
                sleep(Duration::from_millis(LEASE_MS / 3)).await;
                let now_ms = self.now_ms();
                if !matches!(self.inbox.lease(id, lease(now_ms), now_ms).await, Ok(true)) {
                    return;
                }
            }
        };
        let working = async { tokio::join!(self.apply_due(id, seat), self.ask_due(id, seat)) };
        tokio::select! {
            done = working => {
                for done in [done.0, done.1] {
                    if let Err(why) = done {
                        self.fails(&why);
                    }
                }
            }
            // Somebody else took over, or the disk fails; what was not settled is done again.
            () = extending => {}
        }
        let _ = self.inbox.release(id, &attempt).await;
    }

    /// A try failed: what becomes of the event.
    fn failed(&self, event: &EventRow, asks: bool, blame: &Blame, why: String) -> Settled {
        let now_ms = self.now_ms();
        let after = |wait: Duration| now_ms + u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let reason = Some(why);
        let (number, state) = (event.number, event.state);
        let attempts = match blame {
            Blame::World(wait) => {
                let (attempts, next_ms) = (event.attempts, Some(after(*wait)));
                let missed = false;
                return Settled { event: number, state, attempts, next_ms, asks, reason, missed };
            }
            Blame::Item => event.attempts + 1,
        };
        // A dead event is tried on for its look-up, as often again.
        let tries = if state == EventState::Dead {
            attempts.saturating_sub(trouble::TRIES)
        } else {
            attempts
        };
        if let Some(longest) = wait(tries) {
            let longest = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
            let (next_ms, missed) = (Some(now_ms + self.random().u64(0..=longest)), false);
            return Settled { event: number, state, attempts, next_ms, asks, reason, missed };
        }
        // The delivery was a hint; the provider has the truth. Where that cannot be had either, a
        // scan may bring it; one that could not be read opened its gap when it came.
        let look_up = state != EventState::Dead && event.effect.record().is_some();
        let next_ms = look_up.then_some(now_ms);
        let missed = !look_up && event.effect != Effect::Unreadable;
        let (state, asks) = (EventState::Dead, true);
        Settled { event: number, state, attempts, next_ms, asks, reason, missed }
    }

    /// Keeps what came of events, and tells of those that died.
    async fn settle(
        &self,
        connection: &str,
        events: &[EventRow],
        settled: Vec<Settled>,
    ) -> Result<(), StoreError> {
        let died = |settled: &Settled| {
            let event = events.iter().find(|event| event.number == settled.event)?;
            (settled.state == EventState::Dead && event.state != EventState::Dead).then_some(event)
        };
        let mut notes = Vec::new();
        for one in &settled {
            let Some(event) = died(one) else { continue };
            let why = one.reason.clone().unwrap_or_default();
            notes.push(Note::Dead { connection: connection.to_owned(), event: event.number, why });
        }
        self.inbox.settle(settled).await?;
        notes.iter().for_each(|note| self.notes.note(note));
        Ok(())
    }

    async fn prune(&self) {
        let now_ms = self.now_ms();
        let (applied, keys) = (now_ms.saturating_sub(KEEP_MS), now_ms.saturating_sub(KNOW_MS));
        while let Ok(true) = self.inbox.prune(applied, keys).await {}
    }

    fn works(&self) {
        self.failing.store(false, Ordering::Relaxed);
    }

    fn fails(&self, why: &StoreError) {
        if !self.failing.swap(true, Ordering::Relaxed) {
            let why = why.to_string();
            self.notes.note(&Note::Failing { what: "applying deliveries", why });
        }
    }

    /// Its connection's lease lasts on, and when that ends it is worked for again.
    fn panicked(&self, ended: &Result<(), JoinError>) {
        if ended.is_err() {
            let why = "a fault of this program, please report it".to_owned();
            self.notes.note(&Note::Failing { what: "applying deliveries", why });
        }
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    fn now_ms(&self) -> u64 {
        unix_ms(self.clock.now())
    }

    fn random(&self) -> std::sync::MutexGuard<'_, fastrand::Rng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection is being worked for while this lives.
struct Busy {
    shared: Arc<Shared>,
    id: String,
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut busy = self.shared.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy.remove(&self.id) == Some(true) {
            self.shared.more.notify_one();
        }
    }
}
