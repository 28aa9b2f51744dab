//! What a platform embeds: runs connectors, WebAssembly components that speak a provider's API and
//! can do nothing else. Keeps nothing: connections, grants and records are others' business.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::path::Path;
//!
//! use connector_runtime::contract::records::ListRequest;
//! use connector_runtime::secrets::Secret;
//! use connector_runtime::{Connection, Runtime, RuntimeOptions};
//!
//! let runtime = Runtime::new(&RuntimeOptions::default())?;
//! let connector = runtime.load(Path::new("connector.wasm")).await?;
//! let connection = Connection::builder(&connector)
//!     .secret("api-key", Secret::new(std::env::var("API_KEY")?))
//!     .build()
//!     .await?;
//!
//! let mut scan = connection.scan(ListRequest::all("orders"));
//! while let Some(page) = scan.next().await? {
//!     for record in page.records {
//!         println!("{}", record.data);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | this one | the engine, loading, and the typed calls of a connection: each in a fresh instance, repeated where that is safe |
//! | [`egress`] | the only way out: every request is checked against the manifest, waits for the limits, gets its secrets, and brings a bounded answer |
//! | [`secrets`] | secrets in memory, which a connector names and never sees |
//! | [`retry`] | how persistent calls are, and what a failed one means |
//! | [`observe`] | what a user may watch |
//! | [`digest`] | one SHA-256 of several pieces |
//! | [`recording`] | calls as they may be kept and made again |
//! | [`contract`], [`tokio`] | what calls are made of, and the executor that they need: no other crate has to be named |

mod connector;
pub mod digest;
pub mod egress;
mod error;
mod lock;
pub mod observe;
pub mod recording;
pub mod retry;
pub mod secrets;

pub use self::connector::*;
pub use self::error::{CallError, LoadError, Paused, Stop, describe, error};
pub use connector_contract as contract;
pub(crate) use connector_policy::setting;
pub use connector_policy::setting::{AddressSpace, BadSetting, SCHEME};
pub use tokio;
