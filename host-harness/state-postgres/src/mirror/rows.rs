//! The rows of [`connector_state::mirror`] as rows of PostgreSQL. `connection` and `object` are names,
//! joined by the object's key.

use connector_state::mirror::{ChangeRow, DeadLetterRow, FailingRow, ScanRow};

use crate::columns::columns;

columns!(ChangeRow [connection, object] {
    number, id, kind, ours, source, delivery, at_ms, updated_at, previous, hash, members, rule
});
columns!(ScanRow [connection, object] {
    scan, kind, running, cursor, not_before_ms, began_ms, pages, records, created, updated, deleted,
    outside, restarts,
    tainted, bookmark, lease, completed_ms, overlap_ms, full_ms, sweep, error, failures, retry_ms
});
columns!(DeadLetterRow [connection, object] { number, id, raw, reason, at_ms });
columns!(FailingRow [] { object, records, id, tries, due_ms, reason });
