use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use connector_contract::clock::SystemClock;
use connector_contract::limits::{Charge, Rate, Slots};
use connector_state::conformance::Database as _;
use connector_state::scratch::Scratch;

use super::*;
use crate::Sqlite;
use crate::tests::OnDisk;

const SECOND: Duration = Duration::from_secs(1);
/// Tells a re-executed test that it is the child, and where the state is.
const STATE: &str = "LIMITS_TEST_STATE";
/// Slots that each child reserves.
const SLOTS: usize = 24;

fn charge(name: &str, requests: u32, window: Duration) -> Charge {
    let limit = LimitId { scope: "account".to_owned(), name: name.to_owned() };
    Charge { limit, rate: Rate::new(requests, window), count: 1 }
}

/// The narrow one decides; both count.
fn charges() -> Vec<Charge> {
    vec![charge("own", 20, SECOND), charge("all", 600, 60 * SECOND)]
}

/// Real processes and the machine's own clock.
#[test]
fn two_processes_never_exceed_a_limit_together() {
    let scratch = Scratch::new();
    drop(Sqlite::open(&scratch.path().join("state/state.db"), Arc::new(SystemClock)).unwrap());
    let child = |_| -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "limits::tests::child", "--nocapture"])
            .env(STATE, scratch.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<Child> = (0..2).map(child).collect();
    let mut times: Vec<u128> = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        times.extend(
            text.lines().filter_map(|line| line.strip_prefix("slot ")?.parse::<u128>().ok()),
        );
    }
    assert!(times.len() >= 2 * SLOTS, "{}", times.len());
    times.sort_unstable();
    for (index, first) in times.iter().enumerate() {
        let within = times[index..].iter().take_while(|at| **at - first <= 1_000_000).count();
        assert!(within <= 20, "{within} within a second");
    }
}

/// The child of the test above; alone it does nothing.
#[test]
fn child() {
    let Some(state) = std::env::var_os(STATE) else { return };
    let path = std::path::Path::new(&state).join("state/state.db");
    let store = Sqlite::open(&path, Arc::new(SystemClock)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!();
    runtime.block_on(async {
        let mut left = SLOTS;
        while left > 0 {
            let request = SlotRequest { charges: charges(), slots: 3, within: 60 * SECOND };
            match store.reserve(request).await.unwrap() {
                Reserved::Slots(slots) => {
                    left = left.saturating_sub(slots.len());
                    for slot in slots {
                        println!(
                            "slot {}",
                            slot.time.duration_since(UNIX_EPOCH).unwrap().as_micros()
                        );
                    }
                }
                Reserved::NoneYet { ask_again, .. } => tokio::time::sleep_until(ask_again).await,
            }
        }
    });
}

/// What a user sees in another process: which limit is used up, until when, and why.
#[tokio::test(start_paused = true)]
async fn another_process_sees_what_is_waited_for() {
    let disk = OnDisk::new();
    let (store, other) = (disk.sqlite(), disk.sqlite());
    store.hold(charge("own", 20, SECOND), 2 * SECOND).await.unwrap();
    let now_ms = other.clock.now_ms();
    let booked = other.booked(vec!["account".to_owned()], now_ms).await.unwrap();
    let [limit] = booked.as_slice() else { panic!("{booked:?}") };
    assert!(limit.name == "own" && limit.held, "{limit:?}");
    assert!((1_990..=2_010).contains(&(limit.until_ms - now_ms)), "{limit:?}");
    let later = other.booked(vec!["account".to_owned()], now_ms + 2_100).await.unwrap();
    assert_eq!(later, []);
    assert_eq!(other.booked(vec!["nobody".to_owned()], now_ms).await.unwrap(), []);
}

/// A limit that nobody uses any more does not stay.
#[tokio::test(start_paused = true)]
async fn limits_are_forgotten_when_they_are_full_again() {
    let disk = OnDisk::new();
    let store = disk.sqlite();
    store.hold(charge("own", 20, SECOND), 3 * 24 * 60 * 60 * SECOND).await.unwrap();
    store.hold(charge("all", 20, SECOND), SECOND).await.unwrap();
    let left = async || {
        assert!(!connector_state::Store::maintain(&store).await.unwrap());
        store.with_connection(|on| columns::values::<String>(on, "SELECT name FROM limits", ()))
    };
    for (days, expected) in [(0, &["all", "own"][..]), (2, &["own"]), (3, &[])] {
        tokio::time::advance(days * 24 * 60 * 60 * SECOND).await;
        assert_eq!(left().await.unwrap(), expected, "{days}");
    }
}
