//! Which objects of a connector are scanned, and which come with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_contract::types::ErrorKind;
use connector_runtime::{CallError, Connector, error};

use super::drift::Outline;

/// An object that is scanned.
#[derive(Debug, Clone)]
pub struct Synced {
    /// Its name.
    pub name: String,
    /// The objects that lie inside its records.
    pub derived: Vec<String>,
    /// Lists forget a record so many days after it was made.
    pub retention_days: Option<u32>,
    pub(super) outline: Arc<Outline>,
}

/// The objects of a connector, as far as they can be kept in a mirror.
#[derive(Debug, Clone)]
pub struct Catalog {
    objects: Vec<Synced>,
    /// From a derived object to the one that holds it.
    holders: BTreeMap<String, String>,
}

impl Catalog {
    /// Asks the connector. Sends nothing.
    ///
    /// # Errors
    /// [`CallError`] when it cannot describe its own objects.
    pub async fn of(connector: &Connector) -> Result<Self, CallError> {
        let mut objects = Vec::new();
        let mut holders = BTreeMap::new();
        for summary in &connector.manifest().objects {
            let described = connector.describe(&summary.name).await?;
            if let Some(holder) = described.derived_from {
                holders.insert(summary.name.clone(), holder);
            } else if summary.operations.iter().any(|operation| operation == "list") {
                let schema = serde_json::from_str(&described.record_schema).map_err(|why| {
                    let text = format!("the record-schema of {} is no JSON: {why}", summary.name);
                    error(ErrorKind::Internal, text)
                })?;
                objects.push(Synced {
                    name: summary.name.clone(),
                    derived: Vec::new(),
                    retention_days: described.retention_days,
                    outline: Arc::new(Outline::of(&schema)),
                });
            }
        }
        let mut catalog = Self { objects: vec![], holders };
        for object in &mut objects {
            object.derived = catalog.derived_from(&object.name);
        }
        catalog.objects = objects;
        Ok(catalog)
    }

    /// The objects whose records lie inside this one's.
    pub fn derived_from(&self, holder: &str) -> Vec<String> {
        let of_holder = self.holders.iter().filter(|(_, other)| *other == holder);
        of_holder.map(|(derived, _)| derived.clone()).collect()
    }

    /// Every object that is scanned, in the manifest's order.
    pub fn all(&self) -> &[Synced] {
        &self.objects
    }

    /// The object whose scan brings the records of `name`: itself, or the one that holds them.
    /// `None` for what cannot be listed.
    pub fn bringing(&self, name: &str) -> Option<&Synced> {
        let name = self.holders.get(name).map_or(name, String::as_str);
        self.objects.iter().find(|object| object.name == name)
    }

    /// Names that [`Catalog::bringing`] knows.
    pub fn names(&self) -> Vec<&str> {
        let objects = self.objects.iter().map(|object| object.name.as_str());
        objects.chain(self.holders.keys().map(String::as_str)).collect()
    }
}
