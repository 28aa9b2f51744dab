//! The calls that ask the provider, each repeated where that is safe.

use connector_contract::actions::{Invocation, Outcome};
use connector_contract::catalog::{Descriptor, ObjectSummary};
use connector_contract::records::{ListRequest, Page, View};
use connector_contract::subscriptions::{Subscription, SubscriptionOutcome, SubscriptionRequest};
use connector_contract::types::{Attempt, DataRecord, Error, Written};

use super::super::instance::Call;
use super::Connection;
use super::once::one_list_each;
use super::writes::{delete, invoke, update};
use crate::error::CallError;
use crate::retry::{Operation, first_attempt};

impl Connection {
    /// One page of a list.
    ///
    /// # Errors
    /// [`CallError`]; `TooLarge` when a smaller page may do.
    pub async fn list(&self, request: &ListRequest) -> Result<Page, CallError> {
        self.read(("list", &request.object), || {
            let request = request.clone();
            Box::new(move |guest, store| Box::pin(guest.list(store, request)))
        })
        .await
    }

    /// One record, whole.
    ///
    /// # Errors
    /// [`CallError`]; `not-found` when there is none of this id.
    pub async fn get(&self, object: &str, id: &str) -> Result<DataRecord, CallError> {
        self.get_view(object, id, &View { fields: vec![], options: None }).await
    }

    /// One record, or the part of it that `view` asks for.
    ///
    /// # Errors
    /// As [`Connection::get`].
    pub async fn get_view(
        &self,
        object: &str,
        id: &str,
        view: &View,
    ) -> Result<DataRecord, CallError> {
        self.read(("get", object), || {
            let (object, id, view) = (object.to_owned(), id.to_owned(), view.clone());
            Box::new(move |guest, store| Box::pin(guest.get(store, object, id, view)))
        })
        .await
    }

    /// The records that creating `input` would collide with.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn find(&self, object: &str, input: &str) -> Result<Vec<DataRecord>, CallError> {
        let inputs = [input.to_owned()];
        Ok(self.find_each(object, &inputs).await?.into_iter().flatten().collect())
    }

    /// The records that creating each of `inputs` would collide with, in their order.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn find_each(
        &self,
        object: &str,
        inputs: &[String],
    ) -> Result<Vec<Vec<DataRecord>>, CallError> {
        let found = self.read(("find", object), || {
            let (object, inputs) = (object.to_owned(), inputs.to_vec());
            Box::new(move |guest, store| Box::pin(guest.find(store, object, inputs)))
        });
        one_list_each(inputs.len(), found.await?)
    }

    /// Whether the connection may use `object`, by one cheap request.
    ///
    /// # Errors
    /// [`CallError`] says why not.
    pub async fn check(&self, object: &str) -> Result<(), CallError> {
        self.read(("check", object), || {
            let object = object.to_owned();
            Box::new(move |guest, store| Box::pin(guest.check_object(store, object)))
        })
        .await
    }

    /// Objects of this connection that the manifest does not list.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn objects(&self) -> Result<Vec<ObjectSummary>, CallError> {
        self.read(("objects", ""), || Box::new(move |guest, store| Box::pin(guest.objects(store))))
            .await
    }

    /// Schemas, actions and rules of one object, as this connection has it.
    ///
    /// # Errors
    /// [`CallError`]; `not-found` for an unknown name.
    pub async fn describe(&self, object: &str) -> Result<Descriptor, CallError> {
        self.read(("describe", object), || {
            let object = object.to_owned();
            Box::new(move |guest, store| Box::pin(guest.describe_here(store, object)))
        })
        .await
    }

    /// Changes a record by `patch`, a JSON Merge Patch (RFC 7396).
    ///
    /// # Errors
    /// [`CallError`]; `outcome-unknown` when it is still open whether it was applied.
    pub async fn update(&self, object: &str, id: &str, patch: &str) -> Result<Written, CallError> {
        self.update_as(object, id, patch, &first_attempt()?, None).await
    }

    /// As [`Connection::update`]; with `expected`, only a record that is still of this version.
    /// With `attempt.again`, an earlier attempt at it, of a process that was cut off, may have been
    /// applied.
    ///
    /// # Errors
    /// As [`Connection::update`]; `conflict` when it is of another version.
    pub async fn update_as(
        &self,
        object: &str,
        id: &str,
        patch: &str,
        attempt: &Attempt,
        expected: Option<&str>,
    ) -> Result<Written, CallError> {
        let call = |attempt: &Attempt| update(object, id, patch, attempt, expected);
        self.change(("update", object), Operation::Update, attempt, call).await?.or_fail()
    }

    /// Removes a record. Finding nothing after an attempt whose answer was lost means that this
    /// attempt did it.
    ///
    /// # Errors
    /// [`CallError`]; `not-found` when it is not there.
    pub async fn delete(&self, object: &str, id: &str) -> Result<(), CallError> {
        self.delete_as(object, id, &first_attempt()?, None).await
    }

    /// As [`Connection::delete`]; with `expected`, only a record that is still of this version.
    /// With `attempt.again` as [`Connection::update_as`].
    ///
    /// # Errors
    /// As [`Connection::delete`]; `conflict` when it is of another version.
    pub async fn delete_as(
        &self,
        object: &str,
        id: &str,
        attempt: &Attempt,
        expected: Option<&str>,
    ) -> Result<(), CallError> {
        let call = |attempt: &Attempt| delete(object, id, attempt, expected);
        self.change(("delete", object), Operation::Delete, attempt, call).await.map(drop)
    }

    /// Runs an action.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` when the connector has none.
    pub async fn invoke(&self, invocation: &Invocation) -> Result<Outcome, CallError> {
        let call = |attempt: &Attempt| {
            invoke(&Invocation { attempt: attempt.clone(), ..invocation.clone() })
        };
        self.change(("invoke", &invocation.object), Operation::Update, &invocation.attempt, call)
            .await?
            .or_fail()
    }

    /// Has events of an object sent to a URL, or tells what a person has to do for it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn subscribe(
        &self,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionOutcome, CallError> {
        let call = |attempt: &Attempt| -> Call<Result<_, Error>> {
            let request = SubscriptionRequest { attempt: attempt.clone(), ..request.clone() };
            Box::new(move |guest, store| Box::pin(guest.subscribe(store, request)))
        };
        let connection = self.of_subscription(&request.object);
        connection
            .change(("subscribe", &request.object), Operation::Update, &request.attempt, call)
            .await?
            .or_fail()
    }

    /// All subscriptions that the provider holds for this connection.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` where the provider does not tell.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, CallError> {
        self.read(("subscriptions", ""), || {
            Box::new(move |guest, store| Box::pin(guest.subscriptions_there(store)))
        })
        .await
    }

    /// Ends a subscription to events of `object` at the provider. Secrets that it has of its own
    /// are for the caller to erase.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` where only a person can.
    pub async fn unsubscribe(&self, object: &str, id: &str) -> Result<(), CallError> {
        let call = |_: &Attempt| -> Call<Result<(), Error>> {
            let id = id.to_owned();
            Box::new(move |guest, store| Box::pin(guest.unsubscribe(store, id)))
        };
        let connection = self.of_subscription(object);
        connection
            .change(("unsubscribe", object), Operation::Delete, &first_attempt()?, call)
            .await
            .map(drop)
    }
}
