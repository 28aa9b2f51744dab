//! One customer's authorised account: the typed calls of the contract.
//!
//! Each call is one fresh instance and is made once. What to do about an error is
//! [`crate::retry`]'s business.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::authority::Authority;
use super::bindings::actions::{Invocation, Outcome};
use super::bindings::auth::Account;
use super::bindings::catalog::{KeyRole, KeyUse};
use super::bindings::records::{ListRequest, Page};
use super::bindings::subscriptions::{
    Delivery, Reception, Refusal, SubscriptionOutcome, SubscriptionRequest,
};
use super::bindings::types::{DataRecord, Error, ErrorKind, Written};
use super::builder::Builder;
use super::component::Connector;
use super::error::{CallError, error};
use super::granted::Granted;
use super::instance::{Call, run};
use super::writes::{Write, create, delete, invoke, update};
use crate::clock::Clock;
use crate::egress::{CallSends, Egress, Planned, SKEW_WORTH_CORRECTING_MS};
use crate::grants::Grants;
use crate::observe::Observer;
use crate::store::Store;
use crate::vault::{Key, Secrets};

/// What a connection's calls stand on.
#[derive(Clone)]
pub struct Ground {
    /// The way out.
    pub egress: Egress,
    /// Used as keys, filled into requests.
    pub secrets: Arc<Secrets>,
    /// Plain values, defaults included.
    pub settings: BTreeMap<String, String>,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    pub(super) key_uses: Vec<KeyUse>,
    pub(super) declared_secrets: BTreeSet<String>,
}

impl Ground {
    /// Whether the manifest lets `secret` serve as key of `algorithm` in this role.
    #[must_use]
    pub fn may_use_key(&self, secret: &str, algorithm: &str, role: KeyRole) -> bool {
        self.key_uses
            .iter()
            .any(|rule| rule.secret == secret && rule.algorithm == algorithm && rule.role == role)
    }

    /// Whether `secret` may be a piece of a message to be signed: one that the manifest
    /// declares, as part of a request or as a key.
    #[must_use]
    pub fn may_sign_secret(&self, secret: &str) -> bool {
        self.declared_secrets.contains(secret)
    }
}

/// A connection. Cheap to clone; clones are the same connection.
#[derive(Clone)]
pub struct Connection {
    connector: Connector,
    ground: Arc<Ground>,
    admitted: Arc<Semaphore>,
    granted: Option<Arc<Granted>>,
}

impl Connection {
    /// Begins a connection of `connector`.
    #[must_use]
    pub fn builder(connector: &Connector) -> Builder {
        Builder::new(connector)
    }

    pub(super) fn new(connector: Connector, ground: Ground, calls: usize) -> Self {
        let (ground, admitted) = (Arc::new(ground), Arc::new(Semaphore::new(calls)));
        Self { connector, ground, admitted, granted: None }
    }

    /// Lives on the grant that is kept in `store` for the connection with this id, whose tokens
    /// `key` seals: its calls use those tokens, renewed in time and once. A call whose access token
    /// the provider refuses (401, so that nothing was applied) is made once more with another.
    #[must_use]
    pub fn granted(self, store: Arc<dyn Store>, id: impl Into<String>, key: Key) -> Self {
        let provider = Arc::new(self.authority());
        let (clock, observer) = (self.clock(), Arc::clone(&self.ground.observer));
        let grants = Grants::new(store, id, key, provider, clock, observer);
        Self { granted: Some(Arc::new(Granted::new(grants))), ..self }
    }

    /// The grant that it lives on.
    #[must_use]
    pub fn grants(&self) -> Option<&Grants> {
        self.granted.as_deref().map(Granted::grants)
    }

    /// How it is made, renewed and given back.
    #[must_use]
    pub fn authority(&self) -> Authority {
        Authority::new(self.connector.clone(), Arc::clone(&self.ground))
    }

