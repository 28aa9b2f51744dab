//! Which versions of records are kept.

use super::*;
use crate::StoreError;
use crate::mirror::{ChangeKind, LOOK_UP_FAILED, LOOK_UP_TRIES, RecordState, Unreadable};

pub async fn a_record_is_created_updated_and_kept(database: &impl Database) {
    let mirror = mirror(database).await;
    let (first, second) = (record("1", 10, r#"{"a":1,"b":0.70}"#), record("1", 20, r#"{"a":1}"#));
    let applied = arrive(&mirror, Source::Page, vec![first.clone()]).await;
    assert_eq!(applied, Applied { created: 1, newest: 1, ..Applied::default() });
    let applied = arrive(&mirror, Source::Page, vec![second.clone()]).await;
    assert_eq!(applied, Applied { updated: 1, newest: 2, ..Applied::default() });
    // As another process sees it.
    let mirror = database.open();
    let row = kept(&mirror, "1").await;
    assert_eq!(row.data, second.data);
    assert_eq!((row.updated_at, row.created_at), (second.updated_at.clone(), second.created_at));
    assert_eq!((row.state, row.change, row.holder), (RecordState::Live, 2, None));
    let changes = mirror.changes(WHOSE, 0, 9).await.unwrap();
    let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Created, ChangeKind::Updated]);
    let [created, updated] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((created.previous, created.number), (None, 1));
    assert_eq!((updated.previous, updated.hash), (created.hash, Some(row.hash)));
    assert_eq!(updated.members, ["b"]);
    assert_eq!((&*updated.id, &*updated.object, &*updated.connection), ("1", OBJECT, WHOSE));
    assert_eq!((updated.at_ms, updated.ours), (now_ms(0), false));
    assert_eq!(updated.updated_at, second.updated_at);
}

pub async fn nothing_is_written_for_what_is_known(database: &impl Database) {
    let mirror = mirror(database).await;
    let records: Vec<_> = (0..5).map(|id| record(&id.to_string(), 10, "{}")).collect();
    arrive(&mirror, Source::Page, records.clone()).await;
    let before = mirror.moment(WHOSE).await.unwrap();
    for source in [Source::Page, Source::Lookup, Source::Delivery, Source::Ours] {
        let applied = arrive(&mirror, source, records.clone()).await;
        assert_eq!(applied, Applied { unchanged: 5, ..Applied::default() }, "{source:?}");
    }
    // Only the provider's time differs.
    let applied = arrive(&mirror, Source::Page, vec![record("1", 99, "{}")]).await;
    assert_eq!(applied, Applied { unchanged: 1, ..Applied::default() });
    assert_eq!(mirror.moment(WHOSE).await.unwrap(), before);
    // Something that it was in between comes late.
    let applied = arrive(&mirror, Source::Page, vec![record("1", 50, "[]")]).await;
    assert_eq!(applied, Applied { stale: 1, ..Applied::default() });
}

pub async fn what_is_older_changes_nothing(database: &impl Database) {
    let mirror = mirror(database).await;
    arrive(&mirror, Source::Page, vec![record("1", 10, "[1]")]).await;
    for source in [Source::Page, Source::Lookup, Source::Delivery, Source::Ours] {
        let applied = arrive(&mirror, source, vec![record("1", 9, "[0]")]).await;
        assert_eq!(applied, Applied { stale: 1, ..Applied::default() }, "{source:?}");
    }
    assert_eq!(kept(&mirror, "1").await.data, "[1]");
}

