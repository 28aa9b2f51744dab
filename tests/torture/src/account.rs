//! A customer's account at the provider, and the connection to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use aftership_simulator::{
    Fault, FaultPlan, IndexLag, OAuthClient, Options, Rotation, Scope, Simulator, TokioClock,
    Webhook, WebhookFaultPlan,
};
use fastrand::Rng;
use host_harness::contract::auth::Learned;
use host_harness::grants;
use host_harness::store::{Change, ConnectionRow, GrantRow, GrantState};
use host_harness::vault::{Key, Secret, Vault};
use serde_json::{Value, json};

use crate::network::CANARY;
use crate::plan::{CALM, Plan, START_MS};
use crate::state::State;

/// The master key of all hosts.
pub const MASTER: [u8; 32] = [3; 32];
const SECRET: &str = "client-secret";

/// What requests may meet. Answers of megabytes are left out: they cost more time than they teach.
const FAULTS: [Fault; 21] = [
    Fault::ServerError,
    Fault::BadGateway,
    Fault::Unavailable,
    Fault::UnavailableFor,
    Fault::GatewayTimeout,
    Fault::RequestTimeout,
    Fault::TooMany,
    Fault::TooManySilent,
    Fault::TooManyPast,
    Fault::TooManyDoubled,
    Fault::Latency,
    Fault::Reset,
    Fault::Hang,
    Fault::Truncated,
    Fault::LengthTooLong,
    Fault::LengthTooShort,
    Fault::ContentType,
    Fault::BadUtf8,
    Fault::RepeatedPage,
    Fault::EmptyPage,
    Fault::WrongTotal,
];

/// An account.
pub struct Account {
    pub number: usize,
    pub simulator: Simulator,
    pub row: ConnectionRow,
    /// The end of the path to which its deliveries go, if it sends any.
    pub hook: Option<String>,
    /// It lives on a grant.
    pub oauth: bool,
    pub pushes: Vec<Push>,
    pub facts: Mutex<Facts>,
}

/// What is known of it from outside.
#[derive(Default)]
pub struct Facts {
    /// Removed trackings by id.
    pub removed: BTreeMap<String, Removed>,
    /// When each tracking was changed last by somebody else than the hosts, by id.
    pub changed: BTreeMap<String, Changed>,
    /// Trackings that lists do not show, by id.
    pub hidden: BTreeSet<String>,
    pub changes: u64,
}

/// A tracking that was removed.
#[derive(Clone)]
pub struct Removed {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    pub tracking_number: String,
}

/// The last change of a tracking.
#[derive(Clone, Copy)]
pub struct Changed {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// A delivery tells it.
    pub told: bool,
}

/// Records that are to be written.
pub struct Push {
    pub at: Duration,
    pub wishes: Vec<Value>,
    /// The run that the state has of it.
    pub run: OnceLock<String>,
    /// When all of it was done.
    pub ended: OnceLock<Duration>,
}

impl Account {
    /// Account `number` of a day, with a connection that is kept in `state`.
    pub async fn new(number: usize, plan: &Plan, clock: TokioClock, state: &State) -> Self {
        let seed = plan.seed.wrapping_mul(1_000) + number as u64;
        let mut random = Rng::with_seed(seed);
        let oauth = number % 4 == 1;
        let simulator = Simulator::new(options(number, seed, plan, clock, &mut random));
        simulator.seed(seed, if is_hot(number) { 40 } else { random.usize(4..9) });
        let row = connection(number, oauth);
        let vault = vault(state);
        state.store.commit(vec![Change::PutConnection(row.clone())]).await.unwrap();
        let secret = |name: &'static str, value: String| {
            let (vault, row) = (&vault, &row);
            async move {
                let value = Secret::new(value.as_str());
                vault.put(row, name, &value, Duration::ZERO).await.unwrap();
            }
        };
        if oauth {
            secret(SECRET, format!("{CANARY}{number:02}-client-secret")).await;
            grant(&simulator, &row, &vault, state).await;
        } else {
            secret("api-key", key(number)).await;
        }
        let hook = (number % 10 < 7).then(|| format!("{number:032x}"));
        if let Some(token) = &hook {
            let signing = format!("{CANARY}{number:02}-webhook-secret");
            secret("webhook-secret", signing.clone()).await;
            state.inbox.make_hook(&row.id, token).await.unwrap();
            let url = format!("http://hooks.fleet/hooks/{token}");
            simulator.add_webhook(Webhook::new(&url, &signing)).unwrap();
        }
        let pushes = if number % 5 < 2 { pushes(number, &mut random) } else { vec![] };
        Self { number, simulator, row, hook, oauth, pushes, facts: Mutex::default() }
    }

    /// Part of all requests that go wrong from now on.
    pub fn set_faults(&self, plan: &Plan, rate: f64) {
        let seed = plan.seed.wrapping_mul(1_000) + self.number as u64;
        self.simulator.configure(|options| {
            options.faults = Some(FaultPlan { seed, rate, menu: FAULTS.to_vec() });
        });
    }

    /// Whether it has many records.
    pub fn is_hot(&self) -> bool {
        is_hot(self.number)
    }
}

