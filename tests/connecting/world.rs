//! A simulated app, and a connection to it that is made as a platform makes one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aftership_simulator::{Consent, OAuthClient, Options, Server, Simulator};
use host_harness::connect::{Begun, ConnectFlow, ConnectRequest};
use host_harness::egress::{Connect, Tcp};
use host_harness::grants::{self, Grants};
use host_harness::retry::Policy;
use host_harness::runtime::{Builder, Connection};
use host_harness::store::{ConnectionRow, GrantRow, Sqlite};
use host_harness::vault::{Key, MasterKey, Secret, Vault};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::process::Shifted;
use crate::support::{Watch, component, runtime};

pub const CLIENT_SECRET: &str = "canary-client-secret-0123456789";
/// The master key of a world's vault.
pub const MASTER: [u8; 32] = [3; 32];
const CALLBACK: &str = "https://platform.example/callback";

/// How many worlds there were.
static WORLDS: AtomicU32 = AtomicU32::new(0);

pub struct World {
    pub simulator: Simulator,
    _server: Server,
    pub desk: ConnectFlow,
    pub row: ConnectionRow,
    pub watch: Arc<Watch>,
    pub connection: Connection,
    pub clock: Arc<Shifted>,
    pub base: PathBuf,
}

impl World {
    /// A connected one.
    pub async fn new(change: impl FnOnce(&mut Options)) -> Self {
        Self::over(change, Arc::new(Tcp)).await
    }

    /// A connected one that reaches the network by `network`.
    pub async fn over(change: impl FnOnce(&mut Options), network: Arc<dyn Connect>) -> Self {
        let mut options = Options { limits: false, ..Options::default() };
        options.oauth.clients = vec![OAuthClient::new("app-7", CLIENT_SECRET, CALLBACK)];
        options.oauth.consent = Consent::Allow;
        change(&mut options);
        let simulator = Simulator::new(options);
        let server = simulator.listen().await.unwrap();
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let base = std::env::temp_dir().join(format!("connecting-{}-{number}", std::process::id()));
        std::fs::create_dir(&base).unwrap();
        let clock = Shifted::by(0);
        let store = Arc::new(Sqlite::open(&base.join("state.db"), clock.clone()).unwrap());
        let desk = ConnectFlow {
            vault: Arc::new(Vault::new(store, clock.clone(), MasterKey::from(Key::new(MASTER)))),
        };
        let settings = settings(&server.url());
        let row = desk.vault.new_connection("shop", "aftership", "oauth2", settings).unwrap();
        let watch = Arc::<Watch>::default();
        let connector = runtime().load(&component()).await.unwrap();
        let builder = Connection::builder(&connector).allow_private().observer(watch.clone());
        let builder = builder.clock(clock.clone()).network(network);
        let connection = with(builder, &row);
        let connection = connection.secret("client-secret", Secret::new(CLIENT_SECRET));
        let connection = connection.build().await.unwrap();
        let key = desk.vault.key(&row).unwrap();
        let grants = Grants::of(&connection, Arc::clone(desk.vault.store()), &row.id, key);
        let connection = connection.with_tokens(Arc::new(grants));
        let connection = connection.with_policy(Policy::default().seed(7));
        let world = Self { simulator, _server: server, desk, row, watch, connection, clock, base };
        world.connect().await;
        world
    }

    /// Goes to the provider and back, as a browser does. Answers the query that came back.
    pub async fn connect(&self) -> String {
        let authority = self.connection.authority();
        let secrets = [("client-secret".to_owned(), Secret::new(CLIENT_SECRET))].into();
        let (connection, callback_url) = (self.row.clone(), CALLBACK.to_owned());
        let whom = ConnectRequest { connection, secrets, callback_url, scopes: vec![] };
        let begun = self.desk.begin(&authority, whom).await.unwrap();
        let Begun::Redirect { url, state } = begun else { panic!("no redirect") };
        let location = location(&url).await;
        let query = location.split_once('?').unwrap().1.to_owned();
        self.desk.complete(&authority, &query, &state).await.unwrap();
        query
    }

    pub async fn grant(&self) -> GrantRow {
        self.desk.vault.store().grant(&self.row.id).await.unwrap().unwrap()
    }

    /// A token as it is kept.
    pub async fn token(&self, name: &str) -> String {
        let grant = self.grant().await;
        let key = self.desk.vault.key(&self.row).unwrap();
        let tokens = grants::open(&key, &self.row.id, grant.epoch, &grant.sealed_tokens).unwrap();
        String::from_utf8(tokens[name].expose().to_vec()).unwrap()
    }

    /// What the database's files hold.
    pub fn files(&self) -> Vec<u8> {
        let files = self.base.read_dir().unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.base);
    }
}

/// Where a request for `url` is sent on to.
pub async fn location(url: &str) -> String {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let answer = fetch(host, &format!("/{path}")).await;
    let head = answer.split("\r\n\r\n").next().unwrap();
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("location:"));
    let line = line.unwrap_or_else(|| panic!("{answer}"));
    line.split_once(':').unwrap().1.trim().to_owned()
}

/// The answer to a GET, head and body.
pub async fn fetch(host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

pub fn settings(url: &str) -> BTreeMap<String, String> {
    let pairs = [
        ("base-url", url.to_owned()),
        ("authorize-url", format!("{url}/oauth/authorize")),
        ("token-url", format!("{url}/oauth/token")),
        ("revocation-url", format!("{url}/oauth/revoke")),
        ("client-id", "app-7".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

pub fn with(builder: Builder, row: &ConnectionRow) -> Builder {
    let builder = builder.setting("scheme", &row.scheme);
    row.settings.iter().fold(builder, |builder, (name, value)| builder.setting(name, value))
}
