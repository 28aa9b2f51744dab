//! `list`, `get` and `find`.

use std::collections::BTreeSet;
use std::path::Path;

use aftership_simulator::{Answer, Matcher};
use serde_json::Value;

use super::{Account, NUMBER};
use crate::support::world::TRACKINGS;

async fn of(trackings: usize) -> Account {
    let account = Account::new().await;
    account.simulator.seed(3, trackings);
    account
}

fn truth(account: &Account) -> BTreeSet<String> {
    account.simulator.trackings().into_iter().collect()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn list_prints_every_record_once_as_it_is() {
    let account = of(450).await;
    let out = account.run(&["list", "trackings", "--output", "ndjson"]).quiet();
    let lines: Vec<String> = out.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 450);
    assert_eq!(lines.into_iter().collect::<BTreeSet<_>>(), truth(&account));
    assert_eq!(account.requests().len(), 3, "pages of 200");
}

/// With the provider's limits and the host's: nothing is refused.
#[tokio::test(flavor = "multi_thread")]
async fn list_keeps_the_limits() {
    let account = Account::with(|_| {}).await;
    account.simulator.seed(3, 450);
    let mut command = account.slow_command();
    let ended = command.args(["list", "trackings", "--page-size", "40"]).output().unwrap();
    assert_eq!(super::Ended::from(ended).quiet().lines().count(), 450);
    let statuses = account.simulator.journal().into_iter().map(|entry| entry.status);
    assert_eq!(statuses.collect::<Vec<_>>(), [Some(200); 12]);
}

