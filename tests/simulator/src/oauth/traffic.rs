//! Requests for tokens, counted.

use std::collections::HashMap;

use super::TOKEN;
use super::form::Form;
use super::grants::GrantId;
use super::options::GrantType;
use crate::simulator::Simulator;

/// How many requests the token endpoint has met, answered or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenRequests {
    /// All of them.
    pub total: u64,
    /// Those for a code.
    pub authorization_code: u64,
    /// Those for a refresh token.
    pub refresh_token: u64,
    /// The greatest number at once, from a request's arrival to its answer or loss.
    pub most_at_once: usize,
    /// The greatest number at once with refresh tokens of the same grant.
    pub most_at_once_for_a_grant: usize,
}

/// The count, and what is under way.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(super) seen: TokenRequests,
    under_way: usize,
    grants: HashMap<GrantId, usize>,
}

/// A request for tokens that is under way until this is dropped.
pub(crate) struct UnderWay {
    simulator: Simulator,
    grant: Option<GrantId>,
}

impl Simulator {
    /// Counts a request if it is one for tokens.
    pub(crate) fn token_request(&self, path: &str, body: &[u8]) -> Option<UnderWay> {
        if path != TOKEN {
            return None;
        }
        let form = std::str::from_utf8(body).ok().and_then(Form::parse).unwrap_or_default();
        let token = form.get("refresh_token");
        let grant = token.and_then(|token| self.state().oauth.of_token(token));
        self.traffic().begin(form.get("grant_type"), grant);
        Some(UnderWay { simulator: self.clone(), grant })
    }
}

impl Traffic {
    fn begin(&mut self, grant_type: Option<&str>, grant: Option<GrantId>) {
        let seen = &mut self.seen;
        seen.total += 1;
        seen.authorization_code +=
            u64::from(grant_type == Some(GrantType::AuthorizationCode.name()));
        seen.refresh_token += u64::from(grant_type == Some(GrantType::RefreshToken.name()));
        self.under_way += 1;
        seen.most_at_once = seen.most_at_once.max(self.under_way);
        if let Some(grant) = grant {
            let here = self.grants.entry(grant).or_default();
            *here += 1;
            seen.most_at_once_for_a_grant = seen.most_at_once_for_a_grant.max(*here);
        }
    }

    fn end(&mut self, grant: Option<GrantId>) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(here) = grant.and_then(|grant| self.grants.get_mut(&grant)) {
            *here = here.saturating_sub(1);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.simulator.traffic().end(self.grant);
    }
}
