//! Random two-way traffic: pushes, pulls, a courier's changes, faults, lists that lag and have no
//! order.

use std::collections::BTreeMap;
use std::time::Duration;

use aftership_simulator::{FaultPlan, IndexLag};
use host_harness::mirror::{ChangeKind, Mirror as _, RecordState};
use host_harness::push::{Decided, Decision, IntentState, Intents as _, Mode, OnConflict};
use serde_json::{Value, json};

use super::shop::{Process, Shop, assert_no_echo, wish};

/// Trackings of one account.
const NUMBERS: usize = 12;
/// Steps of one history.
const STEPS: usize = 12;
/// Histories.
const SEEDS: u64 = 24;

/// What became of the wishes of all histories.
#[derive(Debug, Default)]
struct Sum {
    wishes: usize,
    done: usize,
    failed: usize,
    parked: usize,
    conflicts: usize,
    pulls: usize,
    changes_there: usize,
    requests: usize,
}

/// One account with its courier.
struct History {
    shop: Shop,
    process: Process,
    random: fastrand::Rng,
    /// The title that each tracking must have, by its number, where that is known.
    titles: BTreeMap<String, Option<Value>>,
    sum: Sum,
}

#[tokio::test(start_paused = true)]
async fn both_sides_agree_in_the_end_and_every_word_was_true() {
    let mut all = Sum::default();
    for seed in 0..SEEDS {
        let sum = history(seed).await;
        all.wishes += sum.wishes;
        all.done += sum.done;
        all.failed += sum.failed;
        all.parked += sum.parked;
        all.conflicts += sum.conflicts;
        all.pulls += sum.pulls;
        all.changes_there += sum.changes_there;
        all.requests += sum.requests;
    }
    println!("{SEEDS} histories: {all:?}");
    assert!(all.done * 10 > all.wishes * 7, "most wishes come true: {all:?}");
    assert!(all.conflicts > 0, "some wait for a decision: {all:?}");
}

async fn history(seed: u64) -> Sum {
    let shop = Shop::with(|options| {
        options.faults = Some(FaultPlan::new(seed, 0.2));
        options.index_lag = IndexLag::Random { seed, most_ms: 10_000 };
        options.shuffle = Some(seed);
        options.seed = seed;
    })
    .await;
    let process = shop.process().await;
    let random = fastrand::Rng::with_seed(seed);
    let (titles, sum) = (BTreeMap::new(), Sum::default());
    let mut history = History { shop, process, random, titles, sum };
    for step in 0..STEPS {
        match history.random.u8(0..10) {
            0..5 => history.push(step).await,
            5..7 => history.pull().await,
            7..9 => history.courier(),
            _ => history.process = history.shop.process().await,
        }
        tokio::time::advance(Duration::from_millis(history.random.u64(0..4_000))).await;
    }
    history.quiesce(seed).await;
    history.sum
}

