//! Writes that are known when they are sent again: by the header `Idempotency-Key`, for 24 hours.
//!
//! | under the caller's key there is | answer |
//! |---|---|
//! | nothing | the write is done, and what is judged of it is kept |
//! | the same request, answered | the same answer, with `Idempotency-Replayed: true` |
//! | the same request, not ended | 409, with `Retry-After` |
//! | the same request, of which nobody knows how far it came | it is done as an attempt that may not be the first |
//! | another request | 422 |
//!
//! What was certainly not done, because somebody was away or too fast, leaves its key free.

mod key;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aide::OperationInput;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
use connector_contract::hex;
use connector_contract::types::Attempt;
use connector_runtime::digest::digest;
use connector_runtime::retry::first_attempt;
use connector_service::vault::Vault;
use connector_state::access::{
    CANCELLED, EndedWrite, NewWrite, OUTCOME_UNKNOWN, StoredAnswer, WriteKey, WriteStart,
};
use connector_state::{ConnectionRow, Database, LeaseHolder, StoreError};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::time::{Instant, interval_at};
use tracing::warn;

pub use self::key::{head_of, key};
use crate::lock;
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// The route whose body is not read before its handler: that begins the write, when all of it is kept.
pub const UPLOAD: &str = "/v1/connections/{connection}/objects/{object}/push";
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Bytes of an answer that is kept.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;
/// For how long a write counts as under way, unless it is extended.
const FOR_MS: u64 = 60_000;
/// Seconds after which a write that is under way, or could not be noted, is worth another try.
const AGAIN: u64 = 2;
/// Characters of an attempt's name: 128 bits in hex.
const NAME: usize = 32;

/// A write that was asked for: noted before it is done, known by its key when it comes again, and
/// ended with its outcome.
#[derive(Clone)]
pub struct Writing(Arc<Write>);

/// Who asks for what.
pub struct AskedWrite {
    /// Name of the token, or of the place that needs none.
    pub caller: String,
    /// Method and route.
    pub action: String,
    /// The connection in the path.
    pub row: Option<ConnectionRow>,
    /// What else is in the path.
    pub target: String,
}

struct Write {
    database: Arc<dyn Database>,
    vault: Arc<Vault>,
    /// Whether the connection in its path is there, where there is one.
    is_there: bool,
    write: NewWrite,
    key: Option<[u8; 32]>,
    method: Method,
    /// [`head_of`] it.
    head: [u8; 32],
    /// Holds its lease.
    holder: LeaseHolder,
    begun: Mutex<Option<Begun>>,
    /// Its handler knows that an earlier attempt may have been applied.
    is_told: AtomicBool,
}

#[derive(Clone)]
struct Begun {
    number: u64,
    is_again: bool,
    /// As it was noted, with the whole of what is asked.
    write: NewWrite,
}

/// What is kept of an answer.
#[derive(Serialize, Deserialize)]
struct KeptAnswer {
    headers: Vec<(String, String)>,
    body: String,
}

impl Writing {
    /// Of a request with this head. Nothing is noted yet.
    pub fn new(
        database: Arc<dyn Database>,
        vault: Arc<Vault>,
        asked: AskedWrite,
        key: Option<[u8; 32]>,
        parts: &Parts,
    ) -> Self {
        let holder = LeaseHolder::new();
        let AskedWrite { caller, action, row, target } = asked;
        let (is_there, connection) = (row.is_some(), row.map(|row| row.id));
        let (attempt, for_ms) = (holder.name().to_owned(), FOR_MS);
        let write = NewWrite { caller, action, connection, target, key: None, attempt, for_ms };
        let (method, head) = (parts.method.clone(), head_of(parts));
        let (begun, is_told) = (Mutex::default(), AtomicBool::new(false));
        Self(Arc::new(Write {
            database,
            vault,
            is_there,
            write,
            key,
            method,
            head,
            holder,
            begun,
            is_told,
        }))
    }

