//! The hosts that share a state, and which of them works for which connection.
//!
//! | what happens | what follows |
//! |---|---|
//! | a host comes | the others give up what is more than their new share, and it takes that |
//! | a host ends in order ([`Hosts::leave`]) | what it worked for is free at once |
//! | a host dies, or cannot reach the state | what it worked for is free when its lease is over, or at once where it is known that it has ended ([`crate::LeaseHolder`]) |
//! | a connection is given up, or taken from a host that is gone | the leases on it of the process that had it end in the same step, so its scans are refused; what else it still writes does no harm ([`crate::Lease`]) |
//! | a connection comes or goes | shares are counted anew with the next [`Hosts::share`] |

pub mod plan;

use std::collections::BTreeSet;

use crate::{Answer, Lease};

/// So many connections a host takes or gives up in one step at most.
pub const AT_ONCE: usize = 500;

/// Keeps which hosts there are, and shares the connections of a connector out among them. The time
/// is the store's.
pub trait Hosts: Send + Sync {
    /// Notes that a host is there, and takes and gives up connections until it has its share, of
    /// each at most [`AT_ONCE`].
    fn share(&self, beat: HostBeat) -> Answer<'_, HostShare>;

    /// A host ends: forgets it, and what it worked for is free.
    fn leave(&self, holder: &str) -> Answer<'_, ()>;

    /// The hosts that are there, by name.
    fn hosts(&self) -> Answer<'_, Vec<HostRow>>;
}

/// A host says that it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostBeat {
    /// Who it is: the name of a [`crate::LeaseHolder`].
    pub holder: String,
    /// What people call it.
    pub name: String,
    /// Which version of the program it runs.
    pub version: String,
    /// Name of the connector whose connections it works for.
    pub connector: String,
    /// For so long it counts as there, unless it says so again.
    pub for_ms: u64,
}

/// What a host works for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostShare {
    /// Ids of connections.
    pub connections: BTreeSet<String>,
    /// As many were taken or given up as a step may, so there may be more at once.
    pub more: bool,
}

/// A host that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRow {
    /// Who it is, and until when it counts as there.
    pub lease: Lease,
    /// What people call it.
    pub name: String,
    /// Which version of the program it runs.
    pub version: String,
    /// Name of the connector whose connections it works for.
    pub connector: String,
    /// When it came.
    pub began_ms: u64,
    /// How many connections it works for.
    pub connections: u64,
}
