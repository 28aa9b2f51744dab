//! The WebAssembly component: the only file, with the conversions in `component/convert.rs`, that
//! knows WIT.
//!
//! Exports convert, delegate and convert back; the imports become a [`Host`].

mod convert;

use std::sync::Once;

use bindings::connector::host::{clock, http, log, secrets, settings};
use bindings::exports::connector::api::{
    actions as wit_actions, auth as wit_auth, catalog as wit_catalog, derived as wit_derived,
    records as wit_records, subscriptions as wit_subscriptions,
};
use convert::convert_all;

use crate::host::{Host, Level, Part, Request, Response, SecretError, SendError};
use crate::{actions, auth, catalog, derived, records, subscriptions};

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::mem_forget,
    reason = "generated code, which hands memory over the sandbox's border by raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package aftership:connector;

            world aftership {
                include connector:api/connector@0.2.0;
                export connector:api/actions@0.2.0;
                export connector:api/derived@0.2.0;
                export connector:api/subscriptions@0.2.0;
            }
        ",
        path: "wit",
        world: "aftership:connector/aftership",
        generate_all,
    });
    export!(Component with_types_in self);

    use super::Component;
}

type Error = bindings::connector::api::types::Error;

struct Component;

/// The host behind the imports.
struct Imports;

impl Host for Imports {
    fn send(&self, request: Request) -> Result<Response, SendError> {
        let response = http::send(&request.into())?;
        let http::Response { status, headers, body, captured } = response;
        Ok(Response { status, headers, body, captured })
    }

    fn sign(&self, name: &str, algorithm: &str, message: &[Part]) -> Result<Vec<u8>, SecretError> {
        let message: Vec<_> = message.iter().cloned().map(Into::into).collect();
        Ok(secrets::sign(name, algorithm, &message)?)
    }

    fn verify(
        &self,
        name: &str,
        algorithm: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, SecretError> {
        Ok(secrets::verify(name, algorithm, message, signature)?)
    }

    fn setting(&self, name: &str) -> Option<String> {
        settings::get(name)
    }

    fn now_ms(&self) -> u64 {
        clock::now_ms()
    }

    fn log(&self, level: Level, message: &str) {
        log::write(level.into(), message);
    }
}

/// What every call begins with: a panic ends the instance, so at least its words reach the log.
fn host() -> Imports {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| log::write(log::Level::Error, &panic.to_string())));
    });
    Imports
}

impl wit_catalog::Guest for Component {
    fn get_manifest() -> wit_catalog::Manifest {
        host();
        catalog::manifest().into()
    }

    fn describe(object: String) -> Result<wit_catalog::Descriptor, Error> {
        host();
        Ok(catalog::describe(&object)?.into())
    }
}

impl wit_auth::Guest for Component {
    fn begin(request: wit_auth::BeginRequest) -> Result<wit_auth::Step, Error> {
        host();
        Ok(auth::begin(&host(), &request.into())?.into())
    }

    fn complete(session: String, query: String) -> Result<wit_auth::Grant, Error> {
        Ok(auth::complete(&host(), &session, &query)?.into())
    }

    fn refresh() -> Result<wit_auth::Grant, Error> {
        Ok(auth::refresh(&host())?.into())
    }

    fn revoke() -> Result<(), Error> {
        Ok(auth::revoke(&host())?)
    }

    fn check(object: String) -> Result<(), Error> {
        Ok(auth::check(&host(), &object)?)
    }
}

impl wit_records::Guest for Component {
    fn list(request: wit_records::ListRequest) -> Result<wit_records::Page, Error> {
        Ok(records::list(&host(), request.into())?.into())
    }

    fn get(
        object: String,
        id: String,
        view: wit_records::View,
    ) -> Result<wit_records::DataRecord, Error> {
        Ok(records::get(&host(), &object, &id, &view.into())?.into())
    }

    fn find(
        object: String,
        inputs: Vec<String>,
    ) -> Result<Vec<Vec<wit_records::DataRecord>>, Error> {
        let found = records::find(&host(), &object, &inputs)?;
        Ok(found.into_iter().map(convert_all).collect())
    }

    fn create(
        object: String,
        input: String,
        attempt: wit_records::Attempt,
    ) -> Result<wit_records::Written, Error> {
        Ok(records::create(&host(), &object, &input, attempt.again)?.into())
    }

    fn update(
        object: String,
        id: String,
        patch: String,
        _: wit_records::Attempt,
        expected: Option<String>,
    ) -> Result<wit_records::Written, Error> {
        Ok(records::update(&host(), &object, &id, &patch, expected.as_deref())?.into())
    }

    fn delete(
        object: String,
        id: String,
        attempt: wit_records::Attempt,
        expected: Option<String>,
    ) -> Result<(), Error> {
        Ok(records::delete(&host(), &object, &id, attempt.again, expected.as_deref())?)
    }
}

impl wit_derived::Guest for Component {
    fn derive(
        objects: Vec<String>,
        parents: Vec<wit_derived::DataRecord>,
    ) -> Result<Vec<Vec<Vec<wit_derived::DataRecord>>>, Error> {
        host();
        let derived = derived::derive(&objects, &convert_all(parents))?;
        let each = |lists: Vec<_>| lists.into_iter().map(convert_all).collect();
        Ok(derived.into_iter().map(each).collect())
    }
}

impl wit_actions::Guest for Component {
    fn invoke(invocation: wit_actions::Invocation) -> Result<wit_actions::Outcome, Error> {
        Ok(actions::invoke(&host(), &invocation.into())?.into())
    }
}

impl wit_subscriptions::Guest for Component {
    fn subscribe(
        request: wit_subscriptions::SubscriptionRequest,
    ) -> Result<wit_subscriptions::SubscriptionOutcome, Error> {
        host();
        let steps = subscriptions::subscribe(&request.into())?;
        Ok(wit_subscriptions::SubscriptionOutcome::Manual(steps.into()))
    }

    fn existing() -> Result<Vec<wit_subscriptions::Subscription>, Error> {
        host();
        Err(subscriptions::existing().into())
    }

    fn unsubscribe(_: String) -> Result<(), Error> {
        host();
        Err(subscriptions::unsubscribe().into())
    }

    fn receive(
        delivery: wit_subscriptions::Delivery,
    ) -> Result<wit_subscriptions::Reception, wit_subscriptions::Refusal> {
        Ok(subscriptions::receive(&host(), &delivery.into())?.into())
    }
}
