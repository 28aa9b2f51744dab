//! Keys that the host cannot use, in words for people.

use super::Scheme;
use crate::error::{Error, Failure};
use crate::host::SecretError;

/// Name of HMAC-SHA256 in the contract (RFC 2104).
pub(super) const HMAC_SHA256: &str = "hmac-sha256";
/// Name of RSASSA-PSS in the contract (RFC 8017; MGF1-SHA-256, salt of 32 bytes).
pub(super) const RSA_PSS_SHA256: &str = "rsa-pss-sha256";

/// Why the secret `key` of `scheme` could not be used with `algorithm`.
pub(super) fn error(scheme: &dyn Scheme, key: &str, algorithm: &str, why: SecretError) -> Error {
    let description = scheme.description();
    match why {
        SecretError::NotFound => {
            let names: Vec<_> = description.secrets.iter().map(|field| field.name).collect();
            Error::Unauthenticated(Failure::new(format!(
                "The connection lacks a secret of the scheme `{}`. Connect again and give: {}.",
                description.name,
                names.join(", ")
            )))
        }
        SecretError::Denied => Error::internal(format!(
            "The host does not use the secret `{key}` with {algorithm}: it is no key for that, or \
             the host withholds it. Connect again with the right key; if it is, report this.",
        )),
        SecretError::Unavailable => Error::Unavailable(Failure::new(format!(
            "The host cannot reach the secret `{key}` now. Nothing was sent; try again later."
        ))),
        SecretError::Unsupported => Error::internal(format!(
            "The host does not know {algorithm}, which the scheme `{}` needs. Use a host that \
             does, or connect with another scheme.",
            description.name
        )),
    }
}
