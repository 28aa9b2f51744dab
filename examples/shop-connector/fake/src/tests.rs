//! Strict where the shop is strict.

use super::*;

const ORDERS: &str = "query Orders($first: Int!, $after: String, $query: String) { orders(first: \
    $first, after: $after, query: $query, sortKey: UPDATED_AT) { nodes { id updatedAt \
    fulfillments { id trackingInfo { number } } } pageInfo { hasNextPage endCursor } } }";

fn ask(fake: &Fake, query: &str, variables: &Value) -> Value {
    let token = fake.shop().grant("read_orders")["access_token"].as_str().unwrap().to_owned();
    let request = Request::post("/admin/api/2026-07/graphql.json");
    let request =
        request.header("host", "acme.myshopify.com").header("x-shopify-access-token", token);
    let body = json!({ "query": query, "variables": variables }).to_string();
    let answer = fake.handle(&request.body(body.into()).unwrap()).unwrap();
    serde_json::from_slice(answer.body()).unwrap()
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

#[test]
fn pages_are_read_and_paid_for() {
    let fake = Fake::default();
    let ids: Vec<String> = (0..3).map(|_| fake.shop().add_order(|_| {})).collect();
    let first = ask(&fake, ORDERS, &json!({ "first": 2 }));
    assert_eq!(first["data"]["orders"]["nodes"][0]["id"], ids[0], "{first}");
    let cost = &first["extensions"]["cost"];
    assert_eq!((&cost["requestedQueryCost"], &cost["actualQueryCost"]), (&json!(6), &json!(6)));
    assert_eq!(cost["throttleStatus"]["currentlyAvailable"], 1994);

    fake.shop().now_ms += 30;
    fake.shop().change_order(&ids[0], |order| order["note"] = "later".into());
    let after = first["data"]["orders"]["pageInfo"]["endCursor"].clone();
    let since = "updated_at:>='2026-11-20T00:00:00Z'";
    let second = ask(&fake, ORDERS, &json!({ "first": 2, "after": after, "query": since }));
    assert_eq!(second["data"]["orders"]["nodes"][0]["id"], ids[0], "{second}");
    assert_eq!(second["data"]["orders"]["pageInfo"]["hasNextPage"], false);
    let left = &second["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"];
    assert_eq!(*left, 1994, "3 came back, 3 of 6 were spent");
}

#[test]
fn what_the_shop_does_not_know_is_refused() {
    let fake = Fake::default();
    for (query, variables, expected) in [
        ("{ orders(first: 1) { nodes { colour } } }", json!({}), "INVALID_QUERY"),
        ("{ orders(first: 1, last: 1) { nodes { id } } }", json!({}), "INVALID_QUERY"),
        (ORDERS, json!({ "first": 1, "last": 1 }), "INVALID_VARIABLE"),
        (ORDERS, json!({ "first": "1" }), "INVALID_VARIABLE"),
        (ORDERS, json!({}), "INVALID_VARIABLE"),
        (ORDERS, json!({ "first": 400 }), "MAX_COST_EXCEEDED"),
        (ORDERS, json!({ "first": 251 }), "BAD_REQUEST"),
        (ORDERS, json!({ "first": 1, "query": "colour:red" }), "BAD_REQUEST"),
        (
            "mutation { fulfillmentEventCreate(fulfillmentEvent: { fulfillmentId: \"1\", status: \
          DELIVERED }) { userErrors { message } } }",
            json!({}),
            "ACCESS_DENIED",
        ),
    ] {
        let answer = ask(&fake, query, &variables);
        assert!(answer["errors"][0]["message"].is_string(), "{query}: {answer}");
        assert_eq!(code(&answer), expected, "{query}: {answer}");
    }
    fake.shop().throttle = 1;
    let answer = ask(&fake, ORDERS, &json!({ "first": 1 }));
    assert_eq!(code(&answer), "THROTTLED");
    assert_eq!(answer["extensions"]["cost"]["actualQueryCost"], Value::Null);
}
