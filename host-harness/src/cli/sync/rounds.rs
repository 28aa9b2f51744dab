//! Connections side by side, and each one's objects in a row, once or again and again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use host_harness::clock::unix_ms;
use host_harness::contract::limits::Slots;
use host_harness::mirror::Mirror;
use host_harness::runtime::Connection;
use host_harness::runtime::Connector;
use host_harness::store::ConnectionRow;
use host_harness::sync::{
    Outcome, PageCommitted, Pull, PullOptions, Rhythm, SyncError, Synced, SyncedConnection, Turns,
};
use host_harness::vault::Vault;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::line::Lines;
use crate::cli::context::Context;
use crate::cli::current::{Current, LOOK_EVERY, connections};
use crate::cli::errors::in_one;
use crate::cli::exit::Exit;
use crate::cli::output::{duration, printable};
use crate::cli::state::{Kept, clock};
use crate::cli::supervise::Pauses;
use crate::cli::watch::Watch;

/// What one run of an object came to.
pub struct Ran {
    /// Name of its connection.
    pub connection: String,
    /// Which object; empty when the connection itself could not be made.
    pub object: String,
    /// How it ended.
    pub ended: Result<Outcome, Failed>,
}

/// Why a run failed.
pub enum Failed {
    /// The connection could not be made of what is kept.
    Connecting(anyhow::Error),
    /// While reading.
    Syncing(SyncError),
    /// Its task panicked.
    Panicked,
}

/// What all of them share.
pub struct Rounds<'a> {
    /// Options of the call.
    pub context: &'a Context,
    /// Their connector.
    pub connector: &'a Connector,
    /// Where connections are kept.
    pub vault: Arc<Vault>,
    /// Limits of accounts, shared with every process that uses the same state.
    pub limits: Arc<dyn Slots>,
    /// Where records are kept.
    pub mirror: Arc<dyn Mirror>,
    /// What is read of each, in this order.
    pub objects: Vec<Synced>,
    /// How each object is read.
    pub wish: PullOptions,
    /// Again each time so much has passed.
    pub every: Option<Duration>,
    /// Name of the connection that is read; all of the connector's without.
    pub name: Option<String>,
    /// Pages under way.
    pub turns: Turns,
}

impl Rounds<'_> {
    /// Reads these connections, and answers how the command ends. One that fails holds up no
    /// other. Again and again: until the program is asked to end, and connections that come later
    /// are read too.
    ///
    /// # Errors
    /// When the results cannot be printed.
    pub async fn run(self, rows: Vec<ConnectionRow>, mut lines: Lines<'_>) -> Result<Exit> {
        let (to, mut results) = mpsc::channel(64);
        let (tasks, readings) = (JoinSet::new(), HashMap::new());
        let (wish, totals) = (self.wish, Arc::default());
        let mut all = Readings { rounds: &self, wish, totals, to, tasks, readings };
        for row in rows {
            let current = Current::of(all.kept(row)).await?;
            all.begin(current, &mut lines).await?;
        }
        all.wish = PullOptions { full: false, ..self.wish };
        if self.every.is_some() {
            all.go_on(&mut results, &mut lines).await?;
            lines.end()?;
            return Ok(Exit::Done);
        }
        let Readings { to, mut tasks, readings, .. } = all;
        drop(to);
        while let Some(ran) = results.recv().await {
            lines.ran(&ran)?;
        }
        while let Some(ended) = tasks.join_next_with_id().await {
            let Err(fault) = ended else { continue };
            let panicked = readings.values().find(|reading| reading.is(fault.id()));
            if let Some(reading) = panicked {
                lines.ran(&reading.panicked())?;
            }
        }
        lines.end()
    }
}

/// The connections that are read, by id.
struct Readings<'a> {
    rounds: &'a Rounds<'a>,
    /// For those that begin now.
    wish: PullOptions,
    totals: Arc<Totals>,
    to: mpsc::Sender<Ran>,
    tasks: JoinSet<()>,
    readings: HashMap<String, Reading>,
}

/// One of them.
struct Reading {
    /// What it was made of.
    current: Current,
    state: State,
    began: Instant,
    pauses: Pauses,
    /// Why it could not be made, as it was said.
    told: Option<String>,
}

enum State {
    Runs(AbortHandle),
    /// It failed, and begins again then.
    Waits(Instant),
}

