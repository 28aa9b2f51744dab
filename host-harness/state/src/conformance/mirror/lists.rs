//! Lists and counts by what is indexed of an object.

use std::collections::BTreeMap;

use super::*;
use crate::StoreError;
use crate::conformance::random::Numbers;
use crate::mirror::analytics::{AnalyzedMembers, CELLS, CellCounts};
use crate::mirror::index::{ValueReader, Values};
use crate::mirror::{Analytics, Filter, IndexedMember, ListPage, ListQuery, MemberIndex, Test};

/// The connector of the connection `a`.
const CONNECTOR: &str = "orders";

pub(super) fn indexed(pointers: &[&[&str]], counted: &[&str]) -> MemberIndex {
    let members = pointers.iter().map(|all| IndexedMember {
        pointers: all.iter().map(|&pointer| pointer.to_owned()).collect(),
        roles: if all.len() > 1 { vec!["due".to_owned()] } else { vec![] },
        counted: counted.iter().any(|counted| all[0] == *counted),
    });
    MemberIndex { members: members.collect(), ..MemberIndex::default() }
}

pub(super) fn usual() -> MemberIndex {
    indexed(&[&["/tag"], &["/number"], &["/due/max", "/due/min"]], &["/tag"])
}

pub(super) async fn index(mirror: &Arc<dyn State>, index: MemberIndex) {
    mirror.set_indexes(CONNECTOR, vec![(OBJECT.to_owned(), index)]).await.unwrap();
}

fn filter(member: &str, test: Test) -> Filter {
    Filter { member: member.to_owned(), test }
}

fn equal(member: &str, value: &str) -> Filter {
    filter(member, Test::Equal(value.to_owned()))
}

fn query(filters: Vec<Filter>, sort: &str, descending: bool) -> ListQuery {
    ListQuery {
        connection: WHOSE.to_owned(),
        object: OBJECT.to_owned(),
        filters,
        rule: None,
        sort: sort.to_owned(),
        descending,
        after: None,
        limit: 100,
    }
}

fn ids(page: &ListPage) -> Vec<&str> {
    page.records.iter().map(|record| record.id.as_str()).collect()
}

