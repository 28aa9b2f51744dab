//! Processes that share rows, and a provider that rotates, in virtual time.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use connector_contract::auth::Learned;
use connector_contract::clock::{Clock, TokioClock, unix_ms};
use connector_runtime::egress::{Pending, Progress};
use connector_runtime::observe::Unobserved;
use connector_runtime::{Current, ReceivedGrant, Renewal, TokenRenewer, Tokens};
use connector_state::GrantRow;
use connector_state::memory::{Halt, Memory, Rows};
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep};

use crate::grants::protocol::{SealedGrant, first};
use crate::grants::{Grants, open, seal};
use crate::lock;
use crate::vault::{Key, Secret};

pub const ID: &str = "c1";
pub const HOUR: Duration = Duration::from_secs(3_600);
const KEY: [u8; 32] = [7; 32];
const START_MS: u64 = 1_800_000_000_000;

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// It does not arrive.
    NotSent,
    /// It does not arrive, and nobody knows.
    Dropped,
    /// It is executed, and the answer is lost.
    AnswerLost,
    /// It is executed, and no answer ever ends.
    Silent,
    /// It is executed and its tokens come; what comes after them never ends.
    Cut,
    /// It waits for a connection, and none is made.
    Stuck,
    ClientRefused,
    /// Executed; the answer has an access token only, and fewer scopes.
    Partial,
}

/// A provider that gives out tokens with numbers and ends a grant whose token comes twice.
pub struct Fake {
    state: Mutex<Issued>,
    /// Requests under way, and the most there ever were.
    pub in_flight: AtomicU32,
    pub most_in_flight: AtomicU32,
    pub requests: AtomicU32,
    pub takes: Mutex<Duration>,
    pub life: Mutex<Duration>,
    pub grace: Mutex<Duration>,
    pub fates: Mutex<VecDeque<Fate>>,
    /// After the scripted ones.
    pub usual: Mutex<Fate>,
    halt: Mutex<Arc<Halt>>,
    now_ms: AtomicU64,
}

#[derive(Default, Clone)]
struct Issued {
    current: u32,
    replaced: Option<(u32, u64)>,
    revoked: bool,
}

/// A request that is under way; one whose sender is killed is not, any more.
struct UnderWay<'a>(&'a Fake);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Fake {
    pub fn honours(&self, token: u32) -> bool {
        self.honours_at(token, self.now_ms.load(Ordering::SeqCst))
    }

    pub fn is_revoked(&self) -> bool {
        lock(&self.state).revoked
    }

    pub fn newest(&self) -> u32 {
        lock(&self.state).current
    }

    pub fn revoke(&self) {
        lock(&self.state).revoked = true;
    }

    fn honours_at(&self, token: u32, now_ms: u64) -> bool {
        let state = lock(&self.state);
        let grace = lock(&self.grace).as_millis();
        let in_grace = state.replaced.is_some_and(|(replaced, at_ms)| {
            replaced == token && u128::from(now_ms - at_ms) < grace
        });
        !state.revoked && (token == state.current || in_grace)
    }

    fn execute(&self, token: u32, now_ms: u64) -> Result<u32, Renewal> {
        let honoured = self.honours_at(token, now_ms);
        let mut state = lock(&self.state);
        if !honoured {
            state.revoked = true;
            return Err(Renewal::Refused("invalid_grant".to_owned()));
        }
        if token == state.current {
            state.replaced = Some((token, now_ms));
        }
        state.current += 1;
        Ok(state.current)
    }
}

/// The provider as one process sees it.
pub struct Line {
    fake: Arc<Fake>,
    time: TokioClock,
    clock: Arc<dyn Clock>,
}

impl TokenRenewer for Line {
    fn renew(&self, tokens: Tokens, progress: Progress) -> Pending<'_, Renewal> {
        Box::pin(async move {
            let fake = &self.fake;
            let halt = Arc::clone(&lock(&fake.halt));
            let now_ms = || unix_ms(self.time.now());
            fake.now_ms.store(now_ms(), Ordering::SeqCst);
            fake.requests.fetch_add(1, Ordering::SeqCst);
            let now = fake.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            let _under_way = UnderWay(fake);
            fake.most_in_flight.fetch_max(now, Ordering::SeqCst);
            let fate = lock(&fake.fates).pop_front().unwrap_or(*lock(&fake.usual));
            let why = || "the test wants it so".to_owned();
            halt.step().await;
            if fate == Fate::Stuck {
                std::future::pending::<()>().await;
            }
            progress.set_wrote(true);
            let takes = *lock(&fake.takes);
            sleep(takes).await;
            match fate {
                Fate::NotSent => return Renewal::NotExecuted { why: why(), wait: None },
                Fate::Dropped => return Renewal::Unknown(why()),
                Fate::ClientRefused => return Renewal::ClientRefused(why()),
                _ => {}
            }
            fake.now_ms.store(now_ms(), Ordering::SeqCst);
            let answer = fake.execute(number(&tokens), now_ms());
            halt.step().await;
            match (answer, fate) {
                (_, Fate::AnswerLost) => Renewal::Unknown(why()),
                (_, Fate::Silent) => std::future::pending().await,
                (Err(refused), _) => refused,
                (Ok(next), Fate::Cut) => {
                    let new = tokens_of(next);
                    new.into_iter().for_each(|(name, value)| progress.capture(&name, value));
                    std::future::pending().await
                }
                (Ok(next), fate) => {
                    let mut new = tokens_of(next);
                    let mut scopes = Vec::new();
                    if fate == Fate::Partial {
                        new.remove("refresh-token");
                        scopes.push("read".to_owned());
                    }
                    let life = *lock(&fake.life);
                    let expires_ms = Some(unix_ms(self.clock.now() + life));
                    let learned = Learned::default();
                    let received = ReceivedGrant { tokens: new, expires_ms, scopes, learned };
                    Renewal::Received(Box::new(received))
                }
            }
        })
    }
}

