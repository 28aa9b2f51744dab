//! One host: what `connector-host sync --every`, `listen` and `push` do, in one process.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use host_harness::clock::{Clock, TokioClock};
use host_harness::contract::types::DataRecord;
use host_harness::egress::{Limiter, Pending};
use host_harness::grants::Grants;
use host_harness::mirror::Derived;
use host_harness::push::{OnConflict, Push};
use host_harness::retry::Policy;
use host_harness::runtime::{CallError, Connection, Current, TokenSource};
use host_harness::service::jobs::{Shutdown, Supervisor};
use host_harness::service::maintenance;
use host_harness::sync::{Pull, PullOptions, Rhythm, SyncedConnection, Turns};
use host_harness::vault::{Secrets, VaultKeep};
use host_harness::webhooks::{
    Accept, Accepted, ConnectionDecode, Decode, GapCloser, Hook, Pace, Reads, Receiver,
    ReceiverBounds, Surroundings, Unnoted, Worker, WorkerConnection,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::account::{Account, vault};
use crate::day::World;
use crate::network::{Alive, HostNetwork};
use crate::plan::{CALM, START_MS};
use crate::state::State;

/// What is read of each account.
pub const OBJECT: &str = "trackings";
/// Time between two pulls of an account with deliveries, and of one without, before the calm.
pub const EVERY: [Duration; 2] = [Duration::from_secs(8 * 3_600), Duration::from_secs(5_400)];
/// Time between two full ones, before the calm.
const FULL_EVERY: Duration = Duration::from_secs(10 * 3_600);
/// The same in the calm.
const CALM_EVERY: Duration = Duration::from_secs(2_000);
const CALM_FULL_EVERY: Duration = Duration::from_secs(3_600);
/// Each host asks for a record of accounts with a grant at the same moments, as programs do that
/// begin by the clock.
const ASK_EVERY: Duration = Duration::from_secs(3 * 3_600);
/// How long a push that did not end waits before it goes on.
const AGAIN: Duration = Duration::from_secs(300);

/// A host from its start to its end.
#[derive(Clone)]
pub struct Life {
    pub world: Arc<World>,
    pub host: usize,
    pub alive: Arc<Alive>,
    pub state: State,
}

struct Door(mpsc::UnboundedReceiver<Accepted>);

impl Accept for Door {
    fn accept(&mut self) -> Pending<'_, Option<Accepted>> {
        Box::pin(self.0.recv())
    }
}

/// Reads of a connection, described once for all connections.
struct AccountReads {
    world: Arc<World>,
    client: Connection,
    local: Connection,
}

impl Reads for AccountReads {
    fn derive<'a>(
        &'a self,
        object: &'a str,
        records: &'a [DataRecord],
    ) -> Pending<'a, Result<Vec<Derived>, CallError>> {
        let objects = self.world.engine.catalog.derived_from(object);
        Box::pin(async move {
            if records.is_empty() || objects.is_empty() {
                return Ok(vec![]);
            }
            let lists = self.local.derive(&objects, records.to_vec()).await?;
            let named = objects.into_iter().zip(lists);
            Ok(named.map(|(object, lists)| Derived { object, lists }).collect())
        })
    }

    fn deriver(&self) -> u64 {
        let sha256 = &self.local.connector().facts().sha256;
        u64::from_str_radix(sha256.get(..15).unwrap(), 16).unwrap()
    }

    fn paused(&self) -> Option<Duration> {
        self.client.paused()
    }

    fn get<'a>(
        &'a self,
        object: &'a str,
        id: &'a str,
    ) -> Pending<'a, Result<DataRecord, CallError>> {
        Box::pin(self.client.get(object, id))
    }

    fn find<'a>(
        &'a self,
        object: &'a str,
        input: &'a str,
    ) -> Pending<'a, Result<Vec<DataRecord>, CallError>> {
        Box::pin(self.client.find(object, input))
    }
}

