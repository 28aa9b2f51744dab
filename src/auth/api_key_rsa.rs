//! `api-key-rsa`: the key, and each request signed with RSASSA-PSS.
//!
//! AfterShip API 2026-07, "Authentication". AfterShip keeps the public key, the host the private
//! one.

use super::api_key;
use super::signing::{self, Signature};
use connector_sdk::{
    Error, Host, Request, Scheme, Setter,
    contract::KeyRole,
    declare::{self, Endpoint, KeyUse, SecretField, SecretUse},
    signing::RSA_PSS_SHA256,
};

/// Name of the secret that signs.
const SECRET: &str = "private-key";

const FIELDS: &[SecretField] = &[
    api_key::FIELD,
    SecretField {
        name: SECRET,
        title: "RSA private key in PEM; its public key stands at the API key in the AfterShip admin",
        required: true,
        setter: Setter::Customer,
    },
];

const SIGNATURE: Signature =
    Signature { key: SECRET, algorithm: RSA_PSS_SHA256, header: "as-signature-rsa-sha256" };

/// The scheme `api-key-rsa`.
pub(super) struct ApiKeyRsa;

impl Scheme for ApiKeyRsa {
    fn description(&self) -> declare::Scheme {
        declare::Scheme {
            name: "api-key-rsa",
            title: "API key with RSA signatures",
            secrets: FIELDS,
            interactive: false,
        }
    }

    fn secret_uses(&self) -> &'static [SecretUse] {
        &[api_key::KEY]
    }

    fn key_uses(&self) -> &'static [KeyUse] {
        &[KeyUse { secret: SECRET, algorithm: RSA_PSS_SHA256, role: KeyRole::Sign }]
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
