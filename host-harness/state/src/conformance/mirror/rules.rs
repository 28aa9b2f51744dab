//! Rules over time: raised when they are due, cleared when records change, listed and counted.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::lists::{index, indexed};
use super::*;
use crate::StoreError;
use crate::conformance::random::Numbers;
use crate::mirror::index::ValueReader;
use crate::mirror::rules::{RuleTime, RuleView, due};
use crate::mirror::{ChangeKind, ListQuery, MemberIndex, RecordState, RuleSettings};

const DAY_S: i64 = 86_400;

/// `late`, one day after `/due`, and `old`, at once after `/seen`; neither for what is done.
fn rules() -> IndexMap<String, RuleView> {
    let rule = |title: &str, since: &str, days| RuleView {
        title: title.to_owned(),
        since: vec![RuleTime::Member(since.to_owned())],
        days,
        unless: [("/tag".to_owned(), vec!["done".to_owned()])].into_iter().collect(),
        ..RuleView::default()
    };
    let rules = [("late", rule("Late", "/due", 1)), ("old", rule("Old", "/seen", 0))];
    rules.into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect()
}

fn ruled() -> MemberIndex {
    MemberIndex { rules: rules(), ..indexed(&[&["/tag"]], &["/tag"]) }
}

/// So many seconds after time began.
fn at(seconds: i64) -> String {
    record("", seconds, "").updated_at.unwrap()
}

