//! A stream whose other end may not dawdle.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use connector_runtime::egress::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::lock;

/// What a connection is doing, shared by its stream and its service.
pub struct Phases {
    now: Mutex<Phase>,
    head_within: Duration,
}

#[derive(Clone, Copy)]
enum Phase {
    /// No byte of the next request has come.
    Idle(Instant),
    /// Its head is coming.
    Head(Instant),
    /// The service has it.
    Busy,
}

impl Phases {
    /// The first byte must come within `first_byte_within`, and each head within `head_within`
    /// of its own.
    pub fn new(first_byte_within: Duration, head_within: Duration) -> Arc<Self> {
        let now = Mutex::new(Phase::Idle(Instant::now() + first_byte_within));
        Arc::new(Self { now, head_within })
    }

    /// The service has a request. Answers when its first byte came; of one that was read with what came before
    /// it, now.
    pub fn busy(&self) -> Instant {
        match std::mem::replace(&mut *lock(&self.now), Phase::Busy) {
            Phase::Head(until) => until.checked_sub(self.head_within).unwrap_or(until),
            Phase::Idle(_) | Phase::Busy => Instant::now(),
        }
    }

    /// It has answered; the next request must begin within this time.
    pub fn idle(&self, within: Duration) {
        *lock(&self.now) = Phase::Idle(Instant::now() + within);
    }

    fn read_some(&self) {
        let mut now = lock(&self.now);
        if matches!(*now, Phase::Idle(_)) {
            *now = Phase::Head(Instant::now() + self.head_within);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match *lock(&self.now) {
            Phase::Idle(until) | Phase::Head(until) => Some(until),
            Phase::Busy => None,
        }
    }
}

/// Fails reads that come too late for the phase, and writes that nobody takes.
pub struct TimedStream {
    stream: Box<dyn Stream>,
    phases: Arc<Phases>,
    /// Ends with the phase.
    reading: Pin<Box<Sleep>>,
    write_within: Duration,
    /// Of a write that nobody takes yet.
    writing: Option<Pin<Box<Sleep>>>,
}

impl TimedStream {
    /// Guards `stream`.
    pub fn new(stream: Box<dyn Stream>, phases: Arc<Phases>, write_within: Duration) -> Self {
        let reading = Box::pin(sleep_until(Instant::now()));
        Self { stream, phases, reading, write_within, writing: None }
    }

    /// The answer of a write; an error once it has been stuck for too long.
    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.writing = None;
            return written;
        }
        let within = self.write_within;
        let timer = self.writing.get_or_insert_with(|| Box::pin(sleep(within)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, into) {
            if into.filled().len() > before {
                self.phases.read_some();
            }
            return Poll::Ready(read);
        }
        let Some(until) = self.phases.deadline() else { return Poll::Pending };
        if self.reading.deadline() != until {
            self.reading.as_mut().reset(until);
        }
        ready!(self.reading.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.in_time(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.in_time(context, ended)
    }
}
