//! One customer's authorised account: the typed calls of the contract.
//!
//! Each call is one fresh instance and is made once. What to do about an error is
//! [`crate::retry`]'s business.

use std::sync::Arc;
use std::time::Duration;

use connector_contract::actions::{Invocation, Outcome};
use connector_contract::batches;
use connector_contract::catalog::{Descriptor, ObjectSummary};
use connector_contract::clock::Clock;
use connector_contract::records::{ListRequest, Page, View};
use connector_contract::subscriptions::{
    Delivery, Reception, Refusal, Subscription, SubscriptionOutcome, SubscriptionRequest,
};
use connector_contract::types::{Attempt, DataRecord, Error, ErrorKind, Written};
use tokio::sync::Semaphore;

use super::authority::Authority;
use super::builder::Builder;
use super::component::Connector;
use super::delivered::{Delivered, take_out};
use super::granted::Granted;
use super::granting::TokenSource;
use super::ground::Ground;
use super::instance::{Call, run, run_offline};
use super::writes::{Write, create, delete, invoke, update};
use crate::egress::{CallSends, Egress, Keep, Pending, Planned, SKEW_WORTH_CORRECTING_MS};
use crate::error::{CallError, error};
use crate::observe::Observer;
use crate::secrets::{Secret, Secrets, of_subscription};

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

    /// Lives on the tokens of `source`: its calls use those, renewed in time and once. A call whose
    /// access token the provider refuses (401, so that nothing was applied) is made once more with
    /// another.
    #[must_use]
    pub fn with_tokens(self, source: Arc<dyn TokenSource>) -> Self {
        let granted = Granted::new(source, &self.ground);
        Self { granted: Some(Arc::new(granted)), ..self }
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
    pub fn observer(&self) -> &Arc<dyn Observer> {
        &self.ground.observer
    }

    /// One page of a scan.
    ///
    /// # Errors
    /// [`CallError`]; `TooLarge` when a smaller page may do.
    pub async fn list(&self, request: ListRequest) -> Result<Page, CallError> {
        self.call(|| {
            let request = request.clone();
            Box::new(move |guest, store| Box::pin(guest.list(store, request)))
        })
        .await
    }

    /// One record, whole.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get(&self, object: &str, id: &str) -> Result<DataRecord, CallError> {
        self.get_view(object, id, &View { fields: vec![], options: None }).await
    }

    /// One record, or the part of it that `view` asks for.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get_view(
        &self,
        object: &str,
        id: &str,
        view: &View,
    ) -> Result<DataRecord, CallError> {
        self.call(|| {
            let (object, id, view) = (object.to_owned(), id.to_owned(), view.clone());
            Box::new(move |guest, store| Box::pin(guest.get(store, object, id, view)))
        })
        .await
    }

    /// The records that each of `parents` holds, of each of `objects`. Sends nothing.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` when the connector derives none, `internal` when a record is
    /// not named after its holder.
    pub async fn derive(
        &self,
        objects: &[String],
        parents: Vec<DataRecord>,
    ) -> Result<Vec<Vec<Vec<DataRecord>>>, CallError> {
        let (asked, own) = (objects.len(), objects.to_vec());
        let ids: Vec<String> = parents.iter().map(|parent| parent.id.clone()).collect();
        let call: Call<Result<_, Error>> =
            Box::new(move |guest, store| Box::pin(guest.derive(store, own, parents)));
        let all = one_list_each(asked, self.offline("deriving records", call).await?)?;
        all.into_iter()
            .map(|lists| {
                let lists = one_list_each(ids.len(), lists)?;
                named_after_holders(&ids, &lists)?;
                Ok(lists)
            })
            .collect()
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
            Box::new(move |guest, store| Box::pin(guest.find(store, object, inputs)))
        });
        one_list_each(inputs.len(), found.await?)
    }

    /// Makes a record of `input`.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn create(
        &self,
        object: &str,
        input: &str,
        attempt: &Attempt,
    ) -> Result<Written, CallError> {
        self.call(|| create(object, input, attempt)).await
    }

    /// As [`Connection::create`]; tells too whether a request that writes went out, or may have.
    /// A record that came without one was there already.
    pub(crate) async fn create_telling(
        &self,
        object: &str,
        input: &str,
        attempt: &Attempt,
    ) -> (Result<Written, CallError>, bool) {
        let (made, sends) = self.run(CallSends::default, || create(object, input, attempt)).await;
        (made, sends.wrote())
    }

    /// Changes a record by `patch`, a JSON Merge Patch (RFC 7396); with `expected`, only one that
    /// is still of this version.
    ///
    /// # Errors
    /// [`CallError`]; `conflict` when it is of another version.
    pub async fn update(
        &self,
        object: &str,
        id: &str,
        patch: &str,
        attempt: &Attempt,
        expected: Option<&str>,
    ) -> Result<Written, CallError> {
        self.call(|| update(object, id, patch, attempt, expected)).await
    }

    /// Removes a record; with `expected`, only one that is still of this version.
    ///
    /// # Errors
    /// [`CallError`]; `not-found` when it is not there.
    pub async fn delete(
        &self,
        object: &str,
        id: &str,
        attempt: &Attempt,
        expected: Option<&str>,
    ) -> Result<(), CallError> {
        self.call(|| delete(object, id, attempt, expected)).await
    }

    /// Runs an action.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` when the connector has none.
    pub async fn invoke(&self, invocation: &Invocation) -> Result<Outcome, CallError> {
        self.call(|| invoke(invocation)).await
    }

    /// Writes as many of the first `items` as the provider takes at once. Answers one result for
    /// each of those; the others were not sent, and are to be handed over again.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` when the connector writes one by one.
    pub async fn write(
        &self,
        object: &str,
        items: &[batches::Item],
    ) -> Result<Vec<Result<Option<Written>, Error>>, CallError> {
        let results = self
            .call(|| {
                let (object, items) = (object.to_owned(), items.to_vec());
                Box::new(move |guest, store| Box::pin(guest.write(store, object, items)))
            })
            .await?;
        if results.len() > items.len() || results.is_empty() != items.is_empty() {
            return Err(not_as_many(items.len(), results.len()));
        }
        Ok(results)
    }

    /// Objects of this connection that the manifest does not list.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn objects(&self) -> Result<Vec<ObjectSummary>, CallError> {
        self.call(|| Box::new(move |guest, store| Box::pin(guest.objects(store)))).await
    }

    /// Schemas, actions and rules of one object, as this connection has it.
    ///
    /// # Errors
    /// [`CallError`]; `not-found` for an unknown name.
    pub async fn describe(&self, object: &str) -> Result<Descriptor, CallError> {
        self.call(|| {
            let object = object.to_owned();
            Box::new(move |guest, store| Box::pin(guest.describe_here(store, object)))
        })
        .await
    }

    /// Has events of an object sent to a URL, or tells what a person has to do for it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn subscribe(
        &self,
        request: SubscriptionRequest,
    ) -> Result<SubscriptionOutcome, CallError> {
        self.of_subscription(&request.object)
            .call(|| {
                let request = request.clone();
                Box::new(move |guest, store| Box::pin(guest.subscribe(store, request)))
            })
            .await
    }

    /// The connection as a call about one subscription sees it: what is captured is that
    /// subscription's, and a name means its own secret first. There is one subscription to an
    /// object, so the object names it.
    fn of_subscription(&self, object: &str) -> Self {
        let secrets = Arc::new(self.ground.secrets.of_subscription(object));
        let keep = Arc::new(OwnKeep {
            subscription: object.to_owned(),
            secrets: Arc::clone(&self.ground.secrets),
            inner: self.ground.egress.keep.clone(),
        });
        let egress = Egress {
            secrets: Arc::clone(&secrets),
            keep: Some(keep),
            ..self.ground.egress.clone()
        };
        let ground = Ground { egress, secrets, ..(*self.ground).clone() };
        let granted = self.granted.as_ref();
        let granted = granted.map(|it| Arc::new(Granted::new(it.source(), &ground)));
        Self { ground: Arc::new(ground), granted, ..self.clone() }
    }

    /// All subscriptions that the provider holds for this connection.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` where the provider does not tell.
    pub async fn subscriptions(&self) -> Result<Vec<Subscription>, CallError> {
        self.call(|| Box::new(move |guest, store| Box::pin(guest.subscriptions_there(store)))).await
    }

    /// Ends a subscription to events of `object` at the provider. Secrets that it has of its own
    /// are for the caller to erase.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` where only a person can.
    pub async fn unsubscribe(&self, object: &str, id: &str) -> Result<(), CallError> {
        self.of_subscription(object)
            .call(|| {
                let id = id.to_owned();
                Box::new(move |guest, store| Box::pin(guest.unsubscribe(store, id)))
            })
            .await
    }

    /// A delivery as it may be kept: without credentials, and without the secrets that prove it.
    #[must_use]
    pub fn without_secrets(&self, delivery: Delivery) -> Delivery {
        let now_ms = connector_contract::clock::unix_ms(self.ground.egress.clock.now());
        take_out(delivery, &self.ground, now_ms)
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
        let now_ms = connector_contract::clock::unix_ms(self.ground.egress.clock.now());
        let delivered = Delivered::take(delivery, &self.ground, now_ms);
        let (delivery, carried) = (delivered.delivery, delivered.carried);
        let call: Call<Result<_, Error>> = Box::new(move |guest, store| {
            store.data_mut().carried = Some(carried);
            Box::pin(guest.receive(store, delivery))
        });
        self.offline("receiving a delivery", call).await
    }

    /// Whether the connection may use `object`, by one cheap request.
    ///
    /// # Errors
    /// [`CallError`] says why not.
    pub async fn check(&self, object: &str) -> Result<(), CallError> {
        self.call(|| {
            let object = object.to_owned();
            Box::new(move |guest, store| Box::pin(guest.check_object(store, object)))
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
            Write::Create { object, input } => {
                self.try_out(|| create(object, input, &planned())).await
            }
            Write::Update { object, id, patch } => {
                self.try_out(|| update(object, id, patch, &planned(), None)).await
            }
            Write::Delete { object, id } => {
                self.try_out(|| delete(object, id, &planned(), None)).await
            }
            Write::Invoke(invocation) => self.try_out(|| invoke(invocation)).await,
        };
        let nothing = || error(ErrorKind::Unsupported, "this call sends no write").into();
        sends.planned.ok_or_else(|| failed.unwrap_or_else(nothing))
    }

    async fn try_out<R: Send>(
        &self,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> (Option<CallError>, CallSends) {
        let (result, sends) = self.run(CallSends::planning, call).await;
        (result.err(), sends)
    }

    /// Makes a call that sends nothing, so needs no token: its input is not copied.
    async fn offline<R: Send>(
        &self,
        what: &'static str,
        call: Call<Result<R, Error>>,
    ) -> Result<R, CallError> {
        let _admitted = self.admitted.acquire().await;
        let loaded = &self.connector.loaded;
        let (ground, sends) = (Some(Arc::clone(&self.ground)), CallSends::silent(what));
        let (result, sends) =
            run_offline(&loaded.runtime, &loaded.world, ground, sends, call).await;
        ended(result, &sends)
    }

    async fn call<R: Send>(
        &self,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> Result<R, CallError> {
        self.run(CallSends::default, call).await.0
    }

    /// Makes a call, once; where the provider refuses the access token, once more with another.
    async fn run<R: Send>(
        &self,
        sends: fn() -> CallSends,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> (Result<R, CallError>, CallSends) {
        // Never closed, so a failure to acquire cannot come; waiting here holds no instance.
        let _admitted = self.admitted.acquire().await;
        if let Some(left) = self.ground.egress.exhausted() {
            return (Err(used_up(left)), sends());
        }
        let (result, sent) = self.run_granted(sends, call).await;
        match &result {
            Err(CallError::Connector(Error { kind: ErrorKind::QuotaExhausted(back), .. })) => {
                let back = back.map(|ms| Duration::from_millis(u64::from(ms)));
                self.ground.egress.exhaust(back);
            }
            Ok(_) => self.ground.egress.replenish(),
            Err(_) => {}
        }
        (result, sent)
    }

    async fn run_granted<R: Send>(
        &self,
        sends: fn() -> CallSends,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> (Result<R, CallError>, CallSends) {
        let Some(granted) = &self.granted else { return self.in_time(sends, call).await };
        let secrets = &self.ground.secrets;
        let epoch = match granted.fresh(secrets).await {
            Ok(epoch) => epoch,
            Err(unusable) => return (Err(unusable), sends()),
        };
        let first = self.once(sends(), &call).await;
        if !first.0.as_ref().is_err_and(is_refusal) {
            return first;
        }
        match granted.replace(epoch, secrets).await {
            Ok(()) => self.once(sends(), &call).await,
            Err(unusable) => (Err(unusable), first.1),
        }
    }

    /// [`crate::egress::Egress::certainly_ms`].
    #[must_use]
    pub fn certainly_ms(&self) -> u64 {
        self.ground.egress.certainly_ms()
    }

    /// Makes a call, once; where the provider refuses it and its answer shows that the host's clock
    /// is off, once more by the provider's: signatures hold the time.
    async fn in_time<R: Send>(
        &self,
        sends: fn() -> CallSends,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> (Result<R, CallError>, CallSends) {
        let egress = &self.ground.egress;
        let before = egress.correction_ms();
        let first = self.once(sends(), &call).await;
        let is_late = egress.correction_ms().abs_diff(before) > SKEW_WORTH_CORRECTING_MS;
        if is_late && first.0.as_ref().is_err_and(is_refusal) {
            return self.once(sends(), &call).await;
        }
        first
    }

    async fn once<R: Send>(
        &self,
        sends: CallSends,
        call: &(impl Fn() -> Call<Result<R, Error>> + Sync),
    ) -> (Result<R, CallError>, CallSends) {
        let loaded = &self.connector.loaded;
        let ground = Arc::clone(&self.ground);
        let (result, sends) = run(&loaded.runtime, &loaded.world, ground, sends, call).await;
        (ended(result, &sends), sends)
    }
}

/// Keeps what one subscription captures under names of its own.
struct OwnKeep {
    subscription: String,
    secrets: Arc<Secrets>,
    inner: Option<Arc<dyn Keep>>,
}

impl Keep for OwnKeep {
    fn keep(&self, captured: Vec<(String, Secret)>) -> Pending<'_, Result<(), String>> {
        let own = |(name, value): (String, Secret)| {
            let name = of_subscription(&name, &self.subscription);
            self.secrets.succeed(name.clone(), value.clone());
            (name, value)
        };
        let captured = captured.into_iter().map(own).collect();
        Box::pin(async move {
            match &self.inner {
                Some(inner) => inner.keep(captured).await,
                None => Ok(()),
            }
        })
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
fn one_list_each<T>(asked: usize, lists: Vec<T>) -> Result<Vec<T>, CallError> {
    if lists.len() == asked { Ok(lists) } else { Err(not_as_many(asked, lists.len())) }
}

/// A derived record's id is its holder's, or begins with it and a slash: else two holders could
/// claim one record.
fn named_after_holders(ids: &[String], lists: &[Vec<DataRecord>]) -> Result<(), CallError> {
    for (holder, records) in ids.iter().zip(lists) {
        let is_named = |record: &DataRecord| {
            let rest = record.id.strip_prefix(holder.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if let Some(other) = records.iter().find(|record| !is_named(record)) {
            let text = format!(
                "The connector names a derived record \"{}\", and its holder is \"{holder}\". \
                 Report it to its maker.",
                other.id
            );
            return Err(error(ErrorKind::Internal, text).into());
        }
    }
    Ok(())
}

fn not_as_many(asked: usize, came: usize) -> CallError {
    let text = format!(
        "The connector answered {came} results where {asked} were asked for. Report it to its maker."
    );
    error(ErrorKind::Internal, text).into()
}

/// What is left of a pause that the provider's quota asks for.
fn used_up(left: Duration) -> CallError {
    let ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX);
    let text = "The provider has said that the account's quota is used up. Nothing is sent before it is back.";
    error(ErrorKind::QuotaExhausted(Some(ms)), text).into()
}

/// Names a change that is shown and not made.
fn planned() -> Attempt {
    Attempt { key: "plan".to_owned(), again: false }
}
