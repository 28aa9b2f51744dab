//! The rows that a store keeps. Times are milliseconds since 1970-01-01T00:00:00Z.

use std::collections::BTreeMap;

use connector_contract::auth::Learned;

use super::lease::Lease;
use super::sealed::Sealed;
use super::words::words;

/// Labels of a connection, by which it is found: values by names ([`crate::lists::check_labels`]).
pub type Labels = BTreeMap<String, String>;

/// A connection: one customer's authorised account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    /// Names it for good: 32 hexadecimal digits.
    pub id: String,
    /// What people call it; unique, may change.
    pub name: String,
    /// `name` of the connector's manifest.
    pub connector: String,
    /// Authentication scheme.
    pub scheme: String,
    /// Settings that are its own.
    pub settings: BTreeMap<String, String>,
    /// Its key, sealed by the master key: without it nothing that is kept for it can be read.
    pub sealed_key: Sealed,
    /// When it was made.
    pub made_ms: u64,
}

/// One version of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// Id of the connection.
    pub connection: String,
    /// Name in the connector's manifest.
    pub name: String,
    /// Counts up from 1.
    pub version: u32,
    /// The value, sealed by the connection's key.
    pub sealed: Sealed,
    /// When it was put here.
    pub made_ms: u64,
    /// When it stops being used; `None` for the newest.
    pub ends_ms: Option<u64>,
}

/// What a provider granted, and how far a renewal of it is (OAuth 2.0, RFC 6749 section 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRow {
    /// Id of the connection.
    pub connection: String,
    /// Counts the tokens received, from 1. Whoever holds an older number writes nothing.
    pub epoch: u64,
    /// Where it stands.
    pub state: GrantState,
    /// Renewals sent with these tokens that may have been executed.
    pub sends: u32,
    /// Who renews it now.
    pub lease: Option<Lease>,
    /// The tokens by their names in the manifest, sealed by the connection's key.
    pub sealed_tokens: Sealed,
    /// When they were received.
    pub received_ms: u64,
    /// When the access token ends; `None`: it does not.
    pub expires_ms: Option<u64>,
    /// What was granted.
    pub scopes: Vec<String>,
    /// What the connector learned beside the tokens.
    pub learned: Learned,
    /// Not before this time is a renewal tried again.
    pub retry_ms: Option<u64>,
    /// Failed tries since the last success.
    pub failures: u32,
    /// The tokens before these.
    pub previous: Option<PreviousTokens>,
}

impl GrantRow {
    /// Whether the answer to a renewal may be lost.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.sends > 0 && self.state != GrantState::Ended
    }
}

words! {
    /// Where a grant stands.
    pub enum GrantState {
        /// Usable.
        Valid = "valid",
        /// Somebody renews it, or was cut off while doing so.
        Renewing = "renewing",
        /// Renewals were sent and their answers lost: the tokens are used as long as they last.
        Uncertain = "uncertain",
        /// The provider ended it: the customer must connect again.
        Ended = "ended",
    }
}

/// Replaced tokens, kept for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousTokens {
    /// As [`GrantRow::sealed_tokens`], of the epoch before.
    pub sealed: Sealed,
    /// When they are erased.
    pub until_ms: u64,
}

/// A customer is at the provider, connecting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of `state`, which itself is kept nowhere.
    pub state: [u8; 32],
    /// The connection that will be made or renewed, key included.
    pub connection: ConnectionRow,
    /// The secrets typed in so far, sealed by the connection's key.
    pub secrets: Vec<SecretRow>,
    /// The PKCE verifier (RFC 7636), sealed by the connection's key.
    pub sealed_verifier: Sealed,
    /// What the connector's `begin` wants back.
    pub session: String,
    /// Where the browser goes at the end.
    pub return_to: Option<String>,
    /// When it was made.
    pub made_ms: u64,
    /// When it can no longer be used.
    pub ends_ms: u64,
}
