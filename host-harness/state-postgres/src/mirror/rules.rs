//! Rules over time ([`connector_state::mirror::rules`]): the wakes of records, and what is raised.

use std::borrow::Cow;
use std::collections::BTreeMap;

use connector_state::StoreError;
use connector_state::journal::entries;
use connector_state::mirror::plan;
use connector_state::mirror::raised::{RaisedPlace, RuleSelection};
use connector_state::mirror::rules::{self, KeptRules, RuleMoves, Ruled, Woken};
use connector_state::mirror::{ListPage, ListQuery, MemberIndex, RuleSettings};
use tokio_postgres::Row;

use super::objects::{self, Key, Object};
use super::reading::Named;
use super::{apply, index, put};
use crate::columns::{Column, Values, json, odd, signed, text};
use crate::fault::DbResult;
use crate::journal;
use crate::session::Session;

/// Wakes of a day lie side by side in the order in which their records came; what is raised does in the order of
/// a list.
pub const TABLES: &str = r#"
-- When the rules of a record are looked at. body: the key of its content.
CREATE TABLE mirror_wakes (
    records bigint NOT NULL,
    wake_ms bigint NOT NULL,
    body bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    PRIMARY KEY (records, wake_ms, body)
);

-- Records for which a rule is raised, which was due at this time.
CREATE TABLE mirror_raised (
    records bigint NOT NULL,
    rule text COLLATE "C" NOT NULL,
    due_ms bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    PRIMARY KEY (records, rule, due_ms, id)
);
"#;

/// As its text; null where no rule holds.
impl Column for KeptRules {
    fn read(row: &Row, name: &str) -> DbResult<Self> {
        match row.try_get::<_, Option<&str>>(name)? {
            Some(text) => Self::decode(text).map_err(|why| odd(name, &why)),
            None => Ok(Self::default()),
        }
    }

    fn write(&self, name: &str, to: &mut Values) {
        to.add(name, self.encode());
    }
}

/// What becomes of the rows of records' rules.
#[derive(Default)]
pub struct Rows<'m> {
    wakes: (Vec<i64>, Vec<i64>, Vec<Cow<'m, str>>),
    gone: Raised<'m>,
    new: Raised<'m>,
}

/// Columns of what is raised: rules, due times, ids.
type Raised<'m> = (Vec<&'m str>, Vec<i64>, Vec<Cow<'m, str>>);

impl<'m> Rows<'m> {
    /// That of a record. `body`: the key of its content.
    pub fn add(&mut self, body: i64, id: &'m str, moves: &'m RuleMoves) {
        if let Some(wake_ms) = moves.wake_ms {
            self.wakes.0.push(signed(wake_ms));
            self.wakes.1.push(body);
            self.wakes.2.push(text(id));
        }
        for (rule, before, after) in &moves.raised {
            for (due_ms, to) in [(before, &mut self.gone), (after, &mut self.new)] {
                let Some(due_ms) = due_ms else { continue };
                to.0.push(rule);
                to.1.push(signed(*due_ms));
                to.2.push(text(id));
            }
        }
    }

    /// Writes them.
    pub async fn write(&self, on: &Session, records: Key) -> DbResult<()> {
        let Self { wakes, gone, new } = self;
        if !wakes.0.is_empty() {
            let sql = "INSERT INTO mirror_wakes (records, wake_ms, body, id)
                       SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[])
                       ON CONFLICT DO NOTHING";
            on.run(sql, &[&records, &wakes.0, &wakes.1, &wakes.2]).await?;
        }
        if !gone.0.is_empty() {
            let sql = "DELETE FROM mirror_raised AS r
                       USING unnest($2::text[], $3::bigint[], $4::text[]) AS u (rule, due_ms, id)
                       WHERE r.records = $1 AND r.rule = u.rule COLLATE \"C\"
                           AND r.due_ms = u.due_ms AND r.id = u.id COLLATE \"C\"";
            on.run(sql, &[&records, &gone.0, &gone.1, &gone.2]).await?;
        }
        if !new.0.is_empty() {
            let sql = "INSERT INTO mirror_raised (records, rule, due_ms, id)
                       SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[])
                       ON CONFLICT DO NOTHING";
            on.run(sql, &[&records, &new.0, &new.1, &new.2]).await?;
        }
        Ok(())
    }
}

/// Changes rules of records that stay as they are. The mirror is locked, and its moment is this.
pub async fn rule(
    on: &Session,
    object: Object,
    moment: u64,
    ruled: &[Ruled],
    now_ms: u64,
) -> DbResult<()> {
    if ruled.is_empty() {
        return Ok(());
    }
    // Its name is that of the key.
    let plan = plan::tell_rules("", moment, ruled);
    put::changes(on, object.mirror, &[object.object], &plan, now_ms).await?;
    put::set_moment(on, object.mirror, &plan, now_ms).await?;
    let (mut ids, mut kept, mut rows) = (Vec::new(), Vec::new(), Rows::default());
    for Ruled { id, row, followed, .. } in ruled {
        ids.push(text(id));
        kept.push(followed.after.encode());
        rows.add(*row, id, &followed.moves);
    }
    let sql = "UPDATE mirror_heads AS h SET rules = u.rules
               FROM unnest($2::text[], $3::text[]) AS u (id, rules)
               WHERE h.records = $1 AND h.id = u.id COLLATE \"C\"";
    on.run(sql, &[&object.records, &ids, &kept]).await?;
    rows.write(on, object.records).await
}

