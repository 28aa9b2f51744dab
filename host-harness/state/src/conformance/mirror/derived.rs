//! Derived records and their holders.

use super::*;
use crate::StoreError;
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
    let changes = mirror.changes(WHOSE, 5, 99).await.unwrap();
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
    assert_eq!(mirror.count(WHOSE, LINES).await.unwrap(), (1, 0, 0));
    let aged_out = vec!["2".to_owned()];
    let batch = Batch { aged_out, ..batch(&mirror, Source::Page).await };
    let applied = mirror.apply(batch).await.unwrap();
    assert_eq!((applied.aged_out, applied.derived), (1, 1));
    assert_eq!(mirror.count(WHOSE, LINES).await.unwrap(), (0, 1, 0));
    // Back, with what they hold.
    pass(1_000).await;
    let asked = mirror.moment(WHOSE).await.unwrap();
    mirror.apply(Batch { asked, ..first.clone() }).await.unwrap();
    mirror.apply(Batch { asked, source: Source::Page, ..first }).await.unwrap();
    assert_eq!(mirror.count(WHOSE, LINES).await.unwrap(), (2, 0, 0));
    let row = mirror.record(WHOSE, LINES, "1/a").await.unwrap().unwrap();
    assert_eq!((row.state, row.holder.as_deref()), (RecordState::Live, Some("1")));
    // Of one that is gone nothing is kept but the change.
    assert_eq!(mirror.record(WHOSE, LINES, "1/z").await.unwrap(), None);
    // Whose object is forgotten, theirs is.
    mirror.reset(WHOSE, OBJECT).await.unwrap();
    assert_eq!(mirror.count(WHOSE, LINES).await.unwrap(), (0, 0, 0));
}

/// A page that is read again brings nothing: what is unchanged is known before it is derived. Another
/// component may derive something else of the same record.
pub async fn what_is_unchanged_is_known_before_it_is_derived(database: &impl Database) {
    let mirror = mirror(database).await;
    let first = Batch {
        records: vec![record("1", 0, "[1]"), record("2", 0, "[2]")],
        derived: lines(&[&[("1/a", "[]")], &[]]),
        deriver: 7,
        ..batch(&mirror, Source::Page).await
    };
    let versions = || {
        let hash = |data: &str| crate::mirror::hash_of(data);
        vec![
            ("1".to_owned(), hash("[1]")),
            ("2".to_owned(), hash("[3]")),
            ("3".to_owned(), hash("[]")),
        ]
    };
    let unchanged =
        async |deriver| mirror.unchanged(WHOSE, OBJECT, deriver, versions()).await.unwrap();
    assert_eq!(unchanged(7).await, [false; 3]);
    mirror.apply(first.clone()).await.unwrap();
    assert_eq!(unchanged(7).await, [true, false, false]);
    assert_eq!(unchanged(8).await, [false; 3]);
    // What was not derived is left as it is.
    let (derived, underived) = (lines(&[&[], &[]]), [0, 1].into());
    let again = Batch { derived, underived, ..first.clone() };
    let applied = mirror.apply(again.clone()).await.unwrap();
    assert_eq!(applied, Applied { unchanged: 2, ..Applied::default() });
    assert_eq!(held(&mirror).await, [line("1/a", "[]", "1")]);
    // Unless it changed meanwhile, or is of another component.
    let refused = Err(StoreError::ChangedMeanwhile { object: OBJECT.to_owned() });
    let changed =
        Batch { records: vec![record("1", 5, "[5]"), record("2", 0, "[2]")], ..again.clone() };
    assert_eq!(mirror.apply(changed).await, refused);
    assert_eq!(mirror.apply(Batch { deriver: 8, ..again }).await, refused);
    let derived = lines(&[&[("1/a", "[]"), ("1/b", "[]")], &[]]);
    let applied = mirror.apply(Batch { deriver: 8, derived, ..first }).await.unwrap();
    assert_eq!((applied.unchanged, applied.derived), (2, 1));
    assert_eq!(unchanged(8).await, [true, false, false]);
    assert_eq!(mirror.count(WHOSE, LINES).await.unwrap(), (2, 0, 0));
}

