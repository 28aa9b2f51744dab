//! What a worker asks of a connection.

use std::sync::Arc;
use std::time::Duration;

use connector_contract::types::DataRecord;
use connector_runtime::egress::Pending;
use connector_runtime::{CallError, Connection};
use connector_state::mirror::Derived;

use crate::sync::{Catalog, derive, deriver};
use crate::webhooks::Decode;

/// What a provider will have answered.
type Read<'a, T> = Pending<'a, Result<T, CallError>>;

/// Reads of one connection.
pub trait Reads: Send + Sync {
    /// What lies inside records of `object`: for each object that is derived from it, one list a
    /// record. Sends nothing.
    fn derive<'a>(&'a self, object: &'a str, records: &'a [DataRecord]) -> Read<'a, Vec<Derived>>;

    /// Which component derives.
    fn deriver(&self) -> u64 {
        0
    }

    /// As [`Connection::paused`].
    fn paused(&self) -> Option<Duration> {
        None
    }

    /// As [`Connection::get`].
    fn get<'a>(&'a self, object: &'a str, id: &'a str) -> Read<'a, DataRecord>;

    /// As [`Connection::find`].
    fn find<'a>(&'a self, object: &'a str, input: &'a str) -> Read<'a, Vec<DataRecord>>;
}

/// One connection that is worked for.
#[derive(Clone)]
pub struct WorkerConnection {
    /// Asks the provider.
    pub reads: Arc<dyn Reads>,
    /// Reads unreadable deliveries again.
    pub decode: Arc<dyn Decode>,
}

/// A connection of the runtime.
pub struct ConnectionReads {
    client: Connection,
    /// A connection of its own, so that deriving does not stand in the provider's queue.
    local: Connection,
    catalog: Catalog,
}

impl ConnectionReads {
    /// Reads by `client`, and derives by `local`, which sends nothing.
    ///
    /// # Errors
    /// When the connector cannot describe its objects.
    pub async fn new(client: Connection, local: Connection) -> Result<Self, CallError> {
        let catalog = Catalog::of(local.connector()).await?;
        Ok(Self { client, local, catalog })
    }
}

impl Reads for ConnectionReads {
    fn derive<'a>(&'a self, object: &'a str, records: &'a [DataRecord]) -> Read<'a, Vec<Derived>> {
        let derived = self.catalog.derived_from(object);
        Box::pin(async move { derive(&self.local, &derived, records).await })
    }

    fn deriver(&self) -> u64 {
        deriver(&self.local)
    }

    fn paused(&self) -> Option<Duration> {
        self.client.paused()
    }

    fn get<'a>(&'a self, object: &'a str, id: &'a str) -> Read<'a, DataRecord> {
        Box::pin(self.client.get(object, id))
    }

    fn find<'a>(&'a self, object: &'a str, input: &'a str) -> Read<'a, Vec<DataRecord>> {
        Box::pin(self.client.find(object, input))
    }
}
