//! What any connector needs, so that its author writes what is the provider's and nothing else.
//!
//! A connector is a [`Connector`]: constants and objects. [`export!`] makes a component of it that
//! offers only the interfaces that it lists. Here is a whole one:
//!
//! ```
//! use connector_sdk::declare::{self, Endpoint, Limit, OBJECT, Place, READ, SecretField, SecretUse};
//! use connector_sdk::{Connector, DataRecord, Error, Host, ListRequest, Object, Page, Request, Scheme};
//! use connector_sdk::{Setter, fault, json};
//!
//! const KEY: SecretUse = SecretUse {
//!     name: "api-key",
//!     secret: "api-key",
//!     place: Place::Header { name: "authorization", prefix: "Bearer " },
//! };
//! const LIST: Endpoint = Endpoint {
//!     name: "parcels-list",
//!     origin: "https://api.example.com",
//!     path: "/v1/parcels",
//!     limits: &[Limit::requests("all", 60, 60_000)],
//!     secret_uses: &[KEY],
//!     ..READ
//! };
//! const FIELD: SecretField =
//!     SecretField { name: "api-key", title: "API key", required: true, setter: Setter::Customer };
//! const PARCELS: declare::Descriptor = declare::Descriptor {
//!     name: "parcels", title: "Parcels", operations: &["list"], endpoints: &[LIST], ..OBJECT
//! };
//!
//! struct ApiKey;
//! impl Scheme for ApiKey {
//!     fn description(&self) -> declare::Scheme {
//!         declare::Scheme { name: "api-key", title: "API key", secrets: &[FIELD], interactive: false }
//!     }
//! }
//!
//! struct Parcels;
//! impl Object<Example> for Parcels {
//!     fn descriptor(&self) -> &'static declare::Descriptor { &PARCELS }
//!     fn list(&self, host: &&dyn Host, _: &ListRequest) -> Result<Page, Error> {
//!         let response = host.send(Request::new(LIST.name, LIST.path).secret(KEY.name));
//!         let response = fault::expect_success("list parcels", false, response, host.now_ms())?;
//!         let text = String::from_utf8_lossy(&response.body);
//!         let items = json::Reader::new(&text).items();
//!         let items = items.map_err(|_| Error::internal("The answer is no list. Report it."))?;
//!         let record = |item: &str| Some(DataRecord::new(json::text_member(item, "id")?, item));
//!         Ok(Page { records: items.into_iter().filter_map(record).collect(), ..Page::empty() })
//!     }
//! }
//!
//! struct Example;
//! impl Connector for Example {
//!     type Client<'h> = &'h dyn Host;
//!     const NAME: &'static str = "example";
//!     const TITLE: &'static str = "Example";
//!     const VERSION: &'static str = "1.0.0";
//!     const PROVIDER_API_VERSION: &'static str = "v1";
//!     const SCHEMES: &'static [&'static dyn Scheme] = &[&ApiKey];
//!     const OBJECTS: &'static [&'static dyn Object<Self>] = &[&Parcels];
//!     fn client(host: &dyn Host) -> Result<&dyn Host, Error> { Ok(host) }
//! }
//! connector_sdk::export!(Example);
//!
//! // Everything but `export!` is plain Rust. Here a closure is the host:
//! # use connector_sdk::{FnHost, Response, Start, View};
//! let host = FnHost::of::<Example>(|_| Ok(Response::json(200, r#"[{"id": "p1", "weight": 0.70}]"#)));
//! let request = ListRequest {
//!     object: "parcels".into(), start: Start::Beginning, page_size: None, filter: None, view: View::whole(),
//! };
//! let page = Example::list(&host, request)?;
//! assert_eq!(page.records[0].data, r#"{"id": "p1", "weight": 0.70}"#);
//! assert!(Example::faults().is_empty());
//! # Ok::<(), Error>(())
//! ```
//!
//! # Build it
//!
//! A crate with `crate-type = ["cdylib", "rlib"]` and this `.cargo/config.toml` becomes a component by
//! `cargo build --release --target wasm32-unknown-unknown`; without the linker it stays a core module,
//! which no host takes:
//!
//! ```toml
//! [target.wasm32-unknown-unknown]
//! linker = "wasm-component-ld"
//! rustflags = [
//!     "-C", "target-feature=+simd128",
//!     "-C", "link-arg=-zstack-size=262144", "-C", "link-arg=--initial-heap=3145728",
//! ]
//! ```
//!
//! With `opt-level = "z"`, `lto = "fat"`, `codegen-units = 1`, `panic = "abort"` and `strip = true` it is
//! small. A test that asserts that [`Connector::faults`] finds none catches slips of the constants.
//!
//! Lists are [`Object`]'s and writes too; `existing`, `unsubscribe` and `receive` are the
//! [`Connector`]'s, because a delivery tells itself which object it is about.
//!
//! | to | look at |
//! |---|---|
//! | declare endpoints, limits, secrets, settings, objects | [`declare`] |
//! | list, read and write one kind of record | [`Object`] |
//! | connect | [`Scheme`], [`callback`], [`signing`] |
//! | read and write JSON where it lies | [`json`] |
//! | check inputs | [`schema`], [`include_json!`] |
//! | build paths and queries | [`path`], [`Query`] |
//! | go on with a scan, or since the last one | [`cursor`], [`bookmark`] |
//! | read and write times, and how long to wait | [`dates`], [`served`], [`wait`] |
//! | turn what came into an error | [`fault`], [`Error`], [`hidden`] |
//! | verify a delivery | [`signing::verify_delivery`] |

/// The standard library's allocator in a later version: it begins with the heap that the linker leaves
/// (`--initial-heap`) before it asks the host for memory.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

pub mod bindings;
pub mod bookmark;
pub mod callback;
pub mod connector;
pub mod contract;
pub mod cursor;
pub mod dates;
pub mod declare;
mod error;
#[doc(hidden)]
pub mod export;
pub mod fault;
pub mod hidden;
pub mod host;
pub mod json;
#[doc(hidden)]
pub mod minify;
pub mod object;
pub mod packed;
pub mod path;
pub mod query;
pub mod schema;
pub mod scheme;
pub mod served;
pub mod signing;
pub mod text;
pub mod wait;

pub use connector::Connector;
pub use contract::{
    Account, Answer, Attempt, BeginRequest, DataRecord, Delivery, Effect, Error, ErrorKind, Event,
    Grant, Invocation, Level, ListRequest, ManualSteps, ObjectRecord, Outcome, Page, Part,
    Reception, Redirect, Refusal, Request, Response, SecretError, SendError, Setter, Start, Step,
    Subscription, SubscriptionOutcome, SubscriptionRequest, Unreadable, View, Violation, Written,
    WrittenRecord,
};
pub use host::{FnHost, Host};
pub use object::{ActionCall, Object, Parent};
pub use packed::Packed;
pub use query::Query;
pub use scheme::Scheme;
