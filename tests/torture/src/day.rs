//! A day: who lives in it, how hosts end and begin, and what is said of it in the end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aftership_simulator::Dialer;
use host_harness::clock::TokioClock;
use host_harness::push::Mode;
use host_harness::runtime::Connection;
use host_harness::source::{Items, ReadOptions, SourceForm};
use host_harness::store::memory::Halt;
use host_harness::webhooks::Accepted;
use tokio::io::duplex;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::account::Account;
use crate::find::Violation;
use crate::host::{self, Life};
use crate::journal::Journal;
use crate::network::{Alive, Network};
use crate::plan::{ACCOUNTS, CALM, DAY, DiskKind, Kill, Moment, Plan, START_MS};
use crate::state::{Disk, Process, State};
use crate::sum::Sum;
use crate::{Engine, judge, lock, provider};

/// A kill waits so long for what the host is to end at.
const NO_LONGER: Duration = Duration::from_secs(3_600);

/// Everything that there is in a day.
pub struct World {
    pub engine: Engine,
    pub plan: Plan,
    pub journal: Arc<Journal>,
    pub network: Arc<Network>,
    pub accounts: Vec<Account>,
    pub disk: Disk,
    pub began: Instant,
    /// The time of day as it is: that of the provider and of the state.
    pub clock: Arc<TokioClock>,
    /// Where each host accepts deliveries.
    doors: Mutex<Vec<Option<UnboundedSender<Accepted>>>>,
    /// Each host's way to the state.
    states: Mutex<Vec<Option<State>>>,
    /// Hosts that ended, and disks that were full or whose answers were lost.
    kills: AtomicU64,
    disk_faults: AtomicU64,
}

/// What came of a day.
pub struct Day {
    pub plan: Plan,
    pub hash: String,
    pub found: Vec<Violation>,
    pub sum: Sum,
}

impl Day {
    /// Of a day that ended early.
    pub fn ended(plan: Plan) -> Self {
        Self { plan, hash: String::new(), found: vec![], sum: Sum::default() }
    }
}

/// Lives a day. Needs a runtime of one thread whose clock is paused.
pub async fn live(engine: Engine, plan: Plan, shown: bool) -> Day {
    let world = Arc::new(World::new(engine, plan, shown).await);
    world.keep_pushes().await;
    let mut tasks = JoinSet::new();
    for number in 0..ACCOUNTS {
        tasks.spawn(provider::live(Arc::clone(&world), number));
        let sender = Arc::clone(&world);
        tasks.spawn(async move {
            let dialer = sender.dialer(number);
            let _ = timeout(DAY, sender.accounts[number].simulator.send_webhooks(dialer)).await;
        });
    }
    let zombies = Arc::<Mutex<JoinSet<Result<(), String>>>>::default();
    for host in 0..world.plan.skews.len() {
        tasks.spawn(keep(Arc::clone(&world), host, Arc::clone(&zombies)));
    }
    tasks.spawn(fill_disks(Arc::clone(&world)));
    tasks.spawn(blow(Arc::clone(&world)));
    tasks.spawn(judge::watch(Arc::clone(&world)));
    let passes = async {
        sleep_until(world.began + CALM).await;
        world.network.calm();
        world.journal.note("calm");
        sleep_until(world.began + DAY).await;
        true
    };
    let passed = tokio::select! {
        biased;
        passed = passes => passed,
        () = world.network.too_many.notified() => false,
    };
    let mut found = if passed { judge::judge(&world).await } else { vec![] };
    found.extend(lock(&world.network.found).drain(..));
    drop(tasks);
    Day { plan: world.plan.clone(), hash: world.journal.hash(), found, sum: world.sum().await }
}

