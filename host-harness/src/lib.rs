//! Runs integration connectors: WebAssembly components that speak a provider's API
//! and can do nothing else.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//!
//! use host_harness::retry::{Caller, Policy};
//! use host_harness::runtime::bindings::records::{ListRequest, Start, View};
//! use host_harness::runtime::{Connection, Runtime, RuntimeOptions};
//! use host_harness::vault::Secret;
//!
//! let runtime = Runtime::new(&RuntimeOptions::default())?;
//! let connector = runtime.load(Path::new("connector.wasm")).await?;
//! let connection = Connection::builder(&connector)
//!     .secret("api-key", Secret::new(std::env::var("API_KEY")?))
//!     .build()
//!     .await?;
//!
//! let caller = Caller::new(connection, Policy::default());
//! let mut scan = caller.scan(ListRequest {
//!     object: "trackings".to_owned(),
//!     start: Start::Beginning,
//!     page_size: None,
//!     filter: None,
//!     view: View { fields: vec![], options: None },
//! });
//! while let Some(page) = scan.next().await? {
//!     for record in page.records {
//!         println!("{}", record.data);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Rooms
//!
//! - [`runtime`]: the sandbox, loading, and the typed calls of a connection; each call
//!   is one fresh instance and is made once
//! - [`egress`]: the only way out; every request is checked against the manifest, waits
//!   for the limits, gets its secrets, and brings a bounded answer
//! - [`vault`]: secrets, which a connector names and never sees, in memory and at rest
//! - [`store`]: what is kept between runs, and SQLite to keep it
//! - [`mirror`]: what is known of the provider's records, and the log of their changes
//! - [`sync`]: the mirror brought up to date, page by page, by scans that may be cut anywhere
//! - [`webhooks`]: events that providers push, kept before they are answered, then applied
//! - [`connect`]: how a connection is made, by typing secrets or by way of a browser
//! - [`grants`]: tokens that end, renewed in time and once, whatever is killed or lost meanwhile
//! - [`push`]: many records written, each wish kept before it is sent and told as ours after
//! - [`source`]: files and pipes that are pushed, read item by item whatever programs made of them
//! - [`retry`]: calls repeated where that is safe, and lost answers resolved
//! - [`observe`], [`clock`], [`files`], [`schema`], [`nearest`]: what a user may watch, where time
//!   comes from, files that are one user's alone, what a schema says outright, and which name was
//!   probably meant
//!
//! The library knows connectors and no provider.

pub mod clock;
pub mod connect;
pub mod egress;
pub mod files;
pub mod grants;
pub mod mirror;
pub mod nearest;
pub mod observe;
pub mod push;
pub mod retry;
pub mod runtime;
pub mod schema;
#[cfg(test)]
mod scratch;
pub mod source;
pub mod store;
pub mod sync;
pub mod vault;
pub mod webhooks;

/// The README's own example compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
