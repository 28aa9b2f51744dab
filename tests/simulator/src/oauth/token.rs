//! The token endpoint: tokens for a code or for a refresh token (RFC 6749, 3.2).

use bytes::Bytes;
use http::Response;
use http::request::Parts;

use super::client::authenticate;
use super::form::Form;
use super::grant::Terms;
use super::grants::Grants;
use super::options::{GrantType, OAuthClient};
use super::refusal::Refusal;
use super::tokens::Tokens;
use super::{answer, pkce, scope_list};
use crate::state::State;

/// Answers a request for tokens.
pub(super) fn answer(
    state: &mut State,
    parts: &Parts,
    body: &[u8],
    now_ms: u64,
) -> Response<Bytes> {
    let (separator, how) = (state.options.oauth.scope_separator, state.options.oauth.token_answer);
    match give(state, parts, body, now_ms) {
        Ok(tokens) => answer::json(200, tokens.json(separator, how)),
        Err(refusal) => refusal.response(),
    }
}

fn give(state: &mut State, parts: &Parts, body: &[u8], now_ms: u64) -> Result<Tokens, Refusal> {
    let options = &state.options.oauth;
    let form = Form::posted(parts, body)?;
    let client = authenticate(options, &parts.headers, &form)?;
    let terms = Terms { options, seed: state.options.seed, now_ms };
    match form.required("grant_type")? {
        "authorization_code" => {
            permit(client, GrantType::AuthorizationCode)?;
            redeem(&mut state.oauth, client, &form, terms)
        }
        "refresh_token" => {
            permit(client, GrantType::RefreshToken)?;
            let token = form.required("refresh_token")?;
            let read = |text| scope_list::read(text, options.scope_separator);
            let narrowed = form.get("scope").map(read).transpose()?;
            state.oauth.refresh(token, &client.id, narrowed, terms)
        }
        _ => Err(Refusal::unsupported_grant_type()),
    }
}

fn permit(client: &OAuthClient, way: GrantType) -> Result<(), Refusal> {
    match client.grant_types.contains(&way) {
        true => Ok(()),
        false => Err(Refusal::unauthorized_client()),
    }
}

/// Gives tokens for a code. A code is used up by the first request of its client, also by one that
/// is refused; the second request revokes what the first one was given (RFC 6749, 4.1.2).
fn redeem(
    grants: &mut Grants,
    client: &OAuthClient,
    form: &Form,
    terms: Terms<'_>,
) -> Result<Tokens, Refusal> {
    let text = form.required("code")?;
    let code = grants.codes.get_mut(text).filter(|code| code.client == client.id);
    let code = code.ok_or(Refusal::invalid_grant("The code is unknown."))?;
    if code.used {
        if let Some(id) = code.grant {
            grants.revoke(id);
        }
        return Err(Refusal::invalid_grant("The code was used before."));
    }
    code.used = true;
    if terms.now_ms >= code.expires_ms {
        return Err(Refusal::invalid_grant("The code has expired."));
    }
    let same = match form.get("redirect_uri") {
        Some(uri) => uri == code.redirect_uri,
        None => !code.redirect_named,
    };
    if !same {
        return Err(Refusal::invalid_grant("The redirect_uri is not the one of the code."));
    }
    pkce::check(terms.options.pkce, code.challenge.as_deref(), form)?;
    let scopes = code.scopes.clone();
    let refreshable = client.grant_types.contains(&GrantType::RefreshToken);
    let (id, tokens) = grants.open(&client.id, scopes, refreshable, terms);
    if let Some(code) = grants.codes.get_mut(text) {
        code.grant = Some(id);
    }
    Ok(tokens)
}
