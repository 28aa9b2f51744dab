//! Two hosts in two containers, each process 1 of a namespace of its own, on one state: what
//! `make two-containers` runs. A number of a process says nothing there about the process of another.

use std::fs::File;
use std::process::{Child, Stdio};
use std::time::Duration;

use aftership_simulator::{Answer, Matcher};
use connector_state_postgres::testing::PROGRAMS;
use tokio::time::{Instant, sleep};

use crate::account::Account;
use crate::process::{Fleet, in_container};
use crate::state::Disk;
use crate::{Options, World, judge, lock, show};

/// Accounts of the state.
const ACCOUNTS: usize = 8;
/// For so long the provider's answer is held back, and with it the scan.
const HELD: Duration = Duration::from_secs(20);
/// A lease of somebody who cannot be asked has ended within this time.
const LEASE: Duration = Duration::from_secs(60);
/// How `sync` ends when it has read everything, and when it has left something to others.
const DONE: Option<i32> = Some(0);
const LEFT: Option<i32> = Some(3);

/// Runs them on each database that is installed; answers how many rules were broken or databases left out.
pub async fn run() -> usize {
    let mut tried = in_container();
    let permitted = tried.arg("true").stderr(Stdio::null()).status();
    if !permitted.is_ok_and(|ended| ended.success()) {
        println!("left out, because `unshare --pid` is not there or not permitted: two containers");
        return 1;
    }
    let mut disks = vec![Disk::sqlite()];
    match PROGRAMS {
        Some(_) => disks.push(Disk::postgres("containers", None)),
        None => println!("left out, because PostgreSQL is not installed: two containers on it"),
    }
    // What was left out has not passed.
    let mut found = 2 - disks.len();
    for disk in disks {
        println!("the state is in {}", disk.name());
        let chaos = Duration::ZERO;
        let options = Options { hosts: 2, accounts: ACCOUNTS, chaos, seed: 1 };
        let fleet = Fleet::new(options.hosts, &disk).in_containers();
        let world = World::new(options, disk, fleet).await;
        scan_once(&world).await;
        take_over(&world).await;
        found += lock(&world.found).len();
    }
    found
}

/// While one of two containers reads an account, the other leaves it, also when the first is killed: it
/// cannot know that before the lease is over.
async fn scan_once(world: &World) {
    let account = &world.accounts[0];
    let mut first = begin(world, account).await;
    expect(world, "a second sync", ended(sync(world, account)).await, LEFT);
    if first.try_wait().unwrap().is_some() {
        world.broken("the first sync ended too early to tell anything".to_owned());
    }
    if lists(account) != 1 {
        world.broken(format!("{} lists were asked for, and 1 was to be", lists(account)));
    }
    expect(world, "the first sync", ended(first).await, DONE);
    println!("of two at once one read the account, and the other left it");
    expect(world, "a sync after that", ended(sync(world, account)).await, DONE);

    let mut killed = begin(world, account).await;
    // While its namespace is held open, no later container gets the number of it, and with that the name: who
    // has it knows that the killed one is gone, and need not wait.
    let namespace = format!("/proc/{}/ns/pid_for_children", killed.id());
    let _held_open = File::open(namespace).unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    expect(world, "a sync after a kill", ended(sync(world, account)).await, LEFT);
    let began = Instant::now();
    let mut last = LEFT;
    while last == LEFT && began.elapsed() < LEASE {
        sleep(Duration::from_secs(1)).await;
        last = ended(sync(world, account)).await;
    }
    expect(world, "a sync after the lease of the killed one", last, DONE);
    println!("{:.0} s after a kill another one read it", began.elapsed().as_secs_f64());
}

/// Hosts that serve share the connections, and take over those of one that is killed.
async fn take_over(world: &World) {
    let state = world.disk.open().await;
    (0..world.options.hosts).for_each(|number| world.fleet.start(number));
    println!("two hosts share: {:?}", show::shared(&state, &world.fleet, 2, ACCOUNTS).await);
    world.fleet.kill(0);
    let began = Instant::now();
    let left = show::shared(&state, &world.fleet, 1, ACCOUNTS).await;
    println!("{:.1} s after one was killed: {left:?}", began.elapsed().as_secs_f64());
    judge::settle(world).await;
    world.fleet.end();
}

/// A sync that has been begun, and waits for its provider.
async fn begin(world: &World, account: &Account) -> Child {
    account.simulator.clear_journal();
    let held = Answer::real().delayed(HELD);
    account.simulator.answer_next(Matcher::new("GET", "/tracking/"), held);
    let mut child = sync(world, account);
    while lists(account) == 0 && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(20)).await;
    }
    child
}

/// Requests that were sent to the provider.
fn lists(account: &Account) -> usize {
    account.simulator.with_journal(|entries| entries.filter(|one| one.method == "GET").count())
}

fn sync(world: &World, account: &Account) -> Child {
    let mut command = world.fleet.command(0);
    command.args(["sync", "trackings", "--full", "--connection", &account.row.name]);
    command.spawn().unwrap()
}

/// Waits for a program; answers its exit code.
async fn ended(mut child: Child) -> Option<i32> {
    loop {
        if let Some(ended) = child.try_wait().unwrap() {
            return ended.code();
        }
        sleep(Duration::from_millis(20)).await;
    }
}

fn expect(world: &World, what: &str, code: Option<i32>, wanted: Option<i32>) {
    if code != wanted {
        world.broken(format!("{what} ended with {code:?} instead of {wanted:?}"));
    }
}
