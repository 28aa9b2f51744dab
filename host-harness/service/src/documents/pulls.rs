//! What a scan came to.

use connector_state::mirror::Applied;
use schemars::JsonSchema;
use serde::Serialize;

use super::kind_word;
use crate::sync::{PullReport, Swept};

/// What a scan read, and what came of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PullDocument {
    /// Name of the connection.
    pub connection: String,
    /// The object.
    pub object: String,
    /// What was read.
    pub read: Option<&'static str>,
    /// It went on where an earlier one had been cut.
    pub resumed: bool,
    /// Pages read.
    pub pages: u64,
    /// Records read.
    pub records: u64,
    /// Records that are new.
    pub created: u64,
    /// Records that differ.
    pub updated: u64,
    /// Records that are gone.
    pub deleted: u64,
    /// Records that lists no longer show, because of their age.
    pub aged_out: u64,
    /// Records that were kept as they are.
    pub unchanged: u64,
    /// Records that were kept newer.
    pub stale: u64,
    /// Derived records that changed.
    pub derived: u64,
    /// Items that could not be read.
    pub unreadable: u64,
    /// Records that lay outside the window that was asked for.
    pub outside: u64,
    /// Records that were asked for one by one.
    pub looked_up: u64,
    /// Such records that stay to be asked for.
    pub open: u64,
    /// Records that could not be had by their own fault.
    pub refused: u64,
    /// Times that it began anew.
    pub restarts: u32,
    /// What the sweep did, if one was due.
    pub sweep: Option<Swept>,
}

impl PullDocument {
    /// Of a report.
    #[must_use]
    pub fn of(connection: &str, report: &PullReport) -> Self {
        let Applied {
            created,
            updated,
            deleted,
            aged_out,
            unchanged,
            stale,
            derived,
            unreadable,
            ..
        } = report.applied;
        Self {
            connection: connection.to_owned(),
            object: report.object.clone(),
            read: report.kind.map(kind_word),
            resumed: report.resumed,
            pages: report.pages,
            records: report.records,
            created,
            updated,
            deleted,
            aged_out,
            unchanged,
            stale,
            derived,
            unreadable,
            outside: report.outside,
            looked_up: report.looked_up,
            open: report.open,
            refused: report.refused,
            restarts: report.restarts,
            sweep: report.swept.clone(),
        }
    }
}
