//! What the authorization server has given out: codes, and grants with their tokens.

use std::collections::HashMap;
use std::fmt;

use ring::hmac;

use super::grant::{Grant, Previous, Refresh, Standing, Terms, after};
use super::options::{Rotation, TokenAnswer};
use super::refusal::Refusal;
use super::tokens::Tokens;
use crate::scopes::Scope;
use crate::text::base64url_encode;

/// How long a code lives (RFC 6749, 4.1.2, recommends no more).
pub(super) const CODE_LIFE_MS: u64 = 600_000;

/// Which grant: its place among all that were made.
pub(crate) type GrantId = usize;

/// Everything that was given out.
#[derive(Default)]
pub(crate) struct Grants {
    pub(super) codes: HashMap<String, Code>,
    grants: Vec<Grant>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, GrantId>,
    made: u64,
}

/// A code and what it is bound to.
pub(super) struct Code {
    pub(super) client: String,
    pub(super) redirect_uri: String,
    /// Whether the request for the code named the redirect URI.
    pub(super) redirect_named: bool,
    pub(super) scopes: Vec<Scope>,
    pub(super) challenge: Option<String>,
    pub(super) expires_ms: u64,
    pub(super) used: bool,
    pub(super) grant: Option<GrantId>,
}

struct Access {
    grant: GrantId,
    scopes: Vec<Scope>,
    expires_ms: u64,
}

impl Grants {
    /// The scopes of an access token that is good.
    pub(crate) fn scopes(&self, token: &str, now_ms: u64) -> Option<&[Scope]> {
        let access = self.access.get(token).filter(|access| now_ms < access.expires_ms);
        access.map(|access| access.scopes.as_slice())
    }

    /// Whether a refresh token would be answered with tokens.
    pub(super) fn honours(&self, token: &str, now_ms: u64) -> bool {
        let grant = self.refresh.get(token).and_then(|id| self.grants.get(*id));
        grant.is_some_and(|grant| {
            let standing = grant.standing(token, now_ms);
            !grant.revoked && matches!(standing, Standing::Current | Standing::Grace(_))
        })
    }

    /// The grant that a token comes from.
    pub(super) fn of_token(&self, token: &str) -> Option<GrantId> {
        let access = self.access.get(token).map(|access| access.grant);
        access.or_else(|| self.refresh.get(token).copied())
    }

    /// The grants that still give access, now or after a refresh.
    pub(super) fn live(&self, now_ms: u64) -> impl Iterator<Item = &Grant> {
        let has_access = move |id| {
            let mut tokens = self.access.values();
            tokens.any(|access| access.grant == id && now_ms < access.expires_ms)
        };
        let grants = self.grants.iter().enumerate();
        let live = grants.filter(move |(id, grant)| {
            let refresh = grant.refresh.as_ref();
            let lasts = refresh.is_some_and(|refresh| now_ms < refresh.expires_ms);
            !grant.revoked && (lasts || has_access(*id))
        });
        live.map(|(_, grant)| grant)
    }

    /// The client of a grant.
    pub(super) fn client(&self, id: GrantId) -> Option<&str> {
        self.grants.get(id).map(|grant| grant.client.as_str())
    }

    /// Keeps a code and answers its text.
    pub(super) fn keep_code(&mut self, code: Code, terms: Terms<'_>) -> String {
        let text = self.fresh("code", terms.seed);
        self.codes.insert(text.clone(), code);
        text
    }

    /// Makes a grant and its first tokens.
    pub(super) fn open(
        &mut self,
        client: &str,
        scopes: Vec<Scope>,
        refreshable: bool,
        terms: Terms<'_>,
    ) -> (GrantId, Tokens) {
        let id = self.grants.len();
        let refresh_token = refreshable.then(|| self.fresh_refresh(id, terms));
        let refresh = refresh_token.as_ref().map(|token| Refresh::new(token, None, terms));
        let client = client.to_owned();
        self.grants.push(Grant { client, scopes: scopes.clone(), revoked: false, refresh });
        let access_token = self.give_access(id, &scopes, terms);
        let expires_in = terms.options.access_token_seconds;
        (id, Tokens { access_token, refresh_token, expires_in, scopes })
    }

    /// Gives new tokens for a refresh token, of these scopes or of all that were granted.
    pub(super) fn refresh(
        &mut self,
        token: &str,
        client: &str,
        narrowed: Option<Vec<Scope>>,
        terms: Terms<'_>,
    ) -> Result<Tokens, Refusal> {
        let unknown = Refusal::invalid_grant("The refresh token is unknown.");
        let id = *self.refresh.get(token).ok_or(unknown)?;
        let grant = self.grants.get(id).filter(|grant| grant.client == client).ok_or(unknown)?;
        if grant.revoked {
            return Err(Refusal::invalid_grant("The grant was revoked."));
        }
        let again = match grant.standing(token, terms.now_ms) {
            Standing::Current => None,
            Standing::Grace(access_token) => Some(access_token),
            Standing::Expired => {
                return Err(Refusal::invalid_grant("The refresh token has expired."));
            }
            Standing::Used => {
                self.revoke(id);
                let description = "The refresh token was used before; its grant is revoked now.";
                return Err(Refusal::invalid_grant(description));
            }
        };
        let scopes = narrowed.unwrap_or_else(|| grant.scopes.clone());
        if !scopes.iter().all(|scope| grant.scopes.contains(scope)) {
            return Err(Refusal::invalid_scope("The scope is more than was granted."));
        }
        Ok(match again {
            Some(access_token) => self.repeat(id, access_token, scopes, terms),
            None => self.go_on(id, token, scopes, terms),
        })
    }

