//! What a worker asks of a connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_contract::types::DataRecord;
use connector_runtime::egress::Pending;
use connector_runtime::{CallError, Connection, Connector};

use crate::webhooks::Decode;

/// Reads of one connection.
pub trait Reads: Send + Sync {
    /// Names of the objects whose records lie inside this one's.
    fn derived_from(&self, object: &str) -> &[String];

    /// As [`Connection::derive`].
    fn derive(
        &self,
        objects: &[String],
        parents: Vec<DataRecord>,
    ) -> Pending<'_, Result<Vec<Vec<Vec<DataRecord>>>, CallError>>;

    /// As [`Connection::get`], repeated where that helps.
    fn get(&self, object: &str, id: &str) -> Pending<'_, Result<DataRecord, CallError>>;

    /// As [`Connection::find`] for one input, repeated where that helps.
    fn find(&self, object: &str, input: &str) -> Pending<'_, Result<Vec<DataRecord>, CallError>>;
}

/// One connection that is worked for.
#[derive(Clone)]
pub struct Seat {
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
    derived: BTreeMap<String, Vec<String>>,
}

impl ConnectionReads {
    /// Reads by `client`, and derives by `local`, which sends nothing.
    ///
    /// # Errors
    /// When the connector cannot describe its objects.
    pub async fn new(client: Connection, local: Connection) -> Result<Self, CallError> {
        let derived = derived(local.connector()).await?;
        Ok(Self { client, local, derived })
    }
}

/// For each object, those derived from it.
async fn derived(connector: &Connector) -> Result<BTreeMap<String, Vec<String>>, CallError> {
    let mut derived: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for object in &connector.manifest().objects {
        if let Some(holder) = connector.describe(&object.name).await?.derived_from {
            derived.entry(holder).or_default().push(object.name.clone());
        }
    }
    Ok(derived)
}

impl Reads for ConnectionReads {
    fn derived_from(&self, object: &str) -> &[String] {
        self.derived.get(object).map_or(&[], Vec::as_slice)
    }

    fn derive(
        &self,
        objects: &[String],
        parents: Vec<DataRecord>,
    ) -> Pending<'_, Result<Vec<Vec<Vec<DataRecord>>>, CallError>> {
        let objects = objects.to_vec();
        Box::pin(async move { self.local.derive(&objects, parents).await })
    }

    fn get(&self, object: &str, id: &str) -> Pending<'_, Result<DataRecord, CallError>> {
        let (object, id) = (object.to_owned(), id.to_owned());
        Box::pin(async move { self.client.get(&object, &id).await })
    }

    fn find(&self, object: &str, input: &str) -> Pending<'_, Result<Vec<DataRecord>, CallError>> {
        let (object, input) = (object.to_owned(), input.to_owned());
        Box::pin(async move { self.client.find(&object, &input).await })
    }
}
