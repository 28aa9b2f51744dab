//! What one call may use of the host.

use std::time::Duration;

/// Bounds of one call. The defaults are far above what a page of 200 records
/// needs, and far below what would hurt a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// Linear memory of the instance, in bytes.
    pub memory_bytes: usize,
    /// Time on the CPU inside the guest; waiting for an answer does not count.
    pub cpu: Duration,
    /// Bytes that may cross from the guest to the host at once: one request, one result.
    pub crossing_bytes: usize,
    /// Bytes of log; what goes beyond is dropped and said once.
    pub log_bytes: usize,
    /// Bytes of one log line.
    pub log_line_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            memory_bytes: 64 * 1024 * 1024,
            cpu: Duration::from_secs(1),
            crossing_bytes: 32 * 1024 * 1024,
            log_bytes: 64 * 1024,
            log_line_bytes: 4 * 1024,
        }
    }
}
