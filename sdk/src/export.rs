//! From a [`Connector`] to a component: each export calls the function of the same name.

use std::marker::PhantomData;
use std::sync::Once;

use crate::Connector;
use crate::bindings::actions::exports::connector::api::actions;
use crate::bindings::batches::exports::connector::api::batches;
use crate::bindings::connector::host::{clock, http, log, secrets, settings};
use crate::bindings::derived::exports::connector::api::derived;
use crate::bindings::discovery::exports::connector::api::discovery;
use crate::bindings::exports::connector::api::{auth, catalog, records};
use crate::bindings::subscriptions::exports::connector::api::subscriptions;
use crate::contract::{
    Attempt, BeginRequest, DataRecord, Delivery, Descriptor, Error, Grant, Invocation, Item, Level,
    ListRequest, Manifest, ObjectSummary, Outcome, Page, Part, Reception, Refusal, Request,
    Response, SecretError, SendError, Step, Subscription, SubscriptionOutcome, SubscriptionRequest,
    View, Written,
};
use crate::host::Host;

/// Makes a component of a [`Connector`]: `export!(Parcels)`. Optional interfaces that it offers are
/// listed behind a colon: `export!(Parcels: actions, subscriptions)`, of `actions`, `batches`,
/// `derived`, `discovery` and `subscriptions`. The component declares no others.
///
/// For every target but `wasm32` it only looks that the type is a connector.
#[macro_export]
macro_rules! export {
    ($connector:ty $(: $($interface:ident),+ $(,)?)?) => {
        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() -> $crate::contract::Manifest = <$connector as $crate::Connector>::manifest;
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            type Exported = $crate::export::Exported<$connector>;
            $crate::bindings::export_connector!(Exported with_types_in $crate::bindings);
            $($($crate::export_interface!($interface Exported);)+)?
        };
    };
}

/// One optional interface of [`export!`].
#[doc(hidden)]
#[macro_export]
macro_rules! export_interface {
    (actions $exported:ident) => {
        $crate::bindings::actions::export_actions!($exported with_types_in $crate::bindings::actions);
    };
    (batches $exported:ident) => {
        $crate::bindings::batches::export_batches!($exported with_types_in $crate::bindings::batches);
    };
    (derived $exported:ident) => {
        $crate::bindings::derived::export_derived!($exported with_types_in $crate::bindings::derived);
    };
    (discovery $exported:ident) => {
        $crate::bindings::discovery::export_discovery!(
            $exported with_types_in $crate::bindings::discovery
        );
    };
    (subscriptions $exported:ident) => {
        $crate::bindings::subscriptions::export_subscriptions!(
            $exported with_types_in $crate::bindings::subscriptions
        );
    };
}

/// The exports of the connector `C`.
#[derive(Debug)]
pub struct Exported<C>(PhantomData<C>);

/// The host behind the imports. A function that the connector has no use for is not imported.
struct Imports<C>(PhantomData<C>);

impl<C: Connector> Host for Imports<C> {
    fn send(&self, request: Request) -> Result<Response, SendError> {
        http::send(&request)
    }

    fn sign(&self, name: &str, algorithm: &str, message: &[Part]) -> Result<Vec<u8>, SecretError> {
        secrets::sign(name, algorithm, message)
    }

    fn verify(
        &self,
        name: &str,
        algorithm: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, SecretError> {
        secrets::verify(name, algorithm, message, signature)
    }

    fn carried(&self, secret_use: &str) -> Result<bool, SecretError> {
        if C::DELIVERY_SECRETS.is_empty() {
            return Err(SecretError::Denied);
        }
        secrets::carried(secret_use)
    }

    fn report_limit(&self, name: &str, left: u32, total: u32, full_in_ms: u32) {
        if C::REPORTS_LIMITS {
            http::report_limit(name, left, total, full_in_ms);
        }
    }

    fn setting(&self, name: &str) -> Option<String> {
        settings::get(name)
    }

    fn now_ms(&self) -> u64 {
        clock::now_ms()
    }

    fn log(&self, level: Level, message: &str) {
        log::write(level, message);
    }
}

/// What every call begins with: a panic ends the instance, so at least its words reach the log.
fn host<C: Connector>() -> Imports<C> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| log::write(Level::Error, &panic.to_string())));
    });
    Imports(PhantomData)
}

