//! What keeps deliveries until they are applied.

mod rows;

pub use self::rows::{
    DeliveryRow, EventEffect, EventRow, EventState, HookRow, NewDelivery, NewEvent, Receipt,
    SubscriptionRow,
};
use crate::{Answer, Lease};

/// Keeps hooks, subscriptions, deliveries and their events for all processes of one machine. An
/// answer that came is durable: it outlives the process and a loss of power.
pub trait Inbox: Send + Sync {
    /// Every hook.
    fn hooks(&self) -> Answer<'_, Vec<HookRow>>;

    /// The hook of `new`'s connection: the one that is there, else `new`.
    fn make_hook(&self, new: HookRow) -> Answer<'_, HookRow>;

    /// Adds a subscription, or replaces the one of its connection and object.
    fn put_subscription(&self, row: SubscriptionRow) -> Answer<'_, ()>;

    /// Forgets a subscription.
    fn remove_subscription(&self, connection: &str, object: &str) -> Answer<'_, ()>;

    /// Subscriptions of one connection or of all, by connection and object.
    fn subscriptions(&self, connection: Option<&str>) -> Answer<'_, Vec<SubscriptionRow>>;

    /// Keeps those events of a delivery that are new, and the delivery with them, and notes that
    /// its subscriptions work. One that could not be read opens a gap in the same step.
    fn receive(&self, delivery: NewDelivery) -> Answer<'_, Receipt>;

    /// Notes that a receiver is there. A connection that none served for longer than
    /// `beat.gap_after_ms` has a gap from then on. Writes in any case, so an answer says that the
    /// disk takes what comes.
    fn beat(&self, beat: Beat) -> Answer<'_, ()>;

    /// A scan that overlaps all from `gap_ms` until `until_ms` is complete: forgets the gap,
    /// unless a new one began earlier, and keeps of it what was missed later. Answers whether none
    /// is left.
    fn close_gap(&self, connection: &str, gap_ms: u64, until_ms: u64) -> Answer<'_, bool>;

    /// Deliveries of a connection may have been missed since `since_ms`.
    fn open_gap(&self, connection: &str, since_ms: u64) -> Answer<'_, ()>;

    /// Connections with events that are due.
    fn due(&self, now_ms: u64) -> Answer<'_, Vec<String>>;

    /// Takes the right to work on a connection's events, or extends it; `false` while somebody
    /// else has it.
    fn lease(&self, connection: &str, lease: Lease, now_ms: u64) -> Answer<'_, bool>;

    /// Gives that right back.
    fn release(&self, connection: &str, attempt: &str) -> Answer<'_, ()>;

    /// Events of a connection that are due, in the order of their numbers, at most `limit`:
    /// those that need the provider (`asks`), or those that do not.
    fn due_events(
        &self,
        connection: &str,
        asks: bool,
        now_ms: u64,
        limit: u32,
    ) -> Answer<'_, Vec<EventRow>>;

    /// Keeps what came of events. One that was given up on opens a gap in the same step.
    fn settle(&self, settled: Vec<Settled>) -> Answer<'_, ()>;

    /// Puts new events in the place of the one that stood for an unreadable delivery.
    fn read_again(&self, event: u64, events: Vec<NewEvent>) -> Answer<'_, ()>;

    /// Deliveries with numbers below `before`, newest first, without their bodies; of one
    /// connection or of all.
    fn deliveries(
        &self,
        connection: Option<&str>,
        before: Option<u64>,
        limit: u32,
    ) -> Answer<'_, Vec<DeliveryRow>>;

    /// One delivery, whole.
    fn delivery(&self, number: u64) -> Answer<'_, Option<DeliveryRow>>;

    /// Events that were given up on, oldest first; of one connection or of all.
    fn dead_events(&self, connection: Option<&str>) -> Answer<'_, Vec<EventRow>>;

    /// Has a dead event tried again from `now_ms` on. Answers whether it was there.
    fn replay(&self, event: u64, now_ms: u64) -> Answer<'_, bool>;

    /// Forgets a dead event. Answers whether it was there.
    fn drop_event(&self, event: u64) -> Answer<'_, bool>;

    /// Forgets deliveries that were applied before `applied_before_ms` and keys from before
    /// `keys_before_ms`, some at a time. Answers whether there is more.
    fn prune(&self, applied_before_ms: u64, keys_before_ms: u64) -> Answer<'_, bool>;

    /// Events that wait, and dead ones; of one connection or of all.
    fn count_events(&self, connection: Option<&str>) -> Answer<'_, (u64, u64)>;
}

/// A receiver is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// The time of day, in milliseconds since 1970.
    pub now_ms: u64,
    /// A connection that was served longer ago has a gap.
    pub gap_after_ms: u64,
    /// Connections that it serves, each with how many deliveries were refused since the last beat.
    pub served: Vec<(String, u64)>,
}

/// What came of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its number.
    pub event: u64,
    /// How far it is.
    pub state: EventState,
    /// Failed tries.
    pub attempts: u32,
    /// When it is taken up again.
    pub next_ms: Option<u64>,
    /// It needs the provider from now on.
    pub asks: bool,
    /// What went wrong.
    pub reason: Option<String>,
    /// It was given up on, and its record was not read: a scan has to bring it.
    pub missed: bool,
}

impl Settled {
    /// As the event is, with nothing left to do about it.
    #[must_use]
    pub fn of(event: &EventRow) -> Self {
        Self {
            event: event.number,
            state: event.state,
            attempts: event.attempts,
            next_ms: None,
            asks: false,
            reason: None,
            missed: false,
        }
    }
}
