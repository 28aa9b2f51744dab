//! Runs integration connectors: WebAssembly components that speak a provider's API
//! and can do nothing else.
//!
//! # Crates
//!
//! This one re-exports the others under one name, and chooses SQLite or PostgreSQL to keep state in. A platform
//! that keeps its own state depends on [`runtime`] alone.
//!
//! | crate | what it holds |
//! |---|---|
//! | [`contract`] | plain types of the contract, the clock, the arithmetic of limits |
//! | [`runtime`] | the sandbox, the way out, secrets in memory, repeated calls |
//! | [`registry`] | published components, found by digest and checked |
//! | [`state`] | rows, and what a database must do with them |
//! | [`state_sqlite`] | that database in one SQLite file |
//! | [`state_postgres`] | that database in PostgreSQL, for many hosts |
//! | [`service`] | connections, grants, the vault, sync, push, webhooks |
//! | [`server`] | the HTTP API |
//! | [`verify`] | puts a connector to its contract |
//!
//! None of them knows a provider.

pub use connector_contract as contract;
pub use connector_contract::clock;
pub use connector_registry as registry;
pub use connector_runtime as runtime;
pub use connector_runtime::{egress, observe, retry};
pub use connector_server as server;
pub use connector_service as service;
pub use connector_service::{
    connect, forward, grants, nearest, push, schema, source, sync, webhooks,
};
pub use connector_state as state;
pub use connector_state::{files, journal, mirror};
pub use connector_state_postgres as state_postgres;
pub use connector_state_sqlite as state_sqlite;
pub use connector_verify as verify;

/// What is kept between runs, and the databases that keep it.
pub mod store {
    pub use connector_state::*;
    pub use connector_state_postgres::{Address, AddressError, Postgres};
    pub use connector_state_sqlite::{self as sqlite, Sqlite};
}

/// Secrets, in memory and at rest.
pub mod vault {
    pub use connector_runtime::secrets::*;
    pub use connector_service::vault::*;
}
