//! HTTP/1.1 connections that wait for the next request to their origin, closed when nothing comes.
//!
//! One pool serves all connections to providers that use the same network, certificate authorities
//! and proxy, whoever's they are. That mixes nobody's data: who asks is told by the secrets of each
//! request, TLS has no client certificate, a request has an HTTP connection to itself, and that one
//! comes back only when its answer was read to its end. How far an origin is trusted is a part of
//! the key, so that none that was opened to a private address serves where that is not allowed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::Origin;
use super::http_connection::HttpConnection;
use super::options::EgressOptions;
use crate::lock::lock;

/// Unused connections by origin. All stay equally long, so their order is that of their ends.
pub struct Pool {
    options: EgressOptions,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// The one that is unused longest first. Looked through one by one: they are a few hundred.
    connections: VecDeque<IdleConnection>,
    /// Closes them in time; ends when there are none.
    closing: Option<JoinHandle<()>>,
}

struct IdleConnection {
    connection: HttpConnection,
    origin: Origin,
    until: Instant,
}

impl Pool {
    /// An empty pool.
    pub fn new(options: &EgressOptions) -> Arc<Self> {
        Arc::new(Self { options: options.clone(), idle: Mutex::default() })
    }

    /// Takes out the connection to `origin` that was used last.
    pub fn take(&self, origin: &Origin) -> Option<HttpConnection> {
        let mut idle = lock(&self.idle);
        let last = idle.connections.iter().rposition(|one| one.origin == *origin)?;
        let found = idle.connections.remove(last)?;
        // The task that closes may be late.
        (found.until > Instant::now()).then_some(found.connection)
    }

    /// Puts in a connection whose last answer was read to its end. At a bound the one that is
    /// unused longest is closed for it.
    pub fn put(self: &Arc<Self>, origin: &Origin, connection: HttpConnection) {
        let mut idle = lock(&self.idle);
        let mut of_origin =
            idle.connections.iter().enumerate().filter(|(_, one)| one.origin == *origin);
        if let Some((oldest, _)) = of_origin.next()
            && of_origin.count() + 1 >= self.options.idle_per_origin
        {
            idle.connections.remove(oldest);
        }
        if idle.connections.len() >= self.options.idle_connections {
            idle.connections.pop_front();
        }
        let (origin, until) = (origin.clone(), Instant::now() + self.options.idle_for);
        idle.connections.push_back(IdleConnection { connection, origin, until });
        // One that was spawned on an executor that has ended is finished too.
        if idle.closing.as_ref().is_none_or(JoinHandle::is_finished) {
            idle.closing = Some(tokio::spawn(close_idle(Arc::downgrade(self))));
        }
    }

    /// Closes what was unused for too long. Answers when the next one is; `None`: none is left.
    fn close_expired(&self) -> Option<Instant> {
        let mut idle = lock(&self.idle);
        let now = Instant::now();
        while idle.connections.front().is_some_and(|oldest| oldest.until <= now) {
            idle.connections.pop_front();
        }
        let next = idle.connections.front().map(|oldest| oldest.until);
        if next.is_none() {
            // Under the same lock, so that whoever puts one in meanwhile begins another.
            idle.closing = None;
        }
        next
    }
}

async fn close_idle(pool: Weak<Pool>) {
    while let Some(next) = pool.upgrade().and_then(|pool| pool.close_expired()) {
        sleep_until(next).await;
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(closing) = lock(&self.idle).closing.take() {
            closing.abort();
        }
    }
}

#[cfg(test)]
mod tests;
