//! What is logged of the rules of records.

use super::{Plan, PlannedChange};
use crate::mirror::ChangeKind;
use crate::mirror::rules::{RuleTold, Ruled};

/// The plan of a commit in which rules of these records of an object change, and nothing else: its changes
/// and the moment. The rows are those of `records`.
#[must_use]
pub fn tell_rules(object: &str, moment: u64, records: &[Ruled]) -> Plan {
    let mut plan = Plan { objects: vec![object.to_owned()], moment, ..Plan::default() };
    for record in records {
        plan.tell(&record.id, record.updated_at.as_deref(), &record.followed.told);
    }
    plan
}

impl Plan {
    /// Logs what is told of the rules of a record of its first object.
    pub(super) fn tell(&mut self, id: &str, updated_at: Option<&str>, told: &[RuleTold]) {
        for told in told {
            self.moment += 1;
            self.applied.newest = self.moment;
            self.changes.push(PlannedChange {
                id: id.to_owned(),
                updated_at: updated_at.map(str::to_owned),
                rule: Some(told.clone()),
                ..PlannedChange::of_object(self.moment, 0, ChangeKind::Rule, vec![])
            });
        }
    }
}
