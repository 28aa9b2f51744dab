//! Which host works a run off, where runs go on by themselves: another host takes one whose host has died.
//!
//! | what happens | what follows |
//! |---|---|
//! | a host works a run off | it has the run's lease, and extends it ([`Runs::hold_run`]) |
//! | the host ends in order | another may take the run at once ([`Runs::let_go_run`]) |
//! | the host dies | when its lease is over, or it is known to have ended, another takes it ([`Runs::take_run`]) |
//! | the work stops for what a person has to do | nobody takes the run until it is asked for again |
//!
//! The lease saves work that would be done twice, and no more: each write is claimed by itself
//! ([`super::Intents::claim`]).

use super::PushRow;
use crate::{Answer, Lease};

/// So many leases are looked at in one step.
pub const AT_ONCE: u32 = 16;

/// Keeps who works which run off. The time is the store's.
pub trait Runs: Send + Sync {
    /// Takes a run's lease, or extends it. Answers whether this attempt has it now: another may, and the run
    /// may be gone.
    fn hold_run(&self, hold: RunHold) -> Answer<'_, bool>;

    /// Ends the lease of an attempt. `goes_on`: others may take the run at once; else nobody goes on with it
    /// by himself. Nothing changes where another attempt has it.
    fn let_go_run(&self, run: &str, attempt: &str, goes_on: bool) -> Answer<'_, ()>;

    /// Takes a run of a connector whose lease is over, of items that are left to be done, for so long.
    fn take_run(&self, connector: &str, attempt: &str, for_ms: u64)
    -> Answer<'_, Option<TakenRun>>;
}

/// Somebody works a run off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHold {
    /// The run.
    pub run: String,
    /// Name of the connector of its connection.
    pub connector: String,
    /// How it is worked off, as whoever does it writes that.
    pub policy: String,
    /// Who does it: the name of a [`crate::LeaseHolder`].
    pub attempt: String,
    /// For so long, unless it is extended.
    pub for_ms: u64,
}

/// A run that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenRun {
    /// The run.
    pub row: PushRow,
    /// How it is worked off.
    pub policy: String,
}

/// A lease as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLease {
    /// The run.
    pub push: String,
    /// Name of the connector of its connection.
    pub connector: String,
    /// How it is worked off.
    pub policy: String,
    /// Who does it.
    pub lease: Lease,
}

/// What is kept of a run that somebody works off, where this is kept of it; `None`: another has it.
#[must_use]
pub fn hold(kept: Option<&RunLease>, hold: RunHold, now_ms: u64) -> Option<RunLease> {
    let RunHold { run: push, connector, policy, attempt, for_ms } = hold;
    let lease = Lease { attempt, until_ms: now_ms.saturating_add(for_ms) };
    let is_free = kept.is_none_or(|kept| !kept.lease.blocks(&lease, now_ms));
    is_free.then_some(RunLease { push, connector, policy, lease })
}

/// What is kept when an attempt lets a run go; `None`: nothing is.
#[must_use]
pub fn let_go(kept: RunLease, goes_on: bool) -> Option<RunLease> {
    let lease = Lease { until_ms: 0, ..kept.lease.clone() };
    goes_on.then_some(RunLease { lease, ..kept })
}

/// Whether there is something of a run that a host can do by itself.
#[must_use]
pub fn is_left(run: Option<&PushRow>) -> bool {
    run.is_some_and(|run| {
        let open = run.counts.pending + run.counts.sending;
        run.digest.is_some() && run.ended_ms.is_none() && open > 0
    })
}
