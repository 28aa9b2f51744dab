//! The tokens of a connection's grant, put among its secrets before a call, and what the connector
//! learned beside them among its settings.
//!
//! This happens before a call has an instance: the renewal that it may have to wait for needs one
//! itself. A call that is repeated asks anew, so each attempt has the tokens of its own time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::bindings::types::ErrorKind;
use super::connection::Ground;
use super::error::{CallError, error};
use super::setting::Settings;
use crate::egress::Sharers;
use crate::grants::{Current, GrantError, Grants};
use crate::vault::Secrets;

/// A grant, and which of its tokens are among the connection's secrets.
pub(super) struct Granted {
    grants: Grants,
    settings: Arc<Settings>,
    sharers: Arc<Sharers>,
    epoch: Mutex<u64>,
}

impl Granted {
    pub(super) fn new(grants: Grants, ground: &Ground) -> Self {
        let (settings, sharers) =
            (Arc::clone(&ground.settings), Arc::clone(&ground.egress.sharers));
        Self { grants, settings, sharers, epoch: Mutex::default() }
    }

    pub(super) fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Puts usable tokens into `secrets`, and answers their epoch.
    pub(super) async fn fresh(&self, secrets: &Secrets) -> Result<u64, CallError> {
        let current = self.grants.fresh().await.map_err(|why| unusable(&why))?;
        Ok(self.put(&current, secrets))
    }

    /// Puts others than those of `refused` into `secrets`, which the provider answered with 401.
    pub(super) async fn replace(&self, refused: u64, secrets: &Secrets) -> Result<(), CallError> {
        let current = self.grants.replace(refused).await.map_err(|why| unusable(&why))?;
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
                self.sharers.belongs_to(&account.id);
            }
            *epoch = current.epoch;
        }
        current.epoch
    }
}

/// Why a call cannot be made. Nothing of it was sent.
fn unusable(why: &GrantError) -> CallError {
    let kind = match why {
        GrantError::Missing | GrantError::Ended { .. } | GrantError::RefusedAgain => {
            ErrorKind::Unauthenticated
        }
        GrantError::ClientRefused { .. } => ErrorKind::Forbidden,
        GrantError::Later { .. }
        | GrantError::Uncertain
        | GrantError::Interrupted
        | GrantError::Store(_) => ErrorKind::Unavailable,
        GrantError::Seal(_) => ErrorKind::Internal,
    };
    error(kind, why.to_string()).into()
}
