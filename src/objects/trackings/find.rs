//! Trackings with given ids, or couriers and numbers, many at once.

use super::derived::{count_equal, find_existing};
use super::listing::SOURCE;
use super::read;
use crate::api::Api;
use crate::api::answer::to_record;
use crate::api::source::Source;
use connector_sdk::{
    DataRecord, Error, Query,
    json::{self, Value},
    text::join,
};

/// Numbers that one request may name (AfterShip API 2026-07, GET /trackings, `tracking_numbers`).
const NUMBERS: usize = 50;

/// What one input means. `create` of it would collide with the tracking of this id, and with this
/// number at one of these couriers; without any, AfterShip detects the courier, so each may be
/// meant. An event may know the id alone.
struct Wanted {
    id: Option<String>,
    number: Option<String>,
    slugs: Vec<String>,
}

impl Wanted {
    fn read(input: &str) -> Result<Self, Error> {
        // Checked against the schema of `find` already.
        let input = Value::parse(input)
            .map_err(|_| Error::invalid_member("", "The input is not JSON. Give a tracking's."))?;
        let text = |name| input.get(name).and_then(Value::text).filter(|text| !text.is_empty());
        let (id, number) = (text("id"), text("tracking_number"));
        if id.is_none() && number.is_none() || number.is_some_and(|number| number.contains(',')) {
            let text = "`tracking_number` or `id` is needed to find a tracking, and a number holds \
                        no comma.";
            return Err(Error::invalid_member("/tracking_number", text));
        }
        let (id, number) = (id.map(str::to_owned), number.map(str::to_owned));
        Ok(Self { id, number, slugs: slugs(&input) })
    }

    /// Numbers are compared without regard to case: AfterShip documents upper case only.
    fn is(&self, number: &str, slug: &str) -> bool {
        self.number.as_ref().is_some_and(|wanted| wanted.eq_ignore_ascii_case(number))
            && (self.slugs.is_empty() || self.slugs.iter().any(|wanted| wanted == slug))
    }
}

/// The trackings that each input means, in the inputs' order.
pub(super) fn matching(api: &Api<'_>, inputs: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
    let wanted = inputs.iter().map(|input| Wanted::read(input)).collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::with_capacity(wanted.len());
    for wanted in wanted.chunks(NUMBERS) {
        let mut numbers = look_up(api, wanted)?.into_iter();
        for wanted in wanted {
            let mut records = numbers.next().unwrap_or_default();
            if let Some(id) = &wanted.id
                && let Some(record) =
                    find_existing(read(api, id, "find the tracking", Query::new()))?
                && !records.iter().any(|known| known.id == record.id)
            {
                records.push(record);
            }
            found.push(records);
        }
    }
    Ok(found)
}

/// The one tracking that `create` of this input would collide with. Of several, AfterShip knows which.
pub(super) fn one(api: &Api<'_>, input: &str) -> Result<Option<DataRecord>, Error> {
    let inputs = [input.to_owned()];
    let mut found = matching(api, &inputs)?.into_iter().flatten();
    Ok(found.next().filter(|_| found.next().is_none()))
}

/// AfterShip's filter may match more than asked for, so each hit is compared.
fn look_up(api: &Api<'_>, wanted: &[Wanted]) -> Result<Vec<Vec<DataRecord>>, Error> {
    let mut found = vec![Vec::new(); wanted.len()];
    if wanted.iter().all(|wanted| wanted.number.is_none()) {
        return Ok(found);
    }
    let source = Source { what: "find the tracking", ..SOURCE };
    source.each(api, query(wanted), &mut |item| {
        let number = json::text_member(item.raw, "tracking_number").unwrap_or_default();
        let slug = json::text_member(item.raw, "slug").unwrap_or_default();
        let Some(record) = to_record(item) else { return };
        for (wanted, found) in wanted.iter().zip(&mut found) {
            if wanted.is(&number, &slug) {
                found.push(record.clone());
            }
        }
    })?;
    Ok(found)
}

fn query(wanted: &[Wanted]) -> Query {
    let mut query = Query::new();
    let numbers = || wanted.iter().filter(|wanted| wanted.number.is_some());
    query.add("tracking_numbers", joined(numbers().filter_map(|wanted| wanted.number.as_ref())));
    if numbers().all(|wanted| !wanted.slugs.is_empty()) {
        query.add("slug", joined(numbers().flat_map(|wanted| &wanted.slugs)));
    }
    query
}

/// Each text once, in the order of its first appearance.
fn joined<'t>(texts: impl Iterator<Item = &'t String>) -> String {
    let texts: Vec<String> = texts.cloned().collect();
    let first = texts.iter().zip(count_equal(&texts)).filter(|(_, ordinal)| *ordinal == 1);
    join(&first.map(|(text, _)| text.as_str()).collect::<Vec<_>>(), ",")
}

/// `slug` as a creation gives it, or several as an array.
fn slugs(input: &Value<'_>) -> Vec<String> {
    let Some(slug) = input.get("slug") else {
        return Vec::new();
    };
    let one = slug.text().into_iter();
    let named = one.chain(slug.items().iter().filter_map(Value::text));
    named.filter(|slug| !slug.is_empty()).map(str::to_owned).collect()
}
