//! The contract between hosts and connectors as plain types, and what every part of a host
//! agrees upon beside it.
//!
//! One module is one interface of `wit/`, which explains what it means. No type here knows the
//! engine that runs a connector: whoever keeps, sends or shows records depends on this crate alone.
//!
//! ```
//! use connector_contract::records::{ListRequest, Start, View};
//!
//! let everything = ListRequest {
//!     object: "orders".to_owned(),
//!     start: Start::Beginning,
//!     page_size: None,
//!     filter: None,
//!     view: View::default(),
//! };
//! assert_eq!(everything.object, "orders");
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`types`], [`records`], [`batches`], [`actions`], [`subscriptions`], [`auth`] | what is asked of a connector, and what it answers |
//! | [`catalog`], [`permissions`], [`setup`] | what a connector says of itself |
//! | [`http`], [`secrets`] | what a connector asks of its host |
//! | [`limits`] | the provider's limits as arithmetic, shared by processes or not |
//! | [`clock`] | where a host reads the time of day |

pub mod actions;
pub mod auth;
pub mod batches;
pub mod catalog;
pub mod clock;
pub mod http;
pub mod limits;
pub mod objects;
pub mod permissions;
pub mod records;
pub mod secrets;
pub mod setup;
pub mod subscriptions;
pub mod types;
