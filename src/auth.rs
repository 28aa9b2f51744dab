//! How a connection is made, kept and checked.
//!
//! One file a scheme, one line in [`SCHEMES`]. No secret's value is ever here: a scheme names the
//! secrets that belong to a request, and the host puts them in.

mod api_key;
mod api_key_hmac;
mod api_key_rsa;
mod oauth2;
mod signing;

use connector_sdk::{Scheme, declare::SecretUse};

/// Every scheme offered; the first is meant when the host names none.
pub const SCHEMES: &[&dyn Scheme] =
    &[&api_key::ApiKey, &api_key_hmac::ApiKeyHmac, &api_key_rsa::ApiKeyRsa, &oauth2::OAuth2];

/// The secrets that requests to the API may carry: the key, or the token.
pub const SECRET_USES: &[SecretUse] = &[api_key::KEY, oauth2::TOKEN_USE];

#[cfg(test)]
mod tests;
