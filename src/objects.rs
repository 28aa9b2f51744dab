//! The objects of this connector: one file each, one line in [`REGISTRY`] each.
//!
//! Nothing else lists them: manifest, dispatch and error texts read the registry.

mod carrier_connections;
mod checkpoints;
mod couriers;
mod estimated_delivery_dates;
mod notifications;
pub(crate) mod trackings;
mod webhooks;

use crate::api::Api;
use crate::api::endpoints::Endpoint;
use crate::error::Error;
use crate::types::{
    DataRecord, ListRequest, ManualSteps, Outcome, Page, SubscriptionRequest, View, Written,
};
use trackings::derived::Derivation;

/// Every object offered.
pub static REGISTRY: &[&dyn Object] = &[
    &trackings::Trackings,
    &checkpoints::Checkpoints,
    &notifications::Notifications,
    &estimated_delivery_dates::EstimatedDeliveryDates,
    &couriers::Couriers,
    &carrier_connections::CarrierConnections,
    &webhooks::Webhooks,
];

/// What an object is and offers. Texts called schema are JSON Schema 2020-12 once
/// [`crate::schema::whole`] has filled in their parts.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor {
    /// Stable name, as in the manifest.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Operations offered: `list`, `get`, `create`, `update`, `delete`, `subscribe`.
    pub operations: &'static [&'static str],
    /// The endpoints of its own.
    pub endpoints: &'static [Endpoint],
    /// AfterShip's documentation of it.
    pub doc_url: &'static str,
    /// The object that holds these records, when it has no endpoint of its own.
    pub derived_from: Option<&'static str>,
    /// Lists forget a record so many days after its creation.
    pub retention_days: Option<u32>,
    /// Schema of a record; unknown members are allowed.
    pub record_schema: &'static str,
    /// Schema of the input of `create`, when offered.
    pub create_schema: Option<&'static str>,
    /// Schema of the patch of `update`, when offered.
    pub update_schema: Option<&'static str>,
    /// Schema of an input of `find`, when that is offered. Hosts hand over inputs of `create`, so it
    /// lets other members stand.
    pub find_schema: Option<&'static str>,
    /// Schema of the filter of `list`.
    pub filter_schema: &'static str,
    /// Schema of the options of a view, when there are any.
    pub options_schema: Option<&'static str>,
    /// Other verbs.
    pub actions: &'static [Action],
    /// Events that can be subscribed to.
    pub events: &'static [&'static str],
}

/// A verb that is not create, read, update or delete.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// Stable name.
    pub name: &'static str,
    /// What people read.
    pub title: &'static str,
    /// Whether it works on one record and needs its id.
    pub on_record: bool,
    /// Whether it changes something at AfterShip.
    pub writes: bool,
    /// Schema of its input.
    pub input_schema: &'static str,
    /// Schema of its output.
    pub output_schema: &'static str,
}

/// One kind of record. Inputs are checked against the descriptor's schemas before they come
/// here; a verb that an object does not have stays at its default.
pub trait Object: Sync {
    /// What it is and offers.
    fn descriptor(&self) -> &'static Descriptor;

    /// One cheap authenticated request: may the connection use this object?
    ///
    /// # Errors
    /// Why not.
    fn check(&self, api: &Api<'_>) -> Result<(), Error> {
        let _ = api;
        Err(self.unsupported("be checked without effect", "Use it and see"))
    }

    /// One page. The page size of `request` is set and within what AfterShip allows, unless the
    /// scan goes on and the caller wishes none.
    ///
    /// # Errors
    /// As AfterShip's answer says.
    fn list(&self, api: &Api<'_>, request: &ListRequest) -> Result<Page, Error> {
        let _ = (api, request);
        Err(self.unsupported("be listed", self.offered()))
    }

    /// One record, or the part of it that `view` asks for.
    ///
    /// # Errors
    /// As AfterShip's answer says.
    fn get(&self, api: &Api<'_>, id: &str, view: &View) -> Result<DataRecord, Error> {
        let _ = (api, id, view);
        Err(self.unsupported("be read one by one", self.offered()))
    }

