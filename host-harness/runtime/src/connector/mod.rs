//! A connector, loaded into the engine; its connections; and their calls, each in a fresh instance.

mod authority;
mod bindings;
mod bounds;
mod build_error;
mod builder;
mod component;
mod connection;
mod cpu_time;
mod engine;
mod granting;
mod ground;
mod instance;
mod replay;
mod state;
mod tape;

pub use self::authority::Authority;
pub use self::bounds::CallBounds;
pub use self::build_error::BuildError;
pub use self::builder::Builder;
pub use self::component::{Connector, Facts};
pub use self::connection::{Connection, Created, Find, Scan, ScanError, id_of};
pub use self::engine::{EngineError, Runtime, RuntimeOptions};
pub use self::granting::{
    Authorizer, BeginOutcome, Current, PendingCall, ReceivedGrant, Renewal, TokenRenewer,
    TokenSource, Tokens,
};
