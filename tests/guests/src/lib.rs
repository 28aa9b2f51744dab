//! What every hostile connector shares: the contract, a manifest, and an answer to
//! everything that it has no bad intentions with.
//!
//! A guest is one file of `examples/`: a type with a [`Behaviour`], and
//! an alias of [`Guest`] of it, and `hostile::export!`. It offers `derived` and
//! `subscriptions` besides what every connector offers, and no other interface.

use std::marker::PhantomData;

pub mod things;

/// The contract.
#[allow(
    missing_docs,
    clippy::all,
    unsafe_code,
    reason = "generated; documented in wit/"
)]
pub mod bindings {
    wit_bindgen::generate!({
        inline: "
            package hostile:guest;

            world guest {
                include connector:api/connector@0.2.0;
                export connector:api/derived@0.2.0;
                export connector:api/subscriptions@0.2.0;
            }
        ",
        path: "../../wit",
        world: "hostile:guest/guest",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "hostile::bindings",
    });
}

pub use bindings::connector::api::permissions::{
    Capture, Endpoint, HeaderPlace, KeyRole, KeyUse, Place, SecretUse,
};
pub use bindings::connector::api::setup::{Form, Scheme, SecretField, Setter, Setting};
pub use bindings::connector::api::types::{Attempt, DataRecord, Error, ErrorKind, Written};
pub use bindings::connector::host::http::{Request, Response, SendError, send};
pub use bindings::connector::host::{clock, log, secrets, settings};
pub use bindings::export;
use bindings::exports::connector::api::{auth, catalog, derived, records, subscriptions};
pub use auth::{Grant, Step};
pub use catalog::{Descriptor, Manifest};
pub use records::{ListRequest, Page};
pub use subscriptions::{Delivery, Reception, Refusal};

/// What a guest does where it is called.
pub trait Behaviour {
    /// Its manifest.
    fn manifest() -> Manifest {
        manifest()
    }

    /// `catalog.describe`.
    fn describe() -> Result<Descriptor, Error> {
        nothing()
    }

    /// `auth.complete`.
    fn complete(_: String) -> Result<Grant, Error> {
        nothing()
    }

    /// `records.list`.
    fn list(_: ListRequest) -> Result<Page, Error> {
        Ok(page(vec![]))
    }

    /// `records.get`: `id` says what to do.
    fn get(_: String) -> Result<DataRecord, Error> {
        nothing()
    }

    /// `records.create`.
    fn create(_: String, _: Attempt) -> Result<Written, Error> {
        nothing()
    }

    /// `records.delete`.
    fn delete(_: String) -> Result<(), Error> {
        nothing()
    }

    /// `auth.check`.
    fn check() -> Result<(), Error> {
        nothing()
    }

    /// `derived.derive`, for one object.
    fn derive(_: Vec<DataRecord>) -> Result<Vec<Vec<DataRecord>>, Error> {
        nothing()
    }

    /// `subscriptions.receive`.
    fn receive(_: Delivery) -> Result<Reception, Refusal> {
        Err(Refusal::Unverified)
    }
}

/// One object, one endpoint for each place of a key, and settings of each setter.
#[must_use]
pub fn manifest() -> Manifest {
    let base = "{base-url}";
    let mut token = endpoint("token", "POST", base, "/token", &[]);
    token.captures = vec![Capture {
        secret: "access-token".to_owned(),
        place: Place::Json("/token".to_owned()),
    }];
    let mut make = endpoint("make", "POST", base, "/things", &["key"]);
    make.writes = true;
    Manifest {
        name: "hostile".to_owned(),
        title: "Hostile".to_owned(),
        version: "0.2.0".to_owned(),
        provider_api_version: "1".to_owned(),
        schemes: vec![Scheme {
            name: "key".to_owned(),
            title: "Key".to_owned(),
            secrets: vec![SecretField {
                name: "api-key".to_owned(),
                title: "Key".to_owned(),
                required: false,
                setter: Setter::Customer,
            }],
            interactive: false,
        }],
        settings: vec![
            setting("base-url", Setter::Operator, url("*"), Some("https://api.example.com")),
            setting("shop", Setter::Customer, Form::Label, None),
            setting("instance-url", Setter::Connector, url("*.example.com"), None),
        ],
        endpoints: vec![
            endpoint("things", "GET", base, "/things", &["key", "missing"]),
            make,
            endpoint("other", "GET", base, "/other", &[]),
            endpoint("query", "GET", base, "/query", &["query-key"]),
            endpoint("path", "GET", base, "/{path-key}/send", &["path-key"]),
            endpoint("form", "POST", base, "/form", &["form-key"]),
            endpoint("json", "POST", base, "/json", &["json-key"]),
            endpoint("user", "GET", base, "/user", &["user-key"]),
            endpoint("password", "GET", base, "/password", &["password-key"]),
            endpoint("shop", "GET", "https://{shop}.example.com", "/things", &["key"]),
            endpoint("instance", "GET", "{instance-url}", "/things", &["key"]),
            token,
        ],
        limits: vec![],
        secret_uses: vec![
            secret_use("key", "api-key", header("x-key")),
            secret_use("missing", "never-given", header("x-missing")),
            secret_use("query-key", "api-key", Place::Query("key".to_owned())),
            secret_use("path-key", "api-key", Place::Path("bot".to_owned())),
            secret_use("form-key", "api-key", Place::FormField("key".to_owned())),
            secret_use("user-key", "api-key", Place::BasicUser(String::new())),
            secret_use("password-key", "api-key", Place::BasicPassword("me".to_owned())),
            secret_use("json-key", "api-key", Place::Json("/auth/key".to_owned())),
        ],
        delivery_secrets: vec![],
        key_uses: vec![KeyUse {
            secret: "api-key".to_owned(),
            algorithm: "hmac-sha256".to_owned(),
            role: KeyRole::Verify,
        }],
        objects: vec![catalog::ObjectSummary {
            name: "things".to_owned(),
            title: "Things".to_owned(),
            operations: vec!["list".to_owned(), "get".to_owned()],
        }],
        more: vec![],
    }
}

