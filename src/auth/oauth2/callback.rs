//! The query with which the provider sends people back.
//!
//! Anybody can call the host's callback URL with anything, so nothing here is believed before it
//! is checked. The host has checked `state`.

use connector_sdk::{
    Error, ErrorKind, Host,
    callback::{Parameters, split, unusable},
    fault::quote,
    signing::{HMAC_SHA256, decode_hex, key_error},
    text::join,
};

use super::{CLIENT_SECRET, settings};

/// The code in `query`.
///
/// # Errors
/// `invalid-input` for a callback that is forged or broken; `forbidden` or
/// `unauthenticated`, with the provider's words, when no code was given.
pub(super) fn code(host: &dyn Host, query: &str) -> Result<String, Error> {
    if settings::callback_hmac(host)? {
        verify(host, query)?;
    }
    let parameters = Parameters::read(query)?;
    if let Some(expected) = settings::issuer(host)
        && parameters.get("iss") != Some(&expected)
    {
        return Err(unusable("does not say that it comes from the expected `issuer`"));
    }
    if let Some(error) = parameters.get("error") {
        return Err(refused(error, parameters.get("error_description")));
    }
    match parameters.get("code") {
        Some(code) if !code.is_empty() => Ok(code.to_owned()),
        _ => Err(unusable("holds no code")),
    }
}

/// `hmac` is HMAC-SHA256 by the client secret over the query as it came, without that parameter;
/// in hex. AfterShip sends it without saying over what; this is what others of its kind sign.
fn verify(host: &dyn Host, query: &str) -> Result<(), Error> {
    let is_hmac = |pair: &&str| split(pair).0 == "hmac";
    let mut given = query.split('&').filter(is_hmac);
    let signature = match (given.next(), given.next()) {
        (Some(pair), None) => decode_hex(split(pair).1),
        _ => None,
    };
    let Some(signature) = signature else {
        return Err(unusable("holds no readable `hmac`"));
    };
    let signed: Vec<_> = query.split('&').filter(|pair| !is_hmac(pair)).collect();
    let genuine = host
        .verify(CLIENT_SECRET, HMAC_SHA256, join(&signed, "&").as_bytes(), &signature)
        .map_err(|why| key_error(CLIENT_SECRET, HMAC_SHA256, why))?;
    if genuine { Ok(()) } else { Err(unusable("carries a wrong `hmac`")) }
}

/// RFC 6749 section 4.1.2.1.
fn refused(error: &str, description: Option<&str>) -> Error {
    let error = quote(error);
    let words = description.map(quote).filter(|words| !words.is_empty());
    let words = words.map(|words| format!(" (\"{words}\")")).unwrap_or_default();
    let (kind, next) = match error.as_str() {
        "access_denied" => (ErrorKind::Forbidden, "Connect again and allow the app."),
        "unauthorized_client" | "unsupported_response_type" => {
            (ErrorKind::Forbidden, "Check the app in the AfterShip Partner Dashboard.")
        }
        "invalid_scope" => {
            (ErrorKind::Forbidden, "Check the setting `scopes`, then connect again.")
        }
        "server_error" | "temporarily_unavailable" => {
            (ErrorKind::Unavailable, "It is AfterShip's own fault; connect again later.")
        }
        _ => (ErrorKind::Unauthenticated, "Connect again."),
    };
    let message = format!("Could not connect: AfterShip says {error}{words}. {next}");
    Error { provider_code: Some(error), ..Error::new(kind, message) }
}

#[cfg(test)]
mod tests;
