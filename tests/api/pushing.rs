//! Sources uploaded, and the runs that come of them.

use aftership_simulator::{Answer, Matcher};
use serde_json::json;

use super::world::{Host, TRACKINGS};
use crate::support::world::TRACKINGS as PROVIDERS;

const LINES: (&str, &str) = ("content-type", "application/x-ndjson");
const CSV: (&str, &str) = ("content-type", "text/csv");

fn number(n: usize) -> String {
    format!("1Z12345E020527{n:04}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_a_run_that_is_followed() {
    let host = Host::new("push").await;
    let wish = |n| json!({"tracking_number": number(n), "slug": "ups"}).to_string();
    let source = [wish(1), wish(2), "{\"slug\":7}".to_owned(), wish(1)].join("\n");
    let push = format!("POST {TRACKINGS}/push");
    let begun = host.send(&push, &[LINES], source.as_bytes()).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    let place = begun.header("location").to_owned();
    let run = host.until(&place, |run| run["ended"].is_string()).await;
    assert_eq!(
        (&run["items"], &run["done"], &run["failed"]),
        (&json!(4), &json!(3), &json!(1)),
        "{run}"
    );
    let items = host.get(&format!("{place}/items?limit=3")).await;
    assert_eq!(items["items"][0]["outcome"], "created", "{items}");
    assert_eq!(
        (&items["items"][2]["outcome"], &items["items"][2]["line"]),
        (&json!("failed"), &json!(3))
    );
    let rest = host.get(&format!("{place}/items?cursor={}", items["next"].as_str().unwrap())).await;
    assert_eq!((&rest["items"][0]["outcome"], &rest["next"]), (&json!("unchanged"), &json!(null)));
    let listed = host.get("/v1/connections/default/pushes").await;
    assert_eq!(listed["items"][0]["id"], begun.json()["run"]);
    // A push's records are known without a scan.
    let kept =
        host.get(&format!("{TRACKINGS}/records?where=tracking_number%3D{}", number(2))).await;
    assert_eq!(kept["items"].as_array().unwrap().len(), 1, "{kept}");

    let map = json!({"members": {"/tracking_number": "/no", "/slug": "/by"}}).to_string();
    let map: String = url::form_urlencoded::byte_serialize(map.as_bytes()).collect();
    let csv = format!("no;by\n{};ups\n", number(4));
    let mapped = host.send(&format!("{push}?map={map}"), &[CSV], csv.as_bytes()).await;
    let run = host.until(mapped.header("location"), |run| run["ended"].is_string()).await;
    assert_eq!((&run["items"], &run["done"]), (&json!(1), &json!(1)), "{run}");
    let csv = format!("tracking_number;slug\n{};ups\n", number(3));
    let begun = host.send(&format!("{push}?mode=create"), &[CSV], csv.as_bytes()).await;
    let run = host.until(begun.header("location"), |run| run["ended"].is_string()).await;
    assert_eq!((&run["done"], &run["mode"]), (&json!(1), &json!("create")));
    let again = format!("POST {}/resume", begun.header("location"));
    assert_eq!(host.send(&again, &[], b"").await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_wrong_or_cut_is_forgotten() {
    let host = Host::new("cut").await;
    let push = format!("POST {TRACKINGS}/push");
    for (line, kind, body, status) in [
        (push.clone(), ("content-type", "text/plain"), "x", 415),
        (format!("{push}?mode=all"), LINES, "{}", 422),
        (format!("{push}?on_conflict=x"), LINES, "{}", 422),
        (format!("{push}?map=x"), LINES, "{}", 422),
        (format!("{push}?encoding=x"), CSV, "a\n", 422),
        (format!("{push}?delimiter=%22"), CSV, "a\n", 422),
    ] {
        let refused = host.send(&line, &[kind], body.as_bytes()).await;
        refused.problem(status, "invalid-input");
    }
    let none =
        host.send("POST /v1/connections/default/objects/couriers/push", &[LINES], b"{}").await;
    none.problem(501, "unsupported");
    // A caller that goes in the middle has pushed nothing.
    use tokio::io::AsyncWriteExt as _;
    let mut stream = tokio::net::TcpStream::connect(&host.authority).await.unwrap();
    let head = format!(
        "{push} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {}\r\ncontent-length: 1000\r\n\r\n",
        LINES.1
    );
    let item = json!({"tracking_number": number(9), "slug": "ups"});
    stream.write_all(format!("{head}{item}\n").as_bytes()).await.unwrap();
    drop(stream);
    let whole = json!({"tracking_number": number(8), "slug": "ups"}).to_string();
    let begun = host.send(&push, &[LINES], whole.as_bytes()).await;
    host.until(begun.header("location"), |run| run["ended"].is_string()).await;
    let listed = host.get("/v1/connections/default/pushes").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    let posts = host.shop.simulator.journal().into_iter().filter(|entry| entry.method == "POST");
    assert_eq!(posts.count(), 1);
    host.ask("/v1/connections/default/pushes/none").await.problem(404, "not-found");
}

/// A host dies in the middle of a run: another one goes on with it, and nothing is made twice.
#[tokio::test(flavor = "multi_thread")]
async fn another_host_goes_on_with_a_push_of_one_that_died() {
    let mut host = Host::new("orphan").await;
    let mut second = host.shop.listen("serve", &["--api", "127.0.0.1:0", "--every", "1h"]);
    let second_authority = second.authority("API on ");
    let simulator = host.shop.simulator.clone();
    simulator.answer_next(Matcher::new("POST", PROVIDERS), Answer::hang().executed());
    let posts = || {
        let journal = simulator.journal();
        journal.iter().filter(|it| it.method == "POST" && it.path == PROVIDERS).count()
    };
    let source: Vec<String> =
        (1..=3).map(|n| json!({"tracking_number": number(n), "slug": "ups"}).to_string()).collect();
    let push = format!("POST {TRACKINGS}/push");
    let begun = host.send(&push, &[LINES], source.join("\n").as_bytes()).await;
    let place = begun.header("location").to_owned();
    while posts() == 0 {
        tokio::task::yield_now().await;
    }
    host.listener.child.kill().unwrap();
    host.listener.child.wait().unwrap();
    host.authority = second_authority;
    let run = host.until(&place, |run| run["ended"].is_string()).await;
    assert_eq!((&run["done"], &run["failed"]), (&json!(3), &json!(0)), "{run}");
    let made = simulator.journal().into_iter().filter(|it| it.method == "POST").count();
    assert_eq!((made, posts()), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_page_by_page() {
    let host = Host::new("pages").await;
    let push = format!("POST {TRACKINGS}/push");
    let mut begun = Vec::new();
    for n in 1..=3 {
        let source = json!({"tracking_number": number(n), "slug": "ups"}).to_string();
        let run = host.send(&push, &[LINES], source.as_bytes()).await.json()["run"].clone();
        begun.push(run);
    }
    let pushes = "/v1/connections/default/pushes";
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = host.get(&format!("{pushes}?limit=2{next}")).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|run| run["id"].clone()));
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    seen.sort_by_key(ToString::to_string);
    begun.sort_by_key(ToString::to_string);
    assert_eq!(seen, begun);
    host.ask(&format!("{pushes}?cursor=none")).await.problem(422, "invalid-input");
}
