//! `connect`, `check`, `disconnect` as a user has them; the test plays the browser.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aftership_simulator::{
    Answer, Consent, Matcher, OAuthClient, Options, Server, Simulator, TokenAnswer,
};
use host_harness::clock::SystemClock;
use host_harness::store::{Sqlite, Store as _};

use super::world::{CLIENT_SECRET, fetch, location, settings};
use crate::api::connect::Browser;
use crate::support::listener::Listener;
use crate::support::world::TRACKINGS;
use crate::support::{component, host_command};

/// A directory for state, the program that keeps a connection there, and who it connects to.
pub struct Desk {
    folder: PathBuf,
    pub simulator: Simulator,
    pub server: Server,
}

/// The program, which waits for a browser.
pub struct Waiting {
    child: Child,
    /// Where the browser is to go.
    pub url: String,
}

impl Desk {
    pub async fn new(consent: Consent) -> Self {
        Self::with(consent, "http://127.0.0.1/callback").await
    }

    /// Of an app with this redirect URL.
    pub async fn with(consent: Consent, redirect: &str) -> Self {
        static DESKS: AtomicU32 = AtomicU32::new(0);
        let number = DESKS.fetch_add(1, Ordering::Relaxed);
        let name = format!("connecting-program-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let mut options = Options { limits: false, ..Options::default() };
        options.oauth.clients = vec![OAuthClient::new("app-7", CLIENT_SECRET, redirect)];
        options.oauth.consent = consent;
        let simulator = Simulator::new(options);
        let server = simulator.listen().await.unwrap();
        Self { folder, simulator, server }
    }

    /// Of a file or directory beside the state.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn host(&self, arguments: &[&str]) -> Command {
        let mut command = host_command();
        command
            .env("CONNECTOR_COMPONENT", component())
            .env("CONNECTOR_STATE", self.path("state"))
            .env("APP", CLIENT_SECRET)
            .arg("--allow-private")
            .args(arguments);
        command
    }

