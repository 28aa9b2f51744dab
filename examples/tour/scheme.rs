//! The tour of another authentication scheme: connects, uses, disconnects.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::session::{KEY_VARIABLE, Session};
use crate::simulated::Simulator;

const KEY: &str = "asat_simulator_signed";
const SECRET: &str = "a secret of the tour alone";
/// Life of an access token: short, so that one ends while the tour is shown.
const LIFE: Duration = Duration::from_secs(4);

/// Shows `scheme` in a directory of its own, which goes with the tour.
pub fn show(session: &mut Session, scheme: &str) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("connector-tour-{}", std::process::id()));
    std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let shown = match scheme {
        "oauth2" => oauth2(session, &folder),
        "api-key-hmac" => hmac(session, &folder),
        "api-key-rsa" => rsa(session, &folder),
        other => Err(anyhow::anyhow!(
            "unknown SCHEME {other}; there are api-key, api-key-hmac, api-key-rsa and oauth2"
        )),
    };
    // What was shown matters more than a directory that stays.
    let _ = std::fs::remove_dir_all(&folder);
    shown
}

fn hmac(session: &mut Session, folder: &Path) -> Result<()> {
    let key = format!("{KEY}:{SECRET}");
    let simulator = Simulator::start(session, &["--trackings", "20", "--hmac-key", &key])?;
    std::fs::write(folder.join("secret"), SECRET)?;
    signed(session, folder, &simulator, "api-key-hmac", "api-secret")
}

fn rsa(session: &mut Session, folder: &Path) -> Result<()> {
    let (private, public) = (folder.join("secret"), folder.join("public"));
    let (private, public) = (private.to_string_lossy(), public.to_string_lossy());
    openssl(&["genpkey", "-algorithm", "RSA", "-quiet", "-out", &private])?;
    openssl(&["pkey", "-in", &private, "-pubout", "-out", &public])?;
    let key = format!("{KEY}:{public}");
    let simulator = Simulator::start(session, &["--trackings", "20", "--rsa-key", &key])?;
    signed(session, folder, &simulator, "api-key-rsa", "private-key")
}

fn openssl(arguments: &[&str]) -> Result<()> {
    let ended = Command::new("openssl").args(arguments).status().context("cannot run openssl")?;
    if ended.success() {
        Ok(())
    } else {
        bail!("openssl {} ended with {ended}", arguments.join(" "))
    }
}

fn signed(
    session: &mut Session,
    folder: &Path,
    simulator: &Simulator,
    scheme: &str,
    secret: &str,
) -> Result<()> {
    use_state(session, folder, KEY);
    session.step(&format!("Connect by {scheme}: the secret signs each request and is never sent"));
    let base = format!("base-url={}", simulator.url);
    let key = format!("api-key={KEY_VARIABLE}");
    let file = format!("{secret}={}", folder.join("secret").display());
    session.run(&[
        "connect",
        scheme,
        "--setting",
        &base,
        "--secret-env",
        &key,
        "--secret-file",
        &file,
    ])?;
    work(session)?;
    end(session)
}

fn oauth2(session: &mut Session, folder: &Path) -> Result<()> {
    let app = format!("tour:{SECRET}:http://127.0.0.1/callback");
    let life = LIFE.as_secs().to_string();
    let simulator = Simulator::start(
        session,
        &[
            "--trackings",
            "20",
            "--oauth-client",
            &app,
            "--consent",
            "allow",
            "--access-token-seconds",
            &life,
        ],
    )?;
    use_state(session, folder, SECRET);
    session.step("Connect by OAuth 2.0, without a browser: the address is printed");
    let url = &simulator.url;
    let mut arguments = vec!["connect".to_owned(), "oauth2".to_owned(), "--print-url".to_owned()];
    for setting in [
        format!("base-url={url}"),
        format!("authorize-url={url}/oauth/authorize"),
        format!("token-url={url}/oauth/token"),
        format!("revocation-url={url}/oauth/revoke"),
        "client-id=tour".to_owned(),
    ] {
        arguments.extend(["--setting".to_owned(), setting]);
    }
    arguments.extend(["--secret-env".to_owned(), format!("client-secret={KEY_VARIABLE}")]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    session.say(&format!("$ connector-host {}", arguments.join(" ")));
    let mut child = session.command(&arguments)?.stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    let stdout = child.stdout.take().context("connect has no output")?;
    BufReader::new(stdout).read_line(&mut address)?;
    session.say(address.trim());
    session.say("# The tour plays the browser: it goes there, and is sent back to this machine");
    let answer = fetch(address.trim())?;
    let sent_on = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
    };
    let back = answer.lines().find_map(sent_on).context("the simulator sends nobody back")?;
    let page = fetch(&back)?;
    let title = page.split_once("<h1>").and_then(|(_, rest)| rest.split_once("</h1>"));
    session.say(&format!("the page says: {}", title.map_or("nothing", |(title, _)| title)));
    let ended = child.wait()?;
    if !ended.success() {
        bail!("`connector-host connect` ended with {ended}");
    }
    work(session)?;
    session.step(&format!("{} s later the access token has ended, and is renewed", LIFE.as_secs()));
    std::thread::sleep(LIFE);
    session.run(&["--trace", "list", "trackings", "--max", "2", "--output", "table"])?;
    session.run(&["connections", "list", "--output", "table"])?;
    end(session)
}

fn work(session: &mut Session) -> Result<()> {
    session.step("What may this connection use?");
    session.run(&["check", "--output", "table"])?;
    session.step("Use it");
    session.run(&[
        "list",
        "trackings",
        "--max",
        "3",
        "--output",
        "table",
        "--columns",
        "slug,tracking_number,tag",
    ])?;
    Ok(())
}

fn end(session: &mut Session) -> Result<()> {
    session.step("Give it back, and erase it");
    session.run(&["disconnect"])?;
    session.summary();
    Ok(())
}

fn use_state(session: &mut Session, folder: &Path, secret: &str) {
    let state = folder.join("state").display().to_string();
    let options =
        ["--component", "dist/aftership-connector.wasm", "--state", &state, "--allow-private"];
    session.options(&options, Some(secret));
}

/// The answer to a GET, head and body.
fn fetch(url: &str) -> Result<String> {
    let (host, path) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .with_context(|| format!("{url} is no address here"))?;
    let mut stream = TcpStream::connect(host).with_context(|| format!("cannot reach {host}"))?;
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
