//! How the program is asked to end: by SIGINT (Ctrl-C) or SIGTERM, which mean the same.
//!
//! | signal | what follows |
//! |---|---|
//! | the first | the command comes to its end ([`super::run`]), then a renewal of tokens that is under way |
//! | the second | the process ends at once |
//!
//! Signals are waited for by a thread of their own: a command that blocks every other thread can
//! still be ended. As process 1 of a container the program has no default way to end, so it hears
//! them from its beginning and ends itself.

use std::io;
use std::thread;

use tokio::sync::watch;

use super::exit::Exit;

/// Tells whether the program has been asked to end. Clones tell the same.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Begins to wait for signals; from now on none ends the program by itself.
    ///
    /// # Errors
    /// When the system lets nobody wait for them.
    pub fn listen() -> io::Result<Self> {
        let (to, requested) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _inside = runtime.enter();
            Signals::new()?
        };
        let waiting = async move {
            signals.next().await;
            to.send_replace(true);
            signals.next().await;
            end_at_once();
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || runtime.block_on(waiting))?;
        Ok(Self(requested))
    }

    /// Returns when the program has been asked to end.
    pub async fn requested(&self) {
        let mut requested = self.0.clone();
        if requested.wait_for(|requested| *requested).await.is_err() {
            // Nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }

    /// Whether the program has been asked to end.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }
}

#[expect(clippy::exit, reason = "somebody asked twice, and whatever is under way is in the way")]
fn end_at_once() {
    std::process::exit(Exit::Interrupted.code().into());
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// One that is asked for by hand.
    pub fn by_hand() -> (watch::Sender<bool>, Shutdown) {
        let (to, requested) = watch::channel(false);
        (to, Shutdown(requested))
    }
}
