//! A request's body, whole and within bounds.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::webhooks::Bounds;

/// Why there is no whole body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// More bytes than allowed.
    TooLarge,
    /// Not plain.
    Encoded,
    /// Too slow.
    Slow,
    /// Cut off.
    Broken,
    /// All bodies together are more than the receiver holds.
    NoRoom,
}

/// Bytes of all bodies that are held now.
#[derive(Default)]
pub struct BodyBytes(AtomicUsize);

/// A whole body; counts as held until it is dropped.
pub struct Body<'a> {
    /// Its bytes.
    pub bytes: Vec<u8>,
    _share: Share<'a>,
}

/// A share of [`BodyBytes`], given back when it is dropped.
struct Share<'a> {
    held: &'a BodyBytes,
    bytes: usize,
}

impl Share<'_> {
    fn grow(&mut self, by: usize, bound: usize) -> Result<(), BodyFault> {
        self.bytes += by;
        let before = self.held.0.fetch_add(by, Ordering::Relaxed);
        if before + by > bound { Err(BodyFault::NoRoom) } else { Ok(()) }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What the head says already.
pub fn check_head(headers: &HeaderMap, bounds: &Bounds) -> Result<(), BodyFault> {
    let plain = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(plain) {
        return Err(BodyFault::Encoded);
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        Some(length) if bounds.body_bytes < length => Err(BodyFault::TooLarge),
        _ => Ok(()),
    }
}

/// Reads the body.
pub async fn read<'a>(
    mut body: Incoming,
    bounds: &Bounds,
    held: &'a BodyBytes,
) -> Result<Body<'a>, BodyFault> {
    let end = Instant::now() + bounds.body_within;
    let mut share = Share { held, bytes: 0 };
    let mut whole = Vec::new();
    let enough = bounds.body_speed as u128 * bounds.body_speed_over.as_millis() / 1_000;
    let mut span_end = Instant::now() + bounds.body_speed_over;
    let mut span_bytes: u128 = 0;
    loop {
        let piece: Bytes = match timeout_at(span_end.min(end), body.frame()).await {
            Ok(None) => return Ok(Body { bytes: whole, _share: share }),
            Ok(Some(Err(_))) => return Err(BodyFault::Broken),
            Ok(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
            Err(_) if span_end < end && span_bytes >= enough => Bytes::new(),
            Err(_) => return Err(BodyFault::Slow),
        };
        if whole.len() + piece.len() > bounds.body_bytes {
            return Err(BodyFault::TooLarge);
        }
        share.grow(piece.len(), bounds.held_bytes)?;
        whole.extend_from_slice(&piece);
        span_bytes += piece.len() as u128;
        if Instant::now() >= span_end {
            if span_bytes < enough {
                return Err(BodyFault::Slow);
            }
            span_end = Instant::now() + bounds.body_speed_over;
            span_bytes = 0;
        }
    }
}