impl Life {
    /// Lives until it is dropped; an error when it cannot begin.
    pub async fn run(self) -> Result<(), String> {
        let clock = self.clock();
        let (_trigger, stop) = Shutdown::new();
        let supervisor = Supervisor::new(stop.clone());
        let limiter = Arc::new(Limiter::shared(Arc::clone(&self.state.slots)));
        let turns = Turns::default();
        let mut tasks = JoinSet::new();
        let (mut hooks, mut seats, mut clients) = (vec![], vec![], vec![]);
        for account in &self.world.accounts {
            let secrets = Arc::<Secrets>::default();
            let vault = vault(&self.state);
            vault.load(&account.row, &secrets).await.map_err(text)?;
            let client = self.connect(account, &limiter, &clock, &secrets).await?;
            if let Some(token) = &account.hook {
                let local = self.builder(account, &clock, &secrets).build().await.map_err(text)?;
                let row = account.row.clone();
                let decode = ConnectionDecode::new(local.clone(), secrets, vault, row);
                let decode = Arc::new(decode) as Arc<dyn Decode>;
                let reads =
                    AccountReads { world: self.world.clone(), client: client.clone(), local };
                let seat = WorkerConnection { reads: Arc::new(reads), decode: decode.clone() };
                seats.push((account.row.id.clone(), seat));
                hooks.push(Hook {
                    connection: account.row.id.clone(),
                    token: token.clone(),
                    subscription: None,
                    decode,
                });
            }
            let synced = SyncedConnection {
                client: client.clone(),
                mirror: Arc::clone(&self.state.mirror),
                clock: Arc::clone(&clock) as _,
                connection: account.row.id.clone(),
                turns: turns.clone(),
            };
            tasks.spawn(self.clone().pull(account.number, synced, Arc::clone(&clock)));
            if !account.pushes.is_empty() {
                tasks.spawn(self.clone().push(account.number, client.clone(), clock.clone()));
            }
            if account.oauth {
                tasks.spawn(self.clone().ask(account.number, client.clone()));
            }
            clients.push(client);
        }
        let notes = Arc::new(Unnoted);
        let bounds = ReceiverBounds::default();
        let inbox = Arc::clone(&self.state.inbox);
        let around = Surroundings::default();
        let receiver = Receiver::new(bounds, inbox.clone(), clock.clone(), notes.clone(), around);
        receiver.serve_hooks(hooks);
        let seed = Some(self.world.plan.seed + self.host as u64);
        let pace = Pace { tick: Duration::from_secs(300), seed };
        let mirror = Arc::clone(&self.state.mirror);
        let worker = Worker::new(inbox.clone(), mirror.clone(), clock.clone(), notes.clone(), pace);
        worker.work_for(seats.into_iter().collect());
        let jobs = supervisor.jobs().clone();
        maintenance::keep(&jobs, Arc::clone(&self.state.store), |_| {}).map_err(text)?;
        let connector = &self.world.engine.connector;
        let gaps = GapCloser::new(connector, mirror, inbox, clock.clone(), notes, jobs);
        let gaps = gaps.await.map_err(text)?;
        tasks.spawn(self.clone().close_gaps(gaps, clients));
        let (door, accepted) = mpsc::unbounded_channel();
        self.world.open_door(self.host, door);
        let wake = receiver.wake();
        let never = std::future::pending();
        tokio::join!(receiver.run(Door(accepted), &stop), worker.run(&wake, never));
        Ok(())
    }

