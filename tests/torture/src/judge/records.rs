//! The mirror, its log, deliveries, scans and grants of one account.

use std::collections::{BTreeMap, BTreeSet};

use host_harness::clock::Clock as _;
use host_harness::mirror::{ChangeKind, ChangeRow, RecordState};
use host_harness::store::GrantState;
use serde_json::Value;

use crate::account::{Account, Removed};
use crate::day::World;
use crate::find::Violation;
use crate::host::OBJECT;
use crate::lock;
use crate::plan::START_MS;
use crate::state::State;

/// A scan is at most so old in the end.
const OLDEST_SCAN_MS: u64 = 2_700_000;
/// More is never asked for.
const ALL: u32 = 1_000_000;

/// A host asks for lost tokens twice at once, and then each quarter of an hour.
const ASK_EVERY_MS: u64 = 15 * 60 * 1_000;

/// Whether the questions for an account's tokens since some last came, of which the last was refused, are as
/// many as a host may ask within the provider's grace.
fn was_asked_in_vain(world: &World, account: usize, received_ms: u64) -> bool {
    let sent = lock(&world.network.sent);
    let asked: Vec<u64> = sent
        .iter()
        .filter(|sent| sent.account == account && sent.request == "POST /oauth/token")
        .map(|sent| sent.at_ms)
        .collect();
    let Some(refused) = asked.last() else { return false };
    let grace_ms = world.plan.grace_s * 1_000;
    // A question that brought tokens was sent just before they were kept.
    let since = refused.saturating_sub(grace_ms + ASK_EVERY_MS);
    let since = since.max(received_ms.saturating_sub(START_MS) + 1);
    let in_vain = (asked.iter().filter(|at| **at >= since).count() as u64).saturating_sub(1);
    in_vain >= 2 + grace_ms / ASK_EVERY_MS - 1
}

/// Judges an account.
pub async fn judge(world: &World, account: &Account, state: &State, found: &mut Vec<Violation>) {
    let name = format!("a{:02}", account.number);
    let connection = &account.row.id;
    let mut broken =
        |rule, what: String| found.push(Violation::new(rule, format!("{name} {what}")));
    if account.oauth {
        let grant = state.store.grant(connection).await.unwrap().unwrap();
        let lives = !account.simulator.live_grants().is_empty();
        if grant.state == GrantState::Ended || !lives {
            // Each answer was lost, as often as a host may ask while a replaced token is taken.
            if was_asked_in_vain(world, account.number, grant.received_ms) {
                return;
            }
            broken(
                "I-9",
                format!("the grant is {:?}, and lives at the provider: {lives}", grant.state),
            );
            return;
        }
        let at_once = account.simulator.token_requests().most_at_once_for_a_grant;
        if at_once > 1 {
            broken("I-9", format!("{at_once} renewals at once"));
        }
    }
    let kept = state.mirror.records(connection, OBJECT, None, ALL).await.unwrap();
    let truth: BTreeMap<String, String> =
        account.simulator.trackings().into_iter().map(|text| (id(&text), text)).collect();
    let removed = lock(&account.facts).removed.clone();
    let mut live = BTreeSet::new();
    for record in &kept {
        world.journal.note(format_args!("{name} {} {:?}", record.id, record.state));
        if record.state == RecordState::Deleted {
            continue;
        }
        live.insert(record.id.clone());
        match truth.get(&record.id) {
            Some(text) if *text != record.data && is_listed(record.created_at.as_deref()) => {
                broken("I-1", format!("{} is kept otherwise: {} / {text}", record.id, record.data));
            }
            Some(_) => {}
            None if !removed.contains_key(&record.id) => {
                broken("I-12", format!("{} was never of this account", record.id));
            }
            None if record.state == RecordState::Live
                && !is_young(record.created_at.as_deref(), world) =>
            {
                broken("I-18", format!("{} was removed, and is kept", record.id));
            }
            None => {}
        }
    }
    let missing = truth.iter().filter(|(id, text)| !live.contains(*id) && is_listed(made(text)));
    let missing = missing.map(|(id, _)| id);
    missing.for_each(|id| broken("I-1", format!("{id} is not kept")));
    let changes = state.mirror.changes(connection, 0, ALL).await.unwrap();
    judge_log(&changes, &removed, &mut broken);
    let there = kept.iter().filter(|record| record.state != RecordState::Deleted);
    let there: BTreeMap<_, _> = there.map(|record| (record.id.clone(), record.hash)).collect();
    let told = ends(&changes);
    for id in there.keys().chain(told.keys()).collect::<BTreeSet<_>>() {
        if there.get(id) != told.get(id) {
            broken("I-14", format!("the log does not end with what is kept of {id}"));
        }
    }
    judge_deliveries(account, state, &mut broken).await;
    let scans = state.mirror.scans(connection).await.unwrap();
    let now_ms = world.clock.now_ms();
    let scan = scans.iter().find(|scan| scan.object == OBJECT);
    let completed = scan.and_then(|scan| scan.completed_ms).unwrap_or_default();
    if now_ms.saturating_sub(completed) > OLDEST_SCAN_MS {
        broken("I-17", format!("the last scan was completed at {completed}: {scan:?}"));
    }
}

