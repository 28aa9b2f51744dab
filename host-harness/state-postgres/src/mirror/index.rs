//! The index of an object: its rows, and how they come to be.

use std::borrow::Cow;
use std::collections::BTreeMap;

use connector_state::mirror::analytics::{Analytics, CELLS, CellCounts, ENTERED};
use connector_state::mirror::index::{MEMBERS, ValueReader};
use connector_state::mirror::plan::{self, IndexMove, KeptIndex, ValueMoves, ValueRows};
use connector_state::mirror::rules::{KeptRules, Ruled, counts as count_rules, due, follow};
use connector_state::mirror::{MemberCounts, MemberIndex, RecordState, RuleSettings, ValueCounts};
use tokio_postgres::Row;

use super::erase::some;
use super::objects::{self, Key, Object};
use super::rules;
use crate::columns::{Column as _, json, rows, text};
use crate::fault::DbResult;
use crate::session::Session;

/// The index of an object, and its number.
pub async fn of(on: &Session, object: Key) -> DbResult<(Key, KeptIndex)> {
    let sql = "SELECT i.number, i.members, i.built, coalesce(c.rules, '{}') AS rules
               FROM mirror_indexes AS i JOIN mirror_objects AS o USING (object)
                   JOIN mirrors AS m USING (mirror)
                   LEFT JOIN connections AS c ON c.id = m.connection
               WHERE i.object = $1 AND NOT i.dropped";
    let read = |row: &Row| {
        let members = MemberIndex::read(row, "members")?;
        let settings = RuleSettings::read(row, "rules")?;
        let index = KeptIndex { members, built: Option::read(row, "built")?, settings };
        Ok((row.try_get("number")?, index))
    };
    let found = on.rows(sql, &[&object]).await?;
    found.first().map(read).transpose().map(Option::unwrap_or_default)
}

/// What is to be indexed of a connector's objects, where that is anything.
pub async fn wanted(on: &Session, connector: &str) -> DbResult<BTreeMap<String, MemberIndex>> {
    let sql = "SELECT object, members FROM mirror_members WHERE connector = $1";
    let read = |row: &Row| Ok((String::read(row, "object")?, MemberIndex::read(row, "members")?));
    on.rows(sql, &[&text(connector)]).await?.iter().map(read).collect()
}

/// What is to be indexed of an object of which nothing is kept yet.
pub async fn wanted_by(on: &Session, connection: &str, object: &str) -> DbResult<MemberIndex> {
    let sql = "SELECT members FROM connections JOIN mirror_members USING (connector)
               WHERE id = $1 AND object = $2";
    let found = on.rows(sql, &[&text(connection), &text(object)]).await?;
    let found = found.first().map(|row| MemberIndex::read(row, "members")).transpose();
    found.map(Option::unwrap_or_default)
}

/// Says what is to be indexed of a connector's objects, and begins anew where that changes.
pub async fn set(
    on: &Session,
    connector: &str,
    indexes: &BTreeMap<String, MemberIndex>,
) -> DbResult<()> {
    // Every host of a new version says so when it starts.
    on.advise("indexes").await?;
    if wanted(on, connector).await? == *indexes {
        return Ok(());
    }
    on.run("DELETE FROM mirror_members WHERE connector = $1", &[&text(connector)]).await?;
    for (object, index) in indexes {
        let sql = "INSERT INTO mirror_members (connector, object, members) VALUES ($1, $2, $3)";
        on.run(sql, &[&text(connector), &text(object), &json(index)]).await?;
    }
    // Whoever makes an object of one of these has done so before this, or reads what is wanted after it.
    let sql = "SELECT id FROM connections WHERE connector = $1 ORDER BY id FOR UPDATE";
    let connections: Vec<String> = on.values(sql, &[&text(connector)]).await?;
    let sql = "SELECT mirror FROM mirrors WHERE connection = ANY($1) ORDER BY mirror FOR UPDATE";
    let mirrors: Vec<Key> = on.values(sql, &[&connections]).await?;
    let sql = "UPDATE mirror_indexes AS i SET dropped = true
               FROM mirror_objects AS o
                   LEFT JOIN mirror_members AS w ON w.connector = $2 AND w.object = o.name
               WHERE o.mirror = ANY($1) AND i.object = o.object AND NOT i.dropped
                   AND i.members <> coalesce(w.members, $3) RETURNING o.object";
    let none = json(&MemberIndex::default());
    let changed: Vec<Key> = on.values(sql, &[&mirrors, &text(connector), &none]).await?;
    make_all(on, &changed).await
}

