//! Several writes in one request, each made once.
//!
//! | what came | what is done |
//! |---|---|
//! | fewer results than items | the rest is handed over again: it was not sent |
//! | nothing, and it may have been applied | after a pause the same items, each told so |
//! | an item's error that repeating may mend, or that a lost attempt explains | that item, by itself |
//! | any other error of an item | it is its result |
//! | an error of the whole | it is the result of every item that is left |

use connector_contract::batches::{Item, Operation as Change};
use connector_contract::types::{Attempt, Written};

use super::caller::Caller;
use super::table::{Next, Operation, leaves_open, next};
use crate::CallError;

impl Caller {
    /// Makes every change of `items`, as many in one request as the provider takes; one by one
    /// where the connector offers no batches. Answers one result for each, in their order.
    pub async fn write(
        &self,
        object: &str,
        items: &[Item],
    ) -> Vec<Result<Option<Written>, CallError>> {
        let mut results = Vec::with_capacity(items.len());
        if !self.connection().connector().offers_batches() {
            for item in items {
                results.push(self.write_one(object, item, &item.attempt).await);
            }
            return results;
        }
        while let Some(rest) = items.get(results.len()..).filter(|rest| !rest.is_empty()) {
            match self.write_some(object, rest).await {
                Ok(some) => results.extend(some),
                Err(why) => results.extend(rest.iter().map(|_| Err(why.clone()))),
            }
        }
        results
    }

    /// The results of the first of `items`: at least one.
    async fn write_some(
        &self,
        object: &str,
        items: &[Item],
    ) -> Result<Vec<Result<Option<Written>, CallError>>, CallError> {
        let call = |attempt: Attempt| async move {
            let told = |item: &Item| {
                let again = attempt.again || item.attempt.again;
                let attempt = Attempt { again, ..item.attempt.clone() };
                Item { attempt, ..item.clone() }
            };
            let told: Vec<Item> = items.iter().map(told).collect();
            let results = self.connection().write(object, &told).await?;
            Ok(told.into_iter().zip(results).collect::<Vec<_>>())
        };
        let first = Attempt { key: String::new(), again: false };
        let some = self.repeat_write(Operation::Update, &first, call).await?.or_fail()?;
        let mut results = Vec::with_capacity(some.len());
        for (item, result) in some {
            results.push(match result {
                Ok(written) => Ok(written),
                Err(error) => self.settle(object, &item, error.into()).await,
            });
        }
        Ok(results)
    }

    /// What becomes of an item that failed in a batch.
    async fn settle(
        &self,
        object: &str,
        item: &Item,
        error: CallError,
    ) -> Result<Option<Written>, CallError> {
        let again = item.attempt.again || leaves_open(&error);
        match next(operation(item), &error, item.attempt.again) {
            Next::Fail => Err(error),
            Next::Again(_) | Next::Done => {
                let attempt = Attempt { again, ..item.attempt.clone() };
                self.write_one(object, item, &attempt).await
            }
        }
    }

    async fn write_one(
        &self,
        object: &str,
        item: &Item,
        attempt: &Attempt,
    ) -> Result<Option<Written>, CallError> {
        match &item.operation {
            Change::Create(input) => {
                let created = self.create_as(object, input, attempt, self).await?;
                Ok(Some(created.written))
            }
            Change::Update(it) => {
                let expected = it.expected.as_deref();
                self.update_as(object, &it.id, &it.patch, attempt, expected).await.map(Some)
            }
            Change::Delete(it) => {
                let expected = it.expected.as_deref();
                self.delete_as(object, &it.id, attempt, expected).await.map(|()| None)
            }
        }
    }
}

fn operation(item: &Item) -> Operation {
    match item.operation {
        Change::Create(_) => Operation::Create,
        Change::Update(_) => Operation::Update,
        Change::Delete(_) => Operation::Delete,
    }
}
