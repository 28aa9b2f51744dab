//! The network between hosts and provider: streams in memory that are slow, refused or cut.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aftership_simulator::Simulator;
use fastrand::Rng;
use host_harness::egress::{Connect, Pending, Resolve, Stream};
use host_harness::store::memory::Halt;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep};

use crate::find::Violation;
use crate::journal::Journal;
use crate::lock;

/// What secrets of accounts begin with; two digits follow that name the account.
pub const CANARY: &str = "canary-";
/// Requests of an account in a day; more are a fault of the hosts, and end the day.
const MOST: usize = 1_000;
/// How requests begin.
const METHODS: [&str; 5] = ["GET ", "POST ", "PUT ", "PATCH ", "DELETE "];

/// One host's life: it ends at once, wherever its tasks are.
pub struct Alive {
    /// Stops its calls of the state.
    pub halt: Arc<Halt>,
    /// Told when it has sent its last request.
    pub sent_last: Notify,
    /// Requests that it still sends.
    requests: AtomicUsize,
    dead: AtomicBool,
}

impl Alive {
    /// Of a host that begins.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            halt: Halt::at(None),
            sent_last: Notify::new(),
            requests: AtomicUsize::new(usize::MAX),
            dead: AtomicBool::new(false),
        })
    }

    /// Ends it when it has sent so many more requests.
    pub fn end_after(&self, requests: usize) {
        self.requests.store(requests, Ordering::SeqCst);
    }

    /// It sends a request.
    fn sends(&self) {
        if self.requests.load(Ordering::SeqCst) == usize::MAX {
            return;
        }
        if self.requests.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.end();
            self.sent_last.notify_one();
        }
    }

    /// Nothing comes from it or to it any more.
    pub fn end(&self) {
        self.halt.stop_after(0);
        self.dead.store(true, Ordering::SeqCst);
    }

    fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }
}

/// A request that left a host.
#[derive(Debug, Clone)]
pub struct Sent {
    pub at_ms: u64,
    pub account: usize,
    /// Method and path, with the ids that are in it.
    pub request: String,
}

/// What all hosts share.
pub struct Network {
    pub simulators: Vec<Simulator>,
    /// Part of all streams that go wrong.
    faults: f64,
    random: Mutex<Rng>,
    /// Nothing goes wrong any more.
    calm: AtomicBool,
    /// In the order of their times.
    pub sent: Mutex<Vec<Sent>>,
    /// By account.
    counts: Mutex<Vec<usize>>,
    /// Told when an account has more than enough of it.
    pub too_many: Notify,
    pub cuts: AtomicU64,
    pub found: Mutex<Vec<Violation>>,
    journal: Arc<Journal>,
    began: Instant,
}

impl Network {
    /// To these accounts.
    pub fn new(
        simulators: Vec<Simulator>,
        faults: f64,
        seed: u64,
        journal: Arc<Journal>,
    ) -> Arc<Self> {
        let counts = Mutex::new(vec![0; simulators.len()]);
        Arc::new(Self {
            counts,
            too_many: Notify::new(),
            simulators,
            faults,
            random: Mutex::new(Rng::with_seed(seed ^ 0x6e65_7477)),
            calm: AtomicBool::new(false),
            sent: Mutex::default(),
            cuts: AtomicU64::new(0),
            found: Mutex::default(),
            journal,
            began: Instant::now(),
        })
    }

    /// Lets nothing go wrong from now on.
    pub fn calm(&self) {
        self.calm.store(true, Ordering::SeqCst);
    }

    fn roll(&self, part: f64) -> bool {
        let rolled = lock(&self.random).f64();
        rolled < part && !self.calm.load(Ordering::SeqCst)
    }

    fn up_to(&self, most: u64) -> u64 {
        lock(&self.random).u64(0..most)
    }

    /// Notes the request that begins with these bytes, if one does.
    fn note(&self, host: usize, account: usize, bytes: &[u8]) -> bool {
        self.check_secrets(account, bytes);
        let Some(line) = bytes.split(|byte| *byte == b'\r').next() else { return false };
        let Ok(line) = std::str::from_utf8(line) else { return false };
        if !METHODS.iter().any(|method| line.starts_with(method)) {
            return false;
        }
        let request = line.strip_suffix(" HTTP/1.1").unwrap_or(line);
        self.journal.note(format_args!("h{host} a{account:02} {request}"));
        let request = request.split('?').next().unwrap_or_default().to_owned();
        let at_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap();
        lock(&self.sent).push(Sent { at_ms, account, request });
        let mut counts = lock(&self.counts);
        counts[account] += 1;
        if counts[account] == MOST {
            let what = format!("a{account:02} was asked {MOST} times by {at_ms} ms");
            lock(&self.found).push(Violation::new("I-8", what));
            self.too_many.notify_one();
        }
        true
    }