/// Lists forget a record 120 days after it was made.
pub fn is_listed(created_at: Option<&str>) -> bool {
    created_at.is_some_and(|at| at > "2026-07-26T12:00:00")
}

/// Removed records count as gone only when they are more than a day old.
fn is_young(created_at: Option<&str>, world: &World) -> bool {
    let day = |ms: u64| ms / 86_400_000;
    let Some(created) = created_at.and_then(|text| text.get(8..10)?.parse::<u64>().ok()) else {
        return true;
    };
    let today = 22 + day(world.clock.now_ms()) - day(crate::plan::START_MS);
    created_at.is_some_and(|text| text.starts_with("2026-11")) && created + 1 >= today
}

/// The log tells nothing twice, never goes back, and removes only what was removed.
fn judge_log(
    changes: &[ChangeRow],
    removed: &BTreeMap<String, Removed>,
    broken: &mut impl FnMut(&'static str, String),
) {
    let mut told: BTreeMap<&str, (Option<[u8; 32]>, Option<&str>)> = BTreeMap::new();
    let mut last = 0;
    for change in changes {
        if change.number <= last {
            broken("I-4", format!("change {} after {last}", change.number));
        }
        last = change.number;
        if change.object != OBJECT {
            continue;
        }
        let before = told.get(change.id.as_str()).copied();
        match change.kind {
            ChangeKind::Created | ChangeKind::Updated => {
                let is_known = before.is_some_and(|(hash, _)| hash.is_some());
                if is_known == (change.kind == ChangeKind::Created)
                    || before.and_then(|(hash, _)| hash) != change.previous
                    || change.previous == change.hash
                {
                    broken("I-2", format!("told twice or out of turn: {change:?}"));
                }
                let at = change.updated_at.as_deref();
                if before.is_some_and(|(_, earlier)| earlier > at) {
                    broken("I-4", format!("an older version came after a newer one: {change:?}"));
                }
                told.insert(&change.id, (change.hash, at));
            }
            ChangeKind::Deleted => {
                let gone = removed.get(&change.id);
                if gone.is_none_or(|gone| gone.at_ms > change.at_ms) {
                    broken("I-18", format!("removed though it was there: {change:?}"));
                }
                told.insert(&change.id, (None, change.updated_at.as_deref()));
            }
            ChangeKind::AgedOut | ChangeKind::Drift | ChangeKind::Reset | ChangeKind::Rule => {}
        }
    }
}

/// What the log says that is there, by id and digest.
fn ends(changes: &[ChangeRow]) -> BTreeMap<String, [u8; 32]> {
    let mut ends = BTreeMap::new();
    for change in changes.iter().filter(|change| change.object == OBJECT) {
        match (change.kind, change.hash) {
            (ChangeKind::Created | ChangeKind::Updated, Some(hash)) => {
                ends.insert(change.id.clone(), hash);
            }
            (ChangeKind::Deleted, _) => drop(ends.remove(&change.id)),
            _ => {}
        }
    }
    ends
}

/// What was taken is kept, and all of it is applied.
async fn judge_deliveries(
    account: &Account,
    state: &State,
    broken: &mut impl FnMut(&'static str, String),
) {
    let deliveries = state.inbox.deliveries(Some(&account.row.id), None, ALL).await.unwrap();
    let events = deliveries.iter().flat_map(|delivery| &delivery.events);
    let known: BTreeSet<&str> = events.filter_map(|event| event.id.as_deref()).collect();
    for attempt in account.simulator.webhook_journal() {
        if attempt.is_taken() && !known.contains(attempt.event_id.as_str()) {
            broken("I-5", format!("event {} was taken, and is not kept", attempt.event_id));
        }
        if attempt.is_taken() && attempt.fault.as_deref().is_some_and(is_forged) {
            broken("I-13", format!("event {} was forged, and taken", attempt.event_id));
        }
    }
    let (waiting, dead) = state.inbox.count_events(Some(&account.row.id)).await.unwrap();
    if waiting > 0 || dead > 0 {
        let dead = state.inbox.dead_events(Some(&account.row.id)).await.unwrap();
        let why: Vec<_> = dead.iter().filter_map(|event| event.reason.as_deref()).collect();
        broken("I-3", format!("{waiting} events wait in the end, and dead are: {why:?}"));
    }
    let hooks = state.inbox.hooks().await.unwrap();
    let gap =
        hooks.iter().find(|hook| hook.connection == account.row.id).and_then(|hook| hook.gap_ms);
    if let Some(gap) = gap {
        broken("I-17", format!("the gap since {gap} was not closed"));
    }
}

fn is_forged(fault: &str) -> bool {
    ["WrongSignature", "Unsigned", "Tampered"].iter().any(|forged| fault.contains(forged))
}

/// When it was made.
pub fn made(tracking: &str) -> Option<&str> {
    tracking.split_once(r#""created_at":""#)?.1.split('"').next()
}

fn id(tracking: &str) -> String {
    let tracking: Value = serde_json::from_str(tracking).unwrap();
    tracking["id"].as_str().unwrap().to_owned()
}
