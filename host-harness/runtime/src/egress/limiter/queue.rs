//! Who goes next: first come first served within a connection, round robin
//! between the connections of an account.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use connector_contract::limits::slots::Reserved;
use connector_contract::limits::{Report, Shared};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::room::{Room, Wake};

/// Names one waiting request.
pub type Ticket = u64;

struct Waiter {
    ticket: Ticket,
    limits: Vec<Shared>,
    go: oneshot::Sender<()>,
}

/// Limits and those who wait for them.
pub struct Queue {
    room: Room,
    /// In the order in which the connections are served next.
    lanes: VecDeque<(u64, VecDeque<Waiter>)>,
    tickets: Ticket,
}

impl Queue {
    /// Nobody waits yet.
    pub fn new(room: Room) -> Self {
        Self { room, lanes: VecDeque::new(), tickets: 0 }
    }

    /// Joins the end of the connection's lane.
    pub fn join(&mut self, connection: u64, limits: &[Shared]) -> (Ticket, oneshot::Receiver<()>) {
        let (go, may_go) = oneshot::channel();
        self.tickets += 1;
        let waiter = Waiter { ticket: self.tickets, limits: limits.to_vec(), go };
        match self.lanes.iter_mut().find(|(name, _)| *name == connection) {
            Some((_, lane)) => lane.push_back(waiter),
            None => self.lanes.push_back((connection, VecDeque::from([waiter]))),
        }
        (self.tickets, may_go)
    }

    /// Leaves without having been served.
    pub fn leave(&mut self, ticket: Ticket) {
        for (_, lane) in &mut self.lanes {
            lane.retain(|waiter| waiter.ticket != ticket);
        }
        self.lanes.retain(|(_, lane)| !lane.is_empty());
    }

    /// Lets go whoever may.
    pub fn serve(&mut self, now: Instant) {
        while self.serve_one(now) {}
    }

    fn serve_one(&mut self, now: Instant) -> bool {
        for index in 0..self.lanes.len() {
            let Some((_, lane)) = self.lanes.get(index) else {
                return false;
            };
            let next = lane.iter().position(|waiter| self.room.is_ready(&waiter.limits, now));
            let Some(next) = next else { continue };
            let Some((connection, mut lane)) = self.lanes.remove(index) else {
                return false;
            };
            if let Some(waiter) = lane.remove(next)
                && waiter.go.send(()).is_ok()
            {
                self.room.take(&waiter.limits, now);
            }
            if !lane.is_empty() {
                self.lanes.push_back((connection, lane));
            }
            return true;
        }
        false
    }

    /// What a request that counts against `limits` waits for; `None` when slots have to be
    /// reserved first.
    #[must_use]
    pub fn wake(&self, limits: &[Shared], now: Instant) -> Option<Wake> {
        self.room.wake(limits, now)
    }

    /// How many wait for `limits`.
    #[must_use]
    pub fn waiting(&self, limits: &[Shared]) -> usize {
        let lanes = self.lanes.iter().flat_map(|(_, lane)| lane);
        lanes.filter(|waiter| waiter.limits == limits).count()
    }

    /// Keeps what was reserved for `limits`.
    pub fn put(&mut self, limits: &[Shared], reserved: Reserved) {
        self.room.put(limits, reserved);
    }

    /// Gives up slots that are too late.
    pub fn drop_late(&mut self, now: Instant, time: SystemTime) {
        self.room.drop_late(now, time);
    }

    /// Nothing that counts against `limit` goes for `pause`, and then less.
    pub fn throttled(&mut self, limit: &Shared, pause: Duration, now: Instant) {
        self.room.throttled(limit, pause, now);
    }

    /// The provider told how far `limit` is used.
    pub fn report(&mut self, limit: &Shared, report: Report, now: Instant) {
        self.room.report(limit, report, now);
    }
}
