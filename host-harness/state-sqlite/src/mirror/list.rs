//! Lists of records by the index of their object.

use std::collections::{BTreeMap, BTreeSet};

use connector_state::mirror::index::{ID, ValueReader};
use connector_state::mirror::list::{Selection, Span};
use connector_state::mirror::plan::KeptIndex;
use connector_state::mirror::raised::RuleSelection;
use connector_state::mirror::{ListPage, ListQuery, MirroredRecord};
use rusqlite::types::Value;
use rusqlite::{Connection, Result};

use super::index::{self, BLOCK};
use super::objects::Key;
use super::reading::Named;
use super::rules;
use crate::columns::{prepared, value, values};
use crate::fault::DbResult;

/// Some records of a list.
pub fn list(on: &Connection, query: &ListQuery) -> DbResult<ListPage> {
    let Some(named) = Named::find(on, &query.connection, &query.object)? else {
        let index = index::wanted_by(on, &query.connection, &query.object)?;
        match &query.rule {
            Some(rule) => drop(RuleSelection::new(query, rule, &index)?),
            None => drop(Selection::<()>::new(query, &index)?),
        }
        return Ok(ListPage::default());
    };
    named.must_be_its_own(on)?;
    let (number, index) = index::of(on, named.key())?;
    if let Some(rule) = &query.rule {
        return rules::list(on, &named, &index.members, query, rule);
    }
    let was_scanned = index.built.is_some();
    let (ids, next) = match was_scanned {
        false => by_index(on, number, Selection::new(query, &index.members)?)?,
        true => by_scan(on, &named, &index, Selection::new(query, &index.members)?)?,
    };
    let records = ids.iter().map(|id| named.record(on, id));
    let records: Result<Vec<MirroredRecord>> = records.filter_map(Result::transpose).collect();
    Ok(ListPage { records: records?, next, was_scanned, ..ListPage::default() })
}

/// The ids of the records by every record, each of which is read.
fn by_scan(
    on: &Connection,
    named: &Named<'_>,
    index: &KeptIndex,
    mut selection: Selection<String>,
) -> Result<(Vec<String>, Option<String>)> {
    let sql = "SELECT h.id, b.created_at, h.updated_at, h.body, b.data
               FROM mirror_heads AS h CROSS JOIN mirror_bodies AS b USING (body)
               WHERE h.records = ? AND h.state <> 'deleted'";
    let reader = ValueReader::new(&index.members);
    let mut find = prepared(on, sql)?;
    let mut found = find.query([named.object.records])?;
    while let Some(row) = found.next()? {
        let (id, data) = (row.get_ref(0)?.as_str()?, row.get_ref(4)?.as_str()?);
        let (made, changed) =
            (row.get_ref(1)?.as_str_or_null()?, row.get_ref(2)?.as_str_or_null()?);
        let values = reader.values(id, made, changed, data);
        selection.look(&values.slots, row.get(3)?, || id.to_owned());
    }
    Ok(selection.finish())
}

/// The ids of the records by the blocks of the index. Each is sorted; one of which the first record comes
/// after all that were found is left at once, before its filters are looked at.
fn by_index(
    on: &Connection,
    number: Key,
    mut selection: Selection<i64>,
) -> Result<(Vec<String>, Option<String>)> {
    let (sort, span, descending) = (selection.sort, selection.span(), selection.descending);
    let others: Vec<(usize, Span)> = selection
        .spans
        .iter()
        .filter(|(slot, _)| **slot != sort)
        .map(|(slot, span)| (*slot, span.clone()))
        .collect();
    let (order, beyond) = match descending {
        false => ("value, body", ">"),
        true => ("value DESC, body DESC", "<"),
    };
    // Behind the cursor, however many records have its value.
    let after = selection.after().cloned();
    let behind =
        after.as_ref().map_or(String::new(), |_| format!("AND (value, body) {beyond} (?, ?)"));
    let sql = format!("SELECT value, body {IN_SPAN} {behind} ORDER BY {order}");
    let mut find = prepared(on, &sql)?;
    for block in blocks(on, number, descending)? {
        let mut matching: Option<BTreeSet<i64>> = None;
        let mut found = match &after {
            Some((value, body)) => {
                find.query((number, block, sort, &span.from, until(&span), value, body))?
            }
            None => find.query((number, block, sort, &span.from, until(&span)))?,
        };
        while let Some(row) = found.next()? {
            let (value, body) = (row.get_ref(0)?.as_str()?, row.get(1)?);
            match selection.wants((value, body)) {
                None => break,
                Some(false) => continue,
                Some(true) => {}
            }
            if !others.is_empty() {
                let matching = match &mut matching {
                    Some(matching) => matching,
                    none => none.insert(matching_in(on, number, block, &others)?),
                };
                if matching.is_empty() {
                    break;
                }
                if !matching.contains(&body) {
                    continue;
                }
            }
            selection.keep((value.to_owned(), body), body);
        }
    }
    let (bodies, next) = selection.finish();
    Ok((ids(on, number, &bodies)?, next))
}

/// Rows of a block whose value of a slot lies in a span.
const IN_SPAN: &str = "FROM mirror_entries
    WHERE number = ? AND block = ? AND slot = ? AND value >= ? AND value < ?";

/// The end of a span, as SQLite compares it: every text is less than an empty blob.
fn until(span: &Span) -> Value {
    span.until.clone().map_or(Value::Blob(vec![]), Value::Text)
}

/// The blocks of an index, in the order in which they are best looked at: what arrived last changed last.
fn blocks(on: &Connection, number: Key, descending: bool) -> Result<Vec<i64>> {
    let sql = "SELECT block FROM mirror_entries WHERE number = ? AND block > ?
               ORDER BY block LIMIT 1";
    let mut blocks: Vec<i64> = Vec::new();
    while let Some(block) = value(on, sql, (number, blocks.last().copied().unwrap_or(-1)))? {
        blocks.push(block);
    }
    if descending {
        blocks.reverse();
    }
    Ok(blocks)
}

/// The bodies of a block for which all of these hold.
fn matching_in(
    on: &Connection,
    number: Key,
    block: i64,
    filters: &[(usize, Span)],
) -> Result<BTreeSet<i64>> {
    let sql = format!("SELECT body {IN_SPAN}");
    let mut matching: Option<BTreeSet<i64>> = None;
    for (slot, span) in filters {
        let found = values::<i64>(on, &sql, (number, block, slot, &span.from, until(span)))?;
        let found = found
            .into_iter()
            .filter(|body| matching.as_ref().is_none_or(|matching| matching.contains(body)));
        matching = Some(found.collect());
    }
    Ok(matching.unwrap_or_default())
}

/// The ids of the records with these bodies, in the same order.
fn ids(on: &Connection, number: Key, bodies: &[i64]) -> Result<Vec<String>> {
    let sql = "SELECT value, body FROM mirror_entries WHERE number = ? AND block = ? AND slot = ?";
    let wanted: BTreeSet<i64> = bodies.iter().copied().collect();
    let blocks: BTreeSet<i64> = bodies.iter().map(|body| body / BLOCK).collect();
    let mut ids: BTreeMap<i64, String> = BTreeMap::new();
    for block in blocks {
        let mut find = prepared(on, sql)?;
        let mut found = find.query((number, block, ID))?;
        while let Some(row) = found.next()? {
            let body = row.get(1)?;
            if wanted.contains(&body) {
                ids.insert(body, row.get(0)?);
            }
        }
    }
    Ok(bodies.iter().filter_map(|body| ids.remove(body)).collect())
}
