//! Batches in any order, with repeats: what has to belong together does.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::*;
use crate::StoreError;
use crate::conformance::outbox::forward;
use crate::conformance::random::Numbers;
use crate::mirror::{ChangeKind, ChangeRow, Content, RecordState, hash_of};

const LINES: &str = "lines";
const IDS: [&str; 5] = ["1", "2", "2/x", "3", "4!"];

/// Does the same things to every database, and tells what each answered and what is kept in the end.
pub async fn transcript(database: &impl Database, seed: u64) -> String {
    let mirror = mirror(database).await;
    mirror.put_forward(forward("one")).await.unwrap();
    let (mut numbers, mut told) = (Numbers(seed), String::new());
    let mut asked = vec![0];
    let mut scanning = begin(&mirror, ScanKind::Full).await;
    for _ in 0..120 {
        asked.push(mirror.moment(WHOSE).await.unwrap());
        let source = numbers.one_of(&[
            Source::Page,
            Source::Page,
            Source::Lookup,
            Source::Delivery,
            Source::Ours,
        ]);
        let back = numbers.below(4).min(asked.len() as u64 - 1) as usize;
        let mut batch = Batch::new(WHOSE, OBJECT, source, asked[asked.len() - 1 - back]);
        batch.deriver = numbers.below(2);
        let mut lists = Vec::new();
        for _ in 0..numbers.below(4) {
            let (id, version) = (numbers.one_of(&IDS), numbers.below(6));
            batch.records.push(record(id, (version / 2) as i64, &format!("{{\"n\":{version}}}")));
            let lines = numbers.below(3);
            let line = |line| record(&format!("{id}/line{line}"), 0, &format!("[{}]", version % 2));
            lists.push((0..lines).map(line).collect());
        }
        if numbers.below(4) > 0 {
            batch.derived = vec![Derived { object: LINES.to_owned(), lists }];
        }
        match numbers.below(8) {
            0 => batch.deleted.push(numbers.one_of(&IDS).to_owned()),
            1 => batch.aged_out.push(numbers.one_of(&IDS).to_owned()),
            2 => batch.drift.push(format!("/{}", numbers.below(3))),
            3 if source == Source::Page => {
                let last = numbers.below(3) == 0;
                let next = (!last).then(|| "c".to_owned());
                let step = page(&mirror, &scanning, vec![], next.as_deref()).await.step;
                batch.step = step;
                if last {
                    let applied = mirror.apply(batch.clone()).await;
                    writeln!(told, "{applied:?}").unwrap();
                    scanning = begin(&mirror, ScanKind::Full).await;
                    continue;
                }
            }
            4 => pass(90).await,
            _ => {}
        }
        // Once more is the same: nothing that is certain changes.
        let applied = mirror.apply(batch.clone()).await;
        writeln!(told, "{applied:?}").unwrap();
        if batch.step.is_none() && numbers.below(3) == 0 {
            let again = mirror.apply(batch).await;
            writeln!(told, "{again:?}").unwrap();
        }
    }
    for object in [OBJECT, LINES] {
        let rows = mirror.records(WHOSE, object, None, 999).await.unwrap();
        writeln!(told, "{rows:#?}\n{:?}", mirror.count(WHOSE, object).await).unwrap();
    }
    for change in mirror.changes(WHOSE, 0, 9_999).await.unwrap() {
        writeln!(told, "{change:?}").unwrap();
    }
    for id in IDS {
        let history = mirror.history(WHOSE, OBJECT, id, 9_999).await;
        writeln!(told, "{history:#?}").unwrap();
    }
    let unseen = mirror.count_unseen(WHOSE, OBJECT, scanning.scan).await;
    let open = mirror.look_ups(WHOSE, OBJECT, 99).await;
    let outgoing = mirror.find_work(&forward("one").id, 9_999).await.unwrap().pending;
    writeln!(told, "{unseen:?} {open:?} {:?} {outgoing:#?}", mirror.scans(WHOSE).await).unwrap();
    told
}

/// Counts are those of a recount; numbers ascend; each change goes on from the one before of its record;
/// and the last one is what is kept.
pub async fn what_belongs_together_does_whatever_comes(database: &impl Database) {
    transcript(database, 7).await;
    let mirror = database.open();
    histories_are_right(&mirror).await;
    let changes = mirror.changes(WHOSE, 0, 9_999).await.unwrap();
    assert!(changes.len() > 60 && changes.windows(2).all(|two| two[0].number < two[1].number));
    let mut last: BTreeMap<(&str, &str), &ChangeRow> = BTreeMap::new();
    for change in changes.iter().filter(|change| !change.id.is_empty()) {
        let before = last.insert((&change.object, &change.id), change);
        let is_there = |row: &&ChangeRow| row.kind != ChangeKind::Deleted;
        match before.filter(is_there) {
            Some(before) => assert_eq!(change.previous, before.hash, "{change:?}"),
            None => assert_eq!(change.kind, ChangeKind::Created, "{change:?}"),
        }
    }
    for object in [OBJECT, LINES] {
        let rows = mirror.records(WHOSE, object, None, 999).await.unwrap();
        let live = rows.iter().filter(|row| row.state == RecordState::Live).count() as u64;
        let (counted, aged_out, _) = mirror.count(WHOSE, object).await.unwrap();
        assert_eq!((counted, aged_out), (live, rows.len() as u64 - live), "{object}");
        for row in rows {
            assert_eq!(row.hash, hash_of(&row.data));
            assert_eq!(last[&(object, &*row.id)].number, row.change);
            assert_eq!(last[&(object, &*row.id)].hash, Some(row.hash));
            let alone = mirror.record(WHOSE, object, &row.id).await.unwrap();
            assert_eq!(alone, Some(row));
        }
    }
}

/// What a record was is what was there to be forwarded.
async fn histories_are_right(mirror: &Arc<dyn State>) {
    let outgoing = mirror.find_work(&forward("one").id, 9_999).await.unwrap().pending;
    let mut texts = 0;
    for id in IDS {
        for row in mirror.history(WHOSE, OBJECT, id, 9_999).await.unwrap() {
            let number = row.change.number;
            let one = outgoing.iter().find(|one| one.change.number == number).unwrap();
            for (content, expected) in [(row.before, &one.before), (row.after, &one.after)] {
                texts += usize::from(matches!(content, Content::Text(_)));
                match content {
                    Content::Text(text) => assert_eq!(Some(text), *expected, "{number}"),
                    Content::Absent => assert_eq!(*expected, None, "{number}"),
                    Content::NotKept => {}
                }
            }
        }
    }
    assert!(texts > 30, "{texts}");
}

/// Versions of a record in any order, each once or more, end as the newest one.
pub async fn any_order_of_versions_ends_as_the_newest(database: &impl Database) {
    let mirror = mirror(database).await;
    let mut numbers = Numbers(3);
    for round in 0..24 {
        let id = format!("r{round}");
        let mut order: Vec<i64> = (0..5).chain(0..5).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, numbers.below(at as u64 + 1) as usize);
        }
        for version in order {
            let source = numbers.one_of(&[Source::Page, Source::Delivery, Source::Lookup]);
            let records = vec![record(&id, version, &version.to_string())];
            let refused: Result<_, StoreError> =
                mirror.apply(Batch { records, ..batch(&mirror, source).await }).await;
            refused.unwrap();
        }
        assert_eq!(kept(&mirror, &id).await.data, "4", "{round}");
    }
}
