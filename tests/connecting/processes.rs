//! Several processes share one grant, and any of them may be killed.

use std::time::{Duration, Instant};

use aftership_simulator::{Answer, Matcher, Rotation};
use host_harness::contract::types::ErrorKind;
use host_harness::retry::Policy;
use host_harness::store::GrantState;

use super::process::{Orders, Process, connection};
use super::world::World;
use crate::support::world::{kind, list};

const MINUTE_MS: i64 = 60_000;

/// Runs one process for each clock, all at once; each makes 16 calls, and all end well.
fn run(world: &World, clocks: [i64; 4]) {
    let start = |shift_ms: &i64| {
        let orders = Orders { tasks: 16, shift_ms: *shift_ms, stop: None };
        Process::start(&world.base, &orders)
    };
    let mut processes: Vec<Process> = clocks.iter().map(start).collect();
    processes.iter().for_each(|process| assert_eq!(process.says(), "ready"));
    processes.iter_mut().for_each(Process::go);
    processes.iter().for_each(|process| assert_eq!(process.says(), "{\"well\": 16}"));
}

/// One that ended by the provider's word, and one that ended by the clock.
#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_tasks_in_four_processes_ask_for_tokens_once() {
    let world = World::new(|_| {}).await;
    assert!(world.simulator.expire_token(&world.token("access-token").await));
    run(&world, [0; 4]);
    assert_eq!(world.simulator.token_requests().refresh_token, 1);
    run(&world, [2 * 60 * MINUTE_MS; 4]);
    assert_eq!(world.simulator.token_requests().refresh_token, 2);
}

/// The host's clock differs from the provider's by ten minutes; then those of the processes differ
/// among themselves.
#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_ten_minutes_off_cost_no_grant() {
    let world = World::new(|_| {}).await;
    let off = 10 * MINUTE_MS;
    for (clocks, requests) in [([off; 4], 1), ([-off; 4], 1)] {
        let before = world.simulator.token_requests().refresh_token;
        assert!(world.simulator.expire_token(&world.token("access-token").await));
        run(&world, clocks);
        let sent = world.simulator.token_requests().refresh_token - before;
        assert_eq!(sent, requests, "{clocks:?}");
    }
    assert!(world.simulator.expire_token(&world.token("access-token").await));
    run(&world, [-off, 0, 0, off]);
    assert_eq!(world.simulator.live_grants().len(), 1);
    assert!(world.simulator.expire_token(&world.token("access-token").await));
    run(&world, [0; 4]);
}

/// How often a process is killed.
const KILLS: usize = 50;
/// Row, intent, tokens: each before and after. A renewal after a refused token reads the row first.
const STEPS: usize = 8;

/// A process is killed at each step of a renewal, or while the provider holds its answer back; then
/// another goes on.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_cost_no_grant_that_the_provider_honours() {
    let world = World::new(|_| {}).await;
    let (mut stopped, mut lost, mut ended) = (0, 0, 0);
    for kill in 0..KILLS {
        let grace_seconds = [60, 0][kill % 2];
        let rotation = Rotation::Rotate { grace_seconds };
        world.simulator.configure(|options| options.oauth.rotation = rotation);
        let before = world.grant().await.epoch;
        let issued = world.simulator.token_requests().refresh_token;
        assert!(world.simulator.expire_token(&world.token("access-token").await));
        let stop = (kill / 2) % (STEPS + 1);
        let at_the_provider = stop == STEPS;
        let stop = Some(stop).filter(|_| !at_the_provider);
        let orders = Orders { tasks: 1, shift_ms: world.clock.ms(), stop };
        let mut process = Process::start(&world.base, &orders);
        assert_eq!(process.says(), "ready");
        let asked = requests(&world);
        if at_the_provider {
            let answer = Answer::hang().executed();
            world.simulator.answer_next(Matcher::path("/oauth/token"), answer);
        }
        process.go();
        if at_the_provider {
            until(|| requests(&world) > asked).await;
        } else {
            let said = process.says();
            stopped += usize::from(said == "stopped");
            assert!(said == "stopped" || said == "{\"well\": 1}", "{said}");
        }
        process.kill();
        let came = world.simulator.token_requests().refresh_token > issued;
        let is_lost = came && world.grant().await.epoch == before;
        lost += usize::from(is_lost);
        if recovers(&world).await {
            continue;
        }
        assert!(is_lost && grace_seconds == 0, "kill {kill} at {stop:?} cost a grant");
        ended += 1;
        world.connect().await;
    }
    println!("{KILLS} kills, {stopped} at a step, {lost} lost an answer, {ended} grants with it");
    assert!(stopped >= KILLS / 2 && lost > 0);
}

/// Whether another process can go on, however long that takes.
async fn recovers(world: &World) -> bool {
    let another = connection(&world.base, world.clock.clone(), None).await;
    let another = another.with_policy(Policy::once());
    // The lease of the one that was killed is over.
    world.clock.forward(Duration::from_secs(31));
    let mut last = None;
    for _ in 0..40 {
        let ended = another.list(&list(None, None)).await;
        if ended.is_ok() {
            return true;
        }
        if world.grant().await.state == GrantState::Ended {
            assert_eq!(kind(ended), ErrorKind::Unauthenticated);
            return false;
        }
        last = ended.err();
        world.clock.forward(Duration::from_secs(5 * 60));
    }
    panic!("neither tokens nor an end: {last:?}, {:?}", world.grant().await);
}

/// How many requests for tokens have come.
fn requests(world: &World) -> usize {
    world.simulator.with_journal(|all| all.filter(|one| one.path == "/oauth/token").count())
}

async fn until(met: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !met() {
        assert!(Instant::now() < deadline, "it does not come");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
