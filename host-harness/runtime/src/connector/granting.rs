//! How a connection is made, renewed and given back: what its [`Authority`](super::Authority) does,
//! for whoever keeps grants; and where the tokens of its calls come from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::auth::{BeginRequest, Learned, Redirect};

use super::ground::Ground;
use crate::egress::{LimitScopes, Pending, Progress};
use crate::error::CallError;
use crate::lock::lock;
use crate::secrets::{Secret, Secrets};
use crate::setting::Settings;

/// What a call will come to.
pub type PendingCall<'a, T> = Pending<'a, Result<T, CallError>>;

/// Tokens by their names in the connector's manifest.
pub type Tokens = BTreeMap<String, Secret>;

/// Gives out the tokens of one connection, renewed in time.
pub trait TokenSource: Send + Sync {
    /// The tokens to use now.
    fn fresh(&self) -> PendingCall<'_, Current>;

    /// The tokens to use after the provider refused the access token of `epoch` (401).
    fn replace(&self, epoch: u64) -> PendingCall<'_, Current>;
}

/// Tokens to use.
#[derive(Clone)]
pub struct Current {
    /// Their number, for [`TokenSource::replace`].
    pub epoch: u64,
    /// By their names in the manifest.
    pub tokens: Arc<Tokens>,
    /// What was granted.
    pub scopes: Vec<String>,
    /// What the connector learned beside them.
    pub learned: Learned,
}

/// Asks the provider for new tokens.
pub trait TokenRenewer: Send + Sync {
    /// One request, never repeated, with these tokens. The answer's texts are for people and hold
    /// no secret. Dropped when it takes too long: `progress` then tells what became of it.
    fn renew(&self, tokens: Tokens, progress: Progress) -> Pending<'_, Renewal>;
}

/// How a renewal went. What cannot be told for sure is [`Renewal::Unknown`].
pub enum Renewal {
    /// New tokens came.
    Received(Box<ReceivedGrant>),
    /// Certainly not executed: nothing was sent, or the provider said so (429; an OAuth error that
    /// speaks neither of the tokens nor of the client).
    NotExecuted {
        /// Why.
        why: String,
        /// The provider asked to be left alone for so long.
        wait: Option<Duration>,
    },
    /// Perhaps executed: no answer, or one that a gateway may have given (5xx). Why.
    Unknown(String),
    /// The provider does not know the tokens (`invalid_grant`, RFC 6749 section 5.2).
    Refused(String),
    /// The provider does not know the client (`invalid_client`).
    ClientRefused(String),
}

/// What a provider granted.
#[derive(Default)]
pub struct ReceivedGrant {
    /// The tokens of the answer. Those that it left out stay as they were.
    pub tokens: Tokens,
    /// When the access token ends, in milliseconds since 1970-01-01T00:00:00Z by the host's own
    /// clock (the connector's is corrected by the provider's); `None`: it does not.
    pub expires_ms: Option<u64>,
    /// What was granted; empty when the answer does not say, so as before.
    pub scopes: Vec<String>,
    /// What else the answer told; what it left out stays.
    pub learned: Learned,
}

impl ReceivedGrant {
    /// Whether there is nothing to keep: neither tokens nor what was learned beside them.
    pub fn is_nothing(&self) -> bool {
        self.tokens.is_empty() && self.expires_ms.is_none() && self.learned == Learned::default()
    }
}

/// The connector's part, for one connection that is being made.
pub trait Authorizer: Send + Sync {
    /// The connector's `auth.begin`. `secrets` are those typed in and kept, by their names.
    fn begin(&self, request: BeginRequest, secrets: Tokens) -> PendingCall<'_, BeginOutcome>;

    /// The connector's `auth.complete`, with the tokens that were captured meanwhile. `query` is
    /// the callback's, raw; `secrets` hold the PKCE verifier too.
    fn complete(
        &self,
        session: String,
        query: String,
        secrets: Tokens,
    ) -> PendingCall<'_, ReceivedGrant>;
}

/// What comes after the beginning.
pub enum BeginOutcome {
    /// The customer is sent to the provider.
    Redirect(Redirect),
    /// Nothing more to ask. What was captured and learned on the way is kept.
    Ready(ReceivedGrant),
}

/// The tokens of a connection's grant, put among its secrets before a call, and what the connector
/// learned beside them among its settings.
///
/// This happens before a call has an instance: the renewal that it may have to wait for needs one
/// itself. A call that is repeated asks anew, so each attempt has the tokens of its own time.
pub(super) struct GrantTokens {
    pub(super) source: Arc<dyn TokenSource>,
    settings: Arc<Settings>,
    scopes: Arc<LimitScopes>,
    epoch: Mutex<u64>,
}

impl GrantTokens {
    pub(super) fn new(source: Arc<dyn TokenSource>, ground: &Ground) -> Self {
        let (settings, scopes) = (Arc::clone(&ground.settings), Arc::clone(&ground.egress.scopes));
        Self { source, settings, scopes, epoch: Mutex::default() }
    }

    /// Puts usable tokens into `secrets`, and answers their epoch.
    pub(super) async fn fresh(&self, secrets: &Secrets) -> Result<u64, CallError> {
        Ok(self.put(&self.source.fresh().await?, secrets))
    }

    /// Puts others than those of `refused` into `secrets`, which the provider answered with 401.
    pub(super) async fn replace(&self, refused: u64, secrets: &Secrets) -> Result<u64, CallError> {
        Ok(self.put(&self.source.replace(refused).await?, secrets))
    }

    /// The tokens before these stay beside them: a call that began with them still runs, and its
    /// answer is scrubbed of both.
    fn put(&self, current: &Current, secrets: &Secrets) -> u64 {
        let mut epoch = lock(&self.epoch);
        if *epoch < current.epoch {
            let versions = current.tokens.iter().map(|(name, token)| {
                let before = secrets.get(name).filter(|it| it.expose() != token.expose());
                let versions = [Some(token.clone()), before].into_iter().flatten();
                (name.clone(), versions.map(|version| (version, None)).collect())
            });
            secrets.set_versions(versions.collect());
            self.settings.learn(&current.learned.settings);
            if let Some(account) = &current.learned.account {
                self.scopes.set_account(&account.id);
            }
            *epoch = current.epoch;
        }
        current.epoch
    }
}
