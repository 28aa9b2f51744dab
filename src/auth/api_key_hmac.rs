//! `api-key-hmac`: the key, and each request signed with HMAC-SHA256. AfterShip calls it AES.
//!
//! AfterShip API 2026-07, "Authentication". A key is made for one way of signing.

use super::api_key;
use super::signing::{self, Signature};
use connector_sdk::{
    Error, Host, Request, Scheme, Setter,
    contract::KeyRole,
    declare::{self, Endpoint, KeyUse, SecretField, SecretUse},
    signing::HMAC_SHA256,
};

/// Name of the secret that signs.
const SECRET: &str = "api-secret";

const FIELDS: &[SecretField] = &[
    api_key::FIELD,
    SecretField {
        name: SECRET,
        title: "API secret, shown once when an API key with AES is made in the AfterShip admin",
        required: true,
        setter: Setter::Customer,
    },
];

const SIGNATURE: Signature =
    Signature { key: SECRET, algorithm: HMAC_SHA256, header: "as-signature-hmac-sha256" };

/// The scheme `api-key-hmac`.
pub(super) struct ApiKeyHmac;

impl Scheme for ApiKeyHmac {
    fn description(&self) -> declare::Scheme {
        declare::Scheme {
            name: "api-key-hmac",
            title: "API key with HMAC-SHA256 signatures (AES in the AfterShip admin)",
            secrets: FIELDS,
            interactive: false,
        }
    }

    fn secret_uses(&self) -> &'static [SecretUse] {
        &[api_key::KEY]
    }

    fn key_uses(&self) -> &'static [KeyUse] {
        &[KeyUse { secret: SECRET, algorithm: HMAC_SHA256, role: KeyRole::Sign }]
    }

    fn authorise(
        &self,
        host: &dyn Host,
        endpoint: &Endpoint,
        request: &mut Request,
    ) -> Result<(), Error> {
        signing::authorise(self, SIGNATURE, host, endpoint, request)
    }
}
