//! The only way out. Each request passes, in this order: manifest, call rule,
//! secrets, limits, address, TLS, bounded answer, captures, scrubbing.

mod address;
mod body;
mod breaker;
mod call;
mod client;
mod connect;
mod credentials;
mod http_connection;
mod limiter;
mod network;
mod options;
mod origin;
mod path;
mod place;
mod policy;
mod pool;
mod proxy;
mod resolve;
mod retry_after;
mod scopes;
mod server_clock;
mod target;
mod template;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use connector_contract::clock::{Clock, unix_ms};
use connector_contract::http::{Request, Response, SendError};
use connector_contract::limits::Report;
use connector_contract::permissions::Place;
use http::header::{HeaderValue, USER_AGENT};
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

use self::breaker::CallScope;
pub(crate) use self::breaker::Pass;
pub(crate) use self::call::CallSends;
pub use self::call::{Planned, Progress};
pub use self::client::{Answer, Fault, HttpClient};
pub use self::credentials::Filled;
use self::credentials::Unfilled;
pub use self::limiter::{InFlight, Limiter, NoTurn, Ticket};
pub use self::network::{Connect, Pending, StandIns, Stream, Tcp};
pub use self::options::{EgressError, EgressOptions};
pub use self::origin::{BadOrigin, Origin};
pub(crate) use self::place::{At, find as find_member};
use self::policy::Admitted;
pub(crate) use self::policy::frames;
pub use self::policy::{Policy, Refused};
pub use self::proxy::{BadProxy, Proxy};
pub use self::retry_after::retry_after;
pub(crate) use self::scopes::LimitScopes;
pub use self::scopes::{AtOnce, Demand, limit_scopes};
pub(crate) use self::server_clock::{SKEW_WORTH_CORRECTING_MS, ServerClock};
pub(crate) use self::template::Template;
use crate::error::CallError;
use crate::observe::{Event, Exchange, Observer};
use crate::secrets::{Secret, Secrets};

/// A limit is held no longer than this for one answer, whatever it asks for: a quota of hours ends
/// the call that met it, and one request a minute finds out whether that answer was wrong, or the
/// account's plan is another one by now.
const LONGEST_HELD: Duration = Duration::from_secs(60);

/// Keeps secrets that were taken out of an answer, for good.
pub trait Keep: Send + Sync {
    /// Keeps them, by name. When this has answered `Ok`, they are not lost any more.
    fn keep(&self, captured: Vec<(String, Secret)>) -> Pending<'_, Result<(), String>>;
}

/// Way out of one connection. Clones share everything but what is put in place of it.
#[derive(Clone)]
pub(crate) struct Egress {
    /// What the manifest allows.
    pub policy: Arc<Policy>,
    /// Sends requests, on HTTP connections that others use too.
    pub http: Arc<HttpClient>,
    /// Secrets to fill, capture and scrub.
    pub secrets: Arc<Secrets>,
    /// Where captured secrets are kept before the answer goes on; `None`: whoever made the call
    /// keeps them with its result.
    pub keep: Option<Arc<dyn Keep>>,
    /// Shared by connections; `None` switches limits off, towards loopback only.
    pub limiter: Option<Arc<Limiter>>,
    /// With whom each limit is shared.
    pub scopes: Arc<LimitScopes>,
    /// Tells connections apart in the limiter's queue.
    pub connection: u64,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// The host's time of day.
    pub clock: Arc<dyn Clock>,
    /// What its answers tell of the server's clock.
    pub server_clock: Arc<ServerClock>,
    /// Who asks: see [`user_agent`].
    pub user_agent: HeaderValue,
}

/// `User-Agent` (RFC 9110 section 10.1.5) of a connector's requests: this program, then the
/// connector. What stands in its manifest and not in a product's name is left out.
#[must_use]
pub(crate) fn user_agent(connector: &str, version: &str) -> HeaderValue {
    let host = concat!("connector-host/", env!("CARGO_PKG_VERSION"));
    let token = |text: &str| -> String {
        let allowed = |c: &char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*c);
        text.chars().filter(allowed).collect()
    };
    let text = match (token(connector), token(version)) {
        (name, _) if name.is_empty() => host.to_owned(),
        (name, version) if version.is_empty() => format!("{host} {name}"),
        (name, version) => format!("{host} {name}/{version}"),
    };
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(host))
}

