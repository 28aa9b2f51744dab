//! Works a run off: many items at once, those of one record one after the other, and tells their
//! ends in the order of the source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use connector_contract::clock::Clock;
use connector_runtime::{CallError, Connection};
use connector_state::mirror::Mirror;
use connector_state::push::{IntentRow, IntentState, Intents, Mode, PushRow};
use connector_state::{LeaseHolder, StoreError, Word as _};
use tokio::time::{MissedTickBehavior, interval};

use super::error::PushError;
use super::finder::Finder;
use super::item::{LEASE_MS, OnConflict};
use super::shape::InputSchema;
use super::work::ItemQueue;
use crate::own_writes::OwnWrites;
use crate::vault::{Key, Scrubber, Secret, write_only};

/// Pushes to one object of one connection. Cheap to clone.
#[derive(Clone)]
pub struct Push {
    pub(super) client: Connection,
    pub(super) intents: Arc<dyn Intents>,
    pub(super) mirror: Arc<dyn Mirror>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) connection: String,
    pub(super) object: String,
    /// Tells the mirror what the writes left behind.
    pub(super) own: OwnWrites,
    pub(super) schema: Arc<InputSchema>,
    /// What is secret in items is sealed by it.
    pub(super) key: Arc<Key>,
    /// What the object offers.
    operations: Vec<String>,
}

/// This process's work on a run.
pub struct PushRun {
    pub(super) push: Push,
    pub(super) finder: Finder,
    pub(super) mode: Mode,
    pub(super) on_conflict: OnConflict,
    /// Holds the claims of this work.
    pub(super) owner: LeaseHolder,
    /// Items in a row for which the provider could not be used.
    pub(super) away: AtomicU32,
}

/// How a run stands when it has been worked on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Items that are as wished.
    pub done: u64,
    /// Of those, the ones that had ended before.
    pub before: u64,
    /// Items that were not applied.
    pub failed: u64,
    /// Items of which it is not known whether they were applied, and those that wait for a decision.
    pub parked: u64,
    /// Of those, the ones that wait for a decision.
    pub conflicts: u64,
    /// Items that the provider could not be asked for: they wait for the next time.
    pub waiting: u64,
}

impl Summary {
    /// Counts those of another one too.
    pub fn add(&mut self, other: &Self) {
        self.done += other.done;
        self.before += other.before;
        self.failed += other.failed;
        self.parked += other.parked;
        self.conflicts += other.conflicts;
        self.waiting += other.waiting;
    }

    fn count(&mut self, item: &IntentRow, before: bool) {
        let state = item.state;
        match state {
            IntentState::Done => self.done += 1,
            IntentState::Failed => self.failed += 1,
            IntentState::Pending => self.waiting += 1,
            IntentState::Sending | IntentState::Parked => self.parked += 1,
        }
        self.before += u64::from(before && state == IntentState::Done);
        self.conflicts += u64::from(item.conflict_ms.is_some());
    }
}

impl Push {
    /// To `object` of the connection with this id, whose key is `key`.
    ///
    /// # Errors
    /// [`PushError::Undescribed`].
    pub async fn new(
        client: Connection,
        intents: Arc<dyn Intents>,
        mirror: Arc<dyn Mirror>,
        clock: Arc<dyn Clock>,
        connection: &str,
        key: Key,
        object: &str,
    ) -> Result<Self, PushError> {
        let connector = client.connector().clone();
        let described = async {
            let own =
                OwnWrites::of(client.clone(), Arc::clone(&mirror), connection, object).await?;
            Ok::<_, CallError>((own, connector.describe(object).await?))
        };
        let (own, descriptor) = described.await.map_err(PushError::Undescribed)?;
        let schema = Arc::new(InputSchema::of(&descriptor));
        Ok(Self {
            client,
            intents,
            mirror,
            clock,
            connection: connection.to_owned(),
            object: object.to_owned(),
            own,
            schema,
            key: Arc::new(key),
            operations: descriptor.summary.operations,
        })
    }

    /// Whether the object offers what a mode needs.
    ///
    /// # Errors
    /// [`PushError::NotOffered`].
    pub fn check(&self, mode: Mode) -> Result<(), PushError> {
        let operation = match mode {
            Mode::Upsert | Mode::Create => "create",
            Mode::Update => "update",
            Mode::Delete => "delete",
        };
        if self.offers(operation) {
            return Ok(());
        }
        let object = self.object.clone();
        Err(PushError::NotOffered { object, operation, mode: mode.word() })
    }

