//! The tokens of a connection's grant, put among its secrets before a call, and what the connector
//! learned beside them among its settings.
//!
//! This happens before a call has an instance: the renewal that it may have to wait for needs one
//! itself. A call that is repeated asks anew, so each attempt has the tokens of its own time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::granting::{Current, TokenSource};
use super::ground::Ground;
use crate::egress::LimitScopes;
use crate::error::CallError;
use crate::secrets::Secrets;
use crate::setting::Settings;

/// Where tokens come from, and which of them are among the connection's secrets.
pub(super) struct Granted {
    source: Arc<dyn TokenSource>,
    settings: Arc<Settings>,
    scopes: Arc<LimitScopes>,
    epoch: Mutex<u64>,
}

impl Granted {
    pub(super) fn new(source: Arc<dyn TokenSource>, ground: &Ground) -> Self {
        let (settings, scopes) = (Arc::clone(&ground.settings), Arc::clone(&ground.egress.scopes));
        Self { source, settings, scopes, epoch: Mutex::default() }
    }

    pub(super) fn source(&self) -> Arc<dyn TokenSource> {
        Arc::clone(&self.source)
    }

    /// Puts usable tokens into `secrets`, and answers their epoch.
    pub(super) async fn fresh(&self, secrets: &Secrets) -> Result<u64, CallError> {
        let current = self.source.fresh().await?;
        Ok(self.put(&current, secrets))
    }

    /// Puts others than those of `refused` into `secrets`, which the provider answered with 401.
    pub(super) async fn replace(&self, refused: u64, secrets: &Secrets) -> Result<(), CallError> {
        let current = self.source.replace(refused).await?;
        self.put(&current, secrets);
        Ok(())
    }

    /// The tokens before these stay beside them: a call that began with them still runs, and its
    /// answer is scrubbed of both.
    fn put(&self, current: &Current, secrets: &Secrets) -> u64 {
        let mut epoch = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if *epoch < current.epoch {
            let versions = current.tokens.iter().map(|(name, token)| {
                let mut versions = vec![(token.clone(), None)];
                let before = secrets.get(name);
                versions
                    .extend(before.filter(|it| it.expose() != token.expose()).map(|it| (it, None)));
                (name.clone(), versions)
            });
            secrets.set_versions(versions.collect::<BTreeMap<_, _>>());
            self.settings.learn(&current.learned.settings);
            if let Some(account) = &current.learned.account {
                self.scopes.set_account(&account.id);
            }
            *epoch = current.epoch;
        }
        current.epoch
    }
}