    /// Exit code, stdout, stderr.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        told(self.host(arguments).output().unwrap())
    }

    /// `connect`, up to where a browser is waited for.
    pub fn connect(&self, name: &str) -> Waiting {
        self.connect_with(name, &settings(&self.server.url()), &[])
    }

    /// As [`Desk::connect`], with these settings and further arguments.
    pub fn connect_with(
        &self,
        name: &str,
        settings: &BTreeMap<String, String>,
        further: &[&str],
    ) -> Waiting {
        let given: Vec<String> =
            settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut connect = vec!["connect", "oauth2", "--print-url", "--connection", name];
        connect.extend(["--secret-env", "client-secret=APP"]);
        connect.extend(given.iter().flat_map(|one| ["--setting", one]));
        connect.extend(further);
        let mut command = self.host(&connect);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Waiting { child, url: url.trim().to_owned() }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Waiting {
    /// How the program ended: exit code, stdout, stderr.
    pub fn ended(mut self) -> (Option<i32>, String, String) {
        let mut err = String::new();
        if let Some(mut from) = self.child.stderr.take() {
            std::io::Read::read_to_string(&mut from, &mut err).unwrap();
        }
        (self.child.wait().unwrap().code(), String::new(), err)
    }

    /// Whether it still waits.
    pub fn waits(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

/// A test that fails leaves nobody waiting.
impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn told(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Goes to a callback as a browser does, and answers the page with its head.
pub async fn visit(callback: &str) -> String {
    let (host, path) = callback.strip_prefix("http://").unwrap().split_once('/').unwrap();
    fetch(host, &format!("/{path}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn connected_checked_lost_and_disconnected() {
    let desk = Desk::new(Consent::Allow).await;
    let waiting = desk.connect("default");
    let page = visit(&location(&waiting.url).await).await;
    assert!(page.contains("<h1>Connected</h1>"), "{page}");
    let (code, _, err) = waiting.ended();
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("connected: default, by oauth2; kept, sealed, in "), "{err}");

    let (code, out, err) = desk.run(&["check", "trackings"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("\"usable\""), "{out}");
    let (_, out, _) = desk.run(&["connections", "list"]);
    assert!(out.contains("\"state\":\"connected\""), "{out}");

    let other = desk.simulator.grant("app-7", &[]);
    assert!(other.is_some());
    let (code, out, err) = desk.run(&["disconnect"]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{err}");
    assert_eq!(desk.simulator.live_grants().len(), 1, "the grant was not given back");
    let (code, _, err) = desk.run(&["check", "trackings"]);
    assert_eq!(code, Some(2), "{err}");
}

/// An answer that somebody else made, or that has served already, connects nobody, and the one
/// that is waited for still does.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_serves_once_and_for_its_own_question() {
    let desk = Desk::new(Consent::Allow).await;
    let first = desk.connect("first");
    let used = location(&first.url).await;
    assert!(visit(&used).await.contains("<h1>Connected</h1>"));
    assert_eq!(first.ended().0, Some(0));

    let mut second = desk.connect("second");
    let own = location(&second.url).await;
    let (callback, query) = own.split_once('?').unwrap();
    let (_, used) = used.split_once('?').unwrap();
    let state = query.split('&').find(|pair| pair.starts_with("state=")).unwrap();
    let forged = query.replace(state, "state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let stateless = query.replace(state, "x=1");
    for strange in [used, &forged, &stateless] {
        let page = visit(&format!("{callback}?{strange}")).await;
        assert!(page.starts_with("HTTP/1.1 400 ") && page.contains("Not connected"), "{page}");
        assert!(second.waits());
    }
    assert_eq!(desk.simulator.token_requests().authorization_code, 1, "nothing was sent for it");
    assert!(visit(&format!("{callback}?error=server_error")).await.starts_with("HTTP/1.1 400 "));
    assert!(visit(&own).await.contains("<h1>Connected</h1>"));
    let (code, _, err) = second.ended();
    assert_eq!(code, Some(0));
    // Who waits at the terminal sees what the browser saw.
    let refusals = err.matches("a browser came back and was refused: the callback").count();
    assert_eq!(refusals, 4, "{err}");
    assert!(err.contains("still waiting") && err.contains("says \"server_error\""), "{err}");
    assert_eq!(desk.simulator.live_grants().len(), 2);
}

/// Its answer holds the only new tokens: without it, the customer would have to connect again.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_under_way_outlives_the_signal_that_ends_the_program() {
    for signal in ["-TERM", "-INT"] {
        let desk = Desk::new(Consent::Allow).await;
        let waiting = desk.connect("default");
        visit(&location(&waiting.url).await).await;
        assert_eq!(waiting.ended().0, Some(0));
        let expired = Answer::new(401, r#"{"meta":{"code":401,"type":"Unauthorized"},"data":{}}"#);
        let expired = expired.header("content-type", "application/json");
        desk.simulator.answer_next(Matcher::new("GET", TRACKINGS), expired);
        let late = Answer::real().delayed(Duration::from_millis(500));
        desk.simulator.answer_next(Matcher::new("POST", "/oauth/token"), late);

        let mut list = desk.host(&["list", "trackings"]).spawn().unwrap();
        while desk.simulator.token_requests().refresh_token == 0 {
            tokio::task::yield_now().await;
        }
        let id = list.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(list.wait().unwrap().code(), Some(130), "{signal}");
        let store = Sqlite::open(&desk.path("state/state.db"), Arc::new(SystemClock)).unwrap();
        let row = store.connection("default").await.unwrap().unwrap();
        let grant = store.grant(&row.id).await.unwrap().unwrap();
        assert_eq!(grant.epoch, 2, "{signal}: the new tokens are not kept");
        drop(store);
        let (code, _, err) = desk.run(&["list", "trackings"]);
        assert_eq!(code, Some(0), "{signal}: {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_provider_ends_the_wait_at_once() {
    let desk = Desk::new(Consent::Allow).await;
    let waiting = desk.connect("default");
    let own = location(&waiting.url).await;
    let (callback, query) = own.split_once('?').unwrap();
    let state = query.split('&').find(|pair| pair.starts_with("state=")).unwrap();
    let page = visit(&format!("{callback}?error=server_error&{state}")).await;
    assert!(page.contains("Not connected"), "{page}");
    let (code, _, err) = waiting.ended();
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("AfterShip says server_error") && err.contains("own fault"), "{err}");
    assert!(!err.contains("credentials"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_token_connects_nobody() {
    let desk = Desk::new(Consent::Allow).await;
    desk.simulator.configure(|options| options.oauth.token_answer = TokenAnswer::NullToken);
    let waiting = desk.connect("default");
    assert!(visit(&location(&waiting.url).await).await.contains("Not connected"));
    let (code, _, err) = waiting.ended();
    assert!(code == Some(1) && err.contains("the answer holds no access token"), "{err}");
    assert_eq!(desk.run(&["check", "trackings"]).0, Some(2));
}

/// With an address as its redirect URL that a host of the same state serves: the command waits for the link's use.
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_a_host_serves_connects_too() {
    let desk = Desk::with(Consent::Allow, "https://connect.example/connect/callback").await;
    let given = settings(&desk.server.url());
    let wrong = ["connect", "oauth2", "--callback-url", "https://connect.example/callback"];
    let (code, _, err) = desk.run(&wrong);
    assert!(code == Some(2) && err.contains("does not end in /connect/callback"), "{err}");
    let callback = "https://connect.example/connect/callback";
    let waiting = desk.connect_with("default", &given, &["--callback-url", callback]);
    let path = waiting.url.strip_prefix("https://connect.example").unwrap();
    let serve = ["serve", "--address", "127.0.0.1:0", "--public-url", "https://connect.example"];
    let listener = Listener::start(&mut desk.host(&serve));
    let mut browser = Browser::default();
    let page = browser.get(&listener.authority, path).await;
    let sent = browser.submit(&listener.authority, path, &page, &[]).await;
    let back = location(sent.header("location")).await;
    let back = back.strip_prefix("https://connect.example").unwrap();
    let done = browser.get(&listener.authority, back).await;
    assert!(done.body.contains("<h1>Connected</h1>"), "{done:?}");
    let (code, _, err) = waiting.ended();
    assert!(code == Some(0) && err.contains("connected: default, by oauth2"), "{err}");
    assert_eq!(desk.run(&["check", "trackings"]).0, Some(0));
    // Before it was connected, nothing was read of it.
    let (_, said) = listener.end("-TERM");
    assert!(!said.contains("error: default"), "{said}");
}
