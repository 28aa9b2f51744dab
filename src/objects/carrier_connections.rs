//! `carrier-connections`: the account's own accounts at couriers, with which AfterShip asks them.
//!
//! AfterShip API 2026-07, "Courier connections": GET, POST /courier-connections; GET, PATCH,
//! DELETE /courier-connections/{id}. AfterShip answers the credentials in clear. They are secrets
//! of other companies, so here they go in and never come out: not in a record, not in an item
//! kept aside, not in an error.

mod create;
mod credentials;
mod endpoints;
mod find;
mod update;

use crate::AfterShip;
use crate::api::source::{LARGEST_PAGE, PAGE_SIZES, Source};
use crate::api::{Answer, Api, Call};
use connector_sdk::include_json;
use connector_sdk::{
    Attempt, DataRecord, Error, ListRequest, Object, Page, Query, Start, View, Written,
    cursor::Scan,
    declare::{Descriptor, OBJECT},
    json,
};
use credentials::concealed;
use endpoints::{CREATE, DELETE, GET, LIST, UPDATE};

/// The object `carrier-connections`.
pub(super) struct CarrierConnections;

/// Member that names the courier; the list's one filter.
const COURIER: &str = "courier_slug";

const SOURCE: Source = Source {
    object: "carrier-connections",
    endpoint: LIST,
    list: "courier_connections",
    what: "list carrier connections",
};

const DESCRIPTOR: Descriptor = Descriptor {
    name: SOURCE.object,
    title: "Carrier connections",
    operations: &["list", "get", "create", "update", "delete"],
    endpoints: &[LIST, CREATE, GET, UPDATE, DELETE],
    doc_url: "https://www.aftership.com/docs/tracking/2026-07/courier-connections",
    page_sizes: PAGE_SIZES,
    record_schema: include_json!("carrier_connections/record.json"),
    create_schema: Some(include_json!("carrier_connections/create.json")),
    update_schema: Some(include_json!("carrier_connections/update.json")),
    find_schema: Some(include_json!("carrier_connections/find.json")),
    filter_schema: include_json!("carrier_connections/filter.json"),
    ..OBJECT
};

impl Object<AfterShip> for CarrierConnections {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn check(&self, api: &Api<'_>) -> Result<(), Error> {
        let mut query = Query::new();
        query.add("limit", "1");
        let call = Call::new(LIST, "use carrier connections").query(query);
        api.send(call)?.done()
    }

    /// AfterShip cannot filter by change time here, so every scan is a full one.
    fn list(&self, api: &Api<'_>, request: &ListRequest) -> Result<Page, Error> {
        let mut page = if let Start::At(cursor) = &request.start {
            SOURCE.resume(api, cursor, request.page_size, |name| name == COURIER)?
        } else {
            let filter = request.filter.as_deref().unwrap_or("{}");
            let mut query = Query::new();
            if let Some(slug) = json::text_member(filter, COURIER) {
                query.add(COURIER, slug);
            }
            let page_size = request.page_size.unwrap_or(LARGEST_PAGE);
            let (began_ms, window, bookmark, position) = (api.now_ms(), None, None, None);
            SOURCE.page(api, Scan { began_ms, query, page_size, window, bookmark, position })?
        };
        for record in &mut page.records {
            record.data = concealed(&record.data);
        }
        for item in &mut page.unreadable {
            item.raw = concealed(&item.raw);
        }
        Ok(page)
    }

    fn get(&self, api: &Api<'_>, id: &str, _: &View) -> Result<DataRecord, Error> {
        let call = Call::new(GET, "get the carrier connection").id(id);
        record(&api.send(call)?)
    }

    fn find(&self, api: &Api<'_>, inputs: &[String]) -> Result<Vec<Vec<DataRecord>>, Error> {
        find::matching(api, inputs)
    }

    /// There is no idempotency key, and nothing refuses a second connection.
    fn create(&self, api: &Api<'_>, input: &str, attempt: &Attempt) -> Result<Written, Error> {
        if attempt.again {
            return create::found(api, input);
        }
        create::check(api, input)?;
        let call = Call::new(CREATE, "create the carrier connection");
        written(&api.send(call.body(input).hide(credentials::hidden([input])))?)
    }

    fn update(
        &self,
        api: &Api<'_>,
        id: &str,
        patch: &str,
        _: &Attempt,
        _: Option<&str>,
    ) -> Result<Written, Error> {
        update::update(api, id, patch)
    }

    fn delete(&self, api: &Api<'_>, id: &str, _: &Attempt, _: Option<&str>) -> Result<(), Error> {
        let call = Call::new(DELETE, "delete the carrier connection").id(id);
        api.send(call)?.done()
    }
}

fn record(answer: &Answer) -> Result<DataRecord, Error> {
    let record = answer.record()?;
    Ok(DataRecord { data: concealed(&record.data), ..record })
}

fn written(answer: &Answer) -> Result<Written, Error> {
    Ok(Written::whole(record(answer)?))
}

#[cfg(test)]
mod tests;
