//! What a host keeps between runs: rows, what a database must do with them, and the decisions that
//! are the same in every database.
//!
//! | trait | what it keeps |
//! |---|---|
//! | [`Store`] | connections, their sealed secrets and their grants |
//! | [`mirror::Mirror`] | the provider's records as far as they are known, the log of their changes, and scans |
//! | [`push::Intents`] | wishes to write, before they are sent and after |
//! | [`inbox::Inbox`] | what providers delivered, until it is applied |
//! | [`outbox::Outbox`] | forwards, and changes until they are handed on |
//! | [`journal::Journal`] | what happened to connections, for people to read |
//! | [`rates::Rates`] | how many requests each limit let go |
//! | [`access::Access`] | tokens, writes and reads of faces beside the command line, links for browsers |
//! | [`moving::Moving`] | connections on their way from one state to another |
//! | [`lists::Lists`] | pages of what the others keep, and labels of connections |
//! | [`push::runs::Runs`] | which host works which run off |
//! | [`hosts::Hosts`] | the hosts that share a state, and which of them works for which connection |
//!
//! No trait needs another crate's trait, and a database needs nothing of the runtime: what it keeps
//! are the plain types of [`connector_contract`]. What to keep is decided here, by functions of what
//! a database has read ([`changes`], [`mirror::plan`], [`push::plan`], [`inbox::plan`],
//! [`outbox::plan`], [`journal::entries`], [`hosts::plan`], [`access::plan`]), so that every
//! database decides alike.
//!
//! | feature | what it adds |
//! |---|---|
//! | `memory` | `memory`: a state without a disk, for tests and simulations |
//! | `conformance` | `conformance`: what every database must do, case by case; and `memory` |

pub mod access;
pub mod changes;
#[cfg(feature = "conformance")]
pub mod conformance;
mod database;
mod error;
pub mod files;
pub mod hosts;
pub mod inbox;
pub mod journal;
mod lease;
pub mod lists;
#[cfg(feature = "memory")]
pub mod memory;
pub mod mirror;
pub mod moving;
pub mod outbox;
pub mod push;
pub mod rates;
pub mod retention;
mod rows;
#[cfg(feature = "conformance")]
pub mod scratch;
mod sealed;
mod store;
pub mod views;
mod words;

pub use self::database::{Database, StateClock};
pub use self::error::{Retry, StoreError};
pub use self::lease::{Lease, LeaseHolder, process_of};
pub use self::rows::{ConnectionRow, GrantRow, GrantState, PreviousTokens, SecretRow, SessionRow};
pub use self::sealed::Sealed;
pub use self::store::{Answer, Change, ConnectionChanges, GrantChange, SecretChange, Store};
pub use self::words::Word;
