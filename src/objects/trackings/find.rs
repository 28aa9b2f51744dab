//! Trackings with a given courier and number.

use super::LIST;
use crate::api::answer::to_record;
use crate::api::endpoints::TRACKINGS_LIST;
use crate::api::page::Pagination;
use crate::api::{Api, Call, Query};
use crate::error::Error;
use crate::json::{self, Value};
use crate::types::DataRecord;

/// Completes the sentence "Could not ...".
const WHAT: &str = "find the tracking";
/// One page holds every courier of a number; another one means that the first was not whole.
const PAGES: usize = 5;

/// AfterShip's filter may match more than asked for, so each hit is compared. Numbers are
/// compared without regard to case: AfterShip documents upper case only.
pub(super) fn matching(api: &Api<'_>, input: &str) -> Result<Vec<DataRecord>, Error> {
    let input = Value::parse(input)
        .map_err(|_| Error::invalid_member("", "The input is not JSON. Give a tracking's."))?;
    let number = input.get("tracking_number").and_then(Value::text).unwrap_or_default();
    if number.is_empty() || number.contains(',') {
        let text = "`tracking_number` is needed to find a tracking, and holds no comma.";
        return Err(Error::invalid_member("/tracking_number", text));
    }
    let slugs = slugs(&input);
    let mut query = Query::new();
    query.add("tracking_numbers", number);
    if !slugs.is_empty() {
        query.add("slug", slugs.join(","));
    }
    query.add("limit", "200");
    let is_match = |raw: &str| {
        let is_number = json::text_member(raw, "tracking_number")
            .is_some_and(|found| found.eq_ignore_ascii_case(number));
        let slug = json::text_member(raw, "slug").unwrap_or_default();
        is_number && (slugs.is_empty() || slugs.contains(&slug.as_str()))
    };
    let mut found = Vec::new();
    let mut call = Call::new(TRACKINGS_LIST, WHAT).query(query.clone());
    for _ in 0..PAGES {
        let answer = api.send(call)?;
        let (listing, items) = answer.listing(LIST)?;
        found.extend(items.into_iter().filter(|item| is_match(item.raw)).filter_map(to_record));
        let next = listing.pagination.as_ref().and_then(Pagination::next);
        let Some(next) = next else { return Ok(found) };
        call = Call::new(TRACKINGS_LIST, WHAT).query(query.clone()).cursor(next);
    }
    let text = format!("Could not {WHAT}: {PAGES} pages did not hold all of it. Report it.");
    Err(Error::internal(text))
}

/// `slug` as a creation gives it, or several as an array. Without one, AfterShip detects the
/// courier, so any may be meant.
fn slugs<'v>(input: &'v Value<'_>) -> Vec<&'v str> {
    let Some(slug) = input.get("slug") else {
        return Vec::new();
    };
    let one = slug.text().into_iter();
    let named = one.chain(slug.items().iter().filter_map(Value::text));
    named.filter(|slug| !slug.is_empty()).collect()
}
