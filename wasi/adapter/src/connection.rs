//! The one connection of a composed connector: its manifest, and what the platform's configuration says.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector_contract::catalog::Manifest;
use connector_contract::http::SendError;
use connector_contract::permissions::{Endpoint, KeyRole, Measure, SecretUse};
use connector_contract::secrets::SecretError;
use connector_contract::setup::Setter;
use connector_policy::delivered::Proofs;
use connector_policy::manifest;
use connector_policy::policy::EgressPolicy;
use connector_policy::secret::{Secret, Secrets};
use connector_policy::setting::{self, AddressSpace, SCHEME, Settings};
use http::HeaderMap;

use crate::bindings::connector::api::catalog;
use crate::bindings::wasi::config::store;
use crate::convert::Convert as _;

/// Bytes of an answer, decoded, unless `answer-bytes` says otherwise.
const ANSWER_BYTES: usize = 8 << 20;

/// What calls stand on.
pub struct Connection {
    /// As the connector declares it.
    pub manifest: Manifest,
    /// What it allows, with the settings.
    pub policy: EgressPolicy,
    /// Every version of every secret.
    pub secrets: Secrets,
    /// The longest answer.
    pub answer_bytes: usize,
    delivery_secrets: Vec<SecretUse>,
    declared: BTreeSet<String>,
}

/// Why there is no connection.
#[derive(Clone)]
pub enum Unusable {
    /// The manifest or the configuration is wrong; the text begins with the rule.
    Broken(String),
    /// The configuration cannot be read now.
    Unread(String),
}

/// Nothing is signed by what is not there.
impl From<&Unusable> for SecretError {
    fn from(_: &Unusable) -> Self {
        Self::Unavailable
    }
}

thread_local! {
    static CONNECTION: OnceCell<Result<Connection, Unusable>> = const { OnceCell::new() };
}

impl Connection {
    /// Does something with the connection, which is made when it is needed first. A configuration that cannot be
    /// read is asked for again.
    pub fn with<R>(act: impl FnOnce(Result<&Self, &Unusable>) -> R) -> R {
        CONNECTION.with(|kept| {
            if let Some(known) = kept.get() {
                return act(known.as_ref());
            }
            match Self::make() {
                Err(Unusable::Unread(why)) => act(Err(&Unusable::Unread(why))),
                made => act(kept.get_or_init(|| made).as_ref()),
            }
        })
    }

    fn make() -> Result<Self, Unusable> {
        let broken = |rule: &str, why: String| Unusable::Broken(format!("{rule}: {why}"));
        let manifest: Manifest = catalog::get_manifest().convert();
        manifest::check(&manifest).map_err(Unusable::Broken)?;
        let is_open = read("allow-private")?.as_deref() == Some("true");
        let space = if is_open { AddressSpace::Private } else { AddressSpace::Public };
        let settings = Arc::new(Settings::new(settings(&manifest, space)?));
        let policy = EgressPolicy::compile(&manifest, settings, space)
            .map_err(|why| broken("H-4", why.to_string()))?;
        let answer_bytes = match read("answer-bytes")? {
            None => ANSWER_BYTES,
            Some(text) => text
                .parse()
                .map_err(|_| broken("H-19", "answer-bytes is no number of bytes".to_owned()))?,
        };
        let uses = manifest.secret_uses.iter();
        let keys = manifest.key_uses.iter().map(|one| &one.secret);
        let declared = uses.clone().map(|one| &one.secret).chain(keys).cloned().collect();
        let proves = |one: &&SecretUse| manifest.delivery_secrets.contains(&one.name);
        let delivery_secrets = uses.filter(proves).cloned().collect();
        let secrets = secrets(&declared)?;
        Ok(Self { policy, secrets, answer_bytes, delivery_secrets, declared, manifest })
    }

