//! Leases: the right to do something that one process or task does at a time.
//!
//! A lease lasts for a time that its holder extends, and ends at once with its holder. Whether that
//! has ended is told by its name, `PLACE.PROCESS-STARTED-NUMBER`. What the holder of a lost lease
//! does is never committed where the write names its holder; where it does not (see the table), it does no
//! harm.
//!
//! | the lease that is there | somebody else |
//! |---|---|
//! | is over | takes it |
//! | ends later than one that is taken now | takes it: a clock was set back |
//! | is of a task of this process | takes it when that has ended: those that hold leases are listed |
//! | is of another process in the same place | takes it when there is no process of this number |
//! | is of another place: another boot, or another namespace of process numbers (a container) | waits for its end |
//!
//! | what is leased | where | for | differs |
//! |---|---|---|---|
//! | the scan of an object | `mirror_scans` | 45 s | a scan that waits for its provider holds on until then |
//! | a host's connections | `hosts` | 10 s | whoever takes them ends the leases of its process on them ([`crate::hosts`]) |
//! | a connection's events | `hooks` | 30 s | writes do not name the holder: a record is applied by its version, however often, and an event that is done stays so |
//! | the handing on of a forward | `forwards` | 90 s | writes do not name the holder: a message that is sent twice has the same id |
//! | the write of a record, for one item of a push | `push_claims` | 15 s | also needs the item: an owner writes many records at a time |
//! | a write that a program asked for through the API | `writes` | 60 s | once it is over, the same request under the same key begins it again ([`crate::access`]) |
//! | a run of a push that goes on by itself | `run_leases` | 15 s | saves work that would be done twice: each write has a claim of its own ([`crate::push::runs`]) |
//! | the renewal of a grant | `grants` | 30 s | is waited for to its end even when its holder has ended, because what that had sent may still arrive |

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// A right that somebody has for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Name of its holder, for one attempt: whoever has lost it is told by that.
    pub attempt: String,
    /// Until when, unless it is extended.
    pub until_ms: u64,
}

impl Lease {
    /// Whether it keeps `wanted` from being taken at `now_ms`. A lease of the same holder does not.
    #[must_use]
    pub fn blocks(&self, wanted: &Self, now_ms: u64) -> bool {
        let can_be = now_ms < self.until_ms && self.until_ms <= wanted.until_ms;
        self.attempt != wanted.attempt && can_be && !has_ended(&self.attempt)
    }

    /// Whether its holder has it at `now_ms`, as far as is known.
    #[must_use]
    pub fn is_held(&self, now_ms: u64) -> bool {
        now_ms < self.until_ms && !has_ended(&self.attempt)
    }
}

/// What the names of all holders of a holder's process begin with.
#[must_use]
pub fn process_of(holder: &str) -> &str {
    holder.rfind('-').and_then(|end| holder.get(..=end)).unwrap_or(holder)
}

/// Holders of this process.
static HOLDERS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// Numbers them.
static NUMBER: AtomicU64 = AtomicU64::new(0);
/// When this process first held a lease: another one of the same number began at another time.
static STARTED: LazyLock<u128> = LazyLock::new(|| {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
});
/// Where numbers of processes mean what they mean here.
static PLACE: LazyLock<String> = LazyLock::new(place);

/// Somebody who takes leases. Dropping it ends them.
#[derive(Debug)]
pub struct LeaseHolder(String);

impl LeaseHolder {
    /// A new one, with a name that no other has.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}.{}-{:x}-{number}", *PLACE, std::process::id(), *STARTED);
        holders().insert(name.clone());
        Self(name)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Drop for LeaseHolder {
    fn drop(&mut self) {
        holders().remove(&self.0);
    }
}

/// Whether a holder is known to have ended.
fn has_ended(holder: &str) -> bool {
    let process = || {
        let (_, rest) = holder.split_once('.').filter(|(place, _)| *place == *PLACE)?;
        rest.split('-').next()?.parse().ok()
    };
    match process() {
        Some(process) if process == std::process::id() => !holders().contains(holder),
        Some(process) => is_gone(process),
        None => false,
    }
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

/// On Linux the boot and the namespace of process numbers; what no other process has, where the
/// system tells neither. Elsewhere there is one namespace, and after a boot no process of before
/// is left, so any word does.
fn place() -> String {
    if !cfg!(target_os = "linux") {
        return "machine".to_owned();
    }
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let namespace = std::fs::read_link("/proc/self/ns/pid");
    match (boot, namespace) {
        (Ok(boot), Ok(namespace)) => format!("{}:{}", boot.trim(), namespace.display()),
        _ => format!("{}:{:x}", std::process::id(), *STARTED),
    }
}

fn holders() -> MutexGuard<'static, BTreeSet<String>> {
    HOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_held_as_long_as_its_holder_lives() {
        let (holder, other) = (LeaseHolder::new(), LeaseHolder::new());
        assert_ne!(holder.name(), other.name());
        let of =
            |holder: &LeaseHolder, until_ms| Lease { attempt: holder.name().to_owned(), until_ms };
        let lease = of(&holder, 46_000);
        let blocks = |now_ms| lease.blocks(&of(&other, now_ms + 45_000), now_ms);
        assert!(blocks(1_000) && blocks(45_999));
        assert!(!blocks(46_000));
        assert!(!blocks(999), "the clock was set back");
        assert!(lease.is_held(45_999) && !lease.is_held(46_000));
        assert_eq!(process_of(holder.name()), process_of(other.name()));
        assert_eq!(process_of("place.7-f-12"), "place.7-f-");
        assert_eq!(process_of("somebody"), "somebody");
        assert!(!lease.blocks(&of(&holder, 46_000), 1_000), "its own");
        drop(holder);
        assert!(!blocks(1_000));
    }

    #[cfg(unix)]
    #[test]
    fn the_lease_of_a_process_that_ended_is_free_where_its_number_means_something() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let me = LeaseHolder::new();
        let held = |attempt: String| {
            Lease { attempt, until_ms: 10 }
                .blocks(&Lease { attempt: me.name().to_owned(), until_ms: 10 }, 1)
        };
        let (here, elsewhere) = (
            format!("{}.{}-0-0", *PLACE, child.id()),
            format!("0123456789abcdef.{}-0-0", child.id()),
        );
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
