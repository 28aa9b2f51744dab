//! The contract between hosts and connectors as plain types, and what every part of a host
//! agrees upon beside it.
//!
//! One module is one interface of `wit/`, which explains what it means. No type here knows the
//! engine that runs a connector: whoever keeps, sends or shows records depends on this crate alone.
//!
//! ```
//! use connector_contract::records::{ListRequest, Start};
//!
//! assert_eq!(ListRequest::all("orders").start, Start::Beginning);
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`types`], [`records`], [`batches`], [`actions`], [`subscriptions`], [`auth`] | what is asked of a connector, and what it answers |
//! | [`catalog`], [`permissions`], [`setup`] | what a connector says of itself |
//! | [`http`], [`secrets`] | what a connector asks of its host |
//! | [`limits`] | the provider's limits as arithmetic, shared by processes or not |
//! | [`clock`], [`hex`](fn@hex) | where a host reads the time of day, and how it writes bytes |

pub mod actions;
pub mod auth;
#[cfg(not(target_arch = "wasm32"))]
pub mod backoff;
pub mod batches;
mod bytes;
pub mod catalog;
#[cfg(not(target_arch = "wasm32"))]
pub mod clock;
mod hex;
pub mod http;
#[cfg(not(target_arch = "wasm32"))]
pub mod limits;
pub mod objects;
pub mod permissions;
pub mod records;
pub mod secrets;
pub mod setup;
pub mod subscriptions;
pub mod types;

pub use self::hex::hex;
