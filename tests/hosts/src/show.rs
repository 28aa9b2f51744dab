//! A host is killed, and others take over: what `make run-many` shows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector_state::conformance::State;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::World;
use crate::account::Account;
use crate::process::Fleet;
use crate::reader;

/// Starts the hosts, kills one, and prints who works for what before and after.
pub async fn run(world: &Arc<World>) {
    let state = world.disk.open().await;
    let mut tasks = JoinSet::new();
    for number in 0..world.accounts.len() {
        tasks.spawn(Account::deliver(Arc::clone(world), number));
        tasks.spawn(Account::change(Arc::clone(world), number));
    }
    let reading = tokio::spawn(reader::read(Arc::clone(world), Arc::clone(&state)));
    let (hosts, connections) = (world.options.hosts, world.accounts.len());
    let began = Instant::now();
    (0..hosts).for_each(|number| world.fleet.start(number));
    let before = shared(&state, &world.fleet, hosts, connections).await;
    println!(
        "{hosts} hosts share {connections} connections after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    sleep(Duration::from_secs(10)).await;
    world.fleet.kill(0);
    let killed = Instant::now();
    println!("{} is killed", world.fleet.name(0));
    let after = shared(&state, &world.fleet, hosts - 1, connections).await;
    println!("the others work for all of them {:.1} s later", killed.elapsed().as_secs_f64());
    sleep(Duration::from_secs(10)).await;
    world.fleet.start(0);
    let again = shared(&state, &world.fleet, hosts, connections).await;
    println!("it is started again");
    println!("{:<10} {:>8} {:>8} {:>8}", "HOST", "BEFORE", "KILLED", "AGAIN");
    for (name, count) in &before {
        let of = |counts: &BTreeMap<String, u64>| counts.get(name).copied().unwrap_or_default();
        println!("{name:<10} {count:>8} {:>8} {:>8}", of(&after), of(&again));
    }
    world.calm.store(true, std::sync::atomic::Ordering::SeqCst);
    crate::judge::settle(world).await;
    world.is_settled.store(true, std::sync::atomic::Ordering::SeqCst);
    crate::judge::run(world, &reading.await.unwrap()).await;
}

/// Waits until so many hosts of `fleet` work for so many connections, evenly.
pub async fn shared(
    state: &Arc<dyn State>,
    fleet: &Fleet,
    hosts: usize,
    connections: usize,
) -> BTreeMap<String, u64> {
    loop {
        let there = state.hosts().await.unwrap();
        let counts: BTreeMap<String, u64> =
            there.into_iter().map(|host| (host.name, host.connections)).collect();
        let all: u64 = counts.values().sum();
        let most = counts.values().max().copied().unwrap_or_default();
        let least = counts.values().min().copied().unwrap_or_default();
        if counts.len() == hosts && all == connections as u64 && most - least <= 1 {
            return counts;
        }
        fleet.assert_alive();
        sleep(Duration::from_millis(100)).await;
    }
}
