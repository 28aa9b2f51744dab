//! How a connection is made: by secrets that are typed in, or by sending a customer to the provider
//! and back (OAuth 2.0, RFC 6749 section 4.1, with PKCE, RFC 7636).
//!
//! [`Desk::begin`] and [`Desk::complete`] need no terminal, and no memory between them but the
//! store: a platform calls them from its own pages. [`callback`] and [`browser`] do the same for
//! one person at one machine.
//!
//! ```no_run
//! # use host_harness::connect::{Begun, ConnectError, Desk, Whom};
//! # use host_harness::runtime::{BuildError, Connection, Connector};
//! # use host_harness::store::ConnectionRow;
//! # use host_harness::vault::{Secret, VaultError};
//! # async fn example(connector: &Connector, desk: &Desk, row: ConnectionRow, query: &str)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! let mut builder = Connection::builder(connector).setting("scheme", &row.scheme);
//! for (name, value) in &row.settings {
//!     builder = builder.setting(name, value);
//! }
//! let secret = ("client-secret".to_owned(), Secret::new(std::env::var("CLIENT_SECRET")?));
//! let connection = builder.secret(&secret.0, secret.1.clone()).build().await?;
//! let authority = connection.authority();
//!
//! // A customer asks to connect:
//! let whom = Whom {
//!     connection: row.clone(),
//!     secrets: [secret].into(),
//!     callback_url: "https://platform.example/callback".to_owned(),
//!     scopes: vec![],
//! };
//! let Begun::Redirect { url, state } = desk.begin(&authority, whom).await? else { return Ok(()) };
//! // Keep `state` in the session of the browser, send it to `url`; when it is back with `query`:
//! let row = desk.complete(&authority, query, Some(&state)).await?;
//!
//! let (store, key) = (desk.vault().store().clone(), desk.vault().key(&row)?);
//! let connection = connection.granted(store, row.id, key);
//! # let _ = (url, connection);
//! # Ok(())
//! # }
//! ```

pub mod browser;
pub mod callback;
mod desk;
mod error;
mod pkce;
#[cfg(test)]
mod tests;

use crate::egress::Pending;
use crate::grants::{Received, Tokens};
use crate::runtime::CallError;
use crate::runtime::bindings::auth::BeginRequest;

pub use self::desk::{Begun, Desk, Whom};
pub use self::error::ConnectError;

/// Name of the secret under which the connector names the PKCE verifier.
pub const VERIFIER: &str = "code-verifier";
/// A customer has so long at the provider.
pub const LIFE_MINUTES: u64 = 10;

/// The connector's part, for one connection that is being made.
pub trait Scheme: Send + Sync {
    /// The connector's `auth.begin`. `secrets` are those typed in and kept, by their names.
    fn begin(&self, request: BeginRequest, secrets: Tokens)
    -> Pending<'_, Result<Step, CallError>>;

    /// The connector's `auth.complete`, with the tokens that were captured meanwhile. `query` is
    /// the callback's, raw; `secrets` hold [`VERIFIER`] too.
    fn complete(
        &self,
        session: String,
        query: String,
        secrets: Tokens,
    ) -> Pending<'_, Result<Received, CallError>>;
}

/// What comes next.
pub enum Step {
    /// Send the customer there.
    Redirect {
        /// Where.
        url: String,
        /// The connector wants it back.
        session: String,
    },
    /// Nothing more to ask. What was captured and learned on the way is kept.
    Ready(Received),
}
