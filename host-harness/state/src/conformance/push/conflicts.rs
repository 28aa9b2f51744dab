//! Items that meet somebody else's change, and what is decided about them.

use std::time::Duration;

use tokio::time::advance;

use super::super::store::maintain;
use super::super::{Database, START_MS, State};
use super::{FOR_MS, begun, done, end_as, holder, is_ours, item_of, run_of, sealed};
use crate::journal::JournalKind;
use crate::push::*;
use crate::retention::PUSHES_MS;
use crate::{Change, StoreError};

const SEEN: [u8; 32] = [7; 32];

fn conflict(theirs: [u8; 32]) -> Conflict {
    Conflict { members: r#"[{"member":"é","theirs":1.50}]"#.to_owned(), theirs }
}

/// Parks an item because of a change.
async fn park(store: &dyn State, run: &str, index: u64, theirs: [u8; 32]) {
    let me = holder(run, index, "me");
    assert!(is_ours(store, &me).await);
    let why = Some("somebody changed it".to_owned());
    let (id, conflict) = (Some("9".to_owned()), Some(conflict(theirs)));
    let end = IntentEnd { id, conflict, error: why, ..end_as(IntentState::Parked) };
    assert_eq!(store.end(&me, end, None).await, Ok(None));
}

async fn open(store: &dyn State, run: &str) -> Vec<u64> {
    let open = store.conflicts(run, 0, 99).await.unwrap();
    open.iter().map(|item| item.index).collect()
}

async fn decide(store: &dyn State, index: u64, decision: Decision) -> Decided {
    store.decide("r", vec![(index, SEEN)], decision).await.unwrap().remove(0)
}

pub async fn an_item_waits_for_a_decision(database: &impl Database) {
    let store = begun(database, "r", &["k", "l", "k", "m"]).await;
    advance(Duration::from_millis(5)).await;
    park(&*store, "r", 0, SEEN).await;
    park(&*store, "r", 3, SEEN).await;
    // As another process sees it.
    let other = database.open();
    let waits = item_of(&*other, "r", 0).await;
    assert_eq!(waits.conflict, Some(conflict(SEEN)));
    assert_eq!((waits.conflict_ms, waits.decision), (Some(START_MS + 5), None));
    assert!(waits.input.is_some() && waits.raw.is_some(), "it is written when that is decided");
    assert_eq!(other.conflicts("r", 0, 9).await.unwrap(), [waits, item_of(&*store, "r", 3).await]);
    assert_eq!(open(&*other, "r").await, [0, 3]);
    assert_eq!(store.conflicts("r", 1, 9).await.unwrap()[0].index, 3);
    assert_eq!(store.conflicts("r", 0, 1).await.unwrap().len(), 1);
    assert_eq!(store.conflicts("other", 0, 9).await, Ok(vec![]));
    // Nobody takes it, and its record is free for others.
    let settled = store.claim(&holder("r", 0, "you"), FOR_MS).await.unwrap();
    assert!(matches!(settled, Claimed::Settled(item) if item.attempts == 1));
    assert!(is_ours(&*store, &holder("r", 2, "you")).await);
    let run = run_of(&*store, "r").await;
    assert_eq!((run.counts.parked, run.counts.pending, run.ended_ms), (2, 2, None));
}

pub async fn a_decision_is_taken_once(database: &impl Database) {
    let store = begun(database, "r", &["k", "l", "m"]).await;
    park(&*store, "r", 0, SEEN).await;
    let me = holder("r", 1, "me");
    assert!(is_ours(&*store, &me).await);
    store.sending(&me, Sent::Update, Some("9")).await.unwrap();
    park(&*store, "r", 1, SEEN).await;

    let all = vec![(0, SEEN), (0, SEEN), (1, [8; 32]), (2, SEEN), (9, SEEN)];
    let decided = store.decide("r", all, Decision::Ours).await.unwrap();
    let nothing = Decided::NoConflict(IntentState::Pending);
    let before = Decided::Before(Decision::Ours);
    assert_eq!(decided, [Decided::Now, before, Decided::Changed, nothing, Decided::NoItem]);
    assert_eq!(open(&*store, "r").await, [1]);
    let item = item_of(&*store, "r", 0).await;
    // What was shown is erased; what was decided about is known until it is carried out.
    assert_eq!(item.conflict, Some(Conflict { members: String::new(), theirs: SEEN }));
    assert_eq!((item.conflict_ms, item.decision), (None, Some(Decision::Ours)));
    assert_eq!((item.state, item.error), (IntentState::Pending, None));
    let counts = run_of(&*store, "r").await.counts;
    assert_eq!((counts.pending, counts.parked), (2, 1));

    // What was sent before may have been applied: it is looked for.
    assert_eq!(decide(&*store, 1, Decision::Theirs).await, Decided::Now);
    assert_eq!(item_of(&*store, "r", 1).await.state, IntentState::Sending);
    // The first decision stays, also when it was carried out.
    for _ in 0..2 {
        assert_eq!(decide(&*store, 0, Decision::Theirs).await, Decided::Before(Decision::Ours));
        let me = holder("r", 0, "me");
        if is_ours(&*store, &me).await {
            store.end(&me, done(), None).await.unwrap();
        }
    }
    let item = item_of(&*store, "r", 0).await;
    assert_eq!((item.conflict, item.decision), (None, Some(Decision::Ours)));

    let told = store.journal("id-of-a", vec![JournalKind::ConflictsDecided], None, 9).await;
    let told: Vec<_> = told.unwrap().into_iter().map(|row| (row.object, row.data)).collect();
    let entry = |decision: &str, items: [u64; 1]| {
        let data =
            [("push", "r".into()), ("decision", decision.into()), ("items", items.to_vec().into())];
        let data = data.map(|(name, value): (&str, serde_json::Value)| (name.to_owned(), value));
        (Some("orders".to_owned()), data.into())
    };
    assert_eq!(told, [entry("theirs", [1]), entry("ours", [0])]);
}

pub async fn what_was_decided_stays_until_it_is_carried_out(database: &impl Database) {
    let store = begun(database, "r", &["k"]).await;
    park(&*store, "r", 0, SEEN).await;
    assert_eq!(decide(&*store, 0, Decision::Ours).await, Decided::Now);
    let me = holder("r", 0, "me");
    // The provider is away, or an answer is lost.
    for state in [IntentState::Pending, IntentState::Parked] {
        assert!(is_ours(&*store, &me).await);
        store.end(&me, end_as(state), None).await.unwrap();
        let item = item_of(&*store, "r", 0).await;
        assert_eq!((item.state, item.conflict_ms), (state, None));
        assert_eq!(item.conflict.map(|conflict| conflict.theirs), Some(SEEN));
        assert_eq!(item.decision, Some(Decision::Ours));
        assert!(open(&*store, "r").await.is_empty());
    }
    // The record was changed again: that is another conflict.
    park(&*store, "r", 0, [8; 32]).await;
    let item = item_of(&*store, "r", 0).await;
    assert_eq!((item.conflict, item.decision), (Some(conflict([8; 32])), None));
    assert_eq!(decide(&*store, 0, Decision::Ours).await, Decided::Changed);
    let decided = store.decide("r", vec![(0, [8; 32])], Decision::Theirs).await;
    assert_eq!(decided, Ok(vec![Decided::Now]));
    assert!(is_ours(&*store, &me).await);
    store.end(&me, end_as(IntentState::Failed), None).await.unwrap();
    assert_eq!(item_of(&*store, "r", 0).await.conflict, None);
    assert_eq!(run_of(&*store, "r").await.ended_ms, Some(START_MS));
}

pub async fn what_nobody_decides_about_fails_in_time(database: &impl Database) {
    let store = begun(database, "r", &["k", "l", "m"]).await;
    sealed(&*store, "other", &["k"]).await;
    for index in 0..3 {
        park(&*store, "r", index, SEEN).await;
    }
    assert_eq!(decide(&*store, 2, Decision::Ours).await, Decided::Now);
    advance(Duration::from_millis(PUSHES_MS)).await;
    maintain(&*store).await;
    assert_eq!(open(&*store, "r").await, [0, 1]);
    advance(Duration::from_millis(1)).await;
    maintain(&*store).await;
    assert!(open(&*store, "r").await.is_empty());
    for index in 0..2 {
        let item = item_of(&*store, "r", index).await;
        assert_eq!((item.state, item.conflict, item.decision), (IntentState::Failed, None, None));
        assert!(item.error.unwrap().starts_with("undecided"));
        assert!(item.input.is_some(), "as any that failed");
        let decided = decide(&*store, index, Decision::Ours).await;
        assert_eq!(decided, Decided::NoConflict(IntentState::Failed));
    }
    let run = run_of(&*store, "r").await;
    assert_eq!((run.counts.failed, run.counts.parked, run.counts.pending), (2, 0, 1));
    // What was decided waits for its turn, however long that takes.
    assert_eq!(item_of(&*store, "r", 2).await.decision, Some(Decision::Ours));
    let me = holder("r", 2, "me");
    assert!(is_ours(&*store, &me).await);
    store.end(&me, done(), None).await.unwrap();
    assert!(run_of(&*store, "r").await.ended_ms.is_some());
}

pub async fn conflicts_go_with_their_connection(database: &impl Database) {
    let store = begun(database, "r", &["k", "l"]).await;
    park(&*store, "r", 0, SEEN).await;
    let remove = Change::RemoveConnection { id: "id-of-a".to_owned() };
    store.commit(vec![remove]).await.unwrap();
    // Whether it has been erased yet, or was old already, or not.
    advance(Duration::from_millis(PUSHES_MS + 1)).await;
    for _ in 0..2 {
        assert_eq!(store.conflicts("r", 0, 9).await, Ok(vec![]));
        let refused = store.decide("r", vec![(0, SEEN)], Decision::Ours).await;
        assert_eq!(refused, Err(StoreError::NoPush("r".to_owned())));
        maintain(&*store).await;
    }
}
