//! Connections side by side, and each one's objects in a row, once or again and again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use host_harness::clock::unix_ms;
use host_harness::mirror::Mirror;
use host_harness::runtime::Connector;
use host_harness::sync::{Account, Outcome, Pull, Rhythm, SyncError, Synced, Told, Turns, Wish};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::line::Lines;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::state::{Kept, clock};
use crate::cli::watch::Watch;

/// A connection, and what to read of it.
pub struct Order {
    /// It.
    pub kept: Kept,
    /// In this order.
    pub objects: Vec<Synced>,
}

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
}

/// What all of them share.
pub struct Rounds<'a> {
    /// Options of the call.
    pub context: &'a Context,
    /// Their connector.
    pub connector: &'a Connector,
    /// Where records are kept.
    pub mirror: Arc<dyn Mirror>,
    /// How each object is read.
    pub wish: Wish,
    /// Again each time so much has passed.
    pub every: Option<Duration>,
    /// Pages under way.
    pub turns: Turns,
}

impl Rounds<'_> {
    /// Runs the orders to their end, and answers how the command ends. One that fails holds up no
    /// other.
    ///
    /// # Errors
    /// When the results cannot be printed.
    pub async fn run(self, orders: Vec<Order>, mut lines: Lines<'_>) -> Result<Exit> {
        let (to, mut results) = mpsc::channel(64);
        let totals = Arc::new(Totals::default());
        let mut tasks = JoinSet::new();
        for Order { kept, objects } in orders {
            let name = kept.row.name.clone();
            let id = kept.row.id.clone();
            let caller = match self.context.connect_to(self.connector, Some(kept)).await {
                Ok(caller) => caller,
                Err(error) => {
                    let ended = Err(Failed::Connecting(error));
                    lines.ran(&Ran { connection: name, object: String::new(), ended })?;
                    continue;
                }
            };
            let task = Task {
                account: Account {
                    caller,
                    mirror: Arc::clone(&self.mirror),
                    clock: clock(),
                    connection: id,
                    turns: self.turns.clone(),
                },
                name,
                objects,
                wish: self.wish,
                every: self.every,
                watch: Arc::clone(&self.context.watch),
                totals: Arc::clone(&totals),
                to: to.clone(),
            };
            tasks.spawn(task.run());
        }
        drop(to);
        while let Some(ran) = results.recv().await {
            lines.ran(&ran)?;
        }
        lines.end()
    }
}

/// One connection.
struct Task {
    account: Account,
    name: String,
    objects: Vec<Synced>,
    wish: Wish,
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
        let wish = Wish { full: false, ..self.wish };
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
            tokio::time::sleep(pause.clamp(Duration::from_secs(1), every)).await;
        }
    }

    /// Answers whether anybody wants to know more.
    async fn read(&self, object: &Synced, wish: &Wish) -> bool {
        let (watch, totals) = (Arc::clone(&self.watch), Arc::clone(&self.totals));
        let key = (self.name.clone(), object.name.clone());
        let told = move |told: &Told| {
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
        row.map_or(0, |row| Rhythm::due_ms(row, every))
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