    /// Its time of day.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.ground.egress.clock)
    }

    /// Its connector.
    #[must_use]
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Who watches it.
    #[must_use]
    pub fn observer(&self) -> &dyn Observer {
        self.ground.observer.as_ref()
    }

    /// One page of a scan.
    ///
    /// # Errors
    /// [`CallError`]; `TooLarge` when a smaller page may do.
    pub async fn list(&self, request: ListRequest) -> Result<Page, CallError> {
        self.call(|| {
            let request = request.clone();
            Box::new(move |world, store| {
                Box::pin(
                    async move { world.connector_api_records().call_list(store, &request).await },
                )
            })
        })
        .await
    }

    /// One record.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get(&self, object: &str, id: &str) -> Result<DataRecord, CallError> {
        self.call(|| {
            let (object, id) = (object.to_owned(), id.to_owned());
            Box::new(move |world, store| {
                Box::pin(async move {
                    world.connector_api_records().call_get(store, &object, &id).await
                })
            })
        })
        .await
    }

    /// The records of a derived object in each of `parents`. Sends nothing.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn derive(
        &self,
        object: &str,
        parents: Vec<DataRecord>,
    ) -> Result<Vec<Vec<DataRecord>>, CallError> {
        let (object, asked) = (object.to_owned(), parents.len());
        let call: Call<Result<_, Error>> = Box::new(move |world, store| {
            Box::pin(async move {
                world.connector_api_records().call_derive(store, &object, &parents).await
            })
        });
        one_list_each(asked, self.offline(call).await?)
    }

    /// The records that creating each of `inputs` would collide with, in their order.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn find(
        &self,
        object: &str,
        inputs: &[String],
    ) -> Result<Vec<Vec<DataRecord>>, CallError> {
        let found = self.call(|| {
            let (object, inputs) = (object.to_owned(), inputs.to_vec());
            Box::new(move |world, store| {
                Box::pin(async move {
                    world.connector_api_records().call_find(store, &object, &inputs).await
                })
            })
        });
        one_list_each(inputs.len(), found.await?)
    }

    /// Makes a record of `input`. `key` names the wish and stays the same when it is
    /// repeated.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn create(&self, object: &str, input: &str, key: &str) -> Result<Written, CallError> {
        self.call(|| create(object, input, key)).await
    }

    /// Changes a record by `patch`, a JSON Merge Patch (RFC 7396).
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn update(&self, object: &str, id: &str, patch: &str) -> Result<Written, CallError> {
        self.call(|| update(object, id, patch)).await
    }

    /// Removes a record.
    ///
    /// # Errors
    /// [`CallError`]; `not-found` when it is not there.
    pub async fn delete(&self, object: &str, id: &str) -> Result<(), CallError> {
        self.call(|| delete(object, id)).await
    }

    /// Runs an action.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn invoke(&self, invocation: &Invocation) -> Result<Outcome, CallError> {
        self.call(|| invoke(invocation)).await
    }

    /// Has events of an object sent to a URL, or tells what a person has to do for it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn subscribe(
        &self,
        request: SubscriptionRequest,
    ) -> Result<SubscriptionOutcome, CallError> {
        self.call(|| {
            let request = request.clone();
            Box::new(move |world, store| {
                Box::pin(async move {
                    world.connector_api_subscriptions().call_subscribe(store, &request).await
                })
            })
        })
        .await
    }

    /// Verifies and reads one delivery. Sends nothing.
    ///
    /// # Errors
    /// [`CallError`] when the connector could not be run to its end: the delivery is neither
    /// taken nor refused.
    pub async fn receive(
        &self,
        delivery: Delivery,
    ) -> Result<Result<Reception, Refusal>, CallError> {
        let call: Call<Result<_, Error>> = Box::new(move |world, store| {
            Box::pin(async move {
                world.connector_api_subscriptions().call_receive(store, &delivery).await.map(Ok)
            })
        });
        self.offline(call).await
    }

    /// Whether the connection may use `object`, by one cheap request.
    ///
    /// # Errors
    /// [`CallError`] says why not.
    pub async fn check(&self, object: &str) -> Result<Option<Account>, CallError> {
        self.call(|| {
            let object = object.to_owned();
            Box::new(move |world, store| {
                Box::pin(async move { world.connector_api_auth().call_check(store, &object).await })
            })
        })
        .await
    }

    /// The request that a write would send. Reads that come before it are made; the
    /// write itself is not.
    ///
    /// # Errors
    /// [`CallError`] when the connector refuses before it comes to a request.
    pub async fn plan(&self, write: Write<'_>) -> Result<Planned, CallError> {
        let (failed, sends) = match write {
            Write::Create { object, input } => self.try_out(|| create(object, input, "plan")).await,
            Write::Update { object, id, patch } => self.try_out(|| update(object, id, patch)).await,
            Write::Delete { object, id } => self.try_out(|| delete(object, id)).await,
            Write::Invoke(invocation) => self.try_out(|| invoke(invocation)).await,
        };
        let nothing = || error(ErrorKind::Unsupported, "this call sends no write").into();
        sends.planned.ok_or_else(|| failed.unwrap_or_else(nothing))
    }

    async fn try_out<R: Send>(
        &self,
        call: impl Fn() -> Call<Result<R, Error>>,
    ) -> (Option<CallError>, CallSends) {
        let (result, sends) = self.run(CallSends::planning, call).await;
        (result.err(), sends)
    }

    /// Makes a call that sends nothing, so needs no token: its input is not copied.
    async fn offline<R: Send>(&self, call: Call<Result<R, Error>>) -> Result<R, CallError> {
        let _admitted = self.admitted.acquire().await;
        self.once(CallSends::default(), call).await.0
    }

    async fn call<R: Send>(
        &self,
        call: impl Fn() -> Call<Result<R, Error>>,
    ) -> Result<R, CallError> {
        self.run(CallSends::default, call).await.0
    }

    /// Makes a call, once; where the provider refuses the access token, once more with another.
    async fn run<R: Send>(
        &self,
        sends: fn() -> CallSends,
        call: impl Fn() -> Call<Result<R, Error>>,
    ) -> (Result<R, CallError>, CallSends) {
        // Never closed, so a failure to acquire cannot come; waiting here holds no instance.
        let _admitted = self.admitted.acquire().await;
        let Some(granted) = &self.granted else { return self.in_time(sends, call).await };
        let secrets = &self.ground.secrets;
        let epoch = match granted.fresh(secrets).await {
            Ok(epoch) => epoch,
            Err(unusable) => return (Err(unusable), sends()),
        };
        let first = self.once(sends(), call()).await;
        if !first.0.as_ref().is_err_and(is_refusal) {
            return first;
        }
        match granted.replace(epoch, secrets).await {
            Ok(()) => self.once(sends(), call()).await,
            Err(unusable) => (Err(unusable), first.1),
        }
    }

    /// [`crate::egress::Egress::certainly_ms`].
    pub(crate) fn certainly_ms(&self) -> u64 {
        self.ground.egress.certainly_ms()
    }

    /// Makes a call, once; where the provider refuses it and its answer shows that the host's clock
    /// is off, once more by the provider's: signatures hold the time.
    async fn in_time<R: Send>(
        &self,
        sends: fn() -> CallSends,
        call: impl Fn() -> Call<Result<R, Error>>,
    ) -> (Result<R, CallError>, CallSends) {
        let egress = &self.ground.egress;
        let before = egress.correction_ms();
        let first = self.once(sends(), call()).await;
        let is_late = egress.correction_ms().abs_diff(before) > SKEW_WORTH_CORRECTING_MS;
        if is_late && first.0.as_ref().is_err_and(is_refusal) {
            return self.once(sends(), call()).await;
        }
        first
    }

    async fn once<R: Send>(
        &self,
        sends: CallSends,
        call: Call<Result<R, Error>>,
    ) -> (Result<R, CallError>, CallSends) {
        let loaded = &self.connector.loaded;
        let ground = Some(Arc::clone(&self.ground));
        let (result, sends) = run(&loaded.runtime, &loaded.pre, ground, sends, call).await;
        (ended(result, &sends), sends)
    }
}

/// The connector's result, unless the host knows better.
pub(super) fn ended<R>(
    result: Result<Result<R, Error>, CallError>,
    sends: &CallSends,
) -> Result<R, CallError> {
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) if sends.overflowed && !sends.wrote() => Err(CallError::TooLarge),
        Ok(Err(error)) => Err(CallError::Connector(error)),
        Err(stopped) => Err(stopped),
    }
}

/// Whether the provider refused who asks: a 401 means that nothing was applied.
fn is_refusal(error: &CallError) -> bool {
    let CallError::Connector(error) = error else { return false };
    error.kind == ErrorKind::Unauthenticated && error.http_status == Some(401)
}

/// The contract's "one list each": with fewer or more, nobody could tell whose is whose.
fn one_list_each(
    asked: usize,
    lists: Vec<Vec<DataRecord>>,
) -> Result<Vec<Vec<DataRecord>>, CallError> {
    if lists.len() == asked {
        return Ok(lists);
    }
    let text = format!(
        "The connector answered {} lists where {asked} were asked for. Report it to its maker.",
        lists.len()
    );
    Err(error(ErrorKind::Internal, text).into())
}
