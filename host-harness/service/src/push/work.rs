//! Items under way: those of one record one after the other.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use connector_state::push::IntentRow;
use tokio::task::JoinSet;

use super::engine::PushRun;
use super::error::PushError;
use super::item::bring;

/// Items that are worked on at once. The limits decide how fast; this only bounds memory.
const TOGETHER: usize = 64;
/// Items that are taken out of the store ahead of their turn.
const AHEAD: u32 = 256;

/// Items under way, and those that wait for their turn.
pub struct ItemQueue {
    work: Arc<PushRun>,
    run: String,
    /// Index of the next item to be fetched; `None`: there are no more.
    from: Option<u64>,
    tasks: JoinSet<Result<IntentRow, PushError>>,
    /// Keys under way, and what waits for each, in order.
    queues: HashMap<String, VecDeque<IntentRow>>,
    /// Items whose key nobody is at.
    ready: VecDeque<IntentRow>,
    waiting: usize,
    /// Why the push stops.
    pub stopped: Option<PushError>,
}

impl ItemQueue {
    /// Of this run, the items from this index on.
    pub fn new(work: Arc<PushRun>, run: &str, from: u64) -> Self {
        Self {
            work,
            run: run.to_owned(),
            from: Some(from),
            tasks: JoinSet::new(),
            queues: HashMap::new(),
            ready: VecDeque::new(),
            waiting: 0,
            stopped: None,
        }
    }

    /// Whether nothing is under way, and nothing more will be.
    pub fn is_done(&self) -> bool {
        self.tasks.is_empty() && (self.stopped.is_some() || self.from.is_none())
    }

    /// Takes more items out of the store when there is room, and begins what can be begun.
    /// Returns those that have ended already, or wait for a decision.
    pub async fn fetch(&mut self) -> Result<Vec<IntentRow>, PushError> {
        let mut ended = Vec::new();
        while let Some(from) = self.from
            && self.stopped.is_none()
            && self.waiting < AHEAD as usize
        {
            let items = self.work.push.intents.intents(&self.run, from, AHEAD).await?;
            self.from = items.last().map(|last| last.index + 1);
            for item in items {
                if item.is_settled() {
                    ended.push(item);
                } else {
                    self.line_up(item);
                }
            }
            if !ended.is_empty() {
                break;
            }
        }
        self.begin();
        Ok(ended)
    }

    fn line_up(&mut self, item: IntentRow) {
        self.waiting += 1;
        if let Some(queue) = self.queues.get_mut(&item.key) {
            queue.push_back(item);
        } else {
            self.queues.insert(item.key.clone(), VecDeque::new());
            self.ready.push_back(item);
        }
    }

    fn begin(&mut self) {
        while self.tasks.len() < TOGETHER
            && self.stopped.is_none()
            && let Some(item) = self.ready.pop_front()
        {
            let work = Arc::clone(&self.work);
            self.tasks.spawn(async move { bring(&work, &item).await });
        }
    }

    /// The next item that ends. `None` when none is under way, or the push stops.
    pub async fn next(&mut self) -> Option<IntentRow> {
        match self.tasks.join_next().await? {
            Ok(Ok(ended)) => {
                self.waiting -= 1;
                if let Some(next) = self.queues.get_mut(&ended.key).and_then(VecDeque::pop_front) {
                    self.ready.push_back(next);
                } else {
                    self.queues.remove(&ended.key);
                }
                Some(ended)
            }
            Ok(Err(stopped)) => {
                self.stopped.get_or_insert(stopped);
                None
            }
            Err(fault) => match fault.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Nobody else ends tasks, so the runtime does.
                Err(_) => None,
            },
        }
    }
}
