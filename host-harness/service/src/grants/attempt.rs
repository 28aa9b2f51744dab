//! One attempt: one request, and what follows from its answer.

use std::time::Duration;

use connector_runtime::egress::Progress;
use connector_runtime::observe::Level;
use connector_runtime::{Current, ReceivedGrant, Renewal, Tokens};
use connector_state::{GrantRow, GrantState};
use tokio::time::{Instant, timeout};

use super::error::GrantError;
use super::held::{CachedTokens, current};
use super::protocol::{RenewalOutcome, SealedGrant};
use super::schedule::DEADLINE_MS;
use super::shared::{ClaimedGrant, GrantKeeper};
use super::tokens;
use crate::lock;

impl GrantKeeper {
    /// Sends once. Returns the tokens to use, or `None` when the row must be looked at again.
    pub async fn renew(
        &self,
        claimed: &ClaimedGrant,
        refused: bool,
    ) -> Result<Option<Current>, GrantError> {
        let row = &claimed.row;
        let old = match tokens::open(&self.key, &self.connection, row.epoch, &row.sealed_tokens) {
            Ok(old) => old,
            Err(error) => {
                self.settle(claimed, RenewalOutcome::Withdrawn).await?;
                return Err(error.into());
            }
        };
        if !claimed.may_send() {
            self.settle(claimed, RenewalOutcome::Withdrawn).await?;
            return Ok(None);
        }
        let progress = Progress::default();
        let asked = self.provider.renew(old.clone(), progress.clone());
        let asked = timeout(Duration::from_millis(DEADLINE_MS), asked).await;
        let renewal = asked.unwrap_or_else(|_| cut_off(&progress));
        let (outcome, why) = match renewal {
            Renewal::Received(received) => {
                return self.keep(claimed, refused, old, *received).await;
            }
            Renewal::NotExecuted { why, wait } => {
                let wait_ms = wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
                (RenewalOutcome::NotExecuted { wait_ms }, why)
            }
            Renewal::Unknown(why) => (RenewalOutcome::Unknown, why),
            Renewal::Refused(why) => (RenewalOutcome::Refused, why),
            Renewal::ClientRefused(why) => (RenewalOutcome::ClientRefused, why),
        };
        // Whose turn is over looks again: a sibling may have brought new tokens.
        let Some(row) = self.settle(claimed, outcome.clone()).await? else { return Ok(None) };
        if outcome == RenewalOutcome::Unknown && row.state == GrantState::Renewing {
            self.say(Level::Warn, &format!("an answer was lost ({why}); asking once more"));
            return Ok(None);
        }
        let error = self.failure(&row, &outcome, why);
        let hopeless = matches!(error, GrantError::Ended(_) | GrantError::ClientRefused(_));
        self.say(if hopeless { Level::Error } else { Level::Warn }, &error);
        if row.state == GrantState::Ended {
            *lock(&self.held) = None;
            return Err(error);
        }
        self.make_do(&row, refused, error).map(Some)
    }

    fn failure(&self, row: &GrantRow, outcome: &RenewalOutcome, why: String) -> GrantError {
        match (row.state, outcome) {
            (GrantState::Ended, _) => GrantError::Ended(why),
            (_, RenewalOutcome::ClientRefused) => GrantError::ClientRefused(why),
            (GrantState::Uncertain, RenewalOutcome::Unknown | RenewalOutcome::Refused) => {
                GrantError::Uncertain
            }
            _ => {
                let retry_ms = row.retry_ms.unwrap_or_default();
                let after = Duration::from_millis(retry_ms.saturating_sub(self.clock.now_ms()));
                GrantError::Later { why, after }
            }
        }
    }

    /// Tokens came: durable first, then used.
    async fn keep(
        &self,
        claimed: &ClaimedGrant,
        refused: bool,
        mut tokens: Tokens,
        mut received: ReceivedGrant,
    ) -> Result<Option<Current>, GrantError> {
        tokens.extend(std::mem::take(&mut received.tokens));
        let epoch = claimed.row.epoch.saturating_add(1);
        let sealed = tokens::seal(&self.key, &self.connection, epoch, &tokens)?;
        let ReceivedGrant { expires_ms, scopes, learned, .. } = received;
        let outcome = RenewalOutcome::Received(SealedGrant { sealed, expires_ms, scopes, learned });
        let Some(row) = self.settle(claimed, outcome).await? else { return Ok(None) };
        let gone = claimed.row.scopes.iter().filter(|scope| !row.scopes.contains(scope));
        let gone: Vec<&str> = gone.map(String::as_str).collect();
        if !gone.is_empty() {
            self.say(Level::Warn, &format!("no longer granted: {}", gone.join(", ")));
        }
        if refused {
            *lock(&self.replaced) = Some((epoch, Instant::now()));
        }
        let current = current(&row, tokens);
        *lock(&self.held) =
            Some(CachedTokens::new(current.clone(), &row, self.clock.now_ms(), None));
        Ok(Some(current))
    }
}

/// What became of a renewal that was dropped at its deadline. Waiting for a free instance, for the
/// limits, for a name or for a connection sends nothing, however long it takes.
fn cut_off(progress: &Progress) -> Renewal {
    let limit = DEADLINE_MS / 1_000;
    let tokens = progress.captured();
    if !tokens.is_empty() {
        return Renewal::Received(Box::new(ReceivedGrant { tokens, ..ReceivedGrant::default() }));
    }
    if progress.wrote() {
        return Renewal::Unknown(format!("no answer within {limit} s"));
    }
    let why = format!("it could not be sent within {limit} s, so nothing was");
    Renewal::NotExecuted { why, wait: None }
}
