//! What the writer does for a push, within one transaction.

use connector_state::mirror::{Applied, Source};
use connector_state::push::{Claimed, Holder, IntentEnd, IntentRow, IntentState, PushRow, Sent};
use connector_state::{Lease, StoreError, Word};
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::columns::{self, one, signed, value};
use crate::fault::{DbFault, DbResult};
use crate::mirror::{Hashed, apply};

/// All items are there: the run to go on with.
pub fn seal(on: &Connection, run: &str, digest: &[u8; 32], now_ms: u64) -> DbResult<String> {
    let same = "SELECT id FROM pushes WHERE digest = ? AND ended_ms IS NULL AND id <> ?";
    if let Some(same) = value(on, same, (digest, run))? {
        columns::run(on, "DELETE FROM pushes WHERE id = ?", [run])?;
        return Ok(same);
    }
    columns::run(on, "UPDATE pushes SET digest = ? WHERE id = ?", (digest, run))?;
    end_run(on, run, now_ms)?;
    Ok(run.to_owned())
}

/// Takes an item and the record that its key names.
pub fn claim(on: &Connection, item: &Holder, until_ms: u64, now_ms: u64) -> DbResult<Claimed> {
    let run = run_of(on, item)?;
    let at = (&item.run, signed(item.index));
    let found = one(on, "SELECT * FROM intents WHERE push = ? AND item = ?", at)?;
    let found: IntentRow = found.ok_or_else(|| taken_over(item))?;
    if matches!(found.state, IntentState::Done | IntentState::Failed) {
        return Ok(Claimed::Ended(Box::new(found)));
    }
    if let Some(until) = take(on, &run, item, &found.key, until_ms, now_ms)? {
        return Ok(Claimed::Busy(until));
    }
    let sql = "UPDATE intents SET attempts = attempts + 1 WHERE push = ? AND item = ?";
    columns::run(on, sql, at)?;
    Ok(Claimed::Ours(Box::new(found)))
}

/// Takes one record more.
pub fn hold(
    on: &Connection,
    item: &Holder,
    key: &str,
    until_ms: u64,
    now_ms: u64,
) -> DbResult<Option<u64>> {
    let run = run_of(on, item)?;
    must_hold(on, item)?;
    take(on, &run, item, key, until_ms, now_ms)
}

/// A write is about to be sent.
pub fn sending(on: &Connection, item: &Holder, sent: Sent, id: Option<&str>) -> DbResult<()> {
    must_hold(on, item)?;
    let sql = "UPDATE intents SET state = 'sending', sent = ?, id = coalesce(?, id)
               WHERE push = ? AND item = ?";
    columns::run(on, sql, (sent.word(), id, &item.run, signed(item.index)))?;
    Ok(())
}

/// Ends an item, with what its answer told.
pub fn end(
    on: &Connection,
    item: &Holder,
    end: &IntentEnd,
    batch: Option<&Hashed>,
    now_ms: u64,
) -> DbResult<Option<Applied>> {
    must_hold(on, item)?;
    let at = (&item.run, signed(item.index));
    let sql = "UPDATE intents SET state = ?, outcome = ?, id = coalesce(?, id), error = ?
               WHERE push = ? AND item = ?";
    let IntentEnd { state, outcome, id, error } = end;
    columns::run(on, sql, (state.word(), outcome.map(Word::word), id, error, at.0, at.1))?;
    if end.state == IntentState::Done {
        let sql = "UPDATE intents SET input = NULL, sealed_raw = NULL WHERE push = ? AND item = ?";
        columns::run(on, sql, at)?;
    }
    columns::run(on, "DELETE FROM push_claims WHERE push = ? AND item = ?", at)?;
    let applied = batch.map(|batch| {
        let applied = apply(on, batch, now_ms)?;
        claim_changes(on, batch)?;
        Ok::<_, DbFault>(applied)
    });
    end_run(on, &item.run, now_ms)?;
    applied.transpose()
}

