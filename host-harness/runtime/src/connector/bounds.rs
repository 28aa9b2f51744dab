//! What one call may use of the host.

use std::time::Duration;

use wasmtime::{StoreLimits, StoreLimitsBuilder};

/// Elements of one table.
pub(super) const TABLE_ELEMENTS: usize = 20_000;

/// Bounds of one call. The defaults are far above what a page of 200 records
/// needs, and far below what would hurt a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallBounds {
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

impl Default for CallBounds {
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

impl CallBounds {
    /// What an instance may allocate; one that asks for more is stopped.
    pub(super) fn store_limits(self) -> StoreLimits {
        StoreLimitsBuilder::new()
            .memory_size(self.memory_bytes)
            .table_elements(TABLE_ELEMENTS)
            .instances(32)
            .tables(32)
            .memories(4)
            .trap_on_grow_failure(true)
            .build()
    }
}
