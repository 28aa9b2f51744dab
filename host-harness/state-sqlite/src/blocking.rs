//! Where work runs that may block.

use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// On which threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocking {
    /// Tokio's for such work.
    Threads,
    /// The caller's: everything happens in one order.
    Here,
}

impl Blocking {
    /// Begins `work`, and waits for it only where it runs here. Where no runtime is left that could
    /// begin it, `work` is dropped, and the answer is `false`.
    pub fn begin(self, work: impl FnOnce() + Send + 'static) -> bool {
        match (self, Handle::try_current()) {
            (Self::Here, _) => work(),
            (Self::Threads, Ok(runtime)) => drop(runtime.spawn_blocking(work)),
            (Self::Threads, Err(_)) => return false,
        }
        true
    }

    /// The result of `work`; `None` where the runtime ended before it.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        match self {
            Self::Here => Some(work()),
            Self::Threads => spawn_blocking(work).await.ok(),
        }
    }
}