/// The row of a record that is still as we left it; a deleted one has no hash to compare.
const WRITTEN: &str = "SELECT r.record FROM mirror_objects AS o JOIN mirror_records AS r
         ON r.object = o.object AND r.id = ?3
     WHERE o.connection = ?1 AND o.name = ?2 AND CASE WHEN ?4 IS NULL THEN r.state = 'deleted'
         ELSE r.state <> 'deleted' AND r.hash = ?4 END";
/// Marks its newest change, if that came after we asked, ...
const MARK: &str = "UPDATE mirror_changes SET ours = 1 WHERE number =
     (SELECT change FROM mirror_records WHERE record = ?1 AND change > ?2)";
/// ... and those of what it holds.
const MARK_HELD: &str = "UPDATE mirror_changes SET ours = 1 WHERE number IN
     (SELECT change FROM mirror_records WHERE holder = ?1 AND change > ?2)";

/// A pull may have met our write before its answer came back to us: then its changes are ours too.
fn claim_changes(on: &Connection, batch: &Hashed) -> DbResult<()> {
    let (batch, hashes) = batch.parts();
    if batch.source != Source::Ours {
        return Ok(());
    }
    let there = batch.records.iter().zip(hashes).map(|(record, hash)| (&record.id, Some(hash)));
    for (id, hash) in there.chain(batch.deleted.iter().map(|id| (id, None))) {
        let of = (&batch.connection, &batch.object, id, hash);
        let Some(record) = value::<i64>(on, WRITTEN, of)? else { continue };
        columns::run(on, MARK, (record, signed(batch.asked)))?;
        columns::run(on, MARK_HELD, (record, signed(batch.asked)))?;
    }
    Ok(())
}

/// A run ends with its last item.
fn end_run(on: &Connection, run: &str, now_ms: u64) -> rusqlite::Result<()> {
    let sql = "UPDATE pushes SET ended_ms = ?2 WHERE id = ?1 AND ended_ms IS NULL AND NOT EXISTS (
                   SELECT 1 FROM intents
                   WHERE push = ?1 AND state IN ('pending', 'sending', 'parked'))";
    columns::run(on, sql, (run, signed(now_ms))).map(drop)
}

/// Takes the right to write a record; answers until when somebody else has it, if so.
fn take(
    on: &Connection,
    run: &PushRow,
    item: &Holder,
    key: &str,
    until_ms: u64,
    now_ms: u64,
) -> DbResult<Option<u64>> {
    let sql = "SELECT owner, until_ms FROM push_claims
               WHERE connection = ? AND object = ? AND record_key = ?
                   AND NOT (owner = ? AND push = ? AND item = ?)";
    let index = signed(item.index);
    let of = (&run.connection, &run.object, key, &item.owner, &item.run, index);
    // An owner that is at it for another item may not write it for this one either.
    let lease =
        |row: &Row<'_>| Ok(Lease { attempt: row.get("owner")?, until_ms: row.get("until_ms")? });
    let wanted = Lease { attempt: String::new(), until_ms };
    let other = on.query_row(sql, of, lease).optional()?;
    if let Some(other) = other.filter(|other| other.blocks(&wanted, now_ms)) {
        return Ok(Some(other.until_ms));
    }
    let sql = "INSERT OR REPLACE INTO push_claims
                   (connection, object, record_key, owner, push, item, until_ms)
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    columns::run(on, sql, (of.0, of.1, of.2, of.3, of.4, of.5, signed(until_ms)))?;
    Ok(None)
}

fn run_of(on: &Connection, item: &Holder) -> DbResult<PushRow> {
    let run = one(on, "SELECT * FROM pushes WHERE id = ?", [&item.run])?;
    run.ok_or_else(|| taken_over(item).into())
}

