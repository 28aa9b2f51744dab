//! One question for many: items that look for their records at the same time ask together.
//!
//! The first question sets a task off, which waits a moment for others, takes all that wait by
//! then, and asks them in one call. While the call is held up by the provider's limits, more
//! questions gather for the next one.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_contract::types::{DataRecord, ErrorKind};
use connector_runtime::CallError;
use connector_runtime::{Connection, Find};
use tokio::sync::oneshot;
use tokio::time::sleep;

/// Inputs of one call: as many as one request of the provider's may name, as a rule.
const TOGETHER: usize = 50;
/// How long the first waits for others.
const MOMENT: Duration = Duration::from_millis(20);

type Found = Result<Vec<DataRecord>, CallError>;

/// Looks for records, many at once. Cheap to clone; clones ask together.
#[derive(Clone)]
pub struct Finder(Arc<Inner>);

struct Inner {
    client: Connection,
    object: String,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Question>,
    /// A task is on its way.
    turn: bool,
}

struct Question {
    input: String,
    answer: oneshot::Sender<Found>,
}

impl Finder {
    /// Of one object.
    #[must_use]
    pub fn new(client: Connection, object: &str) -> Self {
        Self(Arc::new(Inner { client, object: object.to_owned(), queue: Mutex::default() }))
    }

    async fn ask(&self, input: &str) -> Found {
        let (answer, found) = oneshot::channel();
        let first = {
            let mut queue = self.0.queue();
            queue.waiting.push(Question { input: input.to_owned(), answer });
            !std::mem::replace(&mut queue.turn, true)
        };
        if first {
            let inner = Arc::clone(&self.0);
            drop(tokio::spawn(async move {
                let _turn = Turn(Arc::clone(&inner));
                inner.answer_all().await;
            }));
        }
        match found.await {
            Ok(found) => found,
            // The task panicked, or was dropped with its runtime.
            Err(_) => self.0.client.find(&self.0.object, input).await,
        }
    }
}

impl Inner {
    async fn answer_all(&self) {
        sleep(MOMENT).await;
        while let Some(asked) = self.take() {
            self.ask_all(asked).await;
        }
    }

    /// What is to be asked next; without any, the task is done.
    fn take(&self) -> Option<Vec<Question>> {
        let mut queue = self.queue();
        let count = queue.waiting.len().min(TOGETHER);
        queue.turn = count > 0;
        queue.turn.then(|| queue.waiting.drain(..count).collect())
    }

    async fn ask_all(&self, asked: Vec<Question>) {
        let split = |question: Question| (question.input, question.answer);
        let (inputs, answers): (Vec<_>, Vec<_>) = asked.into_iter().map(split).unzip();
        let found = self.find_each(&inputs).await;
        for (answer, found) in answers.into_iter().zip(found) {
            // Nobody may wait any more.
            let _ = answer.send(found);
        }
    }

    /// One answer for each input. An input that is refused must not take the others with it.
    fn find_each<'a>(
        &'a self,
        inputs: &'a [String],
    ) -> Pin<Box<dyn Future<Output = Vec<Found>> + Send + 'a>> {
        Box::pin(async move {
            match self.client.find_each(&self.object, inputs).await {
                Ok(lists) => lists.into_iter().map(Ok).collect(),
                Err(error) if inputs.len() > 1 && is_of_one(&error) => {
                    let (left, right) = inputs.split_at(inputs.len() / 2);
                    let mut found = self.find_each(left).await;
                    found.extend(self.find_each(right).await);
                    found
                }
                Err(error) => inputs.iter().map(|_| Err(error.clone())).collect(),
            }
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held while answering. Whoever waits when that panics asks alone, and later ones together again.
struct Turn(Arc<Inner>);

impl Drop for Turn {
    fn drop(&mut self) {
        if std::thread::panicking() {
            *self.0.queue() = Queue::default();
        }
    }
}

impl Find for Finder {
    fn find<'a>(
        &'a self,
        _: &'a str,
        input: &'a str,
    ) -> Pin<Box<dyn Future<Output = Found> + Send + 'a>> {
        Box::pin(self.ask(input))
    }
}

/// Errors that one input of several may have caused.
fn is_of_one(error: &CallError) -> bool {
    match error {
        CallError::TooLarge => true,
        CallError::Connector(error) => matches!(error.kind, ErrorKind::InvalidInput(_)),
        _ => false,
    }
}
