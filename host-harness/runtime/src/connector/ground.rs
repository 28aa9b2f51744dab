//! What a connection's calls stand on.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_contract::catalog::Manifest;
use connector_contract::permissions::{KeyRole, KeyUse, SecretUse};
use connector_policy::delivered::Proofs;

use crate::egress::{Egress, Keep};
use crate::observe::Observer;
use crate::secrets::Secrets;
use crate::setting::Settings;

/// What a connection's calls stand on.
#[derive(Clone)]
pub struct Ground {
    /// The way out.
    pub egress: Egress,
    /// Used as keys, filled into requests.
    pub secrets: Arc<Secrets>,
    /// Plain values, defaults and what was learned included.
    pub settings: Arc<Settings>,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// Which secrets may serve as keys.
    pub key_uses: Vec<KeyUse>,
    /// Names of the secrets that the manifest declares.
    pub declared_secrets: BTreeSet<String>,
    /// By which a delivery may prove itself.
    pub delivery_secrets: Vec<SecretUse>,
}

impl Ground {
    /// Of a connection that sends by `egress`.
    pub fn new(egress: Egress, settings: Arc<Settings>, manifest: &Manifest) -> Self {
        let uses = manifest.secret_uses.iter();
        let keys = manifest.key_uses.iter().map(|rule| &rule.secret);
        let proves = |rule: &&SecretUse| manifest.delivery_secrets.contains(&rule.name);
        Self {
            secrets: Arc::clone(&egress.secrets),
            observer: Arc::clone(&egress.observer),
            egress,
            settings,
            key_uses: manifest.key_uses.clone(),
            declared_secrets: uses.clone().map(|rule| &rule.secret).chain(keys).cloned().collect(),
            delivery_secrets: uses.filter(proves).cloned().collect(),
        }
    }

    /// The same with other secrets, and another place in which to keep those that are captured.
    pub fn with_secrets(&self, secrets: Secrets, keep: Option<Arc<dyn Keep>>) -> Self {
        let secrets = Arc::new(secrets);
        let egress = Egress { secrets: Arc::clone(&secrets), keep, ..self.egress.clone() };
        Self { egress, secrets, ..self.clone() }
    }

    /// By what its deliveries may prove themselves.
    pub fn proofs(&self) -> Proofs<'_> {
        let (secrets, settings) = (&*self.secrets, &*self.settings);
        Proofs { uses: &self.delivery_secrets, secrets, settings }
    }

    /// Whether the manifest lets `secret` serve as key of `algorithm` in this role.
    pub fn may_use_key(&self, secret: &str, algorithm: &str, role: KeyRole) -> bool {
        self.key_uses
            .iter()
            .any(|rule| rule.secret == secret && rule.algorithm == algorithm && rule.role == role)
    }

    /// Whether `secret` may be a piece of a message to be signed: one that the manifest
    /// declares, as part of a request or as a key.
    pub fn may_sign_secret(&self, secret: &str) -> bool {
        self.declared_secrets.contains(secret)
    }
}
