//! Long rows of calls under random faults.

use std::time::Duration;

use aftership_simulator::FaultPlan;

use super::account::{Account, Ended, Operation};
use crate::support::{component, runtime};

/// Operations of one sequence.
const OPERATIONS: u64 = 20;
/// The longest that any call may take, whatever the provider does.
const BOUND: Duration = Duration::from_secs(300);

/// What became of all sequences at one rate of faults.
#[derive(Debug, Default)]
struct Sum {
    calls: usize,
    well: usize,
    open: usize,
    failed: usize,
    needed: usize,
    sent: usize,
    longest: Duration,
}

impl Sum {
    fn amplification(&self) -> f64 {
        self.sent as f64 / self.needed as f64
    }
}

/// SplitMix64: enough to choose operations.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    fn operation(&mut self, account: &Account, count: u64) -> Operation {
        let ids = account.ids();
        let id = || ids.get(count as usize % ids.len().max(1)).cloned().unwrap_or_default();
        match self.below(if ids.is_empty() { 3 } else { 6 }) {
            0 => Operation::List,
            // Now and then one that is there already.
            1 => Operation::Create(format!("NEW-{:04}", count - u64::from(self.below(8) == 0))),
            2 => Operation::Find(format!("OLD-{:04}", count % 11)),
            3 => Operation::Get(id()),
            4 => Operation::Update(id(), format!("title {count}")),
            _ => Operation::Delete(id()),
        }
    }
}

async fn sequences(rate: f64, seeds: std::ops::Range<u64>) -> Sum {
    let connector = runtime().load(&component()).await.unwrap();
    let mut sum = Sum::default();
    for seed in seeds {
        let account = Account::new(&connector, seed).await;
        account.simulator.configure(|options| options.faults = Some(FaultPlan::new(seed, rate)));
        let mut random = Random(seed);
        for count in 1..=OPERATIONS {
            let operation = random.operation(&account, count);
            sum.needed += account.needed(&operation);
            let ended = account.perform(&operation).await;
            let (ended, took) = ended.unwrap_or_else(|why| {
                let met = account.simulator.journal().into_iter().rev().take(8).rev();
                let met: Vec<_> = met.map(|one| (one.method, one.status, one.fault)).collect();
                panic!("seed {seed} at {rate}, operation {count}, {why}\nlast requests: {met:?}")
            });
            assert!(took < BOUND, "seed {seed} at {rate}: {operation:?} took {took:?}");
            sum.calls += 1;
            sum.longest = sum.longest.max(took);
            match ended {
                Ended::Well => sum.well += 1,
                Ended::Open => sum.open += 1,
                Ended::Failed(_) => sum.failed += 1,
            }
        }
        sum.sent += account.simulator.with_journal(|entries| entries.count());
    }
    println!("{rate}: {sum:?}, amplification {:.3}", sum.amplification());
    sum
}

#[tokio::test(start_paused = true)]
async fn at_1_percent_faults_every_end_is_true() {
    let sum = sequences(0.01, 0..80).await;
    assert!(sum.amplification() <= 1.1, "{sum:?}");
}

#[tokio::test(start_paused = true)]
async fn at_5_percent_faults_every_end_is_true() {
    sequences(0.05, 100..160).await;
}

#[tokio::test(start_paused = true)]
async fn at_20_percent_faults_every_end_is_true() {
    let sum = sequences(0.2, 200..280).await;
    assert!(sum.amplification() <= 2.0, "{sum:?}");
}
