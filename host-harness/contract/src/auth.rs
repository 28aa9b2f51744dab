//! How a connection is made, kept and checked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a connection is to be made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginRequest {
    /// Name of the scheme.
    pub scheme: String,
    /// Where the provider sends the customer back to.
    pub callback_url: String,
    /// Scopes wanted; empty: all of the scheme.
    pub scopes: Vec<String>,
    /// Made and checked by the host.
    pub state: String,
    /// S256 of a verifier that stays in the host as secret `code-verifier`.
    pub code_challenge: String,
}

/// The provider's account: connections with the same `id` share its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its identity.
    pub id: String,
    /// For people.
    pub title: String,
}

/// What the provider granted; its secrets were captured from the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// When the access token ends; `None` if it does not.
    pub expires_at: Option<String>,
    /// Empty: unchanged.
    pub scopes: Vec<String>,
    /// Values of settings whose setter is `connector`; one that is left out stays.
    /// The host stores them and the captured secrets in one step.
    pub settings: Vec<(String, String)>,
    /// `None`: unknown, or unchanged.
    pub account: Option<Account>,
}

/// The customer is sent to the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Redirect {
    /// Send the customer's browser here.
    pub url: String,
    /// Handed back to `complete`; no secret.
    pub session: String,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Step {
    /// Send the customer there.
    Redirect(Redirect),
    /// Nothing more to ask.
    Ready(Grant),
}

/// What a connector learned while connecting, no secret; kept in one step with the tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// Values of the settings whose setter is the connector.
    pub settings: BTreeMap<String, String>,
    /// The provider's account.
    pub account: Option<Account>,
}

impl Learned {
    /// With what a later answer told: what that leaves out stays.
    #[must_use]
    pub fn and(&self, later: Self) -> Self {
        let mut settings = self.settings.clone();
        settings.extend(later.settings);
        Self { settings, account: later.account.or_else(|| self.account.clone()) }
    }
}
