//! Reads an answer's body within bounds.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use thiserror::Error;
use tokio::time::timeout;

use super::options::EgressOptions;

/// Below this many decoded bytes the ratio says nothing.
const RATIO_FROM: usize = 256 * 1024;
/// Encoded bytes that are unpacked at a time.
const STEP: usize = 1024;

/// Why there is no whole body.
#[derive(Debug, Error)]
pub enum BodyFault {
    /// More than the host takes. Asking for less may help.
    #[error("the answer is larger than {} KiB", .0 / 1024)]
    TooLarge(usize),
    /// It unpacks to far more than it is.
    #[error("the answer unpacks to more than {0} times its size")]
    Bomb(usize),
    /// Cut, malformed, or in an encoding that was not asked for.
    #[error("the answer was not received whole: {0}")]
    Broken(String),
}

/// The whole body, decoded from gzip where it was.
///
/// # Errors
/// [`BodyFault`].
pub async fn read(
    headers: &HeaderMap,
    mut body: Incoming,
    options: &EgressOptions,
) -> Result<Vec<u8>, BodyFault> {
    let (most, ratio) = (options.body_bytes, options.unpack_ratio);
    let declared =
        headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > most) {
        return Err(BodyFault::TooLarge(most));
    }
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    let mut sink = match encoding.as_deref() {
        None | Some(b"identity" | b"") => {
            Sink::Plain(Vec::with_capacity(declared.unwrap_or_default()))
        }
        Some(b"gzip" | b"x-gzip") => Sink::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
        Some(other) => {
            let name = String::from_utf8_lossy(other);
            return Err(BodyFault::Broken(format!("its encoding \"{name}\" was not asked for")));
        }
    };
    let mut received = 0;
    while let Some(piece) = next_piece(&mut body, options.next_piece_within).await? {
        received += piece.len();
        // Small steps, so that a bomb is seen before it has unpacked far.
        for step in piece.chunks(STEP) {
            let decoded = sink.push(step)?;
            if decoded > most {
                return Err(BodyFault::TooLarge(most));
            }
            if decoded > RATIO_FROM && decoded / ratio > received {
                return Err(BodyFault::Bomb(ratio));
            }
        }
    }
    sink.finish()
}

async fn next_piece(body: &mut Incoming, limit: Duration) -> Result<Option<Bytes>, BodyFault> {
    loop {
        let frame = match timeout(limit, body.frame()).await {
            Ok(Some(frame)) => frame.map_err(|why| BodyFault::Broken(chain(&why)))?,
            Ok(None) => return Ok(None),
            Err(_) => return Err(BodyFault::Broken(format!("nothing came for {limit:?}"))),
        };
        if let Ok(piece) = frame.into_data() {
            return Ok(Some(piece));
        }
    }
}

enum Sink {
    Plain(Vec<u8>),
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
}

impl Sink {
    /// Takes a piece; answers the number of decoded bytes so far.
    fn push(&mut self, piece: &[u8]) -> Result<usize, BodyFault> {
        match self {
            Self::Plain(bytes) => {
                bytes.extend_from_slice(piece);
                Ok(bytes.len())
            }
            Self::Gzip(decoder) => {
                decoder.write_all(piece).map_err(|why| BodyFault::Broken(why.to_string()))?;
                Ok(decoder.get_ref().len())
            }
        }
    }

    fn finish(self) -> Result<Vec<u8>, BodyFault> {
        match self {
            Self::Plain(bytes) => Ok(bytes),
            Self::Gzip(decoder) => {
                decoder.finish().map_err(|why| BodyFault::Broken(why.to_string()))
            }
        }
    }
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
