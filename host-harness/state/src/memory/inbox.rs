//! [`Inbox`] in memory.

use super::Memory;
use crate::inbox::*;
use crate::{Answer, Lease};

impl Inbox for Memory {
    #[allow(unused_variables)]
    fn hooks(&self) -> Answer<'_, Vec<HookRow>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn make_hook(&self, new: HookRow) -> Answer<'_, HookRow> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn put_subscription(&self, row: SubscriptionRow) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn remove_subscription(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn subscriptions(&self, connection: Option<&str>) -> Answer<'_, Vec<SubscriptionRow>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn receive(&self, delivery: NewDelivery) -> Answer<'_, Receipt> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn beat(&self, beat: Beat) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn close_gap(&self, connection: &str, gap_ms: u64, until_ms: u64) -> Answer<'_, bool> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn open_gap(&self, connection: &str, since_ms: u64) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn due(&self, now_ms: u64) -> Answer<'_, Vec<String>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn lease(&self, connection: &str, lease: Lease, now_ms: u64) -> Answer<'_, bool> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn release(&self, connection: &str, attempt: &str) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn due_events(
        &self,
        connection: &str,
        asks: bool,
        now_ms: u64,
        limit: u32,
    ) -> Answer<'_, Vec<EventRow>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn settle(&self, settled: Vec<Settled>) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn read_again(&self, event: u64, events: Vec<NewEvent>) -> Answer<'_, ()> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn deliveries(
        &self,
        connection: Option<&str>,
        before: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Vec<DeliveryRow>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn delivery(&self, number: u64) -> Answer<'_, Option<DeliveryRow>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn dead_events(&self, connection: Option<&str>) -> Answer<'_, Vec<EventRow>> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn replay(&self, event: u64, now_ms: u64) -> Answer<'_, bool> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn drop_event(&self, event: u64) -> Answer<'_, bool> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn prune(&self, applied_before_ms: u64, keys_before_ms: u64) -> Answer<'_, bool> {
        self.missing()
    }

    #[allow(unused_variables)]
    fn count_events(&self, connection: Option<&str>) -> Answer<'_, (u64, u64)> {
        self.missing()
    }
}
