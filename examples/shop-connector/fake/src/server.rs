//! The shop over TLS on loopback, under a certificate of its own.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::Fake;

impl Fake {
    /// Listens on a free port of 127.0.0.1 while the runtime lives; answers where, and the
    /// certificate to trust, in PEM.
    ///
    /// # Errors
    /// When no port or certificate can be had.
    pub async fn listen(&self) -> io::Result<(SocketAddr, String)> {
        let (certificate, config) = certified(self.shop().domain()).map_err(io::Error::other)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let fake = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, fake) = (acceptor.clone(), fake.clone());
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    serve(fake, stream).await;
                });
            }
        });
        Ok((address, certificate))
    }

    /// The same without TLS, for whoever stands in front of it.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn listen_plainly(&self) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let fake = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(fake.clone(), stream));
            }
        });
        Ok(address)
    }
}

async fn serve(fake: Fake, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let serve = service_fn(move |request| answered(fake.clone(), request));
    // A client that goes away is nobody's fault.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), serve).await;
}

/// An error ends the connection: so an answer is lost.
async fn answered(fake: Fake, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let answer = fake.handle(&Request::from_parts(head, body));
    answer.map(|answer| answer.map(Full::new)).ok_or_else(|| io::Error::other("lost on purpose"))
}

fn certified(domain: String) -> Result<(String, ServerConfig), Box<dyn Error + Send + Sync>> {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![domain])?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions()?.with_no_client_auth();
    Ok((cert.pem(), config.with_single_cert(vec![cert.der().clone()], key)?))
}
