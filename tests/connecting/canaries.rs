//! Secrets of every kind, searched for everywhere: each is found on the wire to its own origin, and
//! in the vault sealed.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use aftership_simulator::{Consent, SignedKey};
use host_harness::egress::{Connect, Pending, Stream, Tcp};

use super::program::{Desk, visit};
use super::signing::RSA_KEY;
use super::tap::Tap;
use super::world::{CLIENT_SECRET, World, location, settings};
use crate::cli::recorded;
use crate::secrets::canary::{base64, hex, percent};
use crate::secrets::memory::{guest_memory, holds};
use crate::support::world::list;

/// A kind of secret, and its value.
type Canary = (&'static str, String);

const API_KEY: &str = "asat_canary/of+a signed=key~0123";
const API_SECRET: &str = "canary of <hmac> \"secret\" & more %41";
const WEBHOOK_SECRET: &str = "canary-webhook-secret/0123456789+";

/// How it may be written.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let base64 = base64(bytes);
    let base64 = base64.trim_end_matches('=').to_owned();
    let json = serde_json::to_string(secret).unwrap().trim_matches('"').to_owned();
    let url = base64.replace('+', "-").replace('/', "_");
    let percent = percent(bytes);
    let plus = percent.replace("%20", "+");
    vec![secret.to_owned(), hex(bytes), hex(bytes).to_uppercase(), base64, url, json, percent, plus]
}

fn found<'a>(canaries: &'a [Canary], place: &[u8]) -> Vec<&'a str> {
    let is_in = |form: &String| place.windows(form.len()).any(|piece| piece == form.as_bytes());
    let those = canaries.iter().filter(|(_, secret)| forms(secret).iter().any(is_in));
    those.map(|(kind, _)| *kind).collect()
}

/// The values that follow `before`, up to `end`.
fn values(text: &[u8], before: &str, end: char) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let rests = text.split(before).skip(1);
    rests.filter_map(|rest| rest.split(end).next().map(str::to_owned)).collect()
}

/// Every file of the state but the master key's.
fn files(state: &Path) -> Vec<u8> {
    let files = state.read_dir().unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.file_name().is_none_or(|name| name != "master.key"));
    files.flat_map(|path| std::fs::read(path).unwrap()).collect()
}

/// What was recorded at `desk`.
fn unsealed(desk: &Desk) -> String {
    recorded::unsealed(&desk.path("recorded"), &desk.path("state/master.key"))
}

/// What a program says goes here, as loud as it can be.
#[derive(Default)]
struct Said(Vec<u8>);

impl Said {
    fn run(&mut self, desk: &Desk, code: i32, arguments: &[&str]) {
        let arguments = [&["--trace", "--verbose"], arguments].concat();
        let mut command = desk.host(&arguments);
        command.env("API_KEY", API_KEY).env("API_SECRET", API_SECRET);
        command.arg("--record").arg(desk.path("recorded"));
        let output = command.env("WEBHOOK", WEBHOOK_SECRET).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        self.0.extend(output.stdout.into_iter().chain(output.stderr));
    }
}

/// A grant from its beginning over a renewal to its end, with the authorization server on an
/// origin of its own.
#[tokio::test(flavor = "multi_thread")]
async fn each_secret_of_a_grant_goes_to_its_own_origin_only() {
    let desk = Desk::new(Consent::Allow).await;
    let (api, own) = (Tap::before(&desk.server.url()).await, Tap::before(&desk.server.url()).await);
    let mut settings = settings(&own.url());
    settings.insert("base-url".to_owned(), api.url());
    let recorded = desk.path("recorded").display().to_string();
    let loud = ["--trace", "--verbose", "--record", &recorded];
    let waiting = desk.connect_with("default", &settings, &loud);
    let back = location(&waiting.url).await;
    let mut said = Said::default();
    let page = visit(&back).await;
    let (code, _, err) = waiting.ended();
    assert_eq!(code, Some(0), "{err}");
    said.0.extend(err.into_bytes());
    let tokens = |kind: &str| values(&own.answers(), &format!("\"{kind}\":\""), '"');
    said.run(&desk, 0, &["check", "trackings"]);
    assert!(desk.simulator.expire_token(&tokens("access_token")[0]));
    said.run(&desk, 0, &["list", "trackings"]);
    said.run(&desk, 1, &["get", "trackings", "nothing"]);
    said.run(&desk, 0, &["secrets", "list"]);
    said.run(&desk, 0, &["disconnect"]);
    let kept = files(&desk.path("state"));

    let value = |name: &str| values(back.as_bytes(), name, '&').remove(0);
    let master = std::fs::read_to_string(desk.path("state/master.key")).unwrap();
    let mut canaries: Vec<Canary> = vec![
        ("client secret", CLIENT_SECRET.to_owned()),
        ("code", value("code=")),
        ("state", value("state=")),
        ("verifier", values(&own.requests(), "code_verifier=", '&').remove(0)),
        ("master key", master.trim().to_owned()),
    ];
    let (access, refresh) = (tokens("access_token"), tokens("refresh_token"));
    assert_eq!((access.len(), refresh.len()), (2, 2));
    canaries.extend(access.into_iter().map(|token| ("access token", token)));
    canaries.extend(refresh.into_iter().map(|token| ("refresh token", token)));

    assert_eq!(found(&canaries, &said.0), [""; 0], "{}", String::from_utf8_lossy(&said.0));
    assert_eq!(found(&canaries, &kept), [""; 0]);
    // What the customer brought back is in it, as the connector sees it: the code was used up.
    assert_eq!(found(&canaries, unsealed(&desk).as_bytes()), ["code", "state"]);
    assert_eq!(found(&canaries, page.as_bytes()), [""; 0]);
    assert_eq!(found(&canaries, &api.requests()), ["access token"; 2]);
    assert_eq!(found(&canaries, &api.answers()), [""; 0]);
    let theirs = found(&canaries, &own.requests());
    for kind in ["client secret", "code", "verifier", "refresh token"] {
        assert!(theirs.contains(&kind), "{kind} was not seen, so nothing was searched");
    }
    assert!(!theirs.contains(&"master key") && !theirs.contains(&"access token"), "{theirs:?}");
}

