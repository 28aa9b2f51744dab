//! What happened in a day, in its order: the same for the same seed.

use std::fmt::Display;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::lock;

/// Takes notes, and their digest.
pub struct Journal {
    began: Instant,
    kept: Mutex<Kept>,
}

struct Kept {
    digest: Sha256,
    /// Somebody reads along.
    shown: bool,
}

impl Journal {
    /// A journal of a day that begins now; its lines are printed where they are to be `shown`.
    pub fn new(shown: bool) -> Self {
        let kept = Kept { digest: Sha256::new(), shown };
        Self { began: Instant::now(), kept: Mutex::new(kept) }
    }

    /// Something happened now.
    pub fn note(&self, what: impl Display) {
        let line = format!("{:>12} {what}", self.began.elapsed().as_millis());
        let mut kept = lock(&self.kept);
        kept.digest.update(line.as_bytes());
        kept.digest.update(b"\n");
        if kept.shown {
            println!("{line}");
        }
    }

    /// The digest so far.
    pub fn hash(&self) -> String {
        let digest = lock(&self.kept).digest.clone().finalize();
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}
