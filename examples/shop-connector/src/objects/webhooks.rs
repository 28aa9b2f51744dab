//! `webhooks`: the shop's subscriptions, each one topic sent to one URL.
//!
//! The host's subscription is to an object, which has several topics. So it stands here for all of
//! the shop's that send topics of that object to its URL, and its id is made of their numbers.

use std::collections::BTreeMap;

use connector_sdk::declare::{Descriptor, Endpoint, OBJECT};
use connector_sdk::json;
use connector_sdk::{
    DataRecord, Error, ListRequest, Object, Page, Start, Subscription, SubscriptionOutcome,
    SubscriptionRequest, include_json,
};

use crate::Shop;
use crate::api::{self, Api, CHANGE, MUTATION, Operation, QUERY};
use crate::gid;
use crate::refused::{refused_input, violations};

/// The object.
#[derive(Debug)]
pub struct Webhooks;

const LIST: Endpoint = Endpoint { name: "webhooks-list", ..QUERY };
const CREATE: Endpoint = Endpoint { name: "webhooks-create", ..CHANGE };
const DELETE: Endpoint = Endpoint { name: "webhooks-delete", ..CHANGE };

const LIST_DOCUMENT: &str = "query Webhooks($first: Int!, $after: String) { \
    webhookSubscriptions(first: $first, after: $after) { nodes { id topic uri format createdAt \
    updatedAt } pageInfo { hasNextPage endCursor } } }";
const PAGE: u32 = 250;
/// What a field of a mutation costs, with its payload, one object in it, and errors.
const FIELD: u32 = MUTATION + 3;
const KIND: &str = "WebhookSubscription";

const DESCRIPTOR: Descriptor = Descriptor {
    name: "webhooks",
    title: "Webhooks",
    operations: &["list", "subscribe"],
    endpoints: &[LIST, CREATE, DELETE],
    doc_url: "https://shopify.dev/docs/api/admin-graphql/2026-07/objects/WebhookSubscription",
    record_schema: include_json!("webhooks.record.json"),
    events: &["app/uninstalled"],
    ..OBJECT
};

impl Object<Shop> for Webhooks {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, api: &Api<'_>) -> Result<(), Error> {
        page(api, None).map(|_| ())
    }

    fn list(&self, api: &Api<'_>, request: &ListRequest) -> Result<Page, Error> {
        match &request.start {
            // Shopify's cursor says all that is needed: there is no filter.
            Start::At(cursor) => page(api, Some(cursor)),
            Start::Beginning | Start::Since(_) => page(api, None),
        }
    }

    fn subscribe(
        &self,
        api: &Api<'_>,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionOutcome, Error> {
        subscribe(api, &DESCRIPTOR, request)
    }
}

fn page(api: &Api<'_>, after: Option<&str>) -> Result<Page, Error> {
    let what = "list webhooks";
    let operation = Operation { endpoint: &LIST, what, document: LIST_DOCUMENT, cost: PAGE };
    let after = after.map_or_else(|| "null".to_owned(), json::quoted);
    let variables = [("first", &*PAGE.to_string()), ("after", &*after)];
    api::nodes(what, &api.ask(&operation, &variables)?, "webhookSubscriptions")
}

/// Every subscription of the shop: one page holds more than the topics at some URLs make.
fn all(api: &Api<'_>) -> Result<Vec<DataRecord>, Error> {
    Ok(page(api, None)?.records)
}

/// `ORDERS_CREATE` of `orders/create`.
fn topic(event: &str) -> String {
    event.to_ascii_uppercase().replace('/', "_")
}

/// Topic, URL and number of a record.
fn facts(record: &DataRecord) -> Option<(String, String, u64)> {
    let text = |name| json::text_member(&record.data, name);
    Some((text("topic")?, text("uri")?, gid::number(KIND, &record.id)?.parse().ok()?))
}

