//! Brings a mirror up to date with its provider, page by page, so that it may be stopped anywhere.
//!
//! [`Pull::run`] reads one object of one connection: what changed since the bookmark, every day
//! with three days of overlap, every week everything. A page's records, what they hold, their
//! changes and the scan's position are committed together, so a cut costs at most the page that
//! was under way. What a full scan did not see is only nominated to be removed: `sweep.rs` says what becomes of it.
//!
//! No method sleeps between runs: how often is the caller's business ([`Rhythm`] says what is due).

// Targets of log lines are given and do not follow this module's path: operators filter by them
// (`--log host_harness::sync=debug`).
mod begin;
mod catalog;
mod drift;
mod error;
mod look_up;
mod pages;
mod prepare;
mod pull;
mod report;
mod rhythm;
mod sweep;
mod turns;
mod window;

use connector_contract::types::DataRecord;
use connector_runtime::{CallError, Connection};
use connector_state::mirror::Derived;

pub use self::catalog::{Catalog, Synced};
pub use self::error::SyncError;
pub use self::pull::{PageCommitted, Pull, PullOptions, SyncedConnection};
pub use self::report::{PullOutcome, PullReport, Swept};
pub use self::rhythm::Rhythm;
pub use self::turns::Turns;

/// Which component a connection derives by, as a number that another one does not have: the beginning
/// of its SHA-256.
pub(crate) fn deriver(client: &Connection) -> u64 {
    let sha256 = &client.connector().facts().sha256;
    // Sixty bits, which every database keeps as a number.
    sha256.get(..15).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// What each of `records` holds, for each of `objects` that are derived from theirs. Sends nothing.
///
/// # Errors
/// [`CallError`] of deriving.
pub(crate) async fn derive(
    client: &Connection,
    objects: &[String],
    records: &[DataRecord],
) -> Result<Vec<Derived>, CallError> {
    if records.is_empty() || objects.is_empty() {
        return Ok(vec![]);
    }
    let all = client.derive(objects, records.to_vec()).await?;
    let named = objects.iter().cloned().zip(all);
    Ok(named.map(|(object, lists)| Derived { object, lists }).collect())
}