fn is_hot(number: usize) -> bool {
    number == 0
}

/// The vault of a host.
pub fn vault(state: &State) -> Arc<Vault> {
    let clock = Arc::new(host_harness::clock::SystemClock);
    Arc::new(Vault::new(Arc::clone(&state.store), clock, Key::new(MASTER).into()))
}

fn key(number: usize) -> String {
    format!("{CANARY}{number:02}-api-key")
}

/// The key of another program of the same customer.
pub fn rival_key(number: usize) -> String {
    format!("rival-{number:02}")
}

fn options(number: usize, seed: u64, plan: &Plan, clock: TokioClock, random: &mut Rng) -> Options {
    let mut options = Options {
        api_keys: vec![key(number), rival_key(number)],
        clock: Arc::new(clock),
        seed,
        journal_capacity: None,
        ..Options::default()
    };
    if plan.lag_ms > 0 {
        options.index_lag = IndexLag::Random { seed, most_ms: plan.lag_ms };
    }
    options.shuffle = random.bool().then_some(seed);
    if plan.faults > 0.0 {
        options.faults = Some(FaultPlan { seed, rate: plan.faults, menu: FAULTS.to_vec() });
        options.webhooks.faults = Some(WebhookFaultPlan::new(seed, plan.faults));
    }
    let secret = format!("{CANARY}{number:02}-client-secret");
    let client = OAuthClient::new("app", &secret, "https://app.example/done");
    options.oauth.clients = vec![client];
    options.oauth.rotation = Rotation::Rotate { grace_seconds: plan.grace_s };
    options
}

/// The connection to an account. Its id and key come from the seed, as everything does.
fn connection(number: usize, oauth: bool) -> ConnectionRow {
    let id = format!("c{number:02}");
    let own = Key::new([u8::try_from(number).unwrap(); 32]);
    let sealed_key = own.sealed_under(&Key::new(MASTER), &id).unwrap();
    let url = format!("http://a{number:02}.simulated");
    let mut settings = BTreeMap::from([("base-url".to_owned(), url.clone())]);
    if oauth {
        settings.insert("authorize-url".to_owned(), format!("{url}/oauth/authorize"));
        settings.insert("token-url".to_owned(), format!("{url}/oauth/token"));
        settings.insert("revocation-url".to_owned(), format!("{url}/oauth/revoke"));
        settings.insert("client-id".to_owned(), "app".to_owned());
    }
    let scheme = if oauth { "oauth2" } else { "api-key" };
    ConnectionRow {
        name: id.clone(),
        id,
        connector: "aftership".to_owned(),
        scheme: scheme.to_owned(),
        settings,
        sealed_key,
        made_ms: START_MS,
    }
}

async fn grant(simulator: &Simulator, row: &ConnectionRow, vault: &Vault, state: &State) {
    let given = simulator.grant("app", &Scope::ALL).unwrap();
    let tokens = [
        ("access-token".to_owned(), Secret::new(given.access_token.as_str())),
        ("refresh-token".to_owned(), Secret::new(given.refresh_token.unwrap().as_str())),
    ];
    let key = vault.key(row).unwrap();
    let sealed_tokens = grants::seal(&key, &row.id, 1, &tokens.into()).unwrap();
    let grant = GrantRow {
        connection: row.id.clone(),
        epoch: 1,
        state: GrantState::Valid,
        sends: 0,
        lease: None,
        sealed_tokens,
        received_ms: START_MS,
        expires_ms: Some(START_MS + given.expires_in * 1_000),
        scopes: vec![],
        learned: Learned::default(),
        retry_ms: None,
        failures: 0,
        previous: None,
    };
    state.store.commit(vec![Change::PutGrant(grant)]).await.unwrap();
}

/// New trackings, and other titles for some of them, later in the same run or in another one. Runs
/// may be under way at the same time.
fn pushes(number: usize, random: &mut Rng) -> Vec<Push> {
    let count = random.usize(2..4);
    let latest = CALM.as_secs() - 7_200;
    let mut times: Vec<u64> = (0..count).map(|_| random.u64(600..latest)).collect();
    times.sort_unstable();
    if random.bool() {
        times[1] = times[0] + random.u64(0..20);
    }
    let mut push = |(run, at): (usize, u64)| {
        let wish = |item: usize, version: usize| {
            let number = format!("PUSH{number:02}{item:04}");
            let title = format!("run {run} version {version}");
            json!({ "tracking_number": number, "slug": "dhl", "title": title })
        };
        let count = random.usize(1..4);
        let mut wishes: Vec<Value> = (0..count).map(|item| wish(item, 0)).collect();
        wishes.extend((0..random.usize(0..=count)).map(|item| wish(item, 1)));
        Push { at: Duration::from_secs(at), wishes, run: OnceLock::new(), ended: OnceLock::new() }
    };
    times.into_iter().enumerate().map(&mut push).collect()
}
