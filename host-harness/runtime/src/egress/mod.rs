//! The only way out. Each request passes, in this order: manifest, call rule,
//! secrets, limits, address, TLS, bounded answer, captures, scrubbing.

mod address;
mod body;
mod breaker;
mod call;
mod client;
mod connect;
mod http_connection;
mod http_error;
mod limiter;
mod network;
mod options;
mod pool;
mod proxy;
mod resolve;
mod retry_after;
mod scopes;
mod server_clock;
mod tls;
mod unsent;
mod user_agent;

use std::sync::Arc;
use std::time::Duration;

use connector_contract::clock::{Clock, unix_ms};
use connector_contract::http::{Request, Response, SendError};
use connector_contract::limits::LimitReport;
use connector_policy::credentials;
pub use connector_policy::credentials::FilledRequest;
pub use connector_policy::origin::{BadOrigin, Origin};
use connector_policy::policy::AdmittedRequest;
pub(crate) use connector_policy::policy::EgressPolicy;
use http::header::{HeaderValue, USER_AGENT};
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;

pub(crate) use self::call::CallSends;
pub use self::call::Progress;
pub use self::client::{HttpClient, HttpResponse};
pub use self::http_error::HttpError;
pub use self::limiter::{InFlight, Limiter, NoTurn, Ticket};
pub use self::network::{Connect, Pending, Resolve, StandIns, Stream, SystemResolver, Tcp};
pub use self::options::{EgressError, EgressOptions};
pub use self::proxy::{BadProxy, Proxy};
pub use self::retry_after::retry_after;
pub(crate) use self::scopes::LimitScopes;
pub use self::scopes::{AtOnce, Demand, limit_scopes};
pub(crate) use self::server_clock::{SKEW_WORTH_CORRECTING_MS, ServerClock};
pub use self::unsent::UnsentRequest;
pub(crate) use self::user_agent::user_agent;
use crate::observe::{Event, Exchange, Observer};
use crate::secrets::{Scrubber, Secret, Secrets};

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
    pub policy: Arc<EgressPolicy>,
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
        let answered = self.exchange(call, request).await;
        answered.map_err(|why| scrubbed(why, &self.secrets.scrubber()))
    }

    async fn exchange(
        &self,
        call: &mut CallSends,
        request: &Request,
    ) -> Result<Response, SendError> {
        let admitted = self.policy.admit(request)?;
        call.admit()?;
        let settings = &self.policy.settings;
        let mut filled = credentials::fill(&admitted, request, settings, &self.secrets)?;
        filled.headers.entry(USER_AGENT).or_insert_with(|| self.user_agent.clone());
        let (endpoint, origin) = (&admitted.rule.endpoint, &admitted.origin);
        if endpoint.writes && call.dry_run {
            call.planned = Some(UnsentRequest::new(request, &admitted));
            return Err(refused("a dry run sends no write"));
        }
        let mut demand = self.scopes.demand(endpoint, request.cost)?;
        let (waited, _in_flight) = self.turn(call, origin, &mut demand).await?;
        call.tell_log(self.observer.as_ref());
        let began = Instant::now();
        let progress = if endpoint.writes { call.progress.clone() } else { Progress::default() };
        let span = tracing::debug_span!(
            "request",
            endpoint = endpoint.name,
            %origin,
            status = tracing::field::Empty,
        );
        let exchange = self.http.exchange(origin, &endpoint.method, &filled, &progress);
        let result = exchange.instrument(span.clone()).await;
        if let Ok(answer) = &result {
            span.record("status", answer.status);
        }
        let sent_bytes = filled.body.len();
        span.in_scope(|| self.report(&admitted, sent_bytes, &result, waited, began.elapsed()));
        call.overflowed |= matches!(result, Err(HttpError::TooLarge(_)));
        let answer = result?;
        self.heed(&demand, &answer).await;
        self.take(&admitted, answer, &call.progress).await
    }

    /// The provider told what is left of a limit that the manifest declares; others are ignored.
    pub async fn limit_told(&self, name: &str, report: LimitReport) {
        if let (Some(limiter), Some(limit)) = (&self.limiter, self.scopes.charge_of(name)) {
            self.scopes.set_total(name, report.total);
            limiter.report(&limit, report).await;
        }
    }

    /// Now, by the provider's clock as far as it is known: milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        unix_ms(self.clock.now()).saturating_add_signed(self.correction_ms())
    }

    /// A moment by the provider's clock, as [`Egress::now_ms`] tells it, by the host's own.
    pub fn by_own_clock(&self, theirs_ms: u64) -> u64 {
        theirs_ms.saturating_add_signed(self.correction_ms().saturating_neg())
    }

    /// What the provider's clock is ahead of the host's own, as far as that matters.
    pub fn correction_ms(&self) -> i64 {
        self.server_clock.correction_ms()
    }

    /// A time that by the provider's clock has passed, whichever of the clocks and answers that
    /// disagree is right: milliseconds since 1970.
    pub fn certainly_ms(&self) -> u64 {
        unix_ms(self.clock.now()).saturating_add_signed(self.server_clock.least_ms())
    }

    /// Waits for the turn of a request. Answers how long that took. A call that would wait longer
    /// than its patience is suspended instead, so that it holds no instance meanwhile.
    async fn turn(
        &self,
        call: &mut CallSends,
        origin: &Origin,
        demand: &mut Demand,
    ) -> Result<(Duration, InFlight), SendError> {
        let Some(limiter) = &self.limiter else {
            let why = || refused(format!("limits are off, and {origin} is not this machine"));
            let nothing = (Duration::ZERO, InFlight::default());
            return origin.is_loopback().then_some(nothing).ok_or_else(why);
        };
        limiter.adjust(demand);
        let kept = call.take_ticket(demand);
        let patience = call.patience();
        let mut ticket = kept.unwrap_or_else(|| {
            limiter.queue_up(self.connection, patience.is_none(), demand, &self.observer)
        });
        let turn = match patience {
            Some(patience) => timeout(patience, ticket.turn()).await,
            None => Ok(ticket.turn().await),
        };
        let Ok(turn) = turn else {
            call.suspend(ticket);
            // Nobody sees it: the instance is dropped.
            return Err(SendError::NotSent("suspended until its turn".to_owned()));
        };
        turn.map_err(|why| match why {
            NoTurn::NoRoom { after } => {
                SendError::Limited(u32::try_from(after.as_millis()).unwrap_or(u32::MAX))
            }
            NoTurn::Unknown(_) => SendError::NotSent(why.to_string()),
        })
    }

    /// Holds the limit that the provider says is used up.
    async fn heed(&self, demand: &Demand, answer: &HttpResponse) {
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
        admitted: &AdmittedRequest<'_>,
        mut answer: HttpResponse,
        progress: &Progress,
    ) -> Result<Response, SendError> {
        self.server_clock.learn(&answer, self.clock.now());
        let mut captured = Vec::new();
        if (200..300).contains(&answer.status) {
            let taken = credentials::capture(admitted.rule, &mut answer.headers, &mut answer.body);
            for (name, value) in &taken {
                captured.push(name.clone());
                progress.capture(name, value.clone());
                self.secrets.succeed(name.clone(), value.clone());
            }
            if let Some(keep) = self.keep.as_ref().filter(|_| !taken.is_empty()) {
                keep.keep(taken).await.map_err(|why| {
                    let text = format!("the secrets in the answer could not be kept: {why}");
                    SendError::Unanswered(text)
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

    fn report(
        &self,
        admitted: &AdmittedRequest<'_>,
        sent_bytes: usize,
        result: &Result<HttpResponse, HttpError>,
        waited: Duration,
        took: Duration,
    ) {
        let scrubber = self.secrets.scrubber();
        let outcome = result.as_ref().map(|answer| answer.status);
        self.observer.event(&Event::Exchange(Exchange {
            endpoint: admitted.rule.endpoint.name.clone(),
            method: admitted.rule.endpoint.method.clone(),
            origin: admitted.origin.to_string(),
            path: scrubber.text(&without_values(admitted)),
            sent_bytes,
            outcome: outcome.map_err(|why| scrubber.text(&why.to_string())),
            received_bytes: result.as_ref().map_or(0, |answer| answer.body.len()),
            waited,
            took,
        }));
    }
}

fn refused(why: impl Into<String>) -> SendError {
    SendError::Refused(why.into())
}

fn scrubbed(why: SendError, scrubber: &Scrubber) -> SendError {
    match why {
        SendError::NotSent(why) => SendError::NotSent(scrubber.text(&why)),
        SendError::Unanswered(why) => SendError::Unanswered(scrubber.text(&why)),
        SendError::Refused(why) => SendError::Refused(scrubber.text(&why)),
        SendError::Limited(_) | SendError::NoSecret(_) => why,
    }
}

/// The path with the names of its query and no values: those may be a customer's data.
fn without_values(admitted: &AdmittedRequest<'_>) -> String {
    let path = admitted.path.as_str();
    let Some(query) = &admitted.query else { return path.to_owned() };
    let names = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    format!("{path}?{}", names.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
#[path = "../../../policy/src/samples.rs"]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
