//! Connections with given couriers and credentials.
//!
//! Nothing at AfterShip refuses a second connection with the same credentials. Only comparing them
//! with those that it answers tells whether a creation whose answer was lost was done.

use super::credentials::{CREDENTIALS, concealed};
use super::{COURIER, SOURCE};
use crate::api::answer::to_record;
use crate::api::source::Source;
use crate::api::{Api, Query};
use crate::error::Error;
use crate::json::Value;
use crate::types::DataRecord;

/// The connections that each input would make a second time, in the inputs' order. The list of
/// each courier is read once.
pub(super) fn matching(api: &Api<'_>, inputs: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
    let wanted = inputs.iter().map(|input| read(input)).collect::<Result<Vec<_>, _>>()?;
    let mut found = vec![Vec::new(); wanted.len()];
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
            for (wanted, found) in wanted.iter().zip(&mut found) {
                if is_same(wanted, &there) {
                    found.push(record.clone());
                }
            }
        })?;
    }
    Ok(found)
}

fn read(input: &str) -> Result<Value<'_>, Error> {
    let refused = |pointer| {
        let text = "`courier_slug` and `credentials` are needed to find a carrier connection.";
        Error::invalid_member(pointer, text)
    };
    let input = Value::parse(input).map_err(|_| refused(""))?;
    if slug(&input).is_empty() || slug(&input).contains(',') {
        return Err(refused("/courier_slug"));
    }
    if credentials(&input).is_empty() {
        return Err(refused("/credentials"));
    }
    Ok(input)
}

fn slug<'v>(connection: &'v Value<'_>) -> &'v str {
    connection.get(COURIER).and_then(Value::text).unwrap_or_default()
}

fn credentials<'v, 'a>(connection: &'v Value<'a>) -> &'v [(std::borrow::Cow<'a, str>, Value<'a>)] {
    connection.get(CREDENTIALS).map_or(&[], Value::members)
}

/// Whether both have the same courier and the same credentials, no more and no less. One that
/// shows none is the same as nothing.
fn is_same(wanted: &Value<'_>, there: &Value<'_>) -> bool {
    let shown = there.get(CREDENTIALS);
    slug(wanted) == slug(there)
        && credentials(wanted).len() == credentials(there).len()
        && credentials(wanted)
            .iter()
            .all(|(name, value)| shown.and_then(|shown| shown.get(name)) == Some(value))
}
