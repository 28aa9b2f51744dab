//! Makes a connection: settings, secrets and surroundings, checked against the manifest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use connector_contract::catalog::Manifest;
use connector_contract::clock::{Clock, SystemClock};
use connector_contract::setup::{Scheme, Setter};

use super::build_error::BuildError;
use super::component::Connector;
use super::connection::Connection;
use super::ground::Ground;
use crate::digest::Digest;
use crate::egress::{
    Connect, Egress, EgressPolicy, HttpClient, Keep, LimitScopes, Limiter, user_agent,
};
use crate::observe::{CountingObserver, Observer, Unobserved};
use crate::retry::Policy;
use crate::secrets::{NoRandomness, Secret, Secrets, fill};
use crate::setting::{self, AddressSpace, SCHEME, Settings};

/// Numbers connections, for the limiter's queue.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// Collects what a connection needs. Begin with [`Connection::builder`].
#[must_use]
pub struct Builder {
    connector: Connector,
    settings: BTreeMap<String, (String, Setter)>,
    id: Option<String>,
    account: Option<String>,
    keep: Option<Arc<dyn Keep>>,
    secrets: BTreeMap<String, Secret>,
    kept: Arc<Secrets>,
    space: AddressSpace,
    limiter: Option<Arc<Limiter>>,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    http: Arc<HttpClient>,
    policy: Policy,
}

impl Connection {
    /// Begins a connection of `connector`.
    pub fn builder(connector: &Connector) -> Builder {
        Builder {
            connector: connector.clone(),
            settings: BTreeMap::new(),
            id: None,
            account: None,
            keep: None,
            secrets: BTreeMap::new(),
            kept: Arc::default(),
            space: AddressSpace::Public,
            limiter: Some(Arc::clone(&connector.loaded.runtime.limiter)),
            observer: Arc::new(Unobserved),
            clock: Arc::new(SystemClock),
            http: Arc::clone(&connector.loaded.runtime.http),
            policy: Policy::default(),
        }
    }
}

