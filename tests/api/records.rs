//! Records as they are kept, and as the provider has them.

use serde_json::{Value, json};

use super::world::{Host, TRACKINGS};

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap().trim_start_matches('0').to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_records_are_chosen_sorted_and_paged() {
    let host = Host::seeded("kept", 5).await;
    let asked = host.requests();
    let page = host.get(&format!("{TRACKINGS}/records?sort=id&limit=2")).await;
    assert_eq!(ids(&page), ["1", "2"]);
    let next = url::form_urlencoded::byte_serialize(page["next"].as_str().unwrap().as_bytes());
    let next: String = next.collect();
    let page = host.get(&format!("{TRACKINGS}/records?sort=id&limit=3&cursor={next}")).await;
    assert_eq!(
        (ids(&page), &page["next"]),
        (vec!["3".into(), "4".into(), "5".into()], &json!(null))
    );
    assert_eq!(page["items"][0]["state"], "live");
    assert_eq!(page["items"][0]["data"]["slug"], "ups");

    let where_ = |text: &str| format!("{TRACKINGS}/records?sort=id&{text}");
    let some = where_("where=tag%3DPending&where=id%3E%3D00000000000000000000000000000004");
    assert_eq!(ids(&host.get(&some).await), ["4", "5"]);
    assert_eq!(ids(&host.get(&where_("where=tag%3DDelivered")).await), [""; 0]);
    for (query, status) in [
        ("where=", 422),
        ("where=nothing%3D1", 422),
        ("sort=nothing", 422),
        ("cursor=x", 422),
        ("filter=%7B%7D", 422),
        ("live=maybe", 400),
        ("sort=id&sort=tag", 400),
    ] {
        let reply = host.ask(&format!("{TRACKINGS}/records?{query}")).await;
        reply.problem(status, "invalid-input");
    }
    let near = host.ask("/v1/connections/default/objects/traking/records").await;
    near.problem(404, "not-found");
    host.ask("/v1/connections/nobody/objects/trackings/records").await.problem(404, "not-found");

    // What others hold has an order of its own.
    let derived = host.get("/v1/connections/default/objects/checkpoints/records").await;
    assert_eq!((ids(&derived).len(), derived["as_of"].is_string()), (0, true));
    let counts = host.get(&format!("{TRACKINGS}/counts")).await;
    let pending = json!({"member": "/tag", "value": "Pending", "records": 5});
    assert!(counts["counts"].as_array().unwrap().contains(&pending), "{counts}");
    let analytics = host.get(&format!("{TRACKINGS}/analytics?weeks=1")).await;
    assert_eq!(analytics["weeks"].as_array().unwrap().len(), 1, "{analytics}");
    host.ask(&format!("{TRACKINGS}/analytics?weeks=0")).await.problem(422, "invalid-input");
    assert_eq!(host.requests(), asked, "the provider was not asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_has_a_tag_and_a_history() {
    let host = Host::seeded("tag", 1).await;
    let record = format!("{TRACKINGS}/records/{:032x}", 1);
    let whole = host.ask(&record).await;
    let tag = whole.header("etag").to_owned();
    assert_eq!((whole.status, tag.len()), (200, 66), "{whole:?}");
    let known = host.send(&format!("GET {record}"), &[("if-none-match", &tag)], b"").await;
    assert_eq!((known.status, known.body.as_str(), known.header("etag")), (304, "", &*tag));
    let other = host.send(&format!("GET {record}"), &[("if-none-match", "\"x\"")], b"").await;
    assert_eq!((other.status, other.body), (200, whole.body));
    // The provider's is the same by the same tag.
    let live = host.send(&format!("GET {record}?live=true"), &[("if-none-match", &tag)], b"").await;
    assert_eq!(live.status, 304, "{live:?}");

    let history = host.get(&format!("{record}/history")).await;
    assert_eq!(history["items"][0]["kind"], "created");
    for absent in
        [&format!("{TRACKINGS}/records/none"), &format!("{TRACKINGS}/records/none/history")]
    {
        host.ask(absent).await.problem(404, "not-found");
    }
    let gone = host.ask(&format!("{TRACKINGS}/records/none?live=true")).await;
    gone.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn live_records_come_page_by_page() {
    let host = Host::seeded("live", 5).await;
    let page = host.get(&format!("{TRACKINGS}/records?live=true&limit=2")).await;
    let (first, next) = (ids(&page), page["next"].as_str().unwrap());
    assert_eq!((first.len(), page["items"][0].get("state")), (2, None));
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    let page = host.get(&format!("{TRACKINGS}/records?live=true&limit=2&cursor={next}")).await;
    assert!(ids(&page).iter().all(|id| !first.contains(id)), "{page}");
    let filter = "filter=%7B%22tag%22%3A%22Delivered%22%7D";
    let none = host.get(&format!("{TRACKINGS}/records?live=true&{filter}")).await;
    assert_eq!(ids(&none).len(), 0);
    let wrong =
        host.ask(&format!("{TRACKINGS}/records?live=true&filter=%7B%22tagg%22%3A1%7D")).await;
    assert!(!wrong.problem(422, "invalid-input")["violations"].as_array().unwrap().is_empty());
    let wrong = host.ask(&format!("{TRACKINGS}/records?live=true&where=tag%3DPending")).await;
    wrong.problem(422, "invalid-input");
}
