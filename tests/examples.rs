//! The examples of `examples/`, as a reader runs them.

use std::path::Path;
use std::process::Command;

use crate::support::{binary, component, runtime};

#[allow(dead_code, reason = "its main does what the test does")]
#[path = "../examples/embed.rs"]
mod embed;
#[allow(dead_code, reason = "its main does what the test does")]
#[path = "../examples/embed_lost_answer.rs"]
mod embed_lost_answer;
#[allow(dead_code, reason = "its main does what the test does")]
#[path = "../examples/embed_oauth.rs"]
mod embed_oauth;
#[allow(dead_code, reason = "its main does what the test does")]
#[path = "../examples/embed_webhook.rs"]
mod embed_webhook;

/// What `examples/NAME/run.sh` prints.
fn run(name: &str) -> String {
    run_with(name, "")
}

/// As [`run`], with an argument.
fn run_with(name: &str, argument: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).join("run.sh");
    let programs = binary("connector-host").parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&others)));
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    let mut command = Command::new("sh");
    command.arg(script).args((!argument.is_empty()).then_some(argument));
    command.env("PATH", path.unwrap()).env("CONNECTOR_COMPONENT", component());
    let ended = command.env("XDG_CACHE_HOME", cache).output().unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success(), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    said
}

#[track_caller]
fn holds(said: &str, lines: &[&str]) {
    for line in lines {
        assert!(said.lines().any(|one| one == *line), "no \"{line}\" in:\n{said}");
    }
}

#[tokio::test]
async fn a_platform_embeds_the_runtime_and_names_no_other_crate_of_the_host() {
    component();
    let mut out = Vec::new();
    embed::run(&runtime(), &mut out).await.unwrap();
    let said = String::from_utf8(out).unwrap();
    let (created, listed): (Vec<_>, Vec<_>) = said.lines().partition(|it| it.starts_with("cr"));
    assert!(listed.len() == 3 && listed.iter().all(|line| line.starts_with("listed {")), "{said}");
    assert!(created.len() == 1 && created[0].contains("1Z12345E0205271688"), "{said}");

    let source = include_str!("../examples/embed.rs");
    assert!(source.lines().count() <= 40);
    let named = source.lines().filter_map(|line| line.strip_prefix("use ")?.split_once("::"));
    let named: std::collections::BTreeSet<_> = named.map(|(name, _)| name).collect();
    assert_eq!(Vec::from_iter(named), ["aftership_simulator", "connector_runtime", "std"]);
}

#[tokio::test]
async fn a_platform_finds_what_a_lost_answer_made() {
    component();
    let mut out = Vec::new();
    embed_lost_answer::run(&runtime(), &mut out).await.unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "found\n2 calls, 1 retries\n");
}

#[tokio::test]
async fn a_platform_receives_webhooks() {
    component();
    let mut out = Vec::new();
    embed_webhook::run(&runtime(), &mut out).await.unwrap();
    let said = String::from_utf8(out).unwrap();
    let event = r#"tracking_update of trackings: {"id":"4be9a1c7d23f48d0951e6a7b0c8f2d13"}"#;
    assert_eq!(said, format!("{event}\nrefused: Unverified\n"));
}

#[tokio::test]
async fn a_platform_connects_a_customer() {
    component();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let state = scratch.join(format!("embed-oauth-{}.db", std::process::id()));
    let mut out = Vec::new();
    embed_oauth::run(&runtime(), &state, &mut out).await.unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "connected customer 7\nlisted 3\n");
    std::fs::remove_file(state).unwrap();
}

#[test]
fn an_order_export_is_tracked() {
    let said = run("shipment-tracking");
    holds(
        &said,
        &[
            "2,created,",
            "4,failed,\"line 4: /slug: the table has no \"\"Pigeon Post\"\"\"",
            "2,created",
            "5001,ups,1Z12345E0205271688,Pending",
            "5003,royal-mail,RM123456789GB,Pending",
        ],
    );
}

#[test]
fn exports_of_shops_are_tracked() {
    let said = run("shop-exports");
    holds(&said, &["1Z12345E0205271688,ups", "1234567890,dhl", "1234567891,dhl"]);
    holds(&said, &["9400110898825022579493,usps", "RM123456789GB,royal-mail"]);
    assert!(said.contains("{\"line\":3,\"outcome\":\"skipped\""), "{said}");
    assert!(!said.contains("failed"), "{said}");
}

#[test]
#[ignore = "needs jq; make test runs it where jq is installed"]
fn couriers_are_detected_and_assigned_with_jq() {
    let said = run("detect-couriers");
    holds(&said, &["3,created", "ups,1Z12345E0205271688", "fedex,123456789012", "JD014600003SE"]);
}

#[test]
#[ignore = "needs jq; make test runs it where jq is installed"]
fn customers_are_told_of_each_stage_once_with_jq() {
    let said = run("notify-customers");
    holds(&said, &["To: ann@example.com", "Subject: Shoes: Delivered", "Stage: Delivered"]);
    for stage in ["Stage: InfoReceived", "Stage: InTransit", "Stage: Delivered"] {
        assert!(said.lines().filter(|line| *line == stage).count() <= 1, "{said}");
    }
}

#[test]
#[ignore = "needs jq; make test runs it where jq is installed"]
fn trouble_is_shown_once_with_jq() {
    let said = run("watch-exceptions");
    let (first, then) = said.split_once("# Since then\n").unwrap();
    assert!(first.contains("Exception\tchina-ems\t"), "{said}");
    assert_eq!(then, "");
}

#[test]
#[ignore = "needs sqlite3; make test runs it where sqlite3 is installed"]
fn carriers_are_compared_with_sqlite3() {
    let said = run("delivery-analytics");
    let mut rows = said.lines();
    let header: Vec<_> = rows.next().unwrap().split_whitespace().collect();
    assert_eq!(header, ["carrier", "parcels", "delivered", "days", "trouble", "on_time"]);
    let parcels = rows.skip(1).map(|row| row.split_whitespace().nth(1).unwrap().to_owned());
    let sum: u32 = parcels.map(|count| count.parse::<u32>().unwrap()).sum();
    assert_eq!(sum, 2_000);
}

#[test]
#[ignore = "needs curl and jq; make test runs it where jq is installed"]
fn the_api_is_called_by_curl_with_jq() {
    is_the_main_job(&run_with("api", "curl"));
}

#[test]
#[ignore = "needs Node 20; make test runs it where node is installed"]
fn the_api_is_called_with_node() {
    is_the_main_job(&run_with("api", "node"));
}

#[test]
#[ignore = "needs Python 3; make test runs it where python3 is installed"]
fn the_api_is_called_with_python3() {
    is_the_main_job(&run_with("api", "python"));
}

#[track_caller]
fn is_the_main_job(said: &str) {
    let [connected, created, changed] = said.lines().collect::<Vec<_>>()[..] else {
        panic!("{said}");
    };
    let id = created.strip_prefix("created ").unwrap();
    assert_eq!((connected, changed), ("connected example", &*format!("changed {id}: created")));
}
