//! The one way of every request: key or token, plan, path, scope, limit, query, endpoint, journal.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::DATE;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};

use crate::auth;
use crate::dates;
use crate::envelope;
use crate::errors::ApiError;
use crate::faults::{self, Fault};
use crate::journal::Entry;
use crate::limits::{self, Quota};
use crate::oauth;
use crate::older;
use crate::query::Query;
use crate::router::{self, Call, Endpoint, Found, Reply};
use crate::script::{Answer, Content, Ending, HeaderText};
use crate::simulator::Simulator;
use crate::state::State;
use crate::switches::Ghost;
use crate::text;
use crate::trackings;
use crate::webhooks::WebhookVersion as Version;

/// What goes back over the connection.
pub enum Outcome {
    /// A whole answer.
    Reply(Response<Bytes>),
    /// The headers of a whole answer, but only the first `keep` bytes of its body; then the
    /// connection closes.
    Truncated {
        /// The whole answer.
        response: Response<Bytes>,
        /// How many bytes of its body are sent.
        keep: usize,
    },
    /// A whole answer under a wrong `content-length`.
    Mislabelled {
        /// The whole answer.
        response: Response<Bytes>,
        /// The length that is announced.
        length: u64,
    },
    /// A whole answer that trickles.
    Slow {
        /// The whole answer.
        response: Response<Bytes>,
        /// How many bytes of its body are sent in a second.
        bytes_per_second: usize,
    },
    /// No answer: the connection closes.
    Reset,
}

/// The body stays out of debug output: it may hold credentials.
impl fmt::Debug for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, response) = match self {
            Self::Reply(response) => ("Reply", response),
            Self::Truncated { response, .. } => ("Truncated", response),
            Self::Mislabelled { response, .. } => ("Mislabelled", response),
            Self::Slow { response, .. } => ("Slow", response),
            Self::Reset => return formatter.write_str("Reset"),
        };
        let mut shown = formatter.debug_struct(name);
        shown.field("status", &response.status()).field("bytes", &response.body().len());
        shown.finish_non_exhaustive()
    }
}

