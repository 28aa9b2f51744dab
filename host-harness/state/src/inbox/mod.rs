//! What keeps deliveries until they are applied.
//!
//! What a delivery means, what settling an event means, when a gap is open: that is decided once,
//! in [`plan`], from what a database read. A database reads, plans and writes in one step among all
//! who write.

pub mod plan;
mod rows;

pub use self::rows::{
    DeliveryRow, EventEffect, EventRow, EventState, FAILED_TRIES, FailedTry, HookRow, NewDelivery,
    NewEvent, Receipt, SubscriptionRow,
};
use crate::Answer;

/// Keeps hooks, subscriptions, deliveries and their events for all processes of one machine. An
/// answer that came is durable: it outlives the process and a loss of power. The time is the
/// store's. Deliveries that were applied and keys of events are forgotten by
/// [`Store::maintain`](crate::Store::maintain); nothing here shows what a removed connection had.
pub trait Inbox: Send + Sync {
    /// Every hook.
    fn hooks(&self) -> Answer<'_, Vec<HookRow>>;

    /// The hook of a connection: the one that is there, else a new one with this `token`.
    fn make_hook(&self, connection: &str, token: &str) -> Answer<'_, HookRow>;

    /// Adds a subscription, or replaces the one of its connection and object, of which `deliveries`
    /// and `last_ms` stay where they are higher: some may have come meanwhile.
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
    fn due(&self) -> Answer<'_, Vec<String>>;

    /// Takes the right to work on a connection's events for so long from now, or extends it;
    /// `false` while another `holder` (see [`LeaseHolder`](crate::LeaseHolder)) has it.
    fn lease(&self, connection: &str, holder: &str, for_ms: u64) -> Answer<'_, bool>;

    /// Gives that right back.
    fn release(&self, connection: &str, holder: &str) -> Answer<'_, ()>;

    /// Events of a connection that are due, those first that have been for the longest, at most
    /// `limit`: those that need the provider (`asks`), or those that do not.
    fn due_events(&self, connection: &str, asks: bool, limit: u32) -> Answer<'_, Vec<EventRow>>;

    /// Keeps what came of events. One that was given up on opens a gap in the same step. One that
    /// is done stays so, whoever settles it after its lease was over.
    fn settle(&self, settled: Vec<Settled>) -> Answer<'_, ()>;

    /// Puts those events that are new in the place of the one that stood for an unreadable
    /// delivery, due at once.
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

    /// Has an event tried again from now on: a dead one, or one that waits for a later try. Answers whether it
    /// was there.
    fn replay(&self, event: u64) -> Answer<'_, bool>;

    /// Forgets a dead event, and its delivery when no other of it is left. Answers whether it was there.
    fn drop_event(&self, event: u64) -> Answer<'_, bool>;

    /// Events that wait, and dead ones; of one connection or of all.
    fn count_events(&self, connection: Option<&str>) -> Answer<'_, (u64, u64)>;
}

/// A receiver is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
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
    /// In how many milliseconds it is taken up again; `None`: never.
    pub again_after_ms: Option<u64>,
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
            again_after_ms: None,
            asks: false,
            reason: None,
            missed: false,
        }
    }
}
