//! Bookmarks that are of no use cost a scan and lose nothing.

use host_harness::mirror::{Mirror as _, ScanKind, ScanRow};

use super::mirrored::{DUE, HOUR, Mirrored, OBJECT, pass};

pub async fn put(mirrored: &Mirrored, bookmark: &str) {
    let bookmark = Some(bookmark.to_owned());
    let change =
        move |row: &ScanRow, _: u64| Some(ScanRow { bookmark: bookmark.clone(), ..row.clone() });
    let database = mirrored.database();
    database.change_scan(&mirrored.connection, OBJECT, Box::new(change)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_corrupt_or_foreign_bookmark_is_dropped_for_an_older_one() {
    let mirrored = Mirrored::of(25).await;
    mirrored.sync(DUE).await;
    let foreign = r#"{"v":1,"object":"orders","until":"2026-11-22T09:29:00+00:00","filter":"7"}"#;
    for bookmark in ["", "garbage", r#"{"v":9}"#, foreign] {
        pass(HOUR).await;
        let (id, _) = mirrored.truth().pop_last().unwrap();
        mirrored.world.simulator.touch(&id).unwrap();
        pass(120).await;
        put(&mirrored, bookmark).await;
        let report = mirrored.sync(DUE).await;
        assert_eq!((report.kind, report.restarts), (Some(ScanKind::Overlap), 1), "{bookmark}");
        mirrored.assert_true().await;
        let next = mirrored.sync(DUE).await;
        assert_eq!(next.kind, Some(ScanKind::Incremental));
    }
}

#[tokio::test(start_paused = true)]
async fn a_bookmark_of_the_future_is_dropped_and_that_is_said_once() {
    let mirrored = Mirrored::of(25).await;
    mirrored.sync(DUE).await;
    pass(HOUR).await;
    let (id, _) = mirrored.truth().pop_first().unwrap();
    mirrored.world.simulator.touch(&id).unwrap();
    pass(120).await;
    let good = mirrored.scan().await.bookmark.unwrap();
    put(&mirrored, &good.replace("2026-11", "2027-11")).await;
    let report = mirrored.sync(DUE).await;
    assert_eq!((report.kind, report.restarts), (Some(ScanKind::Overlap), 1));
    assert!(report.restarted.unwrap().contains("in the future"));
    mirrored.assert_true().await;
    let next = mirrored.sync(DUE).await;
    assert_eq!((next.kind, next.restarted), (Some(ScanKind::Incremental), None));
}

#[tokio::test(start_paused = true)]
async fn once_a_day_three_days_are_read_again_and_once_a_week_everything() {
    let mirrored = Mirrored::of(25).await;
    let mut kinds = vec![mirrored.sync(DUE).await.kind.unwrap()];
    for _ in 0..(8 * 4) {
        pass(6 * HOUR).await;
        kinds.push(mirrored.sync(DUE).await.kind.unwrap());
    }
    let at = |wanted: ScanKind| {
        let kinds = kinds.iter().enumerate().filter(move |(_, kind)| **kind == wanted);
        kinds.map(|(run, _)| run).collect::<Vec<_>>()
    };
    assert_eq!(at(ScanKind::Full), [0, 28]);
    assert_eq!(at(ScanKind::Overlap), [4, 8, 12, 16, 20, 24, 32]);
}

/// What a list showed too late for the usual overlap of minutes.
#[tokio::test(start_paused = true)]
async fn the_daily_overlap_finds_what_came_late() {
    let mirrored = Mirrored::of(25).await;
    mirrored.sync(DUE).await;
    pass(20 * HOUR).await;
    let (id, _) = mirrored.truth().pop_last().unwrap();
    let at = r#"{"title":"late","updated_at":"2026-11-23T01:00:00+00:00"}"#;
    mirrored.sync(DUE).await;
    // It is of seven hours ago.
    mirrored.world.simulator.update(&id, at).unwrap();
    pass(HOUR).await;
    assert_eq!(mirrored.sync(DUE).await.applied.updated, 0);
    pass(4 * HOUR).await;
    let report = mirrored.sync(DUE).await;
    assert_eq!((report.kind, report.applied.updated), (Some(ScanKind::Overlap), 1));
}
