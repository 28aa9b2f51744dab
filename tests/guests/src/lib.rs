//! What every hostile connector shares: the contract, a manifest, and an answer to
//! everything that it has no bad intentions with.
//!
//! A guest is one file of `examples/`: a type with a [`Behaviour`], and
//! an alias of [`Guest`] of it, and `hostile::export!`.

use std::marker::PhantomData;

/// The contract.
#[allow(
    missing_docs,
    clippy::all,
    unsafe_code,
    reason = "generated; documented in wit/"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "connector",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "hostile::bindings",
    });
}

pub use bindings::connector::api::types::{DataRecord, Error, ErrorKind, SecretField, Written};
pub use bindings::connector::host::http::{
    HeaderPlace, Place, Request, Response, SecretPart, SendError, send,
};
pub use bindings::connector::host::{clock, log, secrets, settings};
pub use bindings::export;
use bindings::exports::connector::api::{actions, auth, catalog, records, subscriptions};
pub use catalog::{Effect, KeyRole, KeyUse, Manifest};
pub use records::{ListRequest, Page};

/// What a guest does where it is called.
pub trait Behaviour {
    /// Its manifest.
    fn manifest() -> Manifest {
        manifest()
    }

    /// `records.list`.
    fn list(_: ListRequest) -> Result<Page, Error> {
        Ok(page(vec![]))
    }

    /// `records.get`: `id` says what to do.
    fn get(_: String) -> Result<DataRecord, Error> {
        Err(error(ErrorKind::Unsupported, "nothing here".to_owned()))
    }
}

/// One object, endpoints at `{base-url}`, a key as header `x-key`.
#[must_use]
pub fn manifest() -> Manifest {
    let endpoint = |method: &str, path: &str, effect| catalog::Endpoint {
        method: method.to_owned(),
        origin: "{base-url}".to_owned(),
        path: path.to_owned(),
        effect,
        limits: vec![],
    };
    Manifest {
        name: "hostile".to_owned(),
        title: "Hostile".to_owned(),
        version: "0.1.0".to_owned(),
        provider_api_version: "1".to_owned(),
        endpoints: vec![
            endpoint("GET", "/things", Effect::Read),
            endpoint("POST", "/things", Effect::Write),
        ],
        limits: vec![],
        secret_uses: vec![catalog::SecretUse {
            secret: "api-key".to_owned(),
            origin: "{base-url}".to_owned(),
            path: "/**".to_owned(),
            place: Place::Header(HeaderPlace {
                name: "x-key".to_owned(),
                prefix: String::new(),
            }),
        }],
        key_uses: vec![KeyUse {
            secret: "api-key".to_owned(),
            algorithm: "hmac-sha256".to_owned(),
            role: KeyRole::Verify,
        }],
        captures: vec![],
        settings: vec![catalog::Setting {
            name: "base-url".to_owned(),
            title: "Origin".to_owned(),
            default: Some("https://api.example.com".to_owned()),
            required: true,
            operator_only: true,
        }],
        objects: vec![catalog::ObjectSummary {
            name: "things".to_owned(),
            title: "Things".to_owned(),
            operations: vec!["list".to_owned(), "get".to_owned()],
        }],
        more: vec![],
    }
}

/// A page that ends its scan.
#[must_use]
pub fn page(records: Vec<DataRecord>) -> Page {
    Page {
        records,
        deleted: vec![],
        unreadable: vec![],
        window: None,
        next: None,
        bookmark: None,
        total: None,
    }
}

/// A record with this text.
#[must_use]
pub fn record(data: String) -> DataRecord {
    DataRecord {
        id: "1".to_owned(),
        updated_at: None,
        created_at: None,
        data,
    }
}

/// An `internal` error with this text.
#[must_use]
pub fn internal(message: String) -> Error {
    error(ErrorKind::Internal, message)
}

fn error(kind: ErrorKind, message: String) -> Error {
    Error { kind, message, http_status: None, provider_code: None, request_id: None }
}

fn nothing<T>() -> Result<T, Error> {
    Err(error(ErrorKind::Unsupported, "nothing here".to_owned()))
}

/// A whole connector around a behaviour.
pub struct Guest<B>(PhantomData<B>);

impl<B: Behaviour> catalog::Guest for Guest<B> {
    fn get_manifest() -> Manifest {
        B::manifest()
    }
    fn describe(_: String) -> Result<catalog::Descriptor, Error> {
        nothing()
    }
}

impl<B: Behaviour> auth::Guest for Guest<B> {
    fn schemes() -> Vec<auth::Scheme> {
        vec![]
    }
    fn begin(_: auth::BeginRequest) -> Result<auth::Step, Error> {
        nothing()
    }
    fn complete(_: String, _: String) -> Result<auth::Grant, Error> {
        nothing()
    }
    fn refresh() -> Result<auth::Grant, Error> {
        nothing()
    }
    fn revoke() -> Result<(), Error> {
        nothing()
    }
    fn check(_: String) -> Result<Option<auth::Account>, Error> {
        nothing()
    }
}

impl<B: Behaviour> records::Guest for Guest<B> {
    fn list(request: ListRequest) -> Result<Page, Error> {
        B::list(request)
    }
    fn get(_: String, id: String) -> Result<DataRecord, Error> {
        B::get(id)
    }
    fn derive(_: String, _: Vec<DataRecord>) -> Result<Vec<Vec<DataRecord>>, Error> {
        nothing()
    }
    fn find(_: String, _: Vec<String>) -> Result<Vec<Vec<DataRecord>>, Error> {
        nothing()
    }
    fn create(_: String, _: String, _: String) -> Result<Written, Error> {
        nothing()
    }
    fn update(_: String, _: String, _: String) -> Result<Written, Error> {
        nothing()
    }
    fn delete(_: String, _: String) -> Result<(), Error> {
        nothing()
    }
}

impl<B: Behaviour> actions::Guest for Guest<B> {
    fn invoke(_: actions::Invocation) -> Result<actions::Outcome, Error> {
        nothing()
    }
}

impl<B: Behaviour> subscriptions::Guest for Guest<B> {
    fn subscribe(
        _: subscriptions::SubscriptionRequest,
    ) -> Result<subscriptions::SubscriptionOutcome, Error> {
        nothing()
    }
    fn unsubscribe(_: String) -> Result<(), Error> {
        nothing()
    }
    fn receive(
        _: subscriptions::Delivery,
    ) -> Result<subscriptions::Reception, subscriptions::Refusal> {
        Err(subscriptions::Refusal::Unverified)
    }
}
