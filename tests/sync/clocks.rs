//! Clocks that are wrong, the host's and the server's, cost reading and lose nothing.

use std::time::{Duration, SystemTime};

use aftership_simulator::Answer;
use host_harness::mirror::ScanKind;
use time::OffsetDateTime;

use super::bookmarks::put;
use super::mirrored::{DUE, HOUR, Mirrored, page, pass};

const DAY_S: i64 = 86_400;

/// A list of all there is, of a server whose clock is ahead by so many seconds.
fn told(mirrored: &Mirrored, ahead_s: i64) -> Answer {
    let truth = mirrored.truth();
    let all: Vec<&str> = truth.values().map(String::as_str).collect();
    page(&all).header("date", &date(mirrored, ahead_s))
}

fn date(mirrored: &Mirrored, ahead_s: i64) -> String {
    let now_ms = mirrored.world.simulator.now_ms().saturating_add_signed(ahead_s * 1_000);
    let at = OffsetDateTime::from(SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms));
    let form = "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT";
    at.format(&time::format_description::parse_borrowed::<2>(form).unwrap()).unwrap()
}

fn touch_one(mirrored: &Mirrored, which: usize) {
    let ids: Vec<String> = mirrored.truth().into_keys().collect();
    mirrored.world.simulator.touch(&ids[which % ids.len()]).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_host_whose_clock_is_wrong_misses_nothing() {
    for ahead_s in [1_800, -1_800, 7_200] {
        let mirrored = Mirrored::ahead(25, ahead_s).await;
        mirrored.sync(DUE).await;
        for round in 0..6 {
            touch_one(&mirrored, round);
            pass(15).await;
            let report = mirrored.sync(DUE).await;
            assert_eq!(report.kind, Some(ScanKind::Incremental), "{ahead_s}");
            assert_eq!(report.restarted, None, "{ahead_s}");
        }
        // By its own clock, a host that is behind reads what is new only after as long.
        pass(120 + u64::try_from(-ahead_s).unwrap_or(0)).await;
        mirrored.sync(DUE).await;
        mirrored.assert_true().await;
    }
}

/// As after a clock that was right was set back: its own bookmark is in its future.
#[tokio::test(start_paused = true)]
async fn a_bookmark_that_is_ahead_of_a_late_host_alone_is_good() {
    let mirrored = Mirrored::ahead(25, -1_800).await;
    mirrored.sync(DUE).await;
    let behind = mirrored.scan().await.bookmark.unwrap();
    let good = behind.replace("T11:29:00", "T11:59:00");
    assert_ne!(behind, good);
    put(&mirrored, &good).await;
    touch_one(&mirrored, 3);
    pass(120).await;
    let report = mirrored.sync(DUE).await;
    assert_eq!((report.kind, report.restarted), (Some(ScanKind::Incremental), None));
    mirrored.assert_true().await;
}

#[tokio::test(start_paused = true)]
async fn a_date_that_is_ahead_for_a_while_moves_no_bookmark() {
    let mirrored = Mirrored::of(25).await;
    mirrored.sync(DUE).await;
    pass(HOUR).await;
    for round in 0..3 {
        mirrored.lists([told(&mirrored, 10 * DAY_S)]);
        mirrored.sync(DUE).await;
        touch_one(&mirrored, round);
        pass(5).await;
    }
    pass(120).await;
    let report = mirrored.sync(DUE).await;
    assert_eq!((report.kind, report.restarted), (Some(ScanKind::Incremental), None));
    mirrored.assert_true().await;
}

/// It may be the bookmark that is wrong, so an older one is taken; and everything is read where
/// that one is no better.
#[tokio::test(start_paused = true)]
async fn a_date_that_is_behind_costs_reading() {
    for (times, kind) in [(1, ScanKind::Overlap), (2, ScanKind::Full)] {
        let mirrored = Mirrored::of(5).await;
        mirrored.sync(DUE).await;
        pass(HOUR).await;
        mirrored.sync(DUE).await;
        touch_one(&mirrored, 0);
        pass(120).await;
        mirrored.lists((0..times).map(|_| told(&mirrored, -10 * DAY_S)));
        let report = mirrored.sync(DUE).await;
        assert_eq!((report.kind, report.restarts), (Some(kind), times));
        mirrored.assert_true().await;
        let next = mirrored.sync(DUE).await;
        assert_eq!((next.kind, next.restarted), (Some(ScanKind::Incremental), None));
    }
}

/// What a cache answers is as old as it says.
#[tokio::test(start_paused = true)]
async fn an_answer_from_a_cache_promises_no_more_than_it_holds() {
    let mirrored = Mirrored::of(5).await;
    mirrored.sync(DUE).await;
    pass(HOUR).await;
    let old = told(&mirrored, 0).header("age", "600");
    pass(300).await;
    touch_one(&mirrored, 0);
    pass(300).await;
    mirrored.lists([old]);
    let report = mirrored.sync(DUE).await;
    assert_eq!((report.applied.updated, report.restarted), (0, None));
    pass(HOUR).await;
    assert_eq!(mirrored.sync(DUE).await.applied.updated, 1);
    mirrored.assert_true().await;
}
