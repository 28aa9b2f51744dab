//! Each fault once, against each operation.

use std::time::Duration;

use aftership_simulator::{Answer, Fault, Matcher};

use super::account::{Account, Ended, Operation};
use crate::support::{component, runtime};

/// The longest that one call took, with room for another pause.
const BOUND: Duration = Duration::from_secs(240);

fn operations(account: &Account) -> Vec<Operation> {
    let id = account.ids()[3].clone();
    vec![
        Operation::List,
        Operation::Get(id.clone()),
        Operation::Find("OLD-0003".to_owned()),
        Operation::Create("NEW-0001".to_owned()),
        Operation::Update(id.clone(), "new".to_owned()),
        Operation::Delete(id),
    ]
}

/// One fault is no reason to fail: only pages that contradict themselves are given up, since
/// nobody can tell what they leave out, and what is too large stays so.
fn may_fail(fault: Fault, operation: &Operation) -> bool {
    match operation {
        Operation::List => matches!(fault, Fault::RepeatedPage | Fault::HugeJson),
        Operation::Get(_) | Operation::Find(_) => fault == Fault::HugeJson,
        _ => false,
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_once_ends_in_the_truth() {
    let connector = runtime().load(&component()).await.unwrap();
    for fault in Fault::PASSING {
        let open = fault.leaves_open().then(|| Answer::from(fault).executed());
        for answer in [Some(Answer::from(fault)), open].into_iter().flatten() {
            for index in 0..6 {
                let account = Account::new(&connector, 1).await;
                let operation = operations(&account)[index].clone();
                if fault == Fault::RepeatedPage {
                    // It needs a page after the first.
                    account.simulator.answer_next(Matcher::any(), Answer::real());
                }
                account.simulator.answer_next(Matcher::any(), answer.clone());
                let (ended, took) = account
                    .perform(&operation)
                    .await
                    .unwrap_or_else(|why| panic!("{fault:?} {answer:?}: {why}"));
                let known = ended == Ended::Well || may_fail(fault, &operation);
                assert!(known, "{fault:?}, {operation:?}: {ended:?}");
                assert!(took < BOUND, "{fault:?}, {operation:?}: {took:?}");
                account.simulator.clear_answers();
                for next in [Operation::List, Operation::Create("NEXT-0001".to_owned())] {
                    let (ended, _) = account.perform(&next).await.unwrap();
                    assert_eq!(ended, Ended::Well, "after {fault:?}, {operation:?}");
                }
            }
        }
    }
}

/// Whoever gives up after a write that may have been applied says so, whatever came last.
#[tokio::test(start_paused = true)]
async fn giving_up_leaves_open_what_is_open() {
    let connector = runtime().load(&component()).await.unwrap();
    for first in [Fault::Reset, Fault::BadGateway, Fault::UnavailableFor] {
        for last in [Fault::TooMany, Fault::Reset, Fault::UnavailableFor] {
            for index in 3..6 {
                let account = Account::new(&connector, 1).await;
                let operation = operations(&account)[index].clone();
                account.simulator.answer_next(Matcher::any(), Answer::from(first).executed());
                for _ in 0..3 {
                    account.simulator.answer_next(Matcher::any(), Answer::from(last));
                }
                // A create looks for what it left, and that fails once more.
                if matches!(operation, Operation::Create(_)) {
                    account.simulator.answer_next(Matcher::any(), Answer::from(last));
                }
                let (ended, _) = account
                    .perform(&operation)
                    .await
                    .unwrap_or_else(|why| panic!("{first:?}, {last:?}: {why}"));
                assert_eq!(ended, Ended::Open, "{first:?}, {last:?}, {operation:?}");
            }
        }
    }
}
