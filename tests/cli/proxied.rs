//! The way to the provider through a proxy, by the options of the command line.

use std::process::Command;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::{Account, Ended};

/// A proxy on this machine: its URL, and the heads of what it was asked.
struct Proxy {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Answers CONNECT with this status; a tunnel leads to `account`, wherever it should lead.
    async fn answering(status: u16, account: &Account) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let provider = account.server.url().trim_start_matches("http://").to_owned();
        let (seen, all) = (Arc::clone(&heard), listener);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = all.accept().await {
                let (seen, provider) = (Arc::clone(&seen), provider.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        head.push(stream.read_u8().await.unwrap());
                    }
                    seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                    let answer = format!("HTTP/1.1 {status} x\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    if status == 200 {
                        let mut provider = TcpStream::connect(provider).await.unwrap();
                        drop(copy_bidirectional(&mut stream, &mut provider).await);
                    }
                });
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// The program with a provider at an address that only the proxy leads to (RFC 5737).
fn elsewhere(account: &Account) -> Command {
    let mut command = account.slow_command();
    command.args(["--setting", "base-url=http://192.0.2.1:8080"]);
    command
}

fn run(command: &mut Command, arguments: &[&str]) -> Ended {
    command.args(arguments).output().unwrap().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_used_when_it_is_named() {
    let account = Account::new().await;
    account.simulator.seed(3, 2);
    let proxy = Proxy::answering(200, &account).await;
    let list = ["list", "trackings"];
    let listed = run(elsewhere(&account).args(["--proxy", &proxy.url]), &list).quiet();
    assert_eq!(listed.lines().count(), 2);
    let by_env = ["--proxy-from-env"];
    let mut command = elsewhere(&account);
    command.env("https_proxy", proxy.url.replace("//", "//us%40er:canary-pass@"));
    assert_eq!(run(command.args(by_env), &list).quiet(), listed);
    let heard = proxy.heard();
    assert!(heard.iter().all(|head| head.starts_with("CONNECT 192.0.2.1:8080 ")), "{heard:?}");
    assert!(!heard[0].contains("proxy-authorization"), "{heard:?}");
    assert!(heard.last().unwrap().contains("proxy-authorization: Basic dXNAZXI6Y2FuYXJ5LXBhc3M="));
}

/// What names a proxy is read only when it is asked for: what cannot be read disturbs nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_names_a_proxy_only_when_asked() {
    let account = Account::new().await;
    for name in ["https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "HTTP_PROXY"] {
        let ended = run(account.command().env(name, "socks5://canary@"), &["list", "trackings"]);
        assert_eq!(ended.quiet(), "");
    }
    let mut command = elsewhere(&account);
    command.env("HTTPS_PROXY", "socks5://canary@").arg("--proxy-from-env");
    let ended = run(&mut command, &["list", "trackings"]);
    ended.failed(2, &["--proxy-from-env: the proxy"]);
    assert!(!ended.err.contains("canary"), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_is_blamed_and_its_password_is_not_shown() {
    let account = Account::new().await;
    let proxy = Proxy::answering(407, &account).await;
    let mut command = elsewhere(&account);
    command.env("PROXY_AUTH", "canary-user:canary-pass");
    command.args(["--proxy", &proxy.url, "--proxy-auth-env", "PROXY_AUTH", "--trace"]);
    let ended = run(&mut command, &["check", "trackings"]);
    assert_ne!(ended.code, Some(0), "{ended:?}");
    let said = format!("{}{}", ended.out, ended.err);
    assert!(said.contains("the proxy does not take the user and password"), "{said}");
    assert!(!said.contains("canary") && !said.contains("Y2FuYXJ5"), "{said}");
    assert_eq!(account.requests(), [""; 0]);
}

#[test]
fn what_is_said_of_a_proxy_must_fit() {
    let list = ["list", "trackings"];
    for (arguments, words) in [
        (&["--proxy", "http://canary:pass@p:1"][..], &["--proxy: the proxy holds a user name"][..]),
        (&["--proxy", "socks5://canary:1"], &["--proxy: the proxy is neither https nor http"]),
        (&["--proxy", "http://p:1", "--proxy-from-env"], &["give one of them"]),
        (&["--proxy-resolves"], &["--proxy-resolves", "give --proxy URL"]),
        (&["--proxy", "http://p:1", "--proxy-auth-env", "NONE_1"], &["NONE_1 is not set"]),
    ] {
        let ended = super::host(&[arguments, &list].concat());
        ended.failed(2, words);
        assert!(!ended.err.contains("canary"), "{}", ended.err);
    }
}
