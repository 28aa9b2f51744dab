//! What must be true when everything is calm, by both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use connector_state::conformance::State;
use host_harness::mirror::{ChangeKind, RecordState};
use host_harness::store::GrantState;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::account::Account;
use crate::chaos::ROUNDS;
use crate::{World, lock};

const OBJECT: &str = "trackings";
/// Everything that is kept comes right within this time.
const PATIENCE: Duration = Duration::from_secs(150);
/// More is never asked for.
const ALL: u32 = 1_000_000;

/// Waits until each mirror is as its provider has it.
pub async fn settle(world: &World) {
    let state = world.disk.open().await;
    let began = Instant::now();
    loop {
        let mut wrong = Vec::new();
        for account in &world.accounts {
            wrong.extend(differences(account, &state).await.into_iter().take(1));
        }
        world.fleet.fallen().into_iter().for_each(|what| world.broken(what));
        if wrong.is_empty() {
            println!("all mirrors are right {:.0} s after the calm", began.elapsed().as_secs_f64());
            return;
        }
        if began.elapsed() > PATIENCE {
            wrong.into_iter().for_each(|what| world.broken(what));
            return;
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// In what a mirror differs from its provider.
async fn differences(account: &Account, state: &Arc<dyn State>) -> Vec<String> {
    let Ok(kept) = state.records(&account.row.id, OBJECT, None, ALL).await else {
        return vec!["the state cannot be read".to_owned()];
    };
    let name = &account.row.name;
    let kept = kept.into_iter().filter(|record| record.state == RecordState::Live);
    let truth = account.truth();
    // What is younger than a day is not looked for when lists do not show it.
    let day_ago = account.day_ago();
    let is_young = |made: Option<&String>| made.is_some_and(|made| *made > day_ago);
    let (mut there, mut old) = (BTreeMap::new(), BTreeSet::new());
    for record in kept {
        if !is_young(record.created_at.as_ref()) {
            old.insert(record.id.clone());
        }
        there.insert(record.id, record.data);
    }
    let kept = there;
    let missing = truth.iter().filter(|(id, text)| kept.get(*id) != Some(text));
    let mut wrong: Vec<String> =
        missing.map(|(id, _)| format!("{name}: {id} is not kept as it is")).collect();
    let waiting = state.count_events(Some(&account.row.id)).await.map_or(1, |(waiting, _)| waiting);
    if waiting > 0 {
        wrong.push(format!("{name}: {waiting} events wait"));
    }
    let removed = lock(&account.removed);
    for id in kept.keys().filter(|id| !truth.contains_key(*id)) {
        match (removed.contains(id), old.contains(id)) {
            (false, _) => wrong.push(format!("{name}: {id} was never there")),
            (true, true) => wrong.push(format!("{name}: {id} was removed, and is kept")),
            (true, false) => {}
        }
    }
    wrong
}

/// Judges what was read, written and told.
pub async fn run(world: &World, read: &[Vec<u64>]) {
    let state = world.disk.open().await;
    judge_reader(world, read, &state).await;
    let (mut deliveries, mut requests, mut created) = (0, 0, 0);
    for account in &world.accounts {
        judge_log(world, account, &state).await;
        created += judge_pushes(world, account);
        let name = &account.row.name;
        account.simulator.with_journal(|entries| {
            for entry in entries {
                requests += 1;
                if entry.status == Some(429) {
                    world.broken(format!("{name}: request {} was one too many", entry.seq));
                }
            }
        });
        let counts = account.simulator.webhook_counts();
        deliveries += counts.taken;
        judge_deliveries(world, account, &state).await;
        if account.oauth {
            let grant = state.grant(&account.row.id).await.unwrap().unwrap();
            if grant.state == GrantState::Ended || account.simulator.live_grants().is_empty() {
                world.broken(format!("{name}: its grant is lost: {:?}", grant.state));
            }
            let at_once = account.simulator.token_requests().most_at_once_for_a_grant;
            if at_once > 1 {
                world.broken(format!("{name}: {at_once} renewals at once"));
            }
        }
    }
    let changes: usize =
        world.accounts.iter().map(|account| account.changes.load(Ordering::SeqCst)).sum();
    println!(
        "{changes} changes at the providers, {requests} requests, {deliveries} deliveries taken, {created} trackings pushed"
    );
}

/// Whoever read the log while it was written has seen each number, in order.
async fn judge_reader(world: &World, read: &[Vec<u64>], state: &Arc<dyn State>) {
    for (account, read) in world.accounts.iter().zip(read) {
        let all = state.changes(&account.row.id, 0, ALL).await.unwrap();
        let last = read.last().copied().unwrap_or_default();
        let all = all.iter().filter(|change| change.number <= last);
        let missed = all.filter(|change| read.binary_search(&change.number).is_err());
        let missed: Vec<u64> = missed.map(|change| change.number).collect();
        if !missed.is_empty() || !read.is_sorted() || read.is_empty() {
            world.broken(format!("{}: a reader missed {missed:?}", account.row.name));
        }
    }
}

/// The log tells nothing twice, never goes back, and ends with what is kept.
async fn judge_log(world: &World, account: &Account, state: &Arc<dyn State>) {
    let name = &account.row.name;
    let mut told: BTreeMap<String, Option<[u8; 32]>> = BTreeMap::new();
    for change in state.changes(&account.row.id, 0, ALL).await.unwrap() {
        if change.object != OBJECT {
            continue;
        }
        let before = told.get(&change.id).copied().flatten();
        match change.kind {
            ChangeKind::Created | ChangeKind::Updated => {
                if before.is_some() == (change.kind == ChangeKind::Created)
                    || before != change.previous
                    || change.previous == change.hash
                {
                    world.broken(format!("{name}: told twice or out of turn: {change:?}"));
                }
                told.insert(change.id, change.hash);
            }
            ChangeKind::Deleted => {
                if !lock(&account.removed).contains(&change.id) {
                    world.broken(format!("{name}: removed though it was there: {change:?}"));
                }
                told.insert(change.id, None);
            }
            ChangeKind::AgedOut | ChangeKind::Drift | ChangeKind::Reset | ChangeKind::Rule => {}
        }
    }
    for record in state.records(&account.row.id, OBJECT, None, ALL).await.unwrap() {
        let last = told.get(&record.id).copied().flatten();
        if record.state == RecordState::Live && last != Some(record.hash) {
            world
                .broken(format!("{name}: the log does not end with what is kept of {}", record.id));
        }
    }
}

/// Whether a tracking is one of those that are pushed.
pub fn is_pushed(tracking: &str) -> bool {
    tracking.contains(r#""tracking_number":"PUSH"#)
}

/// Each item that was pushed is there once, as the last push wanted it.
fn judge_pushes(world: &World, account: &Account) -> usize {
    let name = &account.row.name;
    let mut there: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for text in account.simulator.trackings().iter().filter(|text| is_pushed(text)) {
        let tracking: Value = serde_json::from_str(text).unwrap();
        let number = tracking["tracking_number"].as_str().unwrap().to_owned();
        there.entry(number).or_default().push(tracking);
    }
    let pushed = account.pushed.load(Ordering::SeqCst);
    if there.len() != pushed {
        world.broken(format!("{name}: {} of {pushed} items are there", there.len()));
    }
    for (number, trackings) in &there {
        if trackings.len() > 1 || trackings[0]["title"] != format!("round {}", ROUNDS - 1) {
            world.broken(format!(
                "{name}: {number} is there {} times, called {}",
                trackings.len(),
                trackings[0]["title"]
            ));
        }
    }
    there.len()
}

/// What was answered with 200 is kept.
async fn judge_deliveries(world: &World, account: &Account, state: &Arc<dyn State>) {
    let name = &account.row.name;
    let rows = state.deliveries(Some(&account.row.id), None, ALL).await.unwrap();
    let kept: BTreeSet<String> =
        rows.into_iter().flat_map(|row| row.events).filter_map(|event| event.id).collect();
    for attempt in account.simulator.webhook_journal() {
        if !attempt.is_taken() {
            continue;
        }
        let id = attempt.event_id;
        if !kept.contains(&id) {
            world.broken(format!("{name}: the delivery {id} was answered, and is not kept"));
        }
    }
    let (_, dead) = state.count_events(Some(&account.row.id)).await.unwrap();
    if dead > 0 {
        world.broken(format!("{name}: {dead} events are dead"));
    }
}
