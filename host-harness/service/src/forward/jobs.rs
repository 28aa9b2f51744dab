//! The forwards of a program: each a job, begun, replaced and ended as they are kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use connector_contract::clock::Clock;
use connector_runtime::AddressSpace;
use connector_runtime::egress::HttpClient;
use connector_state::StoreError;
use connector_state::outbox::{ForwardRow, Outbox, SettledWork};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::forwarder::Forwarder;
use super::target::{BadForward, ForwardTarget, TargetAddress};
use crate::jobs::{Jobs, Shutdown, Stage, Stopped};
use crate::vault::Vault;
use crate::webhooks::Notes;

/// How often it is looked whether forwards came, went or changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Hands changes on for every forward of a connector that is enabled.
pub struct ForwardJobs {
    /// Where forwards and changes are kept.
    pub outbox: Arc<dyn Outbox>,
    /// Opens their targets.
    pub vault: Arc<Vault>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Hears of what fails.
    pub notes: Arc<dyn Notes>,
    /// Sends.
    pub http: Arc<HttpClient>,
    /// Where targets may be.
    pub space: AddressSpace,
    /// The connector's name.
    pub connector: String,
    /// Says that there are new changes.
    pub changed: Arc<Notify>,
    /// Where the jobs run.
    pub jobs: Jobs,
    /// What was begun, by id; empty at first.
    pub begun: HashMap<String, ForwardRow>,
}

impl ForwardJobs {
    /// Looks again and again, until the end is requested.
    pub async fn keep(&mut self, stop: &Shutdown) {
        loop {
            if let Err(why) = self.refresh().await {
                self.notes.failing("looking for forwards", &why);
            }
            tokio::select! {
                biased;
                () = stop.requested() => return,
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Runs those that there are now.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn refresh(&mut self) -> Result<(), StoreError> {
        let rows = self.outbox.list_forwards().await?.into_iter();
        let rows = rows.filter(|row| row.enabled && row.connector == self.connector);
        let rows: HashMap<String, ForwardRow> = rows.map(|row| (row.id.clone(), row)).collect();
        for id in self.begun.keys().filter(|id| !rows.contains_key(*id)) {
            self.jobs.remove(&job(id));
        }
        self.begun.retain(|id, row| rows.get(id) == Some(row));
        for (id, row) in rows {
            if self.begun.contains_key(&id) {
                continue;
            }
            if let Err(why) = self.begin(&row) {
                self.jobs.remove(&job(&id));
                self.notes.failing("handing changes on", &format!("{}: {why}", row.name));
                let error = Some(why);
                self.outbox
                    .settle_work(&id, SettledWork { error, ..SettledWork::default() })
                    .await?;
            }
            self.begun.insert(id, row);
        }
        Ok(())
    }

    fn begin(&self, row: &ForwardRow) -> Result<(), String> {
        let forwarder = Arc::new(self.forwarder(row).map_err(|why| why.to_string())?);
        let (notes, name, changed) =
            (Arc::clone(&self.notes), row.name.clone(), Arc::clone(&self.changed));
        let report = move |stopped: &Stopped| {
            notes.failing("handing changes on", &format!("{name} stopped: {}", stopped.why));
        };
        let begun = self.jobs.keep(Stage::Work, &job(&row.id), report, move |stop| {
            let (forwarder, changed) = (Arc::clone(&forwarder), Arc::clone(&changed));
            async move {
                forwarder.run(&changed, stop.requested()).await;
                stop.ended()
            }
        });
        begun.map_err(|why| why.to_string())
    }

    fn forwarder(&self, row: &ForwardRow) -> Result<Forwarder, BadForward> {
        let address = TargetAddress::open(row, &self.vault, self.space)?;
        let http = Arc::clone(&self.http);
        let filters = row.filters.iter().map(|filter| filter.parse());
        Ok(Forwarder {
            outbox: Arc::clone(&self.outbox),
            clock: Arc::clone(&self.clock),
            notes: Arc::clone(&self.notes),
            id: row.id.clone(),
            name: row.name.clone(),
            target: ForwardTarget::new(address, row.template.as_deref(), http)?,
            filters: filters.collect::<Result<_, _>>().map_err(BadForward::Filter)?,
        })
    }
}

fn job(id: &str) -> String {
    format!("forward {id}")
}
