//! One question for many: items that look for their records at the same time ask together.
//!
//! Whoever gets the turn waits a moment for others, and asks for all that have come by then in one
//! call. While the call is held up by the provider's limits, more questions gather for the next one.

use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use connector_contract::types::{DataRecord, ErrorKind};
use connector_runtime::{CallError, Connection, Find};
use tokio::sync::{Mutex as Turn, oneshot};
use tokio::time::sleep;

use crate::lock;

/// Inputs of one call: as many as one request of the provider's may name, as a rule.
const TOGETHER: usize = 50;
/// How long the first waits for others.
const MOMENT: Duration = Duration::from_millis(20);

type FindAnswer = Result<Vec<DataRecord>, CallError>;

/// Looks for records of one object, many at once.
pub struct Finder {
    client: Connection,
    /// Who has it asks for all that wait.
    turn: Turn<()>,
    /// Inputs, and where the answer of each goes: no more than there are items under way.
    waiting: Mutex<Vec<(String, oneshot::Sender<FindAnswer>)>>,
}

impl Finder {
    /// By this connection.
    pub fn new(client: Connection) -> Self {
        Self { client, turn: Turn::default(), waiting: Mutex::default() }
    }

    /// Asks for inputs that wait, the first ones first.
    async fn ask(&self, object: &str) {
        let is_alone = lock(&self.waiting).len() < TOGETHER;
        if is_alone {
            sleep(MOMENT).await;
        }
        let (inputs, answers): (Vec<_>, Vec<_>) = {
            let mut waiting = lock(&self.waiting);
            waiting.retain(|(_, answer)| !answer.is_closed());
            let count = waiting.len().min(TOGETHER);
            waiting.drain(..count).unzip()
        };
        let found = find_each(&self.client, object, &inputs).await;
        for (answer, found) in answers.into_iter().zip(found) {
            // Nobody may wait any more.
            let _ = answer.send(found);
        }
    }
}

impl Find for Finder {
    fn find<'a>(
        &'a self,
        object: &'a str,
        input: &'a str,
    ) -> Pin<Box<dyn Future<Output = FindAnswer> + Send + 'a>> {
        Box::pin(async move {
            let (answer, mut found) = oneshot::channel();
            lock(&self.waiting).push((input.to_owned(), answer));
            loop {
                tokio::select! {
                    biased;
                    found = &mut found => match found {
                        Ok(found) => return found,
                        // Who asked for it was dropped meanwhile.
                        Err(_) => return self.client.find(object, input).await,
                    },
                    _turn = self.turn.lock() => self.ask(object).await,
                }
            }
        })
    }
}

/// One answer for each input. An input that is refused must not take the others with it.
async fn find_each(client: &Connection, object: &str, inputs: &[String]) -> Vec<FindAnswer> {
    let is_of_one = |error: &CallError| match error {
        CallError::TooLarge => true,
        CallError::Connector(error) => matches!(error.kind, ErrorKind::InvalidInput(_)),
        _ => false,
    };
    match client.find_each(object, inputs).await {
        Ok(lists) => lists.into_iter().map(Ok).collect(),
        Err(error) if inputs.len() > 1 && is_of_one(&error) => {
            let (left, right) = inputs.split_at(inputs.len() / 2);
            let mut found = Box::pin(find_each(client, object, left)).await;
            found.extend(Box::pin(find_each(client, object, right)).await);
            found
        }
        Err(error) => inputs.iter().map(|_| Err(error.clone())).collect(),
    }
}
