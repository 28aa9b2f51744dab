//! Connections, and the names of their secrets.

use std::collections::BTreeMap;

use connector_state::{ConnectionRow, GrantRow, GrantState, SecretRow};
use schemars::JsonSchema;
use serde::Serialize;

use super::date;

/// A kept connection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ConnectionDocument {
    /// Names it for good.
    pub id: String,
    /// What people call it; unique, may change.
    pub name: String,
    /// Name of its connector.
    pub connector: String,
    /// Authentication scheme.
    pub scheme: String,
    /// `connected` when it has what it needs, as far as is known here; `uncertain`, `needs-reconnect`;
    /// `not-connected` while something is missing; null where nobody looked.
    #[schemars(extend("enum" = ["connected", "uncertain", "needs-reconnect", "not-connected", null]))]
    pub state: Option<&'static str>,
    /// What was granted; null without a grant.
    pub scopes: Option<Vec<String>>,
    /// When its tokens end.
    pub expires: Option<String>,
    /// Its settings.
    pub settings: BTreeMap<String, String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was made.
    pub made: String,
}

impl ConnectionDocument {
    /// Of a row, and of the grant that it lives on.
    #[must_use]
    pub fn of(row: &ConnectionRow, grant: Option<&GrantRow>) -> Self {
        Self {
            id: row.id.clone(),
            name: row.name.clone(),
            connector: row.connector.clone(),
            scheme: row.scheme.clone(),
            state: grant.map(state),
            scopes: grant.map(|grant| grant.scopes.clone()),
            expires: grant.and_then(|grant| grant.expires_ms).map(date),
            settings: row.settings.clone(),
            labels: BTreeMap::new(),
            made: date(row.made_ms),
        }
    }

    /// With the labels of the connection.
    #[must_use]
    pub fn with_labels(self, labels: BTreeMap<String, String>) -> Self {
        Self { labels, ..self }
    }
}

impl ConnectionDocument {
    /// Of a connection without a grant: whether it has what it needs.
    pub fn connected_if(&mut self, has_all: bool) {
        self.state = Some(if has_all { "connected" } else { "not-connected" });
    }
}

/// The state of a connection, as far as it is known here: of one without a grant only its provider
/// knows.
fn state(grant: &GrantRow) -> &'static str {
    match grant.state {
        GrantState::Valid | GrantState::Renewing => "connected",
        GrantState::Uncertain => "uncertain",
        GrantState::Ended => "needs-reconnect",
    }
}

/// A version of a secret, without its value.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SecretDocument {
    /// Its name in the connector's manifest.
    pub name: String,
    /// Counts up from 1.
    pub version: u32,
    /// When it was put here.
    pub made: String,
    /// When it stops being used; null for the newest.
    pub ends: Option<String>,
}

impl SecretDocument {
    /// Of a row.
    #[must_use]
    pub fn of(row: &SecretRow) -> Self {
        let (made, ends) = (date(row.made_ms), row.ends_ms.map(date));
        Self { name: row.name.clone(), version: row.version, made, ends }
    }
}