impl Egress {
    /// Sends one request of a call, or says exactly why not.
    ///
    /// # Errors
    /// The contract's `send-error`.
    pub async fn send(
        &self,
        call: &mut CallSends,
        request: &Request,
    ) -> Result<Response, SendError> {
        let refused = |why: Refused| SendError::Refused(self.secrets.scrubber().text(&why.0));
        let admitted = self.policy.admit(request).map_err(refused)?;
        call.admit().map_err(refused)?;
        let filled = credentials::fill(&admitted, request, self.policy.settings(), &self.secrets);
        let mut filled = filled.map_err(|why| match why {
            Unfilled::Refused(why) => refused(why),
            Unfilled::NoSecret(name) => {
                SendError::NoSecret(format!("the connection has no secret \"{name}\""))
            }
        })?;
        filled.headers.entry(USER_AGENT).or_insert_with(|| self.user_agent.clone());
        let endpoint = &admitted.rule.endpoint;
        if endpoint.writes && call.dry_run {
            call.planned = Some(plan(request, &admitted));
            return Err(SendError::Refused("a dry run sends no write".to_owned()));
        }
        let demand = self.scopes.demand(endpoint, request.cost).map_err(refused)?;
        let (waited, _in_flight) = self.turn(call, &admitted, &demand).await?;
        call.tell_log(self.observer.as_ref());
        let began = Instant::now();
        let (method, origin) = (&endpoint.method, &admitted.origin);
        let progress = if endpoint.writes { call.progress.clone() } else { Progress::default() };
        let span = tracing::debug_span!(
            "request",
            endpoint = endpoint.name,
            %origin,
            status = tracing::field::Empty,
        );
        let exchange = self.http.exchange(origin, method, &filled, &progress);
        let result = exchange.instrument(span.clone()).await;
        if let Ok(answer) = &result {
            span.record("status", answer.status);
        }
        span.in_scope(|| self.report(&admitted, &filled, &result, waited, began.elapsed()));
        match result {
            Ok(answer) => {
                self.heed(&demand, &answer).await;
                self.take(&admitted, answer, &call.progress).await
            }
            Err(fault) => {
                call.overflowed |= matches!(fault, Fault::TooLarge(_));
                Err(self.send_error(&fault))
            }
        }
    }

    /// Asks whether a call about `object` may be made.
    ///
    /// # Errors
    /// [`CallError::Paused`] while a [breaker](breaker) is open that concerns it.
    pub fn admit(&self, object: Option<&str>) -> Result<Pass, CallError> {
        let admitted = self.limiter.as_ref().map(|it| it.breakers().admit(&self.scope(object)));
        match admitted {
            Some(Err(paused)) => Err(CallError::Paused(paused)),
            Some(Ok(pass)) => Ok(pass),
            None => Ok(Pass::default()),
        }
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
            limiter.breakers().note(&self.scope(object), pass, asked, result);
        }
    }

    /// How long nothing is to be asked of the provider, because calls fail.
    #[must_use]
    pub fn paused(&self) -> Option<Duration> {
        self.limiter.as_ref()?.breakers().paused(&self.scope(None))
    }

    fn scope<'s>(&'s self, object: Option<&'s str>) -> CallScope<'s> {
        CallScope {
            account: self.scopes.account(),
            connection: self.scopes.connection(),
            object,
            scrubber: Arc::downgrade(&self.secrets.scrubber()),
            time: self.clock.now(),
            observer: self.observer.as_ref(),
        }
    }

    /// The provider told what is left of a limit that the manifest declares; others are ignored.
    pub async fn limit_told(&self, name: &str, report: Report) {
        if let (Some(limiter), Some(limit)) = (&self.limiter, self.scopes.charge_of(name)) {
            self.scopes.set_total(name, report.total);
            limiter.report(&limit, report).await;
        }
    }

    /// Now, by the provider's clock as far as it is known: milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        unix_ms(self.clock.now()).saturating_add_signed(self.correction_ms())
    }

    /// A moment by the provider's clock, as [`Egress::now_ms`] tells it, by the host's own.
    #[must_use]
    pub fn by_own_clock(&self, theirs_ms: u64) -> u64 {
        theirs_ms.saturating_add_signed(self.correction_ms().saturating_neg())
    }

    /// What the provider's clock is ahead of the host's own, as far as that matters.
    #[must_use]
    pub fn correction_ms(&self) -> i64 {
        self.server_clock.correction_ms()
    }

    /// A time that by the provider's clock has passed, whichever of the clocks and answers that
    /// disagree is right: milliseconds since 1970.
    #[must_use]
    pub fn certainly_ms(&self) -> u64 {
        unix_ms(self.clock.now()).saturating_add_signed(self.server_clock.least_ms())
    }

    /// Waits for the turn of a request. Answers how long that took. A call that would wait longer
    /// than its patience is suspended instead, so that it holds no instance meanwhile.
    async fn turn(
        &self,
        call: &mut CallSends,
        admitted: &Admitted<'_>,
        demand: &Demand,
    ) -> Result<(Duration, InFlight), SendError> {
        let Some(limiter) = &self.limiter else {
            return if admitted.origin.is_loopback() {
                Ok((Duration::ZERO, InFlight::default()))
            } else {
                let origin = &admitted.origin;
                Err(SendError::Refused(format!("limits are off, and {origin} is not this machine")))
            };
        };
        let kept = call.take_ticket(demand);
        let patience = call.patience();
        let mut ticket = kept.unwrap_or_else(|| {
            limiter.queue_up(self.connection, patience.is_none(), demand, &self.observer)
        });
        let turn = match patience {
            Some(patience) => timeout(patience, ticket.turn()).await,
            None => Ok(ticket.turn().await),
        };
        match turn {
            Ok(turn) => turn.map_err(|why| no_turn(&why)),
            Err(_) => {
                call.suspend(demand.clone(), ticket);
                // Nobody sees it: the instance is dropped.
                Err(SendError::NotSent("suspended until its turn".to_owned()))
            }
        }
    }

    async fn heed(&self, demand: &Demand, answer: &Answer) {
        if answer.status == 429
            && let Some(limiter) = &self.limiter
        {
            let pause = retry_after(answer, self.clock.now()).map(|it| it.min(LONGEST_HELD));
            limiter.throttled(&demand.rates, pause).await;
        }
    }

    /// The answer as the connector sees it. What was captured is kept before.
    async fn take(
        &self,
        admitted: &Admitted<'_>,
        mut answer: Answer,
        progress: &Progress,
    ) -> Result<Response, SendError> {
        self.server_clock.learn(&answer, self.clock.now());
        let mut captured = Vec::new();
        if (200..300).contains(&answer.status) {
            let taken = credentials::capture(admitted.rule, &mut answer);
            captured.extend(taken.iter().map(|(name, _)| name.clone()));
            for (name, value) in &taken {
                progress.capture(name, value.clone());
                self.secrets.succeed(name.clone(), value.clone());
            }
            if let Some(keep) = self.keep.as_ref().filter(|_| !taken.is_empty()) {
                keep.keep(taken).await.map_err(|why| {
                    let text = format!("the secrets in the answer could not be kept: {why}");
                    SendError::Unanswered(self.secrets.scrubber().text(&text))
                })?;
            }
        }
        // After the capture, so that the captured values are searched for too.
        let scrubber = self.secrets.scrubber();
        let headers = answer.headers.iter();
        let clean = |(name, value): &(String, String)| (scrubber.text(name), scrubber.text(value));
        Ok(Response {
            status: answer.status,
            headers: headers.map(clean).collect(),
            body: scrubber.bytes(answer.body),
            captured,
        })
    }

    fn send_error(&self, fault: &Fault) -> SendError {
        let text = self.secrets.scrubber().text(&fault.to_string());
        match fault {
            Fault::NotSent(_) => SendError::NotSent(text),
            Fault::Refused(_) => SendError::Refused(text),
            Fault::Unanswered(_) | Fault::TooLarge(_) => SendError::Unanswered(text),
        }
    }

    fn report(
        &self,
        admitted: &Admitted<'_>,
        filled: &Filled,
        result: &Result<Answer, Fault>,
        waited: Duration,
        took: Duration,
    ) {
        let scrubber = self.secrets.scrubber();
        self.observer.event(&Event::Exchange(Exchange {
            endpoint: admitted.rule.endpoint.name.clone(),
            method: admitted.rule.endpoint.method.clone(),
            origin: admitted.origin.to_string(),
            path: scrubber.text(&without_values(admitted)),
            sent_bytes: filled.body.len(),
            outcome: match result {
                Ok(answer) => Ok(answer.status),
                Err(fault) => Err(scrubber.text(&fault.to_string())),
            },
            received_bytes: result.as_ref().map_or(0, |answer| answer.body.len()),
            waited,
            took,
        }));
    }
}

