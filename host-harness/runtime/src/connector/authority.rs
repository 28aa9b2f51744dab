//! The connector's `auth` calls of a connection: how it is made, renewed and given back.
//!
//! Each call has secrets of its own: what the connection keeps, and the tokens of this one call.
//! Tokens that are captured stay there until the call is over and are handed to whoever keeps
//! grants; so no call of the API uses tokens that are not durable yet, and none that failed halfway.
//! All else is shared with the connection: policy, open HTTP connections, limits, observer, clock.

use std::sync::Arc;
use std::time::Duration;

use connector_contract::auth::{BeginRequest, Grant, Learned, Step};
use connector_contract::types::{Error, ErrorKind};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::component::Connector;
use super::connection::{Connection, ended};
use super::granting::{
    Authorizer, BeginOutcome, PendingCall, ReceivedGrant, Renewal, TokenRenewer, Tokens,
};
use super::ground::Ground;
use super::instance::{Call, call, run};
use crate::egress::{CallSends, Pending, Progress};
use crate::error::{CallError, error};
use crate::observe::{Event, Level};
use crate::setting;

/// Makes, renews and ends the grant of one connection. Its calls are not admitted like those of
/// the API, which may be waiting for it.
#[derive(Clone)]
pub struct Authority {
    connector: Connector,
    ground: Arc<Ground>,
}

/// How one call went.
struct Asked<R> {
    result: Result<R, CallError>,
    /// What was captured, by the names in the manifest.
    captured: Tokens,
    /// A write went out, or may have.
    wrote: bool,
}

impl Connection {
    /// How it is made, renewed and given back.
    pub fn authority(&self) -> Authority {
        Authority { connector: self.connector().clone(), ground: Arc::clone(&self.ground) }
    }
}

impl Authority {
    /// Gives `tokens` back at the provider: the connector's `auth.revoke`.
    ///
    /// # Errors
    /// [`CallError`]; `unsupported` where the provider offers no way.
    pub async fn revoke(&self, tokens: Tokens) -> Result<(), CallError> {
        self.ask(tokens, Progress::default(), || call!(revoke())).await.result
    }

    async fn ask<R: Send>(
        &self,
        given: Tokens,
        progress: Progress,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> Asked<R> {
        let loaded = &self.connector.loaded;
        let names: Vec<&str> = self.connector.captured().collect();
        let secrets = self.ground.secrets.without(&names);
        let given = given.into_iter().map(|(name, value)| (name, vec![(value, None)]));
        secrets.set_versions(given.collect());
        // What is captured is kept with the call's result, in one step.
        let ground = Arc::new(self.ground.with_secrets(secrets, None));
        let sends = CallSends::watched(progress.clone());
        let (result, sends) = run(&loaded.runtime, &loaded.world, ground, sends, call).await;
        let (wrote, captured) = (progress.wrote(), progress.captured());
        Asked { wrote, result: ended(result, &sends), captured }
    }

    fn warn(&self, what: &dyn std::fmt::Display) {
        let message = format!("renewing the grant: {what}");
        self.ground.observer.event(&Event::Log { level: Level::Warn, message });
    }

    /// What was granted, with the time by the host's own clock.
    fn received(&self, grant: Grant, tokens: Tokens) -> Result<ReceivedGrant, CallError> {
        let internal = |text: String| CallError::from(error(ErrorKind::Internal, text));
        let unix_ms = |text: String| {
            let at = OffsetDateTime::parse(&text, &Rfc3339).ok()?;
            u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()
        };
        let expires_ms = grant.expires_at.map(unix_ms);
        if expires_ms == Some(None) {
            let text = "The connector tells the end of the tokens in no form of RFC 3339. \
                        Report it to its maker.";
            return Err(internal(text.to_owned()));
        }
        let expires_ms = expires_ms.flatten().map(|at| self.ground.egress.by_own_clock(at));
        let settings = setting::learned(&self.connector.loaded.manifest, grant.settings);
        let settings = settings.map_err(|why| {
            internal(format!(
                "What was learned at the provider may not be kept: {why}. Nothing was kept: see \
                 that the account is the right one; if it is, report it to the connector's maker."
            ))
        })?;
        let (scopes, learned) = (grant.scopes, Learned { settings, account: grant.account });
        Ok(ReceivedGrant { tokens, expires_ms, scopes, learned })
    }
}

impl TokenRenewer for Authority {
    fn renew(&self, tokens: Tokens, progress: Progress) -> Pending<'_, Renewal> {
        Box::pin(async move {
            let asked = self.ask(tokens, progress, || call!(refresh())).await;
            let Asked { result, captured, wrote } = asked;
            if captured.is_empty() {
                let why = "the answer brought no tokens".to_owned();
                return result
                    .map_or_else(|error| renewal(error, wrote), |_| Renewal::Unknown(why));
            }
            // Tokens that came are kept, whatever else is wrong: those before them may be used up.
            let grant = result.unwrap_or_else(|error| {
                self.warn(&format!("tokens came with an answer that is odd otherwise: {error}"));
                Grant { expires_at: None, scopes: vec![], settings: vec![], account: None }
            });
            let plain = Grant { expires_at: None, settings: vec![], ..grant.clone() };
            let received = self.received(grant, captured.clone()).or_else(|error| {
                self.warn(&error);
                self.received(plain, captured)
            });
            match received {
                Ok(received) => Renewal::Received(Box::new(received)),
                Err(error) => Renewal::Unknown(error.to_string()),
            }
        })
    }
}

