//! One kind of record.

use crate::contract::{
    DataRecord, Error, ListRequest, Outcome, Page, SubscriptionOutcome, SubscriptionRequest, View,
    Written,
};
use crate::declare::{Action, Descriptor};
use crate::json::{Malformed, Member, Reader};
use crate::{Attempt, Connector};

/// One kind of record. Inputs are checked against the descriptor's schemas before they come here; a
/// verb that an object does not have stays at its default, which says so.
pub trait Object<C: Connector>: Sync {
    /// What it is and offers.
    fn descriptor(&self) -> &'static Descriptor;

    /// One cheap authenticated request: may the connection use this object?
    ///
    /// # Errors
    /// Why not.
    fn check(&self, client: &C::Client<'_>) -> Result<(), Error> {
        let _ = client;
        Err(self.unsupported("be checked without effect", "Use it and see"))
    }

    /// One page. The page size of `request`, when there is one, lies within the descriptor's.
    ///
    /// # Errors
    /// As the provider's answer says.
    fn list(&self, client: &C::Client<'_>, request: &ListRequest) -> Result<Page, Error> {
        let _ = (client, request);
        Err(self.unsupported("be listed", self.offered()))
    }

    /// One record, or the part of it that `view` asks for.
    ///
    /// # Errors
    /// As the provider's answer says.
    fn get(&self, client: &C::Client<'_>, id: &str, view: &View) -> Result<DataRecord, Error> {
        let _ = (client, id, view);
        Err(self.unsupported("be read one by one", self.offered()))
    }

    /// The records of this derived object that `parent` holds. Makes no request.
    ///
    /// # Errors
    /// A parent that cannot be read.
    fn derive(&self, parent: &Parent<'_>) -> Result<Vec<DataRecord>, Malformed> {
        let _ = parent;
        Ok(Vec::new())
    }

    /// The records that `create` of each input would collide with, in the inputs' order. Writes
    /// nothing.
    ///
    /// # Errors
    /// As the provider's answer says.
    fn find(
        &self,
        client: &C::Client<'_>,
        inputs: &[String],
    ) -> Result<Vec<Vec<DataRecord>>, Error> {
        let _ = (client, inputs);
        Err(self.unsupported("be found by their content", "Use `get` or `list`"))
    }

    /// Creates one record; when the attempt is made `again`, looks first whether an earlier one did.
    ///
    /// # Errors
    /// As the provider's answer says; outcome-unknown when nothing tells.
    fn create(
        &self,
        client: &C::Client<'_>,
        input: &str,
        attempt: &Attempt,
    ) -> Result<Written, Error> {
        let _ = (client, input, attempt);
        Err(self.unsupported("be created", self.offered()))
    }

    /// Changes one record by a JSON Merge Patch (RFC 7396).
    ///
    /// # Errors
    /// As the provider's answer says.
    fn update(
        &self,
        client: &C::Client<'_>,
        id: &str,
        patch: &str,
        attempt: &Attempt,
        expected: Option<&str>,
    ) -> Result<Written, Error> {
        let _ = (client, id, patch, attempt, expected);
        Err(self.unsupported("be updated", self.offered()))
    }

    /// Deletes one record.
    ///
    /// # Errors
    /// As the provider's answer says.
    fn delete(
        &self,
        client: &C::Client<'_>,
        id: &str,
        attempt: &Attempt,
        expected: Option<&str>,
    ) -> Result<(), Error> {
        let _ = (client, id, attempt, expected);
        Err(self.unsupported("be deleted", self.offered()))
    }

    /// Does `call.action`, which is one of the descriptor's.
    ///
    /// # Errors
    /// As the provider's answer says.
    fn invoke(&self, client: &C::Client<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
        let _ = (client, call);
        Err(self.unsupported("be acted on", self.offered()))
    }

    /// Has its events sent to the URL of `request`, or says how a person does so.
    ///
    /// # Errors
    /// As the provider's answer says; invalid-input for a URL or an event that it does not take.
    fn subscribe(
        &self,
        client: &C::Client<'_>,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionOutcome, Error> {
        let _ = (client, request);
        Err(self.unsupported("be subscribed to", "Scan for changes since a bookmark"))
    }

    /// What to do instead, unless the object knows better.
    fn offered(&self) -> &'static str {
        "Their description lists what they offer"
    }

    /// An error of kind unsupported: "`Title` cannot `be so`. `Instead`."
    fn unsupported(&self, be_so: &str, instead: &str) -> Error {
        Error::unsupported(format!("{} cannot {be_so}. {instead}.", self.descriptor().title))
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
    /// Its key, and whether an earlier call ended in outcome-unknown: then look first.
    pub attempt: &'c Attempt,
}

/// A record that holds others, read once for all that it holds.
#[derive(Debug)]
pub struct Parent<'a> {
    /// The record.
    pub record: &'a DataRecord,
    /// The members of its data.
    pub members: Vec<Member<'a>>,
}

impl<'a> Parent<'a> {
    /// Reads the members of `record`.
    ///
    /// # Errors
    /// Data that is no JSON object.
    pub fn read(record: &'a DataRecord) -> Result<Self, Malformed> {
        let mut reader = Reader::new(&record.data);
        let members = reader.members()?;
        reader.end()?;
        Ok(Self { record, members })
    }

    /// The member of this name.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Member<'a>> {
        Member::named(&self.members, name)
    }
}
