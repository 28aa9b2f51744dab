//! Whether AfterShip sent a delivery.
//!
//! AfterShip API 2026-07, "Webhook signature": the header `aftership-hmac-sha256` holds
//! HMAC-SHA256 of the raw body, keyed with the webhook secret's UTF-8 bytes, in Base64. The
//! request signature `as-signature-hmac-sha256` is another thing. There is no time in it: a
//! repeat is known by its event id.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Refusal, SECRET, headers};
use crate::host::{Host, SecretError};
use crate::types::Delivery;

/// The header of the signature.
pub const HEADER: &str = "aftership-hmac-sha256";

/// The length of what HMAC-SHA256 gives.
const BYTES: usize = 32;

/// Lets pass what any live version of the secret has signed.
///
/// # Errors
/// [`Refusal::Unverified`] for a signature that is wrong, unreadable, missing or not alone,
/// [`Refusal::TryAgain`] when the secret cannot be used now.
pub fn verify(host: &dyn Host, delivery: &Delivery) -> Result<(), Refusal> {
    let value = headers::only(&delivery.headers, HEADER).ok_or(Refusal::Unverified)?;
    // Padding and left-over bits must be as an encoder writes them.
    let signature = STANDARD.decode(value).map_err(|_| Refusal::Unverified)?;
    if signature.len() != BYTES {
        return Err(Refusal::Unverified);
    }
    match host.verify(SECRET, "hmac-sha256", &delivery.body, &signature) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Refusal::Unverified),
        Err(error) => Err(Refusal::TryAgain(unusable(error))),
    }
}

/// What cannot be verified is never trusted: it comes again until the secret is there.
fn unusable(error: SecretError) -> String {
    let why = match error {
        SecretError::NotFound => {
            "the connection does not have it. Copy it from the webhooks page of AfterShip's admin \
             and give it to the host"
        }
        SecretError::Denied => "the host withholds it. Allow its use to verify with `hmac-sha256`",
        SecretError::Unavailable => "the host's store does not answer. Look there",
        SecretError::Unsupported => "the host does not know `hmac-sha256`. Use one that does",
    };
    format!("The secret `{SECRET}` cannot be used to verify the delivery: {why}.")
}
