//! Circuit breakers: calls that would fail all the same are not made for a while.
//!
//! | what came of a call | its account | its connection | its object |
//! |---|---|---|---|
//! | success | closes | closes | closes |
//! | `quota-exhausted` | opens at once, for as long as the provider said, a day at most | | |
//! | `unauthenticated`, `unavailable`, `outcome-unknown` | | counts | |
//! | `forbidden` | | closes | counts |
//! | another error with an HTTP status, `rate-limited` aside | | closes | |
//! | `rate-limited`, no request sent, stopped, too large | | | |
//!
//! Of a connection [`FAILURES`], of one of its objects [`FORBIDDEN`] in a row open the breaker for
//! 30 s, and each time that the call which is then let through fails, for twice as long, 15 min at
//! most. While a quota is used up one call a minute is let through: the provider may have been
//! wrong, and plans change. All other calls are answered at once with [`Paused`]. Other secrets
//! close the breakers of a connection and of its objects.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime};

use connector_contract::permissions::Sharing;
use connector_contract::types::{Error, ErrorKind};
use tokio::time::Instant;

use super::Egress;
use crate::error::{CallError, Paused, describe, error, to_the_second};
use crate::lock::lock;
use crate::observe::{Event, Observer};
use crate::secrets::Scrubber;

/// More than one call with all its repetitions can have (seven), so that none is cut short.
const FAILURES: u32 = 8;
/// Single records may be forbidden, and are put aside one by one; so many in a row are the object.
const FORBIDDEN: u32 = 32;
/// How long a breaker is open at first, and how long one call has to show that it may be closed.
const FIRST: Duration = Duration::from_secs(30);
/// ... and at most.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// How often it is tried whether a quota is used up.
const QUOTA_TRY: Duration = Duration::from_secs(60);
/// A quota is tried again after this time, whatever the provider said.
const A_DAY: Duration = Duration::from_secs(24 * 3_600);
/// Breakers that are remembered. For a further one those go that are not open, or have been due for
/// long, and else any: what is forgotten counts its failures from the beginning.
const REMEMBERED: usize = 10_000;

/// What a breaker stands before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Circuit {
    /// All connections of an account.
    Account(String),
    /// One connection ...
    Connection(String),
    /// ... or one of its objects.
    Object(String, String),
}

/// Whose call it is.
pub struct CallScope<'c> {
    /// Name of its account's limits.
    pub account: String,
    /// Name of its connection.
    pub connection: &'c str,
    /// The object it is about.
    pub object: Option<&'c str>,
    /// Of its secrets as they are now.
    pub scrubber: Weak<Scrubber>,
    /// The time of day.
    pub time: SystemTime,
    /// Told of breakers that open and close.
    pub observer: &'c dyn Observer,
}

/// A call was let through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// To find out whether a breaker may be closed.
    probe: bool,
}

#[derive(Default)]
struct Breaker {
    /// In a row.
    failures: u32,
    open: Option<OpenCircuit>,
}

struct OpenCircuit {
    error: Error,
    since: SystemTime,
    length: Duration,
    /// As far as is known.
    until: Instant,
    /// When one call is let through, at the latest.
    probe_at: Instant,
    scrubber: Weak<Scrubber>,
}

/// The breakers of a process.
#[derive(Default)]
pub struct Breakers(Mutex<BTreeMap<Circuit, Breaker>>);

impl CallScope<'_> {
    fn account(&self) -> Circuit {
        Circuit::Account(self.account.clone())
    }

    fn connection(&self) -> Circuit {
        Circuit::Connection(self.connection.to_owned())
    }

    fn object(&self) -> Option<Circuit> {
        Some(Circuit::Object(self.connection.to_owned(), self.object?.to_owned()))
    }

    fn circuits(&self) -> impl Iterator<Item = Circuit> {
        [self.account(), self.connection()].into_iter().chain(self.object())
    }

    fn tell_paused(&self, for_about: Duration, error: &Error) {
        let (object, why) = (self.object.map(str::to_owned), describe(error));
        self.observer.event(&Event::Paused { object, for_about, why });
    }
}

