//! How much happened.

use std::fmt;

/// Counts of one day or of many.
#[derive(Debug, Default, Clone)]
pub struct Sum {
    pub days: u64,
    /// Days whose journal was compared with that of a second run.
    pub twice: u64,
    pub kills: u64,
    pub disk_faults: u64,
    /// Requests to the provider, and those of them that met a fault.
    pub requests: u64,
    pub faults: u64,
    /// Connections that were refused or cut on the way.
    pub cuts: u64,
    /// Changes at the provider.
    pub changes: u64,
    /// Deliveries taken, and attempts for them.
    pub taken: u64,
    pub attempts: u64,
    /// Items pushed, and those that ended as wished.
    pub items: u64,
    pub done: u64,
    /// Renewals of tokens.
    pub renewals: u64,
    /// Records that were compared in the end.
    pub records: u64,
}

impl Sum {
    /// Adds those of another day.
    pub fn add(&mut self, other: &Self) {
        self.days += other.days;
        self.twice += other.twice;
        self.kills += other.kills;
        self.disk_faults += other.disk_faults;
        self.requests += other.requests;
        self.faults += other.faults;
        self.cuts += other.cuts;
        self.changes += other.changes;
        self.taken += other.taken;
        self.attempts += other.attempts;
        self.items += other.items;
        self.done += other.done;
        self.renewals += other.renewals;
        self.records += other.records;
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{} days of {} connections, {} of them twice: {} kills, {} full disks and lost commits",
            self.days,
            crate::plan::ACCOUNTS,
            self.twice,
            self.kills,
            self.disk_faults
        )?;
        write!(
            formatter,
            "{} requests ({} met a fault, {} streams refused or cut), {} changes at the provider, \
             {} deliveries taken in {} attempts, {} of {} items pushed as wished, {} renewals, \
             {} records compared",
            self.requests,
            self.faults,
            self.cuts,
            self.changes,
            self.taken,
            self.attempts,
            self.done,
            self.items,
            self.renewals,
            self.records
        )
    }
}