/// Everything that outlives a process.
pub struct World {
    pub rows: Arc<Mutex<Rows>>,
    pub fake: Arc<Fake>,
    now: Mutex<Duration>,
}

/// What a run of processes has.
pub struct Run {
    pub world_rows: Arc<Mutex<Rows>>,
    pub fake: Arc<Fake>,
    pub halt: Arc<Halt>,
    pub time: TokioClock,
}

impl World {
    /// A grant of an hour that was just received.
    pub fn new() -> Self {
        let key = Key::new(KEY);
        let granted = SealedGrant {
            sealed: seal(&key, ID, 1, &tokens_of(0)).unwrap(),
            expires_ms: Some(START_MS + 3_600_000),
            scopes: vec!["read".to_owned(), "write".to_owned()],
            learned: Learned::default(),
        };
        let rows = Arc::<Mutex<Rows>>::default();
        lock(&rows).store.grants.insert(ID.to_owned(), first(ID, 1, granted, START_MS));
        let fake = Fake {
            state: Mutex::default(),
            in_flight: AtomicU32::new(0),
            most_in_flight: AtomicU32::new(0),
            requests: AtomicU32::new(0),
            takes: Mutex::new(Duration::from_millis(200)),
            life: Mutex::new(HOUR),
            grace: Mutex::default(),
            fates: Mutex::default(),
            usual: Mutex::new(Fate::Answered),
            halt: Mutex::new(Halt::at(None)),
            now_ms: AtomicU64::new(START_MS),
        };
        Self { rows, fake: Arc::new(fake), now: Mutex::default() }
    }

    /// Runs `body` to its end, or until all is killed at step `nth` of store and provider. Returns
    /// what it answered, and the steps that there were. The world's time goes on.
    pub fn run<T, F: Future<Output = T>>(
        &self,
        nth: Option<usize>,
        body: impl FnOnce(Run) -> F,
    ) -> (Option<T>, usize) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let halt = Halt::at(nth);
        *lock(&self.fake.halt) = Arc::clone(&halt);
        let ended = runtime.unwrap().block_on(async {
            let start = UNIX_EPOCH + Duration::from_millis(START_MS) + *lock(&self.now);
            let (began, time) = (Instant::now(), TokioClock::starting_at(start));
            let (world_rows, fake) = (Arc::clone(&self.rows), Arc::clone(&self.fake));
            let run = Run { world_rows, fake, halt: Arc::clone(&halt), time };
            let ended = tokio::select! {
                ended = body(run) => Some(ended),
                () = halt.reached.notified() => None,
            };
            *lock(&self.now) += began.elapsed();
            ended
        });
        (ended, halt.steps())
    }

    /// Time passes, and no process runs.
    pub fn pass(&self, time: Duration) {
        *lock(&self.now) += time;
    }

    pub fn row(&self) -> GrantRow {
        lock(&self.rows).store.grants[ID].clone()
    }

    /// The number of the refresh token that is kept.
    pub fn kept(&self) -> u32 {
        let row = self.row();
        number(&open(&Key::new(KEY), ID, row.epoch, &row.sealed_tokens).unwrap())
    }
}

impl Run {
    /// One process.
    pub fn process(&self) -> Grants {
        self.process_with(Arc::new(self.time))
    }

    /// One process whose time of day is `clock`.
    pub fn process_with(&self, clock: Arc<dyn Clock>) -> Grants {
        let store = Memory::open(&self.world_rows, &self.halt);
        self.process_on(store, clock)
    }

    pub fn process_on(&self, store: Arc<Memory>, clock: Arc<dyn Clock>) -> Grants {
        let fake = Arc::clone(&self.fake);
        let line = Line { fake, time: self.time, clock: Arc::clone(&clock) };
        Grants::new(store, ID, Key::new(KEY), Arc::new(line), clock, Arc::new(Unobserved))
    }

    pub fn row(&self) -> GrantRow {
        lock(&self.world_rows).store.grants[ID].clone()
    }

    pub fn requests(&self) -> u32 {
        self.fake.requests.load(Ordering::SeqCst)
    }
}

/// Tokens with this number in them.
fn tokens_of(number: u32) -> Tokens {
    let token = |name: &str| (name.to_owned(), Secret::new(format!("{name}-{number}")));
    [token("access-token"), token("refresh-token")].into()
}

/// The number in the refresh token.
fn number(tokens: &Tokens) -> u32 {
    numbered(tokens, "refresh-token")
}

/// The number in the access token.
pub fn access(current: &Current) -> u32 {
    numbered(&current.tokens, "access-token")
}

/// The number in the refresh token.
pub fn refresh(current: &Current) -> u32 {
    number(&current.tokens)
}

fn numbered(tokens: &Tokens, name: &str) -> u32 {
    let text = String::from_utf8(tokens[name].expose().to_vec()).unwrap();
    text.rsplit('-').next().unwrap().parse().unwrap()
}
