//! The connector's calls, in the plain types of the contract: each by a function of its own, and
//! all by their names.

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
use serde::Deserialize;
use serde_json::{Value, json};
use wasmtime::{Result, Store};

use super::Guest;
use super::convert::Convert as _;
use crate::connector::state::CallState;
use crate::error::error;

/// What a connector answers: a value, or its own error.
pub type Answered<T> = StdResult<T, Error>;

/// The answer in place of an interface that the component has not.
fn not_offered<T>(what: &str) -> Answered<T> {
    Err(error(ErrorKind::Unsupported, format!("This connector offers no {what}.")))
}

/// An argument of a recorded call.
fn argument<'a, T: Deserialize<'a>>(arguments: &'a Value, name: &str) -> Result<T> {
    Ok(T::deserialize(arguments.get(name).unwrap_or(&Value::Null))?)
}

/// `"interface.function"`, the interface, our name for it, its arguments and its answer; the
/// generated function with how the arguments go into it; what is answered where the component has
/// no such interface; a wrapper around the answer.
macro_rules! calls {
    ($(
        $export:literal $interface:ident $name:ident($($argument:ident: $type:ty),*) -> $answer:ty
            = $($wrapper:ident)? ($generated:ident($($given:expr),*)) $(else $otherwise:expr)?;
    )*) => { impl Guest<'_> {
        $(
            #[doc = concat!("`", $export, "`.")]
            pub async fn $name(
                &self,
                store: &mut Store<CallState>,
                $($argument: $type),*
            ) -> Result<$answer> {
                let offered = calls!(@offered self, store, $interface $(, $otherwise)?);
                store.data_mut().tape.begin($export, || {
                    json!({ $((stringify!($argument)): $argument),* })
                });
                let answer = offered.$generated(&mut *store, $($given),*).await?.convert();
                let answer: $answer = $($wrapper)?(answer);
                store.data_mut().tape.answered(&answer);
                Ok(answer)
            }
        )*

        /// The call of this name, as it is recorded.
        ///
        /// # Errors
        /// When there is none, or the arguments are another one's; and when it fails.
        pub async fn call(
            &self,
            store: &mut Store<CallState>,
            export: &str,
            arguments: &Value,
        ) -> Result<Value> {
            match export {
                $($export => {
                    $(let $argument = argument(arguments, stringify!($argument))?;)*
                    Ok(serde_json::to_value(self.$name(store, $($argument),*).await?)?)
                })*
                _ => Err(wasmtime::Error::msg("this host knows no call of this name")),
            }
        }
    } };
    (@offered $guest:ident, $store:ident, $interface:ident) => { $guest.$interface($store)? };
    (@offered $guest:ident, $store:ident, $interface:ident, $otherwise:expr) => {
        match $guest.$interface($store)? {
            Some(offered) => offered,
            None => return Ok($otherwise),
        }
    };
}

calls! {
    "catalog.get-manifest" catalog manifest() -> Manifest = (call_get_manifest());
    "catalog.describe" catalog describe(object: String) -> Answered<Descriptor>
        = (call_describe(&object));
    "auth.begin" auth begin(request: BeginRequest) -> Answered<Step>
        = (call_begin(&request.convert()));
    "auth.complete" auth complete(session: String, query: String) -> Answered<Grant>
        = (call_complete(&session, &query));
    "auth.refresh" auth refresh() -> Answered<Grant> = (call_refresh());
    "auth.revoke" auth revoke() -> Answered<()> = (call_revoke());
    "auth.check" auth check_object(object: String) -> Answered<()> = (call_check(&object));
    "records.list" records list(request: ListRequest) -> Answered<Page>
        = (call_list(&request.convert()));
    "records.get" records get(object: String, id: String, view: View) -> Answered<DataRecord>
        = (call_get(&object, &id, &view.convert()));
    "records.find" records find(object: String, inputs: Vec<String>)
        -> Answered<Vec<Vec<DataRecord>>>
        = (call_find(&object, &inputs));
    "records.create" records create(object: String, input: String, attempt: Attempt)
        -> Answered<Written>
        = (call_create(&object, &input, &attempt.convert()));
    "records.update" records update(
        object: String,
        id: String,
        patch: String,
        attempt: Attempt,
        expected: Option<String>
    ) -> Answered<Written>
        = (call_update(&object, &id, &patch, &attempt.convert(), expected.as_deref()));
    "records.delete" records delete(
        object: String,
        id: String,
        attempt: Attempt,
        expected: Option<String>
    ) -> Answered<()>
        = (call_delete(&object, &id, &attempt.convert(), expected.as_deref()));
    "actions.invoke" actions invoke(invocation: Invocation) -> Answered<Outcome>
        = (call_invoke(&invocation.convert())) else not_offered("actions");
    "batches.write" batches write(object: String, items: Vec<Item>)
        -> Answered<Vec<Answered<Option<Written>>>>
        = (call_write(&object, &items.convert())) else not_offered("several writes at once");
    "derived.derive" derived derive(objects: Vec<String>, parents: Vec<DataRecord>)
        -> Answered<Vec<Vec<Vec<DataRecord>>>>
        = (call_derive(&objects, &parents.convert())) else not_offered("derived records");
    "subscriptions.subscribe" subscriptions subscribe(request: SubscriptionRequest)
        -> Answered<SubscriptionOutcome>
        = (call_subscribe(&request.convert())) else not_offered("events");
    "subscriptions.existing" subscriptions subscriptions_there() -> Answered<Vec<Subscription>>
        = (call_existing()) else not_offered("events");
    "subscriptions.unsubscribe" subscriptions unsubscribe(id: String) -> Answered<()>
        = (call_unsubscribe(&id)) else not_offered("events");
    "subscriptions.receive" subscriptions receive(delivery: Delivery)
        -> Answered<StdResult<Reception, Refusal>>
        = Ok(call_receive(&delivery.convert())) else not_offered("events");
    "discovery.objects" discovery objects() -> Answered<Vec<ObjectSummary>>
        = (call_objects()) else Ok(vec![]);
    "discovery.describe" discovery describe_discovered(object: String) -> Answered<Descriptor>
        = (call_describe(&object)) else not_offered("objects of its own");
}
