use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use connector_contract::clock::{Clock, SystemClock, TokioClock};
use connector_contract::limits::slots::Answer;
use connector_contract::limits::{Charge, LimitReport, Rate, Slots};
use connector_runtime::egress::{Demand, Limiter, NoTurn};
use connector_runtime::observe::{Observer, Unobserved};
use connector_state::scratch::Scratch;
use tokio::task::JoinSet;

use super::*;
use crate::Sqlite;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
/// Tells a re-executed test that it is the child, and where the state is.
const STATE: &str = "LIMITS_TEST_STATE";

fn limits() -> [Charge; 3] {
    [("own", 20, 1_000), ("other", 5, 1_000), ("all", 600, 60_000)].map(|(name, requests, ms)| {
        let limit = LimitId { scope: "account".to_owned(), name: name.to_owned() };
        Charge { limit, rate: Rate::new(requests, Duration::from_millis(ms)), count: 1 }
    })
}

fn named(names: &[&str]) -> Vec<Charge> {
    let find = |name: &&str| limits().into_iter().find(|charge| charge.limit.name == **name);
    names.iter().filter_map(find).collect()
}

/// Waits until a request of `connection` may go. Answers how long that took.
async fn turn(
    limiter: &Arc<Limiter>,
    connection: u64,
    charges: &[Charge],
) -> Result<Duration, NoTurn> {
    let demand = Demand { rates: charges.to_vec(), at_once: vec![] };
    let observer: Arc<dyn Observer> = Arc::new(Unobserved);
    let mut ticket = limiter.queue_up(connection, false, &demand, &observer);
    ticket.turn().await.map(|(waited, _)| waited)
}

/// Writes down what is reserved, as stored: microseconds since 1970.
struct Noted {
    slots: Sqlite,
    sent: Mutex<Vec<(Vec<String>, u128)>>,
}

impl Slots for Noted {
    fn reserve(&self, request: SlotRequest) -> Answer<'_, Reserved> {
        Box::pin(async move {
            let names = request.charges.iter().map(|charge| charge.limit.name.clone());
            let names = names.collect::<Vec<_>>();
            let reserved = self.slots.reserve(request).await?;
            if let Reserved::Slots(slots) = &reserved {
                let times = slots.iter().map(|slot| slot.time.duration_since(UNIX_EPOCH).unwrap());
                let rows = times.map(|time| (names.clone(), time.as_micros()));
                self.sent.lock().unwrap().extend(rows);
            }
            Ok(reserved)
        })
    }

    fn hold(&self, charge: Charge, pause: Duration) -> Answer<'_, ()> {
        self.slots.hold(charge, pause)
    }

    fn report(&self, charge: Charge, report: LimitReport) -> Answer<'_, ()> {
        self.slots.report(charge, report)
    }

    fn time(&self) -> SystemTime {
        self.slots.time()
    }
}

/// One process: its own way to the file.
struct Process {
    noted: Arc<Noted>,
    limiter: Arc<Limiter>,
}

impl Process {
    fn new(directory: &Path, clock: Arc<dyn Clock>) -> Self {
        let slots = Sqlite::open(&directory.join("state/state.db"), clock).unwrap();
        let noted = Arc::new(Noted { slots, sent: Mutex::default() });
        let limiter = Limiter::shared(Arc::clone(&noted) as _);
        Self { noted, limiter: Arc::new(limiter) }
    }

    fn virtually(scratch: &Scratch, start: tokio::time::Instant) -> Self {
        let passed = start.elapsed();
        let clock = TokioClock::starting_at(UNIX_EPOCH + 1_000 * MINUTE + passed);
        Self::new(scratch.path(), Arc::new(clock))
    }

