//! Requests to AfterShip: one [`Call`] becomes one request.

use connector_sdk::{
    Error, Host, Level, Query, Request, Response, contract::first_header as header,
    declare::Endpoint, hidden::Hidden, path, scheme, served::Served, wait,
};

use super::answer::{Answer, Head};
use super::endpoints::record_404;
use super::fault::{self, Context};
use super::table::Body;
use crate::auth;

/// Setting: origin of the API.
pub const BASE_URL: &str = "base-url";
/// Setting: version of the API, part of every path.
pub const API_VERSION: &str = "api-version";
/// Default of [`API_VERSION`]: the version that schemas and filters here are written after.
pub const DEFAULT_API_VERSION: &str = "2026-07";

/// AfterShip's API as one connection reaches it.
pub struct Api<'h> {
    host: &'h dyn Host,
    version: String,
}

/// What is asked of one endpoint.
#[derive(Clone, Debug)]
pub struct Call<'c> {
    endpoint: Endpoint,
    what: &'static str,
    ids: Vec<&'c str>,
    query: Query,
    body: Option<String>,
    cursor_sent: bool,
    hidden: Hidden,
}

impl<'c> Call<'c> {
    /// A call of `endpoint`; `what` completes the sentence "Could not ...".
    #[must_use]
    pub fn new(endpoint: Endpoint, what: &'static str) -> Self {
        let (ids, query, hidden) = (Vec::new(), Query::new(), Hidden::default());
        Self { endpoint, what, ids, query, body: None, cursor_sent: false, hidden }
    }

    /// Fills the next `*` of the endpoint's path.
    #[must_use]
    pub fn id(mut self, id: &'c str) -> Self {
        self.ids.push(id);
        self
    }

    /// Sends these parameters.
    #[must_use]
    pub fn query(mut self, query: Query) -> Self {
        self.query = query;
        self
    }

    /// Goes on with AfterShip's `cursor`: a 400 then means that it is no longer accepted.
    #[must_use]
    pub fn cursor(mut self, cursor: &str) -> Self {
        self.query.add("cursor", cursor);
        self.cursor_sent = true;
        self
    }

    /// Sends this JSON, without the byte order mark that it may begin with: none may be sent on
    /// (RFC 8259 section 8.1).
    #[must_use]
    pub fn body(mut self, json: impl Into<String>) -> Self {
        let json = json.into();
        self.body = Some(json.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(json));
        self
    }

    /// Keeps these values, which the request carries, out of its errors.
    #[must_use]
    pub fn hide(mut self, hidden: Hidden) -> Self {
        self.hidden = hidden;
        self
    }
}

impl<'h> Api<'h> {
    /// The API in the version that the connection's setting names.
    ///
    /// # Errors
    /// `internal` when the setting is no version: paths are made of it.
    pub fn new(host: &'h dyn Host) -> Result<Self, Error> {
        let version = host.setting(API_VERSION).unwrap_or_default();
        if version.is_empty() || !version.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return Err(Error::bad_setting(API_VERSION, DEFAULT_API_VERSION));
        }
        Ok(Self { host, version })
    }

    /// The host's clock, in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.host.now_ms()
    }

    /// Sends one request and judges the answer's status and kind; the caller reads the rest.
    ///
    /// # Errors
    /// As the error table says.
    pub fn send(&self, mut call: Call<'_>) -> Result<Answer, Error> {
        let scheme = scheme::current(auth::SCHEMES, self.host)?;
        let context = Context {
            what: call.what,
            writes: call.endpoint.writes,
            cursor_sent: call.cursor_sent,
            has_body: call.body.is_some(),
            record_404: record_404(&call.endpoint),
            scope: scheme.scope(&call.endpoint),
        };
        let hidden = std::mem::take(&mut call.hidden);
        let endpoint = call.endpoint;
        let mut request = self.request(call)?;
        scheme.authorise(self.host, &endpoint, &mut request)?;
        let sent = self.host.send(request);
        let response = sent.map_err(|error| fault::unsent(context, error, &hidden))?;
        self.notice_version(&response);
        self.judge(context, response, hidden)
    }

    fn request(&self, call: Call<'_>) -> Result<Request, Error> {
        // The first `*` of each path is the version.
        let ids: Vec<_> = std::iter::once(self.version.as_str()).chain(call.ids).collect();
        let mut path_with_query = path::fill(call.endpoint.path, &ids)?;
        let query = call.query.encode();
        if !query.is_empty() {
            path_with_query.push('?');
            path_with_query.push_str(&query);
        }
        let request = Request::new(call.endpoint.name, path_with_query);
        let request = request.header("accept", "application/json");
        // AfterShip's description asks for a content type on every operation; its gateway needs
        // one only where there is content.
        Ok(match call.body {
            Some(body) => request.body("application/json", body),
            None => request,
        })
    }

    /// AfterShip serves a retired version by the oldest living one and says so only here.
    fn notice_version(&self, response: &Response) {
        if let Some(served) = header(&response.headers, "as-api-version")
            && served != self.version
        {
            let text = format!(
                "AfterShip served API version {served} instead of {}: fields may differ. Set \
                 `{API_VERSION}` to a version that it still supports.",
                self.version
            );
            self.host.log(Level::Warn, &text);
        }
    }

    fn judge(&self, context: Context, response: Response, hidden: Hidden) -> Result<Answer, Error> {
        let header = |name| header(&response.headers, name).map(str::to_owned);
        let served = Served::of(&response.headers);
        // Times in an answer are by the clock that wrote it.
        let now_ms = served.and_then(|served| u64::try_from(served.came).ok());
        let now_ms = now_ms.map_or_else(|| self.host.now_ms(), |now| now.saturating_mul(1_000));
        let head = Head {
            status: response.status,
            request_id: header("as-trace-id"),
            wait_ms: wait::hint_ms(&response.headers, now_ms),
            retry_after: wait::retry_after_ms(&response.headers, now_ms).is_some(),
            location: header("location"),
        };
        // Whether it is JSON is told by what it is: proxies have been seen to write `text/plain`.
        let body = String::from_utf8(response.body);
        let kind = if body.is_ok() { Body::Json } else { Body::Unreadable };
        let answer = Answer::new(context, head, body.unwrap_or_default(), hidden);
        let answer = answer.at(served);
        if (200..300).contains(&answer.status()) && kind == Body::Json {
            return Ok(answer);
        }
        Err(answer.fault(kind, None))
    }
}

#[cfg(test)]
mod tests;
