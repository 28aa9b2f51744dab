//! Whatever the provider does, each call ends, and in something that is true.
//!
//! "True" is judged by the simulator's own state before and after each call: `account.rs`.

mod account;
mod once;
mod sequences;
