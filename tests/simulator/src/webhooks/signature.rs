//! The signature of a delivery.

use ring::hmac;

use crate::text::base64_encode;

/// The header of the signature.
pub(super) const HEADER: &str = "aftership-hmac-sha256";

/// What the header `aftership-hmac-sha256` of a delivery holds: the HMAC-SHA256 of the raw body
/// under the secret's UTF-8 bytes, in Base64.
///
/// Source: AfterShip API 2026-07, webhook signature.
pub fn webhook_signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    base64_encode(hmac::sign(&key, body).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By another program: `printf %s BODY | openssl dgst -sha256 -hmac SECRET -binary | openssl
    /// base64`.
    #[test]
    fn another_program_agrees() {
        let secret = "95f35e6b3dbc26527029cbd9cfa51b80";
        let signature = "tXXL9CtuLscu6BMJ8U7xZmXr2iTODZbC+qag5bv9slQ=";
        assert_eq!(webhook_signature(secret, b""), signature);
    }
}
