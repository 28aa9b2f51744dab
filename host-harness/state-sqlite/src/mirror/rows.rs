//! The rows of [`connector_state::mirror`] as rows of SQLite, and back.

use connector_state::Lease;
use connector_state::mirror::{
    ChangeKind, ChangeRow, DeadLetterRow, MirroredRecord, RecordState, ScanKind, ScanRow,
};
use rusqlite::Row;

use crate::rows::{from_json, maybe_unsigned, odd, unsigned};

type Result<T> = rusqlite::Result<T>;

/// Columns of [`record_of`].
pub const RECORD: &str = "o.connection, o.name AS object, r.id,
    (SELECT id FROM mirror_records WHERE record = r.holder) AS holder, r.state, r.updated_at,
    r.created_at, r.hash, coalesce(r.data, '') AS data, r.change";

/// A record with the names of its object.
pub fn record_of(row: &Row<'_>) -> Result<MirroredRecord> {
    Ok(MirroredRecord {
        connection: row.get("connection")?,
        object: row.get("object")?,
        id: row.get("id")?,
        holder: row.get("holder")?,
        state: state(row, "state")?,
        updated_at: row.get("updated_at")?,
        created_at: row.get("created_at")?,
        hash: row.get("hash")?,
        data: row.get("data")?,
        change: unsigned(row, "change")?,
    })
}

/// A change with the names of its object.
pub fn change_of(row: &Row<'_>) -> Result<ChangeRow> {
    Ok(ChangeRow {
        number: unsigned(row, "number")?,
        connection: row.get("connection")?,
        object: row.get("object")?,
        id: row.get("id")?,
        kind: kind(row)?,
        ours: row.get("ours")?,
        at_ms: unsigned(row, "at_ms")?,
        updated_at: row.get("updated_at")?,
        previous: row.get("previous")?,
        hash: row.get("hash")?,
        members: from_json(row, "members")?,
    })
}

/// A scan with the names of its object.
pub fn scan_of(row: &Row<'_>) -> Result<ScanRow> {
    let lease = match (row.get("lease_attempt")?, maybe_unsigned(row, "lease_until_ms")?) {
        (Some(attempt), Some(until_ms)) => Some(Lease { attempt, until_ms }),
        _ => None,
    };
    Ok(ScanRow {
        connection: row.get("connection")?,
        object: row.get("object")?,
        scan: unsigned(row, "scan")?,
        kind: scan_kind(row)?,
        running: row.get("running")?,
        cursor: row.get("cursor")?,
        not_before_ms: maybe_unsigned(row, "not_before_ms")?,
        began_ms: unsigned(row, "began_ms")?,
        pages: unsigned(row, "pages")?,
        records: unsigned(row, "records")?,
        outside: unsigned(row, "outside")?,
        restarts: row.get("restarts")?,
        tainted: row.get("tainted")?,
        bookmark: row.get("bookmark")?,
        lease,
        completed_ms: maybe_unsigned(row, "completed_ms")?,
        overlap_ms: maybe_unsigned(row, "overlap_ms")?,
        full_ms: maybe_unsigned(row, "full_ms")?,
        sweep: maybe_unsigned(row, "sweep")?,
        error: row.get("error")?,
        failures: row.get("failures")?,
        retry_ms: maybe_unsigned(row, "retry_ms")?,
    })
}

/// A dead letter with the names of its object.
pub fn dead_letter_of(row: &Row<'_>) -> Result<DeadLetterRow> {
    Ok(DeadLetterRow {
        number: unsigned(row, "number")?,
        connection: row.get("connection")?,
        object: row.get("object")?,
        id: row.get("id")?,
        raw: row.get("raw")?,
        reason: row.get("reason")?,
        at_ms: unsigned(row, "at_ms")?,
    })
}

/// A state as it is written.
pub fn state_word(state: RecordState) -> &'static str {
    match state {
        RecordState::Live => "live",
        RecordState::AgedOut => "aged-out",
        RecordState::Deleted => "deleted",
    }
}

/// Reads what [`state_word`] wrote.
pub fn state(row: &Row<'_>, column: &str) -> Result<RecordState> {
    let all = [RecordState::Live, RecordState::AgedOut, RecordState::Deleted];
    read(row, column, &all, state_word)
}

/// A kind of change as it is written.
pub fn kind_word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Created => "created",
        ChangeKind::Updated => "updated",
        ChangeKind::Deleted => "deleted",
        ChangeKind::AgedOut => "aged-out",
        ChangeKind::Drift => "drift",
        ChangeKind::Reset => "reset",
    }
}

/// A kind of scan as it is written.
pub fn scan_word(kind: ScanKind) -> &'static str {
    match kind {
        ScanKind::Incremental => "incremental",
        ScanKind::Overlap => "overlap",
        ScanKind::Full => "full",
    }
}

fn kind(row: &Row<'_>) -> Result<ChangeKind> {
    let all = [
        ChangeKind::Created,
        ChangeKind::Updated,
        ChangeKind::Deleted,
        ChangeKind::AgedOut,
        ChangeKind::Drift,
        ChangeKind::Reset,
    ];
    read(row, "kind", &all, kind_word)
}

fn scan_kind(row: &Row<'_>) -> Result<Option<ScanKind>> {
    if row.get_ref("kind")? == rusqlite::types::ValueRef::Null {
        return Ok(None);
    }
    let all = [ScanKind::Incremental, ScanKind::Overlap, ScanKind::Full];
    read(row, "kind", &all, scan_word).map(Some)
}

fn read<T: Copy>(row: &Row<'_>, column: &str, all: &[T], word: fn(T) -> &'static str) -> Result<T> {
    let found = row.get_ref(column)?.as_str()?;
    let value = all.iter().copied().find(|value| word(*value) == found);
    value.ok_or_else(|| odd(row, column, format!("\"{found}\" is not known").into()))
}