/// Fencing: whoever lost a claim writes nothing more.
fn must_hold(on: &Connection, item: &Holder) -> DbResult<()> {
    let sql = "SELECT 1 FROM push_claims AS c JOIN intents AS i
                   ON i.push = c.push AND i.item = c.item AND i.record_key = c.record_key
               WHERE c.push = ? AND c.item = ? AND c.owner = ?";
    let of = (&item.run, signed(item.index), &item.owner);
    let held: Option<u32> = value(on, sql, of)?;
    held.map(drop).ok_or_else(|| taken_over(item).into())
}

fn taken_over(item: &Holder) -> StoreError {
    StoreError::TakenOver { item: item.index }
}

#[cfg(test)]
mod tests {
    use connector_contract::types::DataRecord;
    use connector_state::mirror::{Batch, Derived};

    use super::*;
    use crate::schema::TABLES;

    fn record(id: &str, data: &str) -> DataRecord {
        DataRecord {
            id: id.to_owned(),
            updated_at: None,
            created_at: None,
            version: None,
            data: data.to_owned(),
        }
    }

    /// Record `id` with this content, which holds an item of the same content.
    fn batch(source: Source, id: &str, data: &str) -> Hashed {
        let item = record(&format!("{id}/item"), data);
        Hashed::new(Batch {
            records: vec![record(id, data)],
            derived: vec![Derived { object: "items".to_owned(), lists: vec![vec![item]] }],
            ..Batch::new("c", "orders", source, 0)
        })
    }

    #[test]
    fn what_a_pull_met_of_our_write_is_ours_with_all_that_it_holds() {
        let on = Connection::open_in_memory().unwrap();
        TABLES.iter().for_each(|tables| on.execute_batch(tables).unwrap());
        on.execute("INSERT INTO connections VALUES ('c', 'c', 'x', 'x', '{}', x'', 0)", ())
            .unwrap();
        // The row of the first one has the key 1, the id of the second one.
        apply(&on, &batch(Source::Page, "abc", "[1]"), 0).unwrap();
        apply(&on, &batch(Source::Page, "1", "[2]"), 0).unwrap();
        let ours = |kind: &str| -> Vec<String> {
            let sql = "SELECT id || ours FROM mirror_changes WHERE kind = ? ORDER BY number";
            let mut found = on.prepare(sql).unwrap();
            found.query_map([kind], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        claim_changes(&on, &batch(Source::Ours, "1", "[2]")).unwrap();
        assert_eq!(ours("created"), ["abc0", "abc/item0", "11", "1/item1"]);
        // Somebody has changed it since: that is not ours, whatever we had written.
        apply(&on, &batch(Source::Page, "abc", "[3]"), 0).unwrap();
        claim_changes(&on, &batch(Source::Ours, "abc", "[1]")).unwrap();
        assert!(ours("updated").is_empty());
        // A removal has no content.
        let removal = |source, asked| {
            let batch = batch(source, "1", "").parts().0.clone();
            let deleted = vec!["1".to_owned()];
            Hashed::new(Batch { records: vec![], derived: vec![], deleted, asked, ..batch })
        };
        apply(&on, &removal(Source::Lookup, 9), 0).unwrap();
        claim_changes(&on, &removal(Source::Ours, 0)).unwrap();
        assert_eq!(ours("deleted"), ["11", "1/item1"]);
    }

    /// A push of thousands of items into a large mirror must not look at each of its records.
    #[test]
    fn changes_are_marked_by_key() {
        let on = Connection::open_in_memory().unwrap();
        TABLES.iter().for_each(|tables| on.execute_batch(tables).unwrap());
        let plan = |sql: &str| {
            let mut plan = on.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps: Vec<String> =
                plan.raw_query().mapped(|row| row.get("detail")).map(Result::unwrap).collect();
            steps.join("; ")
        };
        for (sql, key) in [
            (WRITTEN, "mirror_records_by_id (object=? AND id=?)"),
            (MARK, "SEARCH mirror_records USING INTEGER PRIMARY KEY"),
            (MARK_HELD, "mirror_records_by_holder (holder=?)"),
        ] {
            let plan = plan(sql);
            assert!(plan.contains(key) && !plan.contains("SCAN"), "{plan}");
        }
    }
}
