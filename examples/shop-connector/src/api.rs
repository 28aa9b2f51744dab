//! Shopify's HTTP: one path for every query, points instead of requests, and pages by cursor.
//!
//! Shopify GraphQL Admin API 2026-07, "Rate limits": a query costs a point for each object that it
//! may answer, times `first`, and ten for each mutation; a shop and an app have 2,000 points, of
//! which 100 come back each second. Each answer tells what is left.

use connector_sdk::declare::{Endpoint, Limit, Place, READ, SecretUse, WRITE};
use connector_sdk::json::{self, Reader, Value, Writer};
use connector_sdk::{DataRecord, Error, Host, Page, Request, Unreadable, fault};

use crate::refused;

/// The shop's own host.
pub const ORIGIN: &str = "https://{shop}.myshopify.com";
const PATH: &str = "/admin/api/2026-07/graphql.json";

/// What the app may spend at one shop.
const POINTS: Limit = Limit::points("points", 2_000, 20_000);
/// What a mutation costs beside its objects.
pub const MUTATION: u32 = 10;

/// Carried by every query.
const ACCESS_TOKEN: SecretUse = SecretUse {
    name: "access-token",
    secret: "access-token",
    place: Place::Header { name: "x-shopify-access-token", prefix: "" },
};

/// A query: a POST that changes nothing.
pub const QUERY: Endpoint = Endpoint {
    method: "POST",
    origin: ORIGIN,
    path: PATH,
    limits: &[POINTS],
    secret_uses: &[ACCESS_TOKEN],
    ..READ
};

/// A mutation.
pub const CHANGE: Endpoint = Endpoint {
    origin: ORIGIN,
    path: PATH,
    limits: &[POINTS],
    secret_uses: &[ACCESS_TOKEN],
    ..WRITE
};

/// One GraphQL request.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'o> {
    /// Whose.
    pub endpoint: &'o Endpoint,
    /// Completes the sentence "Could not ...".
    pub what: &'o str,
    /// The document; it names one operation.
    pub document: &'o str,
    /// The points that it costs at most.
    pub cost: u32,
}

/// A shop's API.
#[derive(Clone, Copy)]
pub struct Api<'h> {
    /// The host behind it.
    pub host: &'h dyn Host,
}

impl std::fmt::Debug for Api<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Api").finish_non_exhaustive()
    }
}

impl Api<'_> {
    /// Sends an operation with these variables, as JSON; answers the text of `data`.
    ///
    /// # Errors
    /// As the table in [`refused`] says.
    pub fn ask(
        &self,
        operation: &Operation<'_>,
        variables: &[(&str, &str)],
    ) -> Result<String, Error> {
        let Operation { endpoint, what, document, cost } = *operation;
        let (mut body, mut all) = (Writer::new(), Writer::new());
        variables.iter().for_each(|(name, value)| all.raw(name, value));
        body.text("query", document);
        body.raw("variables", &all.finish());
        let request = Request::new(endpoint.name, PATH).header("accept", "application/json");
        let request = request.body("application/json", body.finish()).secret(ACCESS_TOKEN.name);
        let response = self.host.send(Request { cost, ..request });
        let response = response.map_err(|why| fault::unsent(what, endpoint.writes, why))?;
        let text = String::from_utf8_lossy(&response.body);
        let status = Throttle::read(&text);
        if let Some(status) = &status {
            let Throttle { left, total, .. } = *status;
            self.host.report_limit(POINTS.name, left, total, status.full_in_ms());
        }
        match json::member(&text, "data") {
            Some(data) if response.status == 200 && json::member(&text, "errors").is_none() => {
                Ok(data.to_owned())
            }
            _ => Err(refused::error(operation, &response, &text, status.as_ref())),
        }
    }
}

/// What an answer tells of the points: `extensions.cost`.
#[derive(Debug)]
pub struct Throttle {
    requested: u32,
    left: u32,
    total: u32,
    restored_a_second: u32,
}

impl Throttle {
    fn read(text: &str) -> Option<Self> {
        let cost = Value::parse(json::member(json::member(text, "extensions")?, "cost")?).ok()?;
        let status = cost.get("throttleStatus")?;
        // Written with or without a fraction.
        let number = |of: &Value<'_>, name| match of.get(name) {
            Some(Value::Number(text)) => text.split('.').next()?.parse().ok(),
            _ => None,
        };
        Some(Self {
            requested: number(&cost, "requestedQueryCost")?,
            left: number(status, "currentlyAvailable")?,
            total: number(status, "maximumAvailable")?,
            restored_a_second: number(status, "restoreRate").filter(|rate| *rate > 0)?,
        })
    }

    fn full_in_ms(&self) -> u32 {
        self.restored_in_ms(self.total.saturating_sub(self.left))
    }

    /// Until what was asked for can be paid.
    pub fn wait_ms(&self) -> u32 {
        self.restored_in_ms(self.requested.saturating_sub(self.left))
    }

    fn restored_in_ms(&self, points: u32) -> u32 {
        let ms = (u64::from(points) * 1_000).div_ceil(self.restored_a_second.into());
        u32::try_from(ms).unwrap_or(u32::MAX)
    }
}

/// The nodes of the connection `root` in `data`, each token for token. `next` is Shopify's cursor.
///
/// # Errors
/// Internal when there is no such connection.
pub fn nodes(what: &str, data: &str, root: &str) -> Result<Page, Error> {
    let read = || {
        let connection = json::member(data, root)?;
        let items = Reader::new(json::member(connection, "nodes")?).items().ok()?;
        let info = json::member(connection, "pageInfo")?;
        let more = json::member(info, "hasNextPage") == Some("true");
        let next = if more { Some(json::text_member(info, "endCursor")?) } else { None };
        let mut page = Page { next, ..Page::empty() };
        for item in items {
            match record(item) {
                Some(record) => page.records.push(record),
                None => page.unreadable.push(Unreadable {
                    id: None,
                    raw: item.to_owned(),
                    reason: "The node has no id that is a text.".to_owned(),
                }),
            }
        }
        Some(page)
    };
    read().ok_or_else(|| unreadable(what, false))
}

/// A node as a record; none without an id.
pub fn record(node: &str) -> Option<DataRecord> {
    let id = json::text_member(node, "id").filter(|id| !id.is_empty())?;
    let (updated_at, created_at) =
        (json::text_member(node, "updatedAt"), json::text_member(node, "createdAt"));
    Some(DataRecord { id, updated_at, created_at, version: None, data: node.to_owned() })
}

/// An answer that worked and is not of the shape that was asked for.
pub fn unreadable(what: &str, writes: bool) -> Error {
    let kind = fault::status_kind(200, writes, None);
    let why = "the answer is not of the shape that Shopify documents";
    Error::new(kind.clone(), fault::message(what, why, fault::next_step(&kind)))
        .answered(200, None, None)
}
