//! Makes a connection: settings, secrets and surroundings, checked against the manifest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use connector_contract::clock::{Clock, SystemClock};
use connector_contract::setup::Setter;

use super::build_error::BuildError;
use super::component::Connector;
use super::connection::Connection;
use super::ground::Ground;
use super::unnamed::unnamed;
use crate::egress::{self, Connect, Egress, HttpClient, Keep, LimitScopes, Limiter, user_agent};
use crate::observe::{Counted, Observer, Unobserved};
use crate::retry::Policy;
use crate::secrets::{Secret, Secrets};
use crate::setting::{self, SCHEME, Settings};

/// Numbers connections, for the limiter's queue.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// Collects what a connection needs. Begin with [`Connection::builder`].
pub struct Builder {
    connector: Connector,
    settings: BTreeMap<String, (String, Setter)>,
    learned: BTreeMap<String, String>,
    id: Option<String>,
    account: Option<String>,
    keep: Option<Arc<dyn Keep>>,
    secrets: BTreeMap<String, Secret>,
    kept: Arc<Secrets>,
    allow_private: bool,
    limiter: Option<Arc<Limiter>>,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    http: Arc<HttpClient>,
    policy: Policy,
}

impl Connection {
    /// Begins a connection of `connector`.
    #[must_use]
    pub fn builder(connector: &Connector) -> Builder {
        Builder::new(connector)
    }
}

impl Builder {
    fn new(connector: &Connector) -> Self {
        Self {
            connector: connector.clone(),
            settings: BTreeMap::new(),
            learned: BTreeMap::new(),
            id: None,
            account: None,
            keep: None,
            secrets: BTreeMap::new(),
            kept: Arc::default(),
            allow_private: false,
            limiter: Some(Arc::clone(&connector.loaded.runtime.limiter)),
            observer: Arc::new(Unobserved),
            clock: Arc::new(SystemClock),
            http: Arc::clone(&connector.loaded.runtime.http),
            policy: Policy::default(),
        }
    }

