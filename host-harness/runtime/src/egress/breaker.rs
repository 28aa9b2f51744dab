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
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use connector_contract::types::{Error, ErrorKind};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use crate::error::{CallError, Paused, describe, error};
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
    open: Option<Open>,
}

struct Open {
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
pub struct Breakers {
    all: Mutex<BTreeMap<Circuit, Breaker>>,
}

impl CallScope<'_> {
    /// Of its account, its connection and its object.
    fn circuits(&self) -> (Circuit, Circuit, Option<Circuit>) {
        let connection = self.connection.to_owned();
        let object = self.object.map(|it| Circuit::Object(connection.clone(), it.to_owned()));
        (Circuit::Account(self.account.clone()), Circuit::Connection(connection), object)
    }

    fn all_circuits(&self) -> impl Iterator<Item = Circuit> {
        let (account, connection, object) = self.circuits();
        [account, connection].into_iter().chain(object)
    }
}

impl Breakers {
    /// Asks whether a call may be made.
    ///
    /// # Errors
    /// [`Paused`] while a breaker is open that concerns it.
    pub fn admit(&self, scope: &CallScope<'_>) -> Result<Pass, Box<Paused>> {
        let now = Instant::now();
        let (mut all, mut pass) = (self.all(), Pass { probe: false });
        if all.is_empty() {
            return Ok(pass);
        }
        for circuit in scope.all_circuits() {
            let Some(open) = all.get_mut(&circuit).and_then(|breaker| breaker.open.as_mut()) else {
                continue;
            };
            let is_quota = matches!(circuit, Circuit::Account(_));
            if !is_quota && !Weak::ptr_eq(&open.scrubber, &scope.scrubber) {
                all.remove(&circuit);
                continue;
            }
            if now < open.probe_at && now < open.until {
                return Err(Box::new(open.paused(&circuit, scope, now)));
            }
            pass.probe = true;
            open.probe_at = now + if is_quota { QUOTA_TRY } else { FIRST };
            open.until = if is_quota { open.until } else { open.probe_at };
        }
        Ok(pass)
    }

    /// How long nothing is asked for a connection, whatever the object. Lets no call through.
    pub fn paused(&self, scope: &CallScope<'_>) -> Option<Duration> {
        let (now, all) = (Instant::now(), self.all());
        let open = scope.all_circuits().filter_map(|circuit| {
            let open = all.get(&circuit)?.open.as_ref()?;
            let closes = matches!(circuit, Circuit::Account(_))
                || Weak::ptr_eq(&open.scrubber, &scope.scrubber);
            (closes && now < open.probe_at).then(|| open.until.saturating_duration_since(now))
        });
        open.max().filter(|left| !left.is_zero())
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
            Ok(_) if self.all().is_empty() => return,
            Ok(_) => return scope.all_circuits().for_each(|circuit| self.close(scope, &circuit)),
            Err(CallError::Connector(error)) => error,
            Err(_) => return,
        };
        let (account, connection, object) = scope.circuits();
        match &error.kind {
            ErrorKind::QuotaExhausted(back) => {
                let back = back.map_or(A_DAY, |ms| Duration::from_millis(u64::from(ms)).min(A_DAY));
                self.open(scope, account, error, |_| (back, QUOTA_TRY));
            }
            _ if !asked => {}
            ErrorKind::RateLimited(_) => {}
            ErrorKind::Unauthenticated | ErrorKind::Unavailable | ErrorKind::OutcomeUnknown => {
                self.fail(scope, connection, pass, error, FAILURES);
            }
            kind => {
                if error.http_status.is_some() {
                    self.close(scope, &connection);
                }
                if let (ErrorKind::Forbidden, Some(object)) = (kind, object) {
                    self.fail(scope, object, pass, error, FORBIDDEN);
                }
            }
        }
    }

    fn fail(&self, scope: &CallScope<'_>, circuit: Circuit, pass: Pass, error: &Error, most: u32) {
        let failures = {
            let mut all = self.all();
            make_room(&mut all, &circuit);
            let breaker = all.entry(circuit.clone()).or_default();
            breaker.failures = breaker.failures.saturating_add(1);
            // Calls that began before it opened say nothing new.
            if breaker.open.is_some() && !pass.probe {
                return;
            }
            breaker.failures
        };
        if failures >= most {
            self.open(scope, circuit, error, |before| {
                let length = before.map_or(FIRST, |before| (before * 2).min(LONGEST));
                (length, length)
            });
        }
    }

    /// Opens a breaker for a time, and a while until the first probe, by how long it was open
    /// before.
    fn open(
        &self,
        scope: &CallScope<'_>,
        circuit: Circuit,
        error: &Error,
        times: impl Fn(Option<Duration>) -> (Duration, Duration),
    ) {
        let now = Instant::now();
        let mut all = self.all();
        make_room(&mut all, &circuit);
        let breaker = all.entry(circuit).or_default();
        let before = breaker.open.as_ref();
        let since = before.map_or(scope.time, |before| before.since);
        let (length, probe) = times(before.map(|before| before.length));
        let (until, probe_at, scrubber) = (now + length, now + probe, scope.scrubber.clone());
        breaker.open =
            Some(Open { error: error.clone(), since, length, until, probe_at, scrubber });
        drop(all);
        let (object, why) = (scope.object.map(str::to_owned), describe(error));
        scope.observer.event(&Event::Paused { object, for_about: length, why });
    }

    fn close(&self, scope: &CallScope<'_>, circuit: &Circuit) {
        let was_open = self.all().remove(circuit).is_some_and(|breaker| breaker.open.is_some());
        if was_open {
            scope.observer.event(&Event::Resumed { object: scope.object.map(str::to_owned) });
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Circuit, Breaker>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room(all: &mut BTreeMap<Circuit, Breaker>, circuit: &Circuit) {
    if all.len() < REMEMBERED || all.contains_key(circuit) {
        return;
    }
    let now = Instant::now();
    all.retain(|_, one| one.open.as_ref().is_some_and(|open| open.until + LONGEST > now));
    if all.len() >= REMEMBERED {
        all.pop_first();
    }
}

impl Open {
    fn paused(&self, circuit: &Circuit, scope: &CallScope<'_>, now: Instant) -> Paused {
        let left = self.until.saturating_duration_since(now);
        let until = scope.time + left;
        let told = |at: SystemTime| {
            let at = OffsetDateTime::from(at).replace_nanosecond(0).unwrap_or(at.into());
            at.format(&Rfc3339).unwrap_or_else(|_| format!("{at}"))
        };
        let (since_text, until_text, why) = (told(self.since), told(until), &self.error.message);
        let (what, kind, next) = match (circuit, &self.error.kind) {
            (Circuit::Account(_), _) => {
                let ms = u32::try_from(left.as_millis()).unwrap_or(u32::MAX);
                let next = "wait until then, or get a larger plan";
                ("the account".to_owned(), ErrorKind::QuotaExhausted(Some(ms)), next)
            }
            (Circuit::Connection(_), ErrorKind::Unauthenticated) => {
                let next = "give it valid credentials, which are used at once";
                ("the connection".to_owned(), ErrorKind::Unauthenticated, next)
            }
            (Circuit::Connection(_), _) => {
                let next = "wait until then; see whether the provider is reachable";
                ("the connection".to_owned(), ErrorKind::Unavailable, next)
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

#[cfg(test)]
mod tests;
