//! Derived records and their holders.

use super::*;
use crate::mirror::{ChangeKind, RecordState};

const LINES: &str = "lines";

fn lines(lists: &[&[(&str, &str)]]) -> Vec<Derived> {
    let line = |(id, data): &(&str, &str)| record(id, 10, data);
    let lists = lists.iter().map(|list| list.iter().map(line).collect()).collect();
    vec![Derived { object: LINES.to_owned(), lists }]
}

async fn held(mirror: &Arc<dyn State>) -> Vec<(String, String, Option<String>)> {
    let rows = mirror.records(WHOSE, LINES, None, 99).await.unwrap();
    rows.into_iter().map(|row| (row.id, row.data, row.holder)).collect()
}

fn line(id: &str, data: &str, holder: &str) -> (String, String, Option<String>) {
    (id.to_owned(), data.to_owned(), Some(holder.to_owned()))
}

pub async fn derived_records_follow_their_holders(database: &impl Database) {
    let mirror = mirror(database).await;
    let first = Batch {
        records: vec![record("1", 10, "[1]"), record("2", 10, "[2]")],
        derived: lines(&[&[("1/a", "a"), ("1/b", "b")], &[("2/a", "a")]]),
        ..batch(&mirror, Source::Page).await
    };
    let applied = mirror.apply(first.clone()).await.unwrap();
    assert_eq!((applied.created, applied.derived, applied.newest), (2, 3, 5));
    let applied = mirror.apply(first).await.unwrap();
    assert_eq!(applied, Applied { unchanged: 2, ..Applied::default() });
    let second = Batch {
        records: vec![record("2", 11, "[2, 2]"), record("1", 11, "[1, 1]")],
        derived: lines(&[&[("2/a", "a"), ("2/b", "b")], &[("1/b", "B")]]),
        ..batch(&mirror, Source::Page).await
    };
    let applied = mirror.apply(second).await.unwrap();
    assert_eq!((applied.updated, applied.derived), (2, 3));
    let all = [line("1/b", "B", "1"), line("2/a", "a", "2"), line("2/b", "b", "2")];
    assert_eq!(held(&mirror).await, all);
    let changes = mirror.changes(None, 5, 99).await.unwrap();
    let told = |object: &str, id: &str, kind| {
        changes.iter().any(|row| row.object == object && row.id == id && row.kind == kind)
    };
    assert!(told(LINES, "1/a", ChangeKind::Deleted) && told(LINES, "1/b", ChangeKind::Updated));
    assert!(told(LINES, "2/b", ChangeKind::Created) && changes.len() == 5);
    // An older and an undecided holder change nothing.
    let third = Batch {
        records: vec![record("1", 9, "[0]"), record("2", 11, "[2, 3]")],
        derived: lines(&[&[], &[]]),
        ..batch(&mirror, Source::Delivery).await
    };
    let applied = mirror.apply(third).await.unwrap();
    assert_eq!((applied.stale, applied.look_up, applied.derived), (1, vec!["2".to_owned()], 0));
    assert_eq!(held(&mirror).await, all);
}

pub async fn derived_records_go_with_their_holders(database: &impl Database) {
    let mirror = mirror(database).await;
    let first = Batch {
        records: vec![record("1", 0, "[1]"), record("2", 0, "[2]")],
        derived: lines(&[&[("1/a", "a")], &[("2/a", "a")]]),
        ..batch(&mirror, Source::Lookup).await
    };
    mirror.apply(first.clone()).await.unwrap();
    let applied = gone(&mirror, Source::Lookup, &["1"]).await;
    assert_eq!((applied.deleted, applied.derived), (1, 1));
    assert_eq!(mirror.count(WHOSE, LINES).await.unwrap(), (1, 0, 1));
    let aged_out = vec!["2".to_owned()];
    let batch = Batch { aged_out, ..batch(&mirror, Source::Page).await };
    let applied = mirror.apply(batch).await.unwrap();
    assert_eq!((applied.aged_out, applied.derived), (1, 1));
    assert_eq!(mirror.count(WHOSE, LINES).await.unwrap(), (0, 1, 1));
    // Back, with what they hold.
    pass(1_000).await;
    let asked = mirror.moment().await.unwrap();
    mirror.apply(Batch { asked, ..first.clone() }).await.unwrap();
    mirror.apply(Batch { asked, source: Source::Page, ..first }).await.unwrap();
    assert_eq!(mirror.count(WHOSE, LINES).await.unwrap(), (2, 0, 0));
    let row = mirror.record(WHOSE, LINES, "1/a").await.unwrap().unwrap();
    assert_eq!((row.state, row.holder.as_deref()), (RecordState::Live, Some("1")));
    // Whose object is forgotten, theirs is.
    mirror.reset(WHOSE, OBJECT).await.unwrap();
    assert_eq!(mirror.count(WHOSE, LINES).await.unwrap(), (0, 0, 0));
}
