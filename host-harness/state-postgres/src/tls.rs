//! TLS to the server: its certificate is checked, and that it is of the name that was asked for.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use connector_state::StoreError;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client;

use super::options::Address;

/// Makes TLS connections.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// As the address says.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when `sslrootcert` holds no certificate, or one that cannot be used.
    pub fn of(address: &Address) -> Result<Self, StoreError> {
        let roots = match &address.root {
            Some(pem) => trusted(pem).map_err(|why| StoreError::Unavailable {
                path: address.place.clone(),
                why: format!("the file that sslrootcert names {why}"),
            })?,
            None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().map_err(|why| {
            StoreError::Unavailable { path: address.place.clone(), why: why.to_string() }
        })?;
        Ok(Self(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
    }
}

/// The certificates to trust. One that is left out would be missed only when the server changes to it.
fn trusted(pem: &[u8]) -> Result<RootCertStore, String> {
    // The library's own text quotes the line that it cannot read.
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|_| "cannot be read; it is to be PEM".to_owned())?;
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(all) {
        (0, 0) => Err("holds no certificate; it is to be PEM".to_owned()),
        (_, 0) => Ok(roots),
        (used, odd) => Err(format!(
            "holds {odd} of {} certificates that cannot be used; take them out of it",
            used + odd
        )),
    }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Encrypted<Socket>;
    type TlsConnect = ToServer;
    type Error = io::Error;

    fn make_tls_connect(&mut self, name: &str) -> io::Result<ToServer> {
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        Ok(ToServer { connector: TlsConnector::from(Arc::clone(&self.0)), name })
    }
}

/// One connection to be made.
pub struct ToServer {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for ToServer {
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Encrypted<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move { self.connector.connect(self.name, stream).await.map(Encrypted) })
    }
}

/// An encrypted stream.
pub struct Encrypted<S>(client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    /// The certificate is checked by name, so the password proof need not bind it too.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
