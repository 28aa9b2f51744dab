//! What goes wrong while the accounts change.

use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::World;
use crate::account::Account;
use crate::reader;

/// An account gets so many trackings by pushes.
const ITEMS: usize = 6;
/// And their titles so often.
pub const ROUNDS: usize = 3;
/// A host is down, or frozen, for so many milliseconds: within its lease, and beyond.
const DOWN_MS: [u64; 4] = [500, 3_000, 12_000, 16_000];

/// Runs hosts, accounts and pushes for a while, with what goes wrong; ends with all hosts running, and
/// what a reader saw of the changes.
pub async fn run(world: &Arc<World>) -> Vec<Vec<u64>> {
    let mut tasks = JoinSet::new();
    for number in 0..world.accounts.len() {
        tasks.spawn(Account::deliver(Arc::clone(world), number));
    }
    let mut ending = JoinSet::new();
    for number in 0..world.accounts.len() {
        ending.spawn(Account::change(Arc::clone(world), number));
    }
    let state = world.disk.open().await;
    let reading = tokio::spawn(reader::read(Arc::clone(world), state));
    for number in 0..world.options.hosts {
        world.fleet.start(number);
    }
    for number in (0..world.accounts.len()).step_by(3) {
        ending.spawn(push(Arc::clone(world), number));
    }
    let until = Instant::now() + world.options.chaos;
    let mut random = Rng::with_seed(world.options.seed);
    let mut told = std::collections::BTreeMap::<&str, usize>::new();
    while Instant::now() < until {
        sleep(Duration::from_millis(random.u64(1_000..5_000))).await;
        let host = random.usize(0..world.options.hosts);
        *told.entry(trouble(world, host, &mut random).await).or_default() += 1;
        world.fleet.fallen().into_iter().for_each(|what| world.broken(what));
    }
    world.calm.store(true, Ordering::SeqCst);
    while ending.join_next().await.is_some() {}
    println!("{told:?}");
    crate::judge::settle(world).await;
    world.is_settled.store(true, Ordering::SeqCst);
    reading.await.unwrap()
}

/// One thing goes wrong, in a word or two.
async fn trouble(world: &Arc<World>, host: usize, random: &mut Rng) -> &'static str {
    let down = Duration::from_millis(*random.choice(&DOWN_MS).unwrap());
    match random.u8(0..8) {
        0..3 => {
            world.fleet.kill(host);
            sleep(down).await;
            world.fleet.start(host);
            "killed"
        }
        3..5 => {
            world.fleet.signal(host, "-STOP");
            sleep(down).await;
            world.fleet.signal(host, "-CONT");
            "frozen"
        }
        5 => {
            if !world.fleet.stop(host) {
                world.broken(format!("{} did not end well", world.fleet.name(host)));
            }
            sleep(down / 4).await;
            world.fleet.start(host);
            "ended in order"
        }
        _ => world.disk.trouble(random),
    }
}

/// Pushes new trackings and other titles for them, again until all is done; the program is killed now
/// and then.
async fn push(world: Arc<World>, number: usize) {
    let account = &world.accounts[number];
    let mut random = Rng::with_seed(world.options.seed ^ (number as u64 + 99));
    for round in 0..ROUNDS {
        sleep(Duration::from_millis(random.u64(1_000..10_000))).await;
        let line = |item: usize| {
            format!(
                r#"{{"tracking_number":"PUSH{number:03}{item}","slug":"dhl","title":"round {round}"}}"#
            )
        };
        let file = world.disk.file(&format!("push-{number}-{round}.ndjson"));
        std::fs::write(&file, (0..ITEMS).map(line).collect::<Vec<_>>().join("\n")).unwrap();
        let mut tries = 0;
        loop {
            tries += 1;
            let mut command = world.fleet.command(0);
            command.args(["push", "trackings", "--on-conflict", "ours"]).arg(&file);
            command.args(["--connection", &account.row.name]);
            let mut child = command.spawn().unwrap();
            let patience = if tries < 3 { random.u64(100..3_000) } else { 60_000 };
            match wait(&mut child, Duration::from_millis(patience)).await {
                Some(true) => {
                    account.pushed.store(ITEMS, Ordering::SeqCst);
                    break;
                }
                _ if tries > 20 => {
                    world.broken(format!("{}: a push does not end", account.row.name));
                    return;
                }
                _ => sleep(Duration::from_millis(500)).await,
            }
        }
    }
}

/// Waits for a program, and kills it when it takes longer; answers whether it did what it was asked.
async fn wait(child: &mut Child, patience: Duration) -> Option<bool> {
    let until = Instant::now() + patience;
    while Instant::now() < until {
        if let Some(ended) = child.try_wait().unwrap() {
            return Some(ended.success());
        }
        sleep(Duration::from_millis(50)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}
