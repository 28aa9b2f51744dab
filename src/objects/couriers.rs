//! `couriers`: the companies that AfterShip can ask, about 1,200.
//!
//! AfterShip API 2026-07, "Couriers": GET /couriers, POST /couriers/detect. A courier is known by
//! its slug, has no times, and nothing changes it through the API.

mod detect;

use crate::AfterShip;
use crate::api::answer::{to_page, to_record};
use crate::api::endpoints::{OVER_ALL, READ, per_second};
use crate::api::parameter::{ANY, list, scalar};
use crate::api::{Answer, Api, Call};
use connector_sdk::include_json;
use connector_sdk::{
    ActionCall, DataRecord, Error, ListRequest, Object, Outcome, Page, Query, Start, View,
    declare::{Action, Descriptor, Endpoint, OBJECT},
    json::{self, Value},
    text::{contains, join},
};

/// The object `couriers`.
pub(super) struct Couriers;

/// Member of `data` that holds a list of them.
const LIST: &str = "couriers";
/// Member that tells who a courier is.
const SLUG: &str = "slug";
const COURIERS_LIST: Endpoint = Endpoint {
    name: "couriers-list",
    path: "/tracking/*/couriers",
    limits: &[OVER_ALL, per_second("couriers-list", 5)],
    scope: Some("aftership:courier:read"),
    ..READ
};
const ACTIONS: &[Action] = &[detect::DETECT];

const DESCRIPTOR: Descriptor = Descriptor {
    name: "couriers",
    title: "Couriers",
    operations: &["list", "get"],
    endpoints: &[COURIERS_LIST, detect::COURIERS_DETECT],
    doc_url: "https://www.aftership.com/docs/tracking/2026-07/couriers",
    record_schema: include_json!("couriers/record.json"),
    filter_schema: include_json!("couriers/filter.json"),
    actions: ACTIONS,
    ..OBJECT
};

impl Object<AfterShip> for Couriers {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, api: &Api<'_>) -> Result<(), Error> {
        api.send(of_slug("dhl", "use couriers"))?.done()
    }

    /// All in one page: AfterShip has no pages here, and no change times for a bookmark.
    fn list(&self, api: &Api<'_>, request: &ListRequest) -> Result<Page, Error> {
        if let Start::At(_) = request.start {
            let text = "Couriers come in one page, so no cursor goes on with them. Start the scan \
                        again.";
            return Err(Error::cursor_expired(text));
        }
        // Checked against the filter schema already.
        let filter = request.filter.as_deref().and_then(|filter| Value::parse(filter).ok());
        let member = |name| filter.as_ref().and_then(|filter| filter.get(name));
        let mut query = Query::new();
        if let Some(active) = member("active") {
            query.add("active", scalar(active));
        }
        if let Some(slugs) = member(SLUG) {
            query.add(SLUG, list(SLUG, slugs, ANY)?);
        }
        let mut page = page(&api.send(Call::new(COURIERS_LIST, "list couriers").query(query))?)?;
        match member("search").and_then(Value::text) {
            Some(words) => page.records.retain(|courier| is_like(&courier.data, words)),
            // AfterShip's `data.total` says the same.
            None => page.total = u32::try_from(page.records.len()).ok(),
        }
        Ok(page)
    }

    fn get(&self, api: &Api<'_>, id: &str, _: &View) -> Result<DataRecord, Error> {
        if id.is_empty() || !id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            let text = "This cannot be a courier's slug: slugs are of a-z, 0-9 and `-`. Give the \
                        slug as AfterShip writes it.";
            return Err(Error::invalid(text, Vec::new()));
        }
        with_slug(api, id, "get the courier")?.ok_or_else(|| Error::not_found(unknown(id)))
    }

    fn invoke(&self, api: &Api<'_>, call: &ActionCall<'_>) -> Result<Outcome, Error> {
        detect::invoke(api, call)
    }
}

/// The courier with exactly this slug, if AfterShip knows one.
///
/// # Errors
/// As AfterShip's answer says; `what` completes the sentence "Could not ...".
pub(super) fn with_slug(
    api: &Api<'_>,
    slug: &str,
    what: &'static str,
) -> Result<Option<DataRecord>, Error> {
    let answer = match api.send(of_slug(slug, what)) {
        // AfterShip documents no answer for a slug that it does not know; 4010 is "slug invalid".
        Err(error) if error.provider_code.as_deref() == Some("4010") => return Ok(None),
        answer => answer?,
    };
    let (_, items) = answer.listing_by(LIST, SLUG)?;
    Ok(items.into_iter().find(|item| item.id.as_deref() == Some(slug)).and_then(to_record))
}

/// That no courier has this slug, and how to find the right one.
pub(super) fn unknown(slug: &str) -> String {
    format!(
        "No courier has the slug `{slug}`. List couriers with the filter `search` to find the \
         right one."
    )
}

fn of_slug(slug: &str, what: &'static str) -> Call<'static> {
    let mut query = Query::new();
    query.add(SLUG, slug);
    Call::new(COURIERS_LIST, what).query(query)
}

fn page(answer: &Answer) -> Result<Page, Error> {
    let (_, items) = answer.listing_by(LIST, SLUG)?;
    Ok(to_page(items, "The item has no slug that is a text."))
}

/// Whether each of `words` stands in the courier's slug or one of its names. Only A to Z have no
/// case here: the tables of all other letters would be a twentieth of the component.
fn is_like(courier: &str, words: &str) -> bool {
    let names = [SLUG, "name", "other_name"].map(|name| json::text_member(courier, name));
    let names = join(&names.map(Option::unwrap_or_default), " ").to_ascii_lowercase();
    words.to_ascii_lowercase().split_ascii_whitespace().all(|word| contains(&names, word))
}

#[cfg(test)]
mod tests;