impl World {
    async fn new(engine: Engine, mut plan: Plan, shown: bool) -> Self {
        let disk = Disk::new(plan.seed, plan.sqlite);
        let start = SystemTime::UNIX_EPOCH + Duration::from_millis(START_MS);
        let clock = Arc::new(TokioClock::starting_at(start));
        let theirs = aftership_simulator::TokioClock::new(START_MS);
        let state = disk.open(&Halt::at(None), Arc::clone(&clock) as _);
        let mut accounts = Vec::new();
        for number in 0..ACCOUNTS {
            accounts.push(Account::new(number, &plan, theirs, &state).await);
        }
        aim(&mut plan.kills, &accounts);
        let simulators = accounts.iter().map(|account| account.simulator.clone()).collect();
        let journal = Arc::new(Journal::new(shown));
        let network = Network::new(simulators, plan.faults, plan.seed, Arc::clone(&journal));
        let hosts = plan.skews.len();
        let doors = Mutex::new((0..hosts).map(|_| None).collect());
        let states = Mutex::new((0..hosts).map(|_| None).collect());
        let began = Instant::now();
        Self {
            engine,
            plan,
            journal,
            network,
            accounts,
            disk,
            began,
            clock,
            doors,
            states,
            kills: AtomicU64::new(0),
            disk_faults: AtomicU64::new(0),
        }
    }

    /// A way to the state that nothing stops.
    pub fn state(&self) -> State {
        self.disk.open(&Halt::at(None), Arc::clone(&self.clock) as _)
    }

    /// The account of a connection.
    pub fn number_of(&self, connection: &str) -> usize {
        connection.trim_start_matches('c').parse().unwrap()
    }

    /// This host accepts deliveries from now on.
    pub fn open_door(&self, host: usize, door: UnboundedSender<Accepted>) {
        lock(&self.doors)[host] = Some(door);
    }

    /// Keeps the items of all pushes before anything happens. Sources are read in a thread of their
    /// own, which no clock holds back.
    async fn keep_pushes(&self) {
        let state = self.state();
        for account in self.accounts.iter().filter(|account| !account.pushes.is_empty()) {
            let row = &account.row;
            let builder = Connection::builder(&self.engine.connector).allow_private();
            let builder = builder.setting("scheme", &row.scheme);
            let builder =
                row.settings.iter().fold(builder, |b, (name, value)| b.setting(name, value));
            let client = builder.build().await.unwrap();
            let push = host::push(&state, account, client, Arc::clone(&self.clock)).await.unwrap();
            for planned in &account.pushes {
                let text: String = planned.wishes.iter().map(|wish| format!("{wish}\n")).collect();
                let source = Box::new(std::io::Cursor::new(text.into_bytes()));
                let items = Items::new(source, &ReadOptions::of(SourceForm::Json)).unwrap();
                let run = push.read(items, Mode::Upsert, None).await.unwrap().run;
                planned.run.set(run).unwrap();
            }
        }
    }

    /// Deliveries of an account go to whichever host is there.
    fn dialer(self: &Arc<Self>, number: usize) -> Dialer {
        let world = Arc::clone(self);
        Dialer::new(move |_| {
            let doors = lock(&world.doors);
            let open: Vec<_> = doors.iter().flatten().collect();
            let now = usize::try_from(world.began.elapsed().as_millis()).unwrap();
            let (near, far) = duplex(64 * 1024);
            let sent = open
                .get((now + number) % open.len().max(1))
                .map(|door| door.send((Box::new(far), host::address(number))));
            let taken = matches!(sent, Some(Ok(())));
            async move {
                if taken { Ok(near) } else { Err(std::io::ErrorKind::ConnectionRefused.into()) }
            }
        })
    }

    async fn sum(&self) -> Sum {
        let mut sum = Sum { days: 1, ..Sum::default() };
        sum.kills = self.kills.load(Ordering::SeqCst);
        sum.disk_faults = self.disk_faults.load(Ordering::SeqCst);
        sum.cuts = self.network.cuts.load(Ordering::SeqCst);
        let state = self.state();
        for account in &self.accounts {
            let simulator = &account.simulator;
            simulator.with_journal(|entries| {
                for entry in entries {
                    sum.requests += 1;
                    sum.faults += u64::from(entry.fault.is_some());
                }
            });
            sum.changes += lock(&account.facts).changes;
            let counts = simulator.webhook_counts();
            sum.taken += counts.taken;
            sum.attempts += counts.attempts;
            sum.renewals += simulator.token_requests().refresh_token;
            sum.records += simulator.count() as u64;
            for push in &account.pushes {
                let row = state.intents.run(push.run.get().unwrap()).await.unwrap().unwrap();
                sum.items += row.counts.all();
                sum.done += row.counts.done;
            }
        }
        sum
    }
}

