//! `/metrics` as Prometheus reads it, and the dashboard of `deploy/`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::world::{Host, TRACKINGS};

/// Samples by name and labels, as they are written.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("{line}")))
    };
    lines.map(sample).collect()
}

async fn scraped(host: &Host) -> (String, BTreeMap<String, f64>) {
    let reply = host.ask("/metrics").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(
        reply.header("content-type").starts_with("application/openmetrics-text; version=1.0.0")
    );
    assert!(reply.body.ends_with("# EOF\n"), "{}", reply.body);
    let samples = samples(&reply.body);
    (reply.body, samples)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_told() {
    let host = Host::seeded("metrics", 3).await;
    // Then it reads nothing more for an hour.
    let has_read = |object: &Value| object["completed"].is_string() && object["running"] == false;
    let all_read = |status: &Value| {
        let objects = status["items"][0]["objects"].as_array().unwrap();
        objects.len() == 3 && objects.iter().all(has_read)
    };
    host.until("/v1/status", all_read).await;
    let lag = "connector_sync_lag_seconds{connection=\"default\",object=\"trackings\"}";
    host.get(&format!("{TRACKINGS}/records?limit=1")).await;
    host.ask("/nowhere").await;
    let (text, told) = scraped(&host).await;
    let value = |name: &str| *told.get(name).unwrap_or_else(|| panic!("no {name} in {text}"));
    assert_eq!(value("connector_records{connection=\"default\",object=\"trackings\"}"), 3.0);
    assert!(value(lag) >= 0.0);
    assert_eq!(value("connector_connections"), 1.0);
    assert_eq!(value("connector_hosts"), 1.0);
    assert_eq!(value("connector_state_up"), 1.0);
    assert_eq!(value("connector_inbox_events{state=\"waiting\"}"), 0.0);
    assert_eq!(value("connector_deliveries_total{outcome=\"kept\"}"), 0.0);
    assert!(value("connector_instances_limit") > 0.0 && value("connector_calls_total") > 0.0);
    // The provider's requests are those that it has had.
    let of_provider = "http_client_request_duration_seconds_count{http_request_method=\"GET\",\
                       http_response_status_code=\"200\"}";
    let had = host.shop.simulator.journal().iter().filter(|it| it.status == Some(200)).count();
    assert_eq!(value(of_provider), had as f64);
    let buckets = of_provider.replace("_count{", "_bucket{le=\"+Inf\",");
    let all = told.iter().find(|(name, _)| name.contains("http_client") && name.contains("+Inf"));
    assert_eq!(all.unwrap_or_else(|| panic!("no {buckets} in {text}")).1, &(had as f64));
    // Requests of the API by route, and not by path.
    let route = "http_route=\"/v1/connections/{connection}/objects/{object}/records\"";
    let requests: Vec<_> = told
        .keys()
        .filter(|name| name.starts_with("http_server_request_duration_seconds_count"))
        .collect();
    assert!(requests.iter().any(|name| name.contains(route)), "{requests:?}");
    assert!(!text.contains("nowhere"), "a path makes no label");
    assert_eq!(value("http_server_active_requests"), 1.0, "this one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_needed_unless_it_was_opened() {
    let host = Host::with("metrics-token", &["--api-require-token"]).await;
    host.ask("/metrics").await.problem(401, "unauthenticated");
    drop(host);
    let host = Host::with("metrics-open", &["--api-require-token", "--metrics"]).await;
    scraped(&host).await;
    host.ask("/v1/connections").await.problem(401, "unauthenticated");
}

/// Names of metrics in an expression: what stands before a selector or a range, or alone.
fn names(expression: &str) -> Vec<String> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let ours = |word: &&str| {
        ["connector_", "http_client_", "http_server_"].iter().any(|it| word.starts_with(it))
    };
    words.filter(ours).map(str::to_owned).collect()
}

fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| match value {
            Value::String(text) if name == "expr" => found.push(text.clone()),
            other => expressions(other, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

/// Every query of the dashboard asks for what is served.
#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_asks_for_what_is_there() {
    let host = Host::seeded("dashboard", 1).await;
    let (text, told) = scraped(&host).await;
    let types: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let declared: Vec<(&str, &str)> =
        types.iter().map(|line| line.split_once(' ').unwrap()).collect();
    let dashboard = std::fs::read_to_string("deploy/grafana.json").unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let mut found = vec![];
    expressions(&dashboard, &mut found);
    assert!(found.len() >= 10, "{found:?}");
    for expression in &found {
        let names = names(expression);
        assert!(!names.is_empty(), "{expression} asks for nothing of ours");
        for name in names {
            let is_served = declared.iter().any(|(base, kind)| match *kind {
                "counter" => name == format!("{base}_total"),
                "histogram" => {
                    ["_bucket", "_sum", "_count"].iter().any(|it| name == format!("{base}{it}"))
                }
                _ => name == *base,
            });
            assert!(is_served, "{name}, which {expression} asks for, is not served:\n{types:#?}");
        }
    }
    // And what is declared has a name that is told, where there is something to tell.
    assert!(told.keys().any(|name| name.starts_with("connector_sync_lag_seconds")));
}
