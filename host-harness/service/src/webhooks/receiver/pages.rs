//! Pages for browsers, within the receiver's bounds.

use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;

use super::answer::{Peer, RefusedDelivery, Reply};
use super::{Receiver, body};
use crate::listener::PageRequest;
use crate::webhooks::ReceiverBounds;

/// Bytes of a form: a few keys.
const FORM_BYTES: usize = 64 * 1024;

/// The page at this path; `None`: there are none here.
pub async fn page(
    shared: &Arc<Receiver>,
    from: Peer,
    path: String,
    request: Request<Incoming>,
) -> Result<Option<Reply>, RefusedDelivery> {
    let Some(pages) = &shared.surroundings.pages else { return Ok(None) };
    let (head, incoming) = request.into_parts();
    let bounds =
        ReceiverBounds { body_bytes: FORM_BYTES.min(shared.bounds.body_bytes), ..shared.bounds };
    let body = body::read(&head.headers, incoming, &bounds, &shared.held).await?;
    let proxied = shared.surroundings.trusted_proxies.contains(&from.address);
    let request = PageRequest {
        method: head.method,
        path,
        query: head.uri.query().map(str::to_owned),
        headers: head.headers,
        body: body.bytes.clone(),
        is_private: from.tls || proxied || from.address.is_loopback(),
    };
    Ok(Some(pages.answer(request).await))
}