/// Keys that sign go nowhere at all; the key that names the account goes to the API.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_sign_never_leave() {
    let desk = Desk::new(Consent::Allow).await;
    let api = Tap::before(&desk.server.url()).await;
    let base = format!("base-url={}", api.url());
    let mut canaries = vec![
        ("api key", API_KEY.to_owned()),
        ("api secret", API_SECRET.to_owned()),
        ("webhook secret", WEBHOOK_SECRET.to_owned()),
    ];
    let key = ["--secret-env", "api-key=API_KEY", "--setting", &base, "--connection"];
    let mut connects: Vec<Vec<&str>> = vec![
        vec!["connect", "api-key", "plain"],
        vec!["connect", "api-key-hmac", "hmac", "--secret-env", "api-secret=API_SECRET"],
    ];
    let private = desk.path("private.pem");
    let rsa = format!("private-key={}", private.display());
    std::fs::write(&private, RSA_KEY).unwrap();
    // One line of its middle is as bad as the whole.
    canaries.push(("private key", RSA_KEY.lines().nth(8).unwrap().to_owned()));
    connects.push(vec!["connect", "api-key-rsa", "rsa", "--secret-file", &rsa]);
    desk.simulator.configure(|options| {
        options.api_keys = vec![];
        options.signed_keys = vec![SignedKey::hmac(API_KEY, API_SECRET)];
    });
    let mut said = Said::default();
    for connect in connects {
        let [command, scheme, name, secrets @ ..] = &connect[..] else { panic!("{connect:?}") };
        let connect = [&[*command, *scheme], &key[..], &[*name], secrets].concat();
        said.run(&desk, 0, &connect);
        let webhook = ["--from-env", "WEBHOOK", "--connection", name];
        said.run(&desk, 0, &[&["secrets", "set", "webhook-secret"][..], &webhook].concat());
        // The simulator takes the signed one only.
        let code = if *scheme == "api-key-hmac" { 0 } else { 4 };
        said.run(&desk, code, &["list", "trackings", "--connection", name]);
        said.run(&desk, code, &["check", "--connection", name]);
    }
    assert_eq!(found(&canaries, &said.0), [""; 0], "{}", String::from_utf8_lossy(&said.0));
    assert_eq!(found(&canaries, &files(&desk.path("state"))), [""; 0]);
    let recorded = unsealed(&desk);
    assert!(recorded.contains("secrets.sign"), "nothing was signed");
    assert_eq!(found(&canaries, recorded.as_bytes()), [""; 0]);
    assert_eq!(found(&canaries, &api.requests()), ["api key"]);
    assert_eq!(found(&canaries, &api.answers()), [""; 0]);
}

/// Reads the memory of the guest each time that it waits for a connection to be made.
#[derive(Default)]
struct Reading(Mutex<Vec<Vec<u8>>>);

impl Connect for Reading {
    fn connect(&self, address: SocketAddr) -> Pending<'_, io::Result<Box<dyn Stream>>> {
        self.0.lock().unwrap().push(guest_memory());
        Tcp.connect(address)
    }
}

/// The guest asks for tokens, renews them and uses them, and never has one.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_grant_is_in_the_memory_of_the_guest() {
    let reading = Arc::new(Reading::default());
    let world = World::over(|_| {}, reading.clone()).await;
    let first = world.token("access-token").await;
    world.connection.list(&list(None, None)).await.unwrap();
    assert!(world.simulator.expire_token(&first));
    world.connection.list(&list(None, None)).await.unwrap();
    let memories = std::mem::take(&mut *reading.0.lock().unwrap());
    let asked = |word: &str| memories.iter().any(|memory| holds(memory, word));
    assert!(asked("grant_type") && asked("refresh_token"), "the guest's memory was found");
    let mut secrets = vec![CLIENT_SECRET.to_owned(), first];
    for name in ["access-token", "refresh-token"] {
        secrets.push(world.token(name).await);
    }
    for memory in &memories {
        for form in secrets.iter().flat_map(|secret| forms(secret)) {
            assert!(!holds(memory, &form), "the guest holds a secret as {form}");
        }
    }
}