    /// How the records of this derived object are read out of one that holds them.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the object is not derived.
    fn derivation(&self) -> Result<Derivation, Error> {
        Err(self.unsupported("be derived from other records", "List them"))
    }

    /// The records that `create` of each input would collide with, in the inputs' order. Writes
    /// nothing.
    ///
    /// # Errors
    /// As AfterShip's answer says.
    fn find(&self, api: &Api<'_>, inputs: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
        let _ = (api, inputs);
        Err(self.unsupported("be found by their content", "Use `get` or `list`"))
    }

    /// Creates one record; with `again`, looks first whether an earlier attempt did.
    ///
    /// # Errors
    /// As AfterShip's answer says; [`Error::OutcomeUnknown`] when `again` and nothing tells.
    fn create(&self, api: &Api<'_>, input: &str, again: bool) -> Result<Written, Error> {
        let _ = (api, input, again);
        Err(self.unsupported("be created", self.offered()))
    }

    /// Changes one record by a JSON Merge Patch (RFC 7396). A second time changes nothing more.
    ///
    /// # Errors
    /// As AfterShip's answer says.
    fn update(&self, api: &Api<'_>, id: &str, patch: &str) -> Result<Written, Error> {
        let _ = (api, id, patch);
        Err(self.unsupported("be updated", self.offered()))
    }

    /// Deletes one record; with `again`, an earlier attempt may have.
    ///
    /// # Errors
    /// As AfterShip's answer says.
    fn delete(&self, api: &Api<'_>, id: &str, again: bool) -> Result<(), Error> {
        let _ = (api, id, again);
        Err(self.unsupported("be deleted", self.offered()))
    }

    /// Does `call.action`, which is one of the descriptor's.
    ///
    /// # Errors
    /// As AfterShip's answer says.
    fn invoke(&self, api: &Api<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
        let _ = (api, call);
        Err(self.unsupported("be acted on", self.offered()))
    }

    /// How its events come to be sent to the URL of `request`.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a URL or an event that AfterShip does not take.
    fn subscribe(&self, request: &SubscriptionRequest) -> Result<ManualSteps, Error> {
        let _ = request;
        Err(self.unsupported("be subscribed to", "Scan for changes since a bookmark"))
    }

    /// What to do instead, unless the object knows better.
    fn offered(&self) -> &'static str {
        "Their description lists what they offer"
    }

    /// [`Error::Unsupported`]: "`name` cannot `be so`. `Instead`."
    fn unsupported(&self, be_so: &str, instead: &str) -> Error {
        Error::Unsupported(format!("{} cannot {be_so}. {instead}.", self.descriptor().title))
    }
}

/// An action that is to be done, checked against its descriptor.
#[derive(Clone, Copy, Debug)]
pub struct ActionCall<'c> {
    /// Which one.
    pub action: &'static Action,
    /// The record; empty when the action works on none.
    pub id: &'c str,
    /// JSON, valid against the action's input schema.
    pub input: &'c str,
    /// An earlier call ended in `outcome-unknown`: look first.
    pub again: bool,
}

/// The object with this name.
///
/// # Errors
/// [`Error::NotFound`], naming the objects that exist.
pub fn named(name: &str) -> Result<&'static dyn Object, Error> {
    let found = REGISTRY.iter().find(|object| object.descriptor().name == name);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = REGISTRY.iter().map(|object| object.descriptor().name).collect();
        let names = names.join(", ");
        Error::not_found(format!("No object is called `{name}`. Use one of: {names}."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves that adding an object needs a file and a line, and nobody forgets the line.
    #[test]
    fn every_file_is_registered() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/objects");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".rs").map(|stem| stem.replace('_', "-")))
            .collect();
        files.sort();
        let mut names: Vec<_> = REGISTRY.iter().map(|object| object.descriptor().name).collect();
        names.sort_unstable();
        assert_eq!(files, names);
    }
}
