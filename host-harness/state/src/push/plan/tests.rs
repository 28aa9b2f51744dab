//! Any order of what processes do with runs, any part of it twice.

use proptest::prelude::*;

use super::*;
use crate::memory::PushTables;
use crate::push::{Claimed, Conflict, Mode, Outcome};

const FOR_MS: u64 = 10;
const KEYS: [&str; 2] = ["k", "l"];

#[derive(Debug, Clone)]
enum Step {
    Add(u8, Vec<(u64, u8)>),
    Seal(u8, u8),
    Claim(u8, u64, u8),
    Hold(u8, u64, u8, u8),
    Sending(u8, u64, u8),
    End(u8, u64, u8, IntentState),
    Park(u8, u64, u8, u8),
    Decide(u8, u64, u8, Decision),
    GiveUp,
    Pass(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let (run, item, who) = (|| 0..2_u8, || 0..4_u64, || 0..2_u8);
    let items = proptest::collection::vec((item(), 0..2_u8), 0..4);
    let state = prop_oneof![
        Just(IntentState::Done),
        Just(IntentState::Failed),
        Just(IntentState::Parked),
        Just(IntentState::Pending),
    ];
    prop_oneof![
        2 => (run(), items).prop_map(|(run, items)| Step::Add(run, items)),
        1 => (run(), 0..2_u8).prop_map(|(run, digest)| Step::Seal(run, digest)),
        4 => (run(), item(), who()).prop_map(|(run, item, who)| Step::Claim(run, item, who)),
        1 => (run(), item(), who(), 0..2_u8)
            .prop_map(|(run, item, who, key)| Step::Hold(run, item, who, key)),
        3 => (run(), item(), who()).prop_map(|(run, item, who)| Step::Sending(run, item, who)),
        3 => (run(), item(), who(), state)
            .prop_map(|(run, item, who, state)| Step::End(run, item, who, state)),
        3 => (run(), item(), who(), 0..2_u8)
            .prop_map(|(run, item, who, theirs)| Step::Park(run, item, who, theirs)),
        3 => (run(), item(), 0..2_u8, prop_oneof![Just(Decision::Ours), Just(Decision::Theirs)])
            .prop_map(|(run, item, theirs, how)| Step::Decide(run, item, theirs, how)),
        1 => Just(Step::GiveUp),
        1 => (1..12_u64).prop_map(Step::Pass),
    ]
}

fn id(run: u8) -> String {
    format!("r{run}")
}

fn holder(run: u8, index: u64, who: u8) -> Holder {
    Holder { run: id(run), index, owner: format!("owner{who}") }
}

fn begun() -> PushTables {
    let mut tables = PushTables::default();
    for run in 0..2 {
        let run = PushRow {
            id: id(run),
            connection: "c".to_owned(),
            object: "orders".to_owned(),
            mode: Mode::Upsert,
            header: None,
            digest: None,
            made_ms: 0,
            ended_ms: None,
            counts: IntentCounts::default(),
        };
        tables.put_run(begin(run, None, true).unwrap().unwrap());
    }
    tables
}

/// Takes a step; whether it was allowed.
fn take_step(tables: &mut PushTables, step: &Step, now_ms: &mut u64) -> bool {
    let key = |key: u8| KEYS[usize::from(key)];
    match step {
        Step::Add(run, items) => {
            let item = |(index, of): &(u64, u8)| IntentRow {
                run: id(*run),
                index: *index,
                key: key(*of).to_owned(),
                input: Some(String::new()),
                ..IntentRow::default()
            };
            tables.add(&items.iter().map(item).collect::<Vec<_>>()).is_ok()
        }
        Step::Seal(run, digest) => tables.seal(&id(*run), [*digest; 32], *now_ms).is_ok(),
        Step::Claim(run, index, who) => matches!(
            tables.claim(&holder(*run, *index, *who), FOR_MS, *now_ms),
            Ok(Claimed::Ours(_))
        ),
        Step::Hold(run, index, who, of) => {
            tables.hold(&holder(*run, *index, *who), key(*of), FOR_MS, *now_ms) == Ok(None)
        }
        Step::Sending(run, index, who) => {
            tables.sending(&holder(*run, *index, *who), Sent::Create, None).is_ok()
        }
        Step::End(run, index, who, state) => {
            let outcome = (*state == IntentState::Done).then_some(Outcome::Created);
            let (state, conflict) = (*state, None);
            let how = IntentEnd { state, outcome, id: None, error: None, conflict };
            take_end(tables, &holder(*run, *index, *who), how, *now_ms)
        }
        Step::Park(run, index, who, theirs) => {
            let conflict = Some(Conflict { members: "[]".to_owned(), theirs: [*theirs; 32] });
            let (state, outcome) = (IntentState::Parked, None);
            let how = IntentEnd { state, outcome, id: None, error: None, conflict };
            take_end(tables, &holder(*run, *index, *who), how, *now_ms)
        }
        Step::Decide(run, index, theirs, how) => tables
            .decide(&id(*run), &[(*index, [*theirs; 32])], *how)
            .is_ok_and(|(_, decided)| decided == [Decided::Now]),
        Step::GiveUp => {
            let mut given_up = false;
            while tables.give_up(*now_ms + PUSHES_MS + 1).is_some() {
                given_up = true;
            }
            given_up
        }
        Step::Pass(ms) => {
            *now_ms += ms;
            true
        }
    }
}

fn take_end(tables: &mut PushTables, holder: &Holder, how: IntentEnd, now_ms: u64) -> bool {
    match end(holder, tables.kept(holder), how, now_ms) {
        Ok(ended) => {
            tables.end(holder, ended);
            true
        }
        Err(_) => false,
    }
}

/// What must be so after each step.
fn check(before: &PushTables, tables: &PushTables) -> Result<(), TestCaseError> {
    for run in tables.runs.values() {
        let mut counts = IntentCounts::default();
        let items = tables.items.values().filter(|item| item.run == run.id);
        items.for_each(|item| *counts.of(item.state) += 1);
        prop_assert_eq!(run.counts, counts, "of {}", &run.id);
        if run.ended_ms.is_some() {
            prop_assert_eq!(counts.open(), 0);
        } else if run.digest.is_some() {
            prop_assert!(counts.open() > 0);
        }
    }
    for item in tables.items.values() {
        let at = &(item.run.clone(), item.index);
        let Some(old) = before.items.get(at) else { continue };
        let has_ended = matches!(old.state, IntentState::Done | IntentState::Failed);
        prop_assert!(!has_ended || old == item, "an end is final");
        prop_assert!(item.state != IntentState::Done || item.input.is_none());
        prop_assert!(old.sent.is_none() || item.sent.is_some(), "what was sent is not forgotten");
        let waits = item.conflict_ms.is_some();
        let members = item.conflict.as_ref().is_some_and(|conflict| !conflict.members.is_empty());
        prop_assert_eq!(members, waits, "what was shown goes with its decision");
        prop_assert!(!waits || item.state == IntentState::Parked && item.decision.is_none());
        prop_assert!(!has_ended || item.conflict.is_none());
        prop_assert!(
            old.decision.is_none() || waits || item.decision == old.decision,
            "a decision stays, unless there is another conflict"
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_order_breaks_a_run(steps in proptest::collection::vec(any_step(), 1..60)) {
        let (mut tables, mut now_ms) = (begun(), 1_000);
        for step in &steps {
            let before = tables.clone();
            let claims = before.claims.clone();
            let allowed = take_step(&mut tables, step, &mut now_ms);
            if !allowed {
                prop_assert_eq!(&before, &tables, "a refusal changes nothing: {:?}", step);
            }
            check(&before, &tables)?;
            if let Step::Seal(run, digest) = step {
                let same = |other: &&PushRow| {
                    other.digest == Some([*digest; 32])
                        && other.ended_ms.is_none()
                        && other.id != id(*run)
                };
                let is_new = before.runs.get(&id(*run)).is_some_and(is_forgotten);
                if is_new && before.runs.values().any(|other| same(&other)) {
                    prop_assert!(!tables.runs.contains_key(&id(*run)), "two runs of one source");
                }
            }
            // Nobody takes a record from who has the time to write it.
            for (record, claim) in &claims {
                let now = tables.claims.get(record);
                let lost = now.is_some_and(|now| now.holder != claim.holder);
                prop_assert!(!lost || claim.until_ms <= now_ms, "{:?} took {:?}", step, claim);
            }
        }
    }

    /// An answer may be lost and the step be taken again: that changes nothing more.
    #[test]
    fn a_step_that_is_taken_again_changes_nothing_more(
        steps in proptest::collection::vec(any_step(), 1..40),
    ) {
        let (mut tables, mut now_ms) = (begun(), 1_000);
        for step in &steps {
            take_step(&mut tables, step, &mut now_ms);
            if let Step::Pass(_) = step {
                continue;
            }
            let mut before = tables.clone();
            take_step(&mut tables, step, &mut now_ms);
            if let Step::Claim(run, index, _) = step {
                // It counts as one more try.
                let of = |tables: &PushTables| {
                    tables.items.get(&(id(*run), *index)).map_or(0, |item| item.attempts)
                };
                let tries = of(&tables);
                if let Some(item) = before.items.get_mut(&(id(*run), *index)) {
                    prop_assert!(tries - item.attempts <= 1);
                    item.attempts = tries;
                }
            }
            prop_assert_eq!(&before, &tables, "{:?}", step);
        }
    }
}
