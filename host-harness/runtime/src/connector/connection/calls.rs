//! The calls that ask the provider, each repeated where that is safe; and the request of a write, shown
//! and not sent.

use connector_contract::actions::{Invocation, Outcome};
use connector_contract::batches::{Operation, Patch, Removal};
use connector_contract::catalog::{Descriptor, ObjectSummary};
use connector_contract::records::{ListRequest, Page, View};
use connector_contract::subscriptions::{Subscription, SubscriptionOutcome, SubscriptionRequest};
use connector_contract::types::{Attempt, DataRecord, Error, ErrorKind, Written};

use super::super::instance::{Call, call};
use super::Connection;
use super::once::one_list_each;
use crate::egress::{CallSends, UnsentRequest};
use crate::error::{CallError, error};
use crate::retry::{CallKind, first_attempt};

impl Connection {
    /// One page of a list.
    ///
    /// # Errors
    /// [`CallError`]; `TooLarge` when a smaller page may do.
    pub async fn list(&self, request: &ListRequest) -> Result<Page, CallError> {
        self.read(("list", &request.object), || call!(list(request))).await
    }

    /// One record, whole.
    ///
    /// # Errors
    /// [`CallError`]; `not-found` when there is none of this id.
    pub async fn get(&self, object: &str, id: &str) -> Result<DataRecord, CallError> {
        self.get_view(object, id, &View::default()).await
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
        self.read(("get", object), || call!(get(object, id, view))).await
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
        let found = self.read(("find", object), || call!(find(object, inputs))).await?;
        one_list_each(inputs.len(), found)
    }

    /// Whether the connection may use `object`, by one cheap request.
    ///
    /// # Errors
    /// [`CallError`] says why not.
    pub async fn check(&self, object: &str) -> Result<(), CallError> {
        self.read(("check", object), || call!(check_object(object))).await
    }