impl Builder {
    /// Sets a setting, with the rights of the host's operator, who may give a customer's too.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), (value.into(), Setter::Operator));
        self
    }

    /// Sets a setting as a customer gives it: one of the operator's is refused.
    pub fn customer_setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), (value.into(), Setter::Customer));
        self
    }

    /// Hands over what the connector learned while connecting, as it was kept.
    pub fn learned(mut self, values: BTreeMap<String, String>) -> Self {
        let learned = |(name, value)| (name, (value, Setter::Connector));
        self.settings.extend(values.into_iter().map(learned));
        self
    }

    /// Names the connection, so that whoever makes it again, here or in another process, counts with
    /// it against its limits. Without this, connections of one runtime with the same settings and
    /// secrets are taken for one.
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Names the provider's account: connections of one count together against its limits. Without
    /// this, and without a grant that tells it, the connection counts as an account of its own.
    pub fn account(mut self, id: impl Into<String>) -> Self {
        self.account = Some(id.into());
        self
    }

    /// Keeps secrets that a call captures before its answer goes on. Without this they are there
    /// as long as the connection is.
    pub fn keep(mut self, keep: Arc<dyn Keep>) -> Self {
        self.keep = Some(keep);
        self
    }

    /// Hands over a secret.
    pub fn secret(mut self, name: impl Into<String>, value: Secret) -> Self {
        self.secrets.insert(name.into(), value);
        self
    }

    /// Uses these secrets, all versions of them. They are looked up for each call, so a connection
    /// that is made already uses what is set in them later. [`Builder::secret`] is set in them too.
    /// Names that the manifest has no use for are not used, so a connection outlives a change of
    /// them.
    pub fn secrets(mut self, kept: Arc<Secrets>) -> Self {
        self.kept = kept;
        self
    }

    /// Allows http, address literals, private addresses and any port for URLs in settings that
    /// the operator gives: for tests, simulators and proxies of one's own.
    pub fn allow_private(mut self) -> Self {
        self.space = AddressSpace::Private;
        self
    }

    /// Counts together with the other connections that use the same limiter, where the limits are
    /// shared. Without this it does so with all connections of its runtime.
    pub fn limiter(mut self, limiter: Arc<Limiter>) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// Switches the limits off. Requests then go to loopback only.
    pub fn without_limits(mut self) -> Self {
        self.limiter = None;
        self
    }

    /// Watches the connection.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Reads the time of day elsewhere.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Reaches the network otherwise, on HTTP connections of its own.
    pub fn network(mut self, network: Arc<dyn Connect>) -> Self {
        self.http = Arc::new(self.http.with_network(network));
        self
    }

    /// Makes the calls as persistent as `policy` says.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Checks everything against the manifest and makes the connection. Sends nothing.
    ///
    /// # Errors
    /// [`BuildError`] names the setting, secret or origin that does not fit.
    pub async fn build(self) -> Result<Connection, BuildError> {
        let manifest = self.connector.manifest();
        let settings = Arc::new(self.checked_settings()?);
        self.secrets.keys().try_for_each(|name| self.connector.check_secret(name))?;
        let policy = EgressPolicy::compile(manifest, Arc::clone(&settings), self.space)?;
        if let (None, Some(origin)) = (&self.limiter, policy.remote_origin()) {
            return Err(BuildError::LimitsOff(origin.to_string()));
        }
        let secrets = self.kept;
        for (name, value) in self.secrets {
            secrets.set(name, value);
        }
        for name in secrets.names() {
            if let Some(value) = secrets.get(&name) {
                self.connector.check_secret_value(&name, &value)?;
            }
        }
        let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let id = self.id.clone();
        let id = id.unwrap_or_else(|| unnamed(manifest, &settings, &secrets, number));
        let counters = Arc::clone(&self.connector.loaded.runtime.counters);
        let observer = CountingObserver { counters, next: self.observer };
        let egress = Egress {
            policy: Arc::new(policy),
            http: self.http,
            secrets,
            keep: self.keep,
            limiter: self.limiter,
            scopes: Arc::new(LimitScopes::new(manifest, id, self.account)),
            connection: number,
            observer: Arc::new(observer),
            clock: self.clock,
            user_agent: user_agent(&manifest.name, &manifest.version),
            server_clock: Arc::default(),
        };
        let ground = Ground::new(egress, settings, manifest);
        Ok(Connection::new(self.connector, ground, self.id, self.policy))
    }

    /// The settings as they are given, checked, with defaults and the scheme.
    fn checked_settings(&self) -> Result<Settings, BuildError> {
        let manifest = self.connector.manifest();
        let mut given = self.settings.clone();
        let scheme = match given.remove(SCHEME) {
            Some((name, _)) => Some(self.connector.scheme(&name)?),
            None => manifest.schemes.first(),
        };
        for (name, (value, by)) in &given {
            match self.connector.setting(name) {
                Ok(declared) => setting::check(declared, value, *by, self.space)?,
                // A newer component may not know what an older one learned.
                Err(_) if *by == Setter::Connector => {}
                Err(unknown) => return Err(unknown),
            }
        }
        for declared in &manifest.settings {
            let name = &declared.name;
            if given.contains_key(name) {
                continue;
            }
            let is_given = declared.setter != Setter::Connector;
            let needs = |scheme: &&Scheme| is_given && declared.required_by.contains(&scheme.name);
            match (&declared.default, scheme.filter(needs)) {
                (Some(default), _) => {
                    given.insert(name.clone(), (default.clone(), Setter::Operator));
                }
                (None, Some(Scheme { name: scheme, .. })) => {
                    let (name, scheme) = (name.clone(), scheme.clone());
                    return Err(BuildError::MissingSetting { name, scheme });
                }
                (None, None) => {}
            }
        }
        if let Some(scheme) = scheme {
            given.insert(SCHEME.to_owned(), (scheme.name.clone(), Setter::Operator));
        }
        Ok(Settings::new(given))
    }
}

/// This process's own: what it makes of secrets tells nothing about them.
static KEY: LazyLock<Result<Secret, NoRandomness>> = LazyLock::new(|| {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    fill(bytes.as_mut())?;
    Ok(Secret::new(bytes.as_slice()))
});

/// The name under which a connection without an id counts against its limits. Connections with the
/// same settings and secrets are one, so that a connection for each request is held by the limits as
/// one that stays. Where the machine has no randomness, each is its own.
fn unnamed(manifest: &Manifest, settings: &Settings, secrets: &Secrets, number: u64) -> String {
    let Ok(key) = &*KEY else { return format!("connection {number}") };
    let mut digest = Digest::default();
    digest.add(key.expose());
    let declared = manifest.settings.iter().map(|setting| setting.name.as_str());
    for name in declared.chain([SCHEME]) {
        digest.add(name.as_bytes());
        digest.add(settings.get(name).unwrap_or_default().as_bytes());
    }
    for name in secrets.names() {
        if let Some(value) = secrets.get(&name) {
            digest.add(name.as_bytes());
            digest.add(value.expose());
        }
    }
    connector_contract::hex(&digest.end())
}