fn no_turn(no_turn: &NoTurn) -> SendError {
    match no_turn {
        NoTurn::NoRoom { after } => {
            SendError::Limited(u32::try_from(after.as_millis()).unwrap_or(u32::MAX))
        }
        NoTurn::Unknown(_) => SendError::NotSent(no_turn.to_string()),
    }
}

/// The path with the names of its query and no values: those may be a customer's data.
fn without_values(admitted: &Admitted<'_>) -> String {
    let Some(query) = &admitted.query else { return admitted.path.clone() };
    let names = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) => name,
        None => pair,
    });
    format!("{}?{}", admitted.path, names.collect::<Vec<_>>().join("&"))
}

fn plan(request: &Request, admitted: &Admitted<'_>) -> Planned {
    let mut headers = request.headers.clone();
    let uses = admitted.rule.uses.iter().filter(|one| request.secret_uses.contains(&one.name));
    for one in uses {
        let secret = format!("[secret {}]", one.secret);
        headers.push(match &one.place {
            Place::Header(place) => (place.name.clone(), format!("{}{secret}", place.prefix)),
            Place::BasicPassword(user) => {
                ("authorization".to_owned(), format!("Basic {user}:{secret}"))
            }
            Place::BasicUser(password) => {
                ("authorization".to_owned(), format!("Basic {secret}:{password}"))
            }
            Place::FormField(name) => (format!("form field {name}"), secret),
            Place::Query(name) => (format!("query parameter {name}"), secret),
            Place::Json(pointer) => (format!("JSON member {pointer}"), secret),
            Place::Path(before) => {
                (format!("path segment {{{}}}", one.name), format!("{before}{secret}"))
            }
            Place::Other(name) => (name.clone(), secret),
        });
    }
    let query = admitted.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    Planned {
        endpoint: admitted.rule.endpoint.name.clone(),
        method: admitted.rule.endpoint.method.clone(),
        url: format!("{}{}{query}", admitted.origin, admitted.path),
        headers,
        body: request.body.clone(),
    }
}

#[cfg(test)]
mod tests;
