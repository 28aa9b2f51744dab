//! The HTTP client: one request, one answer, bounded in time and size, never repeated.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HOST, HeaderValue, SET_COOKIE};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout, timeout_at};

use super::FilledRequest;
use super::Origin;
use super::body;
use super::call::Progress;
use super::connect::connect;
use super::http_connection::{HttpConnection, RequestBody};
use super::http_error::{HttpError, with_causes};
use super::network::Connect;
use super::options::{EgressError, EgressOptions};
use super::pool::Pool;
use super::tls::client_config;

/// Sends requests by one network, trusting the same authorities, and shares HTTP connections among
/// all who use it.
pub struct HttpClient {
    pub(crate) options: EgressOptions,
    tls: Arc<rustls::ClientConfig>,
    pool: Arc<Pool>,
}

/// Bytes of a body that are read only so that its connection can be used again, and for how long.
const UNWANTED_BYTES: usize = 16 * 1024;
const UNWANTED_WITHIN: Duration = Duration::from_secs(1);

/// What is read of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Whole,
    Head,
}

/// What came back.
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// Names in lower case, in the order of arrival; without `set-cookie`.
    pub headers: Vec<(String, String)>,
    /// Whole and decoded.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The header of this lower-case name; `None` where it is missing, or given twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut given = self.headers.iter().filter(|(known, _)| known == name);
        given.next().filter(|_| given.next().is_none()).map(|(_, value)| value.as_str())
    }
}

impl HttpClient {
    /// A client with these options, and without an open connection.
    ///
    /// # Errors
    /// [`EgressError`] says which of the options cannot be used.
    pub fn new(options: EgressOptions) -> Result<Self, EgressError> {
        options.check()?;
        let tls = client_config(options.ca.as_deref())?;
        let pool = Pool::new(&options);
        Ok(Self { options, tls, pool })
    }

    /// The same options on another network, with HTTP connections of its own.
    pub fn with_network(&self, network: Arc<dyn Connect>) -> Self {
        let options = EgressOptions { network, ..self.options.clone() };
        let (tls, pool) = (Arc::clone(&self.tls), Pool::new(&options));
        Self { options, tls, pool }
    }

    #[cfg(test)]
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Sends a request to `origin` and reads the whole answer. `progress` is told before the first
    /// byte may leave.
    ///
    /// # Errors
    /// [`HttpError`], which is exact about whether anything was sent.
    pub async fn exchange(
        &self,
        origin: &Origin,
        method: &str,
        filled: &FilledRequest,
        progress: &Progress,
    ) -> Result<HttpResponse, HttpError> {
        self.exchange_for(Wanted::Whole, origin, method, filled, progress).await
    }

    /// Posts a message of which nothing but the status and headers of the answer count: however long
    /// or slow its body is, it is not waited for, and comes back empty.
    ///
    /// # Errors
    /// As [`HttpClient::exchange`].
    pub async fn post(
        &self,
        origin: &Origin,
        filled: &FilledRequest,
    ) -> Result<HttpResponse, HttpError> {
        self.exchange_for(Wanted::Head, origin, "POST", filled, &Progress::default()).await
    }

    async fn exchange_for(
        &self,
        wanted: Wanted,
        origin: &Origin,
        method: &str,
        filled: &FilledRequest,
        progress: &Progress,
    ) -> Result<HttpResponse, HttpError> {
        let mut connection = self.connection(origin).await?;
        loop {
            let request = build(origin, method, filled)?;
            let before = connection.written();
            let whole = Instant::now() + self.options.answer_within;
            progress.set_wrote(true);
            let limit = self.options.first_byte_within;
            let error = match timeout(limit, connection.sender.try_send_request(request)).await {
                Ok(Ok(response)) => {
                    let answer = timeout_at(whole, self.read(wanted, response)).await;
                    let (answer, is_read) = answer.unwrap_or_else(|_| {
                        let limit = self.options.answer_within;
                        Err(HttpError::Unanswered(format!(
                            "the answer did not end within {limit:?}"
                        )))
                    })?;
                    if is_read {
                        connection.reused = true;
                        self.pool.put(origin, connection);
                    }
                    return Ok(answer);
                }
                Ok(Err(error)) => error,
                Err(_) => return Err(HttpError::Unanswered(format!("no answer within {limit:?}"))),
            };
            let why = with_causes(error.error());
            if connection.written() != before {
                return Err(HttpError::Unanswered(why));
            }
            progress.set_wrote(false);
            if !connection.reused {
                return Err(HttpError::NotSent(why));
            }
            // The server had closed the connection while it was unused, and nothing went out on it.
            connection = self.open(origin).await?;
        }
    }

    /// An open connection to `origin` that is unused, or a new one.
    async fn connection(&self, origin: &Origin) -> Result<HttpConnection, HttpError> {
        while let Some(mut connection) = self.pool.take(origin) {
            if connection.sender.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        self.open(origin).await
    }

    async fn open(&self, origin: &Origin) -> Result<HttpConnection, HttpError> {
        let stream = connect(origin, &self.options, &self.tls).await?;
        HttpConnection::open(stream, &self.options)
            .await
            .map_err(|why| HttpError::NotSent(format!("cannot speak HTTP with {origin}: {why}")))
    }

    /// Returns the answer, and whether all of it was read.
    async fn read(
        &self,
        wanted: Wanted,
        response: http::Response<Incoming>,
    ) -> Result<(HttpResponse, bool), HttpError> {
        let (head, incoming) = response.into_parts();
        let (body, is_read) = match wanted {
            Wanted::Whole => (body::read(&head.headers, incoming, &self.options).await?, true),
            Wanted::Head => {
                let unwanted = timeout(UNWANTED_WITHIN, body::skip(incoming, UNWANTED_BYTES)).await;
                (vec![], unwanted.unwrap_or_default())
            }
        };
        let headers = head.headers.iter().filter(|(name, _)| **name != SET_COOKIE);
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), text(value)));
        let status = head.status.as_u16();
        Ok((HttpResponse { status, headers: headers.collect(), body }, is_read))
    }
}

fn build(
    origin: &Origin,
    method: &str,
    filled: &FilledRequest,
) -> Result<http::Request<RequestBody>, HttpError> {
    let refused = |why: http::Error| HttpError::Refused(format!("no valid HTTP request: {why}"));
    let mut request = http::Request::builder()
        .method(method)
        .uri(filled.target.as_str())
        .body(Full::new(Bytes::copy_from_slice(&filled.body)))
        .map_err(refused)?;
    let headers = request.headers_mut();
    headers.clone_from(&filled.headers);
    let host = HeaderValue::from_str(&origin.authority())
        .map_err(|why| HttpError::Refused(format!("{origin} is no valid host: {why}")))?;
    headers.insert(HOST, host);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    // RFC 9110 section 8.6: where content is expected and there is none, that is said; some servers
    // answer 411 otherwise.
    if filled.body.is_empty() && matches!(method, "POST" | "PUT" | "PATCH") {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(request)
}
