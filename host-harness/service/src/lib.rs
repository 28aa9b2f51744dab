//! What `connector-host` does, as a library: connections made and kept, a mirror brought up to date,
//! records pushed, events received and handed on. Chooses neither the database nor a surface.
//!
//! | module | what it holds |
//! |---|---|
//! | [`check`] | whether a connection may use the objects |
//! | [`documents`] | what faces show of what is kept |
//! | [`connect`] | how a connection is made, by typing secrets or by way of a browser |
//! | [`grants`] | tokens that end, renewed in time and once, whatever is killed or lost meanwhile |
//! | [`vault`] | secrets at rest, sealed and in versions |
//! | [`sync`] | the mirror brought up to date, page by page, by scans that may be cut anywhere |
//! | [`push`] | many records written, each wish kept before it is sent and told as ours after |
//! | [`own_writes`] | single records written, and told to the mirror as ours |
//! | [`source`] | files and pipes that are pushed, read item by item whatever programs made of them |
//! | [`webhooks`] | events that providers push, kept before they are answered, then applied |
//! | [`listener`] | what those who listen share: bounds of time, TLS |
//! | [`feed`] | changes as they come, for whoever goes on after what they have had |
//! | [`forward`] | changes handed on to services of the user's own |
//! | [`recording`] | files of the component's calls, sealed, that can be made again |
//! | [`moving`] | connections in a sealed file, on their way from one state to another |
//! | [`trouble`] | what waits for a person, by cause, and what is done about all of it at once |
//! | [`maintenance`] | what is old forgotten, what was removed erased |
//! | [`hosts`] | which connections this host works for, among those that share a state |
//! | [`jobs`] | what runs as long as the program: begun again when it dies, ended in order |
//! | [`schema`], [`nearest`] | what a schema says outright, and which name was probably meant |

use std::sync::{Mutex, MutexGuard, PoisonError};

pub mod check;
pub mod connect;
mod dead_letter_number;
pub mod documents;
pub mod feed;
pub mod forward;
pub mod grants;
pub mod hosts;
pub mod jobs;
pub mod listener;
pub mod maintenance;
pub mod moving;
pub mod nearest;
pub mod own_writes;
pub mod push;
pub mod recording;
pub mod schema;
#[cfg(test)]
mod shared_limits;
pub mod source;
pub mod sync;
pub mod tokens;
pub mod trouble;
pub mod vault;
pub mod views;
pub mod webhooks;

/// What a mutex guards, also after somebody has panicked with it: nothing is left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