pub async fn what_cannot_be_decided_is_looked_up(database: &impl Database) {
    let mirror = mirror(database).await;
    arrive(&mirror, Source::Page, vec![record("1", 0, "[1]"), record("2", 0, "[2]")]).await;
    // Two versions within one second.
    let ties = vec![record("1", 0, "[9]"), record("2", 0, "[9]"), record("1", 0, "[8]")];
    let applied = arrive(&mirror, Source::Page, ties).await;
    let look_up = vec!["1".to_owned(), "2".to_owned()];
    assert_eq!(applied, Applied { look_up: look_up.clone(), ..Applied::default() });
    // Kept, in case that this process ends now.
    let mirror = database.open();
    assert_eq!(mirror.look_ups(WHOSE, OBJECT, 9).await.unwrap(), look_up);
    assert_eq!(mirror.look_ups(WHOSE, OBJECT, 1).await.unwrap(), ["1"]);
    let applied = arrive(&mirror, Source::Lookup, vec![record("1", 0, "[8]")]).await;
    assert_eq!((applied.updated, applied.look_up), (1, vec![]));
    assert_eq!(mirror.look_ups(WHOSE, OBJECT, 9).await.unwrap(), ["2"]);
    gone(&mirror, Source::Lookup, &["2"]).await;
    assert!(mirror.look_ups(WHOSE, OBJECT, 9).await.unwrap().is_empty());
    // An answer that cannot be read goes aside.
    arrive(&mirror, Source::Delivery, vec![record("1", 0, "[7]")]).await;
    let letter =
        Unreadable { id: Some("1".to_owned()), raw: "?".to_owned(), reason: "odd".to_owned() };
    let batch = Batch { unreadable: vec![letter], ..batch(&mirror, Source::Lookup).await };
    mirror.apply(batch).await.unwrap();
    assert!(mirror.look_ups(WHOSE, OBJECT, 9).await.unwrap().is_empty());
    // Older ties are decided by a page.
    pass(1_000).await;
    let applied = arrive(&mirror, Source::Page, vec![record("1", 0, "[9]")]).await;
    assert_eq!((applied.updated, applied.look_up), (1, vec![]));
}

pub async fn a_look_up_that_was_asked_too_early_settles_nothing(database: &impl Database) {
    let mirror = mirror(database).await;
    arrive(&mirror, Source::Page, vec![record("1", 0, "[1]")]).await;
    let early = batch(&mirror, Source::Lookup).await;
    arrive(&mirror, Source::Delivery, vec![record("1", 0, "[2]")]).await;
    let records = vec![record("1", 0, "[1]")];
    let applied = mirror.apply(Batch { records, ..early.clone() }).await.unwrap();
    assert_eq!(applied.unchanged, 1);
    assert_eq!(mirror.look_ups(WHOSE, OBJECT, 9).await.unwrap(), ["1"]);
    arrive(&mirror, Source::Lookup, vec![record("1", 0, "[2]")]).await;
    assert!(mirror.look_ups(WHOSE, OBJECT, 9).await.unwrap().is_empty());
    // What that one brought is newer than what is said here.
    let applied = mirror.apply(Batch { deleted: vec!["1".to_owned()], ..early }).await.unwrap();
    assert_eq!((applied.deleted, applied.look_up), (0, vec!["1".to_owned()]));
}

pub async fn what_is_gone_comes_back_by_a_look_up_alone(database: &impl Database) {
    let mirror = mirror(database).await;
    arrive(&mirror, Source::Page, vec![record("1", 0, "[1]")]).await;
    let applied = gone(&mirror, Source::Delivery, &["1"]).await;
    assert_eq!((applied.deleted, applied.look_up), (0, vec!["1".to_owned()]));
    let applied = gone(&mirror, Source::Lookup, &["1"]).await;
    assert_eq!((applied.deleted, applied.newest > 0), (1, true));
    let row = kept(&mirror, "1").await;
    assert_eq!((row.state, &*row.data), (RecordState::Deleted, ""));
    assert_eq!(gone(&mirror, Source::Lookup, &["1"]).await, Applied::default());
    for version in [record("1", 0, "[1]"), record("1", 50, "[2]")] {
        let applied = arrive(&mirror, Source::Page, vec![version]).await;
        assert_eq!((applied.created, applied.look_up), (0, vec!["1".to_owned()]));
    }
    let applied = arrive(&mirror, Source::Lookup, vec![record("1", 50, "[2]")]).await;
    assert_eq!((applied.created, applied.updated), (1, 0));
    assert_eq!(kept(&mirror, "1").await.state, RecordState::Live);
    let last = mirror.changes(WHOSE, 0, 99).await.unwrap().pop().unwrap();
    assert_eq!((last.kind, last.members), (ChangeKind::Created, vec![]));
}

