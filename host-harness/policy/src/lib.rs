//! What a connector's manifest allows, judged without a network: whether it makes sense, settings, requests
//! and the places of secrets in them, secrets in deliveries, and secrets in texts on their way out.
//!
//! It compiles to wasm too, so a host that is a component itself (`wasi/`) keeps the rules of `wit/HOSTS.md` by
//! the same code. A refusal begins with the rule's number.
//!
//! | module | what it holds |
//! |---|---|
//! | [`manifest`] | whether a manifest makes sense, before anything is built on it |
//! | [`setting`] | what a setting may hold, and who may give it |
//! | [`policy`], [`origin`], [`path`], [`target`], [`template`] | which requests are admitted, and where they go |
//! | [`credentials`], [`place`] | secrets put into requests, and taken out of answers |
//! | [`delivered`] | secrets that stand in deliveries, compared and taken out |
//! | [`secret`], [`scrub`] | secrets in memory, and texts without them |

pub mod credentials;
pub mod delivered;
mod forms;
pub mod manifest;
pub mod origin;
pub mod path;
pub mod place;
pub mod policy;
#[cfg(test)]
mod samples;
#[cfg(test)]
extern crate self as connector_policy;
pub mod scrub;
pub mod secret;
pub mod setting;
pub mod target;
pub mod template;

use std::sync::{Mutex, MutexGuard, PoisonError};

use connector_contract::http::SendError;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Whether two values are the same, in a time that does not tell where they differ.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    let digest = |value: &[u8]| <[u8; 32]>::from(Sha256::digest(value));
    digest(one).ct_eq(&digest(other)).into()
}

/// Locks `mutex`. Nothing that is kept under a lock here is left half changed by a panic, so one that
/// was poisoned serves on.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `rule` of `wit/HOSTS.md` forbids it.
fn refused(rule: &str, why: impl Into<String>) -> SendError {
    SendError::Refused(format!("{rule}: {}", why.into()))
}
