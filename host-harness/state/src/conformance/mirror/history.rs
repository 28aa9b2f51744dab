//! What records were before.

use super::*;
use crate::conformance::outbox::forward;
use crate::mirror::history::{KEPT, TRIM_EVERY};
use crate::mirror::{ChangeKind, Content, HistoryRow};

const DAY_S: u64 = 24 * 60 * 60;

async fn history(mirror: &Arc<dyn State>, id: &str) -> Vec<HistoryRow> {
    mirror.history(WHOSE, OBJECT, id, 999).await.unwrap()
}

fn text(data: &str) -> Content {
    Content::Text(data.to_owned())
}

/// Changes of a record, newest first, each with the contents that it is between.
fn told(rows: &[HistoryRow]) -> Vec<(ChangeKind, &Content, &Content)> {
    rows.iter().map(|row| (row.change.kind, &row.before, &row.after)).collect()
}

async fn maintain(mirror: &Arc<dyn State>) {
    while mirror.maintain().await.unwrap() {}
}

pub async fn a_record_is_followed_back_to_where_it_began(database: &impl Database) {
    let mirror = mirror(database).await;
    let versions = ["{\"n\":0.70,\"é\":1}", "{\"n\":0.7}", ""];
    arrive(&mirror, Source::Page, vec![record("1", 0, versions[0]), record("2", 0, "[]")]).await;
    arrive(&mirror, Source::Delivery, vec![record("1", 1, versions[1])]).await;
    // Two versions in one batch.
    let both = vec![record("1", 2, versions[2]), record("1", 3, versions[0])];
    arrive(&mirror, Source::Ours, both).await;
    let aged = Batch { aged_out: vec!["1".to_owned()], ..batch(&mirror, Source::Lookup).await };
    mirror.apply(aged).await.unwrap();
    arrive(&mirror, Source::Page, vec![record("1", 4, versions[0])]).await;
    gone(&mirror, Source::Lookup, &["1"]).await;
    arrive(&mirror, Source::Lookup, vec![record("1", 5, versions[1])]).await;
    let rows = history(&database.open(), "1").await;
    let [first, second, third] = versions.map(text);
    let (created, updated) = (ChangeKind::Created, ChangeKind::Updated);
    assert_eq!(
        told(&rows),
        [
            (created, &Content::Absent, &second),
            (ChangeKind::Deleted, &first, &Content::Absent),
            (updated, &first, &first),
            (ChangeKind::AgedOut, &first, &first),
            (updated, &third, &first),
            (updated, &second, &third),
            (updated, &first, &second),
            (created, &Content::Absent, &first),
        ]
    );
    let by: Vec<_> = rows.iter().rev().map(|row| row.change.source.unwrap()).collect();
    let (page, look_up, ours) = (Source::Page, Source::Lookup, Source::Ours);
    assert_eq!(by, [page, Source::Delivery, ours, ours, look_up, page, look_up, look_up]);
    // They are those of the log.
    let log = mirror.changes(WHOSE, 0, 99).await.unwrap();
    let of_one: Vec<_> = log.into_iter().filter(|row| row.id == "1").rev().collect();
    assert_eq!(rows.iter().map(|row| row.change.clone()).collect::<Vec<_>>(), of_one);
    assert_eq!(mirror.history(WHOSE, OBJECT, "1", 2).await.unwrap(), rows[..2]);
    assert_eq!(told(&history(&mirror, "2").await), [(created, &Content::Absent, &text("[]"))]);
    assert_eq!(history(&mirror, "3").await, []);
    assert_eq!(mirror.history("id-of-b", OBJECT, "1", 9).await.unwrap(), []);
    // What was never here has no history.
    gone(&mirror, Source::Lookup, &["4"]).await;
    assert_eq!(history(&mirror, "4").await, []);
}

pub async fn the_newest_versions_of_a_record_are_kept(database: &impl Database) {
    let mirror = mirror(database).await;
    let all = KEPT + 2 * TRIM_EVERY + 5;
    for version in 0..all {
        let data = format!("{{\"n\":{version}}}");
        let records = vec![record("1", i64::from(version), &data), record("2", 0, "[]")];
        arrive(&mirror, Source::Page, records).await;
    }
    let rows = history(&mirror, "1").await;
    assert_eq!(rows.len(), all as usize);
    let kept = rows.iter().take_while(|row| row.before != Content::NotKept).count() as u32;
    assert!((KEPT..KEPT + TRIM_EVERY).contains(&kept), "{kept}");
    for (row, version) in rows.iter().take(kept as usize).zip((0..all).rev()) {
        assert_eq!(row.after, text(&format!("{{\"n\":{version}}}")));
    }
    // Of older ones, what differed is known yet.
    let old = &rows[kept as usize + 1];
    assert_eq!((&old.before, &old.after), (&Content::NotKept, &Content::NotKept));
    assert_eq!(old.change.members, ["n"]);
    let first = rows.last().unwrap();
    assert_eq!((&first.before, &first.after), (&Content::Absent, &Content::NotKept));
}

