//! Takes deliveries over HTTP/1.1.
//!
//! Whoever connects is a stranger until a signature says otherwise. So everything that a stranger
//! can make the receiver do is bounded ([`ReceiverBounds`]): connections, time, bytes, disk. HTTP/2 is not
//! offered: nothing here needs it.

mod answer;
mod body;
mod caller;
mod hook;
mod intake;
mod pages;
mod route;
mod shared;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_contract::clock::Clock;
use connector_runtime::egress::Stream;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use self::answer::{Peer, answer};
use self::hook::ServedHook;
pub use self::hook::{Hook, hook_path, new_token};
pub(super) use self::intake::{new_events, timestamp};
pub use self::shared::{Receiver, ReceiverCounts};
use super::{Inbox, Notes, ReceiverBounds};
use crate::jobs::Shutdown;
use crate::listener::{Accept, Pages, Phases, TimedStream, Tls};
use crate::lock;

/// How often the receiver notes that it is there, and looks after its certificate.
const BEAT: Duration = Duration::from_secs(30);
/// A gap because of deliveries that were turned away is opened no more often.
const MISSED_EVERY: Duration = Duration::from_secs(3_600);
/// hyper's buffers have no smaller bound than this.
const SMALLEST_BUFFER: usize = 8_192;

/// Where a receiver stands.
#[derive(Default)]
pub struct Surroundings {
    /// The URL by which providers reach it, without a slash at its end.
    pub public_url: Option<String>,
    /// Proxies whose forwarded headers are true, and whose connections are not counted.
    pub trusted_proxies: Vec<IpAddr>,
    /// TLS, unless a proxy takes care of it.
    pub tls: Option<Tls>,
    /// What browsers see below `/connect/`; nothing without.
    pub pages: Option<Arc<dyn Pages>>,
}

impl Surroundings {
    /// The path of the public URL; a proxy may or may not take it away.
    fn prefix(&self) -> &str {
        let url = self.public_url.as_deref().unwrap_or_default();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
    }
}

impl Receiver {
    /// A receiver without hooks.
    pub fn new(
        bounds: ReceiverBounds,
        inbox: Arc<dyn Inbox>,
        clock: Arc<dyn Clock>,
        notes: Arc<dyn Notes>,
        surroundings: Surroundings,
    ) -> Arc<Self> {
        Arc::new(Self {
            held: Semaphore::new(bounds.held_bytes.min(Semaphore::MAX_PERMITS)),
            bounds,
            inbox,
            clock,
            notes,
            wake: Arc::default(),
            surroundings,
            hooks: Mutex::default(),
            away: Mutex::default(),
            counts: Mutex::default(),
            networks: Mutex::default(),
            failed: Mutex::default(),
        })
    }

    /// Serves these hooks and no others. One that it serves already is decoded for as it is given
    /// now, and keeps its rate and its counts.
    pub fn serve_hooks(&self, hooks: Vec<Hook>) {
        let mut served = lock(&self.hooks);
        let mut before = std::mem::take(&mut *served);
        for hook in hooks {
            let token = hook.token.clone();
            let before = before.remove(&token);
            let before = before.filter(|before| before.hook.connection == hook.connection);
            let now = match before {
                Some(before) => before.renewed(hook),
                None => ServedHook::new(hook, self.bounds.rate, self.bounds.burst),
            };
            served.insert(token, Arc::new(now));
        }
    }

    /// Has the senders of what comes to these tokens send it again later: their connections are being
    /// moved, or were.
    pub fn turn_away(&self, tokens: Vec<String>) {
        *lock(&self.away) = tokens.into_iter().collect();
    }

    /// Told when something new is in the inbox.
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// What it has seen so far.
    pub fn counts(&self) -> ReceiverCounts {
        *lock(&self.counts)
    }

    /// Receives until `stop` is requested. Then nothing more is accepted, and requests under way are
    /// answered.
    pub async fn run(self: &Arc<Self>, mut accept: impl Accept, stop: &Shutdown) {
        let room = Arc::new(Semaphore::new(self.bounds.connections));
        let mut connections = JoinSet::new();
        let accepting = async {
            loop {
                // Never closed, so a failure to acquire cannot come.
                let Ok(room) = Arc::clone(&room).acquire_owned().await else { return };
                let next = loop {
                    tokio::select! {
                        biased;
                        Some(_) = connections.join_next() => {}
                        next = accept.accept() => break next,
                    }
                };
                let Some((stream, from)) = next else { return };
                let Some(place) = self.place(from) else {
                    self.count(|counts| counts.turned_away += 1);
                    continue;
                };
                let (shared, stop) = (Arc::clone(self), stop.clone());
                connections.spawn(async move {
                    shared.count(|counts| counts.open += 1);
                    serve(&shared, stream, from, &stop).await;
                    shared.count(|counts| counts.open -= 1);
                    drop((place, room));
                });
            }
        };
        tokio::select! {
            biased;
            () = stop.requested() => {}
            () = accepting => {}
            () = beats(self) => {}
        }
        drop(accept);
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = timeout(self.bounds.farewell, all).await;
        // The last sign of life is now.
        let _ = self.beat().await;
        self.open_missed(Duration::ZERO).await;
    }
}

async fn beats(shared: &Receiver) {
    let mut beats = interval(BEAT);
    loop {
        beats.tick().await;
        // What fails is noted there.
        if shared.beat().await.is_ok() {
            shared.open_missed(MISSED_EVERY).await;
        }
        if let Some(tls) = &shared.surroundings.tls
            && let Err(why) = tls.renew()
        {
            shared.notes.failing("renewing the certificate", &why);
        }
    }
}

/// Serves a connection to its end.
async fn serve(shared: &Arc<Receiver>, stream: Box<dyn Stream>, address: IpAddr, stop: &Shutdown) {
    let bounds = &shared.bounds;
    let tls = shared.surroundings.tls.as_ref();
    let from = Peer { address, tls: tls.is_some() };
    let stream: Box<dyn Stream> = match tls {
        None => stream,
        Some(tls) => match timeout(bounds.first_byte_within, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => Box::new(stream),
            // Strangers who speak no TLS are none of our business.
            _ => return,
        },
    };
    let phases = Phases::new(bounds.first_byte_within, bounds.head_within);
    let guarded = TimedStream::new(stream, Arc::clone(&phases), bounds.answer_within);
    let service = service_fn(|request| {
        let phases = Arc::clone(&phases);
        async move {
            let arrived = phases.busy();
            let reply = answer(shared, from, request, arrived).await;
            phases.idle(bounds.idle_for);
            Ok::<_, Infallible>(reply)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The guard is more exact: this one counts the idle time too.
        .header_read_timeout(bounds.idle_for + bounds.head_within)
        .max_headers(bounds.head_fields)
        .max_header_size(bounds.head_bytes)
        .max_buf_size(bounds.head_bytes.max(SMALLEST_BUFFER))
        .serve_connection(TokioIo::new(guarded), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        biased;
        // What goes wrong with a stranger's connection is the stranger's to say.
        _ = connection.as_mut() => return,
        () = stop.requested() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
