//! A real browser walks the way once: `make test-browser`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aftership_simulator::Consent;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::program::Desk;
use super::world::settings;
use crate::support::listener::{Listener, exchange};

/// What distributions call it.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// It shows nothing, asks nobody else for anything, and keeps nothing.
const FLAGS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

struct Browser(Child);

impl Browser {
    fn open(program: &Path, profile: &Path, url: &str) -> Self {
        let mut command = Command::new(program);
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.display())).arg(url);
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The browser, where there is one.
pub fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let all = folders.iter().flat_map(|folder| NAMES.map(|name| folder.join(name)));
    all.into_iter().find(|program| program.is_file())
}

/// The page that asks for consent presses Allow itself, so the browser needs no hand.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: `make test-browser` installs it and runs this"]
async fn a_browser_connects() {
    let program = installed().unwrap();
    let desk = Desk::new(Consent::AskAndPress).await;
    let waiting = desk.connect("default");
    let browser = Browser::open(&program, &desk.path("profile"), &waiting.url);
    let (code, _, err) = waiting.ended();
    assert_eq!(code, Some(0), "{err}");
    drop(browser);
    assert_eq!(desk.run(&["check", "trackings"]).0, Some(0));
    let journal = desk.simulator.journal();
    let asked = journal.iter().filter(|one| one.path == "/oauth/authorize");
    assert_eq!(asked.map(|one| one.method.as_str()).collect::<Vec<_>>(), ["GET", "POST"]);
}

/// By a link: the page of `serve`, the provider's page, and back, while the command line waits. A proxy between puts
/// in a script that presses the button; what else the page's policy forbids stays forbidden.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: `make test-browser` installs it and runs this"]
async fn a_browser_connects_by_a_link() {
    let program = installed().unwrap();
    let desk = Desk::with(Consent::AskAndPress, "http://127.0.0.1/connect/callback").await;
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public = format!("http://{}", proxy.local_addr().unwrap());
    let callback = format!("{public}/connect/callback");
    let given = settings(&desk.server.url());
    let waiting = desk.connect_with("default", &given, &["--callback-url", &callback]);
    let serve = ["serve", "--address", "127.0.0.1:0", "--public-url", &public];
    let listener = Listener::start(&mut desk.host(&serve));
    tokio::spawn(press(proxy, listener.authority.clone()));
    let browser = Browser::open(&program, &desk.path("profile"), &waiting.url);
    let (code, _, err) = waiting.ended();
    assert_eq!(code, Some(0), "{err}");
    drop(browser);
    assert_eq!(desk.run(&["check", "trackings"]).0, Some(0));
}

/// Passes requests on, each on a connection of its own, and presses the button of pages with a form.
async fn press(proxy: TcpListener, to: String) {
    const POLICY: &str = "default-src 'none';";
    const SCRIPT: &str = "<script>document.querySelector('button').click()</script></body>";
    loop {
        let (mut browser, _) = proxy.accept().await.unwrap();
        let to = to.clone();
        tokio::spawn(async move {
            let mut request = Vec::new();
            while !is_whole(&request) {
                let mut piece = [0; 4_096];
                let length = browser.read(&mut piece).await.unwrap();
                if length == 0 {
                    return;
                }
                request.extend_from_slice(&piece[..length]);
            }
            let request = String::from_utf8(request).unwrap().replace("keep-alive", "close");
            let answer = exchange(&to, &request).await.unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let body = if body.contains("<form") {
                body.replace("</body>", SCRIPT)
            } else {
                body.to_owned()
            };
            let fields = head.lines().filter(|line| !line.starts_with("content-length"));
            let head = fields.collect::<Vec<_>>().join("\r\n");
            let head = head.replace(POLICY, &format!("{POLICY} script-src 'unsafe-inline';"));
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = browser.write_all(answer.as_bytes()).await;
        });
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let length = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.map(|(_, value)| value.parse::<usize>().unwrap()).next();
    body.len() >= length.unwrap_or_default()
}
