//! One way to authenticate.

use crate::contract::{BeginRequest, Error, Grant, Request, Step};
use crate::declare::{self, Endpoint, KeyUse, SecretUse, Setting};
use crate::host::Host;
use crate::text::join;

/// The setting in which the host keeps a connection's scheme.
pub const SETTING: &str = "scheme";

/// One way to authenticate.
pub trait Scheme: Sync {
    /// What it asks of people.
    fn description(&self) -> declare::Scheme;

    /// The secrets that its requests to the provider's API carry. The client names them in each
    /// request, most simply by [`Scheme::authorise`].
    fn secret_uses(&self) -> &'static [SecretUse] {
        &[]
    }

    /// Endpoints that it needs besides the API's.
    fn endpoints(&self) -> &'static [Endpoint] {
        &[]
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
        let names = self.secret_uses().iter().map(|secret_use| secret_use.name.to_owned());
        request.secret_uses.extend(names);
        Ok(())
    }

    /// Begins to connect.
    ///
    /// # Errors
    /// When the scheme cannot begin with this request.
    fn begin(&self, host: &dyn Host, request: &BeginRequest) -> Result<Step, Error> {
        let _ = (host, request);
        // Nothing is sent: which object a key may use differs by scope, and `check` tries that.
        Ok(Step::Ready(Grant::unlimited()))
    }

    /// Turns the provider's callback into a grant. `query` is its raw query string.
    ///
    /// # Errors
    /// Unsupported unless the scheme sends people to the provider.
    fn complete(&self, host: &dyn Host, session: &str, query: &str) -> Result<Grant, Error> {
        let _ = (host, session, query);
        Err(self.unsupported("has no callback: `begin` says at once that it is ready"))
    }

    /// Renews the grant.
    ///
    /// # Errors
    /// Unsupported unless the scheme's grants expire.
    fn refresh(&self, host: &dyn Host) -> Result<Grant, Error> {
        let _ = host;
        Err(self.unsupported(
            "does not expire: there is nothing to refresh. When it is refused, connect again",
        ))
    }

    /// Gives the grant back.
    ///
    /// # Errors
    /// Unsupported unless the provider offers a way.
    fn revoke(&self, host: &dyn Host) -> Result<(), Error> {
        let _ = host;
        Err(self.unsupported("cannot be given back by a program: remove it at the provider"))
    }

    /// An error of kind unsupported; `why` completes a sentence that begins with the scheme.
    fn unsupported(&self, why: &str) -> Error {
        Error::unsupported(format!("The scheme `{}` {why}.", self.description().name))
    }
}

/// The scheme of this name among `schemes`; the message of an error lists them.
///
/// # Errors
/// An unknown name.
pub fn find_named(
    schemes: &'static [&'static dyn Scheme],
    name: &str,
) -> Result<&'static dyn Scheme, String> {
    let found = schemes.iter().find(|scheme| scheme.description().name == name);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = schemes.iter().map(|scheme| scheme.description().name).collect();
        format!("No scheme is called `{name}`. Connect again with one of: {}.", join(&names, ", "))
    })
}

/// The scheme of this connection: the first when the host names none.
///
/// # Errors
/// Unauthenticated when the connector does not know it: a new connection is needed.
pub fn current(
    schemes: &'static [&'static dyn Scheme],
    host: &dyn Host,
) -> Result<&'static dyn Scheme, Error> {
    match host.setting(SETTING) {
        Some(name) => find_named(schemes, &name).map_err(Error::unauthenticated),
        None => schemes.first().copied().ok_or_else(|| Error::internal("There is no scheme.")),
    }
}
