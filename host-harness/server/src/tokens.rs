//! Tokens: what a caller sends, and what it may do with it.
//!
//! | request | answer |
//! |---|---|
//! | without a token, where only this machine reaches | everything is allowed, as `local` |
//! | without a token elsewhere; with one that is not known, revoked or over | `unauthenticated` |
//! | the token's scope does not include the route's | `forbidden` |
//! | the token is for some connections, and the route is of another or of none | `forbidden` |

use std::sync::Arc;

use connector_runtime::egress::Pending;
use connector_service::tokens::digest;
use connector_state::Database;
use connector_state::access::{Scope as TokenScope, TokenRow};

use crate::authorise::{ApiCall, Authorizer, Caller, Scope};
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// Name of a caller that needs no token; no token has it.
pub const LOCAL: &str = "local";

/// Decides by the tokens that the state keeps: one that is revoked is refused at once, on all hosts.
pub struct Tokens {
    database: Arc<dyn Database>,
    needed: TokenNeed,
}

/// Whether a request needs a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenNeed {
    /// Each does.
    Always,
    /// Only this machine reaches the listener. One that is sent is looked at all the same.
    Never,
}

impl Tokens {
    /// Those that `database` keeps.
    #[must_use]
    pub fn new(database: Arc<dyn Database>, needed: TokenNeed) -> Self {
        Self { database, needed }
    }

    async fn find(&self, token: &str) -> Result<TokenRow, Problem> {
        let found = self.database.find_token(digest(token)).await?;
        found.ok_or_else(|| {
            let text = "the token is not known, was revoked, or is over";
            refused(ProblemKind::Unauthenticated, text).next("`tokens list` shows those there are")
        })
    }

    async fn decide(&self, call: &ApiCall<'_>) -> Result<Caller, Problem> {
        let Some(token) = call.token else {
            return match self.needed {
                TokenNeed::Never => Ok(Caller { name: LOCAL.into() }),
                TokenNeed::Always => {
                    let text = "a token is needed: Authorization: Bearer TOKEN";
                    Err(refused(ProblemKind::Unauthenticated, text).next("`tokens add` makes one"))
                }
            };
        };
        let token = self.find(token).await?;
        if scope_of(token.scope) < call.scope {
            let text = format!(
                "the token \"{}\" may {}, and this needs {}",
                token.name,
                scope_of(token.scope).word(),
                call.scope.word()
            );
            return Err(refused(ProblemKind::Forbidden, &text));
        }
        if let Some(ids) = &token.connections {
            let row = match call.connection {
                Some(name) => self.database.connection(name).await?,
                None => None,
            };
            if row.is_none_or(|row| !ids.contains(&row.id)) {
                let text = format!("the token \"{}\" is for other connections alone", token.name);
                return Err(refused(ProblemKind::Forbidden, &text)
                    .next("it reaches paths below /v1/connections/NAME of its own connections"));
            }
        }
        Ok(Caller { name: token.name.into() })
    }
}

impl Authorizer for Tokens {
    fn authorize<'c>(&'c self, call: &'c ApiCall<'c>) -> Pending<'c, Result<Caller, Problem>> {
        Box::pin(self.decide(call))
    }
}

fn refused(kind: ProblemKind, text: &str) -> Problem {
    Problem::new(kind, ProblemSource::Request, text)
}

fn scope_of(scope: TokenScope) -> Scope {
    match scope {
        TokenScope::Read => Scope::Read,
        TokenScope::Write => Scope::Write,
        TokenScope::Admin => Scope::Admin,
    }
}
