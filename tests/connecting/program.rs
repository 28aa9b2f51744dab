//! `connect`, `check`, `disconnect` as a user has them; the test plays the browser.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aftership_simulator::{Consent, OAuthClient, Options, Simulator};

use super::world::{CLIENT_SECRET, fetch, location, settings};
use crate::support::{component, host_command};

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("connecting-program-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn host(state: &Path, arguments: &[&str]) -> Command {
    let mut command = host_command();
    command
        .env("CONNECTOR_COMPONENT", component())
        .env("CONNECTOR_STATE", state)
        .arg("--allow-private")
        .args(arguments);
    command
}

/// Exit code, stdout, stderr.
fn run(state: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = host(state, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn connected_checked_lost_and_disconnected() {
    let folder = Folder::new();
    let state = folder.0.join("state");
    let mut options = Options { limits: false, ..Options::default() };
    let redirect = "http://127.0.0.1/callback";
    options.oauth.clients = vec![OAuthClient::new("app-7", CLIENT_SECRET, redirect)];
    options.oauth.consent = Consent::Allow;
    let simulator = Simulator::new(options);
    let server = simulator.listen().await.unwrap();

    let settings = settings(&server.url());
    let given: Vec<String> =
        settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut connect = vec!["connect", "oauth2", "--print-url", "--secret-env", "client-secret=APP"];
    connect.extend(given.iter().flat_map(|one| ["--setting", one]));
    let mut command = host(&state, &connect);
    command.env("APP", CLIENT_SECRET).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let back = location(url.trim()).await;
    let (callback, path) = back.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let page = fetch(callback, &format!("/{path}")).await;
    assert!(page.contains("<h1>Connected</h1>"), "{page}");
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));

    let (code, out, err) = run(&state, &["check", "trackings"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("\"usable\""), "{out}");
    let (_, out, _) = run(&state, &["connections", "list"]);
    assert!(out.contains("\"state\":\"connected\""), "{out}");

    let other = simulator.grant("app-7", &[]);
    assert!(other.is_some());
    let (code, out, err) = run(&state, &["disconnect"]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{err}");
    assert_eq!(simulator.live_grants().len(), 1, "the grant was not given back");
    let (code, _, err) = run(&state, &["check", "trackings"]);
    assert_eq!(code, Some(2), "{err}");
}