impl Reading {
    fn is(&self, task: Id) -> bool {
        matches!(&self.state, State::Runs(handle) if handle.id() == task)
    }

    fn stop(&self) {
        if let State::Runs(handle) = &self.state {
            handle.abort();
        }
    }

    fn fail(&mut self) -> Duration {
        let pause = self.pauses.after(self.began.elapsed());
        self.state = State::Waits(Instant::now() + pause);
        pause
    }

    fn panicked(&self) -> Ran {
        let connection = self.current.kept.row.name.clone();
        Ran { connection, object: String::new(), ended: Err(Failed::Panicked) }
    }
}

impl Readings<'_> {
    /// Until the program is asked to end.
    async fn go_on(
        &mut self,
        results: &mut mpsc::Receiver<Ran>,
        lines: &mut Lines<'_>,
    ) -> Result<()> {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        loop {
            tokio::select! {
                Some(ran) = results.recv() => lines.ran(&ran)?,
                Some(Err(fault)) = self.tasks.join_next_with_id() => self.ended(&fault, lines)?,
                _ = looks.tick() => match self.rows().await {
                    Ok(rows) => {
                        failing = false;
                        self.follow(rows, lines).await?;
                    }
                    Err(why) if !failing => {
                        failing = true;
                        self.say(&format!("looking for connections fails, and is tried again: {}", in_one(&why)));
                    }
                    Err(_) => {}
                },
                () = self.rounds.context.shutdown.requested() => return Ok(()),
            }
        }
    }

    /// The connections that there are now.
    async fn rows(&self) -> Result<Vec<Current>> {
        let Rounds { vault, connector, name, .. } = self.rounds;
        let connector = &connector.manifest().name;
        let rows = connections(vault.store().as_ref(), connector, name.as_deref()).await?;
        let mut all = Vec::with_capacity(rows.len());
        for row in rows {
            all.push(Current::of(self.kept(row)).await?);
        }
        Ok(all)
    }

    /// Begins with those that came or changed, and with those whose pause is over; ends those that
    /// are gone.
    async fn follow(&mut self, now: Vec<Current>, lines: &mut Lines<'_>) -> Result<()> {
        let mut before = std::mem::take(&mut self.readings);
        for current in now {
            let id = current.kept.row.id.clone();
            let name = current.kept.row.name.clone();
            let Some(reading) = before.remove(&id) else {
                self.say(&format!("{name}: the connection is new, and is read from now on"));
                self.begin(current, lines).await?;
                continue;
            };
            if !reading.current.is_as(&current) {
                self.say(&format!("{name}: the connection changed, and is used as it is kept now"));
                reading.stop();
                self.begin(current, lines).await?;
                continue;
            }
            let is_due = matches!(reading.state, State::Waits(until) if until <= Instant::now());
            let reading = if is_due { self.make(reading, lines).await? } else { reading };
            self.readings.insert(id, reading);
        }
        for gone in before.into_values() {
            gone.stop();
            let name = &gone.current.kept.row.name;
            self.say(&format!("{name}: the connection is not kept any more, and no longer read"));
        }
        Ok(())
    }

    fn ended(&mut self, fault: &JoinError, lines: &mut Lines<'_>) -> Result<()> {
        // Those that were stopped are none of these any more.
        let Some(reading) = self.readings.values_mut().find(|reading| reading.is(fault.id()))
        else {
            return Ok(());
        };
        let pause = reading.fail();
        let (ran, name) = (reading.panicked(), reading.current.kept.row.name.clone());
        lines.ran(&ran)?;
        self.say(&format!("{name}: it is read again in {}", duration(pause)));
        Ok(())
    }

    async fn begin(&mut self, current: Current, lines: &mut Lines<'_>) -> Result<()> {
        let id = current.kept.row.id.clone();
        let (state, began) = (State::Waits(Instant::now()), Instant::now());
        let reading = Reading { current, state, began, pauses: Pauses::default(), told: None };
        let reading = self.make(reading, lines).await?;
        self.readings.insert(id, reading);
        Ok(())
    }

    /// Makes the connection, and begins to read it.
    async fn make(&mut self, mut reading: Reading, lines: &mut Lines<'_>) -> Result<Reading> {
        let Rounds { context, connector, .. } = self.rounds;
        reading.began = Instant::now();
        match context.connect_to(connector, Some(reading.current.kept.clone())).await {
            Ok(connection) => {
                reading.told = None;
                let task = self.task(&reading.current.kept.row, connection);
                reading.state = State::Runs(self.tasks.spawn(task.run()));
            }
            Err(error) => {
                reading.fail();
                let text = in_one(&error);
                if reading.told.as_ref() != Some(&text) {
                    reading.told = Some(text);
                    let connection = reading.current.kept.row.name.clone();
                    let ended = Err(Failed::Connecting(error));
                    lines.ran(&Ran { connection, object: String::new(), ended })?;
                }
            }
        }
        Ok(reading)
    }

    fn task(&self, row: &ConnectionRow, connection: Connection) -> Task {
        let rounds = self.rounds;
        Task {
            account: SyncedConnection {
                client: connection,
                mirror: Arc::clone(&rounds.mirror),
                clock: clock(),
                connection: row.id.clone(),
                turns: rounds.turns.clone(),
            },
            name: row.name.clone(),
            objects: rounds.objects.clone(),
            wish: self.wish,
            every: rounds.every,
            watch: Arc::clone(&rounds.context.watch),
            totals: Arc::clone(&self.totals),
            to: self.to.clone(),
        }
    }

    fn kept(&self, row: ConnectionRow) -> Kept {
        let Rounds { vault, limits, .. } = self.rounds;
        Kept { vault: Arc::clone(vault), limits: Arc::clone(limits), row }
    }

    fn say(&self, text: &str) {
        self.rounds.context.watch.say(&printable(text));
    }
}

