//! A customer connects by OAuth: sent to the provider and back, and the tokens kept, sealed and
//! renewed in time. After `make component`: `cargo run --example embed_oauth`

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use aftership_simulator::{Consent, OAuthClient, Options, Simulator};
use connector_runtime::contract::clock::SystemClock;
use connector_runtime::contract::records::ListRequest;
use connector_runtime::tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use connector_runtime::tokio::net::TcpStream;
use connector_runtime::{Connection, Runtime, RuntimeOptions, tokio};
use host_harness::connect::{Begun, ConnectFlow, ConnectRequest};
use host_harness::grants::Grants;
use host_harness::store::Sqlite;
use host_harness::vault::{Key, MasterKey, Secret, Vault};

const CALLBACK: &str = "https://platform.example/callback";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let state = std::env::temp_dir().join(format!("embed-oauth-{}.db", std::process::id()));
    run(&Runtime::new(&RuntimeOptions::default())?, &state, &mut std::io::stdout()).await
}

/// Connects a customer of a simulated app, and lists with the tokens that came.
pub async fn run(
    runtime: &Runtime,
    state: &Path,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut options = Options::default();
    options.oauth.clients = vec![OAuthClient::new("app-7", "an app's secret", CALLBACK)];
    options.oauth.consent = Consent::Allow;
    let simulator = Simulator::new(options);
    simulator.seed(1, 3);
    let server = simulator.listen().await?;

    let (store, clock) = (Sqlite::open(state, Arc::new(SystemClock))?, Arc::new(SystemClock));
    // A platform's master key comes from its key management.
    let vault = Vault::new(Arc::new(store), clock, MasterKey::from(Key::new([7; 32])));
    let url = server.url();
    let settings = [
        ("base-url", url.clone()),
        ("authorize-url", format!("{url}/oauth/authorize")),
        ("token-url", format!("{url}/oauth/token")),
        ("client-id", "app-7".to_owned()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    let row = vault.new_connection("customer 7", "aftership", "oauth2", settings.into())?;
    let flow = ConnectFlow { vault: vault.into() };

    let connector = runtime.load(Path::new("dist/aftership-connector.wasm")).await?;
    let secret = ("client-secret".to_owned(), Secret::new("an app's secret"));
    let mut builder = Connection::builder(&connector).id(&row.id).allow_private();
    builder = builder.setting("scheme", &row.scheme).secret(&secret.0, secret.1.clone());
    for (name, value) in &row.settings {
        builder = builder.setting(name, value);
    }
    let connection = builder.build().await?;
    let authority = connection.authority();

    let (secrets, callback_url) = ([secret].into(), CALLBACK.to_owned());
    let request = ConnectRequest { connection: row, secrets, callback_url, scopes: vec![] };
    let Begun::Redirect { url, state } = flow.begin(&authority, request).await? else {
        return Err("it needs no customer".into());
    };
    // `state` belongs into the session of the customer's browser, which goes to `url`.
    let query = browse(&url).await?;
    let row = flow.complete(&authority, &query, &state).await?;
    writeln!(out, "connected {}", row.name)?;

    let (store, key) = (Arc::clone(flow.vault.store()), flow.vault.key(&row)?);
    let grants = Grants::of(&connection, store, row.id, key);
    let connection = connection.with_tokens(Arc::new(grants));
    let page = connection.list(&ListRequest::all("trackings")).await?;
    writeln!(out, "listed {}", page.records.len())?;
    Ok(())
}

/// What a browser does whose customer consents: it comes back to the platform with this query.
async fn browse(url: &str) -> Result<String, Box<dyn Error>> {
    let address = url.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
    let (host, path) = address.ok_or("no http")?;
    let mut stream = TcpStream::connect(host).await?;
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (_, query) = answer.split_once(&format!("{CALLBACK}?")).ok_or("sent elsewhere")?;
    Ok(query.lines().next().unwrap_or_default().to_owned())
}