/// Indexes for objects that have none. What is there already is indexed in pieces.
async fn make_all(on: &Session, objects: &[Key]) -> DbResult<()> {
    let sql = "INSERT INTO mirror_indexes (object, members, built, dropped)
               SELECT o.object, coalesce(w.members, $2),
                   CASE WHEN o.derived_from IS NULL AND o.live + o.aged_out > 0 THEN '' END, false
               FROM mirror_objects AS o JOIN mirrors AS m USING (mirror)
                   LEFT JOIN connections AS c ON c.id = m.connection
                   LEFT JOIN mirror_members AS w
                       ON w.connector = c.connector AND w.object = o.name
               WHERE o.object = ANY($1)";
    on.run(sql, &[&objects, &json(&MemberIndex::default())]).await.map(drop)
}

/// The indexes that objects are to have, where they have none or other ones.
pub async fn renew(on: &Session, objects: &[Key]) -> DbResult<()> {
    let sql = "UPDATE mirror_indexes AS i SET dropped = true
               FROM mirror_objects AS o JOIN mirrors AS m USING (mirror)
                   LEFT JOIN connections AS c ON c.id = m.connection
                   LEFT JOIN mirror_members AS w ON w.connector = c.connector AND w.object = o.name
               WHERE o.object = ANY($1) AND i.object = o.object AND NOT i.dropped
                   AND i.members <> coalesce(w.members, $2)";
    on.run(sql, &[&objects, &json(&MemberIndex::default())]).await?;
    let sql = "SELECT o FROM unnest($1::bigint[]) AS o
               WHERE NOT EXISTS (SELECT 1 FROM mirror_indexes WHERE object = o AND NOT dropped)";
    let without: Vec<Key> = on.values(sql, &[&objects]).await?;
    make_all(on, &without).await
}

/// An index for an object that has none.
pub async fn make(on: &Session, object: Key) -> DbResult<()> {
    make_all(on, &[object]).await
}

/// Another index for an object: what it has in the old one is erased in pieces.
pub async fn replace(on: &Session, object: Key) -> DbResult<()> {
    drop_of(on, object).await?;
    make(on, object).await
}

/// The object has no index any more.
pub async fn drop_of(on: &Session, object: Key) -> DbResult<()> {
    let sql = "UPDATE mirror_indexes SET dropped = true WHERE object = $1 AND NOT dropped";
    on.run(sql, &[&object]).await.map(drop)
}

/// Erases rows of an index that is not used any more. Answers whether there is one.
pub async fn erase_dropped(on: &Session, limit: usize) -> DbResult<bool> {
    let sql = "SELECT number FROM mirror_indexes WHERE dropped ORDER BY number LIMIT 1";
    let Some(number) = on.value::<Key>(sql, &[]).await? else { return Ok(false) };
    // They lie side by side, many on a page.
    let limit = limit.saturating_mul(10);
    let mut erased = some(on, "mirror_entries", "number", number, limit).await?;
    erased += some(on, "mirror_values", "number", number, limit - erased).await?;
    if erased < limit {
        on.run("DELETE FROM mirror_indexes WHERE number = $1", &[&number]).await?;
    }
    Ok(true)
}

/// What becomes of the rows of records.
#[derive(Default)]
pub struct Moved<'m> {
    gone: Rows<'m>,
    new: Rows<'m>,
}

#[derive(Default)]
struct Rows<'m> {
    slots: Vec<i32>,
    values: Vec<Cow<'m, str>>,
    bodies: Vec<i64>,
}

