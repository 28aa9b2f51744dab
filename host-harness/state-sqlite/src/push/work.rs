//! What the writer does for a push, within one transaction: it reads what a decision needs, and
//! writes what was decided.

use std::collections::BTreeSet;

use connector_state::mirror::{Applied, Source};
use connector_state::push::plan::{self, ClaimPlan, KeptItem, SealPlan};
use connector_state::push::{ClaimRow, Claimed, Holder, IntentEnd, IntentRow, PushRow, Sent};
use rusqlite::Connection;

use super::pruning;
use crate::columns::{Record as _, one, put_one, run, signed, upsert, value, values};
use crate::fault::{DbFault, DbResult};
use crate::mirror::{Hashed, apply};

/// A run. Those of a removed connection are gone, though they are not erased yet.
pub const RUN: &str = "SELECT p.* FROM pushes AS p WHERE p.id = ?1
     AND EXISTS (SELECT 1 FROM connections AS c WHERE c.id = p.connection)";

/// Keeps a run.
pub fn begin(on: &Connection, new: PushRow) -> DbResult<()> {
    let kept: Option<PushRow> = one(on, RUN, [&new.id])?;
    let is_connected = "SELECT 1 FROM connections WHERE id = ?";
    let is_connected = value::<u32>(on, is_connected, [&new.connection])?.is_some();
    plan::begin(new, kept.as_ref(), is_connected)?.iter().try_for_each(|new| put_run(on, new))
}

/// Adds items to runs.
pub fn add(on: &Connection, items: &[IntentRow]) -> DbResult<()> {
    for items in items.chunk_by(|a, b| a.run == b.run) {
        let id = items.first().map(|item| item.run.as_str()).unwrap_or_default();
        let indexes = || items.iter().map(|item| signed(item.index));
        let sql = "SELECT item FROM intents WHERE push = ? AND item BETWEEN ? AND ?";
        let range = (id, indexes().min().unwrap_or(0), indexes().max().unwrap_or(0));
        let there: BTreeSet<u64> = values(on, sql, range)?.into_iter().collect();
        let (run, items) = plan::add(id, one(on, RUN, [id])?, items.to_vec(), &there)?;
        put_run(on, &run)?;
        items.iter().try_for_each(|item| put_one(on, "INSERT INTO intents", item))?;
    }
    Ok(())
}

/// All items are there: the run to go on with.
pub fn seal(on: &Connection, id: &str, digest: [u8; 32], now_ms: u64) -> DbResult<String> {
    let same = "SELECT id FROM pushes WHERE digest = ? AND ended_ms IS NULL AND id <> ? LIMIT 1";
    let same = value(on, same, (&digest, id))?;
    match plan::seal(id, one(on, RUN, [id])?, same, digest, now_ms)? {
        SealPlan::Same(same) => {
            pruning::remove(on, id)?;
            Ok(same)
        }
        SealPlan::Ours(run) => {
            put_run(on, &run)?;
            Ok(run.id)
        }
    }
}

/// Removes a run that was not sealed.
pub fn forget(on: &Connection, id: &str) -> DbResult<()> {
    match one::<PushRow>(on, RUN, [id])?.filter(plan::is_forgotten) {
        Some(run) => pruning::remove(on, &run.id),
        None => Ok(()),
    }
}

/// Takes an item and the record that its key names.
pub fn claim(on: &Connection, holder: &Holder, for_ms: u64, now_ms: u64) -> DbResult<Claimed> {
    Ok(match plan::claim(holder, kept(on, holder)?, for_ms, now_ms)? {
        ClaimPlan::Ended(item) => Claimed::Ended(Box::new(item)),
        ClaimPlan::Busy(busy_ms) => Claimed::Busy(busy_ms),
        ClaimPlan::Take(item, claim) => {
            let sql = "UPDATE intents SET attempts = ? WHERE push = ? AND item = ?";
            run(on, sql, (item.attempts, &item.run, signed(item.index)))?;
            put_one(on, "REPLACE INTO push_claims", &claim)?;
            Claimed::Ours(Box::new(item))
        }
    })
}

/// Takes one record more.
pub fn hold(
    on: &Connection,
    holder: &Holder,
    key: &str,
    for_ms: u64,
    now_ms: u64,
) -> DbResult<Option<u64>> {
    let kept = kept(on, holder)?;
    let there = match &kept {
        Some(kept) => claim_of(on, &kept.run, key)?,
        None => None,
    };
    match plan::hold(holder, kept, key, there.as_ref(), for_ms, now_ms)? {
        Err(busy_ms) => Ok(Some(busy_ms)),
        Ok(claim) => {
            put_one(on, "REPLACE INTO push_claims", &claim)?;
            Ok(None)
        }
    }
}

/// A write is about to be sent.
pub fn sending(on: &Connection, holder: &Holder, sent: Sent, id: Option<&str>) -> DbResult<()> {
    let (run, item) = plan::sending(holder, kept(on, holder)?, sent, id)?;
    put_run(on, &run)?;
    Ok(put_one(on, "REPLACE INTO intents", &item)?)
}

/// Ends an item, with what its answer told.
pub fn end(
    on: &Connection,
    holder: &Holder,
    end: IntentEnd,
    batch: Option<&Hashed>,
    now_ms: u64,
) -> DbResult<Option<Applied>> {
    let (push, item) = plan::end(holder, kept(on, holder)?, end, now_ms)?;
    put_run(on, &push)?;
    put_one(on, "REPLACE INTO intents", &item)?;
    let sql = "DELETE FROM push_claims WHERE push = ? AND item = ?";
    run(on, sql, (&holder.run, signed(holder.index)))?;
    let applied = batch.map(|batch| {
        let applied = apply(on, batch, now_ms)?;
        claim_changes(on, batch)?;
        Ok::<_, DbFault>(applied)
    });
    applied.transpose()
}

fn put_run(on: &Connection, run: &PushRow) -> DbResult<()> {
    Ok(upsert(on, "pushes", &["id"], run.write()?)?)
}

fn kept(on: &Connection, holder: &Holder) -> DbResult<Option<KeptItem>> {
    let Some(run) = one::<PushRow>(on, RUN, [&holder.run])? else { return Ok(None) };
    let sql = "SELECT * FROM intents WHERE push = ? AND item = ?";
    let item: Option<IntentRow> = one(on, sql, (&holder.run, signed(holder.index)))?;
    let Some(item) = item else { return Ok(None) };
    let claim = claim_of(on, &run, &item.key)?;
    Ok(Some(KeptItem { run, item, claim }))
}

/// Who may write a record.
fn claim_of(on: &Connection, run: &PushRow, key: &str) -> DbResult<Option<ClaimRow>> {
    let sql = "SELECT * FROM push_claims WHERE connection = ? AND object = ? AND record_key = ?";
    Ok(one(on, sql, (&run.connection, &run.object, key))?)
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
        run(on, MARK, (record, signed(batch.asked)))?;
        run(on, MARK_HELD, (record, signed(batch.asked)))?;
    }
    Ok(())
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