/// Subscribes to the topics that are not there yet: so a lost answer does no harm, and a renewal
/// nothing.
pub fn subscribe(
    api: &Api<'_>,
    object: &Descriptor,
    request: &SubscriptionRequest,
) -> Result<SubscriptionOutcome, Error> {
    let SubscriptionRequest { events, target_url, .. } = request;
    if !target_url.starts_with("https://") {
        return Err(Error::invalid_member("/target_url", "Shopify delivers to https URLs alone."));
    }
    if let Some(odd) = events.iter().find(|event| !object.events.contains(&event.as_str())) {
        let text = format!("There is no event `{odd}`. Use: {}.", object.events.join(", "));
        return Err(Error::invalid_member("/events", text));
    }
    let is_wanted =
        |event: &&&str| events.is_empty() || events.iter().any(|wanted| wanted == *event);
    let wanted: Vec<String> = object.events.iter().filter(is_wanted).map(|it| topic(it)).collect();
    let there = all(api)?;
    let there = there
        .iter()
        .filter_map(facts)
        .filter(|(topic, url, _)| url == target_url && wanted.contains(topic));
    let there: Vec<(String, u64)> = there.map(|(topic, _, number)| (topic, number)).collect();
    let missing: Vec<&String> =
        wanted.iter().filter(|topic| there.iter().all(|(known, _)| known != *topic)).collect();
    let mut numbers: Vec<u64> = there.iter().map(|(_, number)| *number).collect();
    if !missing.is_empty() {
        numbers.extend(create(api, target_url, &missing)?);
    }
    let (id, target_url) = (joined(numbers), target_url.clone());
    Ok(SubscriptionOutcome::Subscribed(Subscription { id, target_url, expires_at: None }))
}

/// One mutation with a field for each topic.
fn create(api: &Api<'_>, url: &str, topics: &[&String]) -> Result<Vec<u64>, Error> {
    let what = "subscribe";
    let fields = topics.iter().enumerate().map(|(at, topic)| {
        format!(
            "s{at}: webhookSubscriptionCreate(topic: {topic}, webhookSubscription: $to) {{ \
             webhookSubscription {{ id }} userErrors {{ field message }} }} "
        )
    });
    let fields: String = fields.collect();
    let document = format!("mutation Subscribe($to: WebhookSubscriptionInput!) {{ {fields}}}");
    let to = format!(r#"{{"uri":{},"format":"JSON"}}"#, json::quoted(url));
    let cost = FIELD * u32::try_from(topics.len()).unwrap_or(u32::MAX);
    let operation = Operation { endpoint: &CREATE, what, document: &document, cost };
    let data = api.ask(&operation, &[("to", &to)])?;
    let mut numbers = Vec::new();
    for at in 0..topics.len() {
        let payload = json::member(&data, &format!("s{at}")).unwrap_or_default();
        let wrong = violations(payload, "webhookSubscription");
        if !wrong.is_empty() {
            return Err(refused_input(what, wrong));
        }
        let made = json::member(payload, "webhookSubscription").and_then(api::record);
        let number = made.as_ref().and_then(|made| gid::number(KIND, &made.id)?.parse().ok());
        numbers.push(number.ok_or_else(|| api::unreadable(what, true))?);
    }
    Ok(numbers)
}

/// What the shop has, as the host subscribed to it.
pub fn existing(api: &Api<'_>) -> Result<Vec<Subscription>, Error> {
    let mut found: BTreeMap<(String, bool), Vec<u64>> = BTreeMap::new();
    let own: Vec<String> = DESCRIPTOR.events.iter().map(|event| topic(event)).collect();
    for (topic, url, number) in all(api)?.iter().filter_map(facts) {
        found.entry((url, own.contains(&topic))).or_default().push(number);
    }
    let subscriptions = found.into_iter().map(|((target_url, _), numbers)| Subscription {
        id: joined(numbers),
        target_url,
        expires_at: None,
    });
    Ok(subscriptions.collect())
}

/// Ends all that the id is made of. What is gone already is no error, unless all is.
pub fn unsubscribe(api: &Api<'_>, id: &str) -> Result<(), Error> {
    let numbers: Vec<&str> = id.split(',').collect();
    if !numbers.iter().all(|number| gid::is_number(number)) {
        return Err(Error::not_found(format!("There is no subscription `{id}`.")));
    }
    let fields = numbers.iter().map(|number| {
        let gid = json::quoted(&gid::make(KIND, number));
        format!(
            "s{number}: webhookSubscriptionDelete(id: {gid}) {{ deletedWebhookSubscriptionId \
             userErrors {{ field message }} }} "
        )
    });
    let document = format!("mutation Unsubscribe {{ {}}}", fields.collect::<String>());
    let what = "unsubscribe";
    let cost = FIELD * u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    let operation = Operation { endpoint: &DELETE, what, document: &document, cost };
    let data = api.ask(&operation, &[])?;
    let gone = |number: &&str| {
        let payload = json::member(&data, &format!("s{number}")).unwrap_or_default();
        json::text_member(payload, "deletedWebhookSubscriptionId").is_none()
    };
    match numbers.iter().all(gone) {
        true => Err(Error::not_found(format!("There is no subscription `{id}` any more."))),
        false => Ok(()),
    }
}

fn joined(mut numbers: Vec<u64>) -> String {
    numbers.sort_unstable();
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
}
