//! What every [`Intents`] must do.

mod conflicts;
mod ending;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::advance;

pub use self::conflicts::*;
pub use self::ending::*;
use super::store::maintain;
use super::{Database, START_MS, State, connection};
use crate::push::*;
use crate::{Change, LeaseHolder, Sealed, StoreError};

/// The cases, each with the methods that it is about.
#[macro_export]
#[doc(hidden)]
macro_rules! push_cases {
    ($then:ident $($with:tt)*) => {
        $crate::$then! { $($with)* push:
            a_run_comes_back_with_its_items [begin add seal run pushes intents]
            what_belongs_to_nobody_is_refused [begin add seal claim hold sending end run intents]
            items_that_are_there_stay_as_they_are [begin add intents run]
            a_source_that_is_asked_for_again_goes_on [seal run intents]
            a_run_goes_on_with_what_is_added_to_it [seal add run]
            a_run_that_was_not_sealed_is_forgotten [forget run intents]
            a_run_is_discarded_until_it_is_begun [discard run intents claim sending]
            one_item_at_a_time_writes_a_record [claim renew]
            the_claims_of_an_owner_that_is_gone_are_free [claim]
            an_item_writes_more_records_than_its_key_names [hold claim end renew]
            who_lost_a_claim_writes_nothing [hold sending end claim]
            an_item_goes_its_way_and_is_counted [claim sending end run pushes]
            what_is_asked_again_changes_nothing [begin seal sending end claim]
            an_end_commits_what_its_answer_told [end]
            an_end_whose_answer_is_refused_does_nothing [end claim]
            runs_are_forgotten_in_time [run intents pushes]
            a_removed_connection_takes_its_runs [run intents pushes claim add]
            an_item_waits_for_a_decision [conflicts end claim run]
            a_decision_is_taken_once [decide conflicts claim sending end]
            what_was_decided_stays_until_it_is_carried_out [decide conflicts end]
            what_nobody_decides_about_fails_in_time [conflicts decide run]
            conflicts_go_with_their_connection [conflicts decide]
        }
    };
}

const FOR_MS: u64 = 15_000;

fn run(id: &str) -> PushRow {
    PushRow {
        id: id.to_owned(),
        connection: "id-of-a".to_owned(),
        object: "orders".to_owned(),
        mode: Mode::Upsert,
        header: Some("id,\"tïtle\"".to_owned()),
        digest: None,
        made_ms: START_MS,
        ended_ms: None,
        counts: IntentCounts::default(),
    }
}

/// An item that names record `key`.
fn item(run: &str, index: u64, key: &str) -> IntentRow {
    IntentRow {
        run: run.to_owned(),
        index,
        line: index + 2,
        key: key.to_owned(),
        input: Some(format!("{{\"id\":\"{key}\"}}")),
        raw: Some(Sealed(vec![0, 255])),
        ..IntentRow::default()
    }
}

fn holder(run: &str, index: u64, owner: &str) -> Holder {
    Holder { run: run.to_owned(), index, owner: owner.to_owned() }
}

fn end_as(state: IntentState) -> IntentEnd {
    IntentEnd { state, outcome: None, id: None, error: None, conflict: None }
}

fn done() -> IntentEnd {
    let outcome = Some(Outcome::Created);
    IntentEnd { outcome, id: Some("9".to_owned()), ..end_as(IntentState::Done) }
}

/// A state with connection "a" and a sealed run with an item for each key.
async fn begun(database: &impl Database, id: &str, keys: &[&str]) -> Arc<dyn State> {
    let store = database.open();
    store.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    sealed(&*store, id, keys).await;
    store
}

async fn sealed(store: &dyn State, id: &str, keys: &[&str]) {
    store.begin(run(id)).await.unwrap();
    let items = (0..).zip(keys).map(|(index, key)| item(id, index, key)).collect();
    store.add(items).await.unwrap();
    let mut digest = [0; 32];
    digest[..id.len()].copy_from_slice(id.as_bytes());
    assert_eq!(store.seal(id, digest).await.unwrap(), id);
}

