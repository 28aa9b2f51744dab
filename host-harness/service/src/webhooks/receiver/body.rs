//! A request's body, whole and within bounds.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::answer::RefusedDelivery;
use crate::webhooks::ReceiverBounds;

/// A whole body; counts as held until it is dropped.
pub struct Body<'a> {
    /// Its bytes.
    pub bytes: Vec<u8>,
    _held: SemaphorePermit<'a>,
}

/// Reads the body of a request with these headers. `held` has a permit for each byte that all
/// bodies together may still take.
pub async fn read<'a>(
    headers: &HeaderMap,
    mut body: Incoming,
    bounds: &ReceiverBounds,
    held: &'a Semaphore,
) -> Result<Body<'a>, RefusedDelivery> {
    let too_large = || RefusedDelivery::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
    let slow = || RefusedDelivery::new(StatusCode::REQUEST_TIMEOUT, "the body came too slowly");
    let no_room = |_| RefusedDelivery::later("too many bodies at once");
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(plain) {
        let why = "send the body as it is, not encoded";
        return Err(RefusedDelivery::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > bounds.body_bytes) {
        return Err(too_large());
    }
    let end = Instant::now() + bounds.body_within;
    let mut share = held.try_acquire_many(0).map_err(no_room)?;
    let mut whole = Vec::new();
    let enough = bounds.body_speed as u128 * bounds.body_speed_over.as_millis() / 1_000;
    let mut span_end = Instant::now() + bounds.body_speed_over;
    let mut span_bytes: u128 = 0;
    loop {
        let piece: Bytes = match timeout_at(span_end.min(end), body.frame()).await {
            Ok(None) => return Ok(Body { bytes: whole, _held: share }),
            Ok(Some(Err(_))) => {
                return Err(RefusedDelivery::new(StatusCode::BAD_REQUEST, "the body was cut off"));
            }
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            Err(_) if span_end < end && span_bytes >= enough => Bytes::new(),
            Err(_) => return Err(slow()),
        };
        if whole.len() + piece.len() > bounds.body_bytes {
            return Err(too_large());
        }
        let more = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        share.merge(held.try_acquire_many(more).map_err(no_room)?);
        whole.extend_from_slice(&piece);
        span_bytes += piece.len() as u128;
        if Instant::now() >= span_end {
            if span_bytes < enough {
                return Err(slow());
            }
            span_end = Instant::now() + bounds.body_speed_over;
            span_bytes = 0;
        }
    }
}
