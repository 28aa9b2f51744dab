//! A simulated account, and what happens there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aftership_simulator::{
    Dialer, OAuthClient, Options, Rotation, Scope, Server, Simulator, Webhook,
};
use connector_state::conformance::State;
use fastrand::Rng;
use host_harness::clock::SystemClock;
use host_harness::contract::auth::Learned;
use host_harness::grants;
use host_harness::store::{Change, ConnectionRow, GrantRow, GrantState};
use host_harness::vault::{Key, Secret, Vault};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::judge::is_pushed;
use crate::{World, lock};

/// The master key of all hosts.
pub const MASTER: [u8; 32] = [7; 32];
const TAGS: [&str; 4] = ["InTransit", "OutForDelivery", "AttemptFail", "Delivered"];
/// Access tokens end so soon, so that grants are renewed often.
const EXPIRES_S: u64 = 20;

/// An account with a connection to it.
pub struct Account {
    /// Which.
    pub number: usize,
    /// The provider of this account.
    pub simulator: Simulator,
    /// The connection.
    pub row: ConnectionRow,
    /// It lives on a grant.
    pub oauth: bool,
    /// Ids of removed trackings.
    pub removed: Mutex<BTreeSet<String>>,
    /// How often it was changed.
    pub changes: AtomicUsize,
    /// Trackings that were pushed to the end.
    pub pushed: AtomicUsize,
    _server: Server,
}

impl Account {
    /// Account `number`, kept as a connection in `state`, with a webhook.
    pub async fn new(number: usize, seed: u64, state: &Arc<dyn State>) -> Self {
        let oauth = number % 4 == 1;
        let seed = seed.wrapping_mul(1_000) + number as u64;
        let key = format!("key-of-account-{number:03}");
        let mut options = Options { api_keys: vec![key.clone()], seed, ..Options::default() };
        options.journal_capacity = None;
        options.oauth.clients = vec![OAuthClient::new("app", "app-secret", "https://app.example/")];
        options.oauth.rotation = Rotation::Rotate { grace_seconds: 60 };
        options.oauth.access_token_seconds = EXPIRES_S;
        let simulator = Simulator::new(options);
        simulator.seed(seed, 6);
        let server = simulator.listen().await.unwrap();
        let row = connection(number, oauth, &server.url());
        let signing = format!("webhook-secret-of-{number:03}");
        let mut secrets = vec![("webhook-secret", signing.as_str())];
        secrets.push(if oauth { ("client-secret", "app-secret") } else { ("api-key", &key) });
        let vault = keep(&row, &secrets, state).await;
        if oauth {
            grant(&simulator, &row, &vault, state).await;
        }
        let token = format!("{number:032x}");
        state.make_hook(&row.id, &token).await.unwrap();
        let url = format!("http://127.0.0.1:9/hooks/{token}");
        simulator.add_webhook(Webhook::new(&url, &signing)).unwrap();
        let (removed, changes, pushed) =
            (Mutex::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        Self { number, simulator, row, oauth, removed, changes, pushed, _server: server }
    }

    /// Sends its deliveries to whichever host is there, as a balancer would.
    pub async fn deliver(world: Arc<World>, number: usize) {
        let addresses = world.fleet.addresses();
        let turn = Arc::new(AtomicUsize::new(number));
        let dialer = Dialer::new(move |_| {
            let (addresses, turn) = (addresses.clone(), Arc::clone(&turn));
            async move {
                let mut refused = None;
                for _ in 0..addresses.len() {
                    let next = turn.fetch_add(1, Ordering::Relaxed) % addresses.len();
                    match TcpStream::connect(addresses[next]).await {
                        Ok(stream) => return Ok(stream),
                        Err(why) => refused = Some(why),
                    }
                }
                Err(refused.unwrap_or_else(|| std::io::ErrorKind::ConnectionRefused.into()))
            }
        });
        world.accounts[number].simulator.send_webhooks(dialer).await;
    }

    /// Changes it until the calm begins.
    pub async fn change(world: Arc<World>, number: usize) {
        let account = &world.accounts[number];
        let mut random = Rng::with_seed(world.options.seed.wrapping_mul(7_919) ^ number as u64);
        while !world.calm.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(random.u64(500..4_000))).await;
            account.change_once(&mut random);
        }
    }

    /// One change.
    pub fn change_once(&self, random: &mut Rng) {
        let count = self.changes.fetch_add(1, Ordering::SeqCst);
        let ids = self.simulator.ids();
        let Some(id) = random.choice(&ids) else { return };
        match random.u8(0..10) {
            0..6 => {
                let tag = random.choice(TAGS).unwrap();
                self.simulator.scan(id, tag, &format!("scan {count}")).unwrap();
            }
            6..8 => {
                self.simulator.update(id, &format!("{{\"note\":\"note {count}\"}}")).unwrap();
            }
            8 => self.insert(random, count),
            // Those that are pushed are left to their pushes.
            _ if ids.len() > 4 && !self.is_pushed(id) => {
                lock(&self.removed).insert(id.clone());
                self.simulator.remove(id);
            }
            _ => {}
        }
    }

    fn is_pushed(&self, id: &str) -> bool {
        self.simulator.tracking(id).is_some_and(|text| is_pushed(&text))
    }

    fn insert(&self, random: &mut Rng, count: usize) {
        let like = self.simulator.trackings().into_iter().find(|text| !is_pushed(text));
        let Some(like) = like else { return };
        let mut tracking: serde_json::Value = serde_json::from_str(&like).unwrap();
        let at = format_time(self.simulator.now_ms());
        let id = format!("{:032x}", random.u128(..));
        for (name, value) in [
            ("id", id.clone()),
            ("legacy_id", id),
            ("tracking_number", format!("NEW{:03}{count:06}", self.number)),
            ("created_at", at.clone()),
            ("updated_at", at),
        ] {
            tracking[name] = value.into();
        }
        tracking["checkpoints"] = serde_json::json!([]);
        self.simulator.insert(&tracking.to_string()).unwrap();
    }

    /// The time a day ago, as the provider writes it.
    pub fn day_ago(&self) -> String {
        format_time(self.simulator.now_ms() - 86_400_000)
    }

    /// Its trackings as they are, by id.
    pub fn truth(&self) -> BTreeMap<String, String> {
        let id = |text: &str| {
            let tracking: serde_json::Value = serde_json::from_str(text).unwrap();
            tracking["id"].as_str().unwrap().to_owned()
        };
        self.simulator.trackings().into_iter().map(|text| (id(&text), text)).collect()
    }
}

