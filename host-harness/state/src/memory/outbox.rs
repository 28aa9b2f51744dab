//! [`Outbox`] in memory.

use super::Memory;
use crate::Answer;
use crate::outbox::*;

impl Outbox for Memory {
    #[allow(unused_variables)]
    fn open(&self, target: &str) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn unseen(&self, target: &str, limit: u32) -> Answer<'_, Vec<Outgoing>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn seen(&self, target: &str, position: u64, parked: Vec<Parked>) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn due_parked(
        &self,
        target: &str,
        now_ms: u64,
        limit: u32,
    ) -> Answer<'_, Vec<(Parked, Outgoing)>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn tried(&self, target: &str, change: u64, again: Option<Parked>) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn behind_parked(&self, target: &str, changes: Vec<u64>) -> Answer<'_, Vec<u64>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn forget_seen(&self) -> Answer<'_, ()> {
        self.missing()
    }
}
