//! One request by `wasi:http`, and its answer: sent once, bounded, and "nothing was sent" told from "no whole answer
//! came" as exactly as the platform's error codes do (H-19). The adapter and the front have it alike.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;

use crate::bindings::wasi::clocks::monotonic_clock;
use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use crate::bindings::wasi::io::poll::{self, Pollable};
use crate::bindings::wasi::io::streams::StreamError;

const SECOND: u64 = 1_000_000_000;
/// For an address to accept.
const CONNECT_WITHIN: u64 = 5 * SECOND;
/// For the whole answer, counted from the request.
const ANSWER_WITHIN: u64 = 30 * SECOND;
/// All header lines of an answer.
const HEADER_BYTES: usize = 64 << 10;
/// What a stream of WASI takes at once.
const PIECE: usize = 4_096;
/// An answer may unpack to so many times its size; below `RATIO_FROM` bytes that says nothing.
const RATIO: usize = 50;
const RATIO_FROM: usize = 256 << 10;

/// What is sent.
pub struct Request<'a> {
    /// By https.
    pub tls: bool,
    /// Host and port.
    pub authority: &'a str,
    /// In upper case.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// All but those that frame the message.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Empty: none.
    pub body: &'a [u8],
}

/// What came.
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// Whole and decoded.
    pub body: Vec<u8>,
}

/// Why nothing came.
#[derive(Debug)]
pub enum Failed {
    /// Nothing can have reached the server.
    NotSent(String),
    /// Sent in part or whole, and no whole answer came.
    Unanswered(String),
    /// The platform does not send it.
    Refused(String),
}

/// Sends a request, and reads an answer of `most` bytes at most.
///
/// # Errors
/// [`Failed`].
pub fn exchange(request: Request<'_>, most: usize) -> Result<Answer, Failed> {
    let deadline = monotonic_clock::now().saturating_add(ANSWER_WITHIN);
    let bytes = request.body;
    let request = prepare(request)?;
    let body = request.body().map_err(|()| refused("body"))?;
    let options = RequestOptions::new();
    // A platform may not know them; the deadline holds all the same.
    let _ = options.set_connect_timeout(Some(CONNECT_WITHIN));
    let _ = options.set_first_byte_timeout(Some(ANSWER_WITHIN));
    let _ = options.set_between_bytes_timeout(Some(ANSWER_WITHIN));
    let coming = outgoing_handler::handle(request, Some(options)).map_err(|why| failed(&why))?;
    // A server may answer before it has read everything, so what comes decides.
    let sent = write(body, bytes);
    let answer = wait(&coming, deadline)?;
    if let (Err(why), 200..300) = (sent, answer.status()) {
        return Err(unanswered(&format!("the request was not sent whole: {why}")));
    }
    read(&answer, most, deadline)
}