    /// Objects of this connection that the manifest does not list.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn objects(&self) -> Result<Vec<ObjectSummary>, CallError> {
        self.read(("objects", ""), || call!(objects())).await
    }

    /// Schemas, actions and rules of one object, as this connection has it. Where accounts do not
    /// differ the catalog tells, which sends nothing.
    ///
    /// # Errors
    /// [`CallError`]; `not-found` for an unknown name.
    pub async fn describe(&self, object: &str) -> Result<Descriptor, CallError> {
        if !self.connector().offers_discovery() {
            return self.connector().describe(object).await;
        }
        self.read(("describe", object), || call!(describe_discovered(object))).await
    }

    /// Changes a record by `patch`, a JSON Merge Patch (RFC 7396).
    ///
    /// # Errors
    /// [`CallError`]; `outcome-unknown` when it is still open whether it was applied.
    pub async fn update(&self, object: &str, id: &str, patch: &str) -> Result<Written, CallError> {
        let patch = Patch { id: id.to_owned(), patch: patch.to_owned(), expected: None };
        self.update_as(object, &patch, &first_attempt()?).await
    }

    /// As [`Connection::update`], only a record that is still of the version that is expected. With
    /// `attempt.again`, an earlier attempt at it, of a process that was cut off, may have been
    /// applied.
    ///
    /// # Errors
    /// As [`Connection::update`]; `conflict` when it is of another version.
    pub async fn update_as(
        &self,
        object: &str,
        patch: &Patch,
        attempt: &Attempt,
    ) -> Result<Written, CallError> {
        let Patch { id, patch, expected } = patch;
        let call = |attempt: &Attempt| call!(update(object, id, patch, attempt, expected));
        self.change(("update", object), CallKind::Update, attempt, call).await?
    }

    /// Removes a record. Finding nothing after an attempt whose answer was lost means that this
    /// attempt did it.
    ///
    /// # Errors
    /// [`CallError`]; `not-found` when it is not there.
    pub async fn delete(&self, object: &str, id: &str) -> Result<(), CallError> {
        let removal = Removal { id: id.to_owned(), expected: None };
        self.delete_as(object, &removal, &first_attempt()?).await
    }

    /// As [`Connection::delete`], only a record that is still of the version that is expected. With
    /// `attempt.again` as [`Connection::update_as`].
    ///
    /// # Errors
    /// As [`Connection::delete`]; `conflict` when it is of another version.
    pub async fn delete_as(
        &self,
        object: &str,
        removal: &Removal,
        attempt: &Attempt,
    ) -> Result<(), CallError> {
        let Removal { id, expected } = removal;
        let call = |attempt: &Attempt| call!(delete(object, id, attempt, expected));
        self.change(("delete", object), CallKind::Delete, attempt, call).await.map(drop)
    }

    /// Runs an action.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` when the connector has none.
    pub async fn invoke(&self, invocation: &Invocation) -> Result<Outcome, CallError> {
        let call = |attempt: &Attempt| {
            let invocation = &Invocation { attempt: attempt.clone(), ..invocation.clone() };
            call!(invoke(invocation))
        };
        let name = ("invoke", invocation.object.as_str());
        self.change(name, CallKind::Update, &invocation.attempt, call).await?
    }

    /// Has events of an object sent to a URL, or tells what a person has to do for it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn subscribe(
        &self,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionOutcome, CallError> {
        let call = |attempt: &Attempt| {
            let request = &SubscriptionRequest { attempt: attempt.clone(), ..request.clone() };
            call!(subscribe(request))
        };
        let (name, connection) =
            (("subscribe", request.object.as_str()), self.of_subscription(&request.object));
        connection.change(name, CallKind::Update, &request.attempt, call).await?
    }

    /// All subscriptions that the provider holds for this connection.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` where the provider does not tell.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, CallError> {
        self.read(("subscriptions", ""), || call!(subscriptions_there())).await
    }

    /// Ends a subscription to events of `object` at the provider. Secrets that it has of its own
    /// are for the caller to erase.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` where only a person can.
    pub async fn unsubscribe(&self, object: &str, id: &str) -> Result<(), CallError> {
        let (name, first) = (("unsubscribe", object), first_attempt()?);
        let connection = self.of_subscription(object);
        let call = |_: &Attempt| call!(unsubscribe(id));
        connection.change(name, CallKind::Delete, &first, call).await.map(drop)
    }

    /// The request that a write would send. Reads that come before it are made, once; the write
    /// itself is not.
    ///
    /// # Errors
    /// [`CallError`] when the connector refuses before it comes to a request.
    pub async fn plan(
        &self,
        object: &str,
        operation: &Operation,
    ) -> Result<UnsentRequest, CallError> {
        let attempt = &Attempt { key: "plan".to_owned(), again: false };
        match operation {
            Operation::Create(input) => {
                self.try_out(object, || call!(create(object, input, attempt))).await
            }
            Operation::Update(Patch { id, patch, expected }) => {
                self.try_out(object, || call!(update(object, id, patch, attempt, expected))).await
            }
            Operation::Delete(Removal { id, expected }) => {
                self.try_out(object, || call!(delete(object, id, attempt, expected))).await
            }
        }
    }

    /// As [`Connection::plan`], for an action.
    ///
    /// # Errors
    /// As [`Connection::plan`].
    pub async fn plan_action(&self, invocation: &Invocation) -> Result<UnsentRequest, CallError> {
        self.try_out(&invocation.object, || call!(invoke(invocation))).await
    }

    async fn try_out<R: Send>(
        &self,
        object: &str,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> Result<UnsentRequest, CallError> {
        let (result, sends) = self.once(("plan", object), CallSends::planning, call).await;
        let nothing = || error(ErrorKind::Unsupported, "this call sends no write").into();
        sends.planned.ok_or_else(|| result.err().unwrap_or_else(nothing))
    }
}
