//! The filters of a list: read from the query, held against trackings.

use serde_json::Value;

use crate::errors::ApiError;
use crate::query::{Query, refused};
use crate::store::record::{Facts, Record};

/// The nine tags.
///
/// Source: AfterShip API 2026-07, GET /trackings, `tag`.
const TAGS: &[&str] = &[
    "Pending",
    "InfoReceived",
    "InTransit",
    "OutForDelivery",
    "AttemptFail",
    "Delivered",
    "AvailableForPickup",
    "Exception",
    "Expired",
];

/// The most numbers that `tracking_numbers` takes.
const MOST_NUMBERS: usize = 50;

/// Every filter but the window of creation, which the index answers. Empty lists filter nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filters {
    keyword: String,
    tracking_numbers: Vec<String>,
    slugs: Vec<String>,
    transit_time: Option<i64>,
    origins: Vec<String>,
    destinations: Vec<String>,
    courier_destinations: Vec<String>,
    tag: Option<String>,
    updated_min_s: Option<i64>,
    updated_max_s: Option<i64>,
    return_to_sender: Vec<bool>,
    shipment_tags: Vec<String>,
    order_ids: Vec<String>,
}

impl Filters {
    /// Reads the filters of a query.
    pub(super) fn read(query: &Query) -> Result<Self, ApiError> {
        Ok(Self {
            keyword: query.get("keyword").unwrap_or_default().to_lowercase(),
            tracking_numbers: tracking_numbers(query)?,
            slugs: query.slugs("slug")?,
            transit_time: query.integer("transit_time", 0..=i64::MAX)?,
            origins: regions(query, "origin")?,
            destinations: regions(query, "destination")?,
            courier_destinations: regions(query, "courier_destination_country_region")?,
            tag: tag(query)?,
            updated_min_s: query.time("updated_at_min")?,
            updated_max_s: query.time("updated_at_max")?,
            return_to_sender: query
                .choices("return_to_sender", &["true", "false"])?
                .iter()
                .map(|word| word == "true")
                .collect(),
            shipment_tags: words(query, "shipment_tags")?,
            order_ids: words(query, "order_id")?,
        })
    }

    /// Whether nothing is filtered.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a tracking passes. Times are compared as they are shown, in whole seconds, both
    /// ends included.
    pub(super) fn pass(&self, record: &Record) -> bool {
        let Facts { slug, tracking_number, tag, order_id, return_to_sender, .. } = &record.facts;
        let facts = &record.facts;
        let updated_s = i64::try_from(facts.updated_ms / 1000).unwrap_or(i64::MAX);
        self.updated_min_s.is_none_or(|min| updated_s >= min)
            && self.updated_max_s.is_none_or(|max| updated_s <= max)
            && self.tag.as_deref().is_none_or(|wanted| tag.as_deref() == Some(wanted))
            && one_of(&self.slugs, Some(slug))
            && one_of(&self.tracking_numbers, Some(tracking_number))
            && self.transit_time.is_none_or(|wanted| facts.transit_time == Some(wanted))
            && one_of(&self.origins, facts.origin.as_deref())
            && one_of(&self.destinations, facts.destination.as_deref())
            && one_of(&self.courier_destinations, facts.courier_destination.as_deref())
            && (self.return_to_sender.is_empty()
                || self.return_to_sender.contains(return_to_sender))
            && one_of(&self.order_ids, order_id.as_deref())
            && (self.shipment_tags.is_empty()
                || facts.shipment_tags.iter().any(|tag| one_of(&self.shipment_tags, Some(tag))))
            && (self.keyword.is_empty() || holds_keyword(record, &self.keyword))
    }
}

fn one_of(wanted: &[String], found: Option<&str>) -> bool {
    wanted.is_empty() || found.is_some_and(|found| wanted.iter().any(|item| item == found))
}

/// Whether the keyword (in lower case) stands in one of the members that are searched: number,
/// title, order id, a customer's name, e-mail or phone number, a custom field's value. How the
/// search compares is undocumented; here it finds parts and ignores case.
fn holds_keyword(record: &Record, keyword: &str) -> bool {
    let members = record.members();
    let found = |text: &str| text.to_lowercase().contains(keyword);
    let value = |name| members.raw(name).and_then(|raw| serde_json::from_str::<Value>(raw).ok());
    let in_text = |value: &Value| value.as_str().is_some_and(found);
    ["tracking_number", "title", "order_id"]
        .iter()
        .any(|name| members.text(name).is_some_and(|text| found(&text)))
        || value("customers").as_ref().and_then(Value::as_array).is_some_and(|customers| {
            let names = ["name", "email", "phone_number"];
            customers.iter().any(|one| names.iter().any(|name| one.get(name).is_some_and(in_text)))
        })
        || value("custom_fields")
            .as_ref()
            .and_then(Value::as_object)
            .is_some_and(|fields| fields.values().any(in_text))
}

fn tracking_numbers(query: &Query) -> Result<Vec<String>, ApiError> {
    let name = "tracking_numbers";
    let numbers = words(query, name)?;
    if numbers.len() > MOST_NUMBERS {
        return Err(refused(name, "takes at most 50 numbers"));
    }
    Ok(numbers)
}

fn tag(query: &Query) -> Result<Option<String>, ApiError> {
    let Some(tag) = query.get("tag") else { return Ok(None) };
    if !TAGS.contains(&tag) {
        return Err(refused("tag", &format!("must be one of {}", TAGS.join(", "))));
    }
    Ok(Some(tag.to_owned()))
}

/// A list that matches `^[A-Z,]+$`.
fn regions(query: &Query, name: &str) -> Result<Vec<String>, ApiError> {
    if query.get(name) == Some("") {
        return Err(refused(name, "must not be empty"));
    }
    let upper = |item: &str| item.bytes().all(|byte| byte.is_ascii_uppercase());
    query.list(name, "must be a comma list of upper-case region codes", upper)
}

fn words(query: &Query, name: &str) -> Result<Vec<String>, ApiError> {
    query.list(name, "must be a comma list without empty items", |item| !item.is_empty())
}
