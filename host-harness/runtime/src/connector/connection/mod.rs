//! One customer's authorised account: the typed calls of the contract.
//!
//! | file | what it holds |
//! |---|---|
//! | `calls` | the calls that ask the provider, repeated where that is safe |
//! | `create` | creates, without doubles and without false failures |
//! | `batch`, `scan` | many writes in one request; all pages of a list |
//! | `offline` | the calls that send nothing |
//! | `plan` | the request of a write, shown and not sent |
//! | `once` | one call in one fresh instance, with its tokens and the provider's time |
//! | `subscription` | a connection as the calls about one subscription see it |

mod batch;
mod calls;
mod create;
mod offline;
mod once;
mod plan;
mod scan;
mod subscription;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use connector_contract::clock::Clock;
use tokio::sync::Semaphore;

pub use self::create::{Created, Find, id_of};
pub(super) use self::once::ended;
pub use self::scan::{Scan, ScanError};
use super::component::Connector;
use super::granted::Granted;
use super::granting::TokenSource;
use super::ground::Ground;
use crate::observe::Observer;
use crate::retry::{Policy, Repeater};

/// A connection. Cheap to clone; clones are the same connection, with the same limits, secrets and
/// sockets.
///
/// Its calls are repeated where that is safe, as its [`Policy`] says, and a write whose answer was
/// lost is looked for before it is sent again. [`Policy::once`] makes each call once.
#[derive(Clone)]
pub struct Connection {
    connector: Connector,
    id: Option<Arc<str>>,
    ground: Arc<Ground>,
    admitted: Arc<Semaphore>,
    granted: Option<Arc<Granted>>,
    repeater: Repeater,
}

impl Connection {
    pub(super) fn new(
        connector: Connector,
        ground: Ground,
        id: Option<String>,
        calls: usize,
        policy: Policy,
    ) -> Self {
        let clock = Arc::clone(&ground.egress.clock);
        let repeater = Repeater::new(policy, Arc::clone(&ground.observer), clock);
        let (ground, admitted) = (Arc::new(ground), Arc::new(Semaphore::new(calls)));
        Self { connector, id: id.map(Arc::from), ground, admitted, granted: None, repeater }
    }

    /// Lives on the tokens of `source`: its calls use those, renewed in time and once. A call whose
    /// access token the provider refuses (401, so that nothing was applied) is made once more with
    /// another.
    #[must_use]
    pub fn with_tokens(self, source: Arc<dyn TokenSource>) -> Self {
        let granted = Granted::new(source, &self.ground);
        Self { granted: Some(Arc::new(granted)), ..self }
    }

    /// The same connection, whose calls are as persistent as `policy` says. All clones spend one
    /// budget of repetitions, so that a provider in trouble is not asked ever more often.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { repeater: self.repeater.with_policy(policy), ..self }
    }

    /// How long nothing is asked of the provider, because calls failed again and again: until then
    /// each is answered with [`CallError::Paused`](crate::CallError::Paused). Lets no call through,
    /// so whoever looks here first leaves it to others to find out.
    #[must_use]
    pub fn paused(&self) -> Option<Duration> {
        self.ground.egress.paused()
    }

    /// Its time of day.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.ground.egress.clock)
    }

    /// A time that by the provider's clock has passed, whichever of the clocks and answers that
    /// disagree is right: milliseconds since 1970.
    #[must_use]
    pub fn certainly_ms(&self) -> u64 {
        self.ground.egress.certainly_ms()
    }

    /// Its connector.
    #[must_use]
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Who watches it.
    #[must_use]
    pub fn observer(&self) -> &Arc<dyn Observer> {
        &self.ground.observer
    }

    pub(super) fn ground(&self) -> Arc<Ground> {
        Arc::clone(&self.ground)
    }
}
