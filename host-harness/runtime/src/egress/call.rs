//! What one call of a connector may still send: reads first, then at most one
//! write, and nothing after it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::http::SendError;

use super::limiter::Ticket;
use super::refused;
use super::scopes::Demand;
use super::unsent::UnsentRequest;
use crate::lock::lock;
use crate::observe::{Event, Observer};
use crate::secrets::Secret;

/// Requests of one call. A connector needs one or two.
const REQUESTS: u32 = 16;
/// A wait that is not worth a new instance, which costs some ten microseconds.
const MOMENT: Duration = Duration::from_millis(20);

/// Kept by the host for each call; the connector cannot reach it.
#[derive(Default)]
pub struct CallSends {
    requests: u32,
    /// What outlives the call when it is dropped.
    pub progress: Progress,
    /// Why it sends nothing at all.
    silent: Option<&'static str>,
    /// An answer was larger than the host takes: asking for less may help.
    pub overflowed: bool,
    /// Show writes and do not send them.
    pub dry_run: bool,
    /// The write that a dry run held back.
    pub planned: Option<UnsentRequest>,
    /// The place of the first request in the limiter's queue, which outlives an instance.
    ticket: Option<Ticket>,
    suspended: bool,
    /// How often it was suspended.
    suspensions: u32,
    /// It waits in place: it asked for something else after it was suspended.
    stays: bool,
    /// What the connector logged before its first request: told once, when that goes.
    log: Vec<Event>,
}

/// How far a call's write has come, for whoever drops the call before its end. Clones see the same.
#[derive(Clone, Default)]
pub struct Progress(Arc<Mutex<Reached>>);

#[derive(Default)]
struct Reached {
    wrote: bool,
    captured: BTreeMap<String, Secret>,
}

impl Progress {
    /// A write went out, or may have.
    pub fn wrote(&self) -> bool {
        lock(&self.0).wrote
    }

    /// The secrets that were taken out of answers, by their names in the manifest.
    pub fn captured(&self) -> BTreeMap<String, Secret> {
        lock(&self.0).captured.clone()
    }

    /// Notes that a write is about to go out, or that certainly nothing of it did.
    pub fn set_wrote(&self, wrote: bool) {
        lock(&self.0).wrote = wrote;
    }

    /// Notes a secret of an answer.
    pub fn capture(&self, name: &str, value: Secret) {
        lock(&self.0).captured.insert(name.to_owned(), value);
    }
}

impl CallSends {
    /// For a call that may be dropped; `progress` tells what became of it.
    pub fn watched(progress: Progress) -> Self {
        Self { progress, ..Self::default() }
    }

    /// For a call whose write is shown and not sent.
    pub fn planning() -> Self {
        Self { dry_run: true, ..Self::default() }
    }

    /// For a call that sends nothing: `what` it does needs no request.
    pub fn silent(what: &'static str) -> Self {
        Self { silent: Some(what), ..Self::default() }
    }

    /// How long the call may wait with its instance for the turn of its request. `None`: until it
    /// comes, since the call has sent something, so that doing it again makes a difference.
    ///
    /// Each time that its instance came too late for its turn, it may wait for twice as long, so
    /// that calls go on where instances are scarce.
    pub fn patience(&self) -> Option<Duration> {
        let restarts = self.requests == 1 && !self.stays;
        restarts.then(|| MOMENT.saturating_mul(1 << self.suspensions.min(16)))
    }

    /// The place in the queue that the call has kept. A connector asks for the same again, since
    /// it can tell no difference; should it not, the place is given up.
    pub fn take_ticket(&mut self, demand: &Demand) -> Option<Ticket> {
        let ticket = self.ticket.take()?;
        self.stays = ticket.demand() != demand;
        (!self.stays).then_some(ticket)
    }

    /// Suspends the call until its request has its turn.
    pub fn suspend(&mut self, ticket: Ticket) {
        self.ticket = Some(ticket);
        self.suspended = true;
    }

    /// Whether the call is suspended: its instance is to be dropped.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// How often it was suspended.
    #[must_use]
    pub fn suspensions(&self) -> u32 {
        self.suspensions
    }

    /// Waits until the request of a suspended call may go, holding no instance. It keeps its place
    /// until the same call, begun anew with an instance, takes its turn: no turn is used up
    /// without one.
    ///
    /// # Errors
    /// The call itself, when it is not suspended.
    pub async fn resume(self) -> Result<Self, Self> {
        let Self { suspended: true, ticket: Some(mut ticket), .. } = self else {
            return Err(self);
        };
        // Why it may not go is told to the call, which meets the same error again.
        let _ = ticket.ready().await;
        let (progress, dry_run) = (self.progress, self.dry_run);
        let (ticket, suspensions) = (Some(ticket), self.suspensions + 1);
        Ok(Self { progress, dry_run, ticket, suspensions, ..Self::default() })
    }

    /// Whether it has asked for a request.
    pub fn has_asked(&self) -> bool {
        self.requests > 0
    }

    /// Takes a line of the connector's log. A call that may still be suspended, and then logs the
    /// same again, keeps it for now.
    pub fn log(&mut self, line: Event, observer: &dyn Observer) {
        if self.silent.is_none() && self.requests == 0 {
            self.log.push(line);
        } else {
            observer.event(&line);
        }
    }

    /// Tells what was kept of the log: the call goes on, or has ended.
    pub fn tell_log(&mut self, observer: &dyn Observer) {
        self.log.drain(..).for_each(|line| observer.event(&line));
    }

    /// Asks whether one more request may go.
    ///
    /// # Errors
    /// [`SendError::Refused`] when the call has written already, or sent too many.
    pub fn admit(&mut self) -> Result<(), SendError> {
        if let Some(what) = self.silent {
            return Err(refused(format!("{what} makes no request")));
        }
        if self.progress.wrote() {
            return Err(refused(
                "this call has already written; a call writes once and sends nothing after it",
            ));
        }
        if self.requests >= REQUESTS {
            return Err(refused(format!("this call has already sent {REQUESTS} requests")));
        }
        self.requests += 1;
        Ok(())
    }
}
