//! Who goes next: first come first served within a connection, round robin
//! between the connections of an account.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::rule::Rule;

/// Names one waiting request.
pub type Ticket = u64;

struct Waiter {
    ticket: Ticket,
    limits: Vec<String>,
    go: oneshot::Sender<()>,
}

/// Limits and those who wait for them.
#[derive(Default)]
pub struct Queue {
    rules: BTreeMap<String, Rule>,
    /// In the order in which the connections are served next.
    lanes: VecDeque<(u64, VecDeque<Waiter>)>,
    tickets: Ticket,
}

impl Queue {
    /// Declares a limit, unless it is known already.
    pub fn declare(&mut self, name: &str, requests: u32, window: Duration, now: Instant) {
        self.rules.entry(name.to_owned()).or_insert_with(|| Rule::new(requests, window, now));
    }

    /// Joins the end of the connection's lane.
    pub fn join(&mut self, connection: u64, limits: &[String]) -> (Ticket, oneshot::Receiver<()>) {
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
            let next = lane.iter().position(|waiter| self.ready_at(&waiter.limits, now).1 <= now);
            let Some(next) = next else { continue };
            let Some((connection, mut lane)) = self.lanes.remove(index) else {
                return false;
            };
            if let Some(waiter) = lane.remove(next)
                && waiter.go.send(()).is_ok()
            {
                self.take(&waiter.limits, now);
            }
            if !lane.is_empty() {
                self.lanes.push_back((connection, lane));
            }
            return true;
        }
        false
    }

    /// Which of `limits` holds a request back longest, and until when.
    #[must_use]
    pub fn ready_at<'a>(&self, limits: &'a [String], now: Instant) -> (&'a str, Instant) {
        let known = limits.iter().filter_map(|name| Some((name, self.rules.get(name)?)));
        known
            .map(|(name, rule)| (name.as_str(), rule.ready_at(now)))
            .max_by_key(|(_, at)| *at)
            .unwrap_or(("", now))
    }

    /// Slows down the limit with the shortest window: the one that an endpoint has for itself.
    pub fn throttled(&mut self, limits: &[String], pause: Option<Duration>, now: Instant) {
        let own = limits
            .iter()
            .filter(|name| self.rules.contains_key(*name))
            .min_by_key(|name| self.rules.get(*name).map(Rule::window));
        if let Some(rule) = own.and_then(|name| self.rules.get_mut(name)) {
            let pause = pause.unwrap_or_else(|| rule.window());
            rule.throttled(pause, now);
        }
    }

    fn take(&mut self, limits: &[String], now: Instant) {
        for name in limits {
            if let Some(rule) = self.rules.get_mut(name) {
                rule.take(now);
            }
        }
    }
}