impl<'m> Rows<'m> {
    fn add(&mut self, body: i64, slot: usize, value: &'m str) {
        self.slots.push(slot_of(slot));
        self.values.push(text(value));
        self.bodies.push(body);
    }
}

impl<'m> Moved<'m> {
    /// That of the record with this body.
    pub fn add(&mut self, body: i64, moves: &'m [IndexMove]) {
        for moved in moves {
            if let Some(value) = &moved.before {
                self.gone.add(body, moved.slot, value);
            }
            if let Some(value) = &moved.after {
                self.new.add(body, moved.slot, value);
            }
        }
    }

    /// Writes them.
    pub async fn write(&self, on: &Session, number: Key) -> DbResult<()> {
        let Self { gone, new } = self;
        if !gone.slots.is_empty() {
            let sql = "DELETE FROM mirror_entries AS e
                       USING unnest($2::int[], $3::text[], $4::bigint[]) AS u (slot, value, body)
                       WHERE e.number = $1 AND e.slot = u.slot
                           AND e.value = u.value COLLATE \"C\" AND e.body = u.body";
            on.run(sql, &[&number, &gone.slots, &gone.values, &gone.bodies]).await?;
        }
        if !new.slots.is_empty() {
            // A row that is there says the same.
            let sql = "INSERT INTO mirror_entries (number, slot, value, body)
                       SELECT $1, * FROM unnest($2::int[], $3::text[], $4::bigint[])
                       ON CONFLICT DO NOTHING";
            on.run(sql, &[&number, &new.slots, &new.values, &new.bodies]).await?;
        }
        Ok(())
    }
}

/// As the column has it: there are a few dozen.
pub fn slot_of(slot: usize) -> i32 {
    i32::try_from(slot).unwrap_or(i32::MAX)
}

/// Moves the counts by value, and of cells.
pub async fn count(on: &Session, number: Key, moves: &ValueMoves) -> DbResult<()> {
    // Rows that may change; with no value: that of those that are counted together.
    let mut keys: Vec<(usize, Option<&str>)> = Vec::new();
    for (slot, moved) in moves {
        let moved = moved.iter().filter(|(_, by)| **by != 0);
        keys.extend(moved.map(|(value, _)| (*slot, Some(value.as_str()))));
        keys.push((*slot, None));
    }
    if keys.iter().all(|(_, value)| value.is_none()) {
        return Ok(());
    }
    let sql = "SELECT v.slot, v.others, v.value, v.records FROM mirror_values AS v
                   JOIN unnest($2::int[], $3::boolean[], $4::text[]) AS u (slot, others, value)
                       ON v.slot = u.slot AND v.others = u.others AND v.value = u.value COLLATE \"C\"
               WHERE v.number = $1";
    let (slots, others, values) = columns(&keys);
    let mut kept = ValueRows::default();
    for row in on.rows(sql, &[&number, &slots, &others, &values]).await? {
        let slot = usize::try_from(row.try_get::<_, i32>("slot")?).unwrap_or_default();
        let value = match bool::read(&row, "others")? {
            true => None,
            false => Some(String::read(&row, "value")?),
        };
        kept.put(slot, value, row.try_get("records")?);
    }
    for slot in kept.without_places(moves) {
        if let Some(first) = plan::forgotten(moves).filter(|_| slot == ENTERED) {
            let sql = "DELETE FROM mirror_values
                       WHERE number = $1 AND slot = $2 AND NOT others AND value < $3";
            on.run(sql, &[&number, &slot_of(slot), &text(&first)]).await?;
        }
        let sql = "SELECT count(*) AS taken, count(*) FILTER (WHERE records = 0) AS empty
                   FROM mirror_values WHERE number = $1 AND slot = $2 AND NOT others";
        for row in on.rows(sql, &[&number, &slot_of(slot)]).await? {
            kept.set_places(slot, u64::read(&row, "taken")?, u64::read(&row, "empty")?);
        }
    }
    let before = kept.clone();
    for slot in kept.add(moves) {
        let sql = "DELETE FROM mirror_values
                   WHERE number = $1 AND slot = $2 AND NOT others AND records = 0";
        on.run(sql, &[&number, &slot_of(slot)]).await?;
    }
    keys.retain(|(slot, value)| kept.row(*slot, *value) != before.row(*slot, *value));
    let (put, gone): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|(slot, value)| kept.row(*slot, *value).is_some());
    if !gone.is_empty() {
        let (slots, others, values) = columns(&gone);
        let sql = "DELETE FROM mirror_values AS v
                   USING unnest($2::int[], $3::boolean[], $4::text[]) AS u (slot, others, value)
                   WHERE v.number = $1 AND v.slot = u.slot AND v.others = u.others
                       AND v.value = u.value COLLATE \"C\"";
        on.run(sql, &[&number, &slots, &others, &values]).await?;
    }
    let records = put.iter().filter_map(|(slot, value)| kept.row(*slot, *value));
    let records: Vec<i64> = records.collect();
    let (slots, others, values) = columns(&put);
    let sql = "INSERT INTO mirror_values (number, slot, others, value, records)
               SELECT $1, * FROM unnest($2::int[], $3::boolean[], $4::text[], $5::bigint[])
               ON CONFLICT (number, slot, others, value) DO UPDATE SET records = excluded.records";
    on.run(sql, &[&number, &slots, &others, &values, &records]).await.map(drop)
}

