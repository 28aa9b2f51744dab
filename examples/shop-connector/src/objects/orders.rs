//! `orders`: listed by time of change, read by id.
//!
//! A scan sorts by `updated_at`, so what changes meanwhile moves to its end and is seen there, and
//! the last record's time is what the next scan begins at. The shop's own clock is the only one.

use connector_sdk::bookmark::{Bookmark, digest};
use connector_sdk::cursor::Scan;
use connector_sdk::declare::{Descriptor, Endpoint, OBJECT};
use connector_sdk::json::{self, Value};
use connector_sdk::{
    DataRecord, Error, ListRequest, Object, Page, Query, Start, SubscriptionOutcome,
    SubscriptionRequest, View, dates, include_json,
};

use super::webhooks;
use crate::Shop;
use crate::api::{self, Api, Operation, QUERY};
use crate::gid;

/// The object.
#[derive(Debug)]
pub struct Orders;

const LIST: Endpoint = Endpoint { name: "orders-list", ..QUERY };
const GET: Endpoint = Endpoint { name: "orders-get", ..QUERY };
const FIND: Endpoint = Endpoint { name: "orders-find", ..QUERY };

/// What is read of an order.
macro_rules! order {
    () => {
        "id name createdAt updatedAt cancelledAt email note tags displayFinancialStatus \
         displayFulfillmentStatus totalPriceSet { shopMoney { amount currencyCode } } \
         fulfillments { id name status displayStatus createdAt updatedAt inTransitAt deliveredAt \
         estimatedDeliveryAt trackingInfo { company number url } }"
    };
}
/// The objects in that: the order, its price twice, fulfillments and their tracking.
const COST: u32 = 5;

const LIST_DOCUMENT: &str = concat!(
    "query Orders($first: Int!, $after: String, $query: String) { orders(first: $first, after: \
     $after, query: $query, sortKey: UPDATED_AT) { nodes { ",
    order!(),
    " } pageInfo { hasNextPage endCursor } } }"
);
const GET_DOCUMENT: &str = concat!("query Order($id: ID!) { order(id: $id) { ", order!(), " } }");
const FIND_DOCUMENT: &str = concat!(
    "query OrdersById($ids: [ID!]!) { nodes(ids: $ids) { ... on Order { ",
    order!(),
    " } } }"
);

/// Seconds by which an incremental scan overlaps the one before: the shop's search lags behind.
const OVERLAP: i64 = 600;
const PAGE: u32 = 50;
/// So that a page costs less than the 1,000 points that one query may.
const LARGEST_PAGE: u32 = 150;

const DESCRIPTOR: Descriptor = Descriptor {
    name: "orders",
    title: "Orders",
    operations: &["list", "get", "find", "subscribe"],
    endpoints: &[LIST, GET, FIND],
    doc_url: "https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Order",
    page_sizes: (1, LARGEST_PAGE),
    record_schema: include_json!("orders.record.json"),
    find_schema: Some(include_json!("orders.find.json")),
    filter_schema: include_json!("orders.filter.json"),
    events: &[
        "orders/create",
        "orders/updated",
        "orders/cancelled",
        "orders/delete",
        "fulfillments/create",
        "fulfillments/update",
    ],
    ..OBJECT
};

impl Object<Shop> for Orders {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, api: &Api<'_>) -> Result<(), Error> {
        check(api)
    }

    fn list(&self, api: &Api<'_>, request: &ListRequest) -> Result<Page, Error> {
        page(api, DESCRIPTOR.name, request)
    }

    fn get(&self, api: &Api<'_>, id: &str, _: &View) -> Result<DataRecord, Error> {
        get(api, id)
    }

    /// The SDK lets 200 pass at once, which cost the 1,000 points that one query may.
    fn find(&self, api: &Api<'_>, inputs: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
        let id = |input: &String| json::text_member(input, "id").unwrap_or_default();
        let wanted: Vec<String> = inputs.iter().map(id).collect();
        let ids = wanted.iter().filter(|id| gid::number("Order", id).is_some());
        let ids: Vec<String> = ids.map(|id| json::quoted(id)).collect();
        let what = "look orders up";
        let cost = COST * u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let variables = [("ids", &*format!("[{}]", ids.join(",")))];
        let operation = Operation { endpoint: &FIND, what, document: FIND_DOCUMENT, cost };
        let data = if ids.is_empty() { String::new() } else { api.ask(&operation, &variables)? };
        let nodes = json::Reader::new(json::member(&data, "nodes").unwrap_or("[]")).items();
        let nodes = nodes.map_err(|_| api::unreadable(what, false))?;
        let found: Vec<DataRecord> = nodes.into_iter().filter_map(api::record).collect();
        let of = |id: &String| found.iter().filter(|one| one.id == *id).take(1).cloned().collect();
        Ok(wanted.iter().map(of).collect())
    }

    fn subscribe(
        &self,
        api: &Api<'_>,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionOutcome, Error> {
        webhooks::subscribe(api, &DESCRIPTOR, request)
    }
}

