//! `connector-host verify` and its library: connectors with one planted fault each break exactly its rule; both
//! connectors of this repository keep all of them.

mod provider;

use std::path::Path;
use std::time::Duration;

use aftership_simulator::{Options as SimulatorOptions, Simulator};
use host_harness::vault::Secret;
use host_harness::verify::{Options, Outcome, RULES, Report, verify};
use serde_json::Value;

use crate::support::{cache, component, guest_file, host_command, shop_component};
use provider::{KEY, provider};

/// Rules that are broken.
fn broken(report: &Report) -> Vec<&'static str> {
    let findings = report.findings().into_iter();
    findings.filter(|it| it.outcome == Outcome::Broken).map(|it| it.rule).collect()
}

fn untried(report: &Report) -> Vec<&'static str> {
    let findings = report.findings().into_iter();
    findings.filter(|it| it.outcome == Outcome::NotTried).map(|it| it.rule).collect()
}

async fn planted(guest: &str) -> Report {
    let address = provider(23).listen(None).await;
    let options = Options::default().provider(&format!("http://{address}")).unwrap();
    let options = options.secret("api-key", Secret::new(KEY)).cache(Some(cache()));
    let options = options.patience(Duration::from_secs(1));
    verify(&guest_file(guest), &options.sample("things", "{\"name\":\"N{number}\"}")).await
}

/// The same connector without a fault keeps every rule, so what breaks is the fault's.
#[tokio::test(flavor = "multi_thread")]
async fn a_connector_without_a_fault_keeps_every_rule() {
    let report = planted("things_well").await;
    assert!(report.is_kept(), "{}", report.table());
    assert!(untried(&report).is_empty(), "{}", report.table());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_planted_fault_breaks_its_rule_and_no_other() {
    let judge = |(guest, rule, report): (&str, &str, Report)| {
        assert_eq!(broken(&report), [rule], "{guest}:\n{}", report.table());
    };
    let mut running = tokio::task::JoinSet::new();
    for (guest, rule) in [
        ("things_impure", "pure"),
        ("things_no_schema", "descriptors"),
        ("things_lying_schema", "schemas"),
        ("things_skips", "complete"),
        ("things_offsets", "churn"),
        ("things_one_shot", "cursors"),
        ("things_ahead", "bookmarks"),
        ("things_doubles", "lost-answers"),
        ("things_trusting", "answers"),
        ("things_careless", "answers"),
        ("things_endless", "bounds"),
        ("things_greedy", "bounds"),
        ("things_gullible", "deliveries"),
        ("things_undeclared", "declared"),
        ("things_curious", "secrets"),
    ] {
        running.spawn(async move { (guest, rule, planted(guest).await) });
        if running.len() >= 4 {
            judge(running.join_next().await.unwrap().unwrap());
        }
    }
    while let Some(judged) = running.join_next().await {
        judge(judged.unwrap());
    }
}

/// What is no connector of this contract is told in the table too, with the interface that is missing.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_loaded_is_told_in_the_table() {
    for (guest, words) in [
        ("old_contract", "connector:api/catalog@0.2.0"),
        ("half", "connector:api/auth@0.2.0"),
        ("imports_more", "hostile:more/files"),
        ("place_other", "xml:/envelope/key"),
        ("stub_host", "connector:api/"),
        ("missing", "cannot be read"),
    ] {
        let report = verify(&guest_file(guest), &Options::default()).await;
        assert_eq!(broken(&report), ["contract"], "{guest}:\n{}", report.table());
        assert!(report.table().contains(words), "{guest}:\n{}", report.table());
    }
}

/// It waits for a minute: the connector leaves out the newest one since a bookmark.
#[tokio::test(flavor = "multi_thread")]
async fn the_aftership_connector_keeps_every_rule() {
    let (_simulator, server) = simulator().await;
    let options = Options::default().provider(&server.url()).unwrap().cache(Some(cache()));
    let options = options.secret("api-key", Secret::new(KEY));
    let number = r#"{"tracking_number":"VERIFY{number}","slug":"ups"}"#;
    let report = verify(&component(), &options.sample("trackings", number)).await;
    assert!(report.is_kept(), "{}", report.table());
    assert!(untried(&report).is_empty(), "{}", report.table());
}

async fn simulator() -> (Simulator, aftership_simulator::Server) {
    let options = SimulatorOptions {
        api_keys: vec![KEY.to_owned()],
        limits: false,
        ..SimulatorOptions::default()
    };
    let simulator = Simulator::new(options);
    simulator.seed(1, 40);
    let server = simulator.listen().await.unwrap();
    (simulator, server)
}

/// Its origin is no setting, so the tap speaks TLS in the shop's name.
#[tokio::test(flavor = "multi_thread")]
async fn the_shop_connector_keeps_every_rule() {
    let fake = shop_fake::Fake::default();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap();
    fake.shop().now_ms = u64::try_from(now.as_millis()).unwrap();
    (0..20).for_each(|_| drop(fake.shop().add_order(|_| {})));
    let fulfillment = fake.shop().orders[0]["fulfillments"][0]["id"].clone();
    let granted = fake.shop().grant("read_orders,read_fulfillments,write_fulfillments");
    let token = granted["access_token"].as_str().unwrap().to_owned();
    let address = fake.listen_plainly().await.unwrap();
    let options = Options::default().provider(&format!("http://{address}")).unwrap();
    let options =
        options.setting("shop", "acme").setting("client-id", "app-7").cache(Some(cache()));
    let options = options.secret("access-token", Secret::new(token));
    let event = format!(
        r#"{{"fulfillmentId":{fulfillment},"status":"DELIVERED","happenedAt":"2026-11-22T09:00:00Z","message":"N{{number}}"}}"#
    );
    let report = verify(&shop_component(), &options.sample("fulfillment-events", event)).await;
    assert!(report.is_kept(), "{}", report.table());
    println!("{}", report.table());
}

/// The program says the same as the library, and ends with 3 when a rule is broken.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_prints_the_table_and_ends_by_it() {
    let (_simulator, server) = simulator().await;
    let verify = |file: &Path, more: &[&str]| {
        let mut command = host_command();
        command.arg("verify").arg(file).args(more).env("KEY", KEY);
        let output = command.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code(), out)
    };
    let url = server.url();
    let good = ["--provider", url.as_str(), "--secret-env", "api-key=KEY", "--output", "json"];
    let (code, out) = verify(&component(), &good);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["kept"]), (Some(0), &Value::Bool(true)), "{out}");
    assert_eq!(told["rules"][4]["rule"], "complete");
    assert!(!out.contains(KEY));
    let (code, out) = verify(&guest_file("half"), &["--output", "table"]);
    assert_eq!(code, Some(3), "{out}");
    assert!(
        out.contains("contract       BROKEN") && out.contains("answers        not tried"),
        "{out}"
    );
    let refused =
        host_command().args(["verify", "x.wasm", "--provider", "https://api.example.com"]).output();
    let refused = refused.unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("of this machine"), "{refused:?}");
}

#[test]
fn the_page_has_every_rule() {
    let page = std::fs::read_to_string("docs/verify.md").unwrap();
    for (rule, meaning) in RULES {
        assert!(page.contains(&format!("| `{rule}` | {meaning} |")), "{rule}");
    }
}
