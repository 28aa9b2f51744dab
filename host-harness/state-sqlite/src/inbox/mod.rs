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

use super::writer::Erases;
use super::{Answer, Sqlite};

impl Inbox for Sqlite {
    fn hooks(&self) -> Answer<'_, Vec<HookRow>> {
        Box::pin(self.readers().read(|on| Ok(hooks::all(on)?)))
    }

    fn make_hook(&self, new: HookRow) -> Answer<'_, HookRow> {
        Box::pin(self.writer().write(Erases::No, move |on| hooks::make(on, &new)))
    }

    fn put_subscription(&self, row: SubscriptionRow) -> Answer<'_, ()> {
        Box::pin(self.writer().write(Erases::No, move |on| hooks::put_subscription(on, &row)))
    }

    fn remove_subscription(&self, connection: &str, object: &str) -> Answer<'_, ()> {
        let (connection, object) = (connection.to_owned(), object.to_owned());
        let work = move |on: &_| Ok(hooks::remove_subscription(on, &connection, &object)?);
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn subscriptions(&self, connection: Option<&str>) -> Answer<'_, Vec<SubscriptionRow>> {
        let connection = connection.map(str::to_owned);
        let work = move |on: &_| Ok(hooks::subscriptions(on, connection.as_deref())?);
        Box::pin(self.readers().read(work))
    }

    fn receive(&self, delivery: NewDelivery) -> Answer<'_, Received> {
        let work = move |on: &_| Ok(deliveries::receive(on, &delivery)?);
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn beat(&self, beat: Beat) -> Answer<'_, ()> {
        Box::pin(self.writer().write(Erases::No, move |on| Ok(hooks::beat(on, &beat)?)))
    }

    fn close_gap(&self, connection: &str, gap_ms: u64, until_ms: u64) -> Answer<'_, bool> {
        let connection = connection.to_owned();
        let work = move |on: &_| Ok(hooks::close_gap(on, &connection, gap_ms, until_ms)?);
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn open_gap(&self, connection: &str, since_ms: u64) -> Answer<'_, ()> {
        let connection = connection.to_owned();
        let work = move |on: &_| Ok(hooks::open_gap(on, &connection, since_ms)?);
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn due(&self, now_ms: u64) -> Answer<'_, Vec<String>> {
        Box::pin(self.readers().read(move |on| Ok(events::due(on, now_ms)?)))
    }

    fn lease(&self, connection: &str, lease: Lease, now_ms: u64) -> Answer<'_, bool> {
        let connection = connection.to_owned();
        let work = move |on: &_| Ok(hooks::lease(on, &connection, &lease, now_ms)?);
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn release(&self, connection: &str, attempt: &str) -> Answer<'_, ()> {
        let (connection, attempt) = (connection.to_owned(), attempt.to_owned());
        let work = move |on: &_| Ok(hooks::release(on, &connection, &attempt)?);
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn due_events(
        &self,
        connection: &str,
        asks: bool,
        now_ms: u64,
        limit: u32,
    ) -> Answer<'_, Vec<EventRow>> {
        let connection = connection.to_owned();
        let work = move |on: &_| Ok(events::due_of(on, &connection, asks, now_ms, limit)?);
        Box::pin(self.readers().read(work))
    }

    fn settle(&self, settled: Vec<Settled>) -> Answer<'_, ()> {
        Box::pin(self.writer().write(Erases::No, move |on| Ok(events::settle(on, &settled)?)))
    }

    fn read_again(&self, event: u64, new: Vec<NewEvent>) -> Answer<'_, ()> {
        Box::pin(
            self.writer().write(Erases::No, move |on| Ok(events::read_again(on, event, &new)?)),
        )
    }

    fn deliveries(
        &self,
        connection: Option<&str>,
        before: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Vec<DeliveryRow>> {
        let connection = connection.map(str::to_owned);
        let work = move |on: &_| Ok(deliveries::before(on, connection.as_deref(), before, limit)?);
        Box::pin(self.readers().read(work))
    }

    fn delivery(&self, number: u64) -> Answer<'_, Option<DeliveryRow>> {
        Box::pin(self.readers().read(move |on| Ok(deliveries::one(on, number)?)))
    }

    fn dead_events(&self, connection: Option<&str>) -> Answer<'_, Vec<EventRow>> {
        let connection = connection.map(str::to_owned);
        Box::pin(self.readers().read(move |on| Ok(events::dead(on, connection.as_deref())?)))
    }

    fn replay(&self, event: u64, now_ms: u64) -> Answer<'_, bool> {
        Box::pin(self.writer().write(Erases::No, move |on| Ok(events::replay(on, event, now_ms)?)))
    }

    fn drop_event(&self, event: u64) -> Answer<'_, bool> {
        Box::pin(self.writer().write(Erases::Yes, move |on| Ok(events::remove(on, event)?)))
    }

    fn prune(&self, applied_before_ms: u64, keys_before_ms: u64) -> Answer<'_, bool> {
        let work = move |on: &_| Ok(deliveries::prune(on, applied_before_ms, keys_before_ms)?);
        Box::pin(self.writer().write(Erases::No, work))
    }

    fn count_events(&self, connection: Option<&str>) -> Answer<'_, (u64, u64)> {
        let connection = connection.map(str::to_owned);
        Box::pin(self.readers().read(move |on| Ok(events::count(on, connection.as_deref())?)))
    }
}
