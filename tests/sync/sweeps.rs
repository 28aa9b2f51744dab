//! What is gone is removed, and nothing else is.

use aftership_simulator::{Answer, Matcher};
use host_harness::mirror::{ChangeKind, LOOK_UP_TRIES, Mirror as _, RecordState, ScanKind};
use host_harness::sync::{PullOptions, SyncError};

use super::mirrored::{DUE, FULL, HOUR, Mirrored, OBJECT, down, page, pass};
use crate::support::world::TRACKINGS;

/// A mirror of so many trackings that all are more than a day old.
async fn settled(trackings: usize) -> Mirrored {
    let mirrored = Mirrored::of(trackings).await;
    mirrored.sync(DUE).await;
    pass(25 * HOUR).await;
    // The oldest age out meanwhile.
    mirrored.sync(FULL).await;
    mirrored
}

async fn live(mirrored: &Mirrored) -> Vec<String> {
    let kept = mirrored.kept(OBJECT).await.into_values();
    let live = kept.filter(|record| record.state == RecordState::Live);
    live.map(|record| record.id).collect()
}

#[tokio::test(start_paused = true)]
async fn what_the_provider_removed_goes_with_all_that_it_held() {
    let mirrored = settled(60).await;
    let ids = live(&mirrored).await;
    let gone: Vec<&String> = ids.iter().step_by(20).collect();
    for id in &gone {
        mirrored.world.simulator.remove(id).unwrap();
    }
    pass(HOUR).await;
    let changes = mirrored.sync(DUE).await;
    assert_eq!(changes.applied.deleted, 0);
    let report = mirrored.sync(FULL).await;
    let swept = report.swept.unwrap();
    assert_eq!((swept.nominated, swept.deleted, swept.found), (3, 3, 0));
    assert_eq!(mirrored.changes_of(ChangeKind::Deleted).await.len(), 3);
    for id in gone {
        let record = mirrored.database().record(&mirrored.connection, OBJECT, id).await.unwrap();
        assert_eq!(record.unwrap().state, RecordState::Deleted);
    }
    assert_eq!(live(&mirrored).await.len(), ids.len() - 3);
    mirrored.assert_log().await;
}

