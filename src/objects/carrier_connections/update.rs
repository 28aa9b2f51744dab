//! New credentials for a connection.
//!
//! PATCH /courier-connections/{id} takes `credentials` only, and AfterShip does not say whether it
//! merges them with what is there or replaces them. So the connection is read first, and the whole
//! is sent: right either way. What a patch removes is looked for in the answer. Credentials that
//! AfterShip masks are not sent back: the mask would take their place.

use super::credentials::{self, CREDENTIALS};
use super::endpoints::{GET, UPDATE};
use super::written;
use crate::api::{Answer, Api, Call};
use connector_sdk::{
    Error, Written,
    json::{self, Value, Writer},
    text::join,
};

/// Merges `patch` into the connection's credentials, which stay in the guest's memory.
pub(super) fn update(api: &Api<'_>, id: &str, patch: &str) -> Result<Written, Error> {
    let what = "read the carrier connection before updating it";
    let current = api.send(Call::new(GET, what).id(id))?;
    let hidden = credentials::hidden([current.data()?, patch]);
    let current = json::member(current.data()?, CREDENTIALS).unwrap_or("null");
    let given = json::member(patch, CREDENTIALS).unwrap_or("null");
    let whole = json::merged(current, given);
    if whole == "{}" && !current.starts_with('{') {
        let text = "AfterShip does not show this connection's credentials, so none can be taken \
                    away. Give all that shall be there.";
        return Err(Error::invalid_member("/credentials", text));
    }
    refuse_masked(current, given)?;
    let mut body = Writer::new();
    for (name, value) in json::members(patch).unwrap_or_default() {
        body.raw(&name, if name == CREDENTIALS { &whole } else { value });
    }
    let call = Call::new(UPDATE, "update the carrier connection").id(id);
    let answer = api.send(call.body(body.finish()).hide(hidden))?;
    let written = written(&answer)?;
    refuse_kept(&answer, given)?;
    Ok(written)
}

fn refuse_masked(current: &str, given: &str) -> Result<(), Error> {
    let current = Value::parse(current);
    let members = current.as_ref().map_or(&[][..], Value::members).iter();
    let kept = members.filter(|(name, _)| json::member(given, name).is_none());
    let masked = kept.filter(|(_, value)| credentials::is_masked(value));
    let names: Vec<_> = masked.map(|(name, _)| name.as_ref()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let text = format!(
        "AfterShip does not show these credentials, so they cannot be kept: {}. Nothing was \
         changed; give them too, or null to take them away.",
        join(&names, ", ")
    );
    Err(Error::invalid_member("/credentials", text))
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
    Err(Error::conflict(format!(
        "AfterShip updated the carrier connection but kept what the patch removes: {}. Delete the \
         connection and create another one without it.",
        join(&kept, ", ")
    )))
}