#[tokio::test(flavor = "multi_thread")]
async fn list_prints_in_other_forms() {
    let account = of(450).await;
    let out = account.run(&["list", "trackings", "--output", "json"]).quiet();
    let listed: BTreeSet<String> =
        parsed(&out).as_array().unwrap().iter().map(Value::to_string).collect();
    let expected: BTreeSet<String> =
        truth(&account).iter().map(|record| parsed(record).to_string()).collect();
    assert_eq!(listed, expected);
    assert!(
        out.starts_with("[\n{\"") && out.ends_with("}\n]\n"),
        "one document, a line for each record"
    );

    let rows: BTreeSet<String> = truth(&account)
        .iter()
        .map(|record| parsed(record))
        .map(|record| {
            format!("{},{}", record["slug"].as_str().unwrap(), record["id"].as_str().unwrap())
        })
        .collect();
    let columns = ["list", "trackings", "--columns", "slug,id"];
    let out = account.run(&[&columns[..], &["--output", "csv"]].concat()).quiet();
    let (header, lines) = out.split_once('\n').unwrap();
    assert_eq!(header, "slug,id");
    assert_eq!(lines.lines().map(str::to_owned).collect::<BTreeSet<_>>(), rows);

    let out = account.run(&[&columns[..], &["--output", "table"]].concat()).quiet();
    let mut lines = out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(","));
    assert_eq!(lines.next().unwrap(), "slug,id");
    assert_eq!(lines.collect::<BTreeSet<_>>(), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_no_record_has_is_refused() {
    let account = of(3).await;
    let words = &["unknown column \"tagg\"; known: ", "tracking_number", "did you mean \"tag\"?"];
    for form in ["csv", "table"] {
        let columns = ["--output", form, "--columns", "id,tagg"];
        account.run(&[&["list", "trackings"], &columns[..]].concat()).failed(2, words);
        // Before anything is written.
        let before = account.simulator.ids().len();
        let data = r#"{"tracking_number":"1Z12345E0205271688","slug":"ups"}"#;
        let create = ["create", "trackings", "--data", data];
        account.run(&[&create[..], &columns[..]].concat()).failed(2, words);
        assert_eq!(account.simulator.ids().len(), before);
    }
    // A member that no record happens to have is known by the schema.
    let none = ["list", "trackings", "--output", "csv", "--columns", "id,signed_by"];
    assert!(account.run(&none).quiet().starts_with("id,signed_by\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn list_stops_after_max_and_asks_for_no_more() {
    let account = of(450).await;
    let out = account.run(&["list", "trackings", "--max", "7"]).quiet();
    assert_eq!(out.lines().count(), 7);
    let out = account.run(&["list", "trackings", "--max", "201"]).quiet();
    let lines: BTreeSet<&str> = out.lines().collect();
    assert_eq!(lines.len(), 201);
    let query = |number: usize| account.simulator.journal()[number].query.clone().unwrap();
    assert!(query(0).ends_with("limit=7"), "{}", query(0));
    assert_eq!(account.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn list_filters() {
    let account = of(450).await;
    let tags = ["Delivered", "Exception"];
    for (filters, slugs) in
        [(vec!["slug=dhl,ups"], vec!["dhl", "ups"]), (vec!["slug=usps"], vec!["usps"])]
    {
        for tag in tags {
            let tagged = format!("tag={tag}");
            let mut arguments = vec!["list", "trackings", "--filter", &tagged];
            filters.iter().for_each(|filter| arguments.extend(["--filter", filter]));
            let out = account.run(&arguments).quiet();
            let fits = |record: &&String| {
                let record = parsed(record);
                record["tag"] == tag && slugs.iter().any(|slug| record["slug"] == **slug)
            };
            let truth = truth(&account);
            let expected: BTreeSet<&str> = truth.iter().filter(fits).map(String::as_str).collect();
            assert!(!expected.is_empty(), "{filters:?} {tag}: the data tests nothing");
            assert_eq!(out.lines().collect::<BTreeSet<_>>(), expected, "{filters:?} {tag}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_account_is_an_empty_list() {
    let account = of(0).await;
    for (form, expected) in [("ndjson", ""), ("json", "[]\n"), ("csv", "")] {
        assert_eq!(account.run(&["list", "trackings", "--output", form]).quiet(), expected);
    }
}

/// Odd digits, escapes and members nobody has heard of: only the white space between
/// tokens goes, whether the provider answers a list or one record.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_comes_token_for_token() {
    let account = Account::with(|options| options.retention_days = None).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let file = folder.join("odd-tracking.json");
    let expected = std::fs::read_to_string(folder.join("odd-tracking.ndjson")).unwrap();
    assert_eq!(account.simulator.load(&file), Ok(1));
    let list = ["list", "trackings", "--filter", "created_at_min=2026-01-01T00:00:00Z"];
    assert_eq!(account.run(&list).quiet(), expected);
    let get = ["get", "trackings", "0b02015fc7fd4f3c8d5490cece4d124d"];
    assert_eq!(account.run(&get).quiet(), expected);

    // The simulator takes white space out itself, so here is an answer that has it.
    let pretty = std::fs::read_to_string(file).unwrap();
    let envelope = format!("{{\r\n \"meta\" : {{ \"code\":200 }},\t\"data\":{pretty} }}\n");
    let answer = || Answer::new(200, envelope.clone()).header("content-type", "application/json");
    account.simulator.answer_next(Matcher::new("GET", TRACKINGS), answer());
    assert_eq!(account.run(&get).quiet(), expected);

    // Indented, it still has the same tokens.
    account.simulator.answer_next(Matcher::new("GET", TRACKINGS), answer());
    let indented = account.run(&[&get[..], &["--output", "json"]].concat()).quiet();
    assert!(
        indented.contains("\n    123456789012345678901234567890,\n    5.0e00\n  ],"),
        "{indented}"
    );
    assert!(indented.contains(r#"  "text": "\u00e9\/\uD83d\ude00 \"q\" é\t 😀","#), "{indented}");
}

#[tokio::test(flavor = "multi_thread")]
async fn get_prints_one_record() {
    let account = of(3).await;
    let record = account.simulator.trackings().pop().unwrap();
    let id = parsed(&record)["id"].as_str().unwrap().to_owned();
    let get = |more: &[&str]| account.run(&[&["get", "trackings", &id], more].concat()).quiet();
    assert_eq!(get(&[]), format!("{record}\n"));
    assert_eq!(parsed(&get(&["--output", "json"])), parsed(&record));
    assert_eq!(get(&["--output", "csv", "--columns", "id"]), format!("id\n{id}\n"));
    let table = get(&["--output", "table"]);
    let line = table.lines().find(|line| line.starts_with("id ")).unwrap();
    assert_eq!(line.split_whitespace().nth(1), Some(id.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn find_prints_what_a_create_would_collide_with() {
    let account = of(3).await;
    let id = account.create(NUMBER);
    let find = |number: &str| {
        let wish = format!(r#"{{"tracking_number":"{number}","slug":"ups"}}"#);
        account.run(&["find", "trackings", "--data", &wish]).quiet()
    };
    assert_eq!(find(NUMBER), format!("{}\n", account.simulator.tracking(&id).unwrap()));
    assert_eq!(find("1Z12345E0205271689"), "");
}

/// One scan yields every object that is derived from it.
#[tokio::test(flavor = "multi_thread")]
async fn list_with_derived_objects_makes_no_further_request() {
    let account = of(450).await;
    let with =
        ["list", "trackings", "--with", "checkpoints,estimated-delivery-dates,notifications"];
    let out = account.run(&[&with[..], &["--output", "ndjson"]].concat()).quiet();
    assert_eq!(account.requests(), ["GET /tracking/2026-07/trackings"; 3], "pages of 200");
    let lines: Vec<Value> = out.lines().map(parsed).collect();
    let of = |object: &str| lines.iter().filter(|line| line["object"] == object).count();
    assert_eq!(of("trackings"), 450);
    let trackings = truth(&account);
    let held = trackings.iter().map(|text| parsed(text)["checkpoints"].as_array().unwrap().len());
    assert_eq!(of("checkpoints"), held.sum::<usize>());
    assert!(of("estimated-delivery-dates") > 0 && of("notifications") > 0);
    let plain: BTreeSet<String> = out
        .lines()
        .filter_map(|line| line.strip_prefix(r#"{"object":"trackings","id":""#))
        .map(|rest| rest.split_once(r#","data":"#).unwrap().1.strip_suffix('}').unwrap().to_owned())
        .collect();
    assert_eq!(plain, trackings, "records stay as they are");

    let mut parent = "";
    for line in &lines {
        match line["object"].as_str().unwrap() {
            "trackings" => parent = line["id"].as_str().unwrap(),
            _ => assert_eq!(line["data"]["tracking_id"], parent, "each stands after its holder"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn list_with_takes_only_what_is_derived_from_it() {
    let account = of(1).await;
    let wrong = account.run(&["list", "trackings", "--with", "couriers"]);
    wrong.failed(2, &["derived from trackings", "checkpoints"]);
    let table = ["list", "trackings", "--with", "checkpoints", "--output", "table"];
    account.run(&table).failed(2, &["no columns in common", "--output ndjson"]);
    assert!(account.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribe_prints_the_steps_to_do_by_hand() {
    let account = of(0).await;
    let url = "https://hooks.example.com/x";
    let out = account.run(&["subscribe", "webhooks", "--url", url, "--output", "table"]).quiet();
    for word in ["  1. ", url, "tracking_update", "webhook-secret"] {
        assert!(out.contains(word), "no \"{word}\" in: {out}");
    }
    let out = account.run(&["subscribe", "trackings", "--url", url, "--output", "json"]).quiet();
    assert!(!parsed(&out)["manual"]["steps"].as_array().unwrap().is_empty());
    let refused = account.run(&["subscribe", "trackings", "--url", "https://h.example:4433/x"]);
    refused.failed(2, &["/target_url", "443"]);
    account.run(&["subscribe", "couriers", "--url", url]).failed(2, &["not offered"]);
    assert!(account.requests().is_empty());
}
