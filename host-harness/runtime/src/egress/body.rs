//! Reads an answer's body within bounds.

use std::io::Read as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::http_error::{HttpError, with_causes};
use super::options::EgressOptions;

/// Below this many decoded bytes the ratio says nothing.
const RATIO_FROM: usize = 256 * 1024;

/// The whole body, decoded from gzip where it was.
///
/// # Errors
/// [`HttpError::TooLarge`], and [`HttpError::Unanswered`] for one that is cut, malformed, unpacks to far more
/// than it is, or stands in an encoding that was not asked for.
pub async fn read(
    headers: &HeaderMap,
    mut body: Incoming,
    options: &EgressOptions,
) -> Result<Vec<u8>, HttpError> {
    let (most, ratio) = (options.body_bytes, options.unpack_ratio);
    let declared =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > most) {
        return Err(too_large(most));
    }
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    let is_gzip = match encoding.as_deref() {
        None | Some(b"identity" | b"") => false,
        Some(b"gzip" | b"x-gzip") => true,
        Some(other) => {
            let name = String::from_utf8_lossy(other);
            return Err(broken(&format!("its encoding \"{name}\" was not asked for")));
        }
    };
    let mut received = Vec::with_capacity(declared.unwrap_or_default());
    while let Some(piece) = next_piece(&mut body, options.next_piece_within).await? {
        if received.len() + piece.len() > most {
            return Err(too_large(most));
        }
        received.extend_from_slice(&piece);
    }
    if is_gzip { unpack(&received, most, ratio) } else { Ok(received) }
}

/// Reads a body that nobody wants, and answers whether it ended within `most` bytes.
pub async fn skip(mut body: Incoming, most: usize) -> bool {
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        received += frame.data_ref().map_or(0, Bytes::len);
        if received > most {
            return false;
        }
    }
    true
}

/// Unpacks no further than an answer may go, so that a bomb costs neither memory nor time.
fn unpack(received: &[u8], most: usize, ratio: usize) -> Result<Vec<u8>, HttpError> {
    let allowed = most.min(RATIO_FROM.max(received.len() * ratio));
    let mut decoded = Vec::new();
    let unpacked = MultiGzDecoder::new(received).take(allowed as u64 + 1).read_to_end(&mut decoded);
    unpacked.map_err(|why| broken(&why.to_string()))?;
    match decoded.len() {
        length if length <= allowed => Ok(decoded),
        length if length > most => Err(too_large(most)),
        _ => {
            let why = format!("the answer unpacks to more than {ratio} times its size");
            Err(HttpError::Unanswered(why))
        }
    }
}

async fn next_piece(body: &mut Incoming, limit: Duration) -> Result<Option<Bytes>, HttpError> {
    loop {
        let frame = match timeout(limit, body.frame()).await {
            Ok(Some(frame)) => frame.map_err(|why| broken(&with_causes(&why)))?,
            Ok(None) => return Ok(None),
            Err(_) => return Err(broken(&format!("nothing came for {limit:?}"))),
        };
        if let Ok(piece) = frame.into_data() {
            return Ok(Some(piece));
        }
    }
}

fn too_large(most: usize) -> HttpError {
    HttpError::TooLarge(format!("the answer is larger than {} KiB", most / 1_024))
}

fn broken(why: &str) -> HttpError {
    HttpError::Unanswered(format!("the answer was not received whole: {why}"))
}