async fn run_of(store: &dyn State, id: &str) -> PushRow {
    Intents::run(store, id).await.unwrap().unwrap()
}

async fn item_of(store: &dyn State, id: &str, index: u64) -> IntentRow {
    store.intents(id, index, 1).await.unwrap().remove(0)
}

async fn is_ours(store: &dyn State, holder: &Holder) -> bool {
    matches!(store.claim(holder, FOR_MS).await.unwrap(), Claimed::Ours(_))
}

pub async fn a_run_comes_back_with_its_items(database: &impl Database) {
    let store = database.open();
    store.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let modes = [Mode::Upsert, Mode::Create, Mode::Update, Mode::Delete];
    for (mode, number) in modes.into_iter().zip(0_u8..) {
        let (id, made_ms) = (format!("r{number}"), START_MS - u64::from(number));
        let header = (number > 0).then(|| "id".to_owned());
        let row = PushRow { mode, made_ms, header, ..run(&id) };
        store.begin(row.clone()).await.unwrap();
        assert_eq!(run_of(&*store, &id).await, row);
        let failed = IntentRow {
            state: IntentState::Failed,
            error: Some("line 2: no é\n".to_owned()),
            input: None,
            ..item(&id, 1, "")
        };
        let items = [item(&id, 0, "k"), failed, item(&id, 2, "k")];
        store.add(items.to_vec()).await.unwrap();
        assert_eq!(store.seal(&id, [number; 32]).await.unwrap(), id);
        // As another process sees it.
        let other = database.open();
        let counts = IntentCounts { pending: 2, failed: 1, ..IntentCounts::default() };
        let row = PushRow { digest: Some([number; 32]), counts, ..row };
        assert_eq!(run_of(&*other, &id).await, row);
        assert_eq!(other.intents(&id, 0, 9).await.unwrap(), items);
        assert_eq!(other.intents(&id, 1, 1).await.unwrap(), items[1..2]);
        assert_eq!(other.intents(&id, 3, 9).await.unwrap(), []);
    }
    let ids = |runs: Vec<PushRow>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
    // Oldest first.
    let all = ["r3", "r2", "r1", "r0"];
    assert_eq!(ids(store.pushes(None).await.unwrap()), all);
    assert_eq!(ids(store.pushes(Some("id-of-a")).await.unwrap()), all);
    assert_eq!(store.pushes(Some("id-of-b")).await.unwrap(), []);
}

pub async fn what_belongs_to_nobody_is_refused(database: &impl Database) {
    let store = database.open();
    let refused = store.begin(run("r")).await;
    assert_eq!(refused, Err(StoreError::NoConnection("id-of-a".to_owned())));
    let no_push = || StoreError::NoPush("r".to_owned());
    assert_eq!(store.add(vec![item("r", 0, "k")]).await, Err(no_push()));
    assert_eq!(store.seal("r", [1; 32]).await, Err(no_push()));
    let me = holder("r", 0, "me");
    assert_eq!(store.claim(&me, FOR_MS).await, Err(no_push()));
    let taken = StoreError::TakenOver { item: 0 };
    assert_eq!(Intents::hold(&*store, &me, "k", FOR_MS).await, Err(taken.clone()));
    assert_eq!(store.sending(&me, Sent::Create, None).await, Err(taken.clone()));
    assert_eq!(store.end(&me, done(), None).await, Err(taken));
    assert_eq!(Intents::run(&*store, "r").await, Ok(None));
    assert_eq!(store.intents("r", 0, 9).await, Ok(vec![]));
    // An item that the run does not have.
    let store = begun(database, "r", &["k"]).await;
    assert_eq!(store.claim(&holder("r", 1, "me"), FOR_MS).await, Err(no_push()));
    assert_eq!(store.add(vec![]).await, Ok(()));
}

pub async fn items_that_are_there_stay_as_they_are(database: &impl Database) {
    let store = begun(database, "r", &["a", "b"]).await;
    let again = (0..4).map(|index| item("r", index, "other")).collect();
    store.add(again).await.unwrap();
    let keys: Vec<String> =
        store.intents("r", 0, 9).await.unwrap().into_iter().map(|item| item.key).collect();
    assert_eq!(keys, ["a", "b", "other", "other"]);
    assert_eq!(run_of(&*store, "r").await.counts.pending, 4);
    store.begin(PushRow { mode: Mode::Delete, ..run("r") }).await.unwrap();
    assert_eq!(run_of(&*store, "r").await.mode, Mode::Upsert);
}

