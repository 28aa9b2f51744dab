//! What a test does with the authorization server besides sending requests.

use super::grant::Terms;
use super::options::{GrantType, OAuthClient};
use super::tokens::Tokens;
use super::traffic::TokenRequests;
use crate::scopes::Scope;
use crate::simulator::Simulator;
use crate::state::State;

/// A grant that still gives access, now or after a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveGrant {
    /// The `client_id` of the app that has it.
    pub client_id: String,
    /// What it is good for.
    pub scopes: Vec<Scope>,
}

impl Simulator {
    /// Registers an app, in the place of one with the same id.
    pub fn register_client(&self, client: OAuthClient) {
        let clients = &mut self.state().options.oauth.clients;
        clients.retain(|known| known.id != client.id);
        clients.push(client);
    }

    /// Gives an app tokens as if somebody had consented; `None` when no such app is registered.
    pub fn grant(&self, client_id: &str, scopes: &[Scope]) -> Option<Tokens> {
        let mut state = self.state();
        let now_ms = state.options.clock.now_ms();
        let State { options, oauth, .. } = &mut *state;
        let client = options.oauth.clients.iter().find(|client| client.id == client_id)?;
        let refreshable = client.grant_types.contains(&GrantType::RefreshToken);
        let terms = Terms { options: &options.oauth, seed: options.seed, now_ms };
        let (_, tokens) = oauth.open(&client.id, scopes.to_vec(), refreshable, terms);
        Some(tokens)
    }

    /// Lets the life of an access token, or of the newest refresh token of a grant, end now.
    /// Answers whether there was such a token.
    pub fn expire_token(&self, token: &str) -> bool {
        let mut state = self.state();
        let now_ms = state.options.clock.now_ms();
        state.oauth.expire(token, now_ms)
    }

    /// Revokes an access token alone, or the whole grant of a refresh token, as the revocation
    /// endpoint does. Answers whether there was such a token.
    pub fn revoke_token(&self, token: &str) -> bool {
        self.state().oauth.revoke_token(token)
    }

    /// Revokes the grant that a token, access or refresh, comes from, as when a merchant removes
    /// the app. Answers whether there was one.
    pub fn revoke_grant(&self, token: &str) -> bool {
        let grants = &mut self.state().oauth;
        let grant = grants.of_token(token);
        grant.map(|id| grants.revoke(id)).is_some()
    }

    /// Whether the API would take this access token now.
    pub fn accepts_access_token(&self, token: &str) -> bool {
        let state = self.state();
        state.oauth.scopes(token, state.options.clock.now_ms()).is_some()
    }

    /// Whether the token endpoint would give tokens for this refresh token now. Asking changes
    /// nothing.
    pub fn honours_refresh_token(&self, token: &str) -> bool {
        let state = self.state();
        state.oauth.honours(token, state.options.clock.now_ms())
    }

    /// The grants that still give access, oldest first.
    pub fn live_grants(&self) -> Vec<LiveGrant> {
        let state = self.state();
        let live = state.oauth.live(state.options.clock.now_ms());
        live.map(|grant| LiveGrant {
            client_id: grant.client.clone(),
            scopes: grant.scopes.clone(),
        })
        .collect()
    }

    /// How many requests the token endpoint has met so far, and how many at once.
    pub fn token_requests(&self) -> TokenRequests {
        self.traffic().seen
    }
}
