//! New credentials for a connection.
//!
//! PATCH /courier-connections/{id} takes `credentials` only, and AfterShip does not say whether it
//! merges them with what is there or replaces them. So the connection is read first, and the whole
//! is sent: right either way. What a patch removes is looked for in the answer.

use super::credentials::{self, CREDENTIALS};
use super::written;
use crate::api::endpoints::{COURIER_CONNECTIONS_GET, COURIER_CONNECTIONS_UPDATE};
use crate::api::{Answer, Api, Call};
use crate::error::{Error, Failure};
use crate::json::{self, Writer};
use crate::types::Written;

/// Merges `patch` into the connection's credentials, which stay in the guest's memory.
pub(super) fn update(api: &Api<'_>, id: &str, patch: &str) -> Result<Written, Error> {
    let what = "read the carrier connection before updating it";
    let current = api.send(Call::new(COURIER_CONNECTIONS_GET, what).id(id))?;
    let hidden = credentials::hidden([current.data()?, patch]);
    let current = json::member(current.data()?, CREDENTIALS).unwrap_or("null");
    let given = json::member(patch, CREDENTIALS).unwrap_or("null");
    let whole = json::merged(current, given);
    if whole == "{}" && !current.starts_with('{') {
        let text = "AfterShip does not show this connection's credentials, so none can be taken \
                    away. Give all that shall be there.";
        return Err(Error::invalid_member("/credentials", text));
    }
    let mut body = Writer::new();
    body.raw(CREDENTIALS, &whole);
    let call = Call::new(COURIER_CONNECTIONS_UPDATE, "update the carrier connection").id(id);
    let answer = api.send(call.body(body.finish()).hide(hidden))?;
    let written = written(&answer)?;
    refuse_kept(&answer, given)?;
    Ok(written)
}

/// Where AfterShip merges, leaving a credential out does not remove it.
fn refuse_kept(answer: &Answer, given: &str) -> Result<(), Error> {
    let there = json::member(answer.data()?, CREDENTIALS).unwrap_or("null");
    let removed = json::members(given).unwrap_or_default().into_iter();
    let removed = removed.filter(|(_, value)| *value == "null").map(|(name, _)| name);
    let kept: Vec<_> =
        removed.filter(|name| json::member(there, name).is_some_and(|v| v != "null")).collect();
    if kept.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(format!(
        "AfterShip updated the carrier connection but kept what the patch removes: {}. Delete the \
         connection and create another one without it.",
        kept.join(", ")
    ));
    Err(Error::Conflict { failure, existing: None })
}
