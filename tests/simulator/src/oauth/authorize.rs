//! The authorization endpoint: a browser asks for a code (RFC 6749, 4.1.1).
//!
//! The forms of the page lead back to the query that asked, so that a decision is checked like the
//! request itself and nothing is kept in between.

use bytes::Bytes;
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method, Response};

use super::form::{Form, is_form};
use super::grant::Terms;
use super::grants::{CODE_LIFE_MS, Code};
use super::options::{Consent, GrantType, OAuthClient, OAuthOptions};
use super::redirect::{Target, matches};
use super::refusal::Refusal;
use super::{page, pkce, scope_list};
use crate::scopes::Scope;
use crate::state::State;

/// What a request asks for.
struct Asked {
    scopes: Vec<Scope>,
    challenge: Option<String>,
}

/// Answers a request for a code, or the decision on one.
pub(super) fn answer(
    state: &mut State,
    parts: &Parts,
    body: &[u8],
    now_ms: u64,
) -> Response<Bytes> {
    if parts.method != Method::GET && parts.method != Method::POST {
        let reason = "The request must be a GET, or a decision as a POST.";
        let mut response = page::refuse(405, reason);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
        return response;
    }
    let query = parts.uri.query().unwrap_or_default();
    let Some(form) = Form::parse(query) else {
        return page::refuse(400, "The query is not percent-encoded.");
    };
    let options = &state.options.oauth;
    let (client, target) = match target(options, &form) {
        Ok(found) => found,
        Err(reason) => return page::refuse(400, reason),
    };
    let asked = match asked(options, client, &form) {
        Ok(asked) => asked,
        Err(refusal) => return target.refuse(refusal),
    };
    let allowed = match (parts.method == Method::POST, options.consent) {
        (true, _) => match decision(parts, body) {
            Some(allowed) => allowed,
            None => return page::refuse(400, "The decision must be allow or deny, as a form."),
        },
        (false, Consent::Allow) => true,
        (false, Consent::Deny) => false,
        (false, consent @ (Consent::Ask | Consent::AskAndPress)) => {
            let press = consent == Consent::AskAndPress;
            return page::ask(&client.name, &asked.scopes, query, press);
        }
    };
    let scopes = consented(options, asked.scopes);
    if !allowed || scopes.is_empty() {
        return target.refuse(Refusal::access_denied());
    }
    let code = Code {
        client: client.id.clone(),
        redirect_uri: target.uri.clone(),
        redirect_named: form.get("redirect_uri").is_some(),
        scopes,
        challenge: asked.challenge,
        expires_ms: now_ms.saturating_add(CODE_LIFE_MS),
        used: false,
        grant: None,
    };
    let terms = Terms { options, seed: state.options.seed, now_ms };
    target.allow(&state.oauth.keep_code(code, terms))
}

/// The app, and where the answer goes. Before both are sure, nothing is sent on.
fn target<'a>(
    options: &'a OAuthOptions,
    form: &Form,
) -> Result<(&'a OAuthClient, Target), &'static str> {
    if form.repeats("client_id") || form.repeats("redirect_uri") {
        return Err("client_id or redirect_uri comes twice.");
    }
    let id = form.get("client_id").ok_or("client_id is missing.")?;
    let client = options.clients.iter().find(|client| client.id == id);
    let client = client.ok_or("No client of this client_id is registered.")?;
    let uri = match (form.get("redirect_uri"), client.redirect_uris.as_slice()) {
        (Some(given), known) if known.iter().any(|known| matches(known, given)) => given,
        (Some(_), _) => return Err("This redirect_uri is not registered for the client."),
        (None, [only]) => only,
        (None, _) => return Err("redirect_uri is missing."),
    };
    let target = Target {
        uri: uri.to_owned(),
        state: form.get("state").map(str::to_owned),
        issuer: options.issuer.clone(),
        secret: options.callback_hmac.then(|| client.secret.clone()),
    };
    Ok((client, target))
}

fn asked(options: &OAuthOptions, client: &OAuthClient, form: &Form) -> Result<Asked, Refusal> {
    if form.has_repeated() {
        return Err(Refusal::invalid_request("A parameter comes twice."));
    }
    if form.required("response_type")? != "code" {
        return Err(Refusal::unsupported_response_type());
    }
    if !client.grant_types.contains(&GrantType::AuthorizationCode) {
        return Err(Refusal::unauthorized_client());
    }
    let text = form.get("scope").unwrap_or_default();
    let scopes = scope_list::read(text, options.scope_separator)?;
    if !scopes.iter().all(|scope| client.scopes.contains(scope)) {
        return Err(Refusal::invalid_scope("The client may not ask for one of the scopes."));
    }
    Ok(Asked { scopes, challenge: pkce::challenge(options.pkce, form)? })
}

/// What was pressed.
fn decision(parts: &Parts, body: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(body).ok().filter(|_| is_form(parts))?;
    match Form::parse(text)?.get("decision")? {
        "allow" => Some(true),
        "deny" => Some(false),
        _ => None,
    }
}

/// The scopes that consent is given to.
fn consented(options: &OAuthOptions, asked: Vec<Scope>) -> Vec<Scope> {
    match &options.consent_to {
        Some(given) => asked.into_iter().filter(|scope| given.contains(scope)).collect(),
        None => asked,
    }
}