fn order(id: &str, changed_s: i64, tag: &str, due_s: i64) -> DataRecord {
    record(id, changed_s, &format!(r#"{{"tag":"{tag}","due":"{}"}}"#, at(due_s)))
}

/// Raises all that is due.
async fn wake(mirror: &Arc<dyn State>) {
    while mirror.wake_rules(WHOSE, OBJECT, 3).await.unwrap() == 3 {}
}

/// What was told of rules: number, id, rule, raised.
async fn told(mirror: &Arc<dyn State>) -> Vec<(String, String, bool)> {
    let changes = mirror.changes(WHOSE, 0, 9_999).await.unwrap().into_iter();
    let rules = changes.filter(|change| change.kind == ChangeKind::Rule);
    let told = rules.map(|change| {
        assert_eq!((change.ours, change.source, &change.members), (false, None, &vec![]));
        let rule = change.rule.unwrap();
        (change.id, rule.rule, rule.raised)
    });
    told.collect()
}

fn query(rule: &str) -> ListQuery {
    ListQuery {
        connection: WHOSE.to_owned(),
        object: OBJECT.to_owned(),
        sort: "id".to_owned(),
        rule: Some(rule.to_owned()),
        limit: 2,
        ..ListQuery::default()
    }
}

/// All of a list, page by page: ids, and when each was due in days after time began.
async fn listed(mirror: &Arc<dyn State>, mut query: ListQuery) -> Vec<(String, i64)> {
    let mut all = Vec::new();
    loop {
        let page = mirror.list(query.clone()).await.unwrap();
        let days = page.due_ms.iter().map(|due_ms| (due_ms / 1_000) as i64 - START_S as i64);
        let ids = page.records.into_iter().map(|record| record.id);
        all.extend(ids.zip(days.map(|due_s| due_s.div_euclid(DAY_S))));
        query.after = page.next;
        if query.after.is_none() {
            return all;
        }
    }
}

fn pairs(all: &[(&str, i64)]) -> Vec<(String, i64)> {
    all.iter().map(|(id, days)| ((*id).to_owned(), *days)).collect()
}

fn say(all: &[(&str, &str, bool)]) -> Vec<(String, String, bool)> {
    all.iter().map(|(id, rule, raised)| ((*id).to_owned(), (*rule).to_owned(), *raised)).collect()
}

async fn counted(mirror: &Arc<dyn State>) -> Vec<(String, u64)> {
    let counts = mirror.value_counts(WHOSE, OBJECT).await.unwrap().rules;
    counts.into_iter().map(|count| (count.rule, count.records)).collect()
}

pub async fn rules_are_raised_when_they_are_due(database: &impl Database) {
    let mirror = mirror(database).await;
    index(&mirror, ruled()).await;
    let orders = vec![
        order("1", 0, "open", DAY_S),
        order("2", 0, "open", -5 * DAY_S),
        order("3", 0, "done", -5 * DAY_S),
        order("4", 0, "open", -3 * DAY_S),
        record("5", 0, r#"{"tag":"open","due":"soon"}"#),
        order("6", 0, "open", -4 * DAY_S),
    ];
    arrive(&mirror, Source::Page, orders).await;
    assert_eq!(told(&mirror).await, []);
    wake(&mirror).await;
    let first = [("2", "late", true), ("6", "late", true), ("4", "late", true)];
    assert_eq!(told(&mirror).await, say(&first));
    assert_eq!(listed(&mirror, query("late")).await, pairs(&[("2", -4), ("6", -3), ("4", -2)]));
    let newest = ListQuery { descending: true, ..query("late") };
    assert_eq!(listed(&mirror, newest).await, pairs(&[("4", -2), ("6", -3), ("2", -4)]));
    assert_eq!(counted(&mirror).await, [("late".to_owned(), 3), ("old".to_owned(), 0)]);
    // Once, however often it is asked; the rest when its time comes, in another process too.
    wake(&database.open()).await;
    pass(2 * DAY_S as u64 - 2).await;
    wake(&mirror).await;
    assert_eq!(told(&mirror).await.len(), 3);
    pass(2).await;
    wake(&database.open()).await;
    assert_eq!(told(&mirror).await.split_off(3), say(&[("1", "late", true)]));
    // Filters hold as well, and a list ends where they leave nothing.
    let filtered = |tag: &str| ListQuery {
        filters: vec![format!("tag={tag}").parse().unwrap()],
        ..query("late")
    };
    assert_eq!(listed(&mirror, filtered("open")).await.len(), 4);
    assert_eq!(listed(&mirror, filtered("done")).await, []);
}

pub async fn rules_are_cleared_when_they_no_longer_hold(database: &impl Database) {
    let mirror = mirror(database).await;
    index(&mirror, ruled()).await;
    let late = |id: &str| order(id, 0, "open", -5 * DAY_S);
    arrive(&mirror, Source::Page, ["1", "2", "3", "4", "5"].map(late).to_vec()).await;
    wake(&mirror).await;
    assert_eq!(counted(&mirror).await[0].1, 5);
    // Done, due later, due another time that has passed too, removed, aged out.
    let changed = vec![
        order("1", 1, "done", -5 * DAY_S),
        order("2", 1, "open", 5 * DAY_S),
        order("3", 1, "open", -4 * DAY_S),
    ];
    arrive(&mirror, Source::Page, changed).await;
    gone(&mirror, Source::Lookup, &["4"]).await;
    let batch = batch(&mirror, Source::Lookup).await;
    mirror.apply(Batch { aged_out: vec!["5".to_owned()], ..batch }).await.unwrap();
    let cleared = [
        ("1", "late", false),
        ("2", "late", false),
        ("3", "late", true),
        ("4", "late", false),
        ("5", "late", false),
    ];
    assert_eq!(told(&mirror).await.split_off(5), say(&cleared));
    assert_eq!(listed(&mirror, query("late")).await, pairs(&[("3", -3)]));
    // A record as it came is no other version because a rule was told of it.
    let known = kept(&mirror, "3").await;
    let history = mirror.history(WHOSE, OBJECT, "3", 9).await.unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history[0].change.number, known.change);
    wake(&mirror).await;
    pass(6 * DAY_S as u64).await;
    wake(&mirror).await;
    assert_eq!(told(&mirror).await.split_off(10), say(&[("2", "late", true)]));
    // With everything of the object, and nothing is told of that.
    mirror.reset(WHOSE, OBJECT).await.unwrap();
    while mirror.maintain().await.unwrap() {}
    wake(&mirror).await;
    assert_eq!((told(&mirror).await.len(), counted(&mirror).await[0].1), (11, 0));
}

pub async fn a_rule_that_is_set_is_found_out_anew(database: &impl Database) {
    let mirror = mirror(database).await;
    index(&mirror, ruled()).await;
    let at = |id: &str, days: i64| order(id, 0, "open", days * DAY_S);
    arrive(&mirror, Source::Page, vec![at("1", -2), at("2", -5), at("3", -9)]).await;
    wake(&mirror).await;
    assert_eq!(counted(&mirror).await[0].1, 3);
    let set = async |setting: Option<Option<u32>>| {
        mirror.set_rule(WHOSE, "late", setting).await.unwrap();
        while mirror.maintain().await.unwrap() {}
        wake(&mirror).await;
    };
    set(Some(Some(4))).await;
    let mut expected = say(&[("1", "late", false)]);
    assert_eq!(told(&mirror).await.split_off(3)[..1], expected);
    // Those that stay overdue are told of with their other time.
    expected.extend(say(&[("2", "late", true), ("3", "late", true)]));
    assert_eq!(told(&mirror).await.split_off(3), expected);
    assert_eq!(listed(&mirror, query("late")).await, pairs(&[("3", -5), ("2", -1)]));
    set(Some(None)).await;
    assert_eq!(counted(&mirror).await[0].1, 0);
    let settings = RuleSettings::from([("late".to_owned(), None)]);
    assert_eq!(mirror.rule_settings(WHOSE).await.unwrap(), settings);
    let counts = mirror.value_counts(WHOSE, OBJECT).await.unwrap().rules;
    assert_eq!(counts.iter().map(|count| count.days).collect::<Vec<_>>(), [None, Some(0)]);
    set(None).await;
    assert_eq!(mirror.rule_settings(WHOSE).await.unwrap(), RuleSettings::default());
    assert_eq!(counted(&mirror).await[0].1, 3);
    let nobody = mirror.set_rule("nobody", "late", None).await;
    assert_eq!(nobody, Err(StoreError::NoConnection("nobody".to_owned())));
    let unknown = mirror.list(query("early")).await.unwrap_err();
    assert!(matches!(unknown, StoreError::NoRule { .. }), "{unknown}");
}

/// Also of more records than one piece builds, while others arrive.
pub async fn rules_come_with_the_index(database: &impl Database) {
    let mirror = mirror(database).await;
    let ids: Vec<String> = (0..60).map(|n| format!("{n:03}")).collect();
    let late = |id: &String| order(id, 0, "open", -5 * DAY_S);
    arrive(&mirror, Source::Page, ids.iter().map(late).collect()).await;
    index(&mirror, ruled()).await;
    mirror.maintain().await.unwrap();
    arrive(&mirror, Source::Page, vec![order("059", 1, "done", 0), late(&"x".to_owned())]).await;
    while mirror.maintain().await.unwrap() {}
    wake(&mirror).await;
    assert_eq!(listed(&mirror, query("late")).await.len(), 60);
    // Another index, with the same rule: nothing is told again.
    let before = told(&mirror).await;
    index(&mirror, MemberIndex { rules: rules(), ..indexed(&[], &[]) }).await;
    while mirror.maintain().await.unwrap() {}
    wake(&mirror).await;
    assert_eq!(told(&mirror).await, before);
    assert_eq!(listed(&mirror, query("late")).await.len(), 60);
    // And one without the rule.
    index(&mirror, indexed(&[&["/tag"]], &[])).await;
    while mirror.maintain().await.unwrap() {}
    assert_eq!(told(&mirror).await.len(), 120);
}

/// Whatever comes: what is raised is what is overdue, and the log says the same.
pub async fn rules_are_right_whatever_comes(database: &impl Database) {
    let mirror = mirror(database).await;
    let mut numbers = Numbers(5);
    index(&mirror, ruled()).await;
    let mut settings = RuleSettings::default();
    for step in 0..120 {
        let mut batch = batch(&mirror, Source::Lookup).await;
        for _ in 0..numbers.below(4) {
            let (id, now_s) = (numbers.below(12).to_string(), step * 7_200);
            let mut time = || at(now_s + (numbers.below(12) as i64 - 6) * DAY_S / 2);
            let (due, seen) = (time(), time());
            let tag = numbers.one_of(&["open", "open", "done"]);
            let data = format!(r#"{{"tag":"{tag}","due":"{due}","seen":"{seen}"}}"#);
            batch.records.push(record(&id, now_s, &data));
        }
        match numbers.below(6) {
            0 => batch.deleted.push(numbers.below(12).to_string()),
            1 => batch.aged_out.push(numbers.below(12).to_string()),
            _ => {}
        }
        mirror.apply(batch).await.unwrap();
        if numbers.below(12) == 0 {
            let setting = numbers.one_of(&[None, Some(None), Some(Some(0)), Some(Some(2))]);
            mirror.set_rule(WHOSE, "late", setting).await.unwrap();
            crate::mirror::rules::set(&mut settings, "late", setting);
            while mirror.maintain().await.unwrap() {}
        }
        pass(7_200).await;
        wake(&mirror).await;
        rules_are_right(&mirror, &settings, (step + 1) * 7_200).await;
    }
    assert!(told(&mirror).await.len() > 100);
}

async fn rules_are_right(mirror: &Arc<dyn State>, settings: &RuleSettings, now_s: i64) {
    let reader = ValueReader::new(&ruled());
    let now_ms = (START_S as i64 + now_s) as u64 * 1_000;
    let mut expected: BTreeMap<(String, String), i64> = BTreeMap::new();
    for record in mirror.records(WHOSE, OBJECT, None, 999).await.unwrap() {
        if record.state == RecordState::Live {
            let values = reader.values(&record.id, None, None, &record.data);
            let due = due(&rules(), settings, &values.rules).into_iter();
            let overdue = due.filter(|(_, due_ms)| *due_ms <= now_ms);
            let of = |due_ms: u64| (due_ms / 1_000) as i64 - START_S as i64;
            expected.extend(
                overdue.map(|(rule, due_ms)| {
                    ((rule, record.id.clone()), of(due_ms).div_euclid(DAY_S))
                }),
            );
        }
    }
    let mut found = BTreeMap::new();
    for rule in ["late", "old"] {
        let all = listed(mirror, query(rule)).await.into_iter();
        found.extend(all.map(|(id, days)| ((rule.to_owned(), id), days)));
    }
    assert_eq!(found, expected);
    let mut open = BTreeMap::new();
    for (id, rule, raised) in told(mirror).await {
        match raised {
            true => drop(open.insert((rule, id), ())),
            false => assert!(open.remove(&(rule, id)).is_some()),
        }
    }
    assert!(open.keys().eq(expected.keys()), "{open:?} {expected:?}");
}
