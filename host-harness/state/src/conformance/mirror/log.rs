//! Changes and their readers, dead letters, and what is forgotten.

use super::*;
use crate::StoreError;
use crate::mirror::{ChangeKind, RecordState, Unreadable};

async fn numbers(mirror: &Arc<dyn State>, since: u64, limit: u32) -> Result<Vec<u64>, StoreError> {
    let rows = mirror.changes(WHOSE, since, limit).await?;
    Ok(rows.into_iter().map(|row| row.number).collect())
}

pub async fn changes_are_read_from_a_position(database: &impl Database) {
    let mirror = mirror(database).await;
    mirror.commit(vec![Change::PutConnection(connection("b"))]).await.unwrap();
    let records: Vec<_> = (0..3).map(|id| record(&id.to_string(), 0, "[]")).collect();
    arrive(&mirror, Source::Page, records.clone()).await;
    let other = batch(&mirror, Source::Page).await;
    let other = Batch { connection: "id-of-b".to_owned(), records, ..other };
    mirror.apply(other).await.unwrap();
    // Each connection counts its own.
    assert_eq!(numbers(&mirror, 0, 2).await.unwrap(), [1, 2]);
    assert_eq!(numbers(&mirror, 2, 9).await.unwrap(), [3]);
    assert!(numbers(&mirror, 3, 9).await.unwrap().is_empty());
    let of_b = mirror.changes("id-of-b", 1, 9).await.unwrap();
    assert_eq!(of_b.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(mirror.changes("id-of-c", 0, 9).await.unwrap(), []);
    let mut moments = mirror.moments().await.unwrap();
    moments.sort();
    assert_eq!(moments, [(WHOSE.to_owned(), 3), ("id-of-b".to_owned(), 3)]);
    assert_eq!(mirror.moment("id-of-c").await.unwrap(), 0);
    assert_eq!(mirror.positions("reader").await.unwrap(), []);
    mirror.set_position("reader", WHOSE, 1).await.unwrap();
    mirror.set_position("other", WHOSE, 1).await.unwrap();
    mirror.set_position("reader", WHOSE, 2).await.unwrap();
    mirror.set_position("reader", "id-of-b", 3).await.unwrap();
    let mut positions = database.open().positions("reader").await.unwrap();
    positions.sort();
    assert_eq!(positions, [(WHOSE.to_owned(), 2), ("id-of-b".to_owned(), 3)]);
    assert!(mirror.forget_consumer("reader").await.unwrap());
    assert!(!mirror.forget_consumer("reader").await.unwrap());
    assert_eq!(database.open().positions("reader").await.unwrap(), []);
    assert_eq!(mirror.positions("other").await.unwrap(), [(WHOSE.to_owned(), 1)]);
}

const DAY_S: u64 = 24 * 60 * 60;

/// What has to be done now and then, to its end.
async fn maintain(mirror: &Arc<dyn State>) {
    while mirror.maintain().await.unwrap() {}
}

/// Changes are kept for thirty days; those that a reader has not had as long as it is not silent for
/// as long. A record that was removed is forgotten with the change that says so.
pub async fn old_changes_are_forgotten_but_for_who_reads_them(database: &impl Database) {
    let mirror = mirror(database).await;
    arrive(&mirror, Source::Page, vec![record("1", 0, "[1]"), record("2", 0, "[2]")]).await;
    gone(&mirror, Source::Lookup, &["2"]).await;
    // Many connections have changes that are as old.
    let others: Vec<String> = (0..9).map(|number| format!("other-{number}")).collect();
    for name in &others {
        mirror.commit(vec![Change::PutConnection(connection(name))]).await.unwrap();
        let batch = Batch::new(&format!("id-of-{name}"), OBJECT, Source::Page, 0);
        let records = vec![record("1", 0, "[1]")];
        mirror.apply(Batch { records, ..batch }).await.unwrap();
    }
    pass(29 * DAY_S).await;
    arrive(&mirror, Source::Page, vec![record("1", 9, "[9]")]).await;
    mirror.set_position("reader", WHOSE, 1).await.unwrap();
    pass(2 * DAY_S).await;
    maintain(&mirror).await;
    assert_eq!(numbers(&mirror, 0, 9).await.unwrap(), [2, 3, 4]);
    assert_eq!(mirror.count(WHOSE, OBJECT).await.unwrap(), (1, 0, 1));
    for name in &others {
        assert!(mirror.changes(&format!("id-of-{name}"), 0, 9).await.unwrap().is_empty());
    }
    // Read on, and they are forgotten within a day.
    mirror.set_position("reader", WHOSE, 3).await.unwrap();
    pass(DAY_S).await;
    maintain(&mirror).await;
    assert_eq!(numbers(&mirror, 0, 9).await.unwrap(), [4]);
    assert_eq!(numbers(&mirror, 1, 9).await, Err(StoreError::Forgotten { since: 1, until: 3 }));
    assert_eq!(mirror.count(WHOSE, OBJECT).await.unwrap(), (1, 0, 0));
    assert_eq!(mirror.record(WHOSE, OBJECT, "2").await.unwrap(), None);
    // Silent for thirty days: nothing waits for it any more.
    pass(30 * DAY_S).await;
    maintain(&mirror).await;
    assert!(numbers(&mirror, 0, 9).await.unwrap().is_empty());
    assert_eq!(kept(&mirror, "1").await.data, "[9]");
}

pub async fn pruned_changes_are_missed_aloud(database: &impl Database) {
    let mirror = mirror(database).await;
    for changed_s in 0..6 {
        let data = changed_s.to_string();
        arrive(&mirror, Source::Page, vec![record("1", changed_s, &data)]).await;
        pass(100).await;
    }
    assert_eq!(mirror.prune_changes(WHOSE, 601_000).await.unwrap(), 0);
    assert_eq!(mirror.prune_changes(WHOSE, 399_000).await.unwrap(), 3);
    assert_eq!(mirror.prune_changes(WHOSE, 399_000).await.unwrap(), 0);
    let forgotten = |since| Err(StoreError::Forgotten { since, until: 3 });
    assert_eq!(numbers(&mirror, 1, 9).await, forgotten(1));
    assert_eq!(numbers(&mirror, 2, 9).await, forgotten(2));
    assert_eq!(numbers(&mirror, 3, 9).await.unwrap(), [4, 5, 6]);
    assert_eq!(numbers(&mirror, 0, 9).await.unwrap(), [4, 5, 6]);
    assert_eq!(mirror.prune_changes(WHOSE, 0).await.unwrap(), 3);
    assert!(numbers(&mirror, 0, 9).await.unwrap().is_empty());
    // Numbers go on.
    arrive(&mirror, Source::Page, vec![record("2", 0, "[]")]).await;
    assert_eq!(numbers(&mirror, 6, 9).await.unwrap(), [7]);
}

pub async fn dead_letters_are_kept_once(database: &impl Database) {
    let mirror = mirror(database).await;
    let letter = |id: Option<&str>, raw: &str| Unreadable {
        id: id.map(str::to_owned),
        raw: raw.to_owned(),
        reason: "no id".to_owned(),
    };
    let batch = Batch {
        records: vec![record("1", 0, "[]")],
        unreadable: vec![letter(None, "{\"n\":0.70}"), letter(Some("9"), "{}"), letter(None, "{}")],
        ..batch(&mirror, Source::Page).await
    };
    let applied = mirror.apply(batch.clone()).await.unwrap();
    assert_eq!((applied.created, applied.unreadable), (1, 2));
    assert_eq!(mirror.apply(batch).await.unwrap().unreadable, 0);
    let rows = mirror.dead_letters(None).await.unwrap();
    assert_eq!(mirror.dead_letters(Some(WHOSE)).await.unwrap(), rows);
    assert!(mirror.dead_letters(Some("id-of-b")).await.unwrap().is_empty());
    let [first, second] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((&*first.raw, &*first.reason, &first.id), ("{\"n\":0.70}", "no id", &None));
    assert_eq!((second.id.as_deref(), &*second.object), (Some("9"), OBJECT));
    assert_eq!((&*second.connection, second.at_ms), (WHOSE, now_ms(0)));
    assert!(mirror.remove_dead_letter(first.number).await.unwrap());
    assert!(!mirror.remove_dead_letter(first.number).await.unwrap());
    assert_eq!(mirror.dead_letters(None).await.unwrap(), rows[1..]);
}

pub async fn drift_is_told_once(database: &impl Database) {
    let mirror = mirror(database).await;
    let drift = async |pointers: &[&str]| {
        let drift = pointers.iter().map(|pointer| (*pointer).to_owned()).collect();
        let source = Source::Ours;
        mirror.apply(Batch { drift, ..batch(&mirror, source).await }).await.unwrap().newest
    };
    assert_eq!(drift(&["/b", "/a"]).await, 1);
    assert_eq!(drift(&["/a", "/b"]).await, 0);
    assert_eq!(drift(&["/a", "/c"]).await, 2);
    let rows = mirror.changes(WHOSE, 0, 9).await.unwrap();
    let told: Vec<_> =
        rows.iter().map(|row| (row.kind, &*row.id, &*row.members, row.ours)).collect();
    let (first, second) = (["/a".to_owned(), "/b".to_owned()], ["/c".to_owned()]);
    let kind = ChangeKind::Drift;
    assert_eq!(told, [(kind, "", &first[..], false), (kind, "", &second[..], false)]);
}

pub async fn a_reset_forgets_everything_but_the_log(database: &impl Database) {
    let mirror = mirror(database).await;
    let begun = begin(&mirror, ScanKind::Full).await;
    let mut batch = page(&mirror, &begun, vec![record("1", 0, "[1]")], None).await;
    batch.drift = vec!["/a".to_owned()];
    mirror.apply(batch).await.unwrap();
    arrive(&mirror, Source::Delivery, vec![record("1", 0, "[2]")]).await;
    let running = begin(&mirror, ScanKind::Full).await;
    let stale = page(&mirror, &running, vec![record("2", 0, "[2]")], None).await;
    mirror.reset(WHOSE, OBJECT).await.unwrap();
    assert_eq!(mirror.count(WHOSE, OBJECT).await.unwrap(), (0, 0, 0));
    assert_eq!(mirror.count_unseen(WHOSE, OBJECT, 1).await.unwrap(), (0, 0));
    assert_eq!(scan(&mirror).await, ScanRow { scan: 2, ..ScanRow::new(WHOSE, OBJECT) });
    maintain(&mirror).await;
    assert_eq!(mirror.bookmark_before(WHOSE, OBJECT, 0).await.unwrap(), None);
    assert!(mirror.look_ups(WHOSE, OBJECT, 9).await.unwrap().is_empty());
    let kinds: Vec<_> =
        mirror.changes(WHOSE, 0, 9).await.unwrap().into_iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [ChangeKind::Created, ChangeKind::Drift, ChangeKind::Reset]);
    assert!(mirror.apply(stale).await.is_err());
    let applied = arrive(&mirror, Source::Page, vec![record("1", 0, "[0]")]).await;
    assert_eq!(applied.created, 1);
    assert_eq!(kept(&mirror, "1").await.state, RecordState::Live);
}