/// Some of which members miss; `c` came first.
async fn three(mirror: &Arc<dyn State>) {
    let of = |id, changed_s, data| record(id, changed_s, data);
    arrive(
        mirror,
        Source::Page,
        vec![of("c", 1, r#"{"tag":"late","number":"AB1","due":{"max":"2026-11-05"}}"#)],
    )
    .await;
    let rest = vec![
        of("a", 3, r#"{"tag":"good","number":"AB2","due":{"min":"2026-11-07T10:00:00"}}"#),
        of("b", 2, r#"{"tag":"late","number":null}"#),
    ];
    arrive(mirror, Source::Page, rest).await;
}

/// By equality, prefix and range, several at once; sorted by whatever is indexed.
pub async fn lists_are_filtered_and_sorted_by_members(database: &impl Database) {
    let mirror = mirror(database).await;
    index(&mirror, usual()).await;
    three(&mirror).await;
    for (filters, sort, descending, expected) in [
        (vec![], "id", false, vec!["a", "b", "c"]),
        (vec![], "updated", true, vec!["a", "b", "c"]),
        // What has no value comes first.
        (vec![], "number", false, vec!["b", "c", "a"]),
        (vec![], "due", true, vec!["a", "c", "b"]),
        // Of the same value, what arrived first.
        (vec![], "tag", false, vec!["a", "c", "b"]),
        (vec![], "tag", true, vec!["b", "c", "a"]),
        (vec![equal("/tag", "late")], "id", false, vec!["b", "c"]),
        (vec![equal("tag", "late"), equal("number", "")], "id", false, vec!["b"]),
        (vec![filter("number", Test::Prefix("AB".into()))], "number", true, vec!["a", "c"]),
        (vec![filter("due", Test::From("2026-11-06".into()))], "id", false, vec!["a"]),
        (vec![filter("due", Test::Before("2026-11-06".into()))], "id", false, vec!["c"]),
        (vec![equal("tag", "late"), equal("tag", "good")], "id", false, vec![]),
        (
            vec![filter("updated", Test::From("2023-11-14T22:13:22Z".into()))],
            "id",
            true,
            vec!["b", "a"],
        ),
        (vec![equal("updated", "2023-11-15T00:13:21+02:00")], "id", true, vec!["c"]),
    ] {
        let query = query(filters, sort, descending);
        let page = mirror.list(query.clone()).await.unwrap();
        assert_eq!((ids(&page), &page.next), (expected, &None), "{query:?}");
    }
    let all = mirror.list(query(vec![], "id", false)).await.unwrap().records;
    assert_eq!(all, mirror.records(WHOSE, OBJECT, None, 9).await.unwrap());
}

/// Whatever is not indexed is told with what is; nor does a list go on elsewhere.
pub async fn a_list_that_cannot_be_is_refused(database: &impl Database) {
    let mirror = mirror(database).await;
    // Also where nothing is kept yet.
    index(&mirror, usual()).await;
    let refused = |refused: Result<ListPage, StoreError>| refused.unwrap_err().to_string();
    let told = "not filtered or sorted by \"colour\"; use one of: id, updated, /tag, /number, due";
    let why = refused(mirror.list(query(vec![], "colour", false)).await);
    assert!(why.contains(told), "{why}");
    three(&mirror).await;
    let why = refused(mirror.list(query(vec![equal("colour", "x")], "id", false)).await);
    assert!(why.contains(told), "{why}");
    let first = ListQuery { limit: 1, ..query(vec![], "id", false) };
    let next = mirror.list(first).await.unwrap().next;
    let other = ListQuery { after: next, ..query(vec![], "updated", false) };
    assert!(matches!(mirror.list(other).await, Err(StoreError::NoCursor { .. })));
    let nonsense = ListQuery { after: Some("7".to_owned()), ..query(vec![], "id", false) };
    assert!(matches!(mirror.list(nonsense).await, Err(StoreError::NoCursor { .. })));
    let lists = vec![vec![record("a/1", 4, "[]")]];
    let batch = Batch {
        records: vec![record("a", 4, "{}")],
        derived: vec![Derived { object: "lines".to_owned(), lists }],
        ..batch(&mirror, Source::Page).await
    };
    mirror.apply(batch).await.unwrap();
    let of_lines = ListQuery { object: "lines".to_owned(), ..query(vec![], "id", false) };
    let (object, holder) = ("lines".to_owned(), OBJECT.to_owned());
    let derived = StoreError::Derived { object, holder };
    assert_eq!(mirror.list(of_lines).await, Err(derived.clone()));
    assert_eq!(mirror.value_counts(WHOSE, "lines").await, Err(derived.clone()));
    assert_eq!(mirror.analytics(WHOSE, "lines").await, Err(derived));
}

/// What changes meanwhile moves; all else is told once.
pub async fn a_list_goes_on_while_records_change(database: &impl Database) {
    let mirror = mirror(database).await;
    index(&mirror, usual()).await;
    let tagged = |id: usize, changed_s, tag: &str| {
        record(&format!("{id:02}"), changed_s, &format!(r#"{{"tag":"{tag}"}}"#))
    };
    for id in (0..20).rev() {
        arrive(&mirror, Source::Page, vec![tagged(id, 0, "x")]).await;
    }
    for descending in [false, true] {
        let mut query = ListQuery { limit: 6, ..query(vec![equal("tag", "x")], "tag", descending) };
        let (mut told, mut pages) = (Vec::new(), 0);
        loop {
            let page = mirror.list(query.clone()).await.unwrap();
            told.extend(page.records.iter().map(|record| record.id.parse::<usize>().unwrap()));
            pages += 1;
            // One that was told and one that was not leave the list, and one comes back.
            let (first, last) = (told[0], if descending { 0 } else { 19 });
            let at = i64::from(pages) + if descending { 100 } else { 0 };
            for (id, tag) in [(first, "y"), (19 - last, "y"), (first, "x")] {
                arrive(&mirror, Source::Lookup, vec![tagged(id, at, tag)]).await;
            }
            let Some(next) = page.next else { break };
            query.after = Some(next);
        }
        let (first, end) = if descending { (0, 19) } else { (19, 0) };
        let mut expected: Vec<usize> = (0..20).filter(|id| *id != end).collect();
        if !descending {
            expected.reverse();
        }
        assert_eq!((told, pages), (expected, 4), "from {first}");
        arrive(&mirror, Source::Lookup, vec![tagged(end, 90, "x")]).await;
    }
}

/// An index of other members comes from what is there, and lists are right before it is complete.
pub async fn another_index_is_built_of_what_is_there(database: &impl Database) {
    let mirror = mirror(database).await;
    let of = |id: u64| {
        record(&format!("{id:03}"), 0, &format!(r#"{{"tag":"t{}","number":"{id}"}}"#, id % 3))
    };
    arrive(&mirror, Source::Page, (0..90).map(of).collect()).await;
    gone(&mirror, Source::Lookup, &["007"]).await;
    let by_tag = || query(vec![equal("tag", "t1")], "id", false);
    assert!(matches!(mirror.list(by_tag()).await, Err(StoreError::NotIndexed { .. })));
    index(&mirror, usual()).await;
    let expected: Vec<String> =
        (0..90).filter(|id| id % 3 == 1 && *id != 7).map(|id| format!("{id:03}")).collect();
    let mut more = true;
    for piece in 0.. {
        let page = mirror.list(by_tag()).await.unwrap();
        assert_eq!(ids(&page), expected, "after {piece} pieces");
        if !more {
            assert!(!page.was_scanned);
            break;
        }
        more = mirror.maintain().await.unwrap();
        // What arrives meanwhile is in it as well, wherever the index is just now.
        let other = record(&format!("{:03}", (piece * 37) % 90), piece + 1, r#"{"tag":"t7"}"#);
        let restored = of((piece as u64 * 37) % 90);
        let restored = DataRecord { updated_at: other.updated_at.clone(), ..restored };
        arrive(&mirror, Source::Lookup, vec![other]).await;
        let at = record("x", piece + 1, "").updated_at;
        arrive(&mirror, Source::Ours, vec![DataRecord { updated_at: at, ..restored }]).await;
        gone(&mirror, Source::Lookup, &["007"]).await;
    }
    counts_are_right(&mirror, &usual()).await;
    // Back to none: what was counted is no more.
    mirror.set_indexes(CONNECTOR, vec![]).await.unwrap();
    while mirror.maintain().await.unwrap() {}
    assert_eq!(mirror.value_counts(WHOSE, OBJECT).await.unwrap().members, []);
    assert!(matches!(mirror.list(by_tag()).await, Err(StoreError::NotIndexed { .. })));
    assert_eq!(mirror.list(query(vec![], "id", false)).await.unwrap().records.len(), 89);
}

/// The counts are those of a recount.
async fn counts_are_right(mirror: &Arc<dyn State>, index: &MemberIndex) {
    let reader = ValueReader::new(index);
    let records = mirror.records(WHOSE, OBJECT, None, 9_999).await.unwrap();
    let counts = mirror.value_counts(WHOSE, OBJECT).await.unwrap();
    assert!(!counts.is_partial);
    let counted: Vec<usize> = index.counted().collect();
    assert_eq!(counts.members.len(), counted.len());
    for (slot, counts) in counted.into_iter().zip(counts.members) {
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for row in &records {
            let values = values(&reader, row);
            *expected.entry(values.slots[slot].clone()).or_default() += 1;
        }
        let told: BTreeMap<String, u64> = counts.values.into_iter().collect();
        assert_eq!(told, expected, "{}", counts.pointer);
        assert_eq!(counts.others, 0);
    }
    let mut expected: BTreeMap<usize, BTreeMap<String, u64>> = BTreeMap::new();
    for (slot, cell) in records.iter().flat_map(|row| values(&reader, row).cells) {
        *expected.entry(slot).or_default().entry(cell).or_default() += 1;
    }
    let expected = CELLS.map(|slot| {
        let cells = expected.remove(&slot).unwrap_or_default();
        CellCounts { cells: cells.into_iter().collect(), others: 0 }
    });
    let expected = index.analyzed.as_ref().map(|members| Analytics::of(members, expected));
    let told = mirror.analytics(WHOSE, OBJECT).await.unwrap();
    // What has happened is not told by what is.
    assert_eq!(told, Analytics { entered: told.entered.clone(), ..expected.unwrap_or_default() });
}

fn values(reader: &ValueReader, row: &MirroredRecord) -> Values {
    let (made, changed) = (row.created_at.as_deref(), row.updated_at.as_deref());
    reader.values(&row.id, made, changed, &row.data)
}

/// Whatever comes, in whatever order: lists are those of all records, and counts those of a recount.
pub async fn lists_and_counts_are_right_whatever_comes(database: &impl Database) {
    let mirror = mirror(database).await;
    let mut numbers = Numbers(11);
    let tags = indexed(&[&["/tag"], &["/number"], &["/due/max", "/due/min"]], &["/tag", "/number"]);
    let analyzed = AnalyzedMembers {
        status: "/tag".to_owned(),
        carrier: Some("/number".to_owned()),
        to: Some("/tag".to_owned()),
        days: Some(("/due/from".to_owned(), "/due/to".to_owned())),
        in_time: Some(("/due/to".to_owned(), vec!["/due/max".to_owned(), "/due/late".to_owned()])),
        trouble: vec!["1".to_owned()],
        reason: Some("/number".to_owned()),
        ..AnalyzedMembers::default()
    };
    let tags = MemberIndex { analyzed: Some(analyzed), ..tags };
    let others = indexed(&[&["/number"], &["/tag"]], &["/number"]);
    let mut now = MemberIndex::default();
    for _ in 0..150 {
        match numbers.below(40) {
            0 => {
                now = numbers.one_of(&[&tags, &others]).clone();
                index(&mirror, now.clone()).await;
            }
            1 => mirror.reset(WHOSE, OBJECT).await.unwrap(),
            2..8 => drop(mirror.maintain().await.unwrap()),
            _ => {}
        }
        let source =
            numbers.one_of(&[Source::Page, Source::Lookup, Source::Delivery, Source::Ours]);
        let mut batch = batch(&mirror, source).await;
        for _ in 0..numbers.below(4) {
            let (id, tag, version) = (numbers.below(12), numbers.below(4), numbers.below(9));
            let data = format!(
                r#"{{"tag":"{tag}","number":{version},"due":{{"min":"{tag}{version}","from":"2026-11-1{tag}","to":"2026-11-2{version}","late":"2026-11-2{tag}"}}}}"#
            );
            batch.records.push(record(&id.to_string(), version as i64, &data));
        }
        match numbers.below(5) {
            0 => batch.deleted.push(numbers.below(12).to_string()),
            1 => batch.aged_out.push(numbers.below(12).to_string()),
            _ => {}
        }
        mirror.apply(batch).await.unwrap();
        let names = now.names();
        let sort = numbers.below(names.len() as u64) as usize;
        let filters = match now.members.is_empty() || numbers.below(2) == 0 {
            true => vec![],
            false => vec![equal("number", &numbers.below(9).to_string())],
        };
        let query = query(filters, &names[sort], numbers.below(2) == 0);
        agrees(&mirror, &now, query).await;
    }
    for last in [now, tags] {
        index(&mirror, last.clone()).await;
        while mirror.maintain().await.unwrap() {}
        counts_are_right(&mirror, &last).await;
    }
}

/// Page by page, a list has the records that it should have, sorted.
async fn agrees(mirror: &Arc<dyn State>, index: &MemberIndex, query: ListQuery) {
    let reader = ValueReader::new(index);
    let slot = index.slot(&query.sort).unwrap();
    let mut query = ListQuery { limit: 5, ..query };
    let mut told = Vec::new();
    loop {
        let page = mirror.list(query.clone()).await.unwrap();
        told.extend(page.records);
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    let values = |row: &MirroredRecord| values(&reader, row).slots;
    let sorted: Vec<String> = told.iter().map(|row| values(row)[slot].clone()).collect();
    let in_order =
        |two: &[String]| if query.descending { two[0] >= two[1] } else { two[0] <= two[1] };
    assert!(sorted.windows(2).all(in_order), "{query:?}: {sorted:?}");
    let mut all = mirror.records(WHOSE, OBJECT, None, 999).await.unwrap();
    all.retain(|row| {
        query.filters.iter().all(|filter| {
            let slot = index.slot(&filter.member).unwrap();
            matches!(&filter.test, Test::Equal(value) if values(row)[slot] == *value)
        })
    });
    told.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(told, all, "{query:?}");
}