pub async fn what_was_never_here_can_be_gone(database: &impl Database) {
    let mirror = mirror(database).await;
    let early = batch(&mirror, Source::Page).await;
    assert_eq!(gone(&mirror, Source::Lookup, &["1"]).await, Applied::default());
    let records = vec![record("1", 0, "[1]")];
    let applied = mirror.apply(Batch { records, ..early }).await.unwrap();
    assert_eq!((applied.created, applied.look_up), (0, vec!["1".to_owned()]));
    assert!(mirror.changes(WHOSE, 0, 9).await.unwrap().is_empty());
}

pub async fn what_aged_out_is_not_removed(database: &impl Database) {
    let mirror = mirror(database).await;
    arrive(&mirror, Source::Page, vec![record("1", 0, "[1]")]).await;
    let aged_out = vec!["1".to_owned(), "unknown".to_owned()];
    let batch = Batch { aged_out, ..batch(&mirror, Source::Page).await };
    let applied = mirror.apply(batch.clone()).await.unwrap();
    assert_eq!(applied, Applied { aged_out: 1, newest: 2, ..Applied::default() });
    assert_eq!(mirror.apply(batch).await.unwrap(), Applied::default());
    assert_eq!(mirror.records(WHOSE, OBJECT, None, 9).await.unwrap()[0].data, "[1]");
    // Not listed, but known to change.
    arrive(&mirror, Source::Delivery, vec![record("1", 5, "[2]")]).await;
    assert_eq!(kept(&mirror, "1").await.state, RecordState::AgedOut);
    pass(1_000).await;
    arrive(&mirror, Source::Page, vec![record("1", 5, "[2]")]).await;
    assert_eq!(kept(&mirror, "1").await.state, RecordState::Live);
    assert_eq!(mirror.count(WHOSE, OBJECT).await.unwrap(), (1, 0, 0));
}

pub async fn our_own_write_is_marked(database: &impl Database) {
    let mirror = mirror(database).await;
    arrive(&mirror, Source::Ours, vec![record("1", 0, "[1]")]).await;
    arrive(&mirror, Source::Ours, vec![record("1", 0, "[2]")]).await;
    gone(&mirror, Source::Ours, &["1"]).await;
    let changes = mirror.changes(WHOSE, 0, 9).await.unwrap();
    assert_eq!(changes.iter().map(|change| change.ours).collect::<Vec<_>>(), [true; 3]);
    assert_eq!(kept(&mirror, "1").await.state, RecordState::Deleted);
}

/// So does what the record holds, and nothing that comes with it in the same batch.
pub async fn a_change_tells_the_delivery_that_brought_it(database: &impl Database) {
    let mirror = mirror(database).await;
    let lists = vec![vec![record("1/a", 0, "[]")], vec![record("2/a", 0, "[]")]];
    let batch = Batch {
        records: vec![record("1", 0, "{}"), record("2", 0, "{}")],
        derived: vec![Derived { object: "lines".to_owned(), lists }],
        deleted: vec!["3".to_owned()],
        deliveries: [("1".to_owned(), 7)].into(),
        ..batch(&mirror, Source::Delivery).await
    };
    mirror.apply(batch).await.unwrap();
    let deletion = Batch {
        deleted: vec!["1".to_owned()],
        deliveries: [("1".to_owned(), 8)].into(),
        ..self::batch(&mirror, Source::Lookup).await
    };
    mirror.apply(deletion).await.unwrap();
    let changes = mirror.changes(WHOSE, 0, 9).await.unwrap();
    let told: Vec<_> = changes.iter().map(|it| (it.id.as_str(), it.delivery)).collect();
    let (seven, eight) = (Some(7), Some(8));
    let first = [("1", seven), ("1/a", seven), ("2", None), ("2/a", None)];
    assert_eq!(told, [&first[..], &[("1", eight), ("1/a", eight)]].concat());
    let history = mirror.history(WHOSE, OBJECT, "1", 9).await.unwrap();
    let told: Vec<_> = history.iter().map(|row| row.change.delivery).collect();
    assert_eq!(told, [eight, seven]);
}

