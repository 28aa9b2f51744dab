//! From a request to its answer.
//!
//! | status | when |
//! |---|---|
//! | 200 | the delivery is on the disk, now or since before |
//! | any | what the pages for browsers answer, below `/connect/` |
//! | 400 | it was cut off |
//! | 401 | it is not verified |
//! | 404 | anything but the path of a hook |
//! | 408 | the body came too slowly |
//! | 413 | the body is larger than bounds allow |
//! | 415 | the body is encoded |
//! | 429 | the hook has too many deliveries |
//! | 503 | it cannot be verified or kept now |
//!
//! Senders repeat everything but a 2xx, so each of them heals when its cause goes away. Where it
//! does not in time, the sender gives up: so whatever a hook turned away opens a gap, at most once
//! an hour.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use connector_contract::subscriptions::{Answer, Delivery};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::Receiver;
use super::body;
use super::caller;
use super::hook::{ServedHook, hook_path};
use super::intake::take;
use super::pages::page;
use super::route::{Route, route};
use crate::webhooks::Note;

/// When nothing better is known.
const AGAIN_IN: Duration = Duration::from_secs(30);
/// Bytes of an answer that a connector gives.
const ANSWER_BYTES: usize = 64 * 1024;

pub type Reply = Response<Full<Bytes>>;

/// Why a delivery is not taken now.
pub struct RefusedDelivery {
    status: StatusCode,
    why: String,
    /// When it is to be sent again, where that is not the sender's business alone.
    wait: Option<Duration>,
}

impl RefusedDelivery {
    /// With this status; the sender is told why.
    pub fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into(), wait: None }
    }

    /// It cannot be taken now. Why is not the sender's business.
    pub fn later(why: impl Into<String>) -> Self {
        let wait = Some(AGAIN_IN);
        Self { wait, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, why) }
    }

    fn reply(self) -> Reply {
        let Some(wait) = self.wait else { return plain(self.status, self.why + "\n") };
        let mut reply = plain(self.status, "send it again later\n");
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        reply
    }
}

/// Where a request came from.
#[derive(Clone, Copy)]
pub struct Peer {
    pub address: IpAddr,
    pub tls: bool,
}

/// Answers a request, of which the first byte has `arrived` then.
pub async fn answer(
    shared: &Arc<Receiver>,
    from: Peer,
    request: Request<Incoming>,
    arrived: Instant,
) -> Reply {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let served = match route(shared.surroundings.prefix(), request.uri().path()) {
        Some(Route::Health) if reads => return plain(StatusCode::OK, "ok\n"),
        Some(Route::Ready) if reads => {
            return match shared.is_ready().await {
                true => plain(StatusCode::OK, "ready\n"),
                false => plain(StatusCode::SERVICE_UNAVAILABLE, "cannot keep deliveries now\n"),
            };
        }
        Some(Route::Hook(token)) => match shared.hook(token) {
            None if shared.is_away(token) => {
                shared.count(|counts| counts.later += 1);
                return closing(RefusedDelivery::later("its connection is being moved").reply());
            }
            found => found,
        },
        Some(Route::Page(path)) => {
            let path = path.to_owned();
            return match page(shared, from, path, request).await {
                Ok(Some(page)) => page,
                Ok(None) => closing(plain(StatusCode::NOT_FOUND, "nothing is here\n")),
                Err(refused) => {
                    shared.count(|counts| counts.refused += 1);
                    closing(refused.reply())
                }
            };
        }
        Some(Route::Health | Route::Ready) | None => None,
    };
    match served {
        Some(served) => deliver(shared, from, &served, request, arrived).await,
        None => closing(plain(StatusCode::NOT_FOUND, "nothing is here\n")),
    }
}

async fn deliver(
    shared: &Arc<Receiver>,
    from: Peer,
    served: &ServedHook,
    request: Request<Incoming>,
    arrived: Instant,
) -> Reply {
    let (head, incoming) = request.into_parts();
    let proxies = &shared.surroundings.trusted_proxies;
    let proxied = proxies.contains(&from.address);
    let refuse = |refused: RefusedDelivery| {
        shared.count(|counts| match refused.status {
            StatusCode::UNAUTHORIZED => counts.unverified += 1,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => counts.later += 1,
            _ => counts.refused += 1,
        });
        let from = Some(caller::address(&head.headers, from.address, proxies));
        let connection = Some(served.hook.connection.clone());
        let (status, why) = (refused.status.as_u16(), refused.why.clone());
        shared.notes.note(&Note::Refused { connection, from, status, why });
        // The next beat opens the gap: the disk may be what is slow.
        served.miss(shared.clock.now_ms());
        refused.reply()
    };
    let body = match admit(shared, served, &head.headers, incoming).await {
        Ok(body) => body,
        Err(refused) => return closing(refuse(refused)),
    };
    let public = shared.surroundings.public_url.as_deref();
    // Credentials among them go no further than `take`.
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    let headers = headers.collect();
    let raw = Delivery {
        subscription: served.hook.subscription.clone(),
        method: head.method.as_str().to_owned(),
        url: caller::url(
            public.map(|public| format!("{public}{}", hook_path(&served.hook.token))),
            &head.uri,
            &head.headers,
            from.tls,
            proxied,
        ),
        headers,
        body: body.bytes.clone(),
        received_at: String::new(),
    };
    match take(shared, served, raw, arrived).await {
        Ok(answer) => answer.and_then(given).unwrap_or_default(),
        Err(refused) => refuse(refused),
    }
}

/// The body of a delivery that there is room for.
async fn admit<'a>(
    shared: &'a Receiver,
    served: &ServedHook,
    headers: &HeaderMap,
    incoming: Incoming,
) -> Result<body::Body<'a>, RefusedDelivery> {
    if shared.holds_off() {
        return Err(RefusedDelivery::later("commits fail"));
    }
    served.take().map_err(|wait| {
        let why = "more deliveries than the hook may have";
        RefusedDelivery {
            wait: Some(wait),
            ..RefusedDelivery::new(StatusCode::TOO_MANY_REQUESTS, why)
        }
    })?;
    body::read(headers, incoming, &shared.bounds, &shared.held).await
}

/// The answer that a connector wants to give, e.g. to a challenge. What frames the message is
/// ours.
fn given(answer: Answer) -> Option<Reply> {
    if answer.body.len() > ANSWER_BYTES {
        return None;
    }
    let mut reply = Response::new(Full::new(Bytes::from(answer.body)));
    let status = StatusCode::from_u16(answer.status).ok();
    *reply.status_mut() = status.filter(|status| !status.is_informational())?;
    for (name, value) in answer.headers {
        let name = HeaderName::try_from(name).ok()?;
        if ![CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name) {
            reply.headers_mut().append(name, HeaderValue::try_from(value).ok()?);
        }
    }
    Some(reply)
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(text.into()));
    *reply.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}

/// With a body that was not read, a connection is of no more use.
fn closing(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}
