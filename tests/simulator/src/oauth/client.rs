//! Who calls the token endpoint: a registered app that shows its secret (RFC 6749, 2.3.1).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::form::Form;
use super::options::{ClientAuthentication, OAuthClient, OAuthOptions};
use super::refusal::Refusal;
use crate::text::{base64_decode, percent_decode};

/// The app that sent the form.
pub(super) fn authenticate<'a>(
    options: &'a OAuthOptions,
    headers: &HeaderMap,
    form: &Form,
) -> Result<&'a OAuthClient, Refusal> {
    let (id, secret, way) = match headers.contains_key(AUTHORIZATION) {
        true => {
            if form.get("client_secret").is_some() {
                let description = "The client authenticates in more than one way.";
                return Err(Refusal::invalid_request(description));
            }
            let (id, secret) = basic(headers).ok_or_else(Refusal::invalid_client)?;
            if form.get("client_id").is_some_and(|named| named != id) {
                return Err(Refusal::invalid_client());
            }
            (id, secret, ClientAuthentication::Basic)
        }
        false => {
            let given = |name| form.get(name).ok_or_else(Refusal::invalid_client);
            let (id, secret) = (given("client_id")?, given("client_secret")?);
            (id.to_owned(), secret.to_owned(), ClientAuthentication::Body)
        }
    };
    let taken = options.client_authentication;
    let client = options.clients.iter().find(|client| client.id == id && client.secret == secret);
    match client {
        Some(client) if taken == ClientAuthentication::Any || taken == way => Ok(client),
        _ => Err(Refusal::invalid_client()),
    }
}

/// Id and secret of HTTP Basic, each form-encoded inside.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    let plain = String::from_utf8(base64_decode(credentials.trim())?).ok()?;
    let (id, secret) = plain.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    Some((percent_decode(id, true)?, percent_decode(secret, true)?))
}
