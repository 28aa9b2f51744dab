//! Rules over time ([`connector_state::mirror::rules`]): the wakes of records, and what is raised.

use std::collections::BTreeMap;

use connector_state::journal::entries;
use connector_state::mirror::plan;
use connector_state::mirror::raised::{RaisedPlace, RuleSelection};
use connector_state::mirror::rules::{self, KeptRules, RuleMoves, Ruled, Woken};
use connector_state::mirror::{ListPage, ListQuery, MemberIndex, RuleSettings};
use rusqlite::{Connection, Result, Row};

use super::objects::{self, Key, Object};
use super::reading::Named;
use super::{apply, index};
use crate::columns::{Column, Values, from_json, json, odd, prepared, run, signed, value, values};
use crate::fault::DbResult;
use crate::journal;
use crate::rows::must_exist;

/// Wakes of a day lie side by side in the order in which their records came; what is raised does in the order of
/// a list.
pub const TABLES: &str = "
-- When the rules of a record are looked at. body: the key of its content.
CREATE TABLE mirror_wakes (
    records INTEGER NOT NULL,
    wake_ms INTEGER NOT NULL,
    body INTEGER NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (records, wake_ms, body)
) STRICT, WITHOUT ROWID;

-- Records for which a rule is raised, which was due at this time.
CREATE TABLE mirror_raised (
    records INTEGER NOT NULL,
    rule TEXT NOT NULL,
    due_ms INTEGER NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (records, rule, due_ms, id)
) STRICT, WITHOUT ROWID;
";

/// As its text; null where no rule holds.
impl Column for KeptRules {
    fn read(row: &Row<'_>, name: &str) -> Result<Self> {
        match row.get_ref(name)?.as_str_or_null()? {
            Some(text) => Self::decode(text).map_err(|why| odd(row, name, why.into())),
            None => Ok(Self::default()),
        }
    }

    fn write(&self, name: &str, to: &mut Values) -> Result<()> {
        self.encode().write(name, to)
    }
}

/// Writes what becomes of the rows of a record's rules. `body`: the key of its content.
pub fn write(on: &Connection, records: Key, body: i64, id: &str, moves: &RuleMoves) -> Result<()> {
    if let Some(wake_ms) = moves.wake_ms {
        let sql = "INSERT OR IGNORE INTO mirror_wakes (records, wake_ms, body, id)
                   VALUES (?, ?, ?, ?)";
        run(on, sql, (records, signed(wake_ms), body, id))?;
    }
    for (rule, before, after) in &moves.raised {
        if let Some(due_ms) = before.map(signed) {
            let sql = "DELETE FROM mirror_raised
                       WHERE records = ? AND rule = ? AND due_ms = ? AND id = ?";
            run(on, sql, (records, rule, due_ms, id))?;
        }
        if let Some(due_ms) = after.map(signed) {
            let sql = "INSERT OR IGNORE INTO mirror_raised (records, rule, due_ms, id)
                       VALUES (?, ?, ?, ?)";
            run(on, sql, (records, rule, due_ms, id))?;
        }
    }
    Ok(())
}

/// Changes rules of records that stay as they are.
pub fn rule(on: &Connection, object: Object, ruled: &[Ruled], now_ms: u64) -> DbResult<()> {
    if ruled.is_empty() {
        return Ok(());
    }
    let name = "SELECT name FROM mirror_objects WHERE object = ?";
    let name: String = value(on, name, [object.object])?.unwrap_or_default();
    let plan = plan::tell_rules(&name, apply::moment(on, object.mirror)?, ruled);
    apply::changes(on, object.mirror, &[object.object], &plan, now_ms)?;
    for Ruled { id, row, followed, .. } in ruled {
        let sql = "UPDATE mirror_heads SET rules = ? WHERE records = ? AND id = ?";
        run(on, sql, (followed.after.encode(), object.records, id))?;
        write(on, object.records, *row, id, &followed.moves)?;
    }
    Ok(())
}