/// One connection.
struct Task {
    account: SyncedConnection,
    name: String,
    objects: Vec<Synced>,
    wish: PullOptions,
    every: Option<Duration>,
    watch: Arc<Watch>,
    totals: Arc<Totals>,
    to: mpsc::Sender<Ran>,
}

impl Task {
    /// Ends when its objects are up to date, or nobody hears its results any more.
    async fn run(self) {
        for object in &self.objects {
            if !self.read(object, &self.wish).await {
                return;
            }
        }
        let Some(every) = self.every else { return };
        let wish = PullOptions { full: false, ..self.wish };
        loop {
            let mut next_ms = u64::MAX;
            for object in &self.objects {
                let due_ms = self.due_ms(object, every).await;
                let now_ms = unix_ms(self.account.clock.now());
                if due_ms > now_ms {
                    next_ms = next_ms.min(due_ms);
                    continue;
                }
                if !self.read(object, &wish).await {
                    return;
                }
                next_ms = next_ms.min(self.due_ms(object, every).await);
            }
            let now_ms = unix_ms(self.account.clock.now());
            // Never at once: another process may be at it.
            let pause = Duration::from_millis(next_ms.saturating_sub(now_ms));
            sleep(pause.min(every).max(Duration::from_secs(1))).await;
        }
    }

    /// Answers whether anybody wants to know more.
    async fn read(&self, object: &Synced, wish: &PullOptions) -> bool {
        let (watch, totals) = (Arc::clone(&self.watch), Arc::clone(&self.totals));
        let key = (self.name.clone(), object.name.clone());
        let told = move |told: &PageCommitted| {
            watch.page(told.records, totals.with(&key, told.total));
        };
        let pull = Pull::new(self.account.clone(), object.clone()).told(told);
        let ended = pull.run(wish).await.map_err(Failed::Syncing);
        let ran = Ran { connection: self.name.clone(), object: object.name.clone(), ended };
        self.to.send(ran).await.is_ok()
    }

    async fn due_ms(&self, object: &Synced, every: Duration) -> u64 {
        let scans = self.account.mirror.scans(&self.account.connection).await;
        // What cannot be read now fails in the run that follows, and says so there.
        let scans = scans.unwrap_or_default();
        let row = scans.iter().find(|row| row.object == object.name);
        let now_ms = unix_ms(self.account.clock.now());
        row.map_or(0, |row| Rhythm::due_ms(row, every, now_ms))
    }
}

/// Records to expect, over all scans.
#[derive(Default)]
struct Totals(Mutex<BTreeMap<(String, String), u64>>);

impl Totals {
    /// The sum, with what one scan says of itself.
    fn with(&self, key: &(String, String), total: Option<u32>) -> Option<u64> {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(total) = total {
            totals.insert(key.clone(), total.into());
        }
        (!totals.is_empty()).then(|| totals.values().sum())
    }
}
