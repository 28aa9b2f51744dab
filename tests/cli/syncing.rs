//! `sync` and what shows its results, as a user has them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::keeping::Keeper;
use super::{Account, Ended};

pub fn values(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn exported(keeper: &Keeper, account: &Account) {
    let kept: BTreeSet<String> =
        keeper.run(&["export", "trackings"]).quiet().lines().map(str::to_owned).collect();
    let truth: BTreeSet<String> = account.simulator.trackings().into_iter().collect();
    assert_eq!(kept, truth);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_is_shown_by_every_command() {
    let account = Account::new().await;
    account.simulator.seed(3, 250);
    let keeper = Keeper::new("sync-shown");
    keeper.keep(&account, "default");

    let synced = values(&keeper.run(&["--limits", "off", "sync"]).quiet());
    let objects: Vec<&str> = synced.iter().map(|row| row["object"].as_str().unwrap()).collect();
    assert_eq!(objects, ["trackings", "couriers", "carrier-connections"]);
    assert_eq!((&synced[0]["created"], &synced[0]["pages"]), (&250.into(), &2.into()));
    assert_eq!(synced[0]["read"], "everything");
    exported(&keeper, &account);

    // Asking for what lies inside trackings reads trackings.
    let again = values(&keeper.run(&["--limits", "off", "sync", "checkpoints"]).quiet());
    assert_eq!((again.len(), &again[0]["object"]), (1, &"trackings".into()));
    assert_eq!((&again[0]["created"], &again[0]["updated"]), (&0.into(), &0.into()));

    let status = values(&keeper.run(&["status"]).quiet());
    let trackings = status.iter().find(|row| row["object"] == "trackings").unwrap();
    assert_eq!((&trackings["records"], &trackings["error"]), (&250.into(), &Value::Null));
    let table = keeper.run(&["status", "--output", "table"]).quiet();
    assert!(table.contains("trackings") && table.contains(" ago"), "{table}");

    let first = keeper.run(&["changes", "--consumer", "a", "--object", "trackings"]).quiet();
    // Some of them are late, too.
    let created = values(&first).into_iter().filter(|change| change["kind"] == "created");
    let created: Vec<Value> = created.collect();
    assert_eq!(created.len(), 250);
    assert_eq!(keeper.run(&["changes", "--consumer", "a"]).quiet(), "");
    let last = created.last().unwrap()["number"].as_u64().unwrap();
    let since = (last - 1).to_string();
    let next = values(&keeper.run(&["changes", "--since", &since]).quiet());
    assert_eq!(next[0]["number"], last);
    assert_eq!(next[0]["kind"], "created");

    let pruned = keeper.run(&["changes", "--prune-before", "0s"]);
    assert!(pruned.err.contains("forgot "), "{}", pruned.err);
    keeper.run(&["changes", "--since", "1"]).failed(1, &["no longer all kept"]);

    // What a record was is told as long as the log tells of it; that there is one, always.
    let kept = account.simulator.ids().remove(1);
    let history = keeper.run(&["records", "history", "trackings", &kept]);
    assert_eq!((history.code, history.out.as_str()), (Some(0), ""));
    assert!(history.err.contains("has not changed for longer"), "{}", history.err);
    let lost = keeper.run(&["records", "history", "trackings", "lost"]);
    lost.failed(2, &["nothing is kept of trackings lost"]);

    // A consumer that missed some hears so once, and goes on.
    let id = account.simulator.ids().remove(0);
    for title in ["one", "two"] {
        account.simulator.update(&id, &format!(r#"{{"title":"{title}"}}"#)).unwrap();
        keeper.run(&["--limits", "off", "sync", "--full"]).quiet();
    }
    keeper.run(&["changes", "--prune-before", "0s"]);
    let missed = keeper.run(&["changes", "--consumer", "a"]);
    missed.failed(3, &["default: the changes", "were forgotten before a had them"]);
    keeper.run(&["changes", "--consumer", "a"]).quiet();

    let csv = ["export", "trackings", "--output", "csv", "--columns", "slug,tag"];
    let csv = keeper.run(&csv).quiet();
    assert_eq!((csv.lines().next(), csv.lines().count()), (Some("slug,tag"), 251));
    assert_eq!(keeper.run(&["dead-letters", "list"]).quiet(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_tell_each_request_once() {
    let account = Account::new().await;
    account.simulator.seed(3, 30);
    let keeper = Keeper::new("rates");
    keeper.keep(&account, "default");
    keeper.run(&["sync", "trackings"]).quiet();
    let rates = values(&keeper.run(&["status", "--rates"]).quiet());
    let limits: BTreeSet<&str> = rates.iter().map(|row| row["limit"].as_str().unwrap()).collect();
    assert_eq!(limits.len(), rates.len(), "{rates:?}");
    let minutes = |row: &Value| row["minutes"].as_array().unwrap().clone();
    for row in &rates {
        let minutes = minutes(row);
        let times: BTreeSet<&str> = minutes.iter().map(|it| it["at"].as_str().unwrap()).collect();
        assert_eq!(times.len(), minutes.len(), "{row}");
    }
    let sent = |row| minutes(row).iter().map(|it| it["sent"].as_u64().unwrap()).sum::<u64>();
    assert!(rates.iter().map(sent).any(|sent| sent > 0), "{rates:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failing_connection_holds_up_no_other() {
    let (good, bad) = (Account::new().await, Account::new().await);
    good.simulator.seed(3, 30);
    let keeper = Keeper::new("sync-all");
    keeper.keep(&bad, "a-bad");
    keeper.keep(&good, "b-good");
    bad.simulator.configure(|options| options.forbidden = true);
    let ended = keeper.run(&["--limits", "off", "sync", "trackings", "--all"]);
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    let synced = values(&ended.out);
    assert_eq!((synced.len(), &synced[0]["connection"]), (1, &"b-good".into()));
    assert!(ended.err.contains("error: a-bad, trackings: not allowed"), "{}", ended.err);
    let alone = ["--limits", "off", "sync", "trackings", "--connection", "a-bad"];
    keeper.run(&alone).failed(1, &["a-bad, trackings", "next: "]);
    let status = values(&keeper.run(&["status", "--connection", "a-bad"]).quiet());
    assert_eq!(status[0]["failures"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_reads_everything_anew() {
    let account = Account::new().await;
    account.simulator.seed(3, 20);
    let keeper = Keeper::new("sync-reset");
    keeper.keep(&account, "default");
    keeper.run(&["--limits", "off", "sync", "trackings"]).quiet();
    let synced = values(&keeper.run(&["--limits", "off", "sync", "--reset", "trackings"]).quiet());
    assert_eq!((synced.len(), &synced[0]["created"]), (1, &20.into()));
    let changes = values(&keeper.run(&["changes", "--object", "trackings"]).quiet());
    assert!(changes.iter().any(|change| change["kind"] == "reset"));
    exported(&keeper, &account);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_record_and_a_connection_is_shown() {
    let account = Account::new().await;
    account.simulator.seed(3, 20);
    let keeper = Keeper::new("history");
    keeper.keep(&account, "default");
    keeper.run(&["--limits", "off", "sync", "trackings"]).quiet();
    let id = account.simulator.ids().remove(0);
    account.simulator.update(&id, r#"{"title":"A <new> title","note":"n"}"#).unwrap();
    keeper.run(&["--limits", "off", "sync", "trackings", "--full"]).quiet();

    let rows = values(&keeper.run(&["records", "history", "trackings", &id]).quiet());
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!((&rows[0]["kind"], &rows[0]["by"]), (&"updated".into(), &"sync".into()));
    let differences = rows[0]["differences"].as_array().unwrap();
    let title = differences.iter().find(|one| one["pointer"] == "/title").unwrap();
    assert_eq!(title["after"], "A <new> title");
    assert!(title["before"].is_string(), "{title}");
    assert!(!differences.iter().any(|one| one["pointer"] == "/id"));
    assert_eq!((&rows[1]["kind"], &rows[1]["kept"]), (&"created".into(), &true.into()));
    let arguments = ["records", "history", "trackings", &id, "--output", "table"];
    let shown = keeper.run(&arguments).quiet();
    assert!(shown.contains("-> \"A <new> title\"\n"), "{shown}");
    keeper.run(&["records", "history", "trackings", "other"]).failed(2, &["nothing is kept of"]);

    let rows = values(&keeper.run(&["journal"]).quiet());
    let kinds: Vec<_> = rows.iter().rev().map(|row| row["kind"].as_str().unwrap()).collect();
    let read = ["sync-begun", "sync-ended"];
    assert_eq!(kinds, [&["connected"][..], &read, &read].concat());
    let ended = &rows[0];
    assert_eq!((&ended["object"], &ended["data"]["read"]), (&"trackings".into(), &"full".into()));
    assert_eq!((&ended["data"]["updated"], &ended["data"]["created"]), (&1.into(), &0.into()));
    assert!(ended["by"].as_str().unwrap().ends_with("sync"), "{ended}");
    let made = values(&keeper.run(&["journal", "--kind", "connected", "--max", "5"]).quiet());
    assert_eq!((made.len(), &made[0]["data"]["scheme"]), (1, &"api-key".into()));
    let shown = keeper.run(&["journal", "--output", "table"]).quiet();
    assert!(shown.contains("sync-ended") && shown.contains("updated 1"), "{shown}");
    keeper.run(&["journal", "--kind", "lost"]).failed(2, &["possible values"]);
}

#[test]
fn without_a_kept_connection_it_says_what_to_do() {
    let keeper = Keeper::new("sync-none");
    keeper.run(&["sync"]).failed(2, &["no connection is kept in", "next: "]);
    keeper.run(&["changes"]).failed(2, &["no connection is kept in"]);
    keeper.run(&["status"]).failed(2, &["no connection is kept in"]);
    let given = ["sync", "--secret-env", "api-key=KEY"];
    keeper.run_with("", &[("KEY", "k")], &given).failed(2, &["--secret-env", "kept ones"]);
    keeper.run(&["sync", "--all", "--connection", "a"]).failed(2, &["--all means every"]);
    keeper.run(&["sync", "--every", "soon"]).failed(2, &["72h"]);
    keeper.run(&["sync", "--every", "0"]).failed(2, &["'0' for '--every", "1s or more"]);
    keeper.run(&["serve", "--every", "0m"]).failed(2, &["1s or more"]);
    keeper.run(&["sync", "--log", "loud,,x=y"]).failed(2, &["no level"]);
    assert!(!keeper.state().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_tells_of_scans_and_requests_and_no_secret() {
    let account = Account::new().await;
    account.simulator.seed(3, 5);
    let keeper = Keeper::new("sync-log");
    keeper.keep(&account, "default");
    let Ended { code, err, .. } =
        keeper.run(&["--limits", "off", "--log", "debug", "sync", "trackings"]);
    assert_eq!(code, Some(0), "{err}");
    for word in [
        "scan{scan=1",
        "call{connector=\"aftership\"",
        "request{endpoint=\"trackings-list\"",
        "http.request.method=\"GET\"",
        "http.response.status_code=200",
    ] {
        assert!(err.contains(word), "no {word} in {err}");
    }
    assert!(err.contains("server.address=\"127.0.0.1\"") && !err.contains(super::KEY), "{err}");
}
