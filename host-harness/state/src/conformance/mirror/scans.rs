//! Scans: positions, leases, what was seen.

use super::*;
use crate::StoreError;
use crate::mirror::{Mirror, Unreadable};

pub async fn a_page_and_its_cursor_are_one(database: &impl Database) {
    let mirror = mirror(database).await;
    let begun = begin(&mirror, ScanKind::Incremental).await;
    let (one, two) = (record("1", 0, "[1]"), record("2", 0, "[2]"));
    let mut batch = page(&mirror, &begun, vec![one], Some("c1")).await;
    let step = batch.step.as_mut().unwrap();
    (step.outside, step.wait_ms) = (1, Some(7));
    mirror.apply(batch).await.unwrap();
    let row = scan(&database.open()).await;
    let went = ScanRow {
        cursor: Some("c1".to_owned()),
        not_before_ms: Some(now_ms(0) + 7),
        pages: 1,
        records: 1,
        outside: 1,
        // As long as the provider is waited for, and then some.
        lease: Some(Lease { attempt: "attempt-1".to_owned(), until_ms: now_ms(0) + 9 }),
        ..begun.clone()
    };
    assert_eq!(row, went);
    // Whoever takes it over goes on there.
    let fails = |row: &ScanRow, _: u64| {
        Some(ScanRow {
            error: Some("no".to_owned()),
            failures: 3,
            retry_ms: Some(9),
            ..row.clone()
        })
    };
    mirror.change_scan(WHOSE, OBJECT, Box::new(fails)).await.unwrap();
    pass(60).await;
    let batch = page(&mirror, &begun, vec![two], None).await;
    mirror.apply(batch.clone()).await.unwrap();
    let row = scan(&mirror).await;
    let ended = ScanRow {
        running: false,
        cursor: None,
        not_before_ms: None,
        pages: 2,
        records: 2,
        bookmark: Some("bookmark-1".to_owned()),
        completed_ms: Some(now_ms(60)),
        lease: Some(Lease { attempt: "attempt-1".to_owned(), until_ms: now_ms(60) + 2 }),
        ..went
    };
    assert_eq!(row, ended);
    // It is over.
    let superseded = StoreError::Superseded { object: OBJECT.to_owned() };
    assert_eq!(mirror.apply(batch).await, Err(superseded));
    assert_eq!(mirror.count(WHOSE, OBJECT).await.unwrap(), (2, 0, 0));
}

pub async fn a_lost_lease_commits_nothing(database: &impl Database) {
    let mirror = mirror(database).await;
    let superseded = Err(StoreError::Superseded { object: OBJECT.to_owned() });
    let records = vec![record("1", 0, "[1]")];
    let none = ScanRow { scan: 1, ..ScanRow::new(WHOSE, OBJECT) };
    let batch = page(&mirror, &none, records.clone(), Some("c1")).await;
    assert_eq!(mirror.apply(batch).await, superseded);
    let first = begin(&mirror, ScanKind::Full).await;
    let stale = page(&mirror, &first, records.clone(), Some("c1")).await;
    let taken = |row: &ScanRow, _: u64| {
        let lease = Some(Lease { attempt: "other".to_owned(), until_ms: 9 });
        Some(ScanRow { lease, ..row.clone() })
    };
    let taken = mirror.change_scan(WHOSE, OBJECT, Box::new(taken)).await.unwrap();
    assert_eq!(mirror.apply(stale.clone()).await, superseded);
    begin(&mirror, ScanKind::Full).await;
    assert_eq!(mirror.apply(stale).await, superseded);
    assert_eq!((taken.cursor, mirror.count(WHOSE, OBJECT).await.unwrap()), (None, (0, 0, 0)));
    assert_eq!(mirror.moment(WHOSE).await.unwrap(), 0);
}

