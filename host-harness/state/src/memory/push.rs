//! [`Intents`] in memory.

use super::Memory;
use crate::Answer;
use crate::mirror::{Applied, Batch};
use crate::push::*;

impl Intents for Memory {
    #[allow(unused_variables)]
    fn begin(&self, run: PushRow) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn add(&self, items: Vec<IntentRow>) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn seal(&self, run: &str, digest: [u8; 32]) -> Answer<'_, String> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn forget(&self, run: &str) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn pushes(&self, connection: Option<&str>) -> Answer<'_, Vec<(PushRow, IntentCounts)>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn intents(&self, run: &str, from: u64, limit: u32) -> Answer<'_, Vec<IntentRow>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn claim(&self, item: &Holder, until_ms: u64) -> Answer<'_, Claimed> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn hold(&self, item: &Holder, key: &str, until_ms: u64) -> Answer<'_, Option<u64>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn sending(&self, item: &Holder, sent: Sent, id: Option<&str>) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn end(
        &self,
        item: &Holder,
        end: IntentEnd,
        batch: Option<Batch>,
    ) -> Answer<'_, Option<Applied>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn renew(&self, owner: &str, until_ms: u64) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn prune(&self, before_ms: u64) -> Answer<'_, ()> {
        self.missing()
    }
}
