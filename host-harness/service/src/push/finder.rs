//! One question for many: items that look for their records at the same time ask together.
//!
//! A task takes the first question, waits a moment for others, and asks for all that have come by
//! then in one call. While the call is held up by the provider's limits, more questions gather for
//! the next one.

use std::iter;
use std::pin::Pin;
use std::time::Duration;

use connector_contract::types::{DataRecord, ErrorKind};
use connector_runtime::{CallError, Connection, Find};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

/// Inputs of one call: as many as one request of the provider's may name, as a rule. As many more
/// wait in the queue; whoever asks then waits for a place in it.
const TOGETHER: usize = 50;
/// How long the first waits for others.
const MOMENT: Duration = Duration::from_millis(20);

type Found = Result<Vec<DataRecord>, CallError>;
/// An input, and where its answer goes.
type Question = (String, oneshot::Sender<Found>);

/// Looks for records of one object, many at once.
pub struct Finder {
    client: Connection,
    questions: mpsc::Sender<Question>,
}

impl Finder {
    /// Of one object. Its task ends with it.
    #[must_use]
    pub fn new(client: Connection, object: &str) -> Self {
        let (questions, asked) = mpsc::channel(TOGETHER);
        drop(tokio::spawn(answer_all(client.clone(), object.to_owned(), asked)));
        Self { client, questions }
    }
}

impl Find for Finder {
    fn find<'a>(
        &'a self,
        object: &'a str,
        input: &'a str,
    ) -> Pin<Box<dyn Future<Output = Found> + Send + 'a>> {
        Box::pin(async move {
            let (answer, found) = oneshot::channel();
            let sent = self.questions.send((input.to_owned(), answer)).await;
            match (sent, found.await) {
                (Ok(()), Ok(found)) => found,
                // The task panicked, or was dropped with its runtime.
                _ => self.client.find(object, input).await,
            }
        })
    }
}

async fn answer_all(client: Connection, object: String, mut asked: mpsc::Receiver<Question>) {
    while let Some(first) = asked.recv().await {
        sleep(MOMENT).await;
        let mut first = Some(first);
        loop {
            let more = iter::from_fn(|| asked.try_recv().ok());
            let (inputs, answers): (Vec<_>, Vec<_>) =
                first.take().into_iter().chain(more).take(TOGETHER).unzip();
            if inputs.is_empty() {
                break;
            }
            let found = find_each(&client, &object, &inputs).await;
            for (answer, found) in answers.into_iter().zip(found) {
                // Nobody may wait any more.
                let _ = answer.send(found);
            }
        }
    }
}

/// One answer for each input. An input that is refused must not take the others with it.
async fn find_each(client: &Connection, object: &str, inputs: &[String]) -> Vec<Found> {
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

/// Errors that one input of several may have caused.
fn is_of_one(error: &CallError) -> bool {
    match error {
        CallError::TooLarge => true,
        CallError::Connector(error) => matches!(error.kind, ErrorKind::InvalidInput(_)),
        _ => false,
    }
}