fn endpoint(name: &str, method: &str, origin: &str, path: &str, uses: &[&str]) -> Endpoint {
    Endpoint {
        name: name.to_owned(),
        method: method.to_owned(),
        origin: origin.to_owned(),
        path: path.to_owned(),
        writes: false,
        limits: vec![],
        secret_uses: uses.iter().map(|name| (*name).to_owned()).collect(),
        captures: vec![],
    }
}

fn setting(name: &str, setter: Setter, form: Form, default: Option<&str>) -> Setting {
    let (name, title, default) = (name.to_owned(), String::new(), default.map(str::to_owned));
    Setting { name, title, default, setter, form, required_by: vec![] }
}

fn url(host: &str) -> Form {
    Form::Url(vec![host.to_owned()])
}

fn header(name: &str) -> Place {
    Place::Header(HeaderPlace { name: name.to_owned(), prefix: String::new() })
}

fn secret_use(name: &str, secret: &str, place: Place) -> SecretUse {
    SecretUse { name: name.to_owned(), secret: secret.to_owned(), place }
}

/// A request without body.
#[must_use]
pub fn request(endpoint: &str, path_with_query: &str, secret_uses: &[&str]) -> Request {
    Request {
        endpoint: endpoint.to_owned(),
        path_with_query: path_with_query.to_owned(),
        headers: vec![],
        body: None,
        secret_uses: secret_uses.iter().map(|name| (*name).to_owned()).collect(),
        cost: 0,
    }
}

/// The same with a body of this content type.
#[must_use]
pub fn with_body(mut request: Request, content_type: &str, body: &str) -> Request {
    request.headers.push(("content-type".to_owned(), content_type.to_owned()));
    request.body = Some(body.as_bytes().to_vec());
    request
}

/// A page that ends its scan.
#[must_use]
pub fn page(records: Vec<DataRecord>) -> Page {
    Page {
        records,
        deleted: vec![],
        unreadable: vec![],
        next: None,
        not_before_ms: None,
        bookmark: None,
        total: None,
        more: vec![],
    }
}

/// A record with this text.
#[must_use]
pub fn record(data: String) -> DataRecord {
    DataRecord {
        id: "1".to_owned(),
        updated_at: None,
        created_at: None,
        version: None,
        data,
    }
}

/// An `internal` error with this text.
#[must_use]
pub fn internal(message: String) -> Error {
    error(ErrorKind::Internal, message)
}

/// An error without an answer.
#[must_use]
pub fn error(kind: ErrorKind, message: String) -> Error {
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
    fn describe(_: String) -> Result<Descriptor, Error> {
        B::describe()
    }
}

impl<B: Behaviour> auth::Guest for Guest<B> {
    fn begin(_: auth::BeginRequest) -> Result<Step, Error> {
        nothing()
    }
    fn complete(session: String, _: String) -> Result<Grant, Error> {
        B::complete(session)
    }
    fn refresh() -> Result<Grant, Error> {
        nothing()
    }
    fn revoke() -> Result<(), Error> {
        nothing()
    }
    fn check(_: String) -> Result<(), Error> {
        B::check()
    }
}

impl<B: Behaviour> records::Guest for Guest<B> {
    fn list(request: ListRequest) -> Result<Page, Error> {
        B::list(request)
    }
    fn get(_: String, id: String, _: records::View) -> Result<DataRecord, Error> {
        B::get(id)
    }
    fn find(_: String, _: Vec<String>) -> Result<Vec<Vec<DataRecord>>, Error> {
        nothing()
    }
    fn create(_: String, input: String, attempt: Attempt) -> Result<Written, Error> {
        B::create(input, attempt)
    }
    fn update(
        _: String,
        _: String,
        _: String,
        _: Attempt,
        _: Option<String>,
    ) -> Result<Written, Error> {
        nothing()
    }
    fn delete(_: String, id: String, _: Attempt, _: Option<String>) -> Result<(), Error> {
        B::delete(id)
    }
}

impl<B: Behaviour> derived::Guest for Guest<B> {
    fn derive(
        _: Vec<String>,
        parents: Vec<DataRecord>,
    ) -> Result<Vec<Vec<Vec<DataRecord>>>, Error> {
        Ok(vec![B::derive(parents)?])
    }
}

impl<B: Behaviour> subscriptions::Guest for Guest<B> {
    fn subscribe(
        _: subscriptions::SubscriptionRequest,
    ) -> Result<subscriptions::SubscriptionOutcome, Error> {
        nothing()
    }
    fn existing() -> Result<Vec<subscriptions::Subscription>, Error> {
        nothing()
    }
    fn unsubscribe(_: String) -> Result<(), Error> {
        nothing()
    }
    fn receive(delivery: Delivery) -> Result<Reception, Refusal> {
        B::receive(delivery)
    }
}
