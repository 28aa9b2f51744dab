//! Somebody who is sent webhooks: keeps what comes and answers as told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aftership_simulator::Dialer;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, duplex};

/// A delivery that came whole.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Keeps what comes. What it is not told to answer, it answers with 200.
#[derive(Clone, Default)]
pub(crate) struct Receiver {
    got: Arc<Mutex<Vec<Got>>>,
    replies: Arc<Mutex<VecDeque<u16>>>,
    always: Arc<Mutex<Option<u16>>>,
}

impl Receiver {
    pub(crate) fn reply(&self, statuses: &[u16]) {
        self.replies.lock().unwrap().extend(statuses);
    }

    pub(crate) fn always(&self, status: u16) {
        *self.always.lock().unwrap() = Some(status);
    }

    /// What came so far, forgotten by asking.
    pub(crate) fn take(&self) -> Vec<Got> {
        std::mem::take(&mut self.got.lock().unwrap())
    }

    /// A way to it in memory.
    pub(crate) fn dialer(&self) -> Dialer {
        let receiver = self.clone();
        Dialer::new(move |authority| {
            assert_eq!(authority, "host.example:8080");
            let (ours, theirs) = duplex(64 * 1024);
            let receiver = receiver.clone();
            tokio::spawn(async move { receiver.serve(theirs).await });
            async { Ok(ours) }
        })
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let service = service_fn(|request| self.respond(request));
        // What is cut off never comes whole.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        assert_eq!(parts.method, "POST");
        let (target, headers) = (parts.uri.to_string(), parts.headers);
        self.got.lock().unwrap().push(Got { target, headers, body });
        let always = *self.always.lock().unwrap();
        let next = self.replies.lock().unwrap().pop_front();
        let status = next.or(always).unwrap_or(200);
        let mut response = Response::new(Full::default());
        *response.status_mut() = status.try_into().unwrap();
        Ok(response)
    }
}
