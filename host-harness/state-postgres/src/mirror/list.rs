//! Lists of records by the index of their object.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use connector_state::mirror::index::ValueReader;
use connector_state::mirror::list::{Selection, Span};
use connector_state::mirror::plan::KeptIndex;
use connector_state::mirror::raised::RuleSelection;
use connector_state::mirror::{ListPage, ListQuery};
use tokio_postgres::types::ToSql;

use super::index::{self, slot_of};
use super::objects::Key;
use super::reading::Named;
use super::rules;
use crate::columns::{Bound, Column as _, rows, text};
use crate::fault::DbResult;
use crate::session::Session;

/// Rows that are looked through at once: more than a list has records.
const AT_ONCE: usize = 1_100;

/// Some records of a list.
pub async fn list(on: &Session, query: &ListQuery) -> DbResult<ListPage> {
    let Some(named) = Named::find(on, &query.connection, &query.object).await? else {
        let index = index::wanted_by(on, &query.connection, &query.object).await?;
        match &query.rule {
            Some(rule) => drop(RuleSelection::new(query, rule, &index)?),
            None => drop(Selection::<()>::new(query, &index)?),
        }
        return Ok(ListPage::default());
    };
    named.must_be_its_own(on).await?;
    let (number, index) = index::of(on, named.object.object).await?;
    if let Some(rule) = &query.rule {
        return rules::list(on, &named, &index.members, query, rule).await;
    }
    let was_scanned = index.built.is_some();
    let (bodies, next) = match was_scanned {
        false => by_index(on, number, Selection::new(query, &index.members)?).await?,
        true => by_scan(on, &named, &index, Selection::new(query, &index.members)?).await?,
    };
    let mut found: BTreeMap<i64, _> = named.with_bodies(on, &bodies).await?.into_iter().collect();
    let records = bodies.iter().filter_map(|body| found.remove(body)).collect();
    Ok(ListPage { records, next, was_scanned, ..ListPage::default() })
}

/// The bodies of the records by every record, each of which is read.
async fn by_scan(
    on: &Session,
    named: &Named<'_>,
    index: &KeptIndex,
    mut selection: Selection<i64>,
) -> DbResult<(Vec<i64>, Option<String>)> {
    let sql = "SELECT h.id, b.created_at, h.updated_at, h.body, b.data
               FROM mirror_heads AS h JOIN mirror_bodies AS b USING (body)
               WHERE h.records = $1 AND h.id > $2 AND h.state <> 'deleted' ORDER BY h.id LIMIT $3";
    let reader = ValueReader::new(&index.members);
    let mut after = String::new();
    loop {
        let of = (text(&after).into_owned(), rows(AT_ONCE));
        let found = on.rows(sql, &[&named.object.records, &of.0, &of.1]).await?;
        for row in &found {
            let (id, data) = (String::read(row, "id")?, String::read(row, "data")?);
            let (made, changed): (Option<String>, Option<String>) =
                (Option::read(row, "created_at")?, Option::read(row, "updated_at")?);
            let values = reader.values(&id, made.as_deref(), changed.as_deref(), &data);
            let body: i64 = row.try_get("body")?;
            selection.look(&values.slots, body, || body);
            after = id;
        }
        if found.len() < AT_ONCE {
            return Ok(selection.finish());
        }
    }
}

/// The bodies of the records by the index, in the order of the list.
async fn by_index(
    on: &Session,
    number: Key,
    mut selection: Selection<i64>,
) -> DbResult<(Vec<i64>, Option<String>)> {
    let (sort, descending) = (selection.sort, selection.descending);
    let (order, beyond) = match descending {
        false => ("e.value, e.body", ">"),
        true => ("e.value DESC, e.body DESC", "<"),
    };
    let mut last = selection.after().cloned();
    loop {
        let mut bound: Vec<Bound> = vec![Box::new(number)];
        let mut sql = "SELECT e.value, e.body FROM mirror_entries AS e WHERE".to_owned();
        within(&mut sql, &mut bound, "e", sort, &selection.span());
        for (slot, span) in selection.spans.iter().filter(|(slot, _)| **slot != sort) {
            sql.push_str(
                " AND EXISTS (SELECT 1 FROM mirror_entries AS f WHERE f.body = e.body AND",
            );
            within(&mut sql, &mut bound, "f", *slot, span);
            sql.push(')');
        }
        if let Some((value, body)) = last.take() {
            bound.push(Box::new(text(&value).into_owned()));
            bound.push(Box::new(body));
            let place = bound.len();
            // Writing to a text cannot fail.
            let _ = write!(sql, " AND (e.value, e.body) {beyond} (${}, ${place})", place - 1);
        }
        let _ = write!(sql, " ORDER BY {order} LIMIT {AT_ONCE}");
        let of: Vec<&(dyn ToSql + Sync)> =
            bound.iter().map(|one| &**one as &(dyn ToSql + Sync)).collect();
        let found = on.rows(&sql, &of).await?;
        for row in &found {
            let (value, body) = (String::read(row, "value")?, row.try_get("body")?);
            match selection.wants((&value, body)) {
                None => return Ok(selection.finish()),
                Some(true) => selection.keep((value.clone(), body), body),
                Some(false) => {}
            }
            last = Some((value, body));
        }
        if found.len() < AT_ONCE {
            return Ok(selection.finish());
        }
    }
}

/// That a row is of the index `$1`, of a slot, and its value in a span.
fn within(sql: &mut String, bound: &mut Vec<Bound>, row: &str, slot: usize, span: &Span) {
    // A few dozen slots make a few dozen statements.
    let slot = slot_of(slot);
    bound.push(Box::new(text(&span.from).into_owned()));
    let from = bound.len();
    // Writing to a text cannot fail.
    let _ = write!(sql, " {row}.number = $1 AND {row}.slot = {slot} AND {row}.value >= ${from}");
    if let Some(until) = &span.until {
        bound.push(Box::new(text(until).into_owned()));
        let _ = write!(sql, " AND {row}.value < ${}", bound.len());
    }
}