    /// Notes that it begins, now that all of it is known; `body` is the digest of its body. Answers what
    /// is to be answered instead of doing it.
    ///
    /// # Errors
    /// When it cannot be noted, is under way, or its key is another write's: then it is not done.
    pub async fn begin(&self, body: [u8; 32]) -> Result<Option<Response>, Problem> {
        if lock(&self.0.begun).is_some() {
            return Ok(None);
        }
        let request = digest(&[&self.0.head, &body]);
        let key = self.0.key.map(|key| WriteKey { key, request });
        let write = NewWrite { key, ..self.0.write.clone() };
        let start = match self.0.database.begin_write(write.clone()).await {
            // Whether it was noted or not, it was not done.
            Err(StoreError::Unknown { .. }) => {
                let text = "the write could not be noted, so it was not done";
                return Err(Problem::new(ProblemKind::Unavailable, ProblemSource::Host, text)
                    .retry_after(AGAIN));
            }
            start => start?,
        };
        let conflict =
            |text: &str| Problem::new(ProblemKind::Conflict, ProblemSource::Request, text);
        match start {
            WriteStart::Go { number, is_again } => {
                *lock(&self.0.begun) = Some(Begun { number, is_again, write });
                Ok(None)
            }
            WriteStart::Answered(answer) => match self.open(&answer) {
                Some(response) => Ok(Some(replayed(response))),
                None => Err(forgotten()),
            },
            WriteStart::UnderWay => {
                let text = "a write with this Idempotency-Key is under way";
                Err(conflict(text).retry_after(AGAIN).next("send the same again, later"))
            }
            WriteStart::OtherRequest => {
                let text = "this Idempotency-Key was used for another request";
                Err(Problem::invalid(text).next("send another key with another write"))
            }
            // An answer goes with its connection, and what removes that has none to keep.
            WriteStart::Forgotten if self.0.method == Method::DELETE && !self.0.is_there => {
                let gone = StatusCode::NO_CONTENT.into_response();
                Ok(Some(replayed(gone)))
            }
            WriteStart::Forgotten => Err(forgotten()),
        }
    }

    /// The write as the provider is told of it: another attempt at the same write has the same name.
    ///
    /// # Errors
    /// When the machine has no randomness.
    pub fn attempt(&self) -> Result<Attempt, Problem> {
        self.0.is_told.store(true, Ordering::Relaxed);
        let begun = lock(&self.0.begun).clone();
        let known = begun.and_then(|begun| Some((begun.write.key.clone()?, begun)));
        let Some((key, Begun { number, is_again, write })) = known else {
            return Ok(first_attempt()?);
        };
        let of = write.connection.unwrap_or_default();
        let parts =
            [of.as_bytes(), write.caller.as_bytes(), &number.to_be_bytes(), &key.key, &key.request];
        let mut name = hex(&digest(&parts));
        name.truncate(NAME);
        Ok(Attempt { key: name, again: is_again })
    }

    /// Does it, and holds it meanwhile. A caller that goes takes its work along; then it is noted so.
    pub async fn run(&self, work: impl Future<Output = Response>) -> Response {
        let cancelled = Cancelled(Some(self.clone()));
        let mut work = std::pin::pin!(work);
        let period = Duration::from_millis(FOR_MS / 3);
        let mut renewal = interval_at(Instant::now() + period, period);
        let response = loop {
            tokio::select! {
                biased;
                response = work.as_mut() => break response,
                _ = renewal.tick() => self.extend().await,
            }
        };
        let response = self.end(response).await;
        cancelled.disarm();
        response
    }

    /// Holds it for longer. Where that fails, another attempt is told that this one may have done it.
    async fn extend(&self) {
        let begun = lock(&self.0.begun).clone();
        if let Some(Begun { write, .. }) = begun.filter(|begun| begun.write.key.is_some()) {
            let _ = self.0.database.begin_write(write).await;
        }
    }

    /// Notes how it ended, and keeps what is answered.
    async fn end(&self, response: Response) -> Response {
        let mut response = response;
        // One that was refused before all of it was known.
        if lock(&self.0.begun).is_none() {
            let write = self.0.write.clone();
            if let Ok(WriteStart::Go { number, .. }) =
                self.0.database.begin_write(write.clone()).await
            {
                *lock(&self.0.begun) = Some(Begun { number, is_again: false, write });
            }
        }
        let Some(begun) = lock(&self.0.begun).take() else { return response };
        if begun.is_again && !self.0.is_told.load(Ordering::Relaxed) && may_be_ours(&response) {
            response = Problem::new(
                ProblemKind::OutcomeUnknown,
                ProblemSource::Host,
                "an earlier attempt at this write was cut off, and may be why it is refused now",
            )
            .next("look at what is there, and decide")
            .into_response();
        }
        let kind = response.extensions().get::<ProblemKind>().copied();
        let outcome = kind.map_or("ok", ProblemKind::word);
        let is_keyed = begun.write.key.is_some();
        let (response, outcome, answer) = match (is_keyed, kind.map(was_judged)) {
            (false, _) => (response, outcome, None),
            (true, Some(false)) if begun.is_again => (response, OUTCOME_UNKNOWN, None),
            (true, Some(false)) => (response, outcome, None),
            (true, _) => {
                let (response, answer) = self.keep(response).await;
                // Without what to answer again, the next one has to look.
                let outcome = if answer.is_some() { outcome } else { OUTCOME_UNKNOWN };
                (response, outcome, answer)
            }
        };
        let target = target_of(&self.0.write.target, &response);
        // It is done, and its answer true, although that could not be noted.
        let _ = self.0.database.end_write(self.ended(&begun, outcome, target, answer)).await;
        response
    }

