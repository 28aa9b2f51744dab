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
use connector_contract::types::{Attempt, Error, Written};

use super::super::instance::Call;
use super::Connection;
use super::once::not_as_many;
use crate::error::CallError;
use crate::retry::{CallKind, Next, leaves_open, next};

impl Connection {
    /// Makes every change of `items`, as many in one request as the provider takes; one by one
    /// where the connector offers no batches. Answers one result for each, in their order.
    pub async fn write(
        &self,
        object: &str,
        items: &[Item],
    ) -> Vec<Result<Option<Written>, CallError>> {
        let mut results = Vec::with_capacity(items.len());
        if !self.connector.offers_batches() {
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
        let call = |attempt: &Attempt| -> Call<Result<_, Error>> {
            let (object, mut items) = (object.to_owned(), items.to_vec());
            items.iter_mut().for_each(|item| item.attempt.again |= attempt.again);
            Box::new(move |guest, store| {
                Box::pin(async move {
                    let results = guest.write(store, object, items.clone()).await?;
                    Ok(results.map(|results| (items, results)))
                })
            })
        };
        let first = Attempt::default();
        let (told, came) = self.change(("write", object), CallKind::Update, &first, call).await??;
        if came.is_empty() || came.len() > items.len() {
            return Err(not_as_many(items.len(), came.len()));
        }
        let mut results = Vec::with_capacity(items.len());
        for (item, result) in told.iter().zip(came) {
            results.push(match result {
                Ok(written) => Ok(written),
                Err(error) => self.settle(object, item, error.into()).await,
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
        let operation = match item.operation {
            Change::Create(_) => CallKind::Create,
            Change::Update(_) => CallKind::Update,
            Change::Delete(_) => CallKind::Delete,
        };
        if next(operation, &error, item.attempt.again) == Next::Fail {
            return Err(error);
        }
        let again = item.attempt.again || leaves_open(&error);
        self.write_one(object, item, &Attempt { again, ..item.attempt.clone() }).await
    }

    async fn write_one(
        &self,
        object: &str,
        item: &Item,
        attempt: &Attempt,
    ) -> Result<Option<Written>, CallError> {
        match &item.operation {
            Change::Create(input) => {
                let created = self.create_as(object, input, attempt, self).await;
                created.map(|created| Some(created.written))
            }
            Change::Update(patch) => self.update_as(object, patch, attempt).await.map(Some),
            Change::Delete(removal) => {
                self.delete_as(object, removal, attempt).await.map(|()| None)
            }
        }
    }
}
