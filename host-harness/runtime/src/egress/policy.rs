//! What a connector's manifest allows, for one connection.
//!
//! The host refuses every request, header and secret that the manifest does not
//! declare. This is what stops a connector, or data that steers it, from carrying
//! a key into another account's request or into a message that it can read back.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_contract::catalog::Manifest;
use connector_contract::http::Request;
use connector_contract::permissions::{Endpoint, KeyRole, Place, SecretUse};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

use super::origin::{BadOrigin, Origin};
use super::path;
use super::target::{NoTarget, Target};
use super::template::Template;
use crate::Settings;

/// Why a request may not be sent. The text goes to the connector and to people.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Refused(pub String);

/// Rules of one manifest, and the settings of one connection.
pub struct Policy {
    rules: BTreeMap<String, Rule>,
    settings: Arc<Settings>,
    open: bool,
    /// A key of the manifest signs, so a connector may build `authorization` itself.
    signs: bool,
}

/// One endpoint, with what may go into its requests.
#[derive(Debug)]
pub struct Rule {
    /// As declared.
    pub endpoint: Endpoint,
    /// The secret uses that it names.
    pub uses: Vec<SecretUse>,
    origin: Template,
}

/// A request that the manifest declares.
#[derive(Debug)]
pub struct Admitted<'a> {
    /// Its endpoint's rules.
    pub rule: &'a Rule,
    /// Where it goes, with the trust that the operator gave it.
    pub origin: Origin,
    /// Its path; secrets are not in yet.
    pub path: String,
    /// Its query, likewise.
    pub query: Option<String>,
    /// The connector's own headers; secrets are not in yet.
    pub headers: HeaderMap,
}

impl Policy {
    /// The rules of `manifest` with the origins of `settings`. An endpoint whose origin needs a
    /// setting without a value allows nothing.
    ///
    /// # Errors
    /// When an origin is none, or not allowed.
    pub fn compile(
        manifest: &Manifest,
        settings: Arc<Settings>,
        open: bool,
    ) -> Result<Self, BadOrigin> {
        let mut rules = BTreeMap::new();
        for endpoint in &manifest.endpoints {
            let origin = Template::read(&endpoint.origin)
                .map_err(|_| BadOrigin::new(&endpoint.origin, "is no origin of a manifest"))?;
            if let Err(NoTarget::Bad(why)) = Target::read(&origin, &endpoint.path, &settings, open)
            {
                return Err(why);
            }
            let named = |rule: &&SecretUse| endpoint.secret_uses.contains(&rule.name);
            let uses = manifest.secret_uses.iter().filter(named).cloned().collect();
            let rule = Rule { endpoint: endpoint.clone(), uses, origin };
            rules.insert(endpoint.name.clone(), rule);
        }
        let signs = manifest.key_uses.iter().any(|key| key.role == KeyRole::Sign);
        Ok(Self { rules, settings, open, signs })
    }

    /// The settings that fill its templates.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// An origin that is not this machine, when requests can go to no other.
    #[must_use]
    pub fn remote_origin(&self) -> Option<Origin> {
        let mut remote = None;
        for rule in self.rules.values() {
            let Ok(target) = self.target(rule) else { continue };
            if target.origin.is_loopback() {
                return None;
            }
            remote.get_or_insert(target.origin);
        }
        remote
    }

    /// Checks endpoint, path and headers of `request` against the manifest.
    ///
    /// # Errors
    /// [`Refused`] says what is not declared.
    pub fn admit(&self, request: &Request) -> Result<Admitted<'_>, Refused> {
        let name = &request.endpoint;
        let rule = self
            .rules
            .get(name)
            .ok_or_else(|| Refused(format!("the manifest declares no endpoint \"{name}\"")))?;
        let asked = &request.path_with_query;
        let (path, query) = path::judge(asked)
            .map_err(|why| Refused(format!("the path \"{asked}\" cannot be sent: {why}")))?;
        let target = self.target(rule).map_err(|why| match why {
            NoTarget::Unset(setting) => Refused(format!(
                "the endpoint \"{name}\" needs the setting \"{setting}\", which has no value"
            )),
            NoTarget::Bad(why) => Refused(why.to_string()),
        })?;
        let path = target.path(path).ok_or_else(|| {
            let declared = &rule.endpoint.path;
            Refused(format!(
                "the endpoint \"{name}\" is declared for the path \"{declared}\", and not for \"{path}\""
            ))
        })?;
        let headers = self.headers(request, rule)?;
        let query = query.map(str::to_owned);
        Ok(Admitted { rule, origin: target.origin, path, query, headers })
    }

    fn target(&self, rule: &Rule) -> Result<Target, NoTarget> {
        Target::read(&rule.origin, &rule.endpoint.path, &self.settings, self.open)
    }

    fn headers(&self, request: &Request, rule: &Rule) -> Result<HeaderMap, Refused> {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
                Refused(format!("\"{name}\" is no header name (RFC 9110 section 5.1)"))
            })?;
            let value = HeaderValue::from_str(value)
                .map_err(|_| Refused(format!("the header {parsed} holds characters it may not")))?;
            let is_signed = parsed == AUTHORIZATION && self.signs;
            if is_hosts(&parsed) && !is_signed {
                return Err(Refused(format!("the header {parsed} belongs to the host")));
            }
            if rule.uses.iter().any(|one| header_of(&one.place) == Some(parsed.clone())) {
                return Err(Refused(format!(
                    "the header {parsed} is declared for a secret; name the secret's use instead of sending it"
                )));
            }
            headers.append(parsed, value);
        }
        Ok(headers)
    }
}

/// The header in which a place lies.
fn header_of(place: &Place) -> Option<HeaderName> {
    match place {
        Place::Header(header) => HeaderName::from_bytes(header.name.as_bytes()).ok(),
        Place::BasicPassword(_) | Place::BasicUser(_) => Some(AUTHORIZATION),
        Place::FormField(_)
        | Place::Query(_)
        | Place::Json(_)
        | Place::Path(_)
        | Place::Other(_) => None,
    }
}

/// Whether a header frames the message, names its target or carries credentials: the host's alone,
/// whatever the manifest says.
#[must_use]
pub fn is_hosts(name: &HeaderName) -> bool {
    *name == AUTHORIZATION || frames(name) || matches!(name.as_str(), "cookie" | "forwarded")
}

/// Whether a header frames the message or is about one hop: no secret stands there either.
#[must_use]
pub fn frames(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("proxy-") || FRAMING.contains(&name)
}

const FRAMING: [&str; 10] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

#[cfg(test)]
pub(in crate::egress) mod tests;
