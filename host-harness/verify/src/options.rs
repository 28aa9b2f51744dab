//! What a verification is given.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use connector_runtime::secrets::Secret;
use thiserror::Error;

/// An option that cannot be used.
#[derive(Debug, Error)]
#[error(
    "the provider \"{0}\" cannot be used: it is http://HOST:PORT of this machine, for a fake one"
)]
pub struct BadOption(String);

/// What a verification is given: by default nothing, so that only what needs no provider is tried.
#[derive(Clone)]
#[must_use]
pub struct Options {
    pub(crate) provider: Option<SocketAddr>,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) samples: BTreeMap<String, String>,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            provider: None,
            settings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            samples: BTreeMap::new(),
            cache: None,
            patience: Duration::from_secs(90),
        }
    }
}

impl Options {
    /// The fake provider: every origin of the connector leads there.
    ///
    /// # Errors
    /// When it is not `http://HOST:PORT` of this machine.
    pub fn provider(self, url: &str) -> Result<Self, BadOption> {
        let rest = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let rest = rest.map(|rest| rest.replace("localhost:", "127.0.0.1:"));
        let address: Option<SocketAddr> = rest.and_then(|rest| rest.parse().ok());
        match address.filter(|address| address.ip().is_loopback()) {
            Some(address) => Ok(Self { provider: Some(address), ..self }),
            None => Err(BadOption(url.to_owned())),
        }
    }

    /// A setting, with the rights of the operator.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.insert(name.into(), value.into());
        self
    }

    /// A secret that the fake provider takes.
    pub fn secret(mut self, name: impl Into<String>, value: Secret) -> Self {
        self.secrets.insert(name.into(), value);
        self
    }

    /// An input that makes a record of `object`. `{number}` in it stands for another number each time.
    pub fn sample(mut self, object: impl Into<String>, input: impl Into<String>) -> Self {
        self.samples.insert(object.into(), input.into());
        self
    }

    /// Keeps compiled code here: a component is loaded several times.
    pub fn cache(mut self, directory: Option<PathBuf>) -> Self {
        self.cache = directory;
        self
    }

    /// How long after its making a record is looked for since a bookmark; 90 s if not given. A connector may leave out
    /// what is so new that the provider does not list it for sure.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}
