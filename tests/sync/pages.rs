//! Pages become records, changes and a position, together or not at all.

use aftership_simulator::Answer;
use host_harness::contract::types::DataRecord;
use host_harness::mirror::{
    Batch, ChangeKind, Derived, Mirror as _, MirroredRecord, ScanKind, Source,
};
use host_harness::runtime::ScanError;
use host_harness::sync::{PullOutcome, SyncError};

use super::mirrored::{DUE, FULL, HOUR, Mirrored, OBJECT, down, page, pass};

#[tokio::test(start_paused = true)]
async fn a_second_run_on_unchanged_data_writes_no_change() {
    let mirrored = Mirrored::of(45).await;
    let first = mirrored.sync(DUE).await;
    assert_eq!((first.kind, first.pages, first.records), (Some(ScanKind::Full), 5, 45));
    assert_eq!((first.applied.created, first.applied.unchanged), (45, 0));
    mirrored.assert_true().await;
    let moment = mirrored.database().moment(&mirrored.connection).await.unwrap();

    let again = mirrored.sync(FULL).await;
    assert_eq!((again.applied.newest, again.applied.unchanged), (0, 45));
    let changes = mirrored.sync(DUE).await;
    assert_eq!((changes.kind, changes.applied.newest), (Some(ScanKind::Incremental), 0));
    assert_eq!(mirrored.database().moment(&mirrored.connection).await.unwrap(), moment);
}

/// What is left out of a page because it is unchanged may change before the page is committed.
#[tokio::test(start_paused = true)]
async fn a_page_whose_records_change_meanwhile_is_prepared_anew() {
    let mirrored = Mirrored::of(25).await;
    mirrored.sync(DUE).await;
    let kept = mirrored.kept("checkpoints").await.len();
    let (database, connection) = (mirrored.database().clone(), mirrored.connection.clone());
    let records: Vec<DataRecord> = mirrored.kept(OBJECT).await.into_values().map(record).collect();
    let pull = mirrored.pull().told(move |_| {
        // While the next page waits to be committed, somebody derives by another component.
        let lists = vec![vec![]; records.len()];
        let derived = vec![Derived { object: "checkpoints".to_owned(), lists }];
        let records = records.clone();
        let batch = Batch::new(&connection, OBJECT, Source::Delivery, 0);
        let batch = Batch { records, derived, deriver: 1, ..batch };
        let database = database.clone();
        let elsewhere = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(database.apply(batch)).unwrap();
        });
        elsewhere.join().unwrap();
    });
    let PullOutcome::Done(report) = Box::pin(pull.run(&FULL)).await.unwrap() else { panic!() };
    assert_eq!((report.pages, report.applied.unchanged), (3, 25));
    // All but the last time that it did so.
    assert!(report.applied.derived > 0);
    mirrored.sync(FULL).await;
    assert_eq!(mirrored.kept("checkpoints").await.len(), kept);
}

fn record(kept: MirroredRecord) -> DataRecord {
    DataRecord {
        id: kept.id,
        updated_at: kept.updated_at,
        created_at: kept.created_at,
        version: None,
        data: kept.data,
    }
}

