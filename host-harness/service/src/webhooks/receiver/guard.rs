//! A stream whose other end may not dawdle.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

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

    /// The service has a request.
    pub fn busy(&self) {
        *self.now() = Phase::Busy;
    }

    /// It has answered; the next request must begin within this time.
    pub fn idle(&self, within: Duration) {
        *self.now() = Phase::Idle(Instant::now() + within);
    }

    fn read_some(&self) {
        let mut now = self.now();
        if matches!(*now, Phase::Idle(_)) {
            *now = Phase::Head(Instant::now() + self.head_within);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match *self.now() {
            Phase::Idle(until) | Phase::Head(until) => Some(until),
            Phase::Busy => None,
        }
    }

    fn now(&self) -> MutexGuard<'_, Phase> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fails reads that come too late for the phase, and writes that nobody takes.
pub struct TimedStream<S> {
    stream: S,
    phases: Arc<Phases>,
    reading: Timer,
    write_within: Duration,
    writing: Option<Instant>,
    write_timer: Timer,
}

impl<S> TimedStream<S> {
    /// Guards `stream`.
    pub fn new(stream: S, phases: Arc<Phases>, write_within: Duration) -> Self {
        Self {
            stream,
            phases,
            reading: Timer::default(),
            write_within,
            writing: None,
            write_timer: Timer::default(),
        }
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
        let until = *self.writing.get_or_insert_with(|| Instant::now() + self.write_within);
        ready!(self.write_timer.poll(until, context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedStream<S> {
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
        ready!(self.reading.poll(until, context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
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

/// A timer that is made when it is first needed.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll(&mut self, until: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(context)
    }
}
