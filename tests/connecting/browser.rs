//! A real browser walks the way once: `make test-browser`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use aftership_simulator::Consent;

use super::program::Desk;

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

fn installed() -> Option<PathBuf> {
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