impl Breakers {
    /// Asks whether a call may be made.
    ///
    /// # Errors
    /// [`Paused`] while a breaker is open that concerns it.
    pub fn admit(&self, scope: &CallScope<'_>) -> Result<Pass, Box<Paused>> {
        let (now, mut all) = (Instant::now(), lock(&self.0));
        let mut half_open = Vec::new();
        if all.is_empty() {
            return Ok(Pass::default());
        }
        for circuit in scope.circuits() {
            match all.get(&circuit).and_then(|breaker| breaker.open.as_ref()) {
                Some(open) if !open.concerns(&circuit, scope) => _ = all.remove(&circuit),
                Some(open) if now < open.probe_at && now < open.until => {
                    return Err(Box::new(open.paused(&circuit, scope, now)));
                }
                Some(_) => half_open.push(circuit),
                None => {}
            }
        }
        // Only now, since a call that another breaker rejects finds nothing out.
        for circuit in &half_open {
            let is_quota = matches!(circuit, Circuit::Account(_));
            if let Some(open) = all.get_mut(circuit).and_then(|breaker| breaker.open.as_mut()) {
                open.probe_at = now + if is_quota { QUOTA_TRY } else { FIRST };
                open.until = if is_quota { open.until } else { open.probe_at };
            }
        }
        Ok(Pass { probe: !half_open.is_empty() })
    }

    /// How long nothing is asked for a connection, whatever the object. Lets no call through.
    pub fn paused(&self, scope: &CallScope<'_>) -> Option<Duration> {
        let (now, all) = (Instant::now(), lock(&self.0));
        let left = scope.circuits().filter_map(|circuit| {
            let open = all.get(&circuit)?.open.as_ref()?;
            let is_closed = open.concerns(&circuit, scope) && now < open.probe_at;
            is_closed.then(|| open.until.saturating_duration_since(now))
        });
        left.max().filter(|left| !left.is_zero())
    }

    /// Notes what came of a call that was let through. `asked`: it sent a request.
    pub fn note<R>(
        &self,
        scope: &CallScope<'_>,
        pass: Pass,
        asked: bool,
        result: &Result<R, CallError>,
    ) {
        let error = match result {
            Ok(_) if lock(&self.0).is_empty() => return,
            Ok(_) => return scope.circuits().for_each(|circuit| self.close(scope, &circuit)),
            Err(CallError::Connector(error)) => error,
            Err(_) => return,
        };
        match &error.kind {
            ErrorKind::QuotaExhausted(back) => {
                let back = back.map_or(A_DAY, |ms| Duration::from_millis(u64::from(ms)).min(A_DAY));
                entry(&mut lock(&self.0), scope.account()).open(scope, error, back, QUOTA_TRY);
                scope.tell_paused(back, error);
            }
            _ if !asked => {}
            ErrorKind::RateLimited(_) => {}
            ErrorKind::Unauthenticated | ErrorKind::Unavailable | ErrorKind::OutcomeUnknown => {
                self.fail(scope, scope.connection(), pass, error, FAILURES);
            }
            kind => {
                if error.http_status.is_some() {
                    self.close(scope, &scope.connection());
                }
                if let (ErrorKind::Forbidden, Some(object)) = (kind, scope.object()) {
                    self.fail(scope, object, pass, error, FORBIDDEN);
                }
            }
        }
    }

    fn fail(&self, scope: &CallScope<'_>, circuit: Circuit, pass: Pass, error: &Error, most: u32) {
        let mut all = lock(&self.0);
        let breaker = entry(&mut all, circuit);
        breaker.failures = breaker.failures.saturating_add(1);
        // Calls that began before it opened say nothing new.
        if breaker.failures < most || breaker.open.is_some() && !pass.probe {
            return;
        }
        let before = breaker.open.as_ref().map(|before| before.length);
        let length = before.map_or(FIRST, |before| (before * 2).min(LONGEST));
        breaker.open(scope, error, length, length);
        drop(all);
        scope.tell_paused(length, error);
    }

    fn close(&self, scope: &CallScope<'_>, circuit: &Circuit) {
        let was_open = lock(&self.0).remove(circuit).is_some_and(|breaker| breaker.open.is_some());
        if was_open {
            scope.observer.event(&Event::Resumed { object: scope.object.map(str::to_owned) });
        }
    }
}

