//! The contract in Rust: types and call stubs made from `wit/`.
//!
//! Nothing outside this crate needs the generated paths: the modules below give
//! the names of the contract, one module an interface.

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated; the documentation stands in wit/"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "connector",
        imports: { "connector:host/http.send": async },
        exports: { default: async },
        additional_derives: [PartialEq, serde::Serialize],
    });
}

pub use generated::connector::api::types;
pub use generated::connector::host::{clock, http, log, secrets, settings};
pub use generated::exports::connector::api::{actions, auth, catalog, records, subscriptions};
pub use generated::{Connector as World, ConnectorPre as WorldPre};