pub async fn records_come_in_the_order_of_their_ids(database: &impl Database) {
    let mirror = mirror(database).await;
    let records: Vec<_> = ["3", "1", "5", "2", "4"].map(|id| record(id, 0, id)).into();
    arrive(&mirror, Source::Page, records).await;
    gone(&mirror, Source::Lookup, &["2"]).await;
    let ids = async |after: Option<&str>, limit| {
        let rows = mirror.records(WHOSE, OBJECT, after, limit).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, 2).await, ["1", "3"]);
    assert_eq!(ids(Some("3"), 9).await, ["4", "5"]);
    assert!(mirror.records("id-of-b", OBJECT, None, 9).await.unwrap().is_empty());
    assert_eq!(mirror.count(WHOSE, OBJECT).await.unwrap(), (4, 0, 1));
    assert_eq!(mirror.record(WHOSE, "other", "1").await.unwrap(), None);
}

pub async fn what_belongs_to_no_connection_is_refused(database: &impl Database) {
    let mirror = database.open();
    let refused = StoreError::NoConnection(WHOSE.to_owned());
    let records = vec![record("1", 0, "[1]")];
    let batch = Batch { records, ..batch(&mirror, Source::Page).await };
    assert_eq!(mirror.apply(batch).await, Err(refused.clone()));
    let changed = mirror.change_scan(WHOSE, OBJECT, Box::new(|_, _| None)).await;
    assert_eq!(changed, Err(refused));
    assert!(mirror.scans(WHOSE).await.unwrap().is_empty());
    mirror.reset(WHOSE, OBJECT).await.unwrap();
}

pub async fn look_ups_that_fail_are_given_up_in_the_end(database: &impl Database) {
    let mirror = mirror(database).await;
    arrive(&mirror, Source::Page, vec![record("1", 0, "[1]"), record("2", 0, "[2]")]).await;
    arrive(&mirror, Source::Page, vec![record("1", 0, "[9]"), record("2", 0, "[9]")]).await;
    let fail = async || {
        let failed = vec![("1".to_owned(), "no".to_owned())];
        mirror.fail_look_ups(WHOSE, OBJECT, failed).await.unwrap()
    };
    let due = async || mirror.look_ups(WHOSE, OBJECT, 9).await.unwrap();
    for tries in 1..LOOK_UP_TRIES {
        assert_eq!(fail().await, 0);
        assert_eq!(due().await, ["2"], "others are not held up");
        let row = mirror.failing(WHOSE).await.unwrap().pop().unwrap();
        let due_ms = row.due_ms;
        assert_eq!((&*row.object, row.records, &*row.id, row.tries), (OBJECT, 1, "1", tries));
        assert_eq!(row.reason, "no");
        let wait_ms = LOOK_UP_FAILED.pause_ms(tries);
        pass(wait_ms / 1_000).await;
        assert_eq!(due().await, ["2", "1"]);
        assert!(due_ms > 0);
    }
    assert_eq!(fail().await, 1);
    assert_eq!(due().await, ["2"]);
    assert!(mirror.failing(WHOSE).await.unwrap().is_empty());
    let letter = mirror.dead_letters(Some(WHOSE)).await.unwrap().pop().unwrap();
    assert_eq!((letter.id.as_deref(), &*letter.raw), (Some("1"), ""));
    // Once more changes nothing of that.
    for _ in 0..LOOK_UP_TRIES {
        assert_eq!(fail().await, 0);
    }
    assert_eq!(mirror.dead_letters(None).await.unwrap().len(), 1);
}
