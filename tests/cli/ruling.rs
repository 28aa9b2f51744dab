//! Rules over time, as a user has them.

use serde_json::{Value, json};

use super::Account;
use super::keeping::Keeper;
use super::syncing::values;

fn tracking(number: u32, tag: &str, due: &str) -> String {
    json!({
        "id": format!("{number:032x}"), "tracking_number": format!("N{number}"), "slug": "ups",
        "tag": tag, "active": true, "checkpoints": [],
        "created_at": "2026-11-18T08:47:10+00:00", "updated_at": "2026-11-21T17:47:10+00:00",
        "latest_estimated_delivery": {"type": "specific", "datetime": due},
    })
    .to_string()
}

/// The names of rules, whether each was raised, and the tracking.
fn told(changes: &str) -> Vec<(String, String)> {
    let rule = |change: Value| {
        let rule = change.get("rule")?;
        let of = |name: &str| rule[name].as_str().unwrap().to_owned();
        assert_eq!((&change["kind"], &change["source"]), (&json!("rule"), &Value::Null));
        Some((of("name"), of("state")))
    };
    values(changes).into_iter().filter_map(rule).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_late_is_listed_told_and_set() {
    let account = Account::new().await;
    for (number, tag, due) in [
        (1, "InTransit", "2026-03-05T18:00:00+00:00"),
        (2, "Exception", "2026-03-04T18:00:00+00:00"),
        (3, "InTransit", "2999-03-06T18:00:00+00:00"),
        (4, "Delivered", "2026-03-04T18:00:00+00:00"),
    ] {
        account.simulator.insert(&tracking(number, tag, due)).unwrap();
    }
    let keeper = Keeper::new("rules");
    keeper.keep(&account, "default");
    let off = ["rules", "set", "stalled", "--off"];
    assert_eq!(keeper.run(&off).quiet(), "");
    keeper.run(&["sync", "trackings"]).quiet();

    let late = |more: &[&str]| {
        let listed = [&["records", "list", "trackings", "--rule", "late"], more].concat();
        let listed = values(&keeper.run(&listed).quiet()).into_iter();
        let number = |record: Value| record["tracking_number"].as_str().unwrap().to_owned();
        listed.map(number).collect::<Vec<_>>()
    };
    // The longest due first.
    assert_eq!(late(&[]), ["N2", "N1"]);
    assert_eq!(late(&["--desc"]), ["N1", "N2"]);
    assert_eq!(late(&["--where", "tag=InTransit"]), ["N1"]);
    let wrong = keeper.run(&["records", "list", "trackings", "--rule", "early"]);
    wrong.failed(2, &["early", "late, stalled, not-picked-up"]);
    let rules = values(&keeper.run(&["rules", "list"]).quiet());
    let shown =
        |rule: &Value| (rule["rule"].clone(), rule["days"].clone(), rule["records"].clone());
    let expected = [
        (json!("late"), json!(0), json!(2)),
        (json!("stalled"), Value::Null, json!(0)),
        (json!("not-picked-up"), json!(5), json!(0)),
    ];
    assert_eq!(rules.iter().map(shown).collect::<Vec<_>>(), expected);
    let changes = keeper.run(&["changes", "--consumer", "a"]).quiet();
    let raised = |rule: &str, state: &str| (rule.to_owned(), state.to_owned());
    assert_eq!(told(&changes), [raised("late", "raised"), raised("late", "raised")]);

    account.simulator.scan(&format!("{:032x}", 2), "Delivered", "at the door").unwrap();
    // What changed within this second is read by the next sync of changes.
    keeper.run(&["sync", "trackings", "--full"]).quiet();
    let changes = keeper.run(&["changes", "--consumer", "a"]).quiet();
    assert_eq!(told(&changes), [raised("late", "cleared")]);
    assert_eq!(late(&[]), ["N1"]);

    assert_eq!(keeper.run(&["rules", "set", "late", "--days", "3650"]).quiet(), "");
    keeper.run(&["sync", "trackings"]).quiet();
    assert_eq!(late(&[]), [""; 0]);
    keeper.run(&["rules", "set", "lat", "--off"]).failed(2, &["lat", "late"]);
    keeper.run(&["rules", "set", "late"]).failed(2, &["--days"]);
    let journal = keeper.run(&["journal"]).quiet();
    assert!(journal.contains(r#""rule":"late""#), "{journal}");
    let typo = ["forwards", "add", "x", "https://x.example.com/", "--only", "trackings:lat"];
    keeper.run(&typo).failed(2, &["lat", "late, not-picked-up, stalled"]);
}
