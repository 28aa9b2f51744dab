//! The host kit: proves that a host, in whatever language, keeps the rules of `wit/HOSTS.md`.
//!
//! A case is a connector that misbehaves (`tests/guests`), what is asked of it, what its provider answers, and
//! what must come of it. The host is a program that reads one job a line and writes one reply a line; the kit is
//! the provider, and judges what the host said and what it sent. `README.md` has the format of each.

#![allow(clippy::indexing_slicing, reason = "a member that JSON has not reads as null")]

mod case;
mod host;
mod judge;
mod provider;
mod report;
mod rust_host;

pub use self::case::{Case, Hosts, NamedHost, read_cases};
pub use self::host::{Host, Program, Reply};
pub use self::judge::judge;
pub use self::provider::Provider;
pub use self::report::{Outcome, Report, run};
pub use self::rust_host::RustHost;