    /// By what deliveries may prove themselves.
    pub fn proofs(&self) -> Proofs<'_> {
        let (secrets, settings) = (&self.secrets, &*self.policy.settings);
        Proofs { uses: &self.delivery_secrets, secrets, settings }
    }

    /// Headers of a request as they are sent, with who asks.
    pub fn headers(&self, filled: &HeaderMap) -> Vec<(String, Vec<u8>)> {
        let headers = filled.iter();
        let headers =
            headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
        let mut headers: Vec<_> = headers.collect();
        if !filled.contains_key("user-agent") {
            let is_odd = |c: char| !c.is_ascii_alphanumeric() && !"-._".contains(c);
            let (name, version) = (&self.manifest.name, &self.manifest.version);
            let [name, version] = [name, version].map(|text| text.replace(is_odd, ""));
            let own = concat!("connector-wasi/", env!("CARGO_PKG_VERSION"));
            let agent = format!("{own} {name}/{version}");
            headers.push(("user-agent".to_owned(), agent.into_bytes()));
        }
        headers
    }

    /// Whether the manifest declares this secret.
    pub fn declares(&self, secret: &str) -> bool {
        self.declared.contains(secret)
    }

    /// Whether a secret may serve as this key.
    ///
    /// # Errors
    /// [`SecretError::Denied`] when the manifest does not say so, [`SecretError::Unsupported`] for an algorithm
    /// that is not known here.
    pub fn check_key(&self, name: &str, algorithm: &str, role: KeyRole) -> Result<(), SecretError> {
        let mut uses = self.manifest.key_uses.iter();
        let fits = uses.any(|it| it.secret == name && it.algorithm == algorithm && it.role == role);
        match (fits, algorithm) {
            (false, _) => Err(SecretError::Denied),
            (true, "hmac-sha256") => Ok(()),
            (true, _) => Err(SecretError::Unsupported),
        }
    }

    /// Whether a request may ever be sent at this cost.
    ///
    /// # Errors
    /// [`SendError::Refused`] when it is above all that a limit allows.
    pub fn check_cost(&self, endpoint: &Endpoint, cost: u32) -> Result<(), SendError> {
        let mut limits =
            self.manifest.limits.iter().filter(|limit| endpoint.limits.contains(&limit.name));
        let above = limits
            .find(|limit| matches!(&limit.measure, Measure::Points(rate) if cost > rate.amount));
        above.map_or(Ok(()), |limit| {
            let why = format!("H-20: the cost {cost} is above the limit \"{}\"", limit.name);
            Err(SendError::Refused(why))
        })
    }
}

fn read(key: &str) -> Result<Option<String>, Unusable> {
    store::get(key).map_err(|why| {
        let (store::Error::Upstream(why) | store::Error::Io(why)) = why;
        Unusable::Unread(format!("the configuration \"{key}\" cannot be read: {why}"))
    })
}

/// Values by name, each with who gave it, checked.
fn settings(
    manifest: &Manifest,
    space: AddressSpace,
) -> Result<BTreeMap<String, (String, Setter)>, Unusable> {
    let broken = |why: String| Unusable::Broken(format!("H-6: {why}"));
    let mut given = BTreeMap::new();
    for declared in &manifest.settings {
        let name = &declared.name;
        for (prefix, by) in [("setting", Setter::Operator), ("customer", Setter::Customer)] {
            if let Some(value) = read(&format!("{prefix}.{name}"))? {
                setting::check(declared, &value, by, space)
                    .map_err(|why| broken(why.to_string()))?;
                given.insert(name.clone(), (value, by));
            }
        }
        if let Some(default) = &declared.default {
            given.entry(name.clone()).or_insert_with(|| (default.clone(), Setter::Operator));
        }
    }
    let scheme = match read(SCHEME)? {
        None => manifest.schemes.first(),
        Some(name) => {
            let found = manifest.schemes.iter().find(|scheme| scheme.name == name);
            Some(found.ok_or_else(|| broken(format!("no scheme is called \"{name}\"")))?)
        }
    };
    if let Some(scheme) = scheme {
        given.insert(SCHEME.to_owned(), (scheme.name.clone(), Setter::Operator));
    }
    Ok(given)
}

/// The newest version of each secret, and the one before it while that still serves.
fn secrets(declared: &BTreeSet<String>) -> Result<Secrets, Unusable> {
    let mut versions = BTreeMap::new();
    for name in declared {
        let mut of_name = Vec::new();
        for key in [format!("secret.{name}"), format!("secret.{name}.previous")] {
            let value = read(&key)?.filter(|value| !value.is_empty());
            of_name.extend(value.map(|value| (Secret::new(value), None)));
        }
        if !of_name.is_empty() {
            versions.insert(name.clone(), of_name);
        }
    }
    let secrets = Secrets::default();
    secrets.set_versions(versions);
    Ok(secrets)
}
