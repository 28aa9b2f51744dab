//! What a connection's calls stand on.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_contract::permissions::{KeyRole, KeyUse, SecretUse};

use crate::egress::Egress;
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
    /// Whether the manifest lets `secret` serve as key of `algorithm` in this role.
    #[must_use]
    pub fn may_use_key(&self, secret: &str, algorithm: &str, role: KeyRole) -> bool {
        self.key_uses
            .iter()
            .any(|rule| rule.secret == secret && rule.algorithm == algorithm && rule.role == role)
    }

    /// Whether `secret` may be a piece of a message to be signed: one that the manifest
    /// declares, as part of a request or as a key.
    #[must_use]
    pub fn may_sign_secret(&self, secret: &str) -> bool {
        self.declared_secrets.contains(secret)
    }
}
