//! The network of a verification: every origin leads to the fake provider, by way of a tap that can lose an answer,
//! put another one in its place, or hold it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use connector_runtime::egress::{Connect, Pending, Resolve, Stream};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// Largest request or answer that passes.
const LARGEST: usize = 64 << 20;
/// Where origins seem to be that are not the provider's own: they speak TLS.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// What is done to a request.
#[derive(Debug, Clone, Default)]
pub enum Fault {
    /// It is passed on, and so is its answer.
    #[default]
    None,
    /// It is passed on, and its answer lost.
    Lost,
    /// It is not passed on; this is answered.
    Instead(Arc<[u8]>),
    /// It is passed on, and nothing is answered.
    Held,
}

/// The tap.
#[derive(Clone)]
pub struct Tap {
    provider: SocketAddr,
    tls: TlsAcceptor,
    fault: Arc<Mutex<(Fault, Option<usize>)>>,
    requests: Arc<AtomicUsize>,
}

impl Tap {
    /// Before `provider`, for origins of these hosts; and the certificate to trust, in PEM.
    ///
    /// # Errors
    /// When no certificate can be made for a host.
    pub fn new(provider: SocketAddr, hosts: Vec<String>) -> io::Result<(Self, Vec<u8>)> {
        let made = generate_simple_self_signed(hosts).map_err(io::Error::other)?;
        let CertifiedKey { cert, signing_key } = made;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let config =
            ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into());
        let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key);
        let tls = TlsAcceptor::from(Arc::new(config.map_err(io::Error::other)?));
        let (fault, requests) = (Arc::default(), Arc::default());
        Ok((Self { provider, tls, fault, requests }, cert.pem().into_bytes()))
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Does this to every request from now on; with `number`, to that one alone, counted from 1.
    pub fn set(&self, fault: Fault, number: Option<usize>) {
        let number = number.map(|number| self.requests() + number);
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = (fault, number);
    }

    fn fault(&self, request: usize) -> Fault {
        let (fault, number) = self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if number.is_none_or(|number| number == request) { fault } else { Fault::None }
    }

    /// Serves one request, whose connection then ends.
    async fn serve(self, mut near: impl Stream) -> io::Result<()> {
        let mut read = Vec::new();
        let (head, end) = loop {
            if let Some(ends) = ends(&read) {
                break ends;
            }
            if read.len() > LARGEST || near.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = self.fault(number);
        if let Fault::Instead(answer) = &fault {
            near.write_all(answer).await?;
            return near.shutdown().await;
        }
        let mut far = TcpStream::connect(self.provider).await?;
        // So that the end of the answer is the end of the connection.
        let (head, body) =
            (read.get(..head - 2).unwrap_or_default(), read.get(head..end).unwrap_or_default());
        far.write_all(&[head, b"connection: close\r\n\r\n", body].concat()).await?;
        let mut answer = Vec::new();
        while !is_whole(&answer) && answer.len() < LARGEST {
            if far.read_buf(&mut answer).await? == 0 {
                break;
            }
        }
        match fault {
            Fault::Held => std::future::pending().await,
            Fault::Lost => Ok(()),
            _ => {
                // The connection ends here, and its other side must not count on it.
                let line = answer.windows(2).position(|it| it == b"\r\n").map_or(0, |at| at + 2);
                let (line, rest) = answer.split_at(line);
                near.write_all(&[line, b"connection: close\r\n", rest].concat()).await?;
                near.shutdown().await
            }
        }
    }
}

/// Where the head and the body of the request in `read` end, if it is whole.
fn ends(read: &[u8]) -> Option<(usize, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 200];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = request.parse(read) else { return None };
    let length = request.headers.iter().find(|it| it.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|it| std::str::from_utf8(it.value).ok()?.trim().parse().ok());
    let end = head + length.unwrap_or(0_usize);
    (read.len() >= end).then_some((head, end))
}

/// Whether `read` is a whole answer by what its head says. One that says nothing ends with its connection,
/// which whoever answers may keep open although it was asked not to.
fn is_whole(read: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; 200];
    let mut answer = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = answer.parse(read) else { return false };
    let header = |name: &str| {
        let mut found = answer.headers.iter().filter(|it| it.name.eq_ignore_ascii_case(name));
        found.next().and_then(|it| std::str::from_utf8(it.value).ok()).map(str::trim)
    };
    let length = header("content-length").and_then(|it| it.parse::<usize>().ok());
    match (answer.code, length, header("transfer-encoding")) {
        (Some(204 | 304), ..) => true,
        (_, _, Some(_)) => read.ends_with(b"\r\n0\r\n\r\n"),
        (_, Some(length), None) => read.len() >= head + length,
        (_, None, None) => false,
    }
}

impl Resolve for Tap {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(vec![SocketAddr::new(ELSEWHERE, port)]) })
    }

    fn stand_in(&self, host: &str, port: u16) -> Option<SocketAddr> {
        let is_provider = host.parse() == Ok(self.provider.ip()) && port == self.provider.port();
        Some(if is_provider { self.provider } else { SocketAddr::new(ELSEWHERE, port) })
    }
}

impl Connect for Tap {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        let (near, theirs): (DuplexStream, DuplexStream) = duplex(256 * 1024);
        let tap = self.clone();
        tokio::spawn(async move {
            if address == tap.provider {
                return tap.serve(theirs).await;
            }
            let stream = tap.tls.clone().accept(theirs).await?;
            tap.serve(stream).await
        });
        Box::pin(async move { Ok(Box::new(near) as Box<dyn Stream>) })
    }
}