pub async fn a_source_that_is_asked_for_again_goes_on(database: &impl Database) {
    let store = begun(database, "one", &["k"]).await;
    let digest = run_of(&*store, "one").await.digest.unwrap();
    store.begin(run("two")).await.unwrap();
    store.add(vec![item("two", 0, "k")]).await.unwrap();
    for _ in 0..2 {
        // Also when the first answer was lost.
        assert_eq!(store.seal("two", digest).await.unwrap(), "one");
    }
    assert_eq!(Intents::run(&*store, "two").await, Ok(None));
    assert_eq!(store.intents("two", 0, 9).await, Ok(vec![]));
    let me = holder("one", 0, "me");
    assert!(is_ours(&*store, &me).await);
    store.end(&me, done(), None).await.unwrap();
    // It has ended: the same source is a run of its own again.
    store.begin(run("three")).await.unwrap();
    store.add(vec![item("three", 0, "k")]).await.unwrap();
    assert_eq!(store.seal("three", digest).await.unwrap(), "three");
}

pub async fn a_run_goes_on_with_what_is_added_to_it(database: &impl Database) {
    let store = begun(database, "r", &[]).await;
    assert_eq!(run_of(&*store, "r").await.ended_ms, Some(START_MS), "there is nothing to do");
    let failed = IntentRow { state: IntentState::Failed, ..item("r", 0, "") };
    store.add(vec![failed]).await.unwrap();
    assert_eq!(run_of(&*store, "r").await.ended_ms, Some(START_MS));
    store.add(vec![item("r", 1, "k")]).await.unwrap();
    assert_eq!(run_of(&*store, "r").await.ended_ms, None);
    let me = holder("r", 1, "me");
    assert!(is_ours(&*store, &me).await);
    advance(Duration::from_millis(5)).await;
    store.end(&me, done(), None).await.unwrap();
    assert_eq!(run_of(&*store, "r").await.ended_ms, Some(START_MS + 5));
}

pub async fn a_run_that_was_not_sealed_is_forgotten(database: &impl Database) {
    let store = begun(database, "sealed", &["k"]).await;
    store.begin(run("r")).await.unwrap();
    store.add(vec![item("r", 0, "k")]).await.unwrap();
    for id in ["r", "sealed", "nobody"] {
        store.forget(id).await.unwrap();
    }
    assert_eq!(Intents::run(&*store, "r").await, Ok(None));
    assert_eq!(store.intents("r", 0, 9).await, Ok(vec![]));
    assert_eq!(run_of(&*store, "sealed").await.counts.pending, 1);
    maintain(&*store).await;
    assert_eq!(store.intents("sealed", 0, 9).await.unwrap().len(), 1);
}

pub async fn a_run_is_discarded_until_it_is_begun(database: &impl Database) {
    let store = begun(database, "r", &["k", "l"]).await;
    sealed(&*store, "s", &["m"]).await;
    let (me, other) = (holder("r", 0, "me"), holder("s", 0, "me"));
    assert!(is_ours(&*store, &me).await && is_ours(&*store, &other).await);
    assert_eq!(store.discard("r").await, Ok(true), "to be looked for is not to be sent");
    assert_eq!(store.discard("r").await, Ok(false));
    assert_eq!(Intents::run(&*store, "r").await, Ok(None));
    assert_eq!(store.intents("r", 0, 9).await, Ok(vec![]));
    let late = store.sending(&me, Sent::Create, None).await;
    assert!(matches!(late, Err(StoreError::TakenOver { .. } | StoreError::NoPush(_))), "{late:?}");
    store.sending(&other, Sent::Create, None).await.unwrap();
    assert_eq!(store.discard("s").await, Ok(false));
    store.end(&other, done(), None).await.unwrap();
    assert_eq!(store.discard("s").await, Ok(false));
    assert_eq!(run_of(&*store, "s").await.counts.done, 1);
}

