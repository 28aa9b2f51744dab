//! Tokens as they are given out.

use std::fmt;

use super::options::TokenAnswer;
use super::scope_list;
use crate::members::Members;
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
    pub(super) fn json(&self, separator: char, how: TokenAnswer) -> String {
        let mut answer = Members::default();
        match how {
            TokenAnswer::NullToken => answer.set("access_token", "null"),
            _ => answer.set_text("access_token", &self.access_token),
        }
        match how {
            TokenAnswer::WithoutType => {}
            TokenAnswer::NullType => answer.set("token_type", "null"),
            TokenAnswer::OddType => answer.set_text("token_type", "token"),
            _ => answer.set_text("token_type", "Bearer"),
        }
        answer.set("expires_in", self.expires_in.to_string());
        if let Some(token) = &self.refresh_token {
            answer.set_text("refresh_token", token);
        }
        answer.set_text("scope", &scope_list::write(&self.scopes, separator));
        answer.render()
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
