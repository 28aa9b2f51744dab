//! [`Inbox`] in the same file.

mod deliveries;
mod events;
mod hooks;
mod rows;
pub mod tables;

use connector_state::Lease;
use connector_state::inbox::{
    Beat, DeliveryRow, EventRow, HookRow, Inbox, NewDelivery, NewEvent, Received, Settled,
    SubscriptionRow,
};

use super::{Answer, Sqlite};

impl Inbox for Sqlite {
    fn hooks(&self) -> Answer<'_, Vec<HookRow>> {
        self.read(hooks::all)
    }

    fn make_hook(&self, new: HookRow) -> Answer<'_, HookRow> {
        self.write(move |on, _| hooks::make(on, &new))
    }

    fn put_subscription(&self, row: SubscriptionRow) -> Answer<'_, ()> {
        self.write(move |on, _| hooks::put_subscription(on, &row))
    }

    fn remove_subscription(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        self.write(move |on, _| hooks::remove_subscription(on, &connection, &object))
    }

    fn subscriptions(&self, connection: Option<&str>) -> Answer<'_, Vec<SubscriptionRow>> {
        let connection = connection.map(str::to_owned);
        self.read(move |on| hooks::subscriptions(on, connection.as_deref()))
    }

    fn receive(&self, delivery: NewDelivery) -> Answer<'_, Received> {
        self.write(move |on, _| deliveries::receive(on, &delivery))
    }

    fn beat(&self, beat: Beat) -> Answer<'_, ()> {
        self.write(move |on, _| hooks::beat(on, &beat))
    }

    fn close_gap(&self, connection: &str, gap_ms: u64, until_ms: u64) -> Answer<'_, bool> {
        let connection = connection.to_owned();
        self.write(move |on, _| hooks::close_gap(on, &connection, gap_ms, until_ms))
    }

    fn open_gap(&self, connection: &str, since_ms: u64) -> Answer<'_, ()> {
        let connection = connection.to_owned();
        self.write(move |on, _| hooks::open_gap(on, &connection, since_ms))
    }

    fn due(&self, now_ms: u64) -> Answer<'_, Vec<String>> {
        self.read(move |on| events::due(on, now_ms))
    }

    fn lease(&self, connection: &str, lease: Lease, now_ms: u64) -> Answer<'_, bool> {
        let connection = connection.to_owned();
        self.write(move |on, _| hooks::lease(on, &connection, &lease, now_ms))
    }

    fn release(&self, connection: &str, attempt: &str) -> Answer<'_, ()> {
        let (connection, attempt) = (connection.to_owned(), attempt.to_owned());
        self.write(move |on, _| hooks::release(on, &connection, &attempt))
    }

    fn due_events(
        &self,
        connection: &str,
        asks: bool,
        now_ms: u64,
        limit: u32,
    ) -> Answer<'_, Vec<EventRow>> {
        let connection = connection.to_owned();
        self.read(move |on| events::due_of(on, &connection, asks, now_ms, limit))
    }

    fn settle(&self, settled: Vec<Settled>) -> Answer<'_, ()> {
        self.write(move |on, _| events::settle(on, &settled))
    }

    fn read_again(&self, event: u64, new: Vec<NewEvent>) -> Answer<'_, ()> {
        self.write(move |on, _| events::read_again(on, event, &new))
    }

    fn deliveries(
        &self,
        connection: Option<&str>,
        before: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Vec<DeliveryRow>> {
        let connection = connection.map(str::to_owned);
        self.read(move |on| deliveries::before(on, connection.as_deref(), before, limit))
    }

    fn delivery(&self, number: u64) -> Answer<'_, Option<DeliveryRow>> {
        self.read(move |on| deliveries::one(on, number))
    }

    fn dead_events(&self, connection: Option<&str>) -> Answer<'_, Vec<EventRow>> {
        let connection = connection.map(str::to_owned);
        self.read(move |on| events::dead(on, connection.as_deref()))
    }

    fn replay(&self, event: u64, now_ms: u64) -> Answer<'_, bool> {
        self.write(move |on, _| events::replay(on, event, now_ms))
    }

    fn drop_event(&self, event: u64) -> Answer<'_, bool> {
        self.erase(move |on, _| events::remove(on, event))
    }

    fn prune(&self, applied_before_ms: u64, keys_before_ms: u64) -> Answer<'_, bool> {
        self.write(move |on, _| deliveries::prune(on, applied_before_ms, keys_before_ms))
    }

    fn count_events(&self, connection: Option<&str>) -> Answer<'_, (u64, u64)> {
        let connection = connection.map(str::to_owned);
        self.read(move |on| events::count(on, connection.as_deref()))
    }
}