impl Authorizer for Authority {
    fn begin(&self, request: BeginRequest, secrets: Tokens) -> PendingCall<'_, BeginOutcome> {
        Box::pin(async move {
            let request = &request;
            let asked = self.ask(secrets, Progress::default(), || call!(begin(request))).await;
            Ok(match asked.result? {
                Step::Redirect(redirect) => BeginOutcome::Redirect(redirect),
                Step::Ready(grant) => BeginOutcome::Ready(self.received(grant, asked.captured)?),
            })
        })
    }

    fn complete(
        &self,
        session: String,
        query: String,
        secrets: Tokens,
    ) -> PendingCall<'_, ReceivedGrant> {
        Box::pin(async move {
            let (session, query) = (&session, &query);
            let call = || call!(complete(session, query));
            let asked = self.ask(secrets, Progress::default(), call).await;
            let grant = asked.result?;
            if asked.captured.is_empty() {
                let text = "The provider's answer holds no token, so there is no grant.";
                return Err(error(ErrorKind::Unavailable, text).into());
            }
            self.received(grant, asked.captured)
        })
    }
}

/// What a failed refresh means for the tokens.
///
/// | error | meaning |
/// |---|---|
/// | `unavailable`, `rate-limited`, `quota-exhausted`; anything before a write went out | not executed |
/// | `unauthenticated` | the provider does not know the tokens |
/// | `forbidden` | the provider does not know the client |
/// | other errors that a 4xx caused | not executed |
/// | `outcome-unknown`, and whatever else came after a write | unknown |
fn renewal(failed: CallError, wrote: bool) -> Renewal {
    let why = failed.to_string();
    let CallError::Connector(error) = failed else {
        return match wrote {
            true => Renewal::Unknown(why),
            false => Renewal::NotExecuted { why, wait: None },
        };
    };
    let refused = error.http_status.is_some_and(|status| (400..500).contains(&status));
    match error.kind {
        ErrorKind::OutcomeUnknown => Renewal::Unknown(why),
        ErrorKind::Unauthenticated if wrote => Renewal::Refused(why),
        ErrorKind::Forbidden if wrote => Renewal::ClientRefused(why),
        ErrorKind::RateLimited(ms) | ErrorKind::QuotaExhausted(ms) => {
            let wait = ms.map(|ms| Duration::from_millis(u64::from(ms)));
            Renewal::NotExecuted { why, wait }
        }
        ErrorKind::Unavailable => Renewal::NotExecuted { why, wait: None },
        _ if wrote && !refused => Renewal::Unknown(why),
        _ => Renewal::NotExecuted { why, wait: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stop;

    /// Every kind, before and after a write: `n`ot executed, `u`nknown, `r`efused, `c`lient.
    #[test]
    fn the_table_holds_row_by_row() {
        let of = |kind, http_status| CallError::Connector(Error { http_status, ..error(kind, "") });
        let stopped = |wrote| CallError::Stopped { reason: Stop::OutOfTime, wrote };
        let rows = [
            (of(ErrorKind::Unavailable, None), "nn"),
            (of(ErrorKind::RateLimited(Some(9)), Some(429)), "nn"),
            (of(ErrorKind::QuotaExhausted(None), Some(429)), "nn"),
            (of(ErrorKind::OutcomeUnknown, Some(502)), "uu"),
            (of(ErrorKind::OutcomeUnknown, None), "uu"),
            (of(ErrorKind::Unauthenticated, Some(400)), "nr"),
            (of(ErrorKind::Forbidden, Some(401)), "nc"),
            (of(ErrorKind::Internal, Some(400)), "nn"),
            (of(ErrorKind::Internal, Some(200)), "nu"),
            (of(ErrorKind::Internal, None), "nu"),
            (of(ErrorKind::Unsupported, None), "nu"),
            (CallError::TooLarge, "nu"),
            (stopped(false), "n"),
            (stopped(true), " u"),
        ];
        for (failed, expected) in rows {
            for (wrote, expected) in [false, true].into_iter().zip(expected.chars()) {
                let found = match renewal(failed.clone(), wrote) {
                    Renewal::NotExecuted { .. } => 'n',
                    Renewal::Unknown(_) => 'u',
                    Renewal::Refused(_) => 'r',
                    Renewal::ClientRefused(_) => 'c',
                    Renewal::Received(_) => '!',
                };
                assert!(expected == ' ' || found == expected, "{failed:?} {wrote}: {found}");
            }
        }
    }
}