/// One order is asked for.
pub fn check(api: &Api<'_>) -> Result<(), Error> {
    let what = "use orders";
    let operation = Operation { endpoint: &LIST, what, document: LIST_DOCUMENT, cost: COST };
    api.ask(&operation, &[("first", "1")]).map(|_| ())
}

/// One order.
pub fn get(api: &Api<'_>, id: &str) -> Result<DataRecord, Error> {
    let missing = || Error::not_found(format!("There is no order `{id}` in the shop."));
    gid::number("Order", id).ok_or_else(missing)?;
    let what = "get the order";
    let operation = Operation { endpoint: &GET, what, document: GET_DOCUMENT, cost: COST };
    let data = api.ask(&operation, &[("id", &json::quoted(id))])?;
    match json::member(&data, "order") {
        Some("null") => Err(missing()),
        Some(order) => api::record(order).ok_or_else(|| api::unreadable(what, false)),
        None => Err(api::unreadable(what, false)),
    }
}

/// One page of a scan of orders, for the object `name`: orders, or what is derived from them.
pub fn page(api: &Api<'_>, name: &'static str, request: &ListRequest) -> Result<Page, Error> {
    let filter = request.filter.as_deref().unwrap_or("{}");
    let mut scan = match &request.start {
        Start::At(cursor) => Scan::decode(name, cursor, api.host.now_ms())?,
        Start::Beginning => begin(api, request, search(filter, None)),
        Start::Since(bookmark) => {
            let since = Bookmark::decode(name, bookmark, digest([filter]))?.until;
            Scan {
                bookmark: Some(bookmark.clone()),
                ..begin(api, request, search(filter, Some(since)))
            }
        }
    };
    let kept = |name| scan.query.pairs().iter().find(|(known, _)| known == name).map(|(_, it)| it);
    let after = scan.position.as_ref().map(|position| &position.cursor);
    let [after, search] =
        [after, kept("query")].map(|text| text.map_or("null".into(), |it| json::quoted(it)));
    let filter = digest([kept("filter").map_or("{}", String::as_str)]);
    let first = scan.page_size.to_string();
    let what = "list orders";
    let cost = COST * scan.page_size;
    let operation = Operation { endpoint: &LIST, what, document: LIST_DOCUMENT, cost };
    let variables = [("first", &*first), ("after", &*after), ("query", &*search)];
    let mut page = api::nodes(what, &api.ask(&operation, &variables)?, "orders")?;
    // What the scan promises so far: all up to here, in the order of the list.
    let newest = page.records.last().and_then(|record| record.updated_at.as_deref());
    if let Some(until) = newest.and_then(dates::parse) {
        scan.bookmark = Some(Bookmark { until: until.floor(), filter }.encode(name));
    }
    match &page.next {
        Some(cursor) => {
            scan.advance(cursor)?;
            page.next = Some(scan.encode(name));
        }
        None => page.bookmark = scan.bookmark,
    }
    Ok(page)
}

/// A scan that finds what `search` does.
fn begin(api: &Api<'_>, request: &ListRequest, search: String) -> Scan {
    let mut query = Query::new();
    if !search.is_empty() {
        query.add("query", search);
    }
    query.add("filter", request.filter.clone().unwrap_or_else(|| "{}".to_owned()));
    let page_size = request.page_size.unwrap_or(PAGE);
    let began_ms = api.host.now_ms();
    Scan { began_ms, query, page_size, window: None, bookmark: None, position: None }
}

/// Shopify's search syntax for a filter that the schema lets through, and for a time of change.
fn search(filter: &str, since: Option<i64>) -> String {
    let filter = Value::parse(filter).ok();
    let members = filter.as_ref().map(Value::members).unwrap_or_default();
    let mut terms: Vec<String> = members
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}:{}", value.text()?)))
        .collect();
    if let Some(since) = since {
        let since = dates::format(since - OVERLAP).replace("+00:00", "Z");
        terms.push(format!("updated_at:>='{since}'"));
    }
    terms.join(" AND ")
}
