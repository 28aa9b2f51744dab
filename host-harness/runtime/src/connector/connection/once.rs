//! One call of a connection: admitted, given tokens, made in a fresh instance.

use std::sync::Arc;

use connector_contract::types::{Attempt, Error, ErrorKind};
use tracing::Instrument as _;

use super::super::instance::{Call, run};
use super::Connection;
use crate::egress::{CallSends, SKEW_WORTH_CORRECTING_MS};
use crate::error::{CallError, error};
use crate::retry::CallKind;

/// The operation of a call, and the object that it is about: empty where it is about none.
pub(super) type Name<'a> = (&'static str, &'a str);

impl Connection {
    /// Makes a call that changes nothing, repeated by the policy.
    pub(super) async fn read<R: Send>(
        &self,
        name: Name<'_>,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> Result<R, CallError> {
        self.change(name, CallKind::Read, &Attempt::default(), |_| call()).await?
    }

    /// Makes a call that may change something, repeated by the policy. `Ok(Err(_))`: an earlier
    /// attempt had been applied, and the last one answered this.
    pub(super) async fn change<R: Send>(
        &self,
        name: Name<'_>,
        kind: CallKind,
        first: &Attempt,
        call: impl Fn(&Attempt) -> Call<Result<R, Error>> + Send + Sync,
    ) -> Result<Result<R, CallError>, CallError> {
        let call = &call;
        let once = |attempt: Attempt| async move {
            self.once(name, CallSends::default, || call(&attempt)).await.0
        };
        self.repeater.repeat(kind, first, once).await
    }

    /// Makes a call once, unless calls are paused because they fail: a span, and counted.
    pub(super) async fn once<R: Send>(
        &self,
        (operation, object): Name<'_>,
        sends: fn() -> CallSends,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> (Result<R, CallError>, CallSends) {
        let span = tracing::debug_span!(
            "call",
            connector = self.connector.manifest().name,
            connection = self.id.as_deref(),
            operation,
            object,
            outcome = tracing::field::Empty,
        );
        let object = (!object.is_empty()).then_some(object);
        let admitted = async {
            // Never closed, so a failure to acquire cannot come; waiting here holds no instance.
            let _admitted = self.admitted.acquire().await;
            let pass = match self.ground.egress.admit(object) {
                Ok(pass) => pass,
                Err(paused) => return (Err(paused), sends()),
            };
            let (result, sent) = self.authenticated(sends, call).await;
            self.ground.egress.note(object, pass, sent.has_asked(), &result);
            (result, sent)
        };
        let (result, sent) = admitted.instrument(span.clone()).await;
        span.record("outcome", self.connector.loaded.runtime.counters.call(&result));
        (result, sent)
    }

    /// Makes a call with the tokens of its grant. Where the provider refuses who asks, so that nothing
    /// was applied, it is made once more: with other tokens, or by the provider's time where the
    /// answer shows that the host's clock is off, since signatures hold the time.
    async fn authenticated<R: Send>(
        &self,
        sends: fn() -> CallSends,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> (Result<R, CallError>, CallSends) {
        let (secrets, egress) = (&self.ground.secrets, &self.ground.egress);
        let epoch = match &self.tokens {
            Some(tokens) => tokens.fresh(secrets).await,
            None => Ok(0),
        };
        let epoch = match epoch {
            Ok(epoch) => epoch,
            Err(unusable) => return (Err(unusable), sends()),
        };
        let (before, loaded) = (egress.correction_ms(), &self.connector.loaded);
        let once = || async {
            let ground = Arc::clone(&self.ground);
            let (result, sends) = run(&loaded.runtime, &loaded.world, ground, sends(), &call).await;
            (ended(result, &sends), sends)
        };
        let first = once().await;
        if !first.0.as_ref().is_err_and(is_refusal) {
            return first;
        }
        if let Some(tokens) = &self.tokens {
            if let Err(unusable) = tokens.replace(epoch, secrets).await {
                return (Err(unusable), first.1);
            }
        } else if egress.correction_ms().abs_diff(before) <= SKEW_WORTH_CORRECTING_MS {
            return first;
        }
        once().await
    }
}

/// The connector's result, unless the host knows better.
pub fn ended<R>(
    result: Result<Result<R, Error>, CallError>,
    sends: &CallSends,
) -> Result<R, CallError> {
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) if sends.overflowed && !sends.progress.wrote() => Err(CallError::TooLarge),
        Ok(Err(error)) => Err(CallError::Connector(error)),
        Err(stopped) => Err(stopped),
    }
}

/// The contract's "one list each": with fewer or more, nobody could tell whose is whose.
pub(super) fn one_list_each<T>(asked: usize, lists: Vec<T>) -> Result<Vec<T>, CallError> {
    if lists.len() == asked { Ok(lists) } else { Err(not_as_many(asked, lists.len())) }
}

pub(super) fn not_as_many(asked: usize, came: usize) -> CallError {
    let text = format!(
        "The connector answered {came} results where {asked} were asked for. Report it to its maker."
    );
    error(ErrorKind::Internal, text).into()
}

/// Whether the provider refused who asks: a 401 means that nothing was applied.
fn is_refusal(error: &CallError) -> bool {
    let CallError::Connector(error) = error else { return false };
    error.kind == ErrorKind::Unauthenticated && error.http_status == Some(401)
}
