//! One customer's authorised account: the typed calls of the contract.
//!
//! | file | what it holds |
//! |---|---|
//! | `calls` | the calls that ask the provider, repeated where that is safe; a write's request, shown and not sent |
//! | `create` | creates, without doubles and without false failures |
//! | `batch`, `scan` | many writes in one request; all pages of a list |
//! | `offline` | the calls that send nothing |
//! | `once` | one call in one fresh instance, with its tokens and the provider's time |
//! | `subscription` | a connection as the calls about one subscription see it |

mod batch;
mod calls;
mod create;
mod offline;
mod once;
mod scan;
mod subscription;

use std::sync::Arc;
use std::time::Duration;

use connector_contract::clock::Clock;
use tokio::sync::Semaphore;

pub use self::create::{Created, Find, id_of};
pub(super) use self::once::ended;
pub use self::scan::{Scan, ScanError};
use super::component::Connector;
use super::granting::{GrantTokens, TokenSource};
use super::ground::Ground;
use crate::observe::Observer;
use crate::retry::{Policy, Repeater};

/// A connection. Cheap to clone; clones are the same connection, with the same limits, secrets and
/// sockets.
///
/// Its calls are repeated where that is safe, as its [`Policy`] says, and a write whose answer was
/// lost is looked for before it is sent again. [`Policy::once`] makes each call once.
#[derive(Clone)]
#[must_use]
pub struct Connection {
    connector: Connector,
    id: Option<Arc<str>>,
    pub(super) ground: Arc<Ground>,
    admitted: Arc<Semaphore>,
    tokens: Option<Arc<GrantTokens>>,
    repeater: Repeater,
}

impl Connection {
    pub(super) fn new(
        connector: Connector,
        ground: Ground,
        id: Option<String>,
        policy: Policy,
    ) -> Self {
        let clock = Arc::clone(&ground.egress.clock);
        let repeater = Repeater::new(policy, Arc::clone(&ground.observer), clock);
        let admitted = Arc::new(Semaphore::new(ground.egress.http.options.calls_at_once));
        let (id, ground) = (id.map(Arc::from), Arc::new(ground));
        Self { connector, id, ground, admitted, tokens: None, repeater }
    }

    /// Lives on the tokens of `source`: its calls use those, renewed in time and once. A call whose
    /// access token the provider refuses (401, so that nothing was applied) is made once more with
    /// another.
    pub fn with_tokens(self, source: Arc<dyn TokenSource>) -> Self {
        let tokens = GrantTokens::new(source, &self.ground);
        Self { tokens: Some(Arc::new(tokens)), ..self }
    }

    /// The same connection, whose calls are as persistent as `policy` says. All clones spend one
    /// budget of repetitions, so that a provider in trouble is not asked ever more often.
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { repeater: self.repeater.with_policy(policy), ..self }
    }

    /// How long nothing is asked of the provider, because calls failed again and again: until then
    /// each is answered with [`CallError::Paused`](crate::CallError::Paused). Lets no call through,
    /// so whoever looks here first leaves it to others to find out.
    pub fn paused(&self) -> Option<Duration> {
        self.ground.egress.paused()
    }

    /// Its time of day.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.ground.egress.clock)
    }

    /// A time that by the provider's clock has passed, whichever of the clocks and answers that
    /// disagree is right: milliseconds since 1970.
    pub fn certainly_ms(&self) -> u64 {
        self.ground.egress.certainly_ms()
    }

    /// Its connector.
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Who watches it.
    pub fn observer(&self) -> &Arc<dyn Observer> {
        &self.ground.observer
    }
}