/// The breaker of a circuit; others make room for a new one.
fn entry(all: &mut BTreeMap<Circuit, Breaker>, circuit: Circuit) -> &mut Breaker {
    if all.len() >= REMEMBERED && !all.contains_key(&circuit) {
        let now = Instant::now();
        all.retain(|_, one| one.open.as_ref().is_some_and(|open| open.until + LONGEST > now));
        if all.len() >= REMEMBERED {
            all.pop_first();
        }
    }
    all.entry(circuit).or_default()
}

impl Breaker {
    /// Opens it for `length`, until a first call is let through after `probe`.
    fn open(&mut self, scope: &CallScope<'_>, error: &Error, length: Duration, probe: Duration) {
        let now = Instant::now();
        let since = self.open.as_ref().map_or(scope.time, |before| before.since);
        let (until, probe_at, scrubber) = (now + length, now + probe, scope.scrubber.clone());
        let error = error.clone();
        self.open = Some(OpenCircuit { error, since, length, until, probe_at, scrubber });
    }
}

impl OpenCircuit {
    /// Whether it holds for a call with these secrets: a quota does, whatever they are.
    fn concerns(&self, circuit: &Circuit, scope: &CallScope<'_>) -> bool {
        matches!(circuit, Circuit::Account(_)) || Weak::ptr_eq(&self.scrubber, &scope.scrubber)
    }

    fn paused(&self, circuit: &Circuit, scope: &CallScope<'_>, now: Instant) -> Paused {
        let left = self.until.saturating_duration_since(now);
        let until = scope.time + left;
        let (since_text, until_text) = (to_the_second(self.since), to_the_second(until));
        let why = &self.error.message;
        let connection = || "the connection".to_owned();
        let (what, kind, next) = match (circuit, &self.error.kind) {
            (Circuit::Account(_), _) => {
                let ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX);
                let kind = ErrorKind::QuotaExhausted(Some(ms));
                ("the account".to_owned(), kind, "wait until then, or get a larger plan")
            }
            (Circuit::Connection(_), kind @ ErrorKind::Unauthenticated) => {
                (connection(), kind.clone(), "give it valid credentials, which are used at once")
            }
            (Circuit::Connection(_), _) => {
                let next = "wait until then; see whether the provider is reachable";
                (connection(), ErrorKind::Unavailable, next)
            }
            (Circuit::Object(_, object), kind) => {
                let next = "give the account the right to use it, then wait or connect anew";
                (format!("the object \"{object}\""), kind.clone(), next)
            }
        };
        let message = format!(
            "calls of {what} have failed since {since_text}, so nothing is sent until {until_text}; \
             {next}. The last error: {why}"
        );
        Paused { error: error(kind, message), since: self.since, until, left }
    }
}

impl Egress {
    /// Asks whether a call about `object` may be made.
    ///
    /// # Errors
    /// [`CallError::Paused`] while a breaker is open that concerns it.
    pub fn admit(&self, object: Option<&str>) -> Result<Pass, CallError> {
        let Some(limiter) = &self.limiter else { return Ok(Pass::default()) };
        limiter.breakers.admit(&self.scope(object)).map_err(CallError::Paused)
    }

    /// What came of a call that was admitted. `asked`: it asked for a request.
    pub fn note<R>(
        &self,
        object: Option<&str>,
        pass: Pass,
        asked: bool,
        result: &Result<R, CallError>,
    ) {
        if let Some(limiter) = &self.limiter {
            limiter.breakers.note(&self.scope(object), pass, asked, result);
        }
    }

    /// How long nothing is to be asked of the provider, because calls fail.
    pub fn paused(&self) -> Option<Duration> {
        self.limiter.as_ref()?.breakers.paused(&self.scope(None))
    }

    fn scope<'s>(&'s self, object: Option<&'s str>) -> CallScope<'s> {
        CallScope {
            account: self.scopes.name_of(Sharing::Account),
            connection: &self.scopes.connection,
            object,
            scrubber: Arc::downgrade(&self.secrets.scrubber()),
            time: self.clock.now(),
            observer: self.observer.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests;
