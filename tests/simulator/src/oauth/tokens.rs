//! Tokens as they are given out.

use std::fmt;

use super::scope_list;
use crate::members::quote;
use crate::scopes::Scope;

/// The tokens of a grant, as the token endpoint gives them.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// For the header `authorization: Bearer ...`.
    pub access_token: String,
    /// For the next tokens; `None` where the one before stays good, or none is given.
    pub refresh_token: Option<String>,
    /// How long the access token lives, in seconds.
    pub expires_in: u64,
    /// What the access token is good for.
    pub scopes: Vec<Scope>,
}

impl Tokens {
    /// The answer of the token endpoint (RFC 6749, 5.1).
    pub(super) fn json(&self, separator: char) -> String {
        let refresh_token = self.refresh_token.as_ref();
        let refresh_token =
            refresh_token.map(|token| format!(",\"refresh_token\":{}", quote(token)));
        format!(
            "{{\"access_token\":{},\"token_type\":\"Bearer\",\"expires_in\":{}{},\"scope\":{}}}",
            quote(&self.access_token),
            self.expires_in,
            refresh_token.unwrap_or_default(),
            quote(&scope_list::write(&self.scopes, separator))
        )
    }
}

/// The tokens stay out of debug output.
impl fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tokens")
            .field("expires_in", &self.expires_in)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}
