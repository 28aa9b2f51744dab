//! The rows of [`connector_state::mirror`] as rows of SQLite. `connection` and `object` are names,
//! joined by the object's key.

use connector_state::mirror::{ChangeRow, DeadLetterRow, FailingRow, MirroredRecord, ScanRow};

use crate::columns::columns;

/// The [`MirroredRecord`]s of an object.
pub const RECORD: &str = "SELECT o.connection, o.name AS object, r.id,
        (SELECT id FROM mirror_records WHERE record = r.holder) AS holder, r.state, r.updated_at,
        r.created_at, r.hash, coalesce(r.data, '') AS data, r.change
    FROM mirror_objects AS o JOIN mirror_records AS r USING (object)
    WHERE o.connection = ?1 AND o.name = ?2";

columns!(MirroredRecord [connection, object] {
    id, holder, state, updated_at, created_at, hash, data, change
});
columns!(ChangeRow [connection, object] {
    number, id, kind, ours, at_ms, updated_at, previous, hash, members
});
columns!(ScanRow [connection, object] {
    scan, kind, running, cursor, not_before_ms, began_ms, pages, records, outside, restarts,
    tainted, bookmark, lease, completed_ms, overlap_ms, full_ms, sweep, error, failures, retry_ms
});
columns!(DeadLetterRow [connection, object] { number, id, raw, reason, at_ms });
columns!(FailingRow [] { object, records, id, tries, due_ms, reason });
