//! The revocation endpoint (RFC 7009). A refresh token takes its whole grant along, an access token
//! goes alone.

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use super::answer;
use super::client::authenticate;
use super::form::Form;
use super::refusal::Refusal;
use crate::state::State;

/// Answers a request to revoke a token. A token that is unknown is as good as revoked.
pub(super) fn answer(state: &mut State, parts: &Parts, body: &[u8]) -> Response<Bytes> {
    match revoke(state, parts, body) {
        Ok(()) => answer::empty(),
        Err(refusal) => refusal.response(),
    }
}

fn revoke(state: &mut State, parts: &Parts, body: &[u8]) -> Result<(), Refusal> {
    let form = Form::posted(parts, body)?;
    let client = authenticate(&state.options.oauth, &parts.headers, &form)?;
    let token = form.required("token")?;
    let grants = &mut state.oauth;
    let owner = grants.of_token(token).and_then(|id| grants.client(id));
    if owner.is_some_and(|owner| owner != client.id) {
        return Err(Refusal::invalid_grant("The token was given to another client."));
    }
    grants.revoke_token(token);
    Ok(())
}