pub async fn one_item_at_a_time_writes_a_record(database: &impl Database) {
    let store = begun(database, "r", &["k", "k", "other"]).await;
    let (me, you) = (holder("r", 0, "me"), holder("r", 0, "you"));
    let Claimed::Ours(taken) = store.claim(&me, FOR_MS).await.unwrap() else { panic!() };
    assert_eq!((taken.attempts, taken.state), (1, IntentState::Pending));
    // Mine already: once more, for as long as asked for now.
    advance(Duration::from_millis(1_000)).await;
    assert!(is_ours(&*store, &me).await);
    // Not somebody else, nor I for another item of the same record.
    for other in [&you, &holder("r", 1, "me")] {
        assert_eq!(store.claim(other, FOR_MS).await.unwrap(), Claimed::Busy(FOR_MS), "{other:?}");
    }
    assert!(is_ours(&*store, &holder("r", 2, "you")).await);
    advance(Duration::from_millis(FOR_MS - 1)).await;
    assert_eq!(store.claim(&you, FOR_MS).await.unwrap(), Claimed::Busy(1));
    store.renew("me", FOR_MS).await.unwrap();
    advance(Duration::from_millis(FOR_MS - 1)).await;
    assert_eq!(store.claim(&you, FOR_MS).await.unwrap(), Claimed::Busy(1));
    advance(Duration::from_millis(1)).await;
    let Claimed::Ours(taken) = store.claim(&you, FOR_MS).await.unwrap() else { panic!() };
    assert_eq!(taken.attempts, 3);
    store.end(&you, done(), None).await.unwrap();
    let Claimed::Settled(ended) = store.claim(&me, FOR_MS).await.unwrap() else { panic!() };
    assert_eq!(ended.outcome, Some(Outcome::Created));
    assert!(is_ours(&*store, &holder("r", 1, "me")).await, "its claim was given back");
}

pub async fn the_claims_of_an_owner_that_is_gone_are_free(database: &impl Database) {
    let store = begun(database, "r", &["k"]).await;
    let gone = LeaseHolder::new();
    assert!(is_ours(&*store, &holder("r", 0, gone.name())).await);
    let me = holder("r", 0, "me");
    assert!(!is_ours(&*store, &me).await);
    drop(gone);
    assert!(is_ours(&*store, &me).await);
}

pub async fn an_item_writes_more_records_than_its_key_names(database: &impl Database) {
    let store = begun(database, "r", &["k", "found"]).await;
    let me = holder("r", 0, "me");
    let hold = async |holder: &Holder, key| Intents::hold(&*store, holder, key, FOR_MS).await;
    assert_eq!(hold(&me, "found").await, Err(StoreError::TakenOver { item: 0 }));
    assert!(is_ours(&*store, &me).await);
    let you = holder("r", 1, "you");
    assert!(is_ours(&*store, &you).await);
    assert_eq!(hold(&me, "found").await, Ok(Some(FOR_MS)));
    store.end(&you, end_as(IntentState::Parked), None).await.unwrap();
    for _ in 0..2 {
        assert_eq!(hold(&me, "found").await, Ok(None));
    }
    advance(Duration::from_millis(FOR_MS - 1)).await;
    store.renew("me", FOR_MS).await.unwrap();
    advance(Duration::from_millis(FOR_MS - 1)).await;
    assert_eq!(store.claim(&you, FOR_MS).await.unwrap(), Claimed::Busy(1));
    store.end(&me, done(), None).await.unwrap();
    assert!(is_ours(&*store, &you).await, "all claims for an item are given back");
}

