//! `push`: files, pipes, what is printed, and what is left for the next time.

use std::io::{BufRead as _, BufReader};

use serde_json::{Value, json};

use super::keeping::Keeper;
use super::{Account, Ended};

const EXPORT: &str = "\
Order,Carrier,Tracking No,Email,Tags
1001,DHL Express,CSV-0001,a@example.com,\"red, blue\"
1002,Royal Mail,CSV-0002,,
1003,Pigeon,CSV-0003,,
1004,DHL Express,CSV-0004,,,more
";

const MAP: &str = r#"{
    "members": {
        "/tracking_number": { "from": "/Tracking No", "required": true },
        "/slug": { "from": "/Carrier", "table": { "DHL Express": "dhl", "Royal Mail": "royal-mail" } },
        "/order_id": "/Order",
        "/shipment_tags": { "from": "/Tags", "split": "," },
        "/customers/0/email": "/Email",
        "/language": { "value": "en" }
    }
}"#;

pub fn results(ended: &Ended) -> Vec<Value> {
    ended.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn outcomes(ended: &Ended) -> Vec<String> {
    results(ended).iter().map(|line| line["outcome"].as_str().unwrap().to_owned()).collect()
}

/// A shop's export is pushed as it is; what failed comes out as it came, and goes in again.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_pushed_as_it_is() {
    let account = Account::new().await;
    let keeper = Keeper::new("export");
    keeper.keep(&account, "default");
    let (export, map) = (keeper.file("export.csv", EXPORT), keeper.file("map.json", MAP));
    let failed = keeper.path("failed.csv");
    let push =
        ["push", "trackings", &export, "--map", &map, "--failed", &failed, "--limits", "off"];

    let planned = keeper.run(&[&push[..], &["--dry-run"]].concat());
    assert_eq!(planned.code, Some(3), "{}", planned.err);
    let plans = results(&planned);
    assert_eq!(plans[0]["write"], "create");
    assert_eq!(plans[0]["request"]["body"]["customers"], json!([{ "email": "a@example.com" }]));
    assert_eq!(account.simulator.count(), 0);
    assert_eq!(keeper.run(&["push", "--list"]).quiet(), "");

    let ended = keeper.run(&push);
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    assert_eq!(outcomes(&ended), ["created", "created", "failed", "failed"]);
    let lines = results(&ended);
    assert_eq!(lines[2]["error"], "line 4: /slug: the table has no \"Pigeon\"");
    assert_eq!(lines[3]["error"], "line 5: it has 6 cells where there are 5 names");
    assert!(ended.err.contains("4 items: 2 as wished, 2 failed"), "{}", ended.err);
    let id = lines[0]["id"].as_str().unwrap();
    let made: Value = serde_json::from_str(&account.simulator.tracking(id).unwrap()).unwrap();
    assert_eq!((&made["order_id"], &made["slug"]), (&json!("1001"), &json!("dhl")));
    assert_eq!(made["shipment_tags"], json!(["red", "blue"]));

    let again = std::fs::read_to_string(&failed).unwrap();
    assert_eq!(
        again,
        "Order,Carrier,Tracking No,Email,Tags\n1003,Pigeon,CSV-0003,,\n1004,DHL Express,CSV-0004,,,more\n"
    );
    std::fs::write(
        &failed,
        again.replace("Pigeon", "Royal Mail").replace("1004,DHL Express,CSV-0004,,,more\n", ""),
    )
    .unwrap();
    let ended = keeper.run(&["push", "trackings", &failed, "--map", &map, "--limits", "off"]);
    assert_eq!((ended.code, outcomes(&ended)), (Some(0), vec!["created".to_owned()]));

    let listed = keeper.run(&["push", "--list"]);
    let pushes = results(&listed);
    assert_eq!((&pushes[0]["items"], &pushes[0]["failed"]), (&json!(4), &json!(2)));
    assert_eq!((&pushes[1]["done"], &pushes[1]["open"]), (&json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_is_pushed_and_a_wrong_key_loses_nothing() {
    let account = Account::new().await;
    let keeper = Keeper::new("pipe");
    keeper.keep(&account, "default");
    account.simulator.configure(|options| options.api_keys = vec!["asat_other_key".to_owned()]);
    let lines = "{\"tracking_number\":\"PIPE-0001\",\"slug\":\"dhl\"}\nnonsense\n\n\
                 {\"tracking_number\":\"PIPE-0002\",\"slug\":\"dhl\"}\n";
    let push = ["push", "trackings", "-", "--limits", "off"];
    let ended = keeper.run_with(lines, &[], &push);
    assert_eq!(ended.code, Some(4), "{}", ended.err);
    assert!(ended.err.contains("goes on when it is started again"), "{}", ended.err);

    account.simulator.configure(|options| options.api_keys = vec![super::KEY.to_owned()]);
    let ended = keeper.run(&["push", "trackings", "--resume", "--limits", "off"]);
    assert_eq!(outcomes(&ended), ["created", "failed", "created"], "{}", ended.err);
    let lines = results(&ended);
    assert_eq!((&lines[2]["index"], &lines[2]["line"]), (&json!(2), &json!(4)));
    assert_eq!(ended.code, Some(3));
    assert_eq!(account.simulator.count(), 2);
    assert_eq!(keeper.run(&["push", "trackings", "--resume"]).quiet(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_said_before_anything_is_sent() {
    let account = Account::new().await;
    let keeper = Keeper::new("usage");
    keeper.keep(&account, "default");
    let map = keeper.file("map.json", r#"{"members":{"tracking_number":"/no"}}"#);
    let file = keeper.file("items.ndjson", "{}\n");
    for (arguments, words) in [
        (vec!["trackings"], vec!["no source is named", "--resume"]),
        (vec!["trackings", "/nowhere"], vec!["cannot read /nowhere"]),
        (vec!["trackingz", &file], vec!["unknown object \"trackingz\""]),
        (vec!["couriers", &file], vec!["couriers offers no `create`, which --mode upsert needs"]),
        (vec!["trackings", &file, "--map", &map], vec!["no JSON Pointer", "push --map-schema"]),
        (
            vec!["trackings", &file, "--map", "/nowhere"],
            vec!["cannot read the mapping file /nowhere"],
        ),
        (vec!["trackings", &file, "--failed", "/nowhere/x"], vec!["--failed: cannot write"]),
    ] {
        keeper.run(&[&["push"], &arguments[..]].concat()).failed(2, &words);
    }
    assert_eq!(account.requests(), Vec::<String>::new());
    let schema: Value =
        serde_json::from_str(&keeper.run(&["push", "--map-schema"]).quiet()).unwrap();
    let map: Value = serde_json::from_str(MAP).unwrap();
    assert!(jsonschema::is_valid(&schema, &map));
    assert!(!jsonschema::is_valid(&schema, &json!({ "members": { "/a": { "form": "/b" } } })));
}

/// Killed in the middle, by the system and not by request: the same file goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_goes_on_where_it_stopped() {
    let account = Account::new().await;
    let keeper = Keeper::new("killed");
    keeper.keep(&account, "default");
    let items: String = (0..40)
        .map(|n| format!("{{\"tracking_number\":\"KILL-{n:04}\",\"slug\":\"dhl\"}}\n"))
        .collect();
    let file = keeper.file("items.ndjson", &items);
    let push = ["push", "trackings", &file, "--limits", "off"];
    let mut child = keeper.command(&push).spawn().unwrap();
    // Some are done, and others are under way.
    let out = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(out.lines().take(5).filter_map(Result::ok).count(), 5);
    child.kill().unwrap();
    child.wait().unwrap();
    let ended = keeper.run(&push);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!((results(&ended).len(), account.simulator.count()), (40, 40));
    let made = account.requests().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(made, 40, "nothing was sent twice");
}

/// Two items meet somebody else's change: they wait, are shown, decided about, and gone on with.
#[tokio::test(flavor = "multi_thread")]
async fn conflicts_wait_are_shown_and_decided() {
    let account = Account::new().await;
    let keeper = Keeper::new("conflicts");
    keeper.keep(&account, "default");
    let items = |title: &str| -> String {
        let item =
            |n| json!({ "tracking_number": format!("PARK-000{n}"), "slug": "dhl", "title": title });
        (0..3).map(|n| format!("{}\n", item(n))).collect()
    };
    let (first, second) =
        (keeper.file("first.ndjson", &items("a")), keeper.file("second.ndjson", &items("b")));
    let made = keeper.run(&["push", "trackings", &first, "--limits", "off"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let ids: Vec<String> =
        results(&made).iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect();
    for id in &ids[..2] {
        account.simulator.update(id, r#"{"title":"theirs"}"#).unwrap();
    }
    let push = ["push", "trackings", &second, "--on-conflict", "park", "--limits", "off"];
    let parked = keeper.run(&push);
    assert_eq!((parked.code, outcomes(&parked)), (Some(3), words(["parked", "parked", "updated"])));
    for words in ["2 parked", "2 items met somebody else's change", "push --conflicts"] {
        assert!(parked.err.contains(words), "{}", parked.err);
    }
    assert!(!parked.err.contains("answers were lost"), "{}", parked.err);

    let shown = keeper.run(&["push", "--conflicts"]);
    let conflicts = results(&shown);
    assert_eq!((shown.code, conflicts.len()), (Some(0), 2));
    let run = conflicts[0]["run"].as_str().unwrap();
    let told = ["index", "line", "object", "mode", "id"].map(|name| conflicts[1][name].clone());
    let wanted = [json!(1), json!(2), json!("trackings"), json!("upsert"), json!(ids[1].as_str())];
    assert_eq!(told, wanted);
    let title = json!({ "member": "title", "seen": "a", "theirs": "theirs", "ours": "b" });
    assert_eq!(conflicts[0]["members"][0], title);
    assert_eq!(results(&keeper.run(&["push", &format!("--conflicts={run}")])), conflicts);
    assert_eq!(keeper.run(&["push", "couriers", "--conflicts"]).quiet(), "");
    let json = keeper.run(&["push", "--conflicts", "--output", "json"]).quiet();
    assert_eq!(serde_json::from_str::<Vec<Value>>(&json).unwrap(), conflicts);
    assert_eq!(results(&keeper.run(&["push", "--list"]))[1]["parked"], 2);

    let of = |item: &str| format!("{run}:{item}");
    let decide = |choices: &[String], words: &[&str]| {
        let all: Vec<&str> =
            choices.iter().flat_map(|choice| ["--decide", choice.as_str()]).collect();
        keeper.run(&[&["push"], &all[..]].concat()).failed(2, words);
    };
    decide(&["nobody:0=ours".to_owned()], &["has no push nobody", "push --list"]);
    decide(&[of("9=ours")], &["has no item 9", "push --conflicts"]);
    decide(&[of("2=ours")], &["item 2 of push", "waits for no decision: it is done"]);
    decide(&[of("0=ours"), of("0=theirs")], &["names an item of push", "twice"]);
    decide(&[of("0=ours"), of("all=theirs")], &["names an item of push", "twice"]);
    decide(&[of("0=mine")], &["RUN:INDEX=ours or RUN:INDEX=theirs"]);
    decide(&[of("0=ours"), of("2=ours")], &["waits for no decision"]);
    keeper.keep(&account, "other");
    let choice = of("0=ours");
    let other = ["push", "--connection", "other", "--decide", &choice];
    keeper.run(&other).failed(2, &["connection \"other\" has no push"]);
    let sent = account.requests().len();

    let ours = keeper.run(&["push", "--decide", &choice]);
    let line = json!({ "run": run, "index": 0, "line": 1, "id": ids[0], "decision": "ours" });
    assert_eq!((ours.code, results(&ours)), (Some(0), vec![line]), "{}", ours.err);
    assert!(ours.err.contains("1 item decided; `push trackings --resume` carries it out"));
    decide(&[choice], &["item 0 of push", "was decided before: ours"]);
    assert_eq!(account.requests().len(), sent, "nothing is sent before the run goes on");
    let resume = ["push", "trackings", "--resume", "--limits", "off"];
    let resumed = keeper.run(&resume);
    let ends = words(["updated", "parked", "updated"]);
    assert_eq!((resumed.code, outcomes(&resumed)), (Some(3), ends), "{}", resumed.err);

    let all = of("all=theirs");
    assert_eq!(results(&keeper.run(&["push", "--decide", &all])).len(), 1);
    let resumed = keeper.run(&resume);
    let ends = words(["updated", "skipped", "updated"]);
    assert_eq!((resumed.code, outcomes(&resumed)), (Some(0), ends), "{}", resumed.err);
    let title = |id: &str| {
        let text = account.simulator.tracking(id).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["title"].clone()
    };
    assert_eq!(ids.iter().map(|id| title(id)).collect::<Vec<_>>(), ["b", "theirs", "b"]);
    assert_eq!(keeper.run(&["push", "--conflicts"]).quiet(), "");
    decide(&[all], &["no item of push", "waits for a decision"]);

    let told = results(&keeper.run(&["journal", "--kind", "conflicts-decided"]));
    let told: Vec<Value> = told
        .iter()
        .map(|entry| json!([entry["data"]["decision"], entry["data"]["items"], entry["object"]]))
        .collect();
    assert_eq!(told, [json!(["theirs", [1], "trackings"]), json!(["ours", [0], "trackings"])]);
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).into()
}
