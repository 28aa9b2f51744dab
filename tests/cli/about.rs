//! What the program tells of a connector, and of itself. None of it needs a connection.

use serde_json::Value;

use super::{Account, host};
use crate::support::{component, host_command};

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&host(arguments).quiet()).unwrap()
}

#[test]
fn inspect_shows_what_a_component_is_and_may() {
    let shown = json(&["inspect"]);
    let bytes = std::fs::metadata(component()).unwrap().len();
    assert_eq!(shown["bytes"], bytes);
    assert_eq!(shown["sha256"].as_str().unwrap().len(), 64);
    let names = |member: &str| -> Vec<String> {
        let names = shown[member].as_array().unwrap().iter();
        names
            .map(|name| {
                name.as_str().unwrap_or(name["name"].as_str().unwrap_or_default()).to_owned()
            })
            .collect()
    };
    assert!(names("imports").iter().all(|name| name.starts_with("connector:")));
    assert!(names("exports").contains(&"connector:api/records@0.2.0".to_owned()));
    assert!(names("objects").contains(&"trackings".to_owned()));

    let text = host(&["inspect", "--output", "table"]).quiet();
    for line in [
        "Imports: all that it may use",
        "  connector:host/http@0.2.0",
        "Exports",
        "  connector:api/records@0.2.0",
        "Endpoints: all that it may reach",
        "Secrets in requests",
        "Objects",
    ] {
        assert!(text.lines().any(|shown| shown == line), "no \"{line}\" in {text}");
    }
    let number = |line: &str| -> String { line.chars().filter(char::is_ascii_digit).collect() };
    let size = text.lines().find(|line| line.starts_with("  size ")).unwrap();
    assert_eq!(number(size.split('(').nth(1).unwrap()), bytes.to_string());
}

#[test]
fn objects_and_describe_show_what_is_offered() {
    let out = host(&["objects", "--output", "ndjson"]).quiet();
    let objects = out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let objects: Vec<Value> = objects.collect();
    let trackings = objects.iter().find(|object| object["name"] == "trackings").unwrap();
    let has = |member: &str, name: &str| {
        trackings[member].as_array().unwrap().iter().any(|given| given == name)
    };
    assert!(has("operations", "create") && has("actions", "retrack"));
    let table = host(&["objects", "--output", "table"]).quiet();
    assert!(table.lines().any(|line| line.starts_with("trackings ")), "{table}");

    let described = json(&["describe", "trackings"]);
    assert_eq!(described["summary"]["name"], "trackings");
    assert!(described["filter-schema"]["properties"]["slug"].is_object());
    let text = host(&["describe", "trackings", "--output", "table"]).quiet();
    for title in ["Filters of list", "Input of create", "Input of update", "Record"] {
        assert!(text.lines().any(|line| line == title), "no \"{title}\" in {text}");
    }
    assert!(text.contains("mark-as-completed") && text.contains("needs --id"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_the_key_may_use() {
    let account = Account::new().await;
    let out = account.run(&["check", "trackings"]).quiet();
    let checked: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&checked["object"], &checked["result"]), (&"trackings".into(), &"usable".into()));
    let table = account.run(&["check", "trackings", "--output", "table"]).quiet();
    assert!(table.lines().any(|line| line.starts_with("trackings ") && line.contains("usable")));
    // What may be read says nothing of actions, which a plan may lack.
    let dates = ["check", "estimated-delivery-dates"];
    let checked: Value = serde_json::from_str(&account.run(&dates).quiet()).unwrap();
    assert_eq!(checked["untried_actions"], serde_json::json!(["predict", "predict-batch"]));
    let table = account.run(&[&dates[..], &["--output", "table"]].concat()).quiet();
    assert!(table.contains("not tried: predict, predict-batch"), "{table}");
    assert!(account.requests().iter().all(|line| line.starts_with("GET ")), "it changes nothing");
}

/// No component is needed for it.
#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = host_command().args(["completions", shell]).output().unwrap();
        let script = super::Ended::from(output).quiet();
        for word in ["connector-host", "invoke", "secret-env", "page-size"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    let unknown = host(&["completions", "abacus"]);
    unknown.failed(2, &["abacus", "bash", "zsh"]);
}