/// Brings ends that are to come while something is pushed to the begin of a push.
fn aim(kills: &mut [Kill], accounts: &[Account]) {
    let pushes: Vec<Duration> =
        accounts.iter().flat_map(|account| account.pushes.iter().map(|push| push.at)).collect();
    for kill in kills.iter_mut().filter(|kill| kill.while_pushing) {
        if let Some(at) = pushes.iter().filter(|at| **at >= kill.at).min() {
            kill.at = *at;
        }
    }
    kills.sort_by_key(|kill| kill.at);
}

/// Keeps a host going, through its ends.
async fn keep(world: Arc<World>, host: usize, zombies: Arc<Mutex<JoinSet<Result<(), String>>>>) {
    let kills = world.plan.kills.clone();
    let mut kills = kills.into_iter().filter(|kill| kill.host == host).peekable();
    loop {
        let alive = Alive::new();
        let state = world.disk.open(&alive.halt, Arc::clone(&world.clock) as _);
        lock(&world.states)[host] = Some(state.clone());
        let life = Life { world: Arc::clone(&world), host, alive: Arc::clone(&alive), state };
        world.journal.note(format_args!("h{host} begins"));
        let mut living = JoinSet::new();
        living.spawn(life.run());
        let killed = tokio::select! {
            biased;
            ended = living.join_next() => {
                let ended = ended.unwrap().map_err(|why| why.to_string());
                world.journal.note(format_args!("h{host} ended: {ended:?}"));
                None
            }
            () = end(kills.peek(), world.began, &alive) => kills.next(),
        };
        alive.end();
        lock(&world.doors)[host] = None;
        lock(&world.states)[host] = None;
        let Some(kill) = killed else {
            sleep(Duration::from_secs(5)).await;
            continue;
        };
        world.journal.note(format_args!("h{host} killed, frozen: {}", kill.frozen));
        world.kills.fetch_add(1, Ordering::SeqCst);
        if kill.frozen {
            // Its tasks stay where they are.
            let mut zombies = lock(&zombies);
            zombies.spawn(async move { living.join_next().await.unwrap().unwrap() });
        } else {
            drop(living);
        }
        sleep(kill.down).await;
    }
}

/// Comes when the host is at what it ends at, or some time after the time of the kill.
async fn end(kill: Option<&Kill>, began: Instant, alive: &Alive) {
    let Some(kill) = kill else { return std::future::pending().await };
    sleep_until(began + kill.at).await;
    let reached = match kill.moment {
        Moment::Call(calls) => {
            alive.halt.stop_after(calls);
            &alive.halt.reached
        }
        Moment::Request(requests) => {
            alive.end_after(requests);
            &alive.sent_last
        }
    };
    let _ = timeout(NO_LONGER, reached.notified()).await;
}

/// Fills disks, and loses answers of commits.
async fn fill_disks(world: Arc<World>) {
    for disk in world.plan.disks.clone() {
        sleep_until(world.began + disk.at).await;
        let Some(state) = lock(&world.states)[disk.host].clone() else { continue };
        world.journal.note(format_args!("h{} disk: {disk:?}", disk.host));
        world.disk_faults.fetch_add(1, Ordering::SeqCst);
        match (disk.kind, &state.process) {
            (DiskKind::Lost(calls), Process::Memory(memory)) => memory.lose(calls),
            (DiskKind::Full(calls), Process::Memory(memory)) => memory.fail(calls),
            (DiskKind::NoPages(length), Process::File(_)) => {
                // One disk for all of them.
                let states: Vec<State> = lock(&world.states).iter().flatten().cloned().collect();
                states.iter().for_each(|state| state.process.grow(false));
                drop(state);
                sleep(length).await;
                states.iter().for_each(|state| state.process.grow(true));
            }
            _ => {}
        }
    }
    std::future::pending::<()>().await;
}

/// Lets more requests go wrong for a while.
async fn blow(world: Arc<World>) {
    for storm in world.plan.storms.clone() {
        sleep_until(world.began + storm.at).await;
        world.journal.note(format_args!("storm: {storm:?}"));
        let accounts = world.accounts.iter();
        let accounts =
            accounts.filter(|account| storm.account.is_none_or(|one| one == account.number));
        let accounts: Vec<&Account> = accounts.collect();
        accounts.iter().for_each(|account| account.set_faults(&world.plan, storm.faults));
        sleep(storm.length).await;
        accounts.iter().for_each(|account| account.set_faults(&world.plan, world.plan.faults));
    }
    std::future::pending::<()>().await;
}
