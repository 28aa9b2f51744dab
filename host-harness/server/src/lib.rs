//! The HTTP API of a host of connectors, and its console: turns HTTP into calls of `connector-service` and
//! `connector-state`, and has no logic of its own.
//!
//! | module | what it holds |
//! |---|---|
//! | [`listener`] | connections within bounds of time, bytes and number; TLS |
//! | [`authorise`] | which scope each route needs, and who decides |
//! | [`tokens`] | what a caller may do by its token |
//! | `audit` | who did what |
//! | [`extract`] | what handlers take and answer |
//! | [`metrics`] | what Prometheus reads |
//! | [`mcp`] | the same routes as tools for agents |
//! | [`console`] | the same in a browser |
//! | [`problem`] | errors (RFC 9457), by the contract's kinds |
//! | `describe`, `typed` | the OpenAPI description, generated from the handlers; what makes its types narrow |
//! | [`app`] | what handlers work on |
//! | `routes` | one file for each kind of thing |

pub mod app;
mod audit;
pub mod authorise;
pub mod console;
mod describe;
pub mod extract;
pub mod listener;
pub mod mcp;
pub mod metrics;
pub mod problem;
mod routes;
pub mod tokens;
mod typed;
mod working;
mod writing;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::app::{Api, ApiSurroundings, Connect, Opened};
pub use self::authorise::{ApiCall, Authorizer, Caller, Scope};
pub use self::console::{ConsoleOptions, ConsoleServer, console_bounds};
pub use self::listener::{ApiBounds, ApiOpenings, ApiServer};
pub use self::mcp::Mcp;
pub use self::problem::{Problem, ProblemKind, ProblemSource};
pub use self::routes::description;
pub use self::tokens::{LOCAL, TokenNeed, Tokens};

/// What a mutex guards, also after somebody has panicked with it: nothing is left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
