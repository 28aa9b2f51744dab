//! What was written at the provider: once, and as the state tells it.

use std::collections::{BTreeMap, BTreeSet};

use host_harness::push::{IntentState, Outcome};
use serde_json::Value;

use crate::account::{Account, Push};
use crate::day::World;
use crate::find::Violation;
use crate::state::State;

/// Judges an account's pushes.
pub async fn judge(world: &World, account: &Account, state: &State, found: &mut Vec<Violation>) {
    let name = format!("a{:02}", account.number);
    let mut broken =
        |rule, what: String| found.push(Violation::new(rule, format!("{name} {what}")));
    let mut there: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for text in account.simulator.trackings() {
        if text.contains("PUSH") {
            let tracking: Value = serde_json::from_str(&text).unwrap();
            there.entry(text_of(&tracking, "tracking_number")).or_default().push(tracking);
        }
    }
    let mut removed: BTreeMap<String, usize> = BTreeMap::new();
    for gone in crate::lock(&account.facts).removed.values() {
        *removed.entry(gone.tracking_number.clone()).or_default() += 1;
    }
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    for (place, push) in account.pushes.iter().enumerate() {
        let items = state.intents.intents(push.run.get().unwrap(), 0, 1_000).await.unwrap();
        if items.len() != push.wishes.len() {
            broken("I-6", format!("push {place} has {} items", items.len()));
        }
        for (wish, item) in push.wishes.iter().zip(items) {
            let number = text_of(wish, "tracking_number");
            let (end, outcome) = (item.state, item.outcome);
            world.journal.note(format_args!("{name} push {place} {number}: {end:?} {outcome:?}"));
            if item.state != IntentState::Done {
                broken("I-6", format!("{number} of push {place} is {end:?}: {:?}", item.error));
                continue;
            }
            *made.entry(number.clone()).or_default() +=
                usize::from(outcome == Some(Outcome::Created));
            numbers.insert(number);
        }
    }
    for number in numbers {
        let removed = removed.get(&number).copied().unwrap_or_default();
        let titles = last_titles(&account.pushes, &number);
        match there.get(&number).map(Vec::as_slice) {
            Some([record]) if titles.contains(&text_of(record, "title")) => {}
            Some([record]) => {
                let title = text_of(record, "title");
                broken("I-6", format!("{number} is called {title}, and not one of {titles:?}"));
            }
            None if removed > 0 => {}
            records => {
                let count = records.map_or(0, <[Value]>::len);
                broken("I-6", format!("{number} is there {count} times"));
            }
        }
        let times = made.get(&number).copied().unwrap_or_default();
        if times > 1 + removed {
            broken("I-6", format!("{number} was told as made {times} times"));
        }
    }
    judge_creates(account, &mut broken);
}

/// What a record may be called in the end: the last title of its last run, or of each of those that
/// were under way together.
fn last_titles(pushes: &[Push], number: &str) -> BTreeSet<String> {
    let wish =
        |push: &Push| push.wishes.iter().rfind(|wish| wish["tracking_number"] == number).cloned();
    let of_number: Vec<(&Push, Value)> =
        pushes.iter().filter_map(|push| Some((push, wish(push)?))).collect();
    let is_last = |push: &Push| {
        push.ended.get().is_none_or(|ended| of_number.iter().all(|(other, _)| other.at < *ended))
    };
    let last = of_number.iter().filter(|(push, _)| is_last(push));
    last.map(|(_, wish)| text_of(wish, "title")).collect()
}

fn text_of(record: &Value, member: &str) -> String {
    record[member].as_str().unwrap_or_default().to_owned()
}

/// After a create of which nobody knows what became of it, nothing is created before it was looked
/// for.
fn judge_creates(account: &Account, broken: &mut impl FnMut(&'static str, String)) {
    let mut open: BTreeMap<String, u64> = BTreeMap::new();
    for entry in account.simulator.journal() {
        let query = entry.query.clone().unwrap_or_default();
        match entry.method.as_str() {
            "GET" => open.retain(|number, _| !query.contains(number.as_str())),
            "POST" if entry.path.ends_with("/trackings") => {
                let Ok(body) = serde_json::from_str::<Value>(&entry.body) else { continue };
                let Some(number) = body["tracking_number"].as_str() else { continue };
                let is_doubtful = matches!(entry.status, None | Some(200..300 | 500 | 502 | 504));
                if let Some(earlier) = open.remove(number) {
                    let (seq, status) = (entry.seq, entry.status);
                    let what = format!(
                        "{number} was created again by request {seq} ({status:?}) after {earlier}"
                    );
                    broken("I-6", what);
                }
                if is_doubtful {
                    open.insert(number.to_owned(), entry.seq);
                }
            }
            _ => {}
        }
    }
}
