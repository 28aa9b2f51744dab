//! From a request to its answer.
//!
//! | status | when |
//! |---|---|
//! | 200 | the delivery is on the disk, now or since before |
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
use connector_contract::clock::unix_ms;
use connector_contract::subscriptions::{Answer, Delivery};
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;

use super::body::{self, BodyFault};
use super::caller;
use super::hook::{ServedHook, hook_path};
use super::intake::{Verdict, all_headers, take};
use super::route::{Route, route};
use super::shared::ReceiverState;
use crate::webhooks::Note;

/// When nothing better is known.
const AGAIN_IN: Duration = Duration::from_secs(30);
/// Bytes of an answer that a connector gives.
const ANSWER_BYTES: usize = 64 * 1024;

pub type Reply = Response<Full<Bytes>>;

/// Where a request came from.
#[derive(Clone, Copy)]
pub struct Peer {
    pub address: IpAddr,
    pub tls: bool,
}

/// Answers a request.
pub async fn answer(shared: &Arc<ReceiverState>, from: Peer, request: Request<Incoming>) -> Reply {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let served = match route(shared.surroundings.prefix(), request.uri().path()) {
        Some(Route::Health) if reads => return plain(StatusCode::OK, "ok\n"),
        Some(Route::Ready) if reads => {
            return match shared.is_ready().await {
                Ok(()) => plain(StatusCode::OK, "ready\n"),
                Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "cannot keep deliveries now\n"),
            };
        }
        Some(Route::Hook(token)) => shared.hook(token),
        Some(Route::Health | Route::Ready) | None => None,
    };
    match served {
        Some(served) => deliver(shared, from, &served, request).await,
        None => closing(plain(StatusCode::NOT_FOUND, "nothing is here\n")),
    }
}

async fn deliver(
    shared: &Arc<ReceiverState>,
    from: Peer,
    served: &ServedHook,
    request: Request<Incoming>,
) -> Reply {
    let (head, incoming) = request.into_parts();
    let proxies = &shared.surroundings.trusted_proxies;
    let proxied = proxies.contains(&from.address);
    let refuse = |status: StatusCode, why: &str| {
        shared.count(|counts| match status {
            StatusCode::UNAUTHORIZED => counts.unverified += 1,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => counts.later += 1,
            _ => counts.refused += 1,
        });
        let from = Some(caller::address(&head.headers, from.address, proxies));
        let connection = Some(served.hook.connection.clone());
        let (status, why) = (status.as_u16(), why.to_owned());
        shared.notes.note(&Note::Refused { connection, from, status, why });
        // The next beat opens the gap: the disk may be what is slow.
        served.miss(unix_ms(shared.clock.now()));
    };
    if shared.holds_off() {
        refuse(StatusCode::SERVICE_UNAVAILABLE, "commits fail");
        return closing(later(StatusCode::SERVICE_UNAVAILABLE, AGAIN_IN));
    }
    if let Err(wait) = served.take() {
        refuse(StatusCode::TOO_MANY_REQUESTS, "more deliveries than the hook may have");
        return closing(later(StatusCode::TOO_MANY_REQUESTS, wait));
    }
    let checked = body::check_head(&head.headers, &shared.bounds);
    let read = match checked {
        Ok(()) => body::read(incoming, &shared.bounds, &shared.held).await,
        Err(fault) => Err(fault),
    };
    let body = match read {
        Ok(body) => body,
        Err(fault) => {
            let (status, text) = said(fault);
            refuse(status, text);
            return closing(match status {
                StatusCode::SERVICE_UNAVAILABLE => later(status, AGAIN_IN),
                _ => plain(status, text),
            });
        }
    };
    let public = shared.surroundings.public_url.as_deref();
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
        headers: all_headers(&head.headers),
        body: body.bytes.clone(),
        received_at: String::new(),
    };
    match take(shared, served, raw).await {
        Verdict::Kept(answer) => answer.and_then(given).unwrap_or_default(),
        Verdict::Unverified => {
            served.count_refused();
            refuse(StatusCode::UNAUTHORIZED, "it is not signed with the secret that is kept");
            plain(StatusCode::UNAUTHORIZED, "not verified\n")
        }
        Verdict::Later(why) => {
            refuse(StatusCode::SERVICE_UNAVAILABLE, &why);
            later(StatusCode::SERVICE_UNAVAILABLE, AGAIN_IN)
        }
    }
}

fn said(fault: BodyFault) -> (StatusCode, &'static str) {
    match fault {
        BodyFault::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n"),
        BodyFault::Encoded => {
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "send the body as it is, not encoded\n")
        }
        BodyFault::Slow => (StatusCode::REQUEST_TIMEOUT, "the body came too slowly\n"),
        BodyFault::Broken => (StatusCode::BAD_REQUEST, "the body was cut off\n"),
        BodyFault::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "too many bodies at once\n"),
    }
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

fn plain(status: StatusCode, text: &'static str) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *reply.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    reply
}

fn later(status: StatusCode, wait: Duration) -> Reply {
    let mut reply = plain(status, "send it again later\n");
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    reply
}

/// With a body that was not read, a connection is of no more use.
fn closing(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}
