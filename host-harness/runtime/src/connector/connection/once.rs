//! One call of a connection: admitted, given tokens, made in a fresh instance.

use std::sync::Arc;

use connector_contract::types::{Attempt, Error, ErrorKind};
use tracing::Instrument as _;

use super::super::instance::{Call, run};
use super::Connection;
use crate::egress::{CallSends, SKEW_WORTH_CORRECTING_MS};
use crate::error::{CallError, error};
use crate::retry::{Ended, Operation};

/// The operation of a call, and the object that it is about: empty where it is about none.
pub(super) type Name<'a> = (&'static str, &'a str);

impl Connection {
    /// Makes a call that changes nothing, repeated by the policy.
    pub(super) async fn read<R: Send>(
        &self,
        name: Name<'_>,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> Result<R, CallError> {
        let call = &call;
        let once = || async move { self.once(name, CallSends::default, call).await.0 };
        self.repeater.read(once).await
    }

    /// Makes a call that changes something, repeated by the policy.
    pub(super) async fn change<R: Send>(
        &self,
        name: Name<'_>,
        operation: Operation,
        first: &Attempt,
        call: impl Fn(&Attempt) -> Call<Result<R, Error>> + Send + Sync,
    ) -> Result<Ended<R>, CallError> {
        let call = &call;
        let once = |attempt: Attempt| async move {
            self.once(name, CallSends::default, || call(&attempt)).await.0
        };
        self.repeater.change(operation, first, once).await
    }

    /// Makes a call once: a span, and counted.
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
        let (result, sent) = self.admitted(object, sends, call).instrument(span.clone()).await;
        span.record("outcome", self.connector.loaded.runtime.counters.call(&result));
        (result, sent)
    }

    /// Makes a call, unless calls are paused because they fail.
    async fn admitted<R: Send>(
        &self,
        object: Option<&str>,
        sends: fn() -> CallSends,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> (Result<R, CallError>, CallSends) {
        // Never closed, so a failure to acquire cannot come; waiting here holds no instance.
        let _admitted = self.admitted.acquire().await;
        let pass = match self.ground.egress.admit(object) {
            Ok(pass) => pass,
            Err(paused) => return (Err(paused), sends()),
        };
        let (result, sent) = self.with_live_tokens(sends, call).await;
        self.ground.egress.note(object, pass, sent.has_asked(), &result);
        (result, sent)
    }

    /// Makes a call with the tokens of its grant; where the provider refuses the access token, once
    /// more with another.
    async fn with_live_tokens<R: Send>(
        &self,
        sends: fn() -> CallSends,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> (Result<R, CallError>, CallSends) {
        let Some(granted) = &self.granted else { return self.with_right_time(sends, call).await };
        let secrets = &self.ground.secrets;
        let epoch = match granted.fresh(secrets).await {
            Ok(epoch) => epoch,
            Err(unusable) => return (Err(unusable), sends()),
        };
        let first = self.in_instance(sends(), &call).await;
        if !first.0.as_ref().is_err_and(is_refusal) {
            return first;
        }
        match granted.replace(epoch, secrets).await {
            Ok(()) => self.in_instance(sends(), &call).await,
            Err(unusable) => (Err(unusable), first.1),
        }
    }

    /// Makes a call; where the provider refuses it and its answer shows that the host's clock is
    /// off, once more by the provider's: signatures hold the time.
    async fn with_right_time<R: Send>(
        &self,
        sends: fn() -> CallSends,
        call: impl Fn() -> Call<Result<R, Error>> + Send + Sync,
    ) -> (Result<R, CallError>, CallSends) {
        let egress = &self.ground.egress;
        let before = egress.correction_ms();
        let first = self.in_instance(sends(), &call).await;
        let is_off = egress.correction_ms().abs_diff(before) > SKEW_WORTH_CORRECTING_MS;
        if is_off && first.0.as_ref().is_err_and(is_refusal) {
            return self.in_instance(sends(), &call).await;
        }
        first
    }

    async fn in_instance<R: Send>(
        &self,
        sends: CallSends,
        call: &(impl Fn() -> Call<Result<R, Error>> + Sync),
    ) -> (Result<R, CallError>, CallSends) {
        let loaded = &self.connector.loaded;
        let ground = Arc::clone(&self.ground);
        let (result, sends) = run(&loaded.runtime, &loaded.world, ground, sends, call).await;
        (ended(result, &sends), sends)
    }
}

/// The connector's result, unless the host knows better.
pub fn ended<R>(
    result: Result<Result<R, Error>, CallError>,
    sends: &CallSends,
) -> Result<R, CallError> {
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) if sends.overflowed && !sends.wrote() => Err(CallError::TooLarge),
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
