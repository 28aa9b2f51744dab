//! Several calls of the program at once, on one state.

use std::process::Child;
use std::time::Duration;

use super::keeping::Keeper;
use super::{Account, Ended};

/// Pages that each of the two asks for.
const PAGES: usize = 8;
/// 6 lists in a second, less the 4 % that stay free.
const INTERVAL: Duration = Duration::from_micros(173_611);
/// A slot may be used so much later.
const LATE: Duration = Duration::from_millis(40);

/// Side by side each would need half the time: only the one limit that they share makes all of
/// their requests take as long as those of one.
#[tokio::test(flavor = "multi_thread")]
async fn two_programs_share_the_limits_of_a_connection() {
    let account = Account::new().await;
    account.simulator.seed(1, PAGES);
    let keeper = Keeper::new("sharing");
    keeper.keep(&account, "default");
    let list = ["list", "trackings", "--page-size", "1"];
    let programs: Vec<Child> = (0..2).map(|_| keeper.command(&list).spawn().unwrap()).collect();
    for program in programs {
        let ended = Ended::from(program.wait_with_output().unwrap()).quiet();
        assert_eq!(ended.lines().count(), PAGES);
    }
    let sent: Vec<u64> = account.simulator.journal().iter().map(|entry| entry.at_ms).collect();
    assert_eq!(sent.len(), 2 * PAGES);
    let took = Duration::from_millis(sent.iter().max().unwrap() - sent.iter().min().unwrap());
    let least = INTERVAL * (2 * PAGES as u32 - 1) - LATE;
    assert!(took >= least, "{took:?} instead of {least:?}");
}
