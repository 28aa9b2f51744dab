//! HTTP/1.1 to where webhooks point, a connection a delivery.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt;

use super::dial::Dialer;

impl Dialer {
    /// Sends a request and answers the status. Redirects are not followed.
    pub(super) async fn send(
        &self,
        authority: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<u16, String> {
        let stream = self.dial(authority).await.map_err(|error| error.to_string())?;
        let opened = handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(|error| error.to_string())?;
        // Ends with the sender; whoever waits for an answer is told.
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        Ok(answer.status().as_u16())
    }

    /// Sends a request up to the middle of its body, and closes.
    pub(super) async fn cut_off(&self, authority: &str, head: &str, body: &[u8]) -> String {
        let sent = async {
            let mut stream = self.dial(authority).await?;
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.split_at(body.len() / 2).0).await?;
            stream.shutdown().await
        };
        match sent.await {
            Ok(()) => "the connection was cut off".to_owned(),
            Err(error) => error.to_string(),
        }
    }
}
