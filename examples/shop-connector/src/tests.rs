//! The connector as plain Rust, against the fake shop in memory.

use std::cell::RefCell;
use std::rc::Rc;

use connector_sdk::{
    Attempt, BeginRequest, Connector as _, Delivery, Effect, ErrorKind, FnHost, ListRequest,
    Refusal, Request, Response, SendError, Start, Step, SubscriptionOutcome, SubscriptionRequest,
    View, WrittenRecord,
};
use serde_json::{Value, json};
use shop_fake::{Fake, hmac};

use crate::Shop;

/// Cost that each request declared, and cost that the shop counted.
type Costs = Rc<RefCell<Vec<(u32, u64)>>>;

/// A shop, and a host that is connected to it.
fn connected(
    fake: &Fake,
) -> (FnHost<impl FnMut(Request) -> Result<Response, SendError> + use<>>, Costs) {
    let costs = Costs::default();
    let (kept, shop) = (Rc::clone(&costs), fake.clone());
    let token = fake.shop().grant("read_orders,write_fulfillments");
    let token = token["access_token"].as_str().unwrap().to_owned();
    let secret = fake.shop().client_secret.clone();
    let (key, refresh) = (secret.clone(), RefCell::default());
    let send = move |request: Request| {
        let answer = sent(&shop, &request, &token, &secret, &refresh);
        if let Some((_, cost)) = shop.shop().journal.last().filter(|(_, cost)| *cost > 0) {
            kept.borrow_mut().push((request.cost, *cost));
        }
        answer
    };
    let host = FnHost::of::<Shop>(send).with_setting("shop", "acme");
    let host = host.with_setting("client-id", "app-7").verifying(move |name, _, message, given| {
        assert_eq!(name, "client-secret");
        Ok(hmac(&key, message) == given)
    });
    (host, costs)
}

/// What the host does on the way: secrets in, tokens out.
fn sent(
    fake: &Fake,
    request: &Request,
    token: &str,
    secret: &str,
    refresh: &RefCell<Value>,
) -> Result<Response, SendError> {
    let mut sent =
        http::Request::post(&request.path_with_query).header("host", "acme.myshopify.com");
    for (name, value) in &request.headers {
        sent = sent.header(name, value);
    }
    if request.secret_uses.iter().any(|name| name == "access-token") {
        sent = sent.header("x-shopify-access-token", token);
    }
    let mut body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
    for (name, member, value) in [
        ("client-secret", "client_secret", secret.into()),
        ("refresh-token", "refresh_token", refresh.borrow().clone()),
    ] {
        if request.secret_uses.iter().any(|used| used == name) {
            assert!(body[member].is_null(), "null stands where the secret goes");
            body[member] = value;
        }
    }
    let answer = fake.handle(&sent.body(body.to_string().into()).unwrap());
    let answer = answer.ok_or_else(|| SendError::Unanswered("the answer was lost".to_owned()))?;
    let mut body: Value = serde_json::from_slice(answer.body()).unwrap();
    let mut captured = Vec::new();
    for (member, name) in [("access_token", "access-token"), ("refresh_token", "refresh-token")] {
        if body[member].is_string() {
            *refresh.borrow_mut() = body[member].take();
            captured.push(name);
        }
    }
    Ok(Response::json(answer.status().as_u16(), &body.to_string()).captured(&captured))
}

fn list(object: &str, start: Start, page_size: u32) -> ListRequest {
    let (object, page_size) = (object.to_owned(), Some(page_size));
    ListRequest { object, start, page_size, filter: None, view: View::whole() }
}

fn attempt(again: bool) -> Attempt {
    Attempt { key: "wish-1".to_owned(), again }
}