impl Simulator {
    /// Answers one request as a connection would: keys, limits, scripted answers and journal
    /// included. A scripted hang never returns, and a delayed answer takes its time.
    pub async fn handle(&self, request: Request<Bytes>) -> Outcome {
        let (parts, body) = request.into_parts();
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let _under_way = self.token_request(path, &body);
        let scripted = self.script().take(method, path);
        let wait = scripted.as_ref().map_or(Duration::ZERO, |answer| answer.wait);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let (ending, delay, response) = {
            let mut state = self.state();
            let now_ms = state.options.clock.now_ms();
            state.requests += 1;
            let entry = entry(&state, &parts, &body, now_ms);
            let plan = state.options.faults.as_ref();
            let by_chance = || plan?.roll(state.requests, &parts);
            let answer = scripted.or_else(by_chance);
            let answer = answer.or_else(|| blocked(&state, &parts)).unwrap_or_else(Answer::real);
            let fault = answer.fault_name();
            let Answer { content, execute, change, members, headers, delay, ending, .. } = answer;
            let executed = execute.then(|| perform(&mut state, &parts, &body, now_ms));
            let mut response = match content {
                Some(content) => canned(content),
                None => executed.unwrap_or_default(),
            };
            replace_headers(&mut response, &headers, now_ms);
            let response = match change {
                Some(how) => faults::change(how, &parts, response),
                None => response,
            };
            let response = match members.as_slice() {
                [] => response,
                members => faults::with_members(members, response),
            };
            let mut response = response;
            if !response.headers().contains_key(DATE) {
                let date = dates::format_http(skewed(&mut state, now_ms));
                set_header(response.headers_mut(), "date", &date);
            }
            let length = response.body().len();
            let sent = match ending {
                Ending::Complete | Ending::Slow(_) => Some(length),
                Ending::Truncated(keep) => Some(keep.min(length)),
                Ending::LengthOff(off) => Some(length.min(announced(length, off))),
                Ending::Reset | Ending::Hang => None,
            };
            // Under the lock of the state, so that the journal shows the order of execution.
            self.journal_mut().record(Entry {
                status: sent.map(|_| response.status().as_u16()),
                bytes_out: sent.unwrap_or(0) as u64,
                fault,
                ..entry
            });
            (ending, delay, response)
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        match ending {
            Ending::Complete => Outcome::Reply(response),
            Ending::LengthOff(off) => {
                let length = announced(response.body().len(), off) as u64;
                Outcome::Mislabelled { response, length }
            }
            Ending::Slow(bytes_per_second) => Outcome::Slow { response, bytes_per_second },
            Ending::Truncated(keep) => Outcome::Truncated { response, keep },
            Ending::Reset => Outcome::Reset,
            Ending::Hang => std::future::pending().await,
        }
    }
}

/// What a gateway answers in the place of a tracking that was deleted in part.
fn blocked(state: &State, parts: &Parts) -> Option<Answer> {
    let found = router::route(parts.method.as_str(), parts.uri.path())?;
    let (_, record) = state.store.find_by_any_id(&found.id)?;
    let is_blocked = state.ghosts.get(&*record.facts.id) == Some(&Ghost::Blocked);
    (is_blocked && found.endpoint.name == trackings::GET_ONE).then(|| Fault::GatewayNotFound.into())
}

/// A `content-length` that is off by so many bytes.
fn announced(length: usize, off: i64) -> usize {
    length.saturating_add_signed(isize::try_from(off).unwrap_or(0))
}

/// The true answer: of the authorization server or of the API.
fn perform(state: &mut State, parts: &Parts, body: &Bytes, now_ms: u64) -> Response<Bytes> {
    match oauth::perform(state, parts, body, now_ms) {
        Some(response) => response,
        None => cached(state, parts, body, now_ms),
    }
}

/// The API's answer, or an earlier one that is cached on the way.
fn cached(state: &mut State, parts: &Parts, body: &Bytes, now_ms: u64) -> Response<Bytes> {
    let seconds = state.options.cache_seconds;
    if seconds == 0 {
        return call(state, parts, body, now_ms);
    }
    if let Some(response) = state.cache.find(parts, now_ms, seconds) {
        return response;
    }
    let mut response = call(state, parts, body, now_ms);
    let date = dates::format_http(skewed(state, now_ms));
    set_header(response.headers_mut(), "date", &date);
    state.cache.keep(parts, &response, now_ms);
    response
}

/// The time that the header `date` of the next answer tells.
fn skewed(state: &mut State, now_ms: u64) -> u64 {
    let skew = &mut state.options.date_skew;
    match &mut skew.answers {
        Some(0) => return now_ms,
        Some(left) => *left -= 1,
        None => {}
    }
    now_ms.saturating_add_signed(skew.seconds.saturating_mul(1000))
}

/// The API's answer.
fn call(state: &mut State, parts: &Parts, body: &Bytes, now_ms: u64) -> Response<Bytes> {
    state.settle(now_ms);
    let found = router::route(parts.method.as_str(), parts.uri.path());
    let limit = found.as_ref().map_or(limits::OUTSIDE, |found| found.endpoint.limit);
    let version = found.as_ref().map_or(Version::default(), |found| found.version);
    let mut quota = Quota::untouched(limit, now_ms);
    let result = auth::admit(state, parts, body, now_ms).and_then(|caller| {
        let Found { endpoint, id, version } =
            found.ok_or_else(|| ApiError::unknown_uri(parts.uri.path()))?;
        caller.may_use(endpoint, &state.options)?;
        count(state, endpoint, now_ms, &mut quota)?;
        let raw = parts.uri.query().unwrap_or_default();
        let query = Query::parse(raw, endpoint.query, state.options.lenient)?;
        let reply = (endpoint.run)(&mut Call { state, now_ms, version, id: &id, query, body })?;
        Ok(older::answer(endpoint, version, reply))
    });
    let (status, text, challenge) = match result {
        Ok(Reply { status, data }) => (status, envelope::success(status, &data), None),
        Err(error) => (error.status, envelope::failure(&error), error.challenge),
    };
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    let trace = text::hex(32, text::scramble(state.requests));
    let headers = [
        ("as-api-version", version.name().to_owned()),
        ("as-req-source", "gateway".to_owned()),
        ("as-trace-id", trace),
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("x-ratelimit-limit", quota.limit.to_string()),
        ("x-ratelimit-remaining", quota.remaining.to_string()),
        ("x-ratelimit-reset", quota.reset.to_string()),
    ];
    for (name, value) in headers {
        set_header(response.headers_mut(), name, &value);
    }
    if let Some(challenge) = challenge {
        set_header(response.headers_mut(), "www-authenticate", &challenge);
    }
    response
}

/// Counts the request against the limit of its endpoint.
fn count(
    state: &mut State,
    endpoint: &Endpoint,
    now_ms: u64,
    quota: &mut Quota,
) -> Result<(), ApiError> {
    if let Some(most) = state.options.daily_quota
        && let Err(spent) = state.limits.take_of_day(most, now_ms)
    {
        *quota = spent;
        let until = dates::format_utc(spent.reset * 1000);
        return Err(ApiError::daily_quota(most, &until));
    }
    if !state.options.limits {
        return Ok(());
    }
    match state.limits.take(endpoint.name, endpoint.limit, now_ms) {
        Ok(left) => {
            *quota = left;
            Ok(())
        }
        Err(spent) => {
            *quota = spent;
            Err(ApiError::too_many_requests())
        }
    }
}

/// A scripted answer.
fn canned(content: Content) -> Response<Bytes> {
    let mut response = Response::new(content.body);
    *response.status_mut() = StatusCode::from_u16(content.status).unwrap_or_default();
    response
}

/// Puts headers in the place of all that have the same names.
fn replace_headers(response: &mut Response<Bytes>, new: &[(String, HeaderText)], now_ms: u64) {
    for (name, _) in new {
        response.headers_mut().remove(name);
    }
    for (name, value) in new {
        add_header(response.headers_mut(), name, &value.at(now_ms));
    }
}

/// Adds a header to those of the same name; one that HTTP does not allow is left out.
fn add_header(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
        headers.append(name, value);
    }
}

