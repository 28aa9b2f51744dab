//! HTTP/1.1 connections to where webhooks point, kept open and used again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

use super::dial::Dialer;

/// How much of an answer's body is read, so that its connection can be used again.
const MOST_READ: usize = 64 * 1024;

type Sender = SendRequest<Full<Bytes>>;

/// Connections that nobody uses now, by host and port.
#[derive(Clone)]
pub(super) struct Pool {
    dialer: Dialer,
    idle: Arc<Mutex<HashMap<String, Vec<Sender>>>>,
}

impl Pool {
    pub(super) fn new(dialer: Dialer) -> Self {
        Self { dialer, idle: Arc::default() }
    }

    /// Sends a request and answers the status. Redirects are not followed.
    pub(super) async fn send(
        &self,
        authority: &str,
        mut request: Request<Full<Bytes>>,
    ) -> Result<u16, String> {
        loop {
            let idle = self.take(authority);
            let is_used = idle.is_some();
            let mut sender = match idle {
                Some(sender) => sender,
                None => self.open(authority).await?,
            };
            match sender.try_send_request(request).await {
                Ok(answer) => {
                    let (head, body) = answer.into_parts();
                    if Limited::new(body, MOST_READ).collect().await.is_ok()
                        && sender.ready().await.is_ok()
                    {
                        self.put_back(authority, sender);
                    }
                    return Ok(head.status.as_u16());
                }
                Err(mut error) => match error.take_message() {
                    // The connection was closed while nobody used it: nothing was sent.
                    Some(unsent) if is_used => request = unsent,
                    _ => return Err(error.error().to_string()),
                },
            }
        }
    }

    /// Sends a request up to the middle of its body, and closes.
    pub(super) async fn cut_off(&self, authority: &str, head: &str, body: &[u8]) -> String {
        let sent = async {
            let mut stream = self.dialer.dial(authority).await?;
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.split_at(body.len() / 2).0).await?;
            stream.shutdown().await
        };
        match sent.await {
            Ok(()) => "the connection was cut off".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    async fn open(&self, authority: &str) -> Result<Sender, String> {
        let stream = self.dialer.dial(authority).await.map_err(|error| error.to_string())?;
        let opened = handshake(TokioIo::new(stream)).await;
        let (sender, connection) = opened.map_err(|error| error.to_string())?;
        tokio::spawn(async move {
            // Whoever waits for an answer is told.
            let _ = connection.await;
        });
        Ok(sender)
    }

    fn take(&self, authority: &str) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle.get_mut(authority)?;
        while let Some(sender) = waiting.pop() {
            if !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    fn put_back(&self, authority: &str, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.entry(authority.to_owned()).or_default().push(sender);
    }
}