impl History {
    /// Some wishes at once, while the courier goes on.
    async fn push(&mut self, step: usize) {
        let mut numbers: Vec<usize> = (0..NUMBERS).collect();
        self.random.shuffle(&mut numbers);
        numbers.truncate(self.random.usize(1..7));
        let lines: Vec<Value> = numbers
            .iter()
            .map(|n| wish(&format!("TWO-{n:03}"), &format!("step {step} of {n}")))
            .collect();
        let policies = [OnConflict::Fail, OnConflict::Ours, OnConflict::Theirs, OnConflict::Park];
        let policy = self.random.choice(policies).unwrap();
        let (_, told) =
            self.process.run_to("trackings", &lines, Mode::Upsert, policy).await.unwrap();
        let there = self.shop.trackings();
        for (line, item) in lines.iter().zip(told) {
            let number = line["tracking_number"].as_str().unwrap().to_owned();
            let title = there.get(&number).map(|one| one["title"].clone());
            let before = self.titles.get(&number).cloned();
            self.sum.wishes += 1;
            match (item.state, item.outcome) {
                (IntentState::Done, Some(host_harness::push::Outcome::Skipped)) => {
                    assert_ne!(title.as_ref(), Some(&line["title"]), "{item:?}");
                    self.sum.failed += 1;
                }
                (IntentState::Done, _) => {
                    assert_eq!(title.as_ref(), Some(&line["title"]), "{item:?}");
                    self.titles.insert(number, title);
                    self.sum.done += 1;
                }
                (IntentState::Failed, _) => {
                    assert!(item.error.is_some(), "{item:?}");
                    assert_ne!(title.as_ref(), Some(&line["title"]), "{item:?}");
                    if let Some(before) = before {
                        assert!(before.is_none() || before == title, "{item:?}");
                    }
                    self.sum.failed += 1;
                }
                (IntentState::Parked, _) if item.conflict_ms.is_some() => {
                    // Nothing of it was sent, or what was is what waits.
                    assert_ne!(title.as_ref(), Some(&line["title"]), "{item:?}");
                    self.sum.conflicts += 1;
                }
                (IntentState::Parked, _) => {
                    self.titles.insert(number, None);
                    self.sum.parked += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    async fn pull(&mut self) {
        self.sum.pulls += 1;
        // Some pages may be lost for good; the next pull brings them.
        let _ = self.process.try_pull().await;
    }

    /// The courier's word: never the title, which is ours alone.
    fn courier(&mut self) {
        let there = self.shop.trackings();
        let all: Vec<_> = there.values().collect();
        let Some(one) = self.random.choice(all) else { return };
        let word = format!("word {}", self.random.u32(..));
        let id = one["id"].as_str().unwrap();
        self.shop.simulator.update(id, &json!({ "subtag_message": word }).to_string()).unwrap();
        self.sum.changes_there += 1;
    }

    /// Nothing fails any more, what is open is gone on with, and the lists catch up.
    async fn quiesce(&mut self, seed: u64) {
        self.sum.requests += self.shop.simulator.journal().len();
        self.shop.simulator.configure(|options| options.faults = None);
        let push = self.process.push("trackings").await;
        for run in push.unfinished().await.unwrap() {
            let open = self.process.store.conflicts(&run.id, 0, 1_000).await.unwrap();
            let seen = open.into_iter().filter_map(|it| Some((it.index, it.conflict?.theirs)));
            let decided = self.process.store.decide(&run.id, seen.collect(), Decision::Theirs);
            assert!(decided.await.unwrap().iter().all(|what| *what == Decided::Now));
            push.run(&run.id, OnConflict::Ours, |_| {}).await.unwrap();
        }
        assert_eq!(push.unfinished().await.unwrap(), [], "seed {seed}");
        tokio::time::advance(Duration::from_secs(200)).await;
        self.process.pull().await;
        assert_no_echo(&self.process.pull().await);
        let there = self.shop.trackings();
        let process = &self.process;
        let here = process.store.records(&process.row.id, "trackings", None, 1_000).await.unwrap();
        assert!(here.iter().all(|one| one.state == RecordState::Live));
        let here: BTreeMap<String, Value> = here
            .iter()
            .map(|one| serde_json::from_str::<Value>(&one.data).unwrap())
            .map(|one| (one["tracking_number"].as_str().unwrap().to_owned(), one))
            .collect();
        assert_eq!(here, there, "seed {seed}");
        for (number, title) in &self.titles {
            if let Some(title) = title {
                assert_eq!(&there[number]["title"], title, "seed {seed}, {number}");
            }
        }
        for change in process.changes().await {
            let theirs = change.object == "trackings" && !change.ours;
            let echo = change.kind == ChangeKind::Created
                || change.members.iter().any(|name| name == "title");
            assert!(!(theirs && echo), "seed {seed}: our own as somebody else's: {change:?}");
        }
    }
}
