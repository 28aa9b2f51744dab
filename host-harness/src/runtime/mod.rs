//! Runs connectors: the engine, what it allows, and the typed calls of a connection.

mod authority;
pub mod bindings;
mod bounds;
mod builder;
mod component;
mod connection;
mod delivered;
mod engine;
mod error;
mod granted;
mod instance;
mod manifest;
mod memory;
pub(crate) mod setting;
mod state;
mod writes;

pub use self::authority::Authority;
pub use self::bounds::Bounds;
pub use self::builder::{BuildError, Builder, SCHEME};
pub use self::component::{Connector, Facts};
pub use self::connection::Connection;
pub use self::engine::{EngineError, Runtime, RuntimeOptions};
pub use self::error::{CallError, LoadError, Stop, describe, error};
pub use self::setting::{BadSetting, Settings};
pub use self::writes::Write;
