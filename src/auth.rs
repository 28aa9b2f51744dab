//! How a connection is made, kept and checked.
//!
//! One file a scheme, one line in [`SCHEMES`]. No secret's value is ever here: a scheme names the
//! secrets that belong to a request, and the host puts them in.

mod api_key;
mod api_key_hmac;
mod api_key_rsa;
mod keys;
mod oauth2;
mod signing;

use crate::api::endpoints::Endpoint;
use crate::error::{Error, Failure};
use crate::host::{Host, Request};
use crate::objects;
use crate::permissions::{self, KeyUse, SecretUse};
use crate::setup::{SecretField, Setting};

/// The setting in which the host keeps a connection's scheme.
const SCHEME: &str = "scheme";

/// Every scheme offered; the first is meant when the host names none.
pub static SCHEMES: &[&dyn Scheme] =
    &[&api_key::ApiKey, &api_key_hmac::ApiKeyHmac, &api_key_rsa::ApiKeyRsa, &oauth2::OAuth2];

/// What a scheme asks of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// Stable name.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Secrets that a person types in.
    pub secrets: &'static [SecretField],
    /// Whether `begin` answers with a redirect.
    pub interactive: bool,
}

/// What AfterShip granted. It names no account in any answer, so there is none to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// When the access token ends; RFC 3339.
    pub expires_at: Option<String>,
    /// What was granted. Empty after a refresh that does not say: as before (RFC 6749 section 6).
    pub scopes: Vec<String>,
}

/// What to do next while connecting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send the customer's browser there.
    Redirect {
        /// Where to.
        url: String,
        /// Handed back to `complete`.
        session: String,
    },
    /// Nothing more to ask.
    Ready(Grant),
}

/// What the host gives to `begin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BeginRequest {
    /// Name of the scheme.
    pub scheme: String,
    /// Where the provider sends the browser back to.
    pub callback_url: String,
    /// Scopes wished for; empty: all.
    pub scopes: Vec<String>,
    /// Made and checked by the host.
    pub state: String,
    /// S256 of a verifier that stays in the host.
    pub code_challenge: String,
}

/// One way to authenticate.
pub trait Scheme: Sync {
    /// What it asks of people.
    fn description(&self) -> Description;

    /// The secrets that its requests to the API carry.
    fn secret_uses(&self) -> &'static [SecretUse];

    /// Endpoints that it needs besides the API's.
    fn endpoints(&self) -> Vec<permissions::Endpoint> {
        Vec::new()
    }

    /// Its secrets that serve as keys.
    fn key_uses(&self) -> &'static [KeyUse] {
        &[]
    }

    /// Its settings.
    fn settings(&self) -> &'static [Setting] {
        &[]
    }

    /// The scope that a request to this endpoint of the API needs, when scopes are granted.
    fn scope(&self, endpoint: &Endpoint) -> Option<&'static str> {
        let _ = endpoint;
        None
    }

    /// Makes `request` to `endpoint`, which is complete otherwise, authentic: it is sent as it is
    /// left.
    ///
    /// # Errors
    /// When it cannot be signed.
    fn authorise(
        &self,
        host: &dyn Host,
        endpoint: &Endpoint,
        request: &mut Request,
    ) -> Result<(), Error> {
        let _ = (host, endpoint);
        request.secret_uses.extend(self.secret_uses().iter().map(|secret_use| secret_use.name));
        Ok(())
    }

    /// Begins to connect.
    ///
    /// # Errors
    /// When the scheme cannot begin with this request.
    fn begin(&self, host: &dyn Host, request: &BeginRequest) -> Result<Step, Error> {
        let _ = (host, request);
        // Nothing is sent: which object a key may use differs by scope, and `check` tries that.
        Ok(Step::Ready(Grant::default()))
    }

    /// Turns the provider's callback into a grant.
    ///
    /// # Errors
    /// [`Error::Unsupported`] unless the scheme sends people to the provider.
    fn complete(&self, host: &dyn Host, session: &str, query: &str) -> Result<Grant, Error> {
        let _ = (host, session, query);
        Err(self.unsupported("has no callback: `begin` says at once that it is ready"))
    }

    /// Renews the grant.
    ///
    /// # Errors
    /// [`Error::Unsupported`] unless the scheme's grants expire.
    fn refresh(&self, host: &dyn Host) -> Result<Grant, Error> {
        let _ = host;
        Err(self.unsupported(
            "does not expire: there is nothing to refresh. When it is refused, connect again",
        ))
    }

    /// Gives the grant back.
    ///
    /// # Errors
    /// [`Error::Unsupported`] unless AfterShip offers a way.
    fn revoke(&self, host: &dyn Host) -> Result<(), Error> {
        let _ = host;
        Err(self.unsupported(
            "cannot be given back by a program: remove the key in the AfterShip admin",
        ))
    }

    /// [`Error::Unsupported`] for this scheme; `why` completes a sentence that begins with it.
    fn unsupported(&self, why: &str) -> Error {
        Error::Unsupported(format!("The scheme `{}` {why}.", self.description().name))
    }
}

/// The scheme of this connection.
///
/// # Errors
/// [`Error::Unauthenticated`] when the connector does not know it: a new connection is needed.
pub fn current(host: &dyn Host) -> Result<&'static dyn Scheme, Error> {
    match host.setting(SCHEME) {
        Some(name) => scheme(&name).map_err(Error::Unauthenticated),
        None => SCHEMES.first().copied().ok_or_else(|| Error::internal("There is no scheme.")),
    }
}

/// Begins to connect with the scheme that `request` names.
///
/// # Errors
/// [`Error::InvalidInput`] for an unknown scheme; else as the scheme says.
pub fn begin(host: &dyn Host, request: &BeginRequest) -> Result<Step, Error> {
    let unknown = |failure| Error::InvalidInput { failure, violations: Vec::new() };
    scheme(&request.scheme).map_err(unknown)?.begin(host, request)
}

/// Turns the provider's callback into a grant. `query` is its raw query string.
///
/// # Errors
/// As the connection's scheme says.
pub fn complete(host: &dyn Host, session: &str, query: &str) -> Result<Grant, Error> {
    current(host)?.complete(host, session, query)
}

/// Renews the grant.
///
/// # Errors
/// As the connection's scheme says.
pub fn refresh(host: &dyn Host) -> Result<Grant, Error> {
    current(host)?.refresh(host)
}

/// Gives the grant back, so that its tokens end.
///
/// # Errors
/// As the connection's scheme says.
pub fn revoke(host: &dyn Host) -> Result<(), Error> {
    current(host)?.revoke(host)
}

/// Whether the connection may use this object, by one cheap request.
///
/// # Errors
/// Why not; [`Error::Unsupported`] when it cannot be tried without effect.
pub fn check(host: &dyn Host, object: &str) -> Result<(), Error> {
    objects::named(object)?.check(&crate::api::Api::new(host)?)
}

fn scheme(name: &str) -> Result<&'static dyn Scheme, Failure> {
    let found = SCHEMES.iter().find(|scheme| scheme.description().name == name);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = SCHEMES.iter().map(|scheme| scheme.description().name).collect();
        Failure::new(format!(
            "No scheme is called `{name}`. Connect again with one of: {}.",
            names.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests;