impl<C: Connector> catalog::Guest for Exported<C> {
    fn get_manifest() -> Manifest {
        host::<C>();
        C::manifest()
    }

    fn describe(object: String) -> Result<Descriptor, Error> {
        host::<C>();
        C::describe(&object)
    }
}

impl<C: Connector> auth::Guest for Exported<C> {
    fn begin(request: BeginRequest) -> Result<Step, Error> {
        C::begin(&host::<C>(), &request)
    }

    fn complete(session: String, query: String) -> Result<Grant, Error> {
        C::complete(&host::<C>(), &session, &query)
    }

    fn refresh() -> Result<Grant, Error> {
        C::refresh(&host::<C>())
    }

    fn revoke() -> Result<(), Error> {
        C::revoke(&host::<C>())
    }

    fn check(object: String) -> Result<(), Error> {
        C::check(&host::<C>(), &object)
    }
}

impl<C: Connector> records::Guest for Exported<C> {
    fn list(request: ListRequest) -> Result<Page, Error> {
        C::list(&host::<C>(), request)
    }

    fn get(object: String, id: String, view: View) -> Result<DataRecord, Error> {
        C::get(&host::<C>(), &object, &id, &view)
    }

    fn find(object: String, inputs: Vec<String>) -> Result<Vec<Vec<DataRecord>>, Error> {
        C::find(&host::<C>(), &object, &inputs)
    }

    fn create(object: String, input: String, attempt: Attempt) -> Result<Written, Error> {
        C::create(&host::<C>(), &object, &input, &attempt)
    }

    fn update(
        object: String,
        id: String,
        patch: String,
        attempt: Attempt,
        expected: Option<String>,
    ) -> Result<Written, Error> {
        C::update(&host::<C>(), &object, &id, &patch, &attempt, expected.as_deref())
    }

    fn delete(
        object: String,
        id: String,
        attempt: Attempt,
        expected: Option<String>,
    ) -> Result<(), Error> {
        C::delete(&host::<C>(), &object, &id, &attempt, expected.as_deref())
    }
}

impl<C: Connector> actions::Guest for Exported<C> {
    fn invoke(invocation: Invocation) -> Result<Outcome, Error> {
        C::invoke(&host::<C>(), &invocation)
    }
}

impl<C: Connector> batches::Guest for Exported<C> {
    fn write(
        object: String,
        items: Vec<Item>,
    ) -> Result<Vec<Result<Option<Written>, Error>>, Error> {
        C::write(&host::<C>(), &object, &items)
    }
}

impl<C: Connector> derived::Guest for Exported<C> {
    fn derive(
        objects: Vec<String>,
        parents: Vec<DataRecord>,
    ) -> Result<Vec<Vec<Vec<DataRecord>>>, Error> {
        host::<C>();
        C::derive(&objects, &parents)
    }
}

impl<C: Connector> discovery::Guest for Exported<C> {
    fn objects() -> Result<Vec<ObjectSummary>, Error> {
        C::discover(&host::<C>())
    }

    fn describe(object: String) -> Result<Descriptor, Error> {
        C::discover_object(&host::<C>(), &object)
    }
}

impl<C: Connector> subscriptions::Guest for Exported<C> {
    fn subscribe(request: SubscriptionRequest) -> Result<SubscriptionOutcome, Error> {
        C::subscribe(&host::<C>(), &request)
    }

    fn existing() -> Result<Vec<Subscription>, Error> {
        C::existing(&host::<C>())
    }

    fn unsubscribe(id: String) -> Result<(), Error> {
        C::unsubscribe(&host::<C>(), &id)
    }

    fn receive(delivery: Delivery) -> Result<Reception, Refusal> {
        C::receive(&host::<C>(), &delivery)
    }
}
