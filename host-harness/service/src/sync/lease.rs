//! The right to scan an object: one process or task at a time.
//!
//! A lease lasts [`LEASE_MS`] and each page renews it. One whose holder has ended is free at once.
//! Whether it has is told by its name, `PLACE.PROCESS-RANDOM`:
//!
//! | the lease | its holder |
//! |---|---|
//! | ends later than a lease can that is renewed now | unknown, but a clock was set back: it is free |
//! | is of this process | is known: tasks that hold one are listed |
//! | is of another process in the same place | is looked for by its number |
//! | is of another place: another boot, or another namespace of process numbers (a container) | cannot be looked for: the lease lasts to its end |
//!
//! Being wrong costs nothing but work, since a page of a lost lease is never committed.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use connector_contract::hex;
use connector_state::Lease;
use sha2::{Digest as _, Sha256};

use super::error::SyncError;
use crate::vault::{fill, random_id};

/// How long a lease lasts, in milliseconds.
const LEASE_MS: u64 = 45_000;

/// Attempts of this process that are under way.
static UNDER_WAY: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Where numbers of processes mean what they mean here.
static PLACE: LazyLock<String> = LazyLock::new(place);

/// A name for one attempt. Dropping it ends the attempt.
#[derive(Debug)]
pub struct Attempt(String);

impl Attempt {
    /// A new one: this process's place and number, and 128 random bits.
    ///
    /// # Errors
    /// [`SyncError::NoRandomness`].
    pub fn new() -> Result<Self, SyncError> {
        let bits = random_id().map_err(|_| SyncError::NoRandomness)?;
        let name = format!("{}.{}-{bits}", *PLACE, std::process::id());
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
    let can_be = now_ms < lease.until_ms && lease.until_ms <= until_ms(now_ms);
    can_be && !has_ended(&lease.attempt)
}

/// Whether the attempt is known to have ended.
fn has_ended(attempt: &str) -> bool {
    let process = || {
        let (_, rest) = attempt.split_once('.').filter(|(place, _)| *place == *PLACE)?;
        rest.split('-').next()?.parse().ok()
    };
    let Some(process) = process() else { return false };
    if process == std::process::id() {
        return !under_way().contains(attempt);
    }
    is_gone(process)
}

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

/// On Linux a digest of the boot and of the namespace of process numbers; of something that no
/// other process has, where the system tells neither. Elsewhere there is one namespace, and after
/// a boot no process of before is left, so any word does.
fn place() -> String {
    let known = if cfg!(target_os = "linux") {
        let boot = std::fs::read("/proc/sys/kernel/random/boot_id");
        let namespace = std::fs::read_link("/proc/self/ns/pid");
        let both = boot.and_then(|boot| Ok((boot, namespace?)));
        both.map(|(boot, namespace)| {
            [boot, namespace.into_os_string().into_encoded_bytes()].concat()
        })
    } else {
        Ok(b"machine".to_vec())
    };
    let known = known.unwrap_or_else(|_| {
        let mut bits = vec![0; 16];
        // Without randomness no attempt gets a name.
        let _ = fill(&mut bits);
        bits
    });
    let mut digest = hex(&Sha256::digest(known));
    digest.truncate(16);
    digest
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
        assert!(!is_held(&lease, 999), "the clock was set back");
        drop(attempt);
        assert!(!is_held(&lease, 1_000));
    }

    #[cfg(unix)]
    #[test]
    fn the_lease_of_a_process_that_ended_is_free_where_its_number_means_something() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let held = |attempt: String| is_held(&Lease { attempt, until_ms: 10 }, 1);
        let (here, elsewhere) =
            (format!("{}.{}-0", *PLACE, child.id()), format!("0123456789abcdef.{}-0", child.id()));
        // Not waited for, it is still there.
        assert!(held(here.clone()));
        child.wait().unwrap();
        assert!(!held(here));
        assert!(held(elsewhere));
        // Two containers, each with a process of this number; and a name of an earlier version.
        for foreign in [format!("0123456789abcdef.{}-0", std::process::id()), "somebody".to_owned()]
        {
            assert!(held(foreign));
        }
    }
}
