//! A state directory, a shop that listens, and the program between them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use shop_fake::Fake;

use crate::support::listener::exchange;
use crate::support::{host_command, shop_component};

/// A shop, and where a connection to it is kept.
pub struct Desk {
    pub fake: Fake,
    folder: PathBuf,
    resolve: String,
}

/// The program, which waits for a browser.
pub struct Waiting {
    child: Child,
    pub url: String,
}

/// How the program ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Stdout of a command that did what it was asked, and said nothing else.
    #[track_caller]
    pub fn quiet(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// A command that ended so, and said all of `words`.
    #[track_caller]
    pub fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}", self.err);
        assert!(words.iter().all(|word| self.err.contains(word)), "{}", self.err);
    }
}

impl Desk {
    pub async fn new() -> Self {
        static DESKS: AtomicU32 = AtomicU32::new(0);
        let number = DESKS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("shop-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        let fake = Fake::default();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap();
        fake.shop().now_ms = u64::try_from(now.as_millis()).unwrap();
        let (address, certificate) = fake.listen().await.unwrap();
        std::fs::write(folder.join("ca.pem"), certificate).unwrap();
        Self { fake, folder, resolve: format!("acme.myshopify.com:443={address}") }
    }

    /// With a connection, whose requests are not in the journal.
    pub async fn connected() -> Self {
        let desk = Self::new().await;
        let waiting = desk.connect(&[]);
        let page = visit(&callback(&desk.fake, &waiting.url)).await;
        assert!(page.contains("<h1>Connected</h1>"), "{page}");
        let (code, err) = waiting.ended();
        assert_eq!(code, Some(0), "{err}");
        desk
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = host_command();
        let component = shop_component();
        command
            .env("CONNECTOR_COMPONENT", component)
            .env("CONNECTOR_STATE", self.folder.join("state"))
            .env("APP", &self.fake.shop().client_secret)
            .arg("--ca")
            .arg(self.folder.join("ca.pem"))
            .args(["--resolve", &self.resolve])
            .args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// `connect`, up to where a browser is waited for.
    pub fn connect(&self, further: &[&str]) -> Waiting {
        let mut command = self.command(&["connect", "oauth2", "--print-url"]);
        command.args(["--secret-env", "client-secret=APP", "--setting", "shop=acme"]);
        command.args(["--setting", "client-id=app-7"]).args(further);
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
    /// How the program ended: exit code, stderr.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (self.child.wait().unwrap().code(), err)
    }
}

/// A test that fails leaves nobody waiting.
impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the shop sends the browser that comes to `url`: as it is the test's, without TLS.
pub fn callback(fake: &Fake, url: &str) -> String {
    let path = url.strip_prefix("https://acme.myshopify.com").unwrap();
    let request = http::Request::get(path).header("host", "acme.myshopify.com");
    let answer = fake.handle(&request.body(bytes::Bytes::new()).unwrap()).unwrap();
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// Goes to a callback as a browser does, and answers the page with its head.
pub async fn visit(callback: &str) -> String {
    let (host, path) = callback.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    exchange(host, &request).await.unwrap()
}