    fn clock(&self) -> Arc<TokioClock> {
        let now_ms = START_MS + u64::try_from(self.world.began.elapsed().as_millis()).unwrap();
        let now_ms = now_ms.saturating_add_signed(self.world.plan.skews[self.host]);
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms);
        Arc::new(TokioClock::starting_at(now))
    }

    fn builder(
        &self,
        account: &Account,
        clock: &Arc<TokioClock>,
        secrets: &Arc<Secrets>,
    ) -> host_harness::runtime::Builder {
        let network = HostNetwork {
            network: Arc::clone(&self.world.network),
            alive: Arc::clone(&self.alive),
            host: self.host,
        };
        let row = &account.row;
        let builder = Connection::builder(&self.world.engine.connector)
            .setting("scheme", &row.scheme)
            .allow_private()
            .id(&row.id)
            .clock(Arc::clone(clock) as _)
            .network(Arc::new(network))
            .keep(Arc::new(VaultKeep { vault: vault(&self.state), row: row.clone() }))
            .secrets(Arc::clone(secrets));
        row.settings.iter().fold(builder, |builder, (name, value)| builder.setting(name, value))
    }

    async fn connect(
        &self,
        account: &Account,
        limiter: &Arc<Limiter>,
        clock: &Arc<TokioClock>,
        secrets: &Arc<Secrets>,
    ) -> Result<Connection, String> {
        let builder = self.builder(account, clock, secrets).limiter(Arc::clone(limiter));
        let mut client = builder.build().await.map_err(text)?;
        if account.oauth {
            let (store, row) = (Arc::clone(&self.state.store), &account.row);
            let key = vault(&self.state).key(row).map_err(text)?;
            let grants = Grants::of(&client, store, &row.id, key);
            grants.recover();
            client = client.with_tokens(Arc::new(Told { grants, life: self.clone() }));
        }
        let seed = self.world.plan.seed ^ ((account.number as u64) << 32);
        Ok(client.with_policy(Policy::default().seed(seed)))
    }

    /// Pulls in rhythm.
    async fn pull(self, number: usize, synced: SyncedConnection, clock: Arc<TokioClock>) {
        let object = self.world.engine.catalog.bringing(OBJECT).unwrap().clone();
        let (mirror, connection) = (Arc::clone(&synced.mirror), synced.connection.clone());
        let pull = Pull::new(synced, object);
        loop {
            let is_calm = self.world.began.elapsed() >= CALM;
            let without = usize::from(self.world.accounts[number].hook.is_none());
            let (every, full_every) =
                if is_calm { (CALM_EVERY, CALM_FULL_EVERY) } else { (EVERY[without], FULL_EVERY) };
            let rhythm = Rhythm { full_every };
            let scans = mirror.scans(&connection).await.unwrap_or_default();
            let row = scans.iter().find(|row| row.object == OBJECT);
            let due_ms = row.map_or(0, |row| Rhythm::due_ms(row, every, clock.now_ms()));
            let left = Duration::from_millis(due_ms.saturating_sub(clock.now_ms()));
            if left.is_zero() {
                let page_size = Some(5);
                let options = PullOptions { rhythm, page_size, ..PullOptions::default() };
                let ended = pull.run(&options).await;
                let (host, world) = (self.host, &self.world);
                match ended {
                    Ok(ended) => world.journal.note(format_args!("h{host} a{number:02} {ended:?}")),
                    Err(why) => {
                        world.journal.note(format_args!("h{host} a{number:02} pull: {why}"));
                    }
                }
            }
            let until_calm = CALM.saturating_sub(self.world.began.elapsed());
            let pause = left.min(every).max(Duration::from_secs(5));
            let pause = if until_calm.is_zero() { pause } else { pause.min(until_calm) };
            sleep(pause).await;
        }
    }

    /// Asks for a record now and then.
    async fn ask(self, number: usize, client: Connection) {
        loop {
            let passed = self.world.began.elapsed().as_secs() / ASK_EVERY.as_secs();
            let next = ASK_EVERY * (u32::try_from(passed).unwrap() + 1);
            sleep_until(self.world.began + next).await;
            let ids = self.world.accounts[number].simulator.ids();
            let Some(id) = ids.first() else { continue };
            let (host, answer) = (self.host, client.get(OBJECT, id).await.map(drop));
            self.world.journal.note(format_args!("h{host} a{number:02} asked: {answer:?}"));
        }
    }

    /// Works off what is to be written, each run from its time on.
    async fn push(self, number: usize, client: Connection, clock: Arc<TokioClock>) {
        let world = Arc::clone(&self.world);
        let account = &world.accounts[number];
        let push = loop {
            match push(&self.state, account, client.clone(), clock.clone()).await {
                Ok(push) => break push,
                Err(_) => sleep(AGAIN).await,
            }
        };
        let runs = account.pushes.iter().enumerate().map(async |(place, planned)| {
            sleep_until(world.began + planned.at).await;
            loop {
                let run = planned.run.get().unwrap();
                let ended = push.run(run, OnConflict::Ours, |_| {}).await;
                let ended = ended.map(|sum| sum.waiting + sum.parked).map_err(text);
                let host = self.host;
                world.journal.note(format_args!("h{host} a{number:02} push {place}: {ended:?}"));
                if ended.is_ok_and(|open| open == 0) {
                    planned.ended.get_or_init(|| world.began.elapsed());
                    break;
                }
                sleep(AGAIN).await;
            }
        });
        join_all(runs).await;
    }

    /// Looks for gaps, as `listen` does.
    async fn close_gaps(self, gaps: GapCloser, clients: Vec<Connection>) {
        loop {
            if let Ok(hooks) = self.state.inbox.hooks().await {
                for hook in hooks {
                    let number = self.world.number_of(&hook.connection);
                    let _ = gaps.consider(&hook, &clients[number]);
                }
            }
            sleep(Duration::from_secs(120)).await;
        }
    }
}

/// Where an account's records are pushed.
pub async fn push(
    state: &State,
    account: &Account,
    client: Connection,
    clock: Arc<TokioClock>,
) -> Result<Push, String> {
    let (intents, mirror) = (Arc::clone(&state.intents), Arc::clone(&state.mirror));
    let key = vault(state).key(&account.row).map_err(text)?;
    let id = &account.row.id;
    Push::new(client, intents, mirror, clock, id, key, OBJECT).await.map_err(text)
}

/// Tokens of a grant, with a note of each renewal.
struct Told {
    grants: Grants,
    life: Life,
}

impl Told {
    fn tell(&self, what: &str, ended: &Result<Current, CallError>) {
        let host = self.life.host;
        if let Err(why) = ended {
            self.life.world.journal.note(format_args!("h{host} {what}: {why}"));
        }
    }
}

impl TokenSource for Told {
    fn fresh(&self) -> Pending<'_, Result<Current, CallError>> {
        Box::pin(async move {
            let ended = TokenSource::fresh(&self.grants).await;
            self.tell("tokens", &ended);
            ended
        })
    }

    fn replace(&self, epoch: u64) -> Pending<'_, Result<Current, CallError>> {
        Box::pin(async move {
            let ended = TokenSource::replace(&self.grants, epoch).await;
            self.tell("other tokens", &ended);
            ended
        })
    }
}

/// The address of an account's sender.
pub fn address(number: usize) -> IpAddr {
    IpAddr::from([198, 51, 100, u8::try_from(number).unwrap()])
}

fn text(why: impl std::fmt::Display) -> String {
    why.to_string()
}
