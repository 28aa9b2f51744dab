//! [`Mirror`] in memory.

use super::{Memory, Rows};
use crate::mirror::*;
use crate::{Answer, StoreError};

/// Commits a batch, or nothing of it.
pub(super) fn apply(_: &mut Rows, _: &Batch, _: u64) -> Result<Applied, StoreError> {
    let (path, why) = ("memory".to_owned(), "not made yet".to_owned());
    Err(StoreError::Unavailable { path, why })
}

impl Mirror for Memory {
    #[allow(unused_variables)]
    fn moment(&self) -> Answer<'_, u64> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn apply(&self, batch: Batch) -> Answer<'_, Applied> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn look_ups(&self, connection: &str, object: &str, limit: u32) -> Answer<'_, Vec<String>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn fail_look_ups(
        &self,
        connection: &str,
        object: &str,
        failed: Vec<(String, String)>,
    ) -> Answer<'_, u64> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn failing(&self, connection: &str) -> Answer<'_, Vec<FailingRow>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn record(
        &self,
        connection: &str,
        object: &str,
        id: &str,
    ) -> Answer<'_, Option<MirroredRecord>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn records(
        &self,
        connection: &str,
        object: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn changes(
        &self,
        connection: Option<&str>,
        since: u64,
        limit: u32,
    ) -> Answer<'_, Vec<ChangeRow>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn position(&self, consumer: &str) -> Answer<'_, u64> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn set_position(&self, consumer: &str, number: u64) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn prune_changes(&self, before_ms: u64) -> Answer<'_, u64> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn scans(&self, connection: &str) -> Answer<'_, Vec<ScanRow>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn change_scan(
        &self,
        connection: &str,
        object: &str,
        change: ScanChange,
    ) -> Answer<'_, ScanRow> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn bookmark_before(
        &self,
        connection: &str,
        object: &str,
        at_ms: u64,
    ) -> Answer<'_, Option<String>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn unseen(
        &self,
        connection: &str,
        object: &str,
        scan: u64,
        after: Option<&str>,
        limit: u32,
    ) -> Answer<'_, Vec<MirroredRecord>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn count_unseen(&self, connection: &str, object: &str, scan: u64) -> Answer<'_, (u64, u64)> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn dead_letters(&self, connection: Option<&str>) -> Answer<'_, Vec<DeadLetterRow>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn remove_dead_letter(&self, number: u64) -> Answer<'_, bool> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn reset(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn count(&self, connection: &str, object: &str) -> Answer<'_, (u64, u64, u64)> {
        self.missing()
    }
}
