//! Requests as they are read, and answers as they are written.

use crate::bindings::wasi::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam, Scheme,
};
use crate::bindings::wasi::io::streams::{OutputStream, StreamError};
use crate::problem::{Kind, Problem, Source};

/// Bytes of a request's body. A record and a delivery are far smaller.
const BODY_BYTES: usize = 1 << 20;

/// A request, read whole.
pub struct Request {
    /// In upper case.
    pub method: String,
    /// Segments of the path, decoded.
    pub path: Vec<String>,
    /// Parameters of the query, decoded.
    pub query: Vec<(String, String)>,
    /// As it was called.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Whole.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads one.
    ///
    /// # Errors
    /// A problem when it cannot be read, or is too large.
    pub fn read(request: IncomingRequest) -> Result<Self, Problem> {
        let target = request.path_with_query().unwrap_or_default();
        let scheme = match request.scheme() {
            Some(Scheme::Http) => "http",
            _ => "https",
        };
        let authority = request.authority();
        let headers = request.headers().entries();
        let headers: Vec<_> =
            headers.into_iter().map(|(name, it)| (name.to_ascii_lowercase(), it)).collect();
        let named = headers.iter().find(|(name, _)| name == "host");
        let named = named.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        let authority = named.or(authority).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let decode = |part| percent_encoding::percent_decode_str(part).decode_utf8_lossy();
        Ok(Self {
            method: method(request.method()),
            path: path.split('/').skip(1).map(|part| decode(part).into_owned()).collect(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            url: format!("{scheme}://{authority}{target}"),
            headers,
            body: read(&request)?,
        })
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given == name);
        found.and_then(|(_, value)| std::str::from_utf8(value).ok())
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Errors
    /// A problem when it is none.
    pub fn text(&self) -> Result<&str, Problem> {
        std::str::from_utf8(&self.body)
            .map_err(|_| Problem::of_request(400, "the body is no UTF-8"))
    }
}

fn method(method: Method) -> String {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(other) => return other,
    };
    name.to_owned()
}

fn read(request: &IncomingRequest) -> Result<Vec<u8>, Problem> {
    let cut = || Problem::of_request(400, "the body did not come whole");
    let content = request.consume().map_err(|()| cut())?;
    let stream = content.stream().map_err(|()| cut())?;
    let mut body = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(piece) if body.len() + piece.len() > BODY_BYTES => {
                return Err(Problem::of_request(413, "the body is larger than 1 MiB"));
            }
            Ok(piece) => body.extend_from_slice(&piece),
            Err(StreamError::Closed) => return Ok(body),
            Err(StreamError::LastOperationFailed(_)) => return Err(cut()),
        }
    }
}

/// What is answered.
pub struct Reply {
    /// Of HTTP.
    pub status: u16,
    /// Besides the length.
    pub headers: Vec<(String, String)>,
    /// Whole.
    pub body: Vec<u8>,
}

impl Reply {
    /// A JSON text.
    pub fn json(status: u16, body: String) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.into_bytes() }
    }

    /// No body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: vec![], body: vec![] }
    }
}

/// Writes an answer. Whoever waits for it may be gone, which nobody needs to be told.
pub fn send(reply: Reply, out: ResponseOutparam) {
    let headers = reply.headers.iter();
    let mut headers: Vec<(String, Vec<u8>)> =
        headers.map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    headers.push(("content-length".to_owned(), reply.body.len().to_string().into_bytes()));
    // A header that a connector answers a delivery with, and the platform does not send.
    let headers = Fields::from_list(&headers).unwrap_or_else(|_| Fields::new());
    let response = OutgoingResponse::new(headers);
    let status = response.set_status_code(reply.status);
    let body = response.body();
    ResponseOutparam::set(out, Ok(response));
    if let (Ok(()), Ok(body)) = (status, body) {
        if let Ok(stream) = body.write() {
            let _ = write(&stream, &reply.body);
        }
        let _ = OutgoingBody::finish(body, None);
    }
}

fn write(stream: &OutputStream, mut rest: &[u8]) -> Result<(), StreamError> {
    while !rest.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX).min(rest.len());
        if room == 0 {
            stream.subscribe().block();
            continue;
        }
        let (piece, after) = rest.split_at(room);
        stream.write(piece)?;
        rest = after;
    }
    stream.blocking_flush()
}

/// The text without quotes around it, as entity tags have them.
pub fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(text)
}

/// That a route has no such method.
pub fn not_allowed(method: &str) -> Problem {
    let detail = format!("{method} means nothing here; docs/wasi.md lists what does");
    Problem::new(Kind::Unsupported, Source::Request, detail).with_status(405)
}
