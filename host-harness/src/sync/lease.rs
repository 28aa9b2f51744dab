//! The right to scan an object: one process or task at a time.
//!
//! A lease lasts [`LEASE_MS`] and each page renews it. One whose holder has ended is free at once:
//! its name tells the process, and within a process the tasks that hold one are known. Being
//! wrong about that costs nothing but work, since a page of a lost lease is never committed.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::SyncError;
use crate::store::Lease;
use crate::vault::fill;

/// How long a lease lasts, in milliseconds.
const LEASE_MS: u64 = 45_000;

/// Attempts of this process that are under way.
static UNDER_WAY: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A name for one attempt. Dropping it ends the attempt.
#[derive(Debug)]
pub struct Attempt(String);

impl Attempt {
    /// A new one: this process's number, and 128 random bits.
    ///
    /// # Errors
    /// [`SyncError::NoRandomness`].
    pub fn new() -> Result<Self, SyncError> {
        let mut bits = [0; 16];
        fill(&mut bits).map_err(|_| SyncError::NoRandomness)?;
        let name = format!("{}-{:032x}", std::process::id(), u128::from_be_bytes(bits));
        under_way().insert(name.clone());
        Ok(Self(name))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// A lease that begins now.
    pub fn lease(&self, now_ms: u64) -> Lease {
        Lease { attempt: self.0.clone(), until_ms: until_ms(now_ms) }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        under_way().remove(&self.0);
    }
}

/// When a lease ends that is renewed now.
pub fn until_ms(now_ms: u64) -> u64 {
    now_ms.saturating_add(LEASE_MS)
}

/// Whether somebody holds this lease.
pub fn is_held(lease: &Lease, now_ms: u64) -> bool {
    lease.until_ms > now_ms && !has_ended(&lease.attempt)
}

/// Whether the attempt is known to have ended.
fn has_ended(attempt: &str) -> bool {
    let Some(process) = attempt.split('-').next().and_then(|number| number.parse().ok()) else {
        return false;
    };
    if process == std::process::id() {
        return !under_way().contains(attempt);
    }
    is_gone(process)
}

/// A process in another container is not seen from here and counts as gone: see the module's text.
#[cfg(unix)]
fn is_gone(process: u32) -> bool {
    let Some(process) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    rustix::process::test_kill_process(process) == Err(rustix::io::Errno::SRCH)
}

/// Here a lease of an ended process lasts to its end.
#[cfg(not(unix))]
fn is_gone(_: u32) -> bool {
    false
}

fn under_way() -> MutexGuard<'static, BTreeSet<String>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_held_as_long_as_its_attempt_lives() {
        let attempt = Attempt::new().unwrap();
        let lease = attempt.lease(1_000);
        assert!(is_held(&lease, 1_000) && is_held(&lease, 1_000 + LEASE_MS - 1));
        assert!(!is_held(&lease, 1_000 + LEASE_MS));
        drop(attempt);
        assert!(!is_held(&lease, 1_000));
    }

    #[cfg(unix)]
    #[test]
    fn the_lease_of_a_process_that_ended_is_free() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let lease = Lease { attempt: format!("{}-0", child.id()), until_ms: 10 };
        // Not waited for, it is still there.
        assert!(is_held(&lease, 1));
        child.wait().unwrap();
        assert!(!is_held(&lease, 1));
        let foreign = Lease { attempt: "somebody".to_owned(), until_ms: 10 };
        assert!(is_held(&foreign, 1) && !is_held(&foreign, 10));
    }
}