#[tokio::test(start_paused = true)]
async fn what_lists_forget_by_age_is_not_removed() {
    let mirrored = Mirrored::of(60).await;
    mirrored.sync(DUE).await;
    pass(12 * 24 * HOUR).await;
    let report = mirrored.sync(DUE).await;
    let swept = report.swept.unwrap();
    assert!(swept.aged_out > 3, "{swept:?}");
    assert_eq!((swept.nominated, swept.deleted, swept.alarm), (0, 0, false));
    assert!(mirrored.changes_of(ChangeKind::Deleted).await.is_empty());
    assert_eq!(mirrored.changes_of(ChangeKind::AgedOut).await.len() as u64, swept.aged_out);
    let aged_out = mirrored.kept(OBJECT).await.into_values();
    let aged_out = aged_out.filter(|record| record.state == RecordState::AgedOut).count();
    assert_eq!(aged_out as u64, swept.aged_out);
    mirrored.assert_log().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_scan_misses_and_the_provider_knows_stays() {
    let mirrored = settled(18).await;
    mirrored.lists([page(&[])]);
    let report = mirrored.sync(FULL).await;
    let swept = report.swept.unwrap();
    assert_eq!((swept.nominated, swept.found, swept.deleted), (swept.live, swept.live, 0));
    assert!(mirrored.changes_of(ChangeKind::Deleted).await.is_empty());
}

/// A fresh tracking may answer 404 although it is there.
#[tokio::test(start_paused = true)]
async fn not_found_proves_nothing_of_a_young_record() {
    let mirrored = settled(30).await;
    let id = mirrored.world.create("1Z12345E0205271688", "ups").await;
    pass(120).await;
    mirrored.sync(DUE).await;
    let truth = mirrored.truth();
    let others: Vec<&str> =
        truth.iter().filter(|(other, _)| **other != id).map(|(_, text)| text.as_str()).collect();
    mirrored.lists([page(&others)]);
    let path = format!("{TRACKINGS}/{id}");
    let missing = || Answer::new(404, r#"{"meta":{"code":4004,"message":"no"},"data":{}}"#);
    mirrored.world.simulator.answer_next(Matcher::new("GET", &path), missing());
    let swept = mirrored.sync(FULL).await.swept.unwrap();
    assert_eq!((swept.nominated, swept.young, swept.deleted), (1, 1, 0));
    mirrored.world.simulator.clear_answers();
    assert!(live(&mirrored).await.contains(&id));
}

#[tokio::test(start_paused = true)]
async fn more_than_can_be_believed_raises_an_alarm() {
    let mirrored = settled(60).await;
    let ids = live(&mirrored).await;
    for id in &ids[..25] {
        mirrored.world.simulator.remove(id).unwrap();
    }
    let swept = mirrored.sync(FULL).await.swept.unwrap();
    assert!(swept.alarm);
    assert_eq!((swept.nominated, swept.deleted), (25, 0));
    assert!(mirrored.changes_of(ChangeKind::Deleted).await.is_empty());
    let row = mirrored.scan().await;
    assert!(row.error.unwrap().contains("--sweep-anyway") && row.sweep.is_none());
    // The mirror goes on.
    assert_eq!(mirrored.sync(DUE).await.applied.deleted, 0);
    let swept = mirrored.sync(PullOptions { sweep_anyway: true, ..FULL }).await.swept.unwrap();
    assert_eq!((swept.alarm, swept.deleted), (false, 25));
    assert_eq!(live(&mirrored).await, ids[25..]);
}

#[tokio::test(start_paused = true)]
async fn one_error_and_nothing_is_removed_until_the_next_run() {
    let mirrored = settled(200).await;
    // More than are asked for together, and the last one fails.
    let ids = live(&mirrored).await;
    for id in &ids[..80] {
        mirrored.world.simulator.remove(id).unwrap();
    }
    let broken = || {
        for answer in down() {
            let path = format!("{TRACKINGS}/{}", ids[79]);
            mirrored.world.simulator.answer_next(Matcher::new("GET", &path), answer);
        }
    };
    broken();
    let believing = PullOptions { sweep_anyway: true, ..FULL };
    let error = mirrored.run(believing).await.unwrap_err();
    assert!(matches!(error, SyncError::Sweep(_)), "{error}");
    assert!(error.to_string().contains(&ids[79]), "{error}");
    assert!(mirrored.changes_of(ChangeKind::Deleted).await.is_empty());
    let row = mirrored.scan().await;
    assert!(row.error.unwrap().contains("nothing was removed") && row.sweep.is_some());
    let report = mirrored.sync(PullOptions { sweep_anyway: true, ..DUE }).await;
    assert_eq!(report.swept.unwrap().deleted, 80);
    assert_eq!(report.kind, Some(ScanKind::Incremental));
    // Three times, and reading goes on without it.
    for id in &ids[80..83] {
        mirrored.world.simulator.remove(id).unwrap();
    }
    let path = format!("{TRACKINGS}/{}", ids[82]);
    for wish in [FULL, DUE, DUE] {
        for answer in down() {
            mirrored.world.simulator.answer_next(Matcher::new("GET", &path), answer);
        }
        mirrored.run(wish).await.unwrap_err();
    }
    let report = mirrored.sync(DUE).await;
    assert_eq!((report.kind, report.swept), (Some(ScanKind::Incremental), None));
    assert_eq!(mirrored.changes_of(ChangeKind::Deleted).await.len(), 80);
}

/// A record whose own fault it is that it cannot be had holds up no other, and is given up.
#[tokio::test(start_paused = true)]
async fn a_record_that_is_always_refused_is_put_aside_and_the_others_are_swept() {
    let mirrored = settled(60).await;
    let ids = live(&mirrored).await;
    let (refused, gone) = (&ids[0], &ids[1..3]);
    for id in gone {
        mirrored.world.simulator.remove(id).unwrap();
    }
    let truth = mirrored.truth();
    let others: Vec<&str> =
        truth.iter().filter(|(id, _)| *id != refused).map(|(_, text)| text.as_str()).collect();
    let refuse = || {
        let no = r#"{"meta":{"code":403,"message":"not this one"},"data":{}}"#;
        let path = format!("{TRACKINGS}/{refused}");
        mirrored.world.simulator.answer_next(Matcher::new("GET", &path), Answer::new(403, no));
    };
    mirrored.lists([page(&others)]);
    refuse();
    let report = mirrored.sync(FULL).await;
    let swept = report.swept.unwrap();
    assert_eq!((swept.nominated, swept.deleted, swept.refused), (3, 2, 1));
    let failing = async || mirrored.database().failing(&mirrored.connection).await.unwrap();
    let row = failing().await.pop().unwrap();
    assert_eq!((&row.id, row.tries, row.records), (refused, 1, 1));
    assert!(row.reason.contains("not this one"), "{}", row.reason);
    // Not at once again.
    assert_eq!(mirrored.sync(DUE).await.looked_up, 0);
    for tries in 2..=LOOK_UP_TRIES {
        pass(3 * HOUR).await;
        refuse();
        let report = mirrored.sync(DUE).await;
        assert_eq!((report.looked_up, report.refused), (1, 1), "{tries}");
    }
    assert!(failing().await.is_empty());
    let letter = mirrored.database().dead_letters(None).await.unwrap().pop().unwrap();
    assert_eq!((letter.id.as_ref(), letter.raw.as_str()), (Some(refused), ""));
    assert!(letter.reason.contains("not this one"), "{}", letter.reason);
    pass(3 * HOUR).await;
    assert_eq!(mirrored.sync(DUE).await.looked_up, 0);
    assert!(live(&mirrored).await.contains(refused), "what is not known to be gone stays");
    mirrored.assert_log().await;
}

/// One or two are at fault themselves; dozens are not.
#[tokio::test(start_paused = true)]
async fn many_that_are_refused_stop_the_sweep() {
    let mirrored = settled(60).await;
    let ids = live(&mirrored).await;
    mirrored.lists([page(&[])]);
    for id in ids.iter().skip(1) {
        let path = format!("{TRACKINGS}/{id}");
        let no = r#"{"meta":{"code":403,"message":"no"},"data":{}}"#;
        mirrored.world.simulator.answer_next(Matcher::new("GET", &path), Answer::new(403, no));
    }
    mirrored.world.simulator.remove(&ids[0]).unwrap();
    let error = mirrored.run(PullOptions { sweep_anyway: true, ..FULL }).await.unwrap_err();
    assert!(matches!(error, SyncError::Sweep(_)), "{error}");
    assert!(mirrored.changes_of(ChangeKind::Deleted).await.is_empty());
    mirrored.world.simulator.clear_answers();
}

/// `status` must not call good what fails each time.
#[tokio::test(start_paused = true)]
async fn a_look_up_that_fails_after_the_last_page_is_kept() {
    let mirrored = settled(20).await;
    let id = &live(&mirrored).await[0];
    let (database, connection) = (mirrored.database(), &mirrored.connection);
    let open = vec![(id.clone(), "tie".to_owned())];
    database.fail_look_ups(connection, OBJECT, open).await.unwrap();
    pass(HOUR).await;
    for answer in down() {
        let path = format!("{TRACKINGS}/{id}");
        mirrored.world.simulator.answer_next(Matcher::new("GET", &path), answer);
    }
    let error = mirrored.run(DUE).await.unwrap_err();
    assert!(matches!(error, SyncError::LookUp { .. }), "{error}");
    let row = mirrored.scan().await;
    assert_eq!((row.failures, row.lease, row.tainted), (1, None, false));
    assert!(row.error.unwrap().contains("down"));
    assert_eq!(mirrored.sync(DUE).await.looked_up, 1);
    assert_eq!((mirrored.scan().await.error, mirrored.scan().await.failures), (None, 0));
}

/// A gateway's page and an address that the provider does not know are no word about a record.
#[tokio::test(start_paused = true)]
async fn nothing_but_the_providers_own_word_removes_a_record() {
    let page_of = |status| {
        let html = "<html><body>Not found</body></html>";
        Answer::new(status, html).header("content-type", "text/html")
    };
    let address = r#"{"meta":{"code":404,"message":"The URI requested is invalid"},"data":{}}"#;
    let address = Answer::new(404, address).header("content-type", "application/json");
    for (answer, stops) in [(page_of(404), true), (page_of(410), true), (address, false)] {
        let mirrored = settled(40).await;
        let ids = live(&mirrored).await;
        let (hidden, gone) = (&ids[0], &ids[1]);
        mirrored.world.simulator.remove(gone).unwrap();
        let truth = mirrored.truth();
        let others = truth.iter().filter(|(id, _)| *id != hidden);
        let others: Vec<&str> = others.map(|(_, text)| text.as_str()).collect();
        mirrored.lists([page(&others)]);
        for _ in 0..4 {
            let path = format!("{TRACKINGS}/{hidden}");
            mirrored.world.simulator.answer_next(Matcher::new("GET", &path), answer.clone());
        }
        let ended = mirrored.run(FULL).await;
        assert_eq!(matches!(ended, Err(SyncError::Sweep(_))), stops, "{answer:?}");
        let deleted = mirrored.changes_of(ChangeKind::Deleted).await;
        assert_eq!(deleted.len(), usize::from(!stops), "{answer:?}");
        assert!(deleted.iter().all(|change| change.id == *gone), "{answer:?}");
        mirrored.world.simulator.clear_answers();
        pass(HOUR).await;
        mirrored.sync(DUE).await;
        assert!(live(&mirrored).await.contains(hidden), "{answer:?}");
        assert_eq!(mirrored.changes_of(ChangeKind::Deleted).await.len(), 1, "{answer:?}");
    }
}
