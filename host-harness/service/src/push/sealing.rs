//! Items at rest: what is secret in them is sealed by their connection's key.

use connector_state::Sealed;
use connector_state::push::IntentRow;

use super::engine::Push;
use crate::vault::write_only::{MembersError, open_members, seal_members};
use crate::vault::{SealContext, SealError};

impl Push {
    /// An input with its write-only members sealed, for one place in a run.
    ///
    /// # Errors
    /// [`MembersError`].
    pub(super) fn seal_input(
        &self,
        run: &str,
        index: u64,
        input: &str,
    ) -> Result<String, MembersError> {
        let mut text = input.to_owned();
        for schema in self.schema.texts() {
            text = seal_members(&self.key, self.place("intent", run, index), schema, &text)?;
        }
        Ok(text)
    }

    /// An item as it came, sealed whole: nobody knows what is secret in it.
    ///
    /// # Errors
    /// [`SealError`].
    pub(super) fn seal_raw(&self, run: &str, index: u64, raw: &[u8]) -> Result<Sealed, SealError> {
        self.key.seal(self.place("intent-raw", run, index), raw)
    }

    /// The input of an item that has one.
    ///
    /// # Errors
    /// [`MembersError`].
    pub(super) fn open_input(&self, item: &IntentRow) -> Result<String, MembersError> {
        let mut text = item.input.clone().unwrap_or_default();
        for _ in self.schema.texts() {
            text = open_members(&self.key, self.place("intent", &item.run, item.index), &text)?;
        }
        Ok(text)
    }

    /// The item as it came.
    ///
    /// # Errors
    /// [`MembersError`].
    pub(super) fn open_raw(&self, item: &IntentRow) -> Result<Vec<u8>, MembersError> {
        let Some(raw) = &item.raw else { return self.open_input(item).map(String::into_bytes) };
        let place = self.place("intent-raw", &item.run, item.index);
        Ok(self.key.open(place, raw)?.expose().to_vec())
    }

    fn place<'a>(&'a self, kind: &'a str, run: &'a str, index: u64) -> SealContext<'a> {
        SealContext { connection: &self.connection, kind, name: run, version: index }
    }
}
