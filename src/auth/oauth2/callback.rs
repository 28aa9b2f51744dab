//! The query with which the provider sends people back.
//!
//! Anybody can call the host's callback URL with anything, so nothing here is believed before it
//! is checked. The host has checked `state`.

use super::super::{Scheme, keys};
use super::{CLIENT_SECRET, settings};
use crate::api::fault::quote;
use crate::error::{Error, Failure};
use crate::host::Host;

/// The code in `query`.
///
/// # Errors
/// [`Error::InvalidInput`] for a callback that is forged or broken; [`Error::Forbidden`] or
/// [`Error::Unauthenticated`], with the provider's words, when no code was given.
pub(super) fn code(scheme: &dyn Scheme, host: &dyn Host, query: &str) -> Result<String, Error> {
    if settings::callback_hmac(host)? {
        verify(scheme, host, query)?;
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
fn verify(scheme: &dyn Scheme, host: &dyn Host, query: &str) -> Result<(), Error> {
    let is_hmac = |pair: &&str| split(pair).0 == "hmac";
    let mut given = query.split('&').filter(is_hmac);
    let signature = match (given.next(), given.next()) {
        (Some(pair), None) => bytes_of_hex(split(pair).1),
        _ => None,
    };
    let Some(signature) = signature else {
        return Err(unusable("holds no readable `hmac`"));
    };
    let signed: Vec<_> = query.split('&').filter(|pair| !is_hmac(pair)).collect();
    let genuine = host
        .verify(CLIENT_SECRET, keys::HMAC_SHA256, signed.join("&").as_bytes(), &signature)
        .map_err(|why| keys::error(scheme, CLIENT_SECRET, keys::HMAC_SHA256, why))?;
    if genuine { Ok(()) } else { Err(unusable("carries a wrong `hmac`")) }
}

/// RFC 6749 section 4.1.2.1.
fn refused(error: &str, description: Option<&str>) -> Error {
    let error = quote(error);
    let words = description.map(quote).filter(|words| !words.is_empty());
    let words = words.map(|words| format!(" (\"{words}\")")).unwrap_or_default();
    let (case, next): (fn(Failure) -> Error, _) = match error.as_str() {
        "access_denied" => (Error::Forbidden, "Connect again and allow the app."),
        "unauthorized_client" | "unsupported_response_type" => {
            (Error::Forbidden, "Check the app in the AfterShip Partner Dashboard.")
        }
        "invalid_scope" => (Error::Forbidden, "Check the setting `scopes`, then connect again."),
        "server_error" | "temporarily_unavailable" => {
            (Error::Unavailable, "It is AfterShip's own fault; connect again later.")
        }
        _ => (Error::Unauthenticated, "Connect again."),
    };
    let message = format!("Could not connect: AfterShip says {error}{words}. {next}");
    case(Failure { provider_code: Some(error), ..Failure::new(message) })
}

fn unusable(why: &str) -> Error {
    Error::invalid(format!("The callback {why}. Nothing was sent; connect again."), Vec::new())
}

/// Decoded parameters, each of which comes once.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// RFC 6749 section 3.1: no parameter may come twice.
    fn read(query: &str) -> Result<Self, Error> {
        let mut read: Vec<(String, String)> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = split(pair);
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(unusable("is not encoded as a form is"));
            };
            if read.iter().any(|(known, _)| *known == name) {
                return Err(unusable("holds a parameter twice"));
            }
            read.push((name, value));
        }
        Ok(Self(read))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn split(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

/// As HTML forms encode: `+` is a space, `%XX` a byte of UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => byte_of_hex(rest.next()?, rest.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|&[high, low]| byte_of_hex(high, low)).collect()
}

fn byte_of_hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests;
