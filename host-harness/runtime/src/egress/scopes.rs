//! With whom the requests of a connection count together.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use connector_contract::catalog::Manifest;
use connector_contract::limits::{Charge, LimitId, Rate};
use connector_contract::permissions::{Endpoint, Limit, Measure, Sharing};

use super::policy::Refused;

/// The limits of a manifest, and who shares them with one connection.
#[derive(Debug)]
pub struct LimitScopes {
    limits: BTreeMap<String, Limit>,
    connector: String,
    connection: String,
    /// The provider's id of it, as far as it is known.
    account: RwLock<Option<String>>,
    /// Totals that the provider told, by limit.
    totals: RwLock<BTreeMap<String, u32>>,
}

/// What a request counts against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Limits of so many in a time.
    pub rates: Vec<Charge>,
    /// Limits of so many at once.
    pub at_once: Vec<AtOnce>,
}

/// A limit of requests that are under way at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtOnce {
    /// Which limit.
    pub limit: LimitId,
    /// So many.
    pub places: u32,
}

impl Demand {
    /// All limits that it counts against.
    pub fn limits(&self) -> impl Iterator<Item = &LimitId> {
        let rates = self.rates.iter().map(|charge| &charge.limit);
        rates.chain(self.at_once.iter().map(|at_once| &at_once.limit))
    }
}

impl LimitScopes {
    /// Of the connection with this id. Without an account it counts as one of its own.
    #[must_use]
    pub fn new(
        manifest: &Manifest,
        connection: impl Into<String>,
        account: Option<String>,
    ) -> Self {
        let limits = manifest.limits.iter().map(|limit| (limit.name.clone(), limit.clone()));
        Self {
            limits: limits.collect(),
            connector: manifest.name.clone(),
            connection: connection.into(),
            account: RwLock::new(account),
            totals: RwLock::default(),
        }
    }

    /// The provider told whose account it is.
    pub fn set_account(&self, account: &str) {
        *self.account.write().unwrap_or_else(PoisonError::into_inner) = Some(account.to_owned());
    }

    /// The provider told how much a limit allows.
    pub fn set_total(&self, limit: &str, total: u32) {
        let mut totals = self.totals.write().unwrap_or_else(PoisonError::into_inner);
        totals.insert(limit.to_owned(), total);
    }

    /// The connection's id.
    #[must_use]
    pub fn connection(&self) -> &str {
        &self.connection
    }

    /// The name under which its account's limits are kept.
    #[must_use]
    pub fn account(&self) -> String {
        self.name_of(Sharing::Account)
    }

    /// What one request to `endpoint` counts against.
    ///
    /// # Errors
    /// [`Refused`] when it costs more than a limit ever allows.
    pub fn demand(&self, endpoint: &Endpoint, cost: u32) -> Result<Demand, Refused> {
        let mut demand = Demand { rates: vec![], at_once: vec![] };
        for limit in endpoint.limits.iter().filter_map(|name| self.limits.get(name)) {
            match &limit.measure {
                Measure::AtOnce(places) => {
                    demand.at_once.push(AtOnce { limit: self.id_of(limit), places: *places });
                }
                Measure::Points(rate) if cost > self.total(&limit.name, rate.amount) => {
                    return Err(Refused(format!(
                        "the request costs {cost}, more than the limit \"{}\" ever allows: ask for less",
                        limit.name
                    )));
                }
                Measure::Points(_) => demand.rates.extend(self.charge(limit, cost)),
                Measure::Requests(_) => demand.rates.extend(self.charge(limit, 1)),
            }
        }
        Ok(demand)
    }

    /// One request or point of the limit of this name, when it is one of so many in a time.
    #[must_use]
    pub fn charge_of(&self, name: &str) -> Option<Charge> {
        self.charge(self.limits.get(name)?, 1)
    }

    fn total(&self, limit: &str, declared: u32) -> u32 {
        let totals = self.totals.read().unwrap_or_else(PoisonError::into_inner);
        totals.get(limit).copied().unwrap_or(declared)
    }

    fn charge(&self, limit: &Limit, count: u32) -> Option<Charge> {
        let window = |ms: u32| Duration::from_millis(u64::from(ms));
        let rate = match &limit.measure {
            Measure::Requests(rate) => Rate::new(rate.amount, window(rate.window_ms)),
            Measure::Points(rate) => Rate::of_points(rate.amount, window(rate.window_ms)),
            Measure::AtOnce(_) => return None,
        };
        Some(Charge { limit: self.id_of(limit), rate, count })
    }

    fn id_of(&self, limit: &Limit) -> LimitId {
        LimitId { scope: self.name_of(limit.shared_by), name: limit.name.clone() }
    }

    fn name_of(&self, shared_by: Sharing) -> String {
        let account = self.account.read().unwrap_or_else(PoisonError::into_inner).clone();
        let [connection, account, app] = limit_scopes(&self.connector, &self.connection, account);
        match shared_by {
            Sharing::Connection => connection,
            Sharing::Account => account,
            Sharing::App => app,
        }
    }
}

/// The names under which limits are kept that are shared by a connection, its account and all
/// connections of one operator.
#[must_use]
pub fn limit_scopes(connector: &str, connection: &str, account: Option<String>) -> [String; 3] {
    let account = account.map(|account| format!("account:{connector}:{account}"));
    let own = connection.to_owned();
    [own.clone(), account.unwrap_or(own), format!("app:{connector}")]
}
