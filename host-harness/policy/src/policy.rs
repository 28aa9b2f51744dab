//! What a connector's manifest allows, for one connection.
//!
//! The host refuses every request, header and secret that the manifest does not
//! declare. This is what stops a connector, or data that steers it, from carrying
//! a key into another account's request or into a message that it can read back.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_contract::catalog::Manifest;
use connector_contract::http::{Request, SendError};
use connector_contract::permissions::{Endpoint, KeyRole, Place, SecretUse};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::origin::{BadOrigin, Origin};
use crate::setting::{AddressSpace, Settings};
use crate::target::{EndpointTarget, TargetError};
use crate::template::Template;
use crate::{path, refused};

/// Rules of one manifest, and the settings of one connection.
pub struct EgressPolicy {
    rules: BTreeMap<String, EndpointRule>,
    /// They fill its templates.
    pub settings: Arc<Settings>,
    /// Where URLs of the operator's settings may lead.
    space: AddressSpace,
    /// A key of the manifest signs, so a connector may build `authorization` itself.
    signs: bool,
}

/// One endpoint, with what may go into its requests.
pub struct EndpointRule {
    /// As declared.
    pub endpoint: Endpoint,
    /// The secret uses that it names.
    pub uses: Vec<SecretUse>,
    origin: Template,
}

/// A request that the manifest declares.
#[derive(Clone)]
pub struct AdmittedRequest<'a> {
    /// Its endpoint's rules.
    pub rule: &'a EndpointRule,
    /// Where it goes, with the trust that the operator gave it.
    pub origin: Origin,
    /// Its path, and so on: without secrets until it is filled.
    pub path: Zeroizing<String>,
    /// `None`: there is not even a `?`.
    pub query: Option<Zeroizing<String>>,
    /// What the connector sends.
    pub headers: HeaderMap,
    /// Empty when the request has none.
    pub body: Zeroizing<Vec<u8>>,
}

impl AdmittedRequest<'_> {
    /// As it stands in the first line of the request.
    pub fn path_with_query(&self) -> Zeroizing<String> {
        let mut target = self.path.clone();
        if let Some(query) = &self.query {
            target.push('?');
            target.push_str(query);
        }
        target
    }
}

impl EgressPolicy {
    /// The rules of `manifest` with the origins of `settings`. An endpoint whose origin needs a
    /// setting without a value allows nothing.
    ///
    /// # Errors
    /// When an origin is none, or not allowed.
    pub fn compile(
        manifest: &Manifest,
        settings: Arc<Settings>,
        space: AddressSpace,
    ) -> Result<Self, BadOrigin> {
        let signs = manifest.key_uses.iter().any(|key| key.role == KeyRole::Sign);
        let mut policy = Self { rules: BTreeMap::new(), settings, space, signs };
        for endpoint in &manifest.endpoints {
            let origin = Template::read(&endpoint.origin)
                .map_err(|_| BadOrigin::new(&endpoint.origin, "is no origin of a manifest"))?;
            let named = |rule: &&SecretUse| endpoint.secret_uses.contains(&rule.name);
            let uses = manifest.secret_uses.iter().filter(named).cloned().collect();
            let rule = EndpointRule { endpoint: endpoint.clone(), uses, origin };
            if let Err(TargetError::Origin(why)) = policy.target(&rule) {
                return Err(why);
            }
            policy.rules.insert(endpoint.name.clone(), rule);
        }
        Ok(policy)
    }

    /// An origin that is not this machine, when requests can go to no other.
    pub fn remote_origin(&self) -> Option<Origin> {
        let targets = self.rules.values().filter_map(|rule| self.target(rule).ok());
        let origins: Vec<Origin> = targets.map(|target| target.origin).collect();
        let is_near = origins.iter().any(Origin::is_loopback);
        origins.into_iter().next().filter(|_| !is_near)
    }

    /// Checks endpoint, path and headers of `request` against the manifest.
    ///
    /// # Errors
    /// [`SendError::Refused`] says what is not declared.
    pub fn admit(&self, request: &Request) -> Result<AdmittedRequest<'_>, SendError> {
        let name = &request.endpoint;
        let rule = self.rules.get(name);
        let rule = rule.ok_or_else(|| {
            refused("H-10", format!("the manifest declares no endpoint \"{name}\""))
        })?;
        let asked = &request.path_with_query;
        let (path, query) = path::judge(asked).map_err(|why| {
            refused("H-11", format!("the path \"{asked}\" cannot be sent: {why}"))
        })?;
        let target = self.target(rule);
        let target = target.map_err(|why| {
            refused("H-9", format!("the endpoint \"{name}\" cannot be used: {why}"))
        })?;
        let sent = target.path(path).ok_or_else(|| {
            let declared = &rule.endpoint.path;
            refused("H-11", format!(
                "the endpoint \"{name}\" is declared for the path \"{declared}\", and not for \"{path}\""
            ))
        })?;
        Ok(AdmittedRequest {
            rule,
            origin: target.origin,
            path: Zeroizing::new(sent),
            query: query.map(|query| Zeroizing::new(query.to_owned())),
            headers: self.headers(request, rule)?,
            body: Zeroizing::new(request.body.clone().unwrap_or_default()),
        })
    }

    fn target(&self, rule: &EndpointRule) -> Result<EndpointTarget, TargetError> {
        EndpointTarget::read(&rule.origin, &rule.endpoint.path, &self.settings, self.space)
    }

    fn headers(&self, request: &Request, rule: &EndpointRule) -> Result<HeaderMap, SendError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name = header_name(name).map_err(|why| refused("H-12", why))?;
            let value = HeaderValue::from_str(value).map_err(|_| {
                refused("H-12", format!("the header {name} holds characters it may not"))
            })?;
            let is_signed = name == AUTHORIZATION && self.signs;
            if belongs_to_host(&name) && !is_signed {
                return Err(refused("H-12", format!("the header {name} belongs to the host")));
            }
            if rule.uses.iter().any(|one| is_in_header(&one.place, &name)) {
                return Err(refused(
                    "H-12",
                    format!(
                        "the header {name} is declared for a secret; name the secret's use instead of sending it"
                    ),
                ));
            }
            headers.append(name, value);
        }
        Ok(headers)
    }
}

/// Reads the name of a header.
///
/// # Errors
/// That it is none.
pub fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("\"{name}\" is no header name (RFC 9110 section 5.1)"))
}

fn is_in_header(place: &Place, header: &HeaderName) -> bool {
    match place {
        Place::Header(place) => header.as_str().eq_ignore_ascii_case(&place.name),
        Place::BasicPassword(_) | Place::BasicUser(_) => header == AUTHORIZATION,
        _ => false,
    }
}

/// Whether a header frames the message, names its target or carries credentials: the host's alone,
/// whatever the manifest says.
fn belongs_to_host(name: &HeaderName) -> bool {
    *name == AUTHORIZATION || is_framing(name) || matches!(name.as_str(), "cookie" | "forwarded")
}

/// Whether a header frames the message or is about one hop: no secret stands there either.
pub fn is_framing(name: &HeaderName) -> bool {
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
mod tests;
