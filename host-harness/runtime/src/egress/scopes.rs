//! With whom the requests of a connection count together.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use connector_contract::catalog::Manifest;
use connector_contract::http::SendError;
use connector_contract::limits::{Charge, LimitId, Rate};
use connector_contract::permissions::{Endpoint, Limit, Measure, Sharing};

use super::refused;
use crate::lock::lock;

/// The limits of a manifest, and who shares them with one connection.
pub struct LimitScopes {
    limits: BTreeMap<String, Limit>,
    connector: String,
    /// Id of the connection.
    pub connection: String,
    told: Mutex<LearnedLimits>,
}

/// What the provider told.
#[derive(Default)]
struct LearnedLimits {
    /// Its id of the account, as far as it is known.
    account: Option<String>,
    /// What limits allow, by their names.
    totals: BTreeMap<String, u32>,
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

impl LimitScopes {
    /// Of the connection with this id. Without an account it counts as one of its own.
    pub fn new(
        manifest: &Manifest,
        connection: impl Into<String>,
        account: Option<String>,
    ) -> Self {
        let limits = manifest.limits.iter().map(|limit| (limit.name.clone(), limit.clone()));
        let told = Mutex::new(LearnedLimits { account, ..LearnedLimits::default() });
        let (limits, connector) = (limits.collect(), manifest.name.clone());
        Self { limits, connector, connection: connection.into(), told }
    }

    /// The provider told whose account it is.
    pub fn set_account(&self, account: &str) {
        lock(&self.told).account = Some(account.to_owned());
    }

    /// The provider told how much a limit allows.
    pub fn set_total(&self, limit: &str, total: u32) {
        lock(&self.told).totals.insert(limit.to_owned(), total);
    }

    /// What one request to `endpoint` counts against.
    ///
    /// # Errors
    /// [`SendError::Refused`] when it costs more than a limit ever allows.
    pub fn demand(&self, endpoint: &Endpoint, cost: u32) -> Result<Demand, SendError> {
        let mut demand = Demand { rates: vec![], at_once: vec![] };
        for limit in endpoint.limits.iter().filter_map(|name| self.limits.get(name)) {
            match &limit.measure {
                Measure::AtOnce(places) => {
                    demand.at_once.push(AtOnce { limit: self.id_of(limit), places: *places });
                }
                Measure::Points(rate) => {
                    let total = lock(&self.told).totals.get(&limit.name).copied();
                    if cost > total.unwrap_or(rate.amount) {
                        return Err(refused(format!(
                            "the request costs {cost}, more than the limit \"{}\" ever allows: ask for less",
                            limit.name
                        )));
                    }
                    demand.rates.extend(self.charge(limit, cost));
                }
                Measure::Requests(_) => demand.rates.extend(self.charge(limit, 1)),
            }
        }
        Ok(demand)
    }

    /// One request or point of the limit of this name, when it is one of so many in a time.
    pub fn charge_of(&self, name: &str) -> Option<Charge> {
        self.charge(self.limits.get(name)?, 1)
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

    /// The name under which limits are kept that are shared so.
    pub fn name_of(&self, shared_by: Sharing) -> String {
        let account = lock(&self.told).account.clone();
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
pub fn limit_scopes(connector: &str, connection: &str, account: Option<String>) -> [String; 3] {
    let account = account.map(|account| format!("account:{connector}:{account}"));
    let own = connection.to_owned();
    [own.clone(), account.unwrap_or(own), format!("app:{connector}")]
}