    /// Runs of this connection and object that have not ended, oldest first.
    ///
    /// # Errors
    /// [`PushError::Store`].
    pub async fn unfinished(&self) -> Result<Vec<PushRow>, PushError> {
        let all = self.intents.pushes(Some(&self.connection)).await?;
        let open = all.into_iter().filter(|row| {
            row.object == self.object && row.ended_ms.is_none() && row.digest.is_some()
        });
        Ok(open.collect())
    }

    /// One item as it came.
    ///
    /// # Errors
    /// [`PushError::Kept`].
    pub fn raw(&self, item: &IntentRow) -> Result<Vec<u8>, PushError> {
        self.open_raw(item).map_err(|why| PushError::Kept { index: item.index, why })
    }

    /// Brings every item of a run to its end, those of earlier times included, and tells them in
    /// the order of the source. What waits for a decision is told as it is. Other processes may do the same at the same time.
    ///
    /// # Errors
    /// [`PushError`]; what has ended is kept, and calling this again goes on.
    pub async fn run(
        &self,
        run: &str,
        on_conflict: OnConflict,
        tell_item: impl FnMut(IntentRow),
    ) -> Result<Summary, PushError> {
        let row = self.row(run).await?;
        Arc::new(self.begin_work(row.mode, on_conflict)?).work(run, 0, tell_item).await
    }

    /// A run.
    ///
    /// # Errors
    /// [`PushError`].
    pub async fn row(&self, run: &str) -> Result<PushRow, PushError> {
        let found = self.intents.run(run).await?.filter(|row| row.connection == self.connection);
        found.ok_or_else(|| StoreError::NoPush(run.to_owned()).into())
    }

    pub(super) fn begin_work(
        &self,
        mode: Mode,
        on_conflict: OnConflict,
    ) -> Result<PushRun, PushError> {
        self.check(mode)?;
        let (push, owner, away) = (self.clone(), LeaseHolder::new(), AtomicU32::new(0));
        let finder = Finder::new(self.client.clone());
        Ok(PushRun { push, finder, mode, on_conflict, owner, away })
    }

    pub(super) fn offers(&self, operation: &str) -> bool {
        self.operations.iter().any(|offered| offered == operation)
    }

    /// A text without what is secret in an input. It may quote what the provider refused.
    pub(super) fn without_secrets(&self, text: &str, input: &str) -> String {
        let schemas = self.schema.texts().iter();
        let values = schemas.filter_map(|schema| write_only::values(schema, input).ok()).flatten();
        let secrets: Vec<_> = values.filter_map(|value| value.as_str().map(Secret::new)).collect();
        Scrubber::new(&secrets.iter().collect::<Vec<_>>()).text(text)
    }
}

impl PushRun {
    /// As [`Push::run`], of the items from index `from` on.
    pub(super) async fn work(
        self: &Arc<Self>,
        run: &str,
        from: u64,
        mut tell_item: impl FnMut(IntentRow),
    ) -> Result<Summary, PushError> {
        let mut work = ItemQueue::new(Arc::clone(self), run, from);
        let mut summary = Summary::default();
        // Those that wait for one before them.
        let (mut next, mut early) = (from, BTreeMap::new());
        let mut tell = |ended: IntentRow, before: bool| {
            summary.count(&ended, before);
            early.insert(ended.index, ended);
            while let Some(ended) = early.remove(&next) {
                next += 1;
                tell_item(ended);
            }
        };
        let mut renewal = interval(Duration::from_millis(LEASE_MS / 3));
        renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            for ended in work.fetch().await? {
                tell(ended, true);
            }
            tokio::select! {
                biased;
                _ = renewal.tick() => {
                    self.push.intents.renew(self.owner.name(), LEASE_MS).await?;
                }
                ended = work.next() => match ended {
                    Some(ended) => tell(ended, false),
                    None if work.is_done() => break,
                    None => {}
                },
            }
        }
        early.into_values().for_each(tell_item);
        work.stopped.map_or(Ok(summary), Err)
    }
}
