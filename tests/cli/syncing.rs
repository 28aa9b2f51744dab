//! `sync` and what shows its results, as a user has them.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::keeping::Keeper;
use super::{Account, Ended};

fn values(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn exported(keeper: &Keeper, account: &Account) {
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
    assert_eq!(first.lines().count(), 250);
    assert_eq!(keeper.run(&["changes", "--consumer", "a"]).quiet(), "");
    let last = values(&first).last().unwrap()["number"].as_u64().unwrap();
    let since = (last - 1).to_string();
    let next = values(&keeper.run(&["changes", "--since", &since]).quiet());
    assert_eq!(next[0]["number"], last);
    assert_eq!(next[0]["kind"], "created");

    let pruned = keeper.run(&["changes", "--prune-before", "0s"]);
    assert!(pruned.err.contains("forgot "), "{}", pruned.err);
    keeper.run(&["changes", "--since", "1"]).failed(1, &["no longer all kept"]);

    let csv = ["export", "trackings", "--output", "csv", "--columns", "slug,tag"];
    let csv = keeper.run(&csv).quiet();
    assert_eq!((csv.lines().next(), csv.lines().count()), (Some("slug,tag"), 251));
    assert_eq!(keeper.run(&["dead-letters", "list"]).quiet(), "");
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
    for word in ["scan{scan=1", "http.request.method=\"GET\"", "http.response.status_code=200"] {
        assert!(err.contains(word), "no {word} in {err}");
    }
    assert!(err.contains("server.address=\"127.0.0.1\"") && !err.contains(super::KEY), "{err}");
}

/// A real process, ended fifty times in the middle of what it does.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_nothing_and_repeat_nothing() {
    let account = Account::new().await;
    account.simulator.seed(3, 600);
    let keeper = Keeper::new("sync-killed");
    keeper.keep(&account, "default");
    let sync = ["--limits", "off", "sync", "trackings", "--full", "--page-size", "25"];
    let mut random = numbers();
    let (mut kills, mut ends) = (0, 0);
    while kills < 50 {
        let mut command = keeper.command(&sync);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(40 + random() % 500));
        match child.try_wait().unwrap() {
            Some(status) => {
                let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
                assert!(status.success(), "{status}: {said}");
                ends += 1;
                // So that there is something to do.
                for text in account.simulator.trackings().iter().step_by(7) {
                    let id = serde_json::from_str::<Value>(text).unwrap()["id"].clone();
                    let title = format!(r#"{{"title":"round {ends}"}}"#);
                    account.simulator.update(id.as_str().unwrap(), &title).unwrap();
                }
            }
            None => {
                child.kill().unwrap();
                kills += 1;
            }
        }
        child.wait().unwrap();
    }
    // One to end what was cut, one that sees all as it is.
    keeper.run(&sync).quiet();
    keeper.run(&sync).quiet();
    exported(&keeper, &account);
    let changes = values(&keeper.run(&["changes", "--object", "trackings"]).quiet());
    let created = changes.iter().filter(|change| change["kind"] == "created").count();
    assert_eq!(created, 600);
    let mut hashes = std::collections::BTreeMap::new();
    for change in &changes {
        let before = hashes.insert(change["id"].clone().to_string(), change["hash"].clone());
        assert_eq!(before.unwrap_or(Value::Null), change["previous"], "{change}");
    }
    eprintln!("{kills} kills, {ends} runs that ended before theirs");
}

/// Numbers that differ from run to run: which instant is hit is not to be the same each time.
#[cfg(unix)]
fn numbers() -> impl FnMut() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    let (state, mut count) = (RandomState::new(), 0_u64);
    move || {
        count += 1;
        state.hash_one(count)
    }
}
