//! Real processes that are killed in the middle of `sync`.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::process::Stdio;
use std::time::{Duration, Instant};

use aftership_simulator::{DateSkew, Fault, FaultPlan, Simulator};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Account;
use super::keeping::Keeper;
use super::syncing::{exported, values};

const TRACKINGS: usize = 600;
const KILLS: u64 = 50;
/// Server's clocks that are wrong, one after the other: seconds, and for how many answers.
const SKEWS: [(i64, Option<u32>); 5] =
    [(1_800, None), (-1_800, None), (864_000, Some(14)), (-864_000, Some(14)), (0, None)];

/// What a soak came to.
#[derive(Debug, Default)]
struct Figures {
    kills: u64,
    ended: u64,
    failed: u64,
    changed: u64,
    removed: u64,
}

/// Numbers that differ from run to run: which instant is hit is not to be the same each time.
fn numbers() -> impl FnMut() -> u64 {
    let (state, mut count) = (RandomState::new(), 0_u64);
    move || {
        count += 1;
        state.hash_one(count)
    }
}

fn sync<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["--limits", "off", "sync", "trackings", "--page-size", "25"], more].concat()
}

/// Runs `sync` again and again, everything and what changed by turns, and kills it each time after
/// at most so long, until [`KILLS`] were killed. In between the account changes.
fn soak(
    account: &Account,
    keeper: &Keeper,
    longest: Duration,
    skews: &[(i64, Option<u32>)],
) -> Figures {
    let simulator = &account.simulator;
    let mut random = numbers();
    let mut figures = Figures::default();
    for round in 0.. {
        if figures.kills == KILLS {
            break;
        }
        if let Some(&(seconds, answers)) = skews.get(round % skews.len().max(1)) {
            simulator.configure(|options| options.date_skew = DateSkew { seconds, answers });
        }
        let full: &[&str] = if round % 3 == 0 { &["--full"] } else { &[] };
        let mut command = keeper.command(&sync(full));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let until = Instant::now()
            + Duration::from_millis(40 + random() % u64::try_from(longest.as_millis()).unwrap());
        let ended = loop {
            match child.try_wait().unwrap() {
                None if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
                ended => break ended,
            }
        };
        match ended {
            Some(status) => {
                let said = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
                // Failing is no fault of it where answers are; a signal, a panic or wrong usage is.
                assert!(matches!(status.code(), Some(0 | 1 | 3 | 4)), "{status}: {said}");
                let failed = u64::from(!status.success());
                figures.ended += 1;
                figures.failed += failed;
                assert!(failed == 0 || !skews.is_empty(), "{status}: {said}");
            }
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                figures.kills += 1;
            }
        }
        let ids = simulator.ids();
        for id in ids.iter().skip(round % 7).step_by(97) {
            simulator.update(id, &format!(r#"{{"title":"round {round}"}}"#)).unwrap();
            figures.changed += 1;
        }
        if !skews.is_empty() && round % 10 == 0 {
            let old = old(simulator);
            simulator.remove(&old[random() as usize % old.len()]).unwrap();
            figures.removed += 1;
        }
    }
    figures
}

/// Ids of what was made more than two days ago: of what is younger "not found" proves nothing.
fn old(simulator: &Simulator) -> Vec<String> {
    let day = OffsetDateTime::now_utc() - Duration::from_secs(2 * 86_400);
    let all = simulator.trackings().into_iter();
    let all = all.map(|text| serde_json::from_str::<Value>(&text).unwrap());
    let made = |one: &Value| OffsetDateTime::parse(one["created_at"].as_str().unwrap(), &Rfc3339);
    let old = all.filter(|one| made(one).unwrap() < day);
    old.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

/// The log of changes tells each record's way without a gap, and nothing twice. So many may be gone
/// before they were read for the first time.
fn assert_log(keeper: &Keeper, removed: usize) {
    let mut changes = values(&keeper.run(&["changes", "--object", "trackings"]).quiet());
    changes.retain(|change| change["kind"] != "rule");
    let mut hashes = BTreeMap::new();
    for change in &changes {
        let before = hashes.insert(change["id"].clone().to_string(), change["hash"].clone());
        assert_eq!(before.unwrap_or(Value::Null), change["previous"], "{change}");
    }
    let created = changes.iter().filter(|change| change["kind"] == "created").count();
    assert!((TRACKINGS - removed..=TRACKINGS).contains(&created), "{created} created");
}

/// A real process, ended fifty times in the middle of what it does.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_lose_nothing_and_repeat_nothing() {
    let account = Account::new().await;
    account.simulator.seed(3, TRACKINGS);
    let keeper = Keeper::new("sync-killed");
    keeper.keep(&account, "default");
    let figures = soak(&account, &keeper, Duration::from_millis(500), &[]);
    // One to end what was cut, one that sees all as it is.
    keeper.run(&sync(&["--full"])).quiet();
    keeper.run(&sync(&["--full"])).quiet();
    exported(&keeper, &account);
    assert_log(&keeper, 0);
    eprintln!("{figures:?}");
}

/// The same while one in five requests meets a fault, and the server's clock is wrong in every way.
/// Takes minutes, so it is run by `make soak`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; run by `make soak`"]
async fn fifty_kills_under_faults_and_wrong_clocks_lose_nothing() {
    let account = Account::new().await;
    account.simulator.seed(3, TRACKINGS);
    let keeper = Keeper::new("sync-soaked");
    keeper.keep(&account, "default");
    let (seed, began) = (numbers()(), Instant::now());
    eprintln!("faults by seed {seed}");
    let mut faults = FaultPlan::new(seed, 0.2);
    // Besides what passes, what a record could be taken for gone by.
    faults.menu.extend([Fault::GatewayNotFound, Fault::GatewayForbidden, Fault::UnknownUri]);
    account.simulator.configure(|options| options.faults = Some(faults));
    let figures = soak(&account, &keeper, Duration::from_secs(4), &SKEWS);
    let requests = account.simulator.journal().len();

    // Everything is well again. What changed is read by a bookmark of those times, once it is old
    // enough for lists; what is gone, by a full scan.
    account.simulator.configure(|options| {
        options.faults = None;
        options.date_skew = DateSkew::default();
    });
    std::thread::sleep(Duration::from_secs(61));
    // One to end what was cut, one that begins now.
    for _ in 0..2 {
        let last = keeper.run(&sync(&[]));
        assert_eq!(last.code, Some(0), "{}", last.err);
    }
    let kept = values(&keeper.run(&["export", "trackings"]).quiet());
    let kept: BTreeMap<&str, &Value> =
        kept.iter().map(|record| (record["id"].as_str().unwrap(), record)).collect();
    for text in account.simulator.trackings() {
        let truth: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(kept.get(truth["id"].as_str().unwrap()), Some(&&truth), "after what changed");
    }
    let last = keeper.run(&sync(&["--full"]));
    assert_eq!(last.code, Some(0), "{}", last.err);
    exported(&keeper, &account);
    assert_log(&keeper, usize::try_from(figures.removed).unwrap());
    let records = account.simulator.count();
    let took = began.elapsed().as_secs();
    eprintln!(
        "{figures:?}; {requests} requests, {took} s; {records} records, all as the simulator's"
    );
}
