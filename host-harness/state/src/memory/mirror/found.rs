//! Records as they are found, and what they were.

use crate::StoreError;
use crate::memory::Rows;
use crate::mirror::held::holders_of;
use crate::mirror::history::Unfolding;
use crate::mirror::plan::{Body, Head};
use crate::mirror::{HistoryRow, MirroredRecord};

/// What became of a record, newest change first.
pub(super) fn history(
    rows: &Rows,
    connection: &str,
    object: &str,
    id: &str,
    limit: u32,
) -> Result<Vec<HistoryRow>, StoreError> {
    let Some(now) = record(rows, connection, object, id) else { return Ok(vec![]) };
    let Some(mirror) = rows.mirror.of.get(connection) else { return Ok(vec![]) };
    let mut unfolding = Unfolding::new(&now);
    for number in mirror.back(now.change).take(limit as usize) {
        let Some(change) = mirror.changes.get(&number) else { break };
        let packed = mirror.packed.get(&number).map(|(_, packed)| packed.as_slice());
        let path = "memory".to_owned();
        let damaged = |why| StoreError::Corrupt { path, why };
        unfolding.add(change.clone(), packed).map_err(damaged)?;
    }
    Ok(unfolding.rows())
}

/// A record, in whatever state.
pub(super) fn record(
    rows: &Rows,
    connection: &str,
    object: &str,
    id: &str,
) -> Option<MirroredRecord> {
    let kept = rows.object(connection, object)?;
    let Some(holder) = &kept.derived_from else {
        let (head, body) = kept.records.get(id)?;
        return Some(own(connection, object, id, head, body.as_ref()));
    };
    let holders = rows.object(connection, holder)?;
    holders_of(id).find_map(|holder| {
        let (head, body) = holders.records.get(holder)?;
        let held = body.clone()?.held.rows(connection, object, holder, head.state);
        held.into_iter().find(|row| row.id == id)
    })
}

/// A record of its own as a row.
pub(super) fn own(
    connection: &str,
    object: &str,
    id: &str,
    head: &Head,
    body: Option<&Body>,
) -> MirroredRecord {
    MirroredRecord {
        connection: connection.to_owned(),
        object: object.to_owned(),
        id: id.to_owned(),
        holder: None,
        state: head.state,
        updated_at: head.updated_at.clone(),
        created_at: body.and_then(|body| body.created_at.clone()),
        hash: head.hash,
        data: body.map(|body| body.data.clone()).unwrap_or_default(),
        change: head.change,
    }
}
