//! One grant: what one consent gave to one app, and which of its refresh tokens count.

use super::options::OAuthOptions;
use crate::scopes::Scope;

/// What one consent gave to one app: all tokens that come from it.
pub(super) struct Grant {
    pub(super) client: String,
    pub(super) scopes: Vec<Scope>,
    pub(super) revoked: bool,
    /// The refresh tokens that count; `None` where none was given.
    pub(super) refresh: Option<Refresh>,
}

/// The newest refresh token of a grant, and the one before.
pub(super) struct Refresh {
    pub(super) current: String,
    pub(super) expires_ms: u64,
    pub(super) previous: Option<Previous>,
}

/// The refresh token before, and what it was given.
pub(super) struct Previous {
    pub(super) token: String,
    /// Until when it is given the same again.
    pub(super) until_ms: u64,
    pub(super) access_token: String,
}

/// What a refresh token is worth.
pub(super) enum Standing {
    /// It is the newest one.
    Current,
    /// It was used a moment ago; this access token was given for it.
    Grace(String),
    /// It is the newest one, and too old.
    Expired,
    /// It was used.
    Used,
}

/// What new tokens depend on.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) options: &'a OAuthOptions,
    /// Decides the texts of tokens.
    pub(super) seed: u64,
    pub(super) now_ms: u64,
}

impl Grant {
    /// What one of its refresh tokens is worth.
    pub(super) fn standing(&self, token: &str, now_ms: u64) -> Standing {
        let Some(refresh) = &self.refresh else { return Standing::Used };
        if refresh.current == token {
            return if now_ms < refresh.expires_ms { Standing::Current } else { Standing::Expired };
        }
        let previous = refresh.previous.as_ref();
        let previous =
            previous.filter(|previous| previous.token == token && now_ms < previous.until_ms);
        previous.map_or(Standing::Used, |previous| Standing::Grace(previous.access_token.clone()))
    }
}

impl Refresh {
    /// A fresh token in the place of the previous one.
    pub(super) fn new(token: &str, previous: Option<Previous>, terms: Terms<'_>) -> Self {
        let expires_ms = after(terms.now_ms, terms.options.refresh_token_seconds);
        Self { current: token.to_owned(), expires_ms, previous }
    }
}

/// So many seconds after now.
pub(super) fn after(now_ms: u64, seconds: u64) -> u64 {
    now_ms.saturating_add(seconds.saturating_mul(1000))
}