pub async fn versions_are_forgotten_in_time(database: &impl Database) {
    let mirror = mirror(database).await;
    mirror.commit(vec![Change::PutConnection(connection("b"))]).await.unwrap();
    for version in 0..3 {
        arrive(&mirror, Source::Page, vec![record("1", version, &format!("[{version}]"))]).await;
        pass(DAY_S).await;
    }
    // The log stays for somebody who reads it slowly.
    for _ in 0..3 {
        pass(9 * DAY_S).await;
        mirror.set_position("reader", WHOSE, 1).await.unwrap();
        maintain(&mirror).await;
    }
    // Those of the 2nd and 3rd change were replaced 29 and 28 days ago.
    assert!(history(&mirror, "1").await.iter().all(|row| row.before != Content::NotKept));
    pass(DAY_S * 3 / 2).await;
    maintain(&mirror).await;
    let rows = history(&mirror, "1").await;
    assert_eq!(rows.len(), 2);
    assert_eq!(told(&rows)[0], (ChangeKind::Updated, &text("[1]"), &text("[2]")));
    assert_eq!((&rows[1].before, &rows[1].after), (&Content::NotKept, &text("[1]")));
}

/// Within seven days nothing tells what a record was that was removed, and what it held.
pub async fn what_was_removed_is_forgotten_within_a_week(database: &impl Database) {
    let mirror = mirror(database).await;
    mirror.put_forward(forward("one")).await.unwrap();
    for version in 0..2 {
        let line = record("1/a", version, &format!("[\"held {version}\"]"));
        let data = format!("[\"secret {version}\"]");
        let records = vec![record("1", version, &data), record("2", version, &data)];
        let lists = vec![vec![line], vec![]];
        let derived = vec![Derived { object: "lines".to_owned(), lists }];
        let batch = Batch { records, derived, ..batch(&mirror, Source::Page).await };
        mirror.apply(batch).await.unwrap();
    }
    gone(&mirror, Source::Lookup, &["1"]).await;
    for day in 0..7 {
        maintain(&mirror).await;
        if day < 6 {
            let rows = history(&mirror, "1").await;
            assert_eq!(rows[0].before, text("[\"secret 1\"]"), "{day}");
        }
        pass(DAY_S).await;
    }
    let rows = history(&mirror, "1").await;
    assert_eq!(rows.len(), 3);
    let is_known = |row: &HistoryRow| matches!(row.before, Content::Text(_));
    assert!(!rows.iter().any(is_known), "{rows:?}");
    // Nor is it there to be forwarded; other records are.
    let outgoing = mirror.find_work(&forward("one").id, 99).await.unwrap().pending;
    assert_eq!(outgoing.len(), 8);
    for one in outgoing {
        let is_other = one.change.id == "2";
        assert_eq!(one.after.is_some(), is_other, "{one:?}");
        assert!(is_other || one.before.is_none(), "{one:?}");
    }
    assert!(history(&mirror, "2").await.iter().any(is_known));
}

pub async fn a_reset_forgets_what_records_were(database: &impl Database) {
    let mirror = mirror(database).await;
    for version in 0..3 {
        let data = format!("[{version}]");
        let records = vec![record("1", version, &data), record("2", version, &data)];
        arrive(&mirror, Source::Page, records).await;
    }
    mirror.reset(WHOSE, OBJECT).await.unwrap();
    assert_eq!(history(&mirror, "1").await, []);
    maintain(&mirror).await;
    arrive(&mirror, Source::Page, vec![record("1", 9, "[9]")]).await;
    let rows = history(&mirror, "1").await;
    assert_eq!(told(&rows), [(ChangeKind::Created, &Content::Absent, &text("[9]"))]);
}

/// The versions of their holders hold them.
pub async fn derived_records_have_changes_without_contents(database: &impl Database) {
    let mirror = mirror(database).await;
    for version in 0..2 {
        let line = record("1/a", version, &format!("[\"line {version}\"]"));
        let derived = vec![Derived { object: "lines".to_owned(), lists: vec![vec![line]] }];
        let records = vec![record("1", version, &version.to_string())];
        let batch = Batch { records, derived, ..batch(&mirror, Source::Page).await };
        mirror.apply(batch).await.unwrap();
    }
    let rows = mirror.history(WHOSE, "lines", "1/a", 9).await.unwrap();
    let line = text("[\"line 1\"]");
    let (created, updated) = (ChangeKind::Created, ChangeKind::Updated);
    let not_kept = &Content::NotKept;
    assert_eq!(told(&rows), [(updated, not_kept, &line), (created, &Content::Absent, not_kept)]);
}
