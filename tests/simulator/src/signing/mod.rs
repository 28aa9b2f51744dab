//! Keys whose requests must be signed, and the check of a signature.
//!
//! Source: AfterShip API 2026-07, authentication, AES and RSA.

mod canonical;
mod public_key;

use std::fmt;

use http::header::{CONTENT_TYPE, DATE};
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use ring::hmac;
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};

use self::canonical::{Space, text_to_sign};
pub use self::public_key::BadPublicKey;
use crate::dates;
use crate::errors::ApiError;
use crate::text::base64_decode;

/// How far the `date` of a signed request may be off, in seconds.
const TOLERANCE: u64 = 180;

/// A key that is made for signed requests: a request that carries it is answered with 401 unless
/// its signature holds.
#[derive(Clone)]
pub struct SignedKey {
    key: String,
    method: Method,
}

#[derive(Clone)]
enum Method {
    /// AES by AfterShip's name, HMAC-SHA256 by its nature.
    Hmac(hmac::Key),
    /// RSASSA-PSS with SHA-256; the key as `RSAPublicKey`.
    Rsa(Vec<u8>),
}

impl SignedKey {
    /// A key of method AES: requests are signed with HMAC-SHA256 under `secret`.
    pub fn hmac(key: &str, secret: &str) -> Self {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Self { key: key.to_owned(), method: Method::Hmac(secret) }
    }

    /// A key of method RSA: requests are signed with RSASSA-PSS, SHA-256 and a salt of 32 bytes.
    /// `public_key` is PEM, of 2048 to 8192 bits.
    ///
    /// # Errors
    /// `public_key` is no RSA public key.
    pub fn rsa(key: &str, public_key: &[u8]) -> Result<Self, BadPublicKey> {
        let public_key = public_key::read(public_key)?;
        Ok(Self { key: key.to_owned(), method: Method::Rsa(public_key) })
    }

    /// What stands in `as-api-key`.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether the request is signed as this key wants it.
    pub(crate) fn check(&self, parts: &Parts, body: &[u8], now_ms: u64) -> Result<(), ApiError> {
        let headers = &parts.headers;
        let date = date(headers, now_ms)?;
        check_content_type(headers, body)?;
        let signature = only(headers, &self.method.header())?;
        let signature = base64_decode(&signature).ok_or_else(invalid)?;
        for space in [Space::Percent, Space::Plus] {
            let text = text_to_sign(parts, body, &date, space).ok_or_else(invalid)?;
            if self.method.verify(text.as_bytes(), &signature) {
                return Ok(());
            }
        }
        Err(invalid())
    }
}

impl Method {
    fn header(&self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::Hmac(_) => "as-signature-hmac-sha256",
            Self::Rsa(_) => "as-signature-rsa-sha256",
        })
    }

    /// Whether the signature is of this text; takes the same time for every wrong one.
    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Hmac(secret) => hmac::verify(secret, text, signature).is_ok(),
            Self::Rsa(public_key) => UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public_key)
                .verify(text, signature)
                .is_ok(),
        }
    }
}

/// Key and secret stay out of debug output.
impl fmt::Debug for SignedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.method {
            Method::Hmac(_) => "SignedKey(hmac)",
            Method::Rsa(_) => "SignedKey(rsa)",
        })
    }
}

/// The `date`, in the one form that HTTP writes and near enough to now.
fn date(headers: &HeaderMap, now_ms: u64) -> Result<String, ApiError> {
    let date = only(headers, &DATE)?;
    let at_ms = dates::parse_http(&date).ok_or_else(|| {
        refused("the header `date` must be of the form `Sun, 22 Nov 2026 12:00:00 GMT`")
    })?;
    if (at_ms / 1000).abs_diff(now_ms / 1000) > TOLERANCE {
        return Err(refused("the header `date` is more than 3 minutes off"));
    }
    Ok(date)
}

/// A request without a body needs no content type; a wrong one is refused all the same.
fn check_content_type(headers: &HeaderMap, body: &[u8]) -> Result<(), ApiError> {
    let absent = !headers.contains_key(CONTENT_TYPE);
    if absent && body.is_empty() || only(headers, &CONTENT_TYPE)? == "application/json" {
        return Ok(());
    }
    Err(refused("the header `content-type` must be `application/json`"))
}

/// The value of a header that must come once.
fn only(headers: &HeaderMap, name: &HeaderName) -> Result<String, ApiError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(String::from_utf8_lossy(value.as_bytes()).trim().to_owned()),
        (None, _) => Err(refused(&format!("the header `{name}` is missing"))),
        (Some(_), Some(_)) => Err(refused(&format!("the header `{name}` comes twice"))),
    }
}

fn invalid() -> ApiError {
    refused("the signature does not fit the request")
}

fn refused(reason: &str) -> ApiError {
    ApiError::signature_refused(reason)
}