#[tokio::test(start_paused = true)]
async fn what_changed_is_read_and_nothing_else() {
    let mirrored = Mirrored::of(45).await;
    mirrored.sync(DUE).await;
    pass(HOUR).await;
    let ids: Vec<String> = mirrored.truth().into_keys().collect();
    mirrored.world.simulator.update(&ids[7], r#"{"title":"new","note":"b"}"#).unwrap();
    mirrored.world.create("1Z12345E0205271688", "ups").await;
    pass(120).await;
    let report = mirrored.sync(DUE).await;
    assert_eq!((report.kind, report.records), (Some(ScanKind::Incremental), 2));
    assert_eq!((report.applied.created, report.applied.updated, report.outside), (1, 1, 0));
    mirrored.assert_true().await;
    let updated = mirrored.changes_of(ChangeKind::Updated).await;
    assert_eq!(updated[0].members, ["note", "title", "updated_at"]);
}

#[tokio::test(start_paused = true)]
async fn a_scan_goes_on_where_it_was_cut() {
    let mirrored = Mirrored::of(45).await;
    mirrored.lists([Answer::real(), Answer::real()].into_iter().chain(down()));
    let error = mirrored.run(DUE).await.unwrap_err();
    assert!(matches!(error, SyncError::Scan(ScanError::Call(_))), "{error}");
    let row = mirrored.scan().await;
    assert_eq!((row.pages, row.running, row.failures, row.tainted), (2, true, 1, true));
    assert!(row.error.unwrap().contains("down") && row.lease.is_none());

    let rest = mirrored.sync(DUE).await;
    assert!(rest.resumed);
    assert_eq!((rest.kind, rest.pages, rest.records), (Some(ScanKind::Full), 3, 25));
    // After an error nothing that it did not see is doubted.
    assert_eq!(rest.swept, None);
    mirrored.assert_true().await;
    assert_eq!(mirrored.scan().await.error, None);
}

#[tokio::test(start_paused = true)]
async fn an_expired_cursor_begins_anew_and_loses_nothing() {
    let mirrored = Mirrored::of(45).await;
    mirrored.lists([Answer::real(), Answer::real()].into_iter().chain(down()));
    mirrored.run(DUE).await.unwrap_err();
    pass(25 * HOUR).await;
    let report = mirrored.sync(DUE).await;
    assert_eq!((report.restarts, report.pages), (1, 5));
    assert_eq!((report.applied.created, report.applied.unchanged), (25, 20));
    assert!(report.swept.is_some());
    mirrored.assert_true().await;
}

#[tokio::test(start_paused = true)]
async fn cursors_that_always_expire_stop_the_scan() {
    let refused = || Answer::new(400, r#"{"meta":{"code":4006,"message":"cursor"},"data":{}}"#);
    let mirrored = Mirrored::of(45).await;
    let always = std::iter::repeat_with(|| [Answer::real(), refused()]).take(4).flatten();
    mirrored.lists(always);
    let error = mirrored.run(DUE).await.unwrap_err();
    assert!(matches!(error, SyncError::GotNoFurther(3)), "{error}");
    let kept = mirrored.kept(OBJECT).await;
    assert_eq!(kept.len(), 10);
    mirrored.sync(DUE).await;
    mirrored.assert_true().await;
}

#[tokio::test(start_paused = true)]
async fn drift_is_told_once_ever_and_stops_nothing() {
    let mut mirrored = Mirrored::of(5).await;
    let ids: Vec<String> = mirrored.truth().into_keys().collect();
    for (id, changes) in ids.iter().zip([
        r#"{"parcel_locker":{"row":1},"note":7}"#,
        r#"{"parcel_locker":{"row":2},"note":8,"shipment_weight":{"unit":"kg","gross":1}}"#,
    ]) {
        mirrored.world.simulator.update(id, changes).unwrap();
    }
    mirrored.sync(DUE).await;
    let drift = mirrored.changes_of(ChangeKind::Drift).await;
    assert_eq!(drift.len(), 1);
    assert_eq!(drift[0].members, ["/note", "/parcel_locker", "/shipment_weight/gross"]);
    mirrored.assert_true().await;
    mirrored.reopen();
    mirrored.world.simulator.update(&ids[3], r#"{"note":9,"title":false}"#).unwrap();
    mirrored.sync(FULL).await;
    let drift = mirrored.changes_of(ChangeKind::Drift).await;
    assert_eq!(drift.len(), 2);
    assert_eq!(drift[1].members, ["/title"]);
    mirrored.assert_true().await;
}

/// Providers are known to ignore filters on times.
#[tokio::test(start_paused = true)]
async fn what_lies_outside_the_window_is_kept_and_counted() {
    let mirrored = Mirrored::of(5).await;
    mirrored.sync(DUE).await;
    pass(HOUR).await;
    let (id, _) = mirrored.truth().pop_first().unwrap();
    mirrored.world.simulator.update(&id, r#"{"title":"a"}"#).unwrap();
    pass(3 * HOUR).await;
    mirrored.sync(DUE).await;
    let truth = mirrored.truth();
    let all: Vec<&str> = truth.values().map(String::as_str).collect();
    mirrored.lists([page(&all)]);
    let report = mirrored.sync(DUE).await;
    assert_eq!((report.records, report.outside, report.applied.unchanged), (5, 5, 5));
    assert_eq!(mirrored.scan().await.outside, 5);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_set_aside_and_the_page_goes_on() {
    let mirrored = Mirrored::of(3).await;
    let truth = mirrored.truth();
    let mut all: Vec<&str> = truth.values().map(String::as_str).collect();
    all.insert(1, r#"{"slug":"ups","tracking_number":"X"}"#);
    mirrored.lists([page(&all)]);
    let report = mirrored.sync(DUE).await;
    assert_eq!((report.records, report.applied.unreadable), (3, 1));
    let letters = mirrored.database().dead_letters(None).await.unwrap();
    assert!(letters[0].raw.contains(r#""tracking_number":"X""#), "{letters:?}");
    mirrored.assert_true().await;
    mirrored.lists([page(&all)]);
    assert_eq!(mirrored.sync(FULL).await.applied.unreadable, 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_large_is_asked_for_in_smaller_pages() {
    let mirrored = Mirrored::of(300).await;
    let many: Vec<String> = mirrored.truth().into_keys().collect();
    let long = "x".repeat(70_000);
    for id in &many {
        mirrored.world.simulator.update(id, &format!(r#"{{"note":"{long}"}}"#)).unwrap();
    }
    let wish = host_harness::sync::PullOptions { page_size: None, ..FULL };
    let report = mirrored.sync(wish).await;
    assert_eq!((report.pages, report.records), (3, 300));
    mirrored.assert_true().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_scan_without_news_stops() {
    let mirrored = Mirrored::of(3).await;
    let truth = mirrored.truth();
    let all: Vec<&str> = truth.values().map(String::as_str).collect();
    let turning = (0..30).map(|number| {
        let body = format!(
            r#"{{"meta":{{"code":200}},"data":{{"pagination":{{"total":3,"next_cursor":"c{number}","has_next_page":true}},"trackings":[{}]}}}}"#,
            all.join(",")
        );
        Answer::new(200, body).header("content-type", "application/json")
    });
    mirrored.lists(turning);
    let error = mirrored.run(DUE).await.unwrap_err();
    assert!(matches!(error, SyncError::NothingNew(10)), "{error}");
    mirrored.world.simulator.clear_answers();
    let report = mirrored.sync(DUE).await;
    assert!(!report.resumed);
    mirrored.assert_true().await;
}
