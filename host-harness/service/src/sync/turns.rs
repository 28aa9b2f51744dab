//! Many scans take turns, page by page.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many pages may be under way at once, over all scans that share it. Who waits longest is
/// next, so a large account never holds up a small one; and memory is bounded by these pages,
/// however many connections there are.
#[derive(Debug, Clone)]
pub struct Turns(Arc<Semaphore>);

/// The right to have one page in memory, until it is dropped.
pub type PageTurn = Option<OwnedSemaphorePermit>;

impl Turns {
    /// Room for so many pages, at least two: one is committed while the next is asked for.
    pub fn new(pages: usize) -> Self {
        Self(Arc::new(Semaphore::new(pages.max(2))))
    }

    /// Waits for a turn.
    pub(super) async fn take(&self) -> PageTurn {
        // Never closed, so a failure to acquire cannot come.
        Arc::clone(&self.0).acquire_owned().await.ok()
    }
}

impl Default for Turns {
    /// Sixteen pages.
    fn default() -> Self {
        Self::new(16)
    }
}
