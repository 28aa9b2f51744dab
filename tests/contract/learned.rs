//! Settings that a connector learns while connecting: its provider says where the account lives.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use host_harness::webhooks::Tls;
use serde_json::{Value, json};

use super::program::Program;
use crate::support::scratch;
use crate::support::wire::{Wire, answer};

/// A certificate of both instances that signs itself, and its key.
fn certificate(folder: &Path) {
    let run = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "30", "-subj", "/CN=eu1.example.com"])
        .args(["-addext", "subjectAltName=DNS:eu1.example.com,DNS:eu2.example.com"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(folder.join("cert.pem"))
        .stderr(Stdio::null())
        .status();
    assert!(run.unwrap().success(), "openssl made no certificate");
}

/// Which settings the next answer with tokens tells; each brings the next access token.
#[derive(Clone, Default)]
struct Tells(Arc<Mutex<(Value, u32)>>);

impl Tells {
    fn next(&self, settings: Value) {
        self.0.lock().unwrap().0 = settings;
    }

    fn answer(&self) -> Value {
        let mut tells = self.0.lock().unwrap();
        tells.1 += 1;
        let number = tells.1;
        json!({
            "access_token": format!("access-{number}-0123456789"),
            "refresh_token": format!("refresh-{number}-0123456789"),
            "settings": tells.0,
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_where_the_account_lives_also_when_it_moves() {
    let folder = scratch("learned");
    certificate(&folder);
    let acceptor = Tls::read(&folder.join("cert.pem"), &folder.join("key.pem")).unwrap().acceptor();
    let tells = Tells::default();
    // The instance takes the newest access token only, and tells by whom and where it was asked.
    let newest = tells.clone();
    let instance = Wire::new(move |request| {
        let header = |name: &str| {
            let mut lines = request.lines();
            lines.find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned()
        };
        let (host, by) = (header("host: "), header("authorization: "));
        if by != format!("Bearer access-{}-0123456789", newest.0.lock().unwrap().1) {
            return answer("401 Unauthorized", "{}");
        }
        let page = json!({ "records": [{ "id": "1", "data": { "at": host } }] });
        answer("200 OK", &page.to_string())
    });
    let at = instance.listen(Some(acceptor)).await;
    let tokens = tells.clone();
    let ca = folder.join("cert.pem").display().to_string();
    let [eu1, eu2] = ["eu1", "eu2"].map(|name| format!("{name}.example.com:443={at}"));
    let program = Program::new(move |asked| {
        assert_eq!(asked.path, "token", "all else goes to the instance");
        tokens.answer()
    })
    .await
    .always(&["--ca", &ca, "--resolve", &eu1, "--resolve", &eu2]);
    let where_asked = || program.rows(&["list", "things", "-q"])[0]["at"].clone();

    tells.next(json!({ "instance-url": "https://eu1.example.com", "of-a-later-version": "1" }));
    program.login().await.done();
    assert_eq!(where_asked(), "eu1.example.com");
    // The account moves, and the token that was in use ends.
    tells.next(json!({ "instance-url": "https://eu2.example.com" }));
    tells.0.lock().unwrap().1 += 1;
    assert_eq!(where_asked(), "eu2.example.com");
    assert_eq!(program.asked("token")[1]["refresh_token"], "refresh-1-0123456789");
    assert_eq!(where_asked(), "eu2.example.com", "another process knows it");
    // What may not be kept is not kept; the tokens that came with it are.
    tells.next(json!({ "instance-url": "https://evil.com" }));
    tells.0.lock().unwrap().1 += 1;
    assert_eq!(where_asked(), "eu2.example.com");
    assert_eq!(program.asked("token").len(), 3);
    drop(std::fs::remove_dir_all(&folder));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_connected_with_a_setting_that_may_not_be_kept() {
    let tells = Tells::default();
    let tokens = tells.clone();
    let program = Program::new(move |_| tokens.answer()).await;
    for (name, value) in [
        ("instance-url", "https://eu1.evil.com"),
        ("instance-url", "https://example.com"),
        ("instance-url", "http://eu1.example.com"),
        ("instance-url", "eu1"),
        ("instance-url", ""),
        // For others to say.
        ("shop-url", "https://shop.example.com"),
        ("base-url", "https://eu1.example.com"),
    ] {
        tells.next(json!({ name: value }));
        let refused = program.login().await;
        assert!(!refused.err.contains("access-"), "{}", refused.err);
        refused.failed(1, &["may not be kept", name, "Nothing was kept", "the right one"]);
        assert_eq!(program.run(&["connections", "list"]).out, "", "{name}={value}");
    }
}
