//! How a connection is made: by secrets that are typed in, or by sending a customer to the provider
//! and back (OAuth 2.0, RFC 6749 section 4.1, with PKCE, RFC 7636).
//!
//! [`ConnectFlow::begin`] and [`ConnectFlow::complete`] need no terminal, and no memory between them but the
//! store: a platform calls them from its own pages. [`callback`] and [`browser`] do the same for
//! one person at one machine.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use connector_service::connect::{Begun, ConnectError, ConnectFlow, ConnectRequest};
//! # use connector_service::grants::Grants;
//! # use connector_runtime::{BuildError, Connection, Connector};
//! # use connector_state::ConnectionRow;
//! # use connector_service::vault::{Secret, VaultError};
//! # async fn example(connector: &Connector, flow: &ConnectFlow, row: ConnectionRow, query: &str)
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
//! let request = ConnectRequest {
//!     connection: row.clone(),
//!     secrets: [secret].into(),
//!     callback_url: "https://platform.example/callback".to_owned(),
//!     scopes: vec![],
//! };
//! let Begun::Redirect { url, state } = flow.begin(&authority, request).await? else { return Ok(()) };
//! // Keep `state` in the session of the browser, send it to `url`; when it is back with `query`:
//! let row = flow.complete(&authority, query, &state).await?;
//!
//! let (store, key) = (flow.vault.store().clone(), flow.vault.key(&row)?);
//! let grants = Grants::of(&connection, store, row.id, key);
//! let connection = connection.with_tokens(Arc::new(grants));
//! # let _ = (url, connection);
//! # Ok(())
//! # }
//! ```

pub mod browser;
pub mod callback;
mod ending;
mod error;
mod flow;
mod links;
mod page;
mod pkce;
#[cfg(test)]
mod tests;
mod texts;
pub mod web;

pub use self::ending::{give_back, live_grant, remove};
pub use self::error::ConnectError;
pub use self::flow::{Begun, ConnectFlow, ConnectRequest, ReturnedBrowser};
pub use self::links::{
    CALLBACK_PATH, ConnectLink, ConnectLinks, LinkError, LinkRequest, is_connected,
};

/// Name of the secret under which the connector names the PKCE verifier.
pub const VERIFIER: &str = "code-verifier";
/// A customer has so long at the provider.
pub const LIFE_MINUTES: u64 = 10;