/// Raises what is due. Answers how many records were looked at.
pub fn wake(
    on: &Connection,
    connection: &str,
    object: &str,
    limit: u32,
    now_ms: u64,
) -> DbResult<u32> {
    let Some(object) = objects::find(on, connection, object)? else { return Ok(0) };
    let sql = "SELECT wake_ms, body, id FROM mirror_wakes WHERE records = ? AND wake_ms <= ?
               ORDER BY wake_ms, body LIMIT ?";
    let woken: Vec<(u64, i64, String)> = prepared(on, sql)?
        .query_map((object.records, signed(now_ms), limit), |row| row.try_into())?
        .collect::<Result<_>>()?;
    let mut ruled = Vec::new();
    for (wake_ms, body, id) in &woken {
        let head = apply::head(on, object, id)?;
        let kept = head.as_ref().map(|head| &head.rules);
        if let Woken::Followed(followed) = rules::wake(kept, *wake_ms, now_ms) {
            let updated_at = head.and_then(|head| head.updated_at);
            ruled.push(Ruled { id: id.clone(), row: *body, updated_at, followed });
        }
        let sql = "DELETE FROM mirror_wakes WHERE records = ? AND wake_ms = ? AND body = ?";
        run(on, sql, (object.records, signed(*wake_ms), body))?;
    }
    rule(on, object, &ruled, now_ms)?;
    Ok(u32::try_from(woken.len()).unwrap_or(u32::MAX))
}

/// What a connection has set.
pub fn settings(on: &Connection, connection: &str) -> Result<RuleSettings> {
    let sql = "SELECT rules FROM connections WHERE id = ?";
    let mut find = prepared(on, sql)?;
    let mut found = find.query_map([connection], |row| from_json(row, "rules"))?;
    found.next().transpose().map(Option::unwrap_or_default)
}

/// Sets a rule; what is indexed of the connection's objects with rules is built again.
pub fn set(
    on: &Connection,
    connection: &str,
    rule: &str,
    setting: Option<Option<u32>>,
    (now_ms, by): (u64, Option<&str>),
) -> DbResult<()> {
    must_exist(on, connection)?;
    let mut settings = settings(on, connection)?;
    if !rules::set(&mut settings, rule, setting) {
        return Ok(());
    }
    let sql = "UPDATE connections SET rules = ? WHERE id = ?";
    run(on, sql, (json(&settings)?, connection))?;
    journal::note(on, connection, now_ms, by, &entries::of_rule(rule, setting))?;
    let sql = "SELECT o.object FROM mirrors AS m CROSS JOIN mirror_objects AS o USING (mirror)
               WHERE m.connection = ?";
    for object in values::<Key>(on, sql, [connection])? {
        if !index::of(on, object)?.1.members.rules.is_empty() {
            index::replace(on, object)?;
        }
    }
    Ok(())
}

/// For how many records of a set each rule is raised.
pub fn counts(on: &Connection, records: Key) -> Result<BTreeMap<String, u64>> {
    let sql = "SELECT rule, count(*) FROM mirror_raised WHERE records = ? GROUP BY rule";
    prepared(on, sql)?.query_map([records], |row| row.try_into())?.collect()
}

/// Some of the records for which a rule is raised.
pub fn list(
    on: &Connection,
    named: &Named<'_>,
    index: &MemberIndex,
    query: &ListQuery,
    rule: &str,
) -> DbResult<ListPage> {
    let mut selection = RuleSelection::new(query, rule, index)?;
    let (beyond, order, end) = match selection.descending {
        false => (">", "due_ms, id", (-1, "")),
        true => ("<", "due_ms DESC, id DESC", (i64::MAX, "")),
    };
    let sql = format!(
        "SELECT due_ms, id FROM mirror_raised
         WHERE records = ? AND rule = ? AND (due_ms, id) {beyond} (?, ?) ORDER BY {order} LIMIT ?"
    );
    loop {
        let wanted = selection.wanted().max(1);
        let after = selection.after().cloned();
        let (due_ms, id) =
            after.as_ref().map_or(end, |after| (signed(after.due_ms), after.id.as_str()));
        let place = |row: &Row<'_>| Ok(RaisedPlace { due_ms: row.get(0)?, id: row.get(1)? });
        let of = (named.object.records, rule, due_ms, id, super::erase::rows(wanted));
        let places: Vec<RaisedPlace> =
            prepared(on, &sql)?.query_map(of, place)?.collect::<Result<_>>()?;
        let is_last = places.len() < wanted;
        for place in places {
            let record = named.record(on, &place.id)?;
            if selection.look(place, record) {
                return Ok(selection.finish());
            }
        }
        if is_last {
            return Ok(selection.finish());
        }
    }
}