    /// Tasks that ask as fast as they can until `until`; each counts its turns.
    fn demand(&self, tasks: &mut JoinSet<u32>, number: u32, until: Instant) {
        for task in 0..number {
            let limiter = Arc::clone(&self.limiter);
            let own = if task % 4 == 3 { "other" } else { "own" };
            tasks.spawn(async move {
                let limits = named(&[own, "all"]);
                let mut turns = 0;
                while Instant::now() < until {
                    match turn(&limiter, u64::from(task % 2), &limits).await {
                        Ok(_) => turns += 1,
                        Err(NoTurn::NoRoom { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
                turns
            });
        }
    }
}

/// No closed window over all stored slots holds more than the limit.
fn judge(sent: &[(Vec<String>, u128)]) {
    for limit in limits() {
        let mine = sent.iter().filter(|(names, _)| names.contains(&limit.limit.name));
        let mut times: Vec<u128> = mine.map(|(_, at)| *at).collect();
        times.sort_unstable();
        let window = limit.rate.window().as_micros();
        for (index, first) in times.iter().enumerate() {
            let within = times[index..].iter().take_while(|at| **at - first <= window).count();
            assert!(within <= limit.rate.amount() as usize, "{within} of {limit:?}");
        }
    }
}

async fn used(processes: u32) -> u32 {
    let scratch = Scratch::new();
    let start = Instant::now();
    let processes: Vec<Process> =
        (0..processes).map(|_| Process::virtually(&scratch, start)).collect();
    let mut tasks = JoinSet::new();
    processes.iter().for_each(|one| one.demand(&mut tasks, 8, start + 2 * MINUTE));
    let turns = tasks.join_all().await.into_iter().sum();
    let sent: Vec<_> =
        processes.iter().flat_map(|one| one.noted.sent.lock().unwrap().clone()).collect();
    judge(&sent);
    turns
}

#[tokio::test(start_paused = true)]
async fn several_processes_use_what_one_alone_uses() {
    let alone = used(1).await;
    assert!(alone >= 2 * 600 * 95 / 100, "{alone} of 1200");
    for processes in [2, 5] {
        let together = used(processes).await;
        println!("{processes} processes: {together} sent, one alone: {alone}");
        assert!(together * 100 >= alone * 95, "{processes} processes: {together} of {alone}");
        assert!(together <= 1_200 + 20);
    }
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_what_follows_is_everybodys() {
    let scratch = Scratch::new();
    let start = Instant::now();
    let [one, two] = [(); 2].map(|()| Process::virtually(&scratch, start));
    let own = named(&["own", "all"]);
    one.limiter.throttled(&own, Some(3 * SECOND)).await;
    assert!(turn(&two.limiter, 1, &own).await.unwrap() >= 3 * SECOND);
    let next = turn(&two.limiter, 1, &own).await.unwrap();
    assert!(next > Duration::from_millis(80), "52 ms is its whole rate: {next:?}");
    // Another limit goes on, and comes out of the same room over all.
    let other = named(&["other", "all"]);
    assert!(turn(&two.limiter, 1, &other).await.unwrap() < Duration::from_millis(110));
    // What another process reserved outlives it, and so does the pause.
    two.limiter.throttled(&own, Some(40 * SECOND)).await;
    drop((one, two));
    let three = Process::virtually(&scratch, start);
    let refused = turn(&three.limiter, 1, &own).await.unwrap_err();
    assert!(matches!(refused, NoTurn::NoRoom { after } if after > 39 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_lets_nothing_through() {
    let scratch = Scratch::new();
    let one = Process::virtually(&scratch, Instant::now());
    let raw = Connection::open(scratch.path().join("state/state.db")).unwrap();
    raw.execute_batch("DROP TABLE limits").unwrap();
    let limits = named(&["own"]);
    let failed = turn(&one.limiter, 1, &limits).await.unwrap_err();
    assert!(matches!(failed, NoTurn::Unknown(_)), "{failed}");
    // What counts against nothing needs nobody.
    assert!(turn(&one.limiter, 1, &[]).await.is_ok());
}

/// Real processes and the machine's own clock.
#[test]
fn two_processes_never_exceed_a_limit_together() {
    let scratch = Scratch::new();
    drop(Sqlite::open(&scratch.path().join("state/state.db"), Arc::new(SystemClock)).unwrap());
    let child = |_| -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "limits::tests::child", "--nocapture"])
            .env(STATE, scratch.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<Child> = (0..2).map(child).collect();
    let mut sent = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let slots = text.lines().filter_map(|line| line.strip_prefix("slot "));
        let before = sent.len();
        sent.extend(slots.map(|slot| {
            let (time, names) = slot.split_once(' ').unwrap();
            (names.split(' ').map(str::to_owned).collect(), time.parse().unwrap())
        }));
        assert!(sent.len() >= before + TURNS as usize);
    }
    judge(&sent);
}

/// Turns that each child takes.
const TURNS: u32 = 24;

/// The child of the test above; alone it does nothing.
#[test]
fn child() {
    let Some(state) = std::env::var_os(STATE) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let process = Process::new(Path::new(&state), Arc::new(SystemClock));
        let mut tasks = JoinSet::new();
        for task in 0..8_u32 {
            let limiter = Arc::clone(&process.limiter);
            let own = if task % 4 == 3 { "other" } else { "own" };
            tasks.spawn(async move {
                let limits = named(&[own, "all"]);
                for _ in 0..TURNS / 8 {
                    turn(&limiter, u64::from(task % 2), &limits).await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        println!();
        for (names, time) in process.noted.sent.lock().unwrap().iter() {
            println!("slot {time} {}", names.join(" "));
        }
    });
}

/// What a user sees in another process: which limit is used up, until when, and why.
#[tokio::test(start_paused = true)]
async fn another_process_sees_what_is_waited_for() {
    let scratch = Scratch::new();
    let start = tokio::time::Instant::now();
    let process = Process::virtually(&scratch, start);
    let own = named(&["own"]);
    turn(&process.limiter, 1, &own).await.unwrap();
    process.limiter.throttled(&own, Some(2 * SECOND)).await;
    let other = Process::virtually(&scratch, start);
    let now_ms = connector_contract::clock::unix_ms(other.noted.slots.time());
    let booked = other.noted.slots.booked(vec!["account".to_owned()], now_ms).await.unwrap();
    let [limit] = booked.as_slice() else { panic!("{booked:?}") };
    assert!(limit.name == "own" && limit.held, "{limit:?}");
    assert!((1_990..=2_010).contains(&(limit.until_ms - now_ms)), "{limit:?}");
    assert!(
        other
            .noted
            .slots
            .booked(vec!["account".to_owned()], now_ms + 2_100)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(other.noted.slots.booked(vec!["nobody".to_owned()], now_ms).await.unwrap().is_empty());
}
