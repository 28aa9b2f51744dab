//! Random changes during random scans, with lists that lag and have no order.

use std::collections::BTreeSet;
use std::time::Duration;

use aftership_simulator::{IndexLag, Simulator};
use host_harness::mirror::{ChangeKind, RecordState};
use host_harness::sync::PullOptions;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::mirrored::{DUE, FULL, HOUR, Mirrored, OBJECT, pass};
use crate::support::{component, runtime};

const CASES: u32 = 40;

#[derive(Debug, Clone)]
enum Step {
    /// A change at the provider.
    Update(usize),
    Insert,
    Delete(usize),
    /// So many milliseconds pass.
    Pass(u64),
    /// A run begins, as soon as the one before has ended.
    Pull {
        full: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any::<usize>().prop_map(Step::Update),
        2 => Just(Step::Insert),
        1 => any::<usize>().prop_map(Step::Delete),
        6 => (0_u64..600).prop_map(Step::Pass),
        1 => (10_000_u64..90_000).prop_map(Step::Pass),
        2 => any::<bool>().prop_map(|full| Step::Pull { full }),
    ]
}

#[test]
fn any_interleaving_ends_with_the_truth_and_without_a_false_removal() {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    eprintln!("{CASES} cases; a failure prints its steps");
    let steps = proptest::collection::vec(step(), 10..80);
    let all = (any::<u64>(), 0_u64..30_000, steps);
    runner
        .run(&all, |(seed, lag, steps)| {
            let tokio = tokio::runtime::Builder::new_current_thread();
            let tokio = { tokio }.enable_all().start_paused(true).build().unwrap();
            tokio.block_on(case(seed, lag, steps));
            Ok(())
        })
        .unwrap();
}

async fn case(seed: u64, most_ms: u64, steps: Vec<Step>) {
    let connector = runtime().load(&component()).await.unwrap();
    let mirrored = Mirrored::with(&connector, 40, |options| {
        options.index_lag = IndexLag::Random { seed, most_ms };
        options.shuffle = Some(seed);
    });
    let mirrored = mirrored.await;
    mirrored.sync(DUE).await;
    let simulator = mirrored.world.simulator.clone();
    let removed = interleaved(&mirrored, &simulator, steps).await;

    // The lists have caught up, and are far enough from the end of the window.
    pass(120).await;
    mirrored.sync(DUE).await;
    let kept = mirrored.kept(OBJECT).await;
    for (id, text) in mirrored.truth() {
        assert_eq!(kept.get(&id).map(|record| &record.data), Some(&text), "after changes");
    }
    // A day later "not found" is believed of all.
    pass(25 * HOUR).await;
    mirrored.sync(PullOptions { sweep_anyway: true, ..FULL }).await.swept.unwrap();
    let live = mirrored.kept(OBJECT).await.into_values();
    let live: BTreeSet<String> =
        live.filter(|record| record.state == RecordState::Live).map(|record| record.id).collect();
    let aged_out = mirrored.changes_of(ChangeKind::AgedOut).await;
    let aged_out: BTreeSet<String> = aged_out.into_iter().map(|change| change.id).collect();
    let truth: BTreeSet<String> = mirrored.truth().into_keys().collect();
    assert_eq!(&live | &aged_out, &truth | &aged_out);
    for (id, text) in mirrored.truth() {
        assert_eq!(mirrored.kept(OBJECT).await[&id].data, text, "after the sweep");
    }
    for change in mirrored.changes_of(ChangeKind::Deleted).await {
        assert!(removed.contains(&change.id), "a live record was removed: {change:?}");
    }
    mirrored.assert_log().await;
}

/// Answers what was removed.
async fn interleaved(
    mirrored: &Mirrored,
    simulator: &Simulator,
    steps: Vec<Step>,
) -> BTreeSet<String> {
    let (wish, mut wishes) = tokio::sync::mpsc::unbounded_channel();
    let pulling = async {
        while let Some(wish) = wishes.recv().await {
            mirrored.sync(wish).await;
        }
    };
    let changing = async move {
        let mut removed = BTreeSet::new();
        for (number, step) in steps.into_iter().enumerate() {
            let ids: Vec<String> =
                simulator.trackings().iter().map(|text| super::mirrored::id(text)).collect();
            match step {
                Step::Update(which) => {
                    let changes = format!(r#"{{"title":"change {number}"}}"#);
                    simulator.update(&ids[which % ids.len()], &changes).unwrap();
                }
                Step::Insert => simulator.insert(&fresh(simulator, number)).unwrap(),
                Step::Delete(which) if ids.len() > 20 => {
                    let id = &ids[which % ids.len()];
                    simulator.remove(id).unwrap();
                    removed.insert(id.clone());
                }
                Step::Delete(_) => {}
                Step::Pass(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                Step::Pull { full } => wish.send(if full { FULL } else { DUE }).unwrap(),
            }
        }
        removed
    };
    let ((), removed) = tokio::join!(pulling, changing);
    removed
}

fn fresh(simulator: &Simulator, number: usize) -> String {
    let at = time(simulator.now_ms());
    format!(
        r#"{{"id":"{number:032x}","tracking_number":"NEW{number:06}","slug":"dhl","tag":"Pending","title":null,"created_at":"{at}","updated_at":"{at}","checkpoints":[]}}"#
    )
}

/// As the provider writes a time.
fn time(ms: u64) -> String {
    let at = OffsetDateTime::from_unix_timestamp((ms / 1_000) as i64).unwrap();
    at.format(&Rfc3339).unwrap().replace('Z', "+00:00")
}