    fn ended(
        &self,
        begun: &Begun,
        outcome: &str,
        target: Option<String>,
        answer: Option<StoredAnswer>,
    ) -> EndedWrite {
        let (number, attempt) = (begun.number, self.0.holder.name().to_owned());
        EndedWrite { number, attempt, outcome: outcome.to_owned(), target, answer }
    }

    /// An answer, and the same to be kept: one that is too large says so when it is asked for again.
    async fn keep(&self, response: Response) -> (Response, Option<StoredAnswer>) {
        let (head, body) = response.into_parts();
        let Ok(body) = body.collect().await else {
            return (Response::from_parts(head, Body::empty()), None);
        };
        let body = body.to_bytes();
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
        let headers = head.headers.iter().filter_map(text).collect();
        let (status, kept) = match std::str::from_utf8(&body) {
            Ok(text) if body.len() <= LARGEST_ANSWER => {
                (head.status, KeptAnswer { headers, body: text.to_owned() })
            }
            _ => {
                let text = "the write was done, and its answer too large to be kept";
                let problem = Problem::new(ProblemKind::Conflict, ProblemSource::Host, text);
                let body = serde_json::to_string(&problem).unwrap_or_default();
                let kind =
                    (header::CONTENT_TYPE.to_string(), crate::problem::MEDIA_TYPE.to_owned());
                (StatusCode::CONFLICT, KeptAnswer { headers: vec![kind], body })
            }
        };
        let plain = serde_json::to_vec(&kept).unwrap_or_default();
        let sealed = self.0.vault.seal_answer(&self.name(), &plain);
        let sealed = sealed.inspect_err(|why| warn!(%why, "the answer to a write is not kept"));
        let answer =
            sealed.ok().map(|sealed| StoredAnswer { status: status.as_u16().into(), sealed });
        (Response::from_parts(head, Body::from(body)), answer)
    }

    /// A kept answer; `None`: it does not open, because the master key was changed.
    fn open(&self, answer: &StoredAnswer) -> Option<Response> {
        let plain = self.0.vault.open_answer(&self.name(), &answer.sealed);
        let plain = plain.inspect_err(|why| warn!(%why, "a kept answer does not open")).ok()?;
        let kept: KeptAnswer = serde_json::from_slice(plain.expose()).ok()?;
        let mut response = Response::builder().status(u16::try_from(answer.status).ok()?);
        for (name, value) in kept.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(kept.body)).ok()
    }

    /// By what its answer is sealed: it opens for this caller and key alone.
    fn name(&self) -> String {
        format!("{} {}", self.0.write.caller, hex(&self.0.key.unwrap_or_default()))
    }
}

fn forgotten() -> Problem {
    let text = "a write with this Idempotency-Key was done, and its answer is not kept any more";
    Problem::new(ProblemKind::Conflict, ProblemSource::Request, text).next("look at what is there")
}

fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Whether a problem is about what was asked, and not about who was away, so that the same request is
/// answered the same. Of the others nothing was done; of an unknown outcome nobody knows.
fn was_judged(kind: ProblemKind) -> bool {
    !matches!(
        kind,
        ProblemKind::OutcomeUnknown
            | ProblemKind::Unavailable
            | ProblemKind::RateLimited
            | ProblemKind::QuotaExhausted
            | ProblemKind::Unauthenticated
            | ProblemKind::Forbidden
    )
}

/// Whether a refusal may come of an earlier attempt at the same write.
fn may_be_ours(response: &Response) -> bool {
    let kind = response.extensions().get::<ProblemKind>();
    matches!(kind, Some(ProblemKind::Conflict | ProblemKind::NotFound))
}

/// What a write was about, with the name of what it made.
fn target_of(asked: &str, response: &Response) -> Option<String> {
    let place = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let made = percent_decode_str(place.rsplit('/').next()?).decode_utf8_lossy();
    Some(if asked.is_empty() { made.into_owned() } else { format!("{asked}/{made}") })
}

/// Dropped before the end of its write, its caller has gone and its work was stopped.
struct Cancelled(Option<Writing>);

impl Cancelled {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        let (Some(writing), Ok(runtime)) = (self.0.take(), Handle::try_current()) else { return };
        let Some(begun) = lock(&writing.0.begun).take() else { return };
        runtime.spawn(async move {
            // Without it, it stays without an outcome.
            let _ =
                writing.0.database.end_write(writing.ended(&begun, CANCELLED, None, None)).await;
        });
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Writing {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            let text = "this route is no write";
            Problem::new(ProblemKind::Internal, ProblemSource::Host, text)
        })
    }
}

impl OperationInput for Writing {}
