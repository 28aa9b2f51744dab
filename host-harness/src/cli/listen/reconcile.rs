//! After an absence, a pull that overlaps it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use host_harness::mirror::Mirror as _;
use host_harness::retry::Caller;
use host_harness::runtime::Connector;
use host_harness::store::{ConnectionRow, Sqlite};
use host_harness::sync::{Account, Catalog, Outcome, Pull, Turns, Wish};
use host_harness::webhooks::{HookRow, Inbox as _, Note, Notes as _};

use super::notes::Shown;
use crate::cli::state::clock;

/// The pull begins so long before the absence did.
const BEFORE_MS: u64 = 3_600_000;
/// A pull that failed, or that another process is at, is tried again after this time.
const AGAIN: Duration = Duration::from_secs(60);
/// Pages under way.
const PAGES: usize = 2;

/// Closes gaps, one connection at a time each. Cheap to clone.
#[derive(Clone)]
pub struct Reconcile {
    shared: Arc<Shared>,
}

struct Shared {
    catalog: Catalog,
    database: Arc<Sqlite>,
    notes: Arc<Shown>,
    callers: Mutex<HashMap<String, Caller>>,
    busy: Mutex<HashSet<String>>,
    turns: Turns,
}

impl Reconcile {
    /// For connections of `connector`.
    ///
    /// # Errors
    /// When it cannot describe its objects.
    pub async fn new(
        connector: &Connector,
        database: &Arc<Sqlite>,
        notes: Arc<Shown>,
    ) -> Result<Self> {
        let catalog = Catalog::of(connector).await.context("describing the objects")?;
        Ok(Self {
            shared: Arc::new(Shared {
                catalog,
                database: Arc::clone(database),
                notes,
                callers: Mutex::default(),
                busy: Mutex::default(),
                turns: Turns::new(PAGES),
            }),
        })
    }

    /// Asks for this connection by `caller` from now on.
    pub fn know(&self, row: &ConnectionRow, caller: &Caller) {
        let mut callers = self.shared.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.insert(row.id.clone(), caller.clone());
    }

    /// Begins to close the gap of a hook, if it has one and nobody is at it.
    pub fn consider(&self, hook: &HookRow) {
        let Some(gap_ms) = hook.gap_ms else { return };
        let id = hook.connection.clone();
        let caller = {
            let callers = self.shared.callers.lock().unwrap_or_else(PoisonError::into_inner);
            callers.get(&id).cloned()
        };
        let Some(caller) = caller else { return };
        let mut busy = self.shared.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if !busy.insert(id.clone()) {
            return;
        }
        drop(busy);
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            shared.notes.note(&Note::Gap { connection: id.clone(), since_ms: gap_ms });
            if let Err(why) = shared.close(&id, caller, gap_ms).await {
                let why = format!("{why:#}");
                shared.notes.note(&Note::Failing { what: "pulling what was missed", why });
                tokio::time::sleep(AGAIN).await;
            }
            shared.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        });
    }
}

impl Shared {
    /// Pulls every object that was ever pulled, from before the gap on. Of the others nothing is
    /// kept that could have a gap.
    async fn close(&self, id: &str, caller: Caller, gap_ms: u64) -> Result<()> {
        let account = Account {
            caller,
            mirror: Arc::clone(&self.database) as _,
            clock: clock(),
            connection: id.to_owned(),
            turns: self.turns.clone(),
        };
        let wish = Wish { since_ms: Some(gap_ms.saturating_sub(BEFORE_MS)), ..Wish::default() };
        let scans = self.database.scans(id).await?;
        for object in self.catalog.all() {
            let pulled =
                scans.iter().any(|row| row.object == object.name && row.bookmark.is_some());
            if !pulled {
                continue;
            }
            let pull = Pull::new(account.clone(), object.clone());
            loop {
                match pull.run(&wish).await? {
                    Outcome::Done(report) if report.overlaps() => break,
                    // The rest of a scan that was cut; now its own.
                    Outcome::Done(_) => {}
                    Outcome::Busy { .. } => tokio::time::sleep(Duration::from_secs(5)).await,
                }
            }
        }
        self.database.close_gap(id, gap_ms).await?;
        Ok(())
    }
}
