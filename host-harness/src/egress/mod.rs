//! The only way out. Each request passes, in this order: manifest, call rule,
//! secrets, limits, address, TLS, bounded answer, captures, scrubbing.

mod address;
mod body;
mod call;
mod client;
mod connect;
mod credentials;
mod limiter;
mod origin;
mod pattern;
mod policy;
mod pool;
mod resolve;
mod retry_after;
mod server_clock;
mod target;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderValue, USER_AGENT};
use tokio::time::Instant;
use url::Url;

pub use self::call::{CallSends, Planned, Progress};
use self::client::Answer;
pub use self::client::Fault;
pub(crate) use self::client::exchange;
pub use self::connect::{Connect, Pending, Stream, Tcp};
pub(crate) use self::credentials::Filled;
pub use self::limiter::{Limiter, NoTurn, Slots, slots};
pub use self::origin::{BadOrigin, Origin};
use self::policy::{Admitted, writes};
pub use self::policy::{Policy, Refused};
pub use self::pool::Pool;
pub(crate) use self::retry_after::retry_after;
pub use self::server_clock::{SKEW_WORTH_CORRECTING_MS, ServerClock};
pub use self::target::setting;
pub use self::tls::{CaError, client_config};
use crate::clock::{Clock, unix_ms};
use crate::observe::{Event, Exchange, Observer};
use crate::runtime::bindings::http::{Place, Request, Response, SendError};
use crate::vault::Secrets;

/// A limit is held no longer than this for one answer, whatever it asks for: a quota of hours ends
/// the call that met it, and one request a minute finds out whether that answer was wrong, or the
/// account's plan is another one by now.
const LONGEST_HELD: Duration = Duration::from_secs(60);

/// Way out of one connection. Clones share everything but what is put in place of it.
#[derive(Clone)]
pub struct Egress {
    /// What the manifest allows.
    pub policy: Arc<Policy>,
    /// Open HTTP connections.
    pub pool: Arc<Pool>,
    /// Secrets to fill, capture and scrub.
    pub secrets: Arc<Secrets>,
    /// Shared by the connections of one account; `None` switches limits off, towards
    /// loopback only.
    pub limiter: Option<Arc<Limiter>>,
    /// Tells connections of one account apart in the limiter's queue.
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
pub fn user_agent(connector: &str, version: &str) -> HeaderValue {
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
        let filled = credentials::fill(&self.policy, &admitted, request, &self.secrets);
        let mut filled = filled.map_err(refused)?;
        filled.headers.entry(USER_AGENT).or_insert_with(|| self.user_agent.clone());
        let write = writes(admitted.endpoint.effect);
        if write && call.dry_run {
            call.planned = Some(plan(request));
            return Err(SendError::Refused("a dry run sends no write".to_owned()));
        }
        let waited = self.turn(&admitted).await?;
        let began = Instant::now();
        let (method, url, origin) = (&request.method, &admitted.url, admitted.origin);
        let progress = if write { call.progress.clone() } else { Progress::default() };
        let result = client::exchange(&self.pool, origin, method, url, &filled, &progress).await;
        self.report(request, &admitted, &filled, &result, waited, began.elapsed());
        match result {
            Ok(answer) => {
                self.heed(&admitted, &answer).await;
                Ok(self.take(&admitted, answer, &call.progress))
            }
            Err(fault) => {
                call.overflowed |= matches!(fault, Fault::TooLarge(_));
                Err(self.send_error(&fault))
            }
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

    async fn turn(&self, admitted: &Admitted<'_>) -> Result<Duration, SendError> {
        let Some(limiter) = &self.limiter else {
            return if admitted.origin.is_loopback() {
                Ok(Duration::ZERO)
            } else {
                let origin = admitted.origin;
                Err(SendError::Refused(format!("limits are off, and {origin} is not this machine")))
            };
        };
        let limits = &admitted.endpoint.limits;
        let turn = limiter.turn(self.connection, limits, self.observer.as_ref()).await;
        turn.map_err(|no_turn| match no_turn {
            NoTurn::NoRoom { after } => {
                SendError::Limited(u32::try_from(after.as_millis()).unwrap_or(u32::MAX))
            }
            NoTurn::Unknown(_) => SendError::NotSent(no_turn.to_string()),
        })
    }

    async fn heed(&self, admitted: &Admitted<'_>, answer: &Answer) {
        if answer.status == 429
            && let Some(limiter) = &self.limiter
        {
            let pause = retry_after(answer, self.clock.now()).map(|it| it.min(LONGEST_HELD));
            limiter.throttled(&admitted.endpoint.limits, pause).await;
        }
    }

    fn take(&self, admitted: &Admitted<'_>, answer: Answer, progress: &Progress) -> Response {
        self.server_clock.learn(&answer, self.clock.now());
        let body = if (200..300).contains(&answer.status) {
            credentials::capture(&self.policy, admitted, &self.secrets, answer.body, progress)
        } else {
            answer.body
        };
        // After the capture, so that the captured values are searched for too.
        let scrubber = self.secrets.scrubber();
        let headers = answer.headers.iter();
        let clean = |(name, value): &(String, String)| (scrubber.text(name), scrubber.text(value));
        Response {
            status: answer.status,
            headers: headers.map(clean).collect(),
            body: scrubber.bytes(body),
        }
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
        request: &Request,
        admitted: &Admitted<'_>,
        filled: &Filled,
        result: &Result<Answer, Fault>,
        waited: Duration,
        took: Duration,
    ) {
        let scrubber = self.secrets.scrubber();
        self.observer.event(&Event::Exchange(Exchange {
            method: request.method.clone(),
            origin: admitted.origin.to_string(),
            path: scrubber.text(&without_values(&admitted.url)),
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

/// Path and query as people may see them: what is looked for, in a query, is a customer's.
fn without_values(url: &Url) -> String {
    let mut text = url.path().to_owned();
    for (index, pair) in url.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(pair.split_once('=').map_or(pair, |(name, _)| name));
    }
    text
}

fn plan(request: &Request) -> Planned {
    let mut headers = request.headers.clone();
    for part in &request.secrets {
        let secret = format!("[secret {}]", part.secret);
        headers.push(match &part.place {
            Place::Header(place) => (place.name.clone(), format!("{}{secret}", place.prefix)),
            Place::Basic(user) => ("authorization".to_owned(), format!("Basic {user}:{secret}")),
            Place::FormField(name) => (format!("form field {name}"), secret),
        });
    }
    Planned {
        method: request.method.clone(),
        url: request.url.clone(),
        headers,
        body: request.body.clone(),
    }
}

#[cfg(test)]
mod tests;
