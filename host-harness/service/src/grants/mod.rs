//! What a provider granted, and its renewal: tokens that end and come anew.
//!
//! [`Grants`] gives out the tokens of one connection. It renews them before they end, once for all
//! who ask, in this process and in others that share the [`Store`](connector_state::Store). A process
//! may be killed at any moment and an answer be lost: the grant survives both wherever the provider
//! lets it.
//!
//! The rules are pure functions, [`protocol`], and are checked as a whole against two hosts and a
//! provider that punishes a token used twice.

mod attempt;
mod error;
mod held;
pub(crate) mod protocol;
mod renewer;
mod schedule;
mod shared;
#[cfg(test)]
mod tests;
mod tokens;

pub use self::error::GrantError;
pub(crate) use self::protocol::withdrawn;
pub use self::renewer::{Grants, Renewals};
pub use self::tokens::{open, seal};