/// Sets a header; one that HTTP does not allow is left out.
fn set_header(headers: &mut HeaderMap, name: &str, value: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

/// What the journal keeps of a request; status and size come later.
fn entry(state: &State, parts: &Parts, body: &Bytes, now_ms: u64) -> Entry {
    let known_key = auth::carries_known_key(&state.options, &parts.headers);
    let shown = |name: &HeaderName, value: &HeaderValue| match name.as_str() {
        "as-api-key" if known_key => "valid".to_owned(),
        "as-api-key" => "invalid".to_owned(),
        "authorization" | "aftership-api-key" => "present".to_owned(),
        _ => String::from_utf8_lossy(value.as_bytes()).into_owned(),
    };
    let headers = parts.headers.iter();
    let (query, body) = (parts.uri.query(), String::from_utf8_lossy(body).into_owned());
    let (query, body) = match oauth::is_ours(parts.uri.path()) {
        true => (query.map(oauth::redacted), oauth::redacted(&body)),
        false => (query.map(str::to_owned), body),
    };
    Entry {
        seq: state.requests,
        at_ms: now_ms,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query,
        headers: headers.map(|(name, value)| (name.to_string(), shown(name, value))).collect(),
        body,
        status: None,
        bytes_out: 0,
        fault: None,
    }
}
