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

use host_harness::service::jobs::Shutdown;

use super::exit::Exit;

/// Begins to wait for signals; from now on none ends the program by itself.
///
/// # Errors
/// When the system lets nobody wait for them.
pub fn listen() -> io::Result<Shutdown> {
    let (trigger, shutdown) = Shutdown::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::new()?
    };
    let waiting = async move {
        signals.next().await;
        trigger.request();
        signals.next().await;
        end_at_once();
    };
    let thread = thread::Builder::new().name("signals".to_owned());
    thread.spawn(move || runtime.block_on(waiting))?;
    Ok(shutdown)
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