/// As the provider writes a time.
fn format_time(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1_000).unwrap();
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
    time.format(&Rfc3339).unwrap().replace('Z', "+00:00")
}

/// Keeps a connection with its secrets; answers the vault that they are in.
pub async fn keep(row: &ConnectionRow, secrets: &[(&str, &str)], state: &Arc<dyn State>) -> Vault {
    state.commit(vec![Change::PutConnection(row.clone())]).await.unwrap();
    let vault = Vault::new(Arc::clone(state) as _, Arc::new(SystemClock), Key::new(MASTER).into());
    for (name, value) in secrets {
        vault.put(row, name, &Secret::new(*value), Duration::ZERO).await.unwrap();
    }
    vault
}

/// Connection `number`, to the provider at `url`, with a grant or with a key.
pub fn connection(number: usize, oauth: bool, url: &str) -> ConnectionRow {
    let id = format!("c{number:03}");
    let own = Key::new([u8::try_from(number % 251).unwrap(); 32]);
    let sealed_key = own.sealed_under(&Key::new(MASTER), &id).unwrap();
    let mut settings = BTreeMap::from([("base-url".to_owned(), url.to_owned())]);
    if oauth {
        for (name, path) in
            [("authorize-url", "authorize"), ("token-url", "token"), ("revocation-url", "revoke")]
        {
            settings.insert(name.to_owned(), format!("{url}/oauth/{path}"));
        }
        settings.insert("client-id".to_owned(), "app".to_owned());
    }
    ConnectionRow {
        name: id.clone(),
        id,
        connector: "aftership".to_owned(),
        scheme: if oauth { "oauth2" } else { "api-key" }.to_owned(),
        settings,
        sealed_key,
        made_ms: 0,
    }
}

async fn grant(simulator: &Simulator, row: &ConnectionRow, vault: &Vault, state: &Arc<dyn State>) {
    let given = simulator.grant("app", &Scope::ALL).unwrap();
    let tokens = [
        ("access-token".to_owned(), Secret::new(given.access_token.as_str())),
        ("refresh-token".to_owned(), Secret::new(given.refresh_token.unwrap().as_str())),
    ];
    let key = vault.key(row).unwrap();
    let now_ms = simulator.now_ms();
    let grant = GrantRow {
        connection: row.id.clone(),
        epoch: 1,
        state: GrantState::Valid,
        sends: 0,
        lease: None,
        sealed_tokens: grants::seal(&key, &row.id, 1, &tokens.into()).unwrap(),
        received_ms: now_ms,
        expires_ms: Some(now_ms + given.expires_in * 1_000),
        scopes: vec![],
        learned: Learned::default(),
        retry_ms: None,
        failures: 0,
        previous: None,
    };
    state.commit(vec![Change::PutGrant(grant)]).await.unwrap();
}