/// Keys of counts, as columns.
fn columns<'k>(keys: &[(usize, Option<&'k str>)]) -> (Vec<i32>, Vec<bool>, Vec<Cow<'k, str>>) {
    let slots = keys.iter().map(|(slot, _)| slot_of(*slot)).collect();
    let others = keys.iter().map(|(_, value)| value.is_none()).collect();
    (slots, others, keys.iter().map(|(_, value)| text(value.unwrap_or_default())).collect())
}

/// The values of a slot that are counted on their own, and how many records have others.
async fn counts_of(on: &Session, number: Key, slot: usize) -> DbResult<(Vec<(String, u64)>, u64)> {
    let sql = "SELECT others, value, records FROM mirror_values
               WHERE number = $1 AND slot = $2 AND records > 0 ORDER BY others, value";
    let (mut values, mut all_others) = (Vec::new(), 0);
    for row in on.rows(sql, &[&number, &slot_of(slot)]).await? {
        let records = u64::read(&row, "records")?;
        match bool::read(&row, "others")? {
            true => all_others = records,
            false => values.push((String::read(&row, "value")?, records)),
        }
    }
    Ok((values, all_others))
}

/// How many records have which value.
pub async fn counts(on: &Session, object: Key) -> DbResult<ValueCounts> {
    let (number, index) = of(on, object).await?;
    let raised = match objects::by_key(on, object).await? {
        Some(found) if !index.members.rules.is_empty() => rules::counts(on, found.records).await?,
        _ => BTreeMap::new(),
    };
    let mut counts = ValueCounts {
        members: vec![],
        rules: count_rules(&index.members.rules, &index.settings, &raised),
        is_partial: index.built.is_some(),
    };
    for slot in index.members.counted() {
        let (values, others) = counts_of(on, number, slot).await?;
        let pointer = index.members.pointer(slot).to_owned();
        counts.members.push(MemberCounts { pointer, values, others });
    }
    Ok(counts)
}

/// The cells, made analytics.
pub async fn analytics(on: &Session, object: Key) -> DbResult<Analytics> {
    let (number, index) = of(on, object).await?;
    let Some(members) = &index.members.analyzed else { return Ok(Analytics::default()) };
    let mut counts: [CellCounts; 5] = Default::default();
    for (slot, counts) in CELLS.into_iter().zip(&mut counts) {
        let (cells, others) = counts_of(on, number, slot).await?;
        *counts = CellCounts { cells, others };
    }
    let is_partial = index.built.is_some();
    Ok(Analytics { is_partial, ..Analytics::of(members, counts) })
}