    /// The tokens that follow on the use of the current refresh token.
    fn go_on(&mut self, id: GrantId, used: &str, scopes: Vec<Scope>, terms: Terms<'_>) -> Tokens {
        let expires_in = terms.options.access_token_seconds;
        if terms.options.token_answer == TokenAnswer::SameTokens
            && let Some((token, access)) =
                self.access.iter_mut().find(|(_, one)| one.grant == id && one.scopes == scopes)
        {
            access.expires_ms = after(terms.now_ms, expires_in);
            let (access_token, refresh_token) = (token.clone(), Some(used.to_owned()));
            return Tokens { access_token, refresh_token, expires_in, scopes };
        }
        let access_token = self.give_access(id, &scopes, terms);
        let mut refresh_token = None;
        if let Rotation::Rotate { grace_seconds } = terms.options.rotation {
            let token = self.fresh_refresh(id, terms);
            let until_ms = after(terms.now_ms, grace_seconds);
            let access_token = access_token.clone();
            let previous = Previous { token: used.to_owned(), until_ms, access_token };
            if let Some(grant) = self.grants.get_mut(id) {
                grant.refresh = Some(Refresh::new(&token, Some(previous), terms));
            }
            refresh_token = Some(token);
        }
        Tokens { access_token, refresh_token, expires_in, scopes }
    }

    /// The tokens that were given before, for the client that did not get them. An access token
    /// that is gone by now, or that is of other scopes, is replaced.
    fn repeat(
        &mut self,
        id: GrantId,
        access_token: String,
        scopes: Vec<Scope>,
        terms: Terms<'_>,
    ) -> Tokens {
        let given = self.access.get(&access_token).filter(|access| access.scopes == scopes);
        let left = given.map_or(0, |access| access.expires_ms.saturating_sub(terms.now_ms) / 1000);
        let (access_token, expires_in) = match left {
            0 => (self.give_access(id, &scopes, terms), terms.options.access_token_seconds),
            left => (access_token, left),
        };
        let refresh = self.grants.get(id).and_then(|grant| grant.refresh.as_ref());
        let refresh_token = refresh.map(|refresh| refresh.current.clone());
        Tokens { access_token, refresh_token, expires_in, scopes }
    }

    /// Ends a grant and every token of it.
    pub(super) fn revoke(&mut self, id: GrantId) {
        if let Some(grant) = self.grants.get_mut(id) {
            grant.revoked = true;
        }
        self.access.retain(|_, access| access.grant != id);
    }

    /// Ends an access token alone, or the grant of a refresh token (RFC 7009, 2.1). Answers whether
    /// there was such a token.
    pub(super) fn revoke_token(&mut self, token: &str) -> bool {
        if self.access.remove(token).is_some() {
            return true;
        }
        let grant = self.refresh.get(token).copied();
        grant.map(|id| self.revoke(id)).is_some()
    }

    /// Lets a token's life end now. Answers whether it had one.
    pub(super) fn expire(&mut self, token: &str, now_ms: u64) -> bool {
        if let Some(access) = self.access.get_mut(token) {
            access.expires_ms = access.expires_ms.min(now_ms);
            return true;
        }
        let grant = self.refresh.get(token).and_then(|id| self.grants.get_mut(*id));
        let refresh = grant.and_then(|grant| grant.refresh.as_mut());
        match refresh.filter(|refresh| refresh.current == token) {
            Some(refresh) => {
                refresh.expires_ms = refresh.expires_ms.min(now_ms);
                true
            }
            None => false,
        }
    }

    fn give_access(&mut self, grant: GrantId, scopes: &[Scope], terms: Terms<'_>) -> String {
        // One that has expired reads like one that never was.
        self.access.retain(|_, access| terms.now_ms < access.expires_ms);
        let token = self.fresh("access", terms.seed);
        let expires_ms = after(terms.now_ms, terms.options.access_token_seconds);
        self.access.insert(token.clone(), Access { grant, scopes: scopes.to_vec(), expires_ms });
        token
    }

    fn fresh_refresh(&mut self, grant: GrantId, terms: Terms<'_>) -> String {
        let token = self.fresh("refresh", terms.seed);
        self.refresh.insert(token.clone(), grant);
        token
    }

    /// A text of 43 characters that shows no pattern, yet is the same for the same seed.
    fn fresh(&mut self, kind: &str, seed: u64) -> String {
        self.made += 1;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &seed.to_be_bytes());
        let tag = hmac::sign(&key, format!("{kind} {}", self.made).as_bytes());
        base64url_encode(tag.as_ref())
    }
}

/// Codes and tokens stay out of debug output.
impl fmt::Debug for Grants {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Grants")
            .field("codes", &self.codes.len())
            .field("grants", &self.grants.len())
            .finish_non_exhaustive()
    }
}
