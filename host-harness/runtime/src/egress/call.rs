//! What one call of a connector may still send: reads first, then at most one
//! write, and nothing after it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_contract::http::SendError;

use super::limiter::Places;
use super::network::Pending;
use super::policy::Refused;
use super::sharers::Demand;
use crate::secrets::Secret;

/// Requests of one call. A connector needs one or two.
const REQUESTS: u32 = 16;

/// What a request waits for: how long that took and the places it has, or why it may not go.
pub type Turn = Result<(Duration, Places), SendError>;

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
    pub planned: Option<Planned>,
    /// The turn of the first request, which is waited for without an instance.
    waiting: Option<Waiting>,
    /// The same, once it has come: the call has begun anew.
    in_hand: Option<(Demand, Turn)>,
    begun_anew: bool,
}

struct Waiting {
    demand: Demand,
    turn: Mutex<Pending<'static, Turn>>,
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
    #[must_use]
    pub fn wrote(&self) -> bool {
        self.reached().wrote
    }

    /// The secrets that were taken out of answers, by their names in the manifest.
    #[must_use]
    pub fn captured(&self) -> BTreeMap<String, Secret> {
        self.reached().captured.clone()
    }

    /// Notes that a write is about to go out, or that certainly nothing of it did.
    pub fn set_wrote(&self, wrote: bool) {
        self.reached().wrote = wrote;
    }

    /// Notes a secret of an answer.
    pub fn capture(&self, name: &str, value: Secret) {
        self.reached().captured.insert(name.to_owned(), value);
    }

    fn reached(&self) -> MutexGuard<'_, Reached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that was not sent because the call is a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its name in the manifest.
    pub endpoint: String,
    /// Upper case.
    pub method: String,
    /// Absolute, with query.
    pub url: String,
    /// The connector's headers, then those that hold a secret, by the secret's name.
    pub headers: Vec<(String, String)>,
    /// The body as it would be sent, without secrets.
    pub body: Option<Vec<u8>>,
}

impl CallSends {
    /// For a call that may be dropped; `progress` tells what became of it.
    #[must_use]
    pub fn watched(progress: Progress) -> Self {
        Self { progress, ..Self::default() }
    }

    /// For a call whose write is shown and not sent.
    #[must_use]
    pub fn planning() -> Self {
        Self { dry_run: true, ..Self::default() }
    }

    /// A write went out, or may have.
    #[must_use]
    pub fn wrote(&self) -> bool {
        self.progress.wrote()
    }

    /// For a call that sends nothing: `what` it does needs no request.
    #[must_use]
    pub fn silent(what: &'static str) -> Self {
        Self { silent: Some(what), ..Self::default() }
    }

    /// Whether the call may be put down for its turn: it has sent nothing, so that doing it again
    /// from the beginning makes no difference, and was not put down before.
    #[must_use]
    pub fn may_be_put_down(&self) -> bool {
        self.requests == 1 && !self.begun_anew
    }

    /// Puts the call down until its first request, of this `demand`, has its turn.
    pub fn put_down(&mut self, demand: Demand, turn: Pending<'static, Turn>) {
        self.waiting = Some(Waiting { demand, turn: Mutex::new(turn) });
    }

    /// Whether the call has been put down: its instance is to be dropped.
    #[must_use]
    pub fn is_put_down(&self) -> bool {
        self.waiting.is_some()
    }

    /// Waits for the turn of a call that was put down. Answers what the same call, begun anew, may
    /// send.
    ///
    /// # Errors
    /// The call itself, when it was not put down.
    pub async fn wait(mut self) -> Result<Self, Self> {
        let Some(Waiting { demand, turn }) = self.waiting.take() else { return Err(self) };
        let turn = turn.into_inner().unwrap_or_else(PoisonError::into_inner).await;
        let (progress, dry_run) = (self.progress, self.dry_run);
        let in_hand = Some((demand, turn));
        Ok(Self { progress, dry_run, in_hand, begun_anew: true, ..Self::default() })
    }

    /// The turn that came while the call was put down. A connector asks for the same again, since
    /// it can tell no difference; should it not, the turn is given up.
    pub fn take_turn(&mut self, demand: &Demand) -> Option<Turn> {
        let (wanted, turn) = self.in_hand.take()?;
        (wanted == *demand).then_some(turn)
    }

    /// Asks whether one more request may go.
    ///
    /// # Errors
    /// [`Refused`] when the call has written already, or sent too many.
    pub fn admit(&mut self) -> Result<(), Refused> {
        if let Some(what) = self.silent {
            return Err(Refused(format!("{what} makes no request")));
        }
        if self.wrote() {
            return Err(Refused(
                "this call has already written; a call writes once and sends nothing after it"
                    .to_owned(),
            ));
        }
        if self.requests >= REQUESTS {
            return Err(Refused(format!("this call has already sent {REQUESTS} requests")));
        }
        self.requests += 1;
        Ok(())
    }
}