#[test]
fn orders_are_read_page_by_page_and_then_what_changed() {
    let fake = Fake::default();
    let ids: Vec<String> = (0..3).map(|_| fake.shop().add_order(|_| {})).collect();
    let (host, costs) = connected(&fake);
    let first = Shop::list(&host, list("orders", Start::Beginning, 2)).unwrap();
    assert_eq!(first.records.len(), 2);
    let next = first.next.unwrap();
    let last = Shop::list(&host, list("orders", Start::At(next), 2)).unwrap();
    assert_eq!((last.records.len(), last.next.as_ref()), (1, None));
    let bookmark = last.bookmark.unwrap();
    assert!(bookmark.contains("2026-11-01T08:00:00+00:00"), "{bookmark}");

    fake.shop().change_order(&ids[1], |order| order["note"] = "changed".into());
    let changed = list("orders", Start::Since(bookmark), 150);
    let page = Shop::list(&host, changed).unwrap();
    assert_eq!(page.records.last().unwrap().id, ids[1]);
    assert!(page.bookmark.unwrap().contains("2026-11-22T09:30:00+00:00"));
    let told: Vec<_> = host.reported().iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(told, ["points"; 3]);
    assert!(costs.borrow().iter().all(|(declared, counted)| u64::from(*declared) == *counted));

    let mut paid = list("orders", Start::Beginning, 9);
    paid.filter = Some(r#"{"financial_status":"refunded"}"#.to_owned());
    assert!(Shop::list(&host, paid.clone()).unwrap().records.is_empty());
    paid.filter = Some(r#"{"financial_status":"sent"}"#.to_owned());
    assert!(matches!(Shop::list(&host, paid).unwrap_err().kind, ErrorKind::InvalidInput(_)));
}

#[test]
fn fulfillments_are_found_in_their_orders() {
    let fake = Fake::default();
    let order = fake.shop().add_order(|_| {});
    let (host, _) = connected(&fake);
    let page = Shop::list(&host, list("fulfillments", Start::Beginning, 9)).unwrap();
    let [one] = page.records.as_slice() else { panic!("{page:?}") };
    assert!(one.id.starts_with(&format!("{order}/")));
    let data: Value = serde_json::from_str(&one.data).unwrap();
    assert_eq!(
        (data["orderId"].as_str(), &data["displayStatus"]),
        (Some(order.as_str()), &json!("FULFILLED"))
    );
    let got = Shop::get(&host, "fulfillments", &one.id, &View::whole()).unwrap();
    assert_eq!(got, *one);
    let held = Shop::get(&host, "orders", &order, &View::whole()).unwrap();
    let derived = Shop::derive(&["fulfillments".to_owned()], &[held]).unwrap();
    assert_eq!(derived, [[[got]]]);
    for missing in ["gid://shopify/Order/9", "9", "gid://shopify/Order/9/9"] {
        let object = if missing.ends_with("9/9") { "fulfillments" } else { "orders" };
        assert!(Shop::get(&host, object, missing, &View::whole()).unwrap_err().is_not_found());
    }
    let inputs = [format!(r#"{{"id":"{order}"}}"#), r#"{"id":"gid://shopify/Order/9"}"#.to_owned()];
    let found = Shop::find(&host, "orders", &inputs).unwrap();
    assert_eq!((found[0].len(), found[1].len()), (1, 0));
}

#[test]
fn an_event_whose_answer_was_lost_is_made_once() {
    let fake = Fake::default();
    let id = fake.shop().add_order(|_| {});
    let fulfillment = fake.shop().orders[0]["fulfillments"][0]["id"].clone();
    let (host, costs) = connected(&fake);
    let event = json!({ "fulfillmentId": fulfillment, "status": "IN_TRANSIT", "latitude": 52.50,
        "happenedAt": "2026-11-22T10:00:00+01:00", "message": "On its way" });
    let create = |event: &Value, again| {
        Shop::create(&host, "fulfillment-events", &event.to_string(), &attempt(again))
    };
    fake.shop().lose = true;
    assert_eq!(create(&event, false).unwrap_err().kind, ErrorKind::OutcomeUnknown);
    let made = create(&event, true).unwrap();
    assert!(
        matches!(made.item, WrittenRecord::Whole(record) if record.data.contains("IN_TRANSIT"))
    );
    let events =
        |fake: &Fake| fake.shop().orders[0]["fulfillments"][0]["events"].as_array().unwrap().len();
    assert_eq!(events(&fake), 1);
    let mut later = event.clone();
    later["happenedAt"] = "2026-11-22T09:00:01Z".into();
    create(&later, true).unwrap();
    assert_eq!(events(&fake), 2, "another moment is another event");
    assert!(costs.borrow().iter().all(|(declared, counted)| u64::from(*declared) == *counted));
    let _ = id;

    later["fulfillmentId"] = "gid://shopify/Fulfillment/9".into();
    let error = create(&later, false).unwrap_err();
    assert_eq!(error.violations()[0].pointer, "/fulfillmentId", "{error:?}");
    later.as_object_mut().unwrap().remove("happenedAt");
    let journal = fake.shop().journal.len();
    assert!(matches!(create(&later, false).unwrap_err().kind, ErrorKind::InvalidInput(_)));
    assert_eq!(fake.shop().journal.len(), journal, "nothing was sent");
}

#[test]
fn what_the_shop_refuses_inside_a_200_is_told_apart() {
    let fake = Fake::default();
    let (host, _) = connected(&fake);
    let check = || Shop::check(&host, "orders").unwrap_err();
    fake.shop().throttle = 1;
    assert_eq!(check().kind, ErrorKind::RateLimited(Some(0)));
    let answers = [
        (
            200,
            r#"{"errors":[{"message":"No.","extensions":{"code":"ACCESS_DENIED"}}]}"#,
            ErrorKind::Forbidden,
        ),
        (
            200,
            r#"{"errors":[{"message":"Odd","extensions":{"code":"undefinedField"}}]}"#,
            ErrorKind::Internal,
        ),
        (
            200,
            r#"{"errors":[{"message":"Oh","extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"data":null}"#,
            ErrorKind::Unavailable,
        ),
        (200, r#"{"data":{}}"#, ErrorKind::Internal),
        (200, "<html>", ErrorKind::Internal),
        (401, r#"{"errors":"[API] Invalid API key or access token"}"#, ErrorKind::Unauthenticated),
        (402, r#"{"errors":"Unavailable Shop"}"#, ErrorKind::Forbidden),
        (502, "", ErrorKind::Unavailable),
    ];
    for (status, body, expected) in answers {
        let host = FnHost::of::<Shop>(|_| Ok(Response::json(status, body)));
        let error = Shop::list(&host, list("orders", Start::Beginning, 1)).unwrap_err();
        assert_eq!(
            (error.kind, error.http_status),
            (expected, Some(status)),
            "{body}: {}",
            error.message
        );
    }
    let throttled = r#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],
        "extensions":{"cost":{"requestedQueryCost":202,"actualQueryCost":null,"throttleStatus":
        {"maximumAvailable":1000.0,"currentlyAvailable":118,"restoreRate":50.0}}}}"#;
    let host = FnHost::of::<Shop>(|_| Ok(Response::json(200, throttled)));
    let error = Shop::check(&host, "webhooks").unwrap_err();
    assert_eq!(error.kind, ErrorKind::RateLimited(Some(1_680)), "84 points at 50 a second");
    assert_eq!(host.reported(), [("points".to_owned(), 118)]);
}

#[test]
fn a_shop_is_connected_by_its_own_callback_alone() {
    let fake = Fake::default();
    let (host, _) = connected(&fake);
    let begin = BeginRequest {
        scheme: "oauth2".to_owned(),
        callback_url: "http://127.0.0.1:1/callback".to_owned(),
        scopes: vec![],
        state: "s-1".to_owned(),
        code_challenge: "c".to_owned(),
    };
    let Step::Redirect(to) = Shop::begin(&host, &begin).unwrap() else { panic!("no redirect") };
    let visit = || {
        let path = to.url.strip_prefix("https://acme.myshopify.com").unwrap();
        let request = http::Request::get(path).header("host", "acme.myshopify.com");
        let answer = fake.handle(&request.body(Default::default()).unwrap()).unwrap();
        let back = answer.headers()["location"].to_str().unwrap().to_owned();
        back.split_once('?').unwrap().1.to_owned()
    };
    let complete = |query: &str| Shop::complete(&host, &to.session, query);
    let own = visit();
    let grant = complete(&own).unwrap();
    assert_eq!(grant.expires_at.as_deref(), Some("2026-11-22T10:30:00+00:00"));
    assert_eq!(grant.scopes, ["read_orders", "write_fulfillments"]);
    assert_eq!(grant.account.map(|account| account.id).as_deref(), Some("acme.myshopify.com"));
    assert!(matches!(complete(&own).unwrap_err().kind, ErrorKind::InvalidInput(_)), "used up");
    assert_eq!(Shop::refresh(&host).unwrap().expires_at, grant.expires_at);
    fake.shop().uninstall();
    assert_eq!(Shop::refresh(&host).unwrap_err().kind, ErrorKind::Unauthenticated);

    let sent = fake.shop().journal.len();
    let genuine = visit();
    fake.shop().callback_shop = Some("other".to_owned());
    let others = visit();
    for (query, word) in [
        (others.as_str(), "of the shop other.myshopify.com"),
        (&genuine.replace("shop=acme", "shop=other"), "wrong `hmac`"),
        (&genuine.replace("hmac=", "hmac=00"), "wrong `hmac`"),
        (&genuine.replace("hmac=", "x="), "no readable `hmac`"),
        ("hmac=zz&code=1", "no readable `hmac`"),
    ] {
        let error = complete(query).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::InvalidInput(_)), "{query}");
        assert!(error.message.contains(word), "{query}: {}", error.message);
    }
    assert_eq!(fake.shop().journal.len(), sent, "nothing was sent");
    let host = FnHost::of::<Shop>(|_| panic!("nothing is sent"));
    let error = Shop::begin(&host, &begin).unwrap_err();
    assert!(error.kind == ErrorKind::Unauthenticated && error.message.contains("`shop`"));
}

#[test]
fn webhooks_are_subscribed_to_once_and_ended() {
    let fake = Fake::default();
    let (host, costs) = connected(&fake);
    let request = |object: &str, events: &[&str], url: &str| SubscriptionRequest {
        object: object.to_owned(),
        events: events.iter().map(|&event| event.to_owned()).collect(),
        target_url: url.to_owned(),
        renews: None,
        attempt: attempt(false),
    };
    let url = "https://hooks.example.com/hooks/1";
    fake.shop().lose = true;
    let lost = Shop::subscribe(&host, &request("orders", &["orders/create"], url)).unwrap_err();
    assert_eq!(lost.kind, ErrorKind::OutcomeUnknown);
    let all = request("orders", &[], url);
    let SubscriptionOutcome::Subscribed(made) = Shop::subscribe(&host, &all).unwrap() else {
        panic!()
    };
    assert_eq!(fake.shop().webhooks.len(), 6);
    let SubscriptionOutcome::Subscribed(same) = Shop::subscribe(&host, &all).unwrap() else {
        panic!()
    };
    assert_eq!(made, same);
    let own = Shop::subscribe(&host, &request("webhooks", &[], url)).unwrap();
    let SubscriptionOutcome::Subscribed(own) = own else { panic!() };
    assert_eq!(Shop::existing(&host).unwrap(), [made.clone(), own.clone()]);
    assert_eq!(Shop::list(&host, list("webhooks", Start::Beginning, 9)).unwrap().records.len(), 7);
    Shop::unsubscribe(&host, &made.id).unwrap();
    assert_eq!(Shop::existing(&host).unwrap(), [own]);
    assert!(Shop::unsubscribe(&host, &made.id).unwrap_err().is_not_found());
    assert!(costs.borrow().iter().all(|(declared, counted)| u64::from(*declared) >= *counted));
    for (events, url) in [(&["orders/sung"][..], url), (&[], "http://hooks.example.com")] {
        let error = Shop::subscribe(&host, &request("orders", events, url)).unwrap_err();
        assert!(!error.violations().is_empty());
    }
}

#[test]
fn a_delivery_is_verified_and_told_by_its_topic() {
    let fake = Fake::default();
    let (host, _) = connected(&fake);
    let received = |topic: &str, body: &Value, change: &dyn Fn(&mut Delivery)| {
        let made = fake.shop().delivery(topic, "", body);
        let mut delivery = Delivery {
            subscription: None,
            method: "POST".to_owned(),
            url: "https://hooks.example.com/hooks/1".to_owned(),
            headers: made
                .headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone().into()))
                .collect(),
            body: made.body,
            received_at: "2026-11-22T09:30:00+00:00".to_owned(),
        };
        change(&mut delivery);
        Shop::receive(&host, &delivery)
    };
    let changed = |number| Effect::Changed(format!(r#"{{"id":"gid://shopify/Order/{number}"}}"#));
    let deleted = |number| Effect::Deleted(format!("gid://shopify/Order/{number}"));
    for (topic, body, object, effects) in [
        ("orders/updated", json!({ "id": 7, "name": "#7" }), "orders", vec![changed(7)]),
        ("fulfillments/update", json!({ "id": 1, "order_id": 7 }), "orders", vec![changed(7)]),
        ("orders/delete", json!({ "id": 7 }), "orders", vec![deleted(7)]),
        (
            "customers/redact",
            json!({ "orders_to_redact": [7, 8] }),
            "orders",
            vec![changed(7), changed(8)],
        ),
        ("customers/redact", json!({ "orders_to_redact": [] }), "webhooks", vec![Effect::Nothing]),
        (
            "customers/data_request",
            json!({ "orders_requested": [7] }),
            "webhooks",
            vec![Effect::Nothing],
        ),
        ("shop/redact", json!({ "shop_id": 1 }), "webhooks", vec![Effect::Disconnected]),
        ("app/uninstalled", json!({ "id": 1 }), "webhooks", vec![Effect::Disconnected]),
    ] {
        let reception = received(topic, &body, &|_| {}).unwrap();
        assert!(reception.events.iter().all(|event| event.object == object), "{topic}");
        let ids: std::collections::BTreeSet<_> = reception.events.iter().map(|it| &it.id).collect();
        assert_eq!(ids.len(), effects.len(), "{topic}: each event has its own id");
        let told: Vec<Effect> = reception.events.into_iter().map(|event| event.effect).collect();
        assert_eq!(told, effects, "{topic}");
    }
    let order = json!({ "id": 7 });
    let refused =
        |change: &dyn Fn(&mut Delivery)| received("orders/updated", &order, change).unwrap_err();
    assert_eq!(refused(&|it| it.body.push(b' ')), Refusal::Unverified);
    let without =
        |name: &'static str| move |it: &mut Delivery| it.headers.retain(|(known, _)| known != name);
    assert_eq!(refused(&without("x-shopify-hmac-sha256")), Refusal::Unverified);
    assert_eq!(refused(&without("x-shopify-shop-domain")), Refusal::Unverified);
    assert!(matches!(refused(&without("x-shopify-topic")), Refusal::Unreadable(_)));
    fake.shop().name = "other".to_owned();
    assert_eq!(
        received("orders/updated", &order, &|_| {}).unwrap_err(),
        Refusal::Unverified,
        "signed for another shop"
    );
    fake.shop().name = "acme".to_owned();
    let odd = received("orders/updated", &json!({ "id": "7" }), &|_| {});
    assert!(matches!(odd.unwrap_err(), Refusal::Unreadable(_)));
}

/// A schema of inputs that used more than the checker knows would let wrong ones through.
#[test]
fn schemas_hold_what_the_checker_knows_and_records_are_of_them() {
    fn assert_known(schema: &Value) {
        for (word, value) in schema.as_object().unwrap() {
            assert!(connector_sdk::schema::KEYWORDS.contains(&word.as_str()), "{word}");
            if word == "properties" {
                value.as_object().unwrap().values().for_each(assert_known);
            }
        }
    }
    let fake = Fake::default();
    fake.shop().add_order(|_| {});
    let (host, _) = connected(&fake);
    for object in ["orders", "fulfillments", "fulfillment-events", "webhooks"] {
        let described = Shop::describe(object).unwrap();
        for schema in [described.create_schema, described.filter_schema].into_iter().flatten() {
            assert_known(&serde_json::from_str(&schema).unwrap());
        }
        let schema: Value = serde_json::from_str(&described.record_schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        if described.summary.operations.iter().any(|name| name == "list") {
            for record in Shop::list(&host, list(object, Start::Beginning, 9)).unwrap().records {
                let data: Value = serde_json::from_str(&record.data).unwrap();
                assert!(validator.is_valid(&data), "{data}");
            }
        }
    }
}

#[test]
fn nothing_is_declared_twice_and_no_schema_says_more_than_is_checked() {
    assert_eq!(Shop::faults(), Vec::<String>::new());
}
