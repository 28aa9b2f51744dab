//! The connector's calls, in the plain types of the contract.

use std::result::Result as StdResult;

use connector_contract::actions::{Invocation, Outcome};
use connector_contract::auth::{BeginRequest, Grant, Step};
use connector_contract::batches::Item;
use connector_contract::catalog::{Descriptor, Manifest, ObjectSummary};
use connector_contract::records::{ListRequest, Page, View};
use connector_contract::subscriptions::{
    Delivery, Reception, Refusal, Subscription, SubscriptionOutcome, SubscriptionRequest,
};
use connector_contract::types::{Attempt, DataRecord, Error, ErrorKind, Written};
use wasmtime::{Result, Store};

use super::Guest;
use super::convert::Convert as _;
use crate::connector::state::CallState;
use crate::error::error;

/// What a connector answers: a value, or its own error.
pub type Answered<T> = StdResult<T, Error>;

/// The answer in place of an interface that the component has not.
fn not_offered(what: &str) -> Error {
    error(ErrorKind::Unsupported, format!("This connector offers no {what}."))
}

impl Guest<'_> {
    /// `catalog.get-manifest`.
    pub async fn manifest(&self, store: &mut Store<CallState>) -> Result<Manifest> {
        let offered = self.catalog(store)?;
        Ok(offered.call_get_manifest(store).await?.convert())
    }

    /// `catalog.describe`.
    pub async fn describe(
        &self,
        store: &mut Store<CallState>,
        object: String,
    ) -> Result<Answered<Descriptor>> {
        let offered = self.catalog(store)?;
        Ok(offered.call_describe(store, &object).await?.convert())
    }

    /// `auth.begin`.
    pub async fn begin(
        &self,
        store: &mut Store<CallState>,
        request: BeginRequest,
    ) -> Result<Answered<Step>> {
        let offered = self.auth(store)?;
        Ok(offered.call_begin(store, &request.convert()).await?.convert())
    }

    /// `auth.complete`.
    pub async fn complete(
        &self,
        store: &mut Store<CallState>,
        session: String,
        query: String,
    ) -> Result<Answered<Grant>> {
        let offered = self.auth(store)?;
        Ok(offered.call_complete(store, &session, &query).await?.convert())
    }

    /// `auth.refresh`.
    pub async fn refresh(&self, store: &mut Store<CallState>) -> Result<Answered<Grant>> {
        let offered = self.auth(store)?;
        Ok(offered.call_refresh(store).await?.convert())
    }

    /// `auth.revoke`.
    pub async fn revoke(&self, store: &mut Store<CallState>) -> Result<Answered<()>> {
        let offered = self.auth(store)?;
        Ok(offered.call_revoke(store).await?.convert())
    }

    /// `auth.check`.
    pub async fn check_object(
        &self,
        store: &mut Store<CallState>,
        object: String,
    ) -> Result<Answered<()>> {
        let offered = self.auth(store)?;
        Ok(offered.call_check(store, &object).await?.convert())
    }

    /// `records.list`.
    pub async fn list(
        &self,
        store: &mut Store<CallState>,
        request: ListRequest,
    ) -> Result<Answered<Page>> {
        let offered = self.records(store)?;
        Ok(offered.call_list(store, &request.convert()).await?.convert())
    }

    /// `records.get`.
    pub async fn get(
        &self,
        store: &mut Store<CallState>,
        object: String,
        id: String,
        view: View,
    ) -> Result<Answered<DataRecord>> {
        let offered = self.records(store)?;
        Ok(offered.call_get(store, &object, &id, &view.convert()).await?.convert())
    }

    /// `records.find`.
    pub async fn find(
        &self,
        store: &mut Store<CallState>,
        object: String,
        inputs: Vec<String>,
    ) -> Result<Answered<Vec<Vec<DataRecord>>>> {
        let offered = self.records(store)?;
        Ok(offered.call_find(store, &object, &inputs).await?.convert())
    }

    /// `records.create`.
    pub async fn create(
        &self,
        store: &mut Store<CallState>,
        object: String,
        input: String,
        attempt: Attempt,
    ) -> Result<Answered<Written>> {
        let offered = self.records(store)?;
        Ok(offered.call_create(store, &object, &input, &attempt.convert()).await?.convert())
    }

    /// `records.update`.
    pub async fn update(
        &self,
        store: &mut Store<CallState>,
        object: String,
        id: String,
        patch: String,
        attempt: Attempt,
        expected: Option<String>,
    ) -> Result<Answered<Written>> {
        let offered = self.records(store)?;
        Ok(offered
            .call_update(store, &object, &id, &patch, &attempt.convert(), expected.as_deref())
            .await?
            .convert())
    }

    /// `records.delete`.
    pub async fn delete(
        &self,
        store: &mut Store<CallState>,
        object: String,
        id: String,
        attempt: Attempt,
        expected: Option<String>,
    ) -> Result<Answered<()>> {
        let offered = self.records(store)?;
        Ok(offered
            .call_delete(store, &object, &id, &attempt.convert(), expected.as_deref())
            .await?
            .convert())
    }

    /// `actions.invoke`.
    pub async fn invoke(
        &self,
        store: &mut Store<CallState>,
        invocation: Invocation,
    ) -> Result<Answered<Outcome>> {
        let Some(offered) = self.actions(store)? else { return Ok(Err(not_offered("actions"))) };
        Ok(offered.call_invoke(store, &invocation.convert()).await?.convert())
    }

    /// `batches.write`.
    pub async fn write(
        &self,
        store: &mut Store<CallState>,
        object: String,
        items: Vec<Item>,
    ) -> Result<Answered<Vec<Answered<Option<Written>>>>> {
        let Some(offered) = self.batches(store)? else {
            return Ok(Err(not_offered("several writes at once")));
        };
        Ok(offered.call_write(store, &object, &items.convert()).await?.convert())
    }

    /// `derived.derive`.
    pub async fn derive(
        &self,
        store: &mut Store<CallState>,
        objects: Vec<String>,
        parents: Vec<DataRecord>,
    ) -> Result<Answered<Vec<Vec<Vec<DataRecord>>>>> {
        let Some(offered) = self.derived(store)? else {
            return Ok(Err(not_offered("derived records")));
        };
        Ok(offered.call_derive(store, &objects, &parents.convert()).await?.convert())
    }

    /// `subscriptions.subscribe`.
    pub async fn subscribe(
        &self,
        store: &mut Store<CallState>,
        request: SubscriptionRequest,
    ) -> Result<Answered<SubscriptionOutcome>> {
        let Some(offered) = self.subscriptions(store)? else {
            return Ok(Err(not_offered("events")));
        };
        Ok(offered.call_subscribe(store, &request.convert()).await?.convert())
    }

    /// `subscriptions.existing`.
    pub async fn subscriptions_there(
        &self,
        store: &mut Store<CallState>,
    ) -> Result<Answered<Vec<Subscription>>> {
        let Some(offered) = self.subscriptions(store)? else {
            return Ok(Err(not_offered("events")));
        };
        Ok(offered.call_existing(store).await?.convert())
    }

    /// `subscriptions.unsubscribe`.
    pub async fn unsubscribe(
        &self,
        store: &mut Store<CallState>,
        id: String,
    ) -> Result<Answered<()>> {
        let Some(offered) = self.subscriptions(store)? else {
            return Ok(Err(not_offered("events")));
        };
        Ok(offered.call_unsubscribe(store, &id).await?.convert())
    }

    /// `subscriptions.receive`.
    pub async fn receive(
        &self,
        store: &mut Store<CallState>,
        delivery: Delivery,
    ) -> Result<Answered<StdResult<Reception, Refusal>>> {
        let Some(offered) = self.subscriptions(store)? else {
            return Ok(Err(not_offered("events")));
        };
        Ok(Ok(offered.call_receive(store, &delivery.convert()).await?.convert()))
    }

    /// `discovery.objects`; none where the connector discovers none.
    pub async fn objects(
        &self,
        store: &mut Store<CallState>,
    ) -> Result<Answered<Vec<ObjectSummary>>> {
        let Some(offered) = self.discovery(store)? else { return Ok(Ok(vec![])) };
        Ok(offered.call_objects(store).await?.convert())
    }

    /// `discovery.describe`; without it, `catalog.describe`.
    pub async fn describe_here(
        &self,
        store: &mut Store<CallState>,
        object: String,
    ) -> Result<Answered<Descriptor>> {
        let Some(offered) = self.discovery(store)? else {
            return self.describe(store, object).await;
        };
        Ok(offered.call_describe(store, &object).await?.convert())
    }
}
