//! A connector, loaded into the engine; its connections; and their calls, each in a fresh instance.

mod authority;
mod bindings;
mod bounds;
mod builder;
mod component;
mod connection;
mod delivered;
mod engine;
mod granted;
mod granting;
mod ground;
mod instance;
mod manifest;
mod memory;
mod state;
mod writes;

pub use self::authority::Authority;
pub use self::bounds::Bounds;
pub use self::builder::{BuildError, Builder, SCHEME};
pub use self::component::{Connector, Facts};
pub use self::connection::Connection;
pub use self::engine::{EngineError, Runtime, RuntimeOptions};
pub use self::granting::{Current, Provider, Received, Renewal, Scheme, Step, TokenSource, Tokens};
pub use self::writes::Write;