    /// No account's secret goes to another one.
    fn check_secrets(&self, account: usize, bytes: &[u8]) {
        let (canary, own) = (CANARY.as_bytes(), format!("{account:02}"));
        for (at, window) in bytes.windows(canary.len()).enumerate() {
            if window == canary && !bytes[at + canary.len()..].starts_with(own.as_bytes()) {
                let what = format!("a secret of another account went to a{account:02}");
                lock(&self.found).push(Violation::new("I-10", what));
            }
        }
    }
}

/// The network as one host sees it.
pub struct HostNetwork {
    pub network: Arc<Network>,
    pub alive: Arc<Alive>,
    pub host: usize,
}

impl Resolve for HostNetwork {
    /// `a07.simulated`.
    fn resolve<'a>(&'a self, name: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let account = name.strip_prefix('a').and_then(|name| name.strip_suffix(".simulated"));
            let account = account.and_then(|account| account.parse().ok());
            let account = account.ok_or_else(|| io::Error::other("no such name"))?;
            Ok(vec![SocketAddr::from(([10, 0, 0, account], port))])
        })
    }
}

impl Connect for HostNetwork {
    fn resolver(&self) -> &dyn Resolve {
        self
    }

    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        let account = match address.ip() {
            std::net::IpAddr::V4(ip) => match ip.octets() {
                [10, 0, 0, account] => usize::from(account),
                _ => usize::MAX,
            },
            std::net::IpAddr::V6(_) => usize::MAX,
        };
        Box::pin(async move {
            self.alive.halt.step().await;
            let network = &self.network;
            let Some(simulator) = network.simulators.get(account).cloned() else {
                let what = format!("a stream to {address}");
                lock(&network.found).push(Violation::new("I-11", what));
                return Err(io::Error::other("no such address"));
            };
            sleep(Duration::from_millis(network.up_to(80))).await;
            if network.roll(network.faults / 2.0) {
                network.cuts.fetch_add(1, Ordering::SeqCst);
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (near, far) = duplex(64 * 1024);
            tokio::spawn(async move { simulator.serve_stream(far).await });
            // Either what is sent is cut, so that it is not done, or the answer to it.
            let cut = network.roll(network.faults).then(|| network.up_to(4_000));
            let on_the_way_back = network.up_to(2) == 0;
            let (out, back) = match cut {
                Some(bytes) if on_the_way_back => (u64::MAX, bytes),
                Some(bytes) => (bytes / 8, u64::MAX),
                None => (u64::MAX, u64::MAX),
            };
            let (network, alive) = (Arc::clone(network), Arc::clone(&self.alive));
            let host = self.host;
            let line = Line { near, network, alive, host, account, out, back, delay: None };
            Ok(Box::new(line) as Box<dyn Stream>)
        })
    }
}

/// A stream to an account.
struct Line {
    near: DuplexStream,
    network: Arc<Network>,
    alive: Arc<Alive>,
    host: usize,
    account: usize,
    /// Bytes that still come through, in each direction.
    out: u64,
    back: u64,
    /// Until then an answer is on its way.
    delay: Option<Pin<Box<Sleep>>>,
}

impl Line {
    fn cut<T>(&self) -> Poll<io::Result<T>> {
        if self.network.calm.load(Ordering::SeqCst) {
            // A stream of earlier that ends, as any may.
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        self.network.cuts.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.alive.is_dead() {
            return Poll::Pending;
        }
        if let Some(delay) = &mut self.delay {
            ready!(delay.as_mut().poll(context));
            self.delay = None;
        }
        if self.back == 0 {
            return self.cut();
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.near).poll_read(context, buffer))?;
        let read = (buffer.filled().len() - before) as u64;
        if read > self.back {
            let kept = before + usize::try_from(self.back).unwrap();
            buffer.set_filled(kept);
        }
        if self.back != u64::MAX {
            self.back = self.back.saturating_sub(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.alive.is_dead() {
            return Poll::Pending;
        }
        if self.network.note(self.host, self.account, bytes) {
            self.alive.sends();
            let delay = Duration::from_millis(5 + self.network.up_to(150));
            self.delay = Some(Box::pin(sleep(delay)));
        }
        if self.out == 0 {
            return self.cut();
        }
        let most = usize::try_from(self.out).unwrap_or(usize::MAX).min(bytes.len());
        let wrote = ready!(Pin::new(&mut self.near).poll_write(context, &bytes[..most]))?;
        if self.out != u64::MAX {
            self.out = self.out.saturating_sub(wrote as u64);
        }
        Poll::Ready(Ok(wrote))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.near).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.near).poll_shutdown(context)
    }
}
