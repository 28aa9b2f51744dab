//! Every call of the connector, as it went.

use std::sync::{Mutex, PoisonError};

use connector_runtime::recording::{RecordedCall, Recorder};

/// Most calls, and bytes of them, that are kept.
const CALLS: usize = 5_000;
const BYTES: usize = 128 << 20;

/// Keeps calls.
#[derive(Default)]
pub struct Tape(Mutex<(Vec<RecordedCall>, usize)>);

impl Recorder for Tape {
    fn record(&self, call: RecordedCall, bytes: usize) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0.len() < CALLS && kept.1 + bytes < BYTES {
            kept.0.push(call);
            kept.1 += bytes;
        }
    }
}

impl Tape {
    /// Those so far.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}
