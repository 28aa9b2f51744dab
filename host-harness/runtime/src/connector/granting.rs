//! How a connection is made, renewed and given back: what its [`Authority`](super::Authority) does,
//! for whoever keeps grants; and where the tokens of its calls come from.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector_contract::auth::{BeginRequest, Learned};

use crate::egress::{Pending, Progress};
use crate::error::CallError;
use crate::secrets::Secret;

/// Tokens by their names in the connector's manifest.
pub type Tokens = BTreeMap<String, Secret>;

/// Gives out the tokens of one connection, renewed in time.
pub trait TokenSource: Send + Sync {
    /// The tokens to use now.
    fn fresh(&self) -> Pending<'_, Result<Current, CallError>>;

    /// The tokens to use after the provider refused the access token of `epoch` (401).
    fn replace(&self, epoch: u64) -> Pending<'_, Result<Current, CallError>>;
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
pub trait Provider: Send + Sync {
    /// One request, never repeated, with these tokens. The answer's texts are for people and hold
    /// no secret. Dropped when it takes too long: `progress` then tells what became of it.
    fn renew(&self, tokens: Tokens, progress: Progress) -> Pending<'_, Renewal>;
}

/// How a renewal went. What cannot be told for sure is [`Renewal::Unknown`].
pub enum Renewal {
    /// New tokens came.
    Received(Box<Received>),
    /// Certainly not executed: nothing was sent, or the provider said so (429; an OAuth error that
    /// speaks neither of the tokens nor of the client).
    NotExecuted {
        /// Why.
        why: String,
        /// The provider asked to be left alone for so long.
        wait: Option<Duration>,
    },
    /// Perhaps executed: no answer, or one that a gateway may have given (5xx).
    Unknown {
        /// Why.
        why: String,
    },
    /// The provider does not know the tokens (`invalid_grant`, RFC 6749 section 5.2).
    Refused {
        /// What it said.
        why: String,
    },
    /// The provider does not know the client (`invalid_client`).
    ClientRefused {
        /// What it said.
        why: String,
    },
}

/// What a provider granted.
#[derive(Default)]
pub struct Received {
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

impl Received {
    /// Whether there is nothing to keep: neither tokens nor what was learned beside them.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.tokens.is_empty() && self.expires_ms.is_none() && self.learned == Learned::default()
    }
}

/// The connector's part, for one connection that is being made.
pub trait Scheme: Send + Sync {
    /// The connector's `auth.begin`. `secrets` are those typed in and kept, by their names.
    fn begin(&self, request: BeginRequest, secrets: Tokens)
    -> Pending<'_, Result<Step, CallError>>;

    /// The connector's `auth.complete`, with the tokens that were captured meanwhile. `query` is
    /// the callback's, raw; `secrets` hold the PKCE verifier too.
    fn complete(
        &self,
        session: String,
        query: String,
        secrets: Tokens,
    ) -> Pending<'_, Result<Received, CallError>>;
}

/// What comes next.
pub enum Step {
    /// Send the customer there.
    Redirect {
        /// Where.
        url: String,
        /// The connector wants it back.
        session: String,
    },
    /// Nothing more to ask. What was captured and learned on the way is kept.
    Ready(Received),
}
