//! Makes a connection: settings, secrets and surroundings, checked against the manifest.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

use super::component::Connector;
use super::connection::{Connection, Ground};
use crate::clock::{Clock, SystemClock};
use crate::egress::{
    BadOrigin, CaError, Connect, Egress, Limiter, Policy, Pool, Tcp, client_config, user_agent,
};
use crate::observe::{Observer, Unobserved};
use crate::vault::{Secret, Secrets};

/// Calls of one connection that run at the same time.
const CALLS: usize = 8;
/// Name of the setting that holds the authentication scheme, in every connector; the host's own.
pub const SCHEME: &str = "scheme";

/// Numbers connections, for the limiter's queue.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// Why a connection cannot be made.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The manifest declares no such setting.
    #[error("the connector has no setting \"{name}\"; it has: {known}")]
    UnknownSetting {
        /// As given.
        name: String,
        /// Names in the manifest.
        known: String,
    },
    /// A required setting has neither value nor default.
    #[error("the setting \"{0}\" is required and has no value")]
    MissingSetting(String),
    /// The manifest has no use for such a secret.
    #[error("the connector has no use for a secret \"{name}\"; it uses: {known}")]
    UnknownSecret {
        /// As given.
        name: String,
        /// Names in the manifest.
        known: String,
    },
    /// A secret holds what is none of it.
    #[error("the secret \"{name}\" {why}, so it was not copied well; give it again without")]
    BadSecret {
        /// Its name.
        name: String,
        /// What is wrong with it; nothing of it.
        why: String,
    },
    /// A setting leads where nothing may be sent.
    #[error(transparent)]
    Origin(#[from] BadOrigin),
    /// Limits are the provider's; only a simulator does without.
    #[error("limits can be off towards this machine only, and requests may go to {0}")]
    LimitsOff(String),
    /// The extra certificate authorities cannot be used.
    #[error(transparent)]
    Ca(#[from] CaError),
}

/// Collects what a connection needs. Begin with [`Connection::builder`].
pub struct Builder {
    connector: Connector,
    settings: BTreeMap<String, String>,
    secrets: BTreeMap<String, Secret>,
    kept: Arc<Secrets>,
    allow_private: bool,
    ca: Option<PathBuf>,
    limiter: Option<Arc<Limiter>>,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    network: Arc<dyn Connect>,
}

impl Builder {
    pub(super) fn new(connector: &Connector) -> Self {
        Self {
            connector: connector.clone(),
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            kept: Arc::default(),
            allow_private: false,
            ca: None,
            limiter: Some(Arc::default()),
            observer: Arc::new(Unobserved),
            clock: Arc::new(SystemClock),
            network: Arc::new(Tcp),
        }
    }

    /// Sets a setting, with the rights of the host's operator.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// Hands over a secret.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: Secret) -> Self {
        self.secrets.insert(name.into(), value);
        self
    }

    /// Uses these secrets, all versions of them; [`Builder::secret`] goes before them. Names that
    /// the manifest has no use for are not used, so a connection outlives a change of them.
    #[must_use]
    pub fn secrets(mut self, kept: Arc<Secrets>) -> Self {
        self.kept = kept;
        self
    }

    /// Allows http, address literals, private addresses and any port for origins
    /// that settings give: for tests, simulators and proxies of one's own.
    #[must_use]
    pub fn allow_private(mut self, allow: bool) -> Self {
        self.allow_private = allow;
        self
    }

    /// Trusts the certificate authorities in this PEM file besides the web's.
    #[must_use]
    pub fn ca(mut self, file: Option<PathBuf>) -> Self {
        self.ca = file;
        self
    }

    /// Shares the limits of an account with its other connections. Without this the
    /// connection has limits of its own.
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

    /// Reaches the network otherwise.
    #[must_use]
    pub fn network(mut self, network: Arc<dyn Connect>) -> Self {
        self.network = network;
        self
    }

    /// Checks everything against the manifest and makes the connection. Sends nothing.
    ///
    /// # Errors
    /// [`BuildError`] names the setting, secret or origin that does not fit.
    pub async fn build(mut self) -> Result<Connection, BuildError> {
        let manifest = self.connector.manifest().clone();
        self.settings.keys().try_for_each(|name| self.connector.check_setting(name))?;
        self.secrets.keys().try_for_each(|name| self.connector.check_secret(name))?;
        for setting in &manifest.settings {
            match (&setting.default, self.settings.contains_key(&setting.name)) {
                (Some(default), false) => {
                    self.settings.insert(setting.name.clone(), default.clone());
                }
                (None, false) if setting.required => {
                    return Err(BuildError::MissingSetting(setting.name.clone()));
                }
                _ => {}
            }
        }
        if !self.settings.contains_key(SCHEME)
            && let Ok(schemes) = self.connector.schemes().await
            && let Some(first) = schemes.into_iter().next()
        {
            self.settings.insert(SCHEME.to_owned(), first.name);
        }
        let policy = Policy::compile(&manifest, &self.settings, self.allow_private)?;
        match (&self.limiter, policy.remote_origin()) {
            (Some(limiter), _) => limiter.declare(&manifest.limits),
            (None, Some(origin)) => return Err(BuildError::LimitsOff(origin.to_string())),
            (None, None) => {}
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
        let egress = Egress {
            policy: Arc::new(policy),
            pool: Arc::new(Pool::new(self.network, client_config(self.ca.as_deref())?)),
            secrets: Arc::clone(&secrets),
            limiter: self.limiter,
            connection: CONNECTIONS.fetch_add(1, Ordering::Relaxed),
            observer: Arc::clone(&self.observer),
            clock: self.clock,
            user_agent: user_agent(&manifest.name, &manifest.version),
            server_clock: Arc::default(),
        };
        let filled = manifest.secret_uses.into_iter().map(|rule| rule.secret);
        let keys = manifest.key_uses.iter().map(|rule| rule.secret.clone());
        let ground = Ground {
            egress,
            secrets,
            settings: self.settings,
            observer: self.observer,
            declared_secrets: filled.chain(keys).collect(),
            key_uses: manifest.key_uses,
        };
        Ok(Connection::new(self.connector, ground, CALLS))
    }
}
