//! The runtime's limiter over a store that processes share.

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use connector_contract::clock::TokioClock;
use connector_contract::limits::{Charge, LimitId, Rate};
use connector_runtime::egress::{Demand, Limiter, NoTurn};
use connector_runtime::observe::{Observer, Unobserved};
use connector_state::conformance::START_S;
use connector_state::memory::{Halt, Memory, Rows};
use tokio::task::JoinSet;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_secs(60);

fn charge(name: &str, requests: u32, window: Duration) -> Charge {
    let limit = LimitId { scope: "account".to_owned(), name: name.to_owned() };
    Charge { limit, rate: Rate::new(requests, window), count: 1 }
}

/// So many processes, each with the store of its own way to the same rows.
fn processes(count: usize) -> Vec<(Arc<Memory>, Arc<Limiter>)> {
    let start = UNIX_EPOCH + Duration::from_secs(START_S);
    let clock = Arc::new(TokioClock::starting_at(start));
    let first = Memory::open(&Arc::<Mutex<Rows>>::default(), &Halt::at(None), clock);
    let process = |_| {
        let store = first.again();
        (Arc::clone(&store), Arc::new(Limiter::shared(store)))
    };
    (0..count).map(process).collect()
}

async fn turn(limiter: &Arc<Limiter>, connection: u64, charges: &[Charge]) -> Result<(), NoTurn> {
    let demand = Demand { rates: charges.to_vec(), at_once: vec![] };
    let observer: Arc<dyn Observer> = Arc::new(Unobserved);
    limiter.queue_up(connection, false, &demand, &observer).turn().await.map(drop)
}

/// Turns of so many processes within two minutes, in each of which eight tasks ask as fast as they
/// can.
async fn turns(count: usize) -> u32 {
    let until = Instant::now() + 2 * MINUTE;
    let mut tasks = JoinSet::new();
    for (_, limiter) in processes(count) {
        for task in 0..8_u64 {
            let limiter = Arc::clone(&limiter);
            let own = match task % 4 {
                3 => charge("other", 5, Duration::from_secs(1)),
                _ => charge("own", 20, Duration::from_secs(1)),
            };
            tasks.spawn(async move {
                let charges = [own, charge("all", 600, MINUTE)];
                let mut turns = 0;
                while Instant::now() < until {
                    match turn(&limiter, task % 2, &charges).await {
                        Ok(()) => turns += 1,
                        Err(NoTurn::NoRoom { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                turns
            });
        }
    }
    tasks.join_all().await.into_iter().sum()
}

/// What one process reserves ahead of its need is no other's, so it must be little.
#[tokio::test(start_paused = true)]
async fn several_processes_use_what_one_alone_uses() {
    let alone = turns(1).await;
    assert!(alone >= 2 * 600 * 95 / 100, "{alone} of 1200");
    for count in [2, 5] {
        let together = turns(count).await;
        assert!(together * 100 >= alone * 95, "{count} processes: {together} of {alone}");
        assert!(together <= 1_200 + 20, "{count} processes: {together}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_lets_nothing_through() {
    let [(store, limiter)] = processes(1).try_into().ok().unwrap();
    let own = [charge("own", 20, Duration::from_secs(1))];
    store.fail(u32::MAX);
    let refused = turn(&limiter, 1, &own).await.unwrap_err();
    assert!(matches!(refused, NoTurn::Unknown(_)), "{refused}");
    // What counts against nothing needs nobody.
    turn(&limiter, 1, &[]).await.unwrap();
    store.fail(0);
    turn(&limiter, 1, &own).await.unwrap();
}