pub async fn derived_records_come_by_their_holders(database: &impl Database) {
    let mirror = mirror(database).await;
    let ids = ["1", "1!", "1/a", "2", "3"];
    let records: Vec<_> = ids.iter().map(|id| record(id, 0, &format!("[\"{id}\"]"))).collect();
    let held: Vec<Vec<String>> =
        ids.iter().map(|id| vec![format!("{id}/y"), format!("{id}/x")]).collect();
    let pairs: Vec<Vec<(&str, &str)>> =
        held.iter().map(|ids| ids.iter().map(|id| (id.as_str(), "{}")).collect()).collect();
    let lists: Vec<&[(&str, &str)]> = pairs.iter().map(Vec::as_slice).collect();
    let batch = Batch { records, derived: lines(&lists), ..batch(&mirror, Source::Page).await };
    mirror.apply(batch).await.unwrap();
    gone(&mirror, Source::Lookup, &["2"]).await;
    let all = ["1/x", "1/y", "1!/x", "1!/y", "1/a/x", "1/a/y", "3/x", "3/y"];
    for size in [1, 2, 3, 99] {
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let some = mirror.records(WHOSE, LINES, after.as_deref(), size).await.unwrap();
            let Some(last) = some.last() else { break };
            assert!(some.len() <= size as usize);
            after = Some(last.id.clone());
            found.extend(some.into_iter().map(|row| row.id));
        }
        assert_eq!(found, all, "{size}");
    }
    // After one that is gone.
    let rest = mirror.records(WHOSE, LINES, Some("2/x"), 9).await.unwrap();
    assert_eq!(rest.iter().map(|row| &*row.id).collect::<Vec<_>>(), ["3/x", "3/y"]);
    for (id, holder) in [("1/a/x", "1/a"), ("1!/y", "1!"), ("1/x", "1")] {
        let row = mirror.record(WHOSE, LINES, id).await.unwrap().unwrap();
        assert_eq!(
            (&*row.id, row.holder.as_deref(), row.state),
            (id, Some(holder), RecordState::Live)
        );
    }
    for id in ["2/x", "1/z", "9/x", ""] {
        assert_eq!(mirror.record(WHOSE, LINES, id).await.unwrap(), None, "{id}");
    }
}

pub async fn a_derived_record_of_another_holder_is_refused(database: &impl Database) {
    let mirror = mirror(database).await;
    let batch = Batch {
        records: vec![record("1", 0, "[1]")],
        derived: lines(&[&[("2/a", "[]")]]),
        ..batch(&mirror, Source::Page).await
    };
    let refused = mirror.apply(batch).await;
    let (object, id, holder) = (LINES.to_owned(), "2/a".to_owned(), "1".to_owned());
    assert_eq!(refused, Err(StoreError::ForeignId { object, id, holder }));
    assert_eq!(mirror.count(WHOSE, OBJECT).await.unwrap(), (0, 0, 0));
}

/// A pull may meet our write before its answer comes back to us.
pub async fn what_a_pull_met_of_our_write_is_ours_with_all_that_it_holds(database: &impl Database) {
    let mirror = mirror(database).await;
    let asked = mirror.moment(WHOSE).await.unwrap();
    let of = |source, id: &str, data: &str| Batch {
        records: vec![record(id, 0, data)],
        derived: lines(&[&[(&format!("{id}/item"), data)]]),
        ..Batch::new(WHOSE, OBJECT, source, asked)
    };
    mirror.apply(of(Source::Page, "abc", "[1]")).await.unwrap();
    mirror.apply(of(Source::Page, "1", "[2]")).await.unwrap();
    let ours = async |kind| {
        let rows = mirror.changes(WHOSE, 0, 99).await.unwrap().into_iter();
        let of_kind = rows.filter(|row| row.kind == kind);
        of_kind.map(|row| (row.id, row.ours)).collect::<Vec<_>>()
    };
    let told = |id: &str, ours| (id.to_owned(), ours);
    mirror.apply(of(Source::Ours, "1", "[2]")).await.unwrap();
    let created =
        [told("abc", false), told("abc/item", false), told("1", true), told("1/item", true)];
    assert_eq!(ours(ChangeKind::Created).await, created);
    // A removal has no content.
    let removal = |source, asked| {
        let deleted = vec!["1".to_owned()];
        Batch { deleted, ..Batch::new(WHOSE, OBJECT, source, asked) }
    };
    let asked = mirror.moment(WHOSE).await.unwrap();
    mirror.apply(removal(Source::Lookup, asked)).await.unwrap();
    gone(&mirror, Source::Lookup, &["abc"]).await;
    mirror.apply(removal(Source::Ours, asked)).await.unwrap();
    let deleted =
        [told("1", true), told("1/item", true), told("abc", false), told("abc/item", false)];
    assert_eq!(ours(ChangeKind::Deleted).await, deleted);
}