fn prepare(request: Request<'_>) -> Result<OutgoingRequest, Failed> {
    let mut headers = request.headers;
    headers.push(("accept-encoding".to_owned(), b"gzip".to_vec()));
    if !request.body.is_empty() || !matches!(request.method, "GET" | "HEAD" | "DELETE") {
        let length = request.body.len().to_string();
        headers.push(("content-length".to_owned(), length.into_bytes()));
    }
    let headers = Fields::from_list(&headers).map_err(|_| refused("header"))?;
    let outgoing = OutgoingRequest::new(headers);
    let scheme = if request.tls { Scheme::Https } else { Scheme::Http };
    outgoing.set_method(&method(request.method)).map_err(|()| refused("method"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| refused("scheme"))?;
    outgoing.set_authority(Some(request.authority)).map_err(|()| refused("authority"))?;
    outgoing.set_path_with_query(Some(request.target)).map_err(|()| refused("path"))?;
    Ok(outgoing)
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), String> {
    if !bytes.is_empty() {
        let stream = body.write().map_err(|()| "it has no stream".to_owned())?;
        for piece in bytes.chunks(PIECE) {
            stream.blocking_write_and_flush(piece).map_err(|why| told(&why))?;
        }
    }
    OutgoingBody::finish(body, None).map_err(|why| format!("{why:?}"))
}

fn wait(coming: &FutureIncomingResponse, deadline: u64) -> Result<IncomingResponse, Failed> {
    loop {
        match coming.get() {
            Some(Ok(Ok(answer))) => return Ok(answer),
            Some(Ok(Err(why))) => return Err(failed(&why)),
            Some(Err(())) => return Err(unanswered("the platform handed it out before")),
            None => ready(&coming.subscribe(), deadline)?,
        }
    }
}

/// Waits until something is there.
fn ready(what: &Pollable, deadline: u64) -> Result<(), Failed> {
    let late = monotonic_clock::subscribe_instant(deadline);
    match poll::poll(&[what, &late]).contains(&0) {
        true => Ok(()),
        false => Err(unanswered("it did not come whole within 30 s")),
    }
}

fn read(answer: &IncomingResponse, most: usize, deadline: u64) -> Result<Answer, Failed> {
    let too_large = || unanswered(&format!("it is larger than {} KiB", most / 1_024));
    let status = answer.status();
    let entries = answer.headers().entries();
    let size: usize = entries.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > HEADER_BYTES {
        return Err(unanswered("its headers are larger than 64 KiB"));
    }
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let headers = entries.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), text(value)));
    let headers: Vec<(String, String)> = headers.collect();
    let header = |name: &str| {
        let found = headers.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    };
    let declared: Option<usize> = header("content-length").and_then(|length| length.parse().ok());
    if declared.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let broken = || unanswered("its body cannot be read");
    let content = answer.consume().map_err(|()| broken())?;
    let stream = content.stream().map_err(|()| broken())?;
    let mut body = Vec::with_capacity(declared.unwrap_or_default());
    loop {
        match stream.read(PIECE as u64 * 16) {
            Ok(piece) if piece.is_empty() => ready(&stream.subscribe(), deadline)?,
            Ok(piece) if body.len() + piece.len() > most => return Err(too_large()),
            Ok(piece) => body.extend_from_slice(&piece),
            Err(StreamError::Closed) => break,
            Err(why) => return Err(unanswered(&told(&why))),
        }
    }
    if declared.is_some_and(|length| length > body.len()) {
        return Err(unanswered("it ended early"));
    }
    let body = match header("content-encoding").unwrap_or_default().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => unpack(&body, most)?,
        "" | "identity" => body,
        other => return Err(unanswered(&format!("its encoding \"{other}\" was not asked for"))),
    };
    Ok(Answer { status, headers, body })
}

/// Unpacks no further than an answer may go, so that a bomb costs neither memory nor time.
fn unpack(packed: &[u8], most: usize) -> Result<Vec<u8>, Failed> {
    let allowed = most.min(RATIO_FROM.max(packed.len().saturating_mul(RATIO)));
    let mut body = Vec::new();
    let unpacked = MultiGzDecoder::new(packed).take(allowed as u64 + 1).read_to_end(&mut body);
    unpacked.map_err(|why| unanswered(&why.to_string()))?;
    match body.len() <= allowed {
        true => Ok(body),
        false => Err(unanswered("it unpacks to more than an answer may be")),
    }
}

/// A code by which nothing can have reached the server, or one that leaves it open.
fn failed(code: &ErrorCode) -> Failed {
    let why = format!("H-19: {code:?}");
    match code {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsCertificateError => Failed::NotSent(why),
        ErrorCode::HttpRequestDenied
        | ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong => Failed::Refused(why),
        _ => Failed::Unanswered(why),
    }
}

fn refused(what: &str) -> Failed {
    Failed::Refused(format!("H-16: the platform sends no such {what}"))
}

fn unanswered(why: &str) -> Failed {
    Failed::Unanswered(format!("H-19: the answer was not received whole: {why}"))
}

fn told(why: &StreamError) -> String {
    match why {
        StreamError::LastOperationFailed(error) => error.to_debug_string(),
        StreamError::Closed => "the stream was closed".to_owned(),
    }
}
