//! Connections side by side, and each one's objects in a row, once or again and again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use host_harness::clock::unix_ms;
use host_harness::runtime::Connector;
use host_harness::service::hosts::WorkShare;
use host_harness::service::jobs::{Jobs, PANICKED, Shutdown, Stage, Stopped};
use host_harness::sync::{
    PageCommitted, Pull, PullOptions, PullOutcome, Rhythm, Synced, SyncedConnection, Turns,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::lines::{Failed, RunResult, RunResults};
use crate::cli::context::Context;
use crate::cli::errors::in_one;
use crate::cli::exit::Exit;
use crate::cli::output::{counted, printable};
use crate::cli::state::{
    CHANGED, Configuration, LOOK_EVERY, OpenState, SeenConnections, StoredConnection,
};

/// Results that wait to be printed.
const QUEUED: usize = 64;

/// Reads connections of one connector.
pub struct SyncReader {
    /// Options of the call.
    pub context: Context,
    /// Their connector.
    pub connector: Connector,
    /// Where connections and records are kept.
    pub state: OpenState,
    /// What is read of each, in this order.
    pub objects: Vec<Synced>,
    /// How each object is read first.
    pub options: PullOptions,
    /// Again each time so much has passed.
    pub every: Option<Duration>,
    /// Name of the connection that is read; all of the connector's without.
    pub name: Option<String>,
    /// Which of them this host works for.
    pub share: WorkShare,
    /// Pages under way.
    pub turns: Turns,
    /// Records to expect, by connection and object.
    pub totals: Mutex<BTreeMap<(String, String), u64>>,
}

/// Reads one connection.
#[derive(Clone)]
struct ConnectionReader {
    shared: Arc<SyncReader>,
    stored: StoredConnection,
    options: PullOptions,
    to: mpsc::Sender<RunResult>,
    /// Why the connection could not be made, as it was said.
    told: Arc<Mutex<Option<String>>>,
}

impl SyncReader {
    /// Reads these connections once, and answers how the command ends. One that fails holds up no
    /// other.
    ///
    /// # Errors
    /// When the results cannot be printed.
    pub async fn once(self, all: Vec<StoredConnection>, mut lines: RunResults<'_>) -> Result<Exit> {
        let shared = Arc::new(self);
        let (to, mut results) = mpsc::channel(QUEUED);
        let (mut tasks, mut names) = (JoinSet::new(), HashMap::new());
        for stored in all {
            let name = stored.row.name.clone();
            let reader = ConnectionReader::new(&shared, stored, shared.options, &to);
            let task = tasks.spawn(async move { reader.run().await });
            names.insert(task.id(), name);
        }
        drop(to);
        while let Some(ran) = results.recv().await {
            lines.ran(&ran)?;
        }
        while let Some(ended) = tasks.join_next_with_id().await {
            if let Some(name) = ended.err().and_then(|fault| names.remove(&fault.id())) {
                lines.ran(&RunResult::panicked(name, None))?;
            }
        }
        lines.end()
    }

    /// Reads the connections that there are, again and again, until `stop`; also those that come
    /// later, and as they are kept then.
    ///
    /// # Errors
    /// When the results cannot be printed.
    pub async fn follow(
        self,
        mut lines: RunResults<'_>,
        jobs: &Jobs,
        stop: &Shutdown,
    ) -> Result<()> {
        let shared = Arc::new(self);
        let (to, mut results) = mpsc::channel(QUEUED);
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut read = HashMap::new();
        let mut seen = SeenConnections::default();
        let (mut options, mut is_first, mut is_failing) = (shared.options, true, false);
        let mut share = shared.share.clone();
        let ended = loop {
            tokio::select! {
                Some(ran) = results.recv() => if let Err(why) = lines.ran(&ran) {
                    break Err(why);
                },
                () = share.changed() => {
                    seen.outdate();
                    looks.reset_immediately();
                }
                _ = looks.tick() => match shared.update(&mut read, &mut seen, options, is_first, &to, jobs).await {
                    Ok(()) => {
                        (options.full, is_first, is_failing) = (false, false, false);
                    }
                    Err(why) if !is_failing => {
                        is_failing = true;
                        shared.say(&format!("looking for connections fails, and is tried again: {}", in_one(&why)));
                    }
                    Err(_) => {}
                },
                () = stop.requested() => break Ok(()),
            }
        };
        read.keys().for_each(|id| jobs.remove(&job(id)));
        ended.and_then(|()| lines.end()).map(drop)
    }

    /// Begins with the connections that came or changed; ends those that are gone.
    async fn update(
        self: &Arc<Self>,
        read: &mut HashMap<String, Configuration>,
        seen: &mut SeenConnections,
        options: PullOptions,
        is_first: bool,
        to: &mpsc::Sender<RunResult>,
        jobs: &Jobs,
    ) -> Result<()> {
        let Some(changes) = seen.look(&*self.state.database).await? else { return Ok(()) };
        let changed: HashSet<String> = changes.changed.into_iter().collect();
        let connector = &self.connector.manifest().name;
        let mut gone = read.clone();
        let all = self.state.connections(connector, self.name.as_deref()).await?;
        let (all, count) = (all.into_iter(), read.len());
        let (ours, others): (Vec<_>, Vec<_>) =
            all.partition(|stored| self.share.includes(&stored.row.id));
        for stored in ours {
            let (id, name) = (stored.row.id.clone(), stored.row.name.clone());
            let before = gone.remove(&id);
            if before.is_some() && !changed.contains(&id) {
                continue;
            }
            if before.is_none() && stored.is_not_connected(&self.connector).await? {
                if is_first || changed.contains(&id) {
                    self.say(&format!("{name}: not connected yet; it is read once it is"));
                }
                continue;
            }
            let configuration = stored.configuration().await?;
            match before {
                Some(before) if before == configuration => continue,
                Some(_) => self.say(&format!("{name}: {CHANGED}")),
                None if !is_first && !self.share.is_shared() => {
                    self.say(&format!("{name}: the connection is new, and is read from now on"));
                }
                None => {}
            }
            ConnectionReader::new(self, stored, options, to).begin(jobs)?;
            read.insert(id, configuration);
        }
        let given: HashSet<String> = others.iter().map(|stored| stored.row.id.clone()).collect();
        for (id, configuration) in gone {
            jobs.remove(&job(&id));
            read.remove(&id);
            if !given.contains(&id) {
                let name = configuration.name;
                self.say(&format!(
                    "{name}: the connection is not kept any more, and no longer read"
                ));
            }
        }
        if self.share.is_shared() && read.len() != count {
            let (ours, all) = (read.len(), read.len() + given.len());
            self.say(&format!(
                "this host works for {ours} of {}",
                counted(all as u64, "connection")
            ));
        }
        seen.see(changes.revision);
        Ok(())
    }

    fn say(&self, text: &str) {
        self.context.watch.say(&printable(text));
    }

    /// Records to expect over all scans, with what one scan says of itself.
    fn total(&self, key: &(String, String), total: Option<u32>) -> Option<u64> {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(total) = total {
            totals.insert(key.clone(), total.into());
        }
        (!totals.is_empty()).then(|| totals.values().sum())
    }
}

/// Name of the job that reads a connection.
fn job(id: &str) -> String {
    format!("reading {id}")
}

impl ConnectionReader {
    fn new(
        shared: &Arc<SyncReader>,
        stored: StoredConnection,
        options: PullOptions,
        to: &mpsc::Sender<RunResult>,
    ) -> Self {
        Self { shared: Arc::clone(shared), stored, options, to: to.clone(), told: Arc::default() }
    }

    /// Reads it as a job.
    fn begin(mut self, jobs: &Jobs) -> Result<()> {
        let (name, to) = (self.stored.row.name.clone(), self.to.clone());
        let report = move |stopped: &Stopped| {
            // Of other failures it has told itself. When nobody hears, the program ends.
            if stopped.why == PANICKED {
                let _ = to.try_send(RunResult::panicked(name.clone(), Some(stopped.pause)));
            }
        };
        jobs.keep(Stage::Work, &job(&self.stored.row.id.clone()), report, move |stop| {
            let reader = self.clone();
            // Everything is read once at most.
            self.options.full = false;
            async move {
                tokio::select! {
                    ended = reader.run() => ended,
                    // A cut costs one page.
                    () = stop.requested() => Ok(()),
                }
            }
        })?;
        Ok(())
    }

    /// Ends when its objects are up to date, or nobody hears its results any more.
    async fn run(self) -> Result<(), String> {
        // In boxes, so that a connection that waits for its next round keeps nothing of them.
        let Some(account) = Box::pin(self.connect()).await? else { return Ok(()) };
        for object in &self.shared.objects {
            if !self.read(&account, object, &self.options).await {
                return Ok(());
            }
        }
        let Some(every) = self.shared.every else { return Ok(()) };
        let options = PullOptions { full: false, ..self.options };
        loop {
            let mut next_ms = u64::MAX;
            for object in &self.shared.objects {
                let mut due_ms = self.due_ms(&account, object, every).await;
                if due_ms <= unix_ms(account.clock.now()) {
                    if !self.read(&account, object, &options).await {
                        return Ok(());
                    }
                    due_ms = self.due_ms(&account, object, every).await;
                }
                next_ms = next_ms.min(due_ms);
            }
            let now_ms = unix_ms(account.clock.now());
            // Never at once: another process may be at it.
            let pause = Duration::from_millis(next_ms.saturating_sub(now_ms));
            sleep(pause.min(every).max(Duration::from_secs(1))).await;
        }
    }

    /// Makes the connection. Why it could not be made is told once; `None`: nobody hears it.
    async fn connect(&self) -> Result<Option<SyncedConnection>, String> {
        let SyncReader { context, connector, state, turns, .. } = &*self.shared;
        let made = context.connect_to(connector, Some(self.stored.clone())).await;
        let why = made.as_ref().err().map(in_one);
        let before = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *told, why.clone())
        };
        let client = match made {
            Ok(client) => client,
            Err(error) if before == why => return Err(in_one(&error)),
            Err(error) => {
                let heard = self.tell(String::new(), Err(Failed::Connecting(error))).await;
                return if heard { Err(why.unwrap_or_default()) } else { Ok(None) };
            }
        };
        Ok(Some(SyncedConnection {
            client,
            mirror: Arc::clone(&state.database) as _,
            clock: state.clock(),
            connection: self.stored.row.id.clone(),
            turns: turns.clone(),
        }))
    }

    /// Answers whether anybody wants to know more.
    async fn read(
        &self,
        account: &SyncedConnection,
        object: &Synced,
        options: &PullOptions,
    ) -> bool {
        let shared = Arc::clone(&self.shared);
        let key = (self.stored.row.name.clone(), object.name.clone());
        let told = move |told: &PageCommitted| {
            shared.context.watch.page(told.records, shared.total(&key, told.total));
        };
        let pull = Pull::new(account.clone(), object.clone()).told(told);
        let ended = Box::pin(pull.run(options)).await.map_err(Failed::Syncing);
        self.tell(object.name.clone(), ended).await
    }

    /// Answers whether anybody hears it.
    async fn tell(&self, object: String, ended: Result<PullOutcome, Failed>) -> bool {
        let connection = self.stored.row.name.clone();
        self.to.send(RunResult { connection, object, ended }).await.is_ok()
    }

    async fn due_ms(&self, account: &SyncedConnection, object: &Synced, every: Duration) -> u64 {
        let scans = account.mirror.scans(&account.connection).await;
        // What cannot be read now fails in the run that follows, and says so there.
        let scans = scans.unwrap_or_default();
        let row = scans.iter().find(|row| row.object == object.name);
        let now_ms = unix_ms(account.clock.now());
        row.map_or(0, |row| Rhythm::due_ms(row, every, now_ms))
    }
}
