//! Trackings with given couriers and numbers, many at once.

use super::listing::SOURCE;
use crate::api::answer::to_record;
use crate::api::source::Source;
use crate::api::{Api, Query};
use crate::error::Error;
use crate::json::{self, Value};
use crate::types::DataRecord;

/// Numbers that one request may name (AfterShip API 2026-07, GET /trackings, `tracking_numbers`).
const NUMBERS: usize = 50;

/// What `create` of one input would collide with: this number at one of these couriers. Without
/// any, AfterShip detects the courier, so each may be meant.
struct Wanted {
    number: String,
    slugs: Vec<String>,
}

impl Wanted {
    fn read(input: &str) -> Result<Self, Error> {
        let input = Value::parse(input)
            .map_err(|_| Error::invalid_member("", "The input is not JSON. Give a tracking's."))?;
        let number = input.get("tracking_number").and_then(Value::text).unwrap_or_default();
        if number.is_empty() || number.contains(',') {
            let text = "`tracking_number` is needed to find a tracking, and holds no comma.";
            return Err(Error::invalid_member("/tracking_number", text));
        }
        Ok(Self { number: number.to_owned(), slugs: slugs(&input) })
    }

    /// Numbers are compared without regard to case: AfterShip documents upper case only.
    fn is(&self, number: &str, slug: &str) -> bool {
        self.number.eq_ignore_ascii_case(number)
            && (self.slugs.is_empty() || self.slugs.iter().any(|wanted| wanted == slug))
    }
}

/// The trackings that each input means, in the inputs' order.
pub(super) fn matching(api: &Api<'_>, inputs: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
    let wanted = inputs.iter().map(|input| Wanted::read(input)).collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::with_capacity(wanted.len());
    for wanted in wanted.chunks(NUMBERS) {
        found.extend(look_up(api, wanted)?);
    }
    Ok(found)
}

/// AfterShip's filter may match more than asked for, so each hit is compared.
fn look_up(api: &Api<'_>, wanted: &[Wanted]) -> Result<Vec<Vec<DataRecord>>, Error> {
    let mut found = vec![Vec::new(); wanted.len()];
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
    query.add("tracking_numbers", joined(wanted.iter().map(|wanted| &wanted.number)));
    if wanted.iter().all(|wanted| !wanted.slugs.is_empty()) {
        query.add("slug", joined(wanted.iter().flat_map(|wanted| &wanted.slugs)));
    }
    query
}

/// Each text once, in the order of its first appearance.
fn joined<'t>(texts: impl Iterator<Item = &'t String>) -> String {
    let mut once: Vec<&str> = Vec::new();
    for text in texts {
        if !once.contains(&text.as_str()) {
            once.push(text);
        }
    }
    once.join(",")
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