/// Indexes some of the records of an index that is not complete. Answers how many rows that took.
pub async fn build(on: &Session, now_ms: u64, limit: usize) -> DbResult<usize> {
    let sql = "SELECT number FROM mirror_indexes WHERE built IS NOT NULL AND NOT dropped
               ORDER BY number LIMIT 1";
    let mut written = 0;
    while written < limit {
        let Some(number) = on.value::<Key>(sql, &[]).await? else { break };
        // To look for one counts too.
        written += build_some(on, number, now_ms, limit - written).await?.max(1);
    }
    Ok(written)
}

async fn build_some(on: &Session, number: Key, now_ms: u64, limit: usize) -> DbResult<usize> {
    let sql = "SELECT o.records, i.object, o.mirror FROM mirror_indexes AS i
                   JOIN mirror_objects AS o USING (object) JOIN mirrors AS m USING (mirror)
               WHERE i.number = $1 AND NOT i.dropped";
    let found = on.rows(sql, &[&number]).await?;
    let Some(row) = found.first() else {
        // Its object is gone.
        on.run("UPDATE mirror_indexes SET dropped = true WHERE number = $1", &[&number]).await?;
        return Ok(1);
    };
    let (records, object): (Key, Key) = (row.try_get(0)?, row.try_get(1)?);
    // Nobody writes records of the connection meanwhile; who does so now is not waited for.
    let mirror: Key = row.try_get(2)?;
    let lock = "SELECT moment FROM mirrors WHERE mirror = $1 FOR UPDATE SKIP LOCKED";
    let Some(moment) = on.value::<i64>(lock, &[&mirror]).await? else { return Ok(limit) };
    let (current, index) = of(on, object).await?;
    let (Some(after), true) = (&index.built, current == number) else { return Ok(1) };
    let slots = index.members.members.len() + MEMBERS;
    let at_once = (limit / slots).max(1);
    let sql = "SELECT h.id, b.created_at, h.updated_at, h.body, b.data, h.state, h.rules
               FROM mirror_heads AS h JOIN mirror_bodies AS b USING (body)
               WHERE h.records = $1 AND h.id > $2 AND h.state <> 'deleted' ORDER BY h.id LIMIT $3";
    let found = on.rows(sql, &[&records, &text(after), &rows(at_once)]).await?;
    let reader = ValueReader::new(&index.members);
    let (mut counted, mut ruled) = (ValueMoves::new(), Vec::new());
    let (mut moves, mut last) = (Vec::new(), None);
    for row in &found {
        let (id, data) = (String::read(row, "id")?, String::read(row, "data")?);
        let (made, changed): (Option<String>, Option<String>) =
            (Option::read(row, "created_at")?, Option::read(row, "updated_at")?);
        let values = reader.values(&id, made.as_deref(), changed.as_deref(), &data);
        plan::count_new(&mut counted, &index.members, &values, changed.as_deref(), now_ms);
        let new = |(slot, value)| IndexMove { slot, before: None, after: Some(value) };
        let body: i64 = row.try_get("body")?;
        moves.push((body, values.slots.into_iter().enumerate().map(new).collect::<Vec<_>>()));
        let kept = KeptRules::read(row, "rules")?;
        let is_live = RecordState::read(row, "state")? == RecordState::Live;
        let since = if is_live { values.rules.as_slice() } else { &[] };
        let due = due(&index.members.rules, &index.settings, since);
        let followed = follow(&kept, &due, now_ms);
        // Nothing is known of an object of which nobody has said what is indexed.
        if index.members != MemberIndex::default() && followed.changes(&kept) {
            ruled.push(Ruled { id: id.clone(), row: body, updated_at: changed, followed });
        }
        last = Some(id);
    }
    let mut moved = Moved::default();
    moves.iter().for_each(|(body, moves)| moved.add(*body, moves));
    moved.write(on, number).await?;
    count(on, number, &counted).await?;
    let object = Object { mirror, object, records, derived_from: None };
    let moment = u64::try_from(moment).unwrap_or_default();
    rules::rule(on, object, moment, &ruled, now_ms).await?;
    let built = last.filter(|_| found.len() == at_once);
    let built = built.as_deref().map(text);
    on.run("UPDATE mirror_indexes SET built = $1 WHERE number = $2", &[&built, &number]).await?;
    Ok(found.len() * slots)
}
