//! One request, one answer: bounded in time and size, never repeated.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, HeaderValue, SET_COOKIE};
use http_body_util::Full;
use thiserror::Error;
use tokio::time::{Instant, timeout, timeout_at};

use super::body::{self, BodyFault};
use super::call::Progress;
use super::connect::Unreached;
use super::credentials::Filled;
use super::origin::Origin;
use super::pool::{Body, Line, Pool};

/// The answer must begin within this time, counted from the request.
const FIRST_BYTE_WITHIN: Duration = Duration::from_secs(15);
/// And end within this one, counted from the request too.
const WHOLE_WITHIN: Duration = Duration::from_secs(30);

/// What came back.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, in the order of arrival; without `set-cookie`.
    pub headers: Vec<(String, String)>,
    /// Whole and decoded.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// Why nothing came back.
#[derive(Debug, Error)]
pub enum Fault {
    /// Nothing was sent.
    #[error("{0}")]
    NotSent(String),
    /// Nothing was sent, and the host will not send it.
    #[error("{0}")]
    Refused(String),
    /// Sent, in part or whole.
    #[error("{0}")]
    Unanswered(String),
    /// Answered with more than the host takes.
    #[error("{0}")]
    TooLarge(BodyFault),
}

/// Sends a request to `origin` and reads the whole answer. `progress` is told before the first byte
/// may leave.
///
/// # Errors
/// [`Fault`], which is exact about whether anything was sent.
pub async fn exchange(
    pool: &Pool,
    origin: &Origin,
    method: &str,
    filled: &Filled,
    progress: &Progress,
) -> Result<Answer, Fault> {
    let mut line = pool.line(origin).await?;
    loop {
        let request = build(origin, method, filled)?;
        let before = line.written();
        let whole = Instant::now() + WHOLE_WITHIN;
        progress.set_wrote(true);
        let error = match timeout(FIRST_BYTE_WITHIN, line.sender.try_send_request(request)).await {
            Ok(Ok(response)) => return receive(pool, origin, line, response, whole).await,
            Ok(Err(error)) => error,
            Err(_) => {
                let limit = FIRST_BYTE_WITHIN.as_secs();
                return Err(Fault::Unanswered(format!("no answer within {limit} s")));
            }
        };
        let why = body::chain(error.error());
        if line.written() != before {
            return Err(Fault::Unanswered(why));
        }
        progress.set_wrote(false);
        if !line.used {
            return Err(Fault::NotSent(why));
        }
        // The server had closed the kept connection, and nothing went out on it.
        line = pool.fresh(origin).await?;
    }
}

async fn receive(
    pool: &Pool,
    origin: &Origin,
    line: Line,
    response: http::Response<hyper::body::Incoming>,
    whole: Instant,
) -> Result<Answer, Fault> {
    let (head, incoming) = response.into_parts();
    let body = match timeout_at(whole, body::read(&head.headers, incoming)).await {
        Ok(Ok(body)) => body,
        Ok(Err(fault @ BodyFault::TooLarge)) => return Err(Fault::TooLarge(fault)),
        Ok(Err(fault)) => return Err(Fault::Unanswered(fault.to_string())),
        Err(_) => {
            let limit = WHOLE_WITHIN.as_secs();
            return Err(Fault::Unanswered(format!("the answer did not end within {limit} s")));
        }
    };
    pool.give_back(origin, line);
    let headers = head.headers.iter().filter(|(name, _)| **name != SET_COOKIE);
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    Ok(Answer { status: head.status.as_u16(), headers, body })
}

fn build(origin: &Origin, method: &str, filled: &Filled) -> Result<http::Request<Body>, Fault> {
    let refused = |why: http::Error| Fault::Refused(format!("no valid HTTP request: {why}"));
    let mut request = http::Request::builder()
        .method(method)
        .uri(filled.target.as_str())
        .body(Full::new(Bytes::copy_from_slice(&filled.body)))
        .map_err(refused)?;
    let headers = request.headers_mut();
    headers.clone_from(&filled.headers);
    let host = HeaderValue::from_str(&origin.authority())
        .map_err(|why| Fault::Refused(format!("{origin} is no valid host: {why}")))?;
    headers.insert(HOST, host);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    // RFC 9110 section 8.6: where content is expected and there is none, that is said; some servers
    // answer 411 otherwise.
    if filled.body.is_empty() && matches!(method, "POST" | "PUT" | "PATCH") {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(request)
}

impl From<Unreached> for Fault {
    fn from(why: Unreached) -> Self {
        match why {
            Unreached::Failed(why) => Self::NotSent(why),
            Unreached::Refused(why) => Self::Refused(why),
        }
    }
}
