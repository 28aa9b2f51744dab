//! What the shop holds, field by field.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::Shop;

impl Shop {
    /// A field of `QueryRoot` or `Mutation`.
    pub(crate) fn root(&mut self, name: &str, given: &Value) -> Result<Value, String> {
        Ok(match name {
            "orders" => return self.search(given),
            "order" | "fulfillment" => self.node(&given["id"]),
            "nodes" => {
                given["ids"].as_array().into_iter().flatten().map(|id| self.node(id)).collect()
            }
            "webhookSubscriptions" => self.webhooks.clone().into(),
            "fulfillmentEventCreate" => self.create_event(given["fulfillmentEvent"].clone()),
            "webhookSubscriptionCreate" => self.create_webhook(given),
            "webhookSubscriptionDelete" => self.delete_webhook(&given["id"]),
            other => return Err(format!("{other} is not served")),
        })
    }

    fn create_event(&mut self, mut event: Value) -> Value {
        let (of, now) = (event["fulfillmentId"].take(), Value::from(date(self.now_ms)));
        event["id"] = format!("gid://shopify/FulfillmentEvent/{}", self.next()).into();
        event["createdAt"] = now.clone();
        if event["happenedAt"].is_null() {
            event["happenedAt"] = now.clone();
        }
        for order in &mut self.orders {
            let mut all = order["fulfillments"].as_array_mut().into_iter().flatten();
            let Some(fulfillment) = all.find(|one| one["id"] == of) else { continue };
            fulfillment["displayStatus"] = event["status"].clone();
            fulfillment["updatedAt"] = now.clone();
            if let Some(events) = fulfillment["events"].as_array_mut() {
                events.push(event.clone());
            }
            let order = order["id"].clone();
            self.change_order(order.as_str().unwrap_or_default(), |_| {});
            return json!({ "fulfillmentEvent": event, "userErrors": [] });
        }
        refused("fulfillmentId", "Fulfillment does not exist")
    }

    fn create_webhook(&mut self, given: &Value) -> Value {
        let (topic, uri) = (&given["topic"], &given["webhookSubscription"]["uri"]);
        if !uri.as_str().is_some_and(|uri| uri.starts_with("https://")) {
            return refused("uri", "Address protocol http:// is not supported");
        }
        if self.webhooks.iter().any(|one| one["uri"] == *uri && one["topic"] == *topic) {
            return refused("uri", "Address for this topic has already been taken");
        }
        let id = format!("gid://shopify/WebhookSubscription/{}", self.next());
        let now = date(self.now_ms);
        let made = json!({ "id": id, "topic": topic, "uri": uri, "format": "JSON", "createdAt": now, "updatedAt": now });
        self.webhooks.push(made.clone());
        json!({ "webhookSubscription": made, "userErrors": [] })
    }

    fn delete_webhook(&mut self, id: &Value) -> Value {
        match self.webhooks.iter().position(|one| one["id"] == *id) {
            None => refused("id", "Webhook subscription does not exist"),
            Some(place) => {
                self.webhooks.remove(place);
                json!({ "deletedWebhookSubscriptionId": id, "userErrors": [] })
            }
        }
    }

    fn node(&self, id: &Value) -> Value {
        let inner = |order: &Value| order["fulfillments"].as_array().cloned().unwrap_or_default();
        let fulfillments = self.orders.iter().flat_map(inner);
        let mut all = self.orders.iter().cloned().chain(fulfillments);
        all.find(|one| one["id"] == *id).unwrap_or_default()
    }

    /// The orders that the search finds. Dates are all written alike, so they compare as texts.
    fn search(&self, given: &Value) -> Result<Value, String> {
        let mut found = self.orders.clone();
        let terms = given["query"].as_str().unwrap_or_default().split(" AND ");
        for term in terms.filter(|term| !term.is_empty()) {
            let since =
                term.strip_prefix("updated_at:>='").and_then(|rest| rest.strip_suffix('\''));
            let status = term.strip_prefix("financial_status:").map(str::to_uppercase);
            match (since, status) {
                (Some(since), _) => found.retain(|one| one["updatedAt"].as_str() >= Some(since)),
                (_, Some(status)) => found.retain(|one| one["displayFinancialStatus"] == status),
                _ => return Err(format!("This search is not served: {term}")),
            }
        }
        if given["sortKey"] == "UPDATED_AT" {
            found.sort_by_key(place);
        }
        Ok(found.into())
    }
}

fn refused(field: &str, message: &str) -> Value {
    json!({ "userErrors": [{ "field": [field], "message": message }] })
}

/// A part of a list, by cursors that name the item's change and id: what changes meanwhile moves.
pub(crate) fn page(all: Value, given: &Value) -> Result<Value, String> {
    let Value::Array(mut all) = all else { return Ok(all) };
    let first = given["first"].as_u64().filter(|first| (1..=250).contains(first));
    let first = first.ok_or("you must provide one of first or last, from 1 to 250")?;
    let backwards = given["reverse"] == true;
    if backwards {
        all.reverse();
    }
    if let Some(after) = given["after"].as_str() {
        let wrong = "Invalid cursor for current pagination sort.";
        let after = STANDARD.decode(after).map_err(|_| wrong)?;
        let after: (String, u64) = serde_json::from_slice(&after).map_err(|_| wrong)?;
        all.retain(|one| if backwards { place(one) < after } else { place(one) > after });
    }
    let more = all.len() as u64 > first;
    let nodes: Vec<Value> = all.into_iter().zip(0..first).map(|(one, _)| one).collect();
    let cursor = nodes.last().map(|one| STANDARD.encode(json!(place(one)).to_string()));
    Ok(json!({ "nodes": nodes, "pageInfo": { "hasNextPage": more, "endCursor": cursor } }))
}

fn place(record: &Value) -> (String, u64) {
    (record["updatedAt"].as_str().unwrap_or_default().to_owned(), number(record))
}

/// The end of an id.
pub(crate) fn number(record: &Value) -> u64 {
    let id = record["id"].as_str().and_then(|id| id.rsplit('/').next());
    id.and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// As Shopify writes dates.
pub(crate) fn date(ms: u64) -> String {
    let seconds = std::time::Duration::from_secs(ms / 1_000);
    let date = time::OffsetDateTime::UNIX_EPOCH + seconds;
    date.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