pub async fn a_full_scan_tells_what_it_did_not_see(database: &impl Database) {
    let mirror = mirror(database).await;
    let records: Vec<_> = (0..6).map(|id| record(&id.to_string(), 0, "[]")).collect();
    arrive(&mirror, Source::Page, records.clone()).await;
    gone(&mirror, Source::Lookup, &["5"]).await;
    for number in 1..3 {
        let begun = begin(&mirror, ScanKind::Full).await;
        let unreadable = |id: Option<&str>| Unreadable {
            id: id.map(str::to_owned),
            raw: format!("{id:?}"),
            reason: "odd".to_owned(),
        };
        let mut first = page(&mirror, &begun, records[..2].to_vec(), Some("c")).await;
        // It is there, though it cannot be read.
        first.unreadable = vec![unreadable(Some("3")), unreadable(None)];
        let again = first.clone();
        let applied = mirror.apply(first).await.unwrap();
        assert_eq!((applied.unseen, applied.unchanged), (4, 2), "{number}");
        assert_eq!(mirror.apply(again).await.unwrap().unseen, 0);
        assert_eq!(scan(&mirror).await.sweep, (number == 2).then_some(1));
        let last = page(&mirror, &begun, vec![], None).await;
        mirror.apply(last).await.unwrap();
        let ids = async |after, limit| {
            let rows = Mirror::unseen(&*mirror, WHOSE, OBJECT, number, after, limit).await.unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(None, 9).await, ["2", "4"]);
        assert_eq!(ids(None, 1).await, ["2"]);
        assert_eq!(ids(Some("2"), 9).await, ["4"]);
        assert_eq!(mirror.count_unseen(WHOSE, OBJECT, number).await.unwrap(), (2, 5));
        let row = scan(&mirror).await;
        assert_eq!((row.sweep, row.full_ms), (Some(number), Some(now_ms(0))));
        // The sweep is done under the same lease.
        assert!(row.lease.is_some() && !row.running);
    }
    // Other scans see nothing.
    let begun = begin(&mirror, ScanKind::Overlap).await;
    let batch = page(&mirror, &begun, records, None).await;
    assert_eq!(mirror.apply(batch).await.unwrap().unseen, 0);
    assert_eq!(mirror.count_unseen(WHOSE, OBJECT, 2).await.unwrap(), (2, 5));
    let row = scan(&mirror).await;
    assert_eq!((row.overlap_ms, row.sweep), (Some(now_ms(0)), Some(2)));
}

pub async fn a_tainted_scan_sweeps_nothing(database: &impl Database) {
    let mirror = mirror(database).await;
    let begun = begin(&mirror, ScanKind::Full).await;
    let taint = |row: &ScanRow, _: u64| Some(ScanRow { tainted: true, ..row.clone() });
    mirror.change_scan(WHOSE, OBJECT, Box::new(taint)).await.unwrap();
    mirror.apply(page(&mirror, &begun, vec![], None).await).await.unwrap();
    let row = scan(&mirror).await;
    assert_eq!((row.sweep, row.full_ms), (None, Some(now_ms(0))));
}

pub async fn bookmarks_are_kept_by_the_hour(database: &impl Database) {
    let mirror = mirror(database).await;
    let hour = 3_600;
    let before =
        async |age_s: u64| mirror.bookmark_before(WHOSE, OBJECT, age_s * 1_000).await.unwrap();
    let complete = async || {
        let begun = begin(&mirror, ScanKind::Incremental).await;
        mirror.apply(page(&mirror, &begun, vec![], None).await).await.unwrap();
        Some(format!("bookmark-{}", begun.scan))
    };
    assert_eq!(before(0).await, None);
    let first = complete().await;
    pass(hour / 2).await;
    let second = complete().await;
    assert_eq!(scan(&mirror).await.bookmark, second);
    pass(hour / 2).await;
    let third = complete().await;
    assert_eq!((before(hour).await, before(1).await), (first.clone(), first));
    assert_eq!((before(0).await, before(hour + 1).await), (third, None));
    // Of the old ones, the newest stays.
    pass(20 * 24 * hour).await;
    let last = complete().await;
    assert_eq!(before(20 * 24 * hour + 1).await, None);
    assert_eq!(before(24 * hour).await.as_deref(), Some("bookmark-3"));
    assert_eq!(before(0).await, last);
}

/// Each of 32 tasks in two processes wants to scan.
pub async fn one_of_many_gets_a_lease(database: &impl Database) {
    let mirrors = [mirror(database).await, database.open()];
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let mirror = Arc::clone(&mirrors[task % 2]);
            tokio::spawn(async move {
                let attempt = format!("task-{task}");
                let mine = attempt.clone();
                let take = move |row: &ScanRow, _: u64| {
                    let lease = Some(Lease { attempt: attempt.clone(), until_ms: 1 });
                    row.lease.is_none().then(|| ScanRow { running: true, lease, ..row.clone() })
                };
                let row = mirror.change_scan(WHOSE, OBJECT, Box::new(take)).await.unwrap();
                row.lease.is_some_and(|lease| lease.attempt == mine)
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        won += u32::from(task.await.unwrap());
    }
    assert_eq!(won, 1);
}
