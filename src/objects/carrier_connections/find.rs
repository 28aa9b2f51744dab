//! Connections with given couriers and credentials.
//!
//! Nothing at AfterShip refuses a second connection with the same credentials. Only comparing them
//! with those that it answers tells whether a creation whose answer was lost was done. Where it
//! masks them, nothing tells: then no answer is given, because "none" would have it made twice.

use super::credentials::{CREDENTIALS, concealed, is_masked};
use super::{COURIER, SOURCE};
use crate::api::Api;
use crate::api::answer::to_record;
use crate::api::source::Source;
use connector_sdk::{DataRecord, Error, Query, json::Value};

/// The connections that each input would make a second time, in the inputs' order. The list of
/// each courier is read once.
pub(super) fn matching(api: &Api<'_>, inputs: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
    let wanted = inputs.iter().map(|input| read(input)).collect::<Result<Vec<_>, _>>()?;
    let mut found = vec![Vec::new(); wanted.len()];
    let mut masked = vec![None; wanted.len()];
    // There are at most 200.
    let mut asked = Vec::new();
    let source = Source { what: "find the carrier connection", ..SOURCE };
    for slug in wanted.iter().map(slug) {
        if asked.contains(&slug) {
            continue;
        }
        asked.push(slug);
        let mut query = Query::new();
        query.add(COURIER, slug);
        source.each(api, query, &mut |item| {
            let Ok(there) = Value::parse(item.raw) else { return };
            // AfterShip's filter may match more than asked for.
            if self::slug(&there) != slug {
                return;
            }
            let Some(mut record) = to_record(item) else { return };
            record.data = concealed(&record.data);
            for ((wanted, found), masked) in wanted.iter().zip(&mut found).zip(&mut masked) {
                match is_same(wanted, &there) {
                    Some(true) => found.push(record.clone()),
                    Some(false) => {}
                    None => *masked = Some(record.id.clone()),
                }
            }
        })?;
    }
    match found.iter().zip(masked).find_map(|(found, masked)| masked.filter(|_| found.is_empty())) {
        Some(id) => Err(Error::invalid_member("/credentials", untold(&id))),
        None => Ok(found),
    }
}

fn untold(id: &str) -> String {
    format!(
        "AfterShip does not show the credentials of the carrier connection `{id}`, so nothing tells \
         whether it is the one. Compare them in the AfterShip admin before another one is created."
    )
}

fn read(input: &str) -> Result<Value<'_>, Error> {
    // Checked against the schema of `find` already.
    Value::parse(input).map_err(|_| Error::invalid_member("", "The input is not JSON."))
}

fn slug<'v>(connection: &'v Value<'_>) -> &'v str {
    connection.get(COURIER).and_then(Value::text).unwrap_or_default()
}

fn credentials<'v, 'a>(connection: &'v Value<'a>) -> &'v [(std::borrow::Cow<'a, str>, Value<'a>)] {
    connection.get(CREDENTIALS).map_or(&[], Value::members)
}

/// Whether both have the same courier and the same credentials, no more and no less; `None` where
/// AfterShip shows too little to tell.
fn is_same(wanted: &Value<'_>, there: &Value<'_>) -> Option<bool> {
    if slug(wanted) != slug(there) {
        return Some(false);
    }
    if credentials(there).is_empty() {
        return None;
    }
    if credentials(wanted).len() != credentials(there).len() {
        return Some(false);
    }
    let mut told = Some(true);
    for (name, value) in credentials(wanted) {
        match there.get(CREDENTIALS).and_then(|shown| shown.get(name)) {
            Some(shown) if shown == value => {}
            Some(shown) if is_masked(shown) => told = None,
            _ => return Some(false),
        }
    }
    told
}
