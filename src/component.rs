//! The WebAssembly component: the only file, with the conversions in `component/convert.rs`, that
//! knows WIT.
//!
//! Exports convert, delegate and convert back; the imports become a [`Host`].

mod convert;

use std::sync::Once;

use bindings::connector::host::{clock, http, log, secrets, settings};
use bindings::exports::connector::api::{
    actions as wit_actions, auth as wit_auth, catalog as wit_catalog, records as wit_records,
    subscriptions as wit_subscriptions,
};
use convert::convert_all;

use crate::host::{Host, Level, Part, Request, Response, SecretError, SendError};
use crate::{actions, auth, catalog, records, subscriptions};

#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::mem_forget,
    reason = "generated code, which hands memory over the sandbox's border by raw pointers"
)]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "connector", generate_all });
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
        let http::Response { status, headers, body } = response;
        Ok(Response { status, headers, body })
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
    fn schemes() -> Vec<wit_auth::Scheme> {
        host();
        auth::SCHEMES.iter().map(|scheme| scheme.description().into()).collect()
    }

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

    fn check(object: String) -> Result<Option<wit_auth::Account>, Error> {
        Ok(auth::check(&host(), &object)?.map(Into::into))
    }
}

impl wit_records::Guest for Component {
    fn list(request: wit_records::ListRequest) -> Result<wit_records::Page, Error> {
        Ok(records::list(&host(), request.into())?.into())
    }

    fn get(object: String, id: String) -> Result<wit_records::DataRecord, Error> {
        Ok(records::get(&host(), &object, &id)?.into())
    }

    fn derive(
        object: String,
        parents: Vec<wit_records::DataRecord>,
    ) -> Result<Vec<Vec<wit_records::DataRecord>>, Error> {
        host();
        let derived = records::derive(&object, &convert_all(parents))?;
        Ok(derived.into_iter().map(convert_all).collect())
    }

    fn find(
        object: String,
        inputs: Vec<String>,
    ) -> Result<Vec<Vec<wit_records::DataRecord>>, Error> {
        let found = records::find(&host(), &object, &inputs)?;
        Ok(found.into_iter().map(convert_all).collect())
    }

    fn create(object: String, input: String, _: String) -> Result<wit_records::Written, Error> {
        Ok(records::create(&host(), &object, &input)?.into())
    }

    fn update(object: String, id: String, patch: String) -> Result<wit_records::Written, Error> {
        Ok(records::update(&host(), &object, &id, &patch)?.into())
    }

    fn delete(object: String, id: String) -> Result<(), Error> {
        Ok(records::delete(&host(), &object, &id)?)
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