pub async fn removing_a_connection_removes_its_mirror(database: &impl Database) {
    let mirror = mirror(database).await;
    let begun = begin(&mirror, ScanKind::Full).await;
    let mut batch = page(&mirror, &begun, vec![record("1", 0, "[1]")], None).await;
    batch.derived =
        vec![Derived { object: "lines".to_owned(), lists: vec![vec![record("1/a", 0, "[]")]] }];
    mirror.apply(batch).await.unwrap();
    let id = WHOSE.to_owned();
    mirror.commit(vec![Change::RemoveConnection { id }]).await.unwrap();
    assert_eq!(mirror.count(WHOSE, OBJECT).await.unwrap(), (0, 0, 0));
    assert!(mirror.changes(WHOSE, 0, 9).await.unwrap().is_empty());
    assert!(mirror.scans(WHOSE).await.unwrap().is_empty());
    assert!(mirror.dead_letters(None).await.unwrap().is_empty());
    // Nothing of it comes back with its id, whether it was erased by then or not.
    for erased in [false, true] {
        mirror.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
        assert_eq!(mirror.moment(WHOSE).await.unwrap(), 0);
        assert_eq!(arrive(&mirror, Source::Page, vec![record("1", 0, "[1]")]).await.newest, 1);
        let id = WHOSE.to_owned();
        mirror.commit(vec![Change::RemoveConnection { id }]).await.unwrap();
        if !erased {
            maintain(&mirror).await;
        }
    }
}

/// Each of two processes brings half of the versions, in its own order.
pub async fn two_processes_share_one_mirror(database: &impl Database) {
    let mirrors = [mirror(database).await, database.open()];
    let tasks: Vec<_> = (0..40)
        .map(|task: i64| {
            let mirror = Arc::clone(&mirrors[task as usize % 2]);
            tokio::spawn(async move {
                let changed_s = (task * 7) % 40;
                let records = vec![record("1", changed_s, &changed_s.to_string())];
                arrive(&mirror, Source::Page, records).await
            })
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        let applied = task.await.unwrap();
        made += applied.created + applied.updated;
    }
    assert_eq!(kept(&mirrors[1], "1").await.data, "39");
    let all: Vec<u64> = (1..=made).collect();
    assert_eq!(numbers(&mirrors[0], 0, 99).await.unwrap(), all);
}