pub async fn who_lost_a_claim_writes_nothing(database: &impl Database) {
    let store = begun(database, "r", &["k"]).await;
    let (me, you) = (holder("r", 0, "me"), holder("r", 0, "you"));
    assert!(is_ours(&*store, &me).await);
    advance(Duration::from_millis(FOR_MS)).await;
    assert!(is_ours(&*store, &you).await);
    let before = item_of(&*store, "r", 0).await;
    let lost = StoreError::TakenOver { item: 0 };
    assert_eq!(Intents::hold(&*store, &me, "other", FOR_MS).await, Err(lost.clone()));
    assert_eq!(store.sending(&me, Sent::Delete, Some("1")).await, Err(lost.clone()));
    assert_eq!(store.end(&me, done(), None).await, Err(lost));
    assert_eq!(item_of(&*store, "r", 0).await, before);
    store.sending(&you, Sent::Create, None).await.unwrap();
}

pub async fn an_item_goes_its_way_and_is_counted(database: &impl Database) {
    let store = begun(database, "r", &["a", "b", "c", "d"]).await;
    let counts = async || {
        let run = run_of(&*store, "r").await;
        assert_eq!(store.pushes(None).await.unwrap(), std::slice::from_ref(&run));
        let IntentCounts { pending, sending, done, parked, failed } = run.counts;
        (pending, sending, done, parked, failed)
    };
    let me = |index| holder("r", index, "me");
    for index in 0..4 {
        assert!(is_ours(&*store, &me(index)).await);
        store.sending(&me(index), Sent::Update, (index == 0).then_some("7")).await.unwrap();
    }
    assert_eq!(counts().await, (0, 4, 0, 0, 0));
    let (first, second) = (item_of(&*store, "r", 0).await, item_of(&*store, "r", 1).await);
    assert_eq!((first.sent, first.id.as_deref()), (Some(Sent::Update), Some("7")));
    assert_eq!((first.state, second.id), (IntentState::Sending, None));
    let end = async |index, end| store.end(&me(index), end, None).await.unwrap();
    let why = Some("not now".to_owned());
    assert_eq!(end(0, IntentEnd { error: why.clone(), ..end_as(IntentState::Parked) }).await, None);
    end(1, IntentEnd { error: why.clone(), ..end_as(IntentState::Failed) }).await;
    end(2, end_as(IntentState::Pending)).await;
    end(3, done()).await;
    assert_eq!(counts().await, (1, 0, 1, 1, 1));
    let items = store.intents("r", 0, 9).await.unwrap();
    assert_eq!((items[0].error.clone(), items[0].id.as_deref()), (why, Some("7")));
    assert!(items[1].input.is_some() && items[1].raw.is_some());
    // What was wished may hold secrets, and is needed no longer.
    assert!(items[3].input.is_none() && items[3].raw.is_none());
    assert_eq!((items[3].outcome, items[3].id.as_deref()), (Some(Outcome::Created), Some("9")));
    assert_eq!(run_of(&*store, "r").await.ended_ms, None);
    for index in [2, 0] {
        assert!(is_ours(&*store, &me(index)).await);
        end(index, done()).await;
    }
    assert_eq!(counts().await, (0, 0, 3, 0, 1));
    assert_eq!(run_of(&*store, "r").await.ended_ms, Some(START_MS));
}

pub async fn what_is_asked_again_changes_nothing(database: &impl Database) {
    let store = begun(database, "r", &["k", "l"]).await;
    let digest = run_of(&*store, "r").await.digest.unwrap();
    let before = run_of(&*store, "r").await;
    store.begin(run("r")).await.unwrap();
    assert_eq!(store.seal("r", digest).await.unwrap(), "r");
    assert_eq!(run_of(&*store, "r").await, before);
    let me = holder("r", 0, "me");
    assert!(is_ours(&*store, &me).await);
    for _ in 0..2 {
        store.sending(&me, Sent::Create, None).await.unwrap();
    }
    assert_eq!(run_of(&*store, "r").await.counts.sending, 1);
    store.end(&me, done(), None).await.unwrap();
    let before = (run_of(&*store, "r").await, item_of(&*store, "r", 0).await);
    let again = store.end(&me, done(), None).await;
    assert_eq!(again, Err(StoreError::TakenOver { item: 0 }));
    assert!(matches!(store.claim(&me, FOR_MS).await.unwrap(), Claimed::Settled(_)));
    assert_eq!((run_of(&*store, "r").await, item_of(&*store, "r", 0).await), before);
}