/// Raises what is due. Answers how many records were looked at.
pub async fn wake(on: &Session, connection: &str, object: &str, limit: u32) -> DbResult<u32> {
    let Some(object) = objects::find(on, connection, object).await? else { return Ok(0) };
    let now_ms = on.now_ms().await?;
    let sql = "SELECT wake_ms, body, id FROM mirror_wakes WHERE records = $1 AND wake_ms <= $2
               ORDER BY wake_ms, body LIMIT $3";
    let due = async || on.rows(sql, &[&object.records, &signed(now_ms), &i64::from(limit)]).await;
    // Mostly nothing is, and then nobody's row is locked.
    if due().await?.is_empty() {
        return Ok(0);
    }
    let Some(locked) = objects::lock(on, connection).await? else { return Ok(0) };
    let read = |row: &Row| {
        Ok((u64::read(row, "wake_ms")?, row.try_get("body")?, String::read(row, "id")?))
    };
    let woken: Vec<(u64, i64, String)> = due().await?.iter().map(read).collect::<DbResult<_>>()?;
    let ids: Vec<&str> = woken.iter().map(|(.., id)| id.as_str()).collect();
    let heads = apply::heads_of(on, object.records, &ids).await?;
    let (mut ruled, mut times, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for (wake_ms, body, id) in &woken {
        let head = heads.get(id);
        if let Woken::Followed(followed) =
            rules::wake(head.map(|head| &head.rules), *wake_ms, now_ms)
        {
            let updated_at = head.and_then(|head| head.updated_at.clone());
            ruled.push(Ruled { id: id.clone(), row: *body, updated_at, followed });
        }
        times.push(signed(*wake_ms));
        bodies.push(*body);
    }
    let sql = "DELETE FROM mirror_wakes AS w USING unnest($2::bigint[], $3::bigint[]) AS u (wake_ms, body)
               WHERE w.records = $1 AND w.wake_ms = u.wake_ms AND w.body = u.body";
    on.run(sql, &[&object.records, &times, &bodies]).await?;
    rule(on, object, locked.moment, &ruled, now_ms).await?;
    Ok(u32::try_from(woken.len()).unwrap_or(u32::MAX))
}

/// What a connection has set; `None`: there is no such connection. Locked, nobody else sets it until the
/// transaction ends.
pub async fn settings(
    on: &Session,
    connection: &str,
    lock: bool,
) -> DbResult<Option<RuleSettings>> {
    let sql = match lock {
        true => "SELECT rules FROM connections WHERE id = $1 FOR UPDATE",
        false => "SELECT rules FROM connections WHERE id = $1",
    };
    let found = on.rows(sql, &[&text(connection)]).await?;
    found.first().map(|row| RuleSettings::read(row, "rules")).transpose()
}

/// Sets a rule; what is indexed of the connection's objects with rules is built again.
pub async fn set(
    on: &Session,
    connection: &str,
    rule: &str,
    setting: Option<Option<u32>>,
) -> DbResult<()> {
    let settings = settings(on, connection, true).await?;
    let mut settings = settings.ok_or_else(|| StoreError::NoConnection(connection.to_owned()))?;
    if !rules::set(&mut settings, rule, setting) {
        return Ok(());
    }
    let sql = "UPDATE connections SET rules = $1 WHERE id = $2";
    on.run(sql, &[&json(&settings), &text(connection)]).await?;
    let entry = entries::of_rule(rule, setting);
    journal::note(on, connection, on.now_ms().await?, on.actor(), &entry).await?;
    let Some(locked) = objects::lock(on, connection).await? else { return Ok(()) };
    for object in objects::all(on, locked.mirror).await?.into_values() {
        if !index::of(on, object.object).await?.1.members.rules.is_empty() {
            index::replace(on, object.object).await?;
        }
    }
    Ok(())
}

/// For how many records of a set each rule is raised.
pub async fn counts(on: &Session, records: Key) -> DbResult<BTreeMap<String, u64>> {
    let sql = "SELECT rule, count(*) AS raised FROM mirror_raised WHERE records = $1 GROUP BY rule";
    let read = |row: &Row| Ok((String::read(row, "rule")?, u64::read(row, "raised")?));
    on.rows(sql, &[&records]).await?.iter().map(read).collect()
}

/// Some of the records for which a rule is raised.
pub async fn list(
    on: &Session,
    named: &Named<'_>,
    index: &MemberIndex,
    query: &ListQuery,
    rule: &str,
) -> DbResult<ListPage> {
    let mut selection = RuleSelection::new(query, rule, index)?;
    let (beyond, order, end) = match selection.descending {
        false => (">", "due_ms, id", -1),
        true => ("<", "due_ms DESC, id DESC", i64::MAX),
    };
    let sql = format!(
        "SELECT due_ms, id FROM mirror_raised
         WHERE records = $1 AND rule = $2 AND (due_ms, id) {beyond} ($3, $4) ORDER BY {order} LIMIT $5"
    );
    loop {
        let wanted = selection.wanted().max(1);
        let after = selection.after().cloned();
        let due_ms = after.as_ref().map_or(end, |after| signed(after.due_ms));
        let id = after.map(|after| after.id).unwrap_or_default();
        let of = (text(rule), text(&id), crate::columns::rows(wanted));
        let found = on.rows(&sql, &[&named.object.records, &of.0, &due_ms, &of.1, &of.2]).await?;
        let place = |row: &Row| {
            Ok(RaisedPlace { due_ms: u64::read(row, "due_ms")?, id: String::read(row, "id")? })
        };
        let places: Vec<RaisedPlace> = found.iter().map(place).collect::<DbResult<_>>()?;
        let ids: Vec<&str> = places.iter().map(|place| place.id.as_str()).collect();
        let mut records = named.with_ids(on, &ids).await?;
        for place in places {
            let record = records.remove(&place.id);
            if selection.look(place, record) {
                return Ok(selection.finish());
            }
        }
        if found.len() < wanted {
            return Ok(selection.finish());
        }
    }
}