    /// Sets a setting, with the rights of the host's operator, who may give a customer's too.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), (value.into(), Setter::Operator));
        self
    }

    /// Sets a setting as a customer gives it: one of the operator's is refused.
    #[must_use]
    pub fn customer_setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), (value.into(), Setter::Customer));
        self
    }

    /// Hands over what the connector learned while connecting, as it was kept.
    #[must_use]
    pub fn learned(mut self, values: BTreeMap<String, String>) -> Self {
        self.learned = values;
        self
    }

    /// Names the connection, so that whoever makes it again, here or in another process, counts with
    /// it against its limits. Without this, connections of one runtime with the same settings and
    /// secrets are taken for one.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Names the provider's account: connections of one count together against its limits. Without
    /// this, and without a grant that tells it, the connection counts as an account of its own.
    #[must_use]
    pub fn account(mut self, id: impl Into<String>) -> Self {
        self.account = Some(id.into());
        self
    }

    /// Keeps secrets that a call captures before its answer goes on. Without this they are there
    /// as long as the connection is.
    #[must_use]
    pub fn keep(mut self, keep: Arc<dyn Keep>) -> Self {
        self.keep = Some(keep);
        self
    }

    /// Hands over a secret.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: Secret) -> Self {
        self.secrets.insert(name.into(), value);
        self
    }

    /// Uses these secrets, all versions of them. They are looked up for each call, so a connection
    /// that is made already uses what is set in them later. [`Builder::secret`] is set in them too.
    /// Names that the manifest has no use for are not used, so a connection outlives a change of
    /// them.
    #[must_use]
    pub fn secrets(mut self, kept: Arc<Secrets>) -> Self {
        self.kept = kept;
        self
    }

    /// Allows http, address literals, private addresses and any port for URLs in settings that
    /// the operator gives: for tests, simulators and proxies of one's own.
    #[must_use]
    pub fn allow_private(mut self) -> Self {
        self.allow_private = true;
        self
    }

    /// Counts together with the other connections that use the same limiter, where the limits are
    /// shared. Without this it does so with all connections of its runtime.
    #[must_use]
    pub fn limiter(mut self, limiter: Arc<Limiter>) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// Switches the limits off. Requests then go to loopback only.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        self.limiter = None;
        self
    }

    /// Watches the connection.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// Reads the time of day elsewhere.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sends by this client instead of the runtime's: for a connection with a network, certificate
    /// authorities, a proxy or bounds of its own. Those that are handed the same client share its
    /// HTTP connections.
    #[must_use]
    pub fn http_client(mut self, http: Arc<HttpClient>) -> Self {
        self.http = http;
        self
    }

    /// Reaches the network otherwise, on HTTP connections of its own.
    #[must_use]
    pub fn network(mut self, network: Arc<dyn Connect>) -> Self {
        self.http = Arc::new(self.http.with_network(network));
        self
    }

    /// Makes the calls as persistent as `policy` says.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Checks everything against the manifest and makes the connection. Sends nothing.
    ///
    /// # Errors
    /// [`BuildError`] names the setting, secret or origin that does not fit.
    pub async fn build(self) -> Result<Connection, BuildError> {
        let manifest = self.connector.manifest().clone();
        let settings = self.given()?;
        self.secrets.keys().try_for_each(|name| self.connector.check_secret(name))?;
        let policy = egress::Policy::compile(&manifest, Arc::clone(&settings), self.allow_private)?;
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
        let named = self.id.clone();
        let id = self.id.unwrap_or_else(|| unnamed(&manifest, &settings, &secrets, number));
        let counters = Arc::clone(&self.connector.loaded.runtime.counters);
        let observer: Arc<dyn Observer> = Arc::new(Counted { counters, next: self.observer });
        let egress = Egress {
            policy: Arc::new(policy),
            http: self.http,
            secrets: Arc::clone(&secrets),
            keep: self.keep,
            limiter: self.limiter,
            scopes: Arc::new(LimitScopes::new(&manifest, id, self.account)),
            connection: number,
            observer: Arc::clone(&observer),
            clock: self.clock,
            user_agent: user_agent(&manifest.name, &manifest.version),
            server_clock: Arc::default(),
        };
        let filled = manifest.secret_uses.iter().map(|rule| rule.secret.clone());
        let keys = manifest.key_uses.iter().map(|rule| rule.secret.clone());
        let delivery_secrets = manifest.secret_uses.iter();
        let delivery_secrets =
            delivery_secrets.filter(|rule| manifest.delivery_secrets.contains(&rule.name));
        let ground = Ground {
            egress,
            secrets,
            settings,
            observer,
            declared_secrets: filled.chain(keys).collect(),
            delivery_secrets: delivery_secrets.cloned().collect(),
            key_uses: manifest.key_uses.clone(),
        };
        let calls_at_once = ground.egress.http.options().calls_at_once;
        Ok(Connection::new(self.connector, ground, named, calls_at_once, self.policy))
    }

    /// The settings as they are given, checked, with defaults and the scheme.
    fn given(&self) -> Result<Arc<Settings>, BuildError> {
        let manifest = self.connector.manifest();
        let mut given = BTreeMap::new();
        let mut chosen = None;
        for (name, (value, by)) in &self.settings {
            if name == SCHEME {
                chosen = Some(value.as_str());
                continue;
            }
            setting::check(self.connector.setting(name)?, value, *by, self.allow_private)?;
            given.insert(name.clone(), (value.clone(), *by));
        }
        for (name, value) in &self.learned {
            // A newer component may not know what an older one learned.
            if let Ok(declared) = self.connector.setting(name) {
                setting::check(declared, value, Setter::Connector, false)?;
            }
        }
        let scheme = self.connector.scheme(chosen);
        if let (None, Some(name)) = (scheme, chosen) {
            let known = manifest.schemes.iter().map(|scheme| scheme.name.as_str());
            let known = known.collect::<Vec<_>>().join(", ");
            return Err(BuildError::UnknownScheme { name: name.to_owned(), known });
        }
        for declared in &manifest.settings {
            let name = &declared.name;
            let is_there = given.contains_key(name) || self.learned.contains_key(name);
            match (&declared.default, scheme) {
                _ if is_there => {}
                (Some(default), _) => {
                    given.insert(name.clone(), (default.clone(), Setter::Operator));
                }
                (None, Some(scheme))
                    if declared.required_by.contains(&scheme.name)
                        && declared.setter != Setter::Connector =>
                {
                    let (name, scheme) = (name.clone(), scheme.name.clone());
                    return Err(BuildError::MissingSetting { name, scheme });
                }
                _ => {}
            }
        }
        if let Some(scheme) = scheme {
            given.insert(SCHEME.to_owned(), (scheme.name.clone(), Setter::Operator));
        }
        let settings = Settings::new(given);
        settings.learn(&self.learned);
        Ok(Arc::new(settings))
    }
}
