//! What was written at the provider: once, and as the state tells it.

use std::collections::BTreeMap;

use host_harness::push::{IntentState, Outcome};
use serde_json::Value;

use crate::account::Account;
use crate::day::World;
use crate::find::Violation;
use crate::state::State;

/// Judges an account's pushes.
pub async fn judge(world: &World, account: &Account, state: &State, found: &mut Vec<Violation>) {
    let name = format!("a{:02}", account.number);
    let mut broken =
        |rule, what: String| found.push(Violation::new(rule, format!("{name} {what}")));
    let there: Vec<Value> = account
        .simulator
        .trackings()
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let mut titles: BTreeMap<String, String> = BTreeMap::new();
    let mut made: BTreeMap<String, u32> = BTreeMap::new();
    for (place, push) in account.pushes.iter().enumerate() {
        let items = state.intents.intents(push.run.get().unwrap(), 0, 1_000).await.unwrap();
        if items.len() != push.wishes.len() {
            broken("I-6", format!("push {place} has {} items", items.len()));
        }
        for (wish, item) in push.wishes.iter().zip(items) {
            let number = wish["tracking_number"].as_str().unwrap().to_owned();
            let (end, outcome) = (item.state, item.outcome);
            world.journal.note(format_args!("{name} push {place} {number}: {end:?} {outcome:?}"));
            if item.state != IntentState::Done {
                broken("I-6", format!("{number} of push {place} is {end:?}: {:?}", item.error));
                continue;
            }
            *made.entry(number.clone()).or_default() +=
                u32::from(outcome == Some(Outcome::Created));
            titles.insert(number, wish["title"].as_str().unwrap().to_owned());
        }
    }
    for (number, title) in titles {
        let records: Vec<&Value> =
            there.iter().filter(|record| record["tracking_number"] == number.as_str()).collect();
        let removed = crate::lock(&account.facts).removed.len();
        match records.as_slice() {
            [record] if record["title"] == title.as_str() => {}
            [record] => {
                broken("I-6", format!("{number} is called {}, not {title}", record["title"]));
            }
            [] if removed > 0 => {}
            _ => broken("I-6", format!("{number} is there {} times", records.len())),
        }
        let times = made.get(&number).copied().unwrap_or_default();
        if removed == 0 && times > 1 {
            broken("I-6", format!("{number} was told as made {times} times"));
        }
    }
    judge_creates(account, &mut broken);
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
