//! Directories for tests, removed when they end.

use std::path::{Path, PathBuf};

/// An empty directory of its own.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Makes it.
    pub fn new() -> Self {
        let mut name = [0; 8];
        crate::vault::fill(&mut name).unwrap();
        let name = format!("host-scratch-{:016x}", u64::from_be_bytes(name));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
