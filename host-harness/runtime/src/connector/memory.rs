//! Bounds of what an instance may allocate.

use wasmtime::ResourceLimiter;

/// Elements of one table.
const TABLE_ELEMENTS: usize = 20_000;

/// Says no to memory and tables beyond a bound, and remembers that it did.
#[derive(Debug)]
pub struct MemoryBound {
    bytes: usize,
    denied: bool,
}

impl MemoryBound {
    /// At most `bytes` of linear memory.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self { bytes, denied: false }
    }

    /// Whether the guest asked for more: what failed after that, failed of it.
    #[must_use]
    pub fn denied(&self) -> bool {
        self.denied
    }

    fn allow(&mut self, desired: usize, bound: usize) -> bool {
        self.denied |= desired > bound;
        desired <= bound
    }
}

impl ResourceLimiter for MemoryBound {
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let bound = self.bytes;
        Ok(self.allow(desired, bound))
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.allow(desired, TABLE_ELEMENTS))
    }

    fn instances(&self) -> usize {
        32
    }

    fn tables(&self) -> usize {
        32
    }

    fn memories(&self) -> usize {
        4
    }
}
