//! `fulfillments`: the shipments inside orders. Shopify has no list of them, so they are found in
//! the orders that hold them, in the same pages.

use connector_sdk::declare::{Descriptor, OBJECT};
use connector_sdk::json::{self, Malformed, Reader, Writer};
use connector_sdk::{
    DataRecord, Error, ListRequest, Object, Page, Parent, View, fault, include_json,
};

use super::orders;
use crate::Shop;
use crate::api::Api;
use crate::gid;

/// The object.
#[derive(Debug)]
pub struct Fulfillments;

const DESCRIPTOR: Descriptor = Descriptor {
    name: "fulfillments",
    title: "Fulfillments",
    operations: &["list", "get"],
    doc_url: "https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Fulfillment",
    derived_from: Some("orders"),
    page_sizes: (1, 150),
    record_schema: include_json!("fulfillments.record.json"),
    filter_schema: include_json!("orders.filter.json"),
    ..OBJECT
};

impl Object<Shop> for Fulfillments {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, api: &Api<'_>) -> Result<(), Error> {
        orders::check(api)
    }

    fn list(&self, api: &Api<'_>, request: &ListRequest) -> Result<Page, Error> {
        let mut page = orders::page(api, DESCRIPTOR.name, request)?;
        let orders = std::mem::take(&mut page.records);
        for order in &orders {
            page.records.extend(read(order)?);
        }
        Ok(page)
    }

    fn get(&self, api: &Api<'_>, id: &str, _: &View) -> Result<DataRecord, Error> {
        let missing = || Error::not_found(format!("There is no fulfillment `{id}` in the shop."));
        let (order, _) = id.rsplit_once('/').ok_or_else(missing)?;
        let mut all = read(&orders::get(api, order)?)?.into_iter();
        all.find(|one| one.id == id).ok_or_else(missing)
    }

    fn derive(&self, order: &Parent<'_>) -> Result<Vec<DataRecord>, Malformed> {
        let all = order.member("fulfillments").map_or("[]", |member| member.value);
        let mut reader = Reader::new(all);
        let unreadable = reader.malformed("a fulfillment with its global id");
        let all = reader.items()?.into_iter();
        all.map(|one| fulfillment(order.record, one).ok_or(unreadable)).collect()
    }
}

fn read(order: &DataRecord) -> Result<Vec<DataRecord>, Error> {
    let parent = Parent::read(order);
    let read = parent.and_then(|parent| Object::<Shop>::derive(&Fulfillments, &parent));
    read.map_err(|malformed| Error::internal(fault::unreadable_reason(order, malformed)))
}

/// Its id is its order's and its own number; the order's id stands in it. It lives with its order.
fn fulfillment(order: &DataRecord, node: &str) -> Option<DataRecord> {
    let id = json::text_member(node, "id")?;
    let number = gid::number("Fulfillment", &id)?;
    let mut data = Writer::new();
    data.text("orderId", &order.id);
    for member in Reader::new(node).members().ok()? {
        data.member(member.raw);
    }
    Some(DataRecord {
        id: format!("{}/{number}", order.id),
        updated_at: order.updated_at.clone(),
        created_at: json::text_member(node, "createdAt"),
        version: None,
        data: data.finish(),
    })
}
