//! Wrong usage: exit code 2, what is wrong and what to do, and nothing is sent.

use std::path::{Path, PathBuf};

use super::{Account, Ended, KEY, host};
use crate::support::{component, host_command};

/// A file that is gone when this is.
struct File(PathBuf);

impl File {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_or_malformed_is_named() {
    let account = Account::new().await;
    let id = "0b02015fc7fd4f3c8d5490cece4d124d";
    for (arguments, words) in [
        (
            vec!["list", "trackngs"],
            vec!["unknown object \"trackngs\"", "known:", "did you mean \"trackings\"?"],
        ),
        (vec!["get", "orders", "1"], vec!["unknown object \"orders\"", "trackings"]),
        (vec!["describe", "orders"], vec!["unknown object \"orders\"", "trackings"]),
        (
            vec!["list", "trackings", "--filter", "tga=Delivered"],
            vec![
                "unknown filter \"tga\"",
                "known: keyword, tracking_numbers, slug",
                "updated_at_max",
            ],
        ),
        (
            vec!["list", "trackings", "--filter", "tag"],
            vec!["--filter is written --filter NAME=VALUE"],
        ),
        (
            vec!["list", "trackings", "--filter", "created_at_min=yesterday"],
            vec!["invalid input", "/created_at_min", "`describe trackings` shows what is accepted"],
        ),
        (
            vec!["list", "trackings", "--setting", "bse-url=https://a.example"],
            vec!["no setting \"bse-url\"", "base-url, api-version"],
        ),
        (
            vec!["list", "trackings", "--secret-env", "api-kee=KEY"],
            vec!["no use for a secret \"api-kee\"", "it uses: access-token, api-key,"],
        ),
        (
            vec!["create", "trackings", "--data", "{\"tracking_number\":\n  \"A\",}"],
            vec!["--data is no JSON", "at line 2, column 7"],
        ),
        (
            vec!["create", "trackings", "--data", "@/no/such/file"],
            vec!["cannot read /no/such/file"],
        ),
        (
            vec!["create", "trackings", "--data", r#"{"tracking_number":5,"colour":"red"}"#],
            vec!["invalid input", "/tracking_number", "must be of type string", "/colour"],
        ),
        (
            vec!["update", "trackings", id, "--data", "[]"],
            vec!["invalid input", "`describe trackings` shows what is accepted"],
        ),
        (
            vec![
                "invoke",
                "trackings",
                "mark-as-completed",
                "--id",
                id,
                "--data",
                r#"{"reason":"EATEN"}"#,
            ],
            vec!["invalid input", "/reason"],
        ),
        (
            vec!["invoke", "trackings", "retrak", "--id", id],
            vec![
                "unknown action \"retrak\"",
                "known: retrack, mark-as-completed",
                "did you mean \"retrack\"?",
            ],
        ),
        (vec!["invoke", "trackings", "retrack"], vec!["works on one record", "--id ID"]),
        (vec!["list", "trackings", "--output", "xml"], vec!["xml", "ndjson", "csv"]),
        (vec!["list", "trackings", "--max", "0"], vec!["--max"]),
        (vec!["lst"], vec!["unrecognized subcommand 'lst'", "list"]),
        (vec!["inspect", "--output", "csv"], vec!["cannot be CSV", "--output json"]),
    ] {
        account.run(&arguments).failed(2, &words);
    }
    assert_eq!(account.requests(), Vec::<String>::new());
}

#[test]
fn a_file_that_is_no_connector_says_what_it_is() {
    let text = File::new("text.wasm", b"hello");
    let module = File::new("module.wasm", b"\0asm\x01\0\0\0");
    let cut = File::new("cut.wasm", &std::fs::read(component()).unwrap()[..5_000]);
    let empty = File::new("empty.wasm", b"\0asm\x0d\0\x01\0");
    for (path, words) in [
        (
            Path::new("/no/such.wasm"),
            ["cannot read the component /no/such.wasm", "--component FILE"],
        ),
        (&text.0, ["is no WebAssembly component", "connector:api@0.2.0"]),
        (&module.0, ["is no WebAssembly component", "module"]),
        (&cut.0, ["is no WebAssembly component", "connector:api@0.2.0"]),
        (&empty.0, ["is no connector for this host", "connector:api/catalog@0.2.0"]),
    ] {
        for command in [&["inspect"][..], &["list", "trackings"]] {
            let ended = host(&[&["--component", path.to_str().unwrap()], command].concat());
            ended.failed(2, &words);
        }
    }
    let unnamed: super::Ended = host_command().arg("objects").output().unwrap().into();
    unnamed.failed(2, &["no connector is named", "CONNECTOR_COMPONENT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_there_is_told_and_never_shown() {
    let account = Account::new().await;
    let run = |variable: &str, value: Option<&str>| {
        let mut command = host_command();
        command
            .env("CONNECTOR_COMPONENT", component())
            .args(["--allow-private", "--setting", &format!("base-url={}", account.server.url())])
            .args(["list", "trackings", "--secret-env", &format!("api-key={variable}")]);
        value.map(|value| command.env(variable, value));
        super::Ended::from(command.output().unwrap())
    };
    run("UNSET", None).failed(2, &["the environment variable UNSET is not set", "export it"]);
    run("BLANK", Some("")).failed(2, &["the environment variable BLANK is empty"]);
    for (value, words) in [
        ("one\ntwo", "the secret \"api-key\" holds a line break (LF)"),
        ("one-two\r", "ends with a carriage return (CR)"),
        (" one-two", "begins with a space"),
    ] {
        let ended = run("BREAK", Some(value));
        ended.failed(2, &[words, "give it again without"]);
        assert!(!ended.err.contains("author") && !ended.err.contains("one"), "{}", ended.err);
    }
    // The key itself in the place of the variable's name.
    for key in [KEY, "asat-with-a-dash"] {
        let ended = run(key, None);
        ended.failed(2, &["--secret-env api-key=...", "put the secret into a variable"]);
        assert!(!ended.err.contains(key), "{}", ended.err);
    }
    let none = host(&["check", "--allow-private", "--setting", "base-url=http://127.0.0.1:9"]);
    none.failed(2, &["the connection has no secret \"api-key\"", "--secret-env api-key=VARIABLE"]);
    assert_eq!(account.requests(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_requests_may_go_is_the_operators_word() {
    let host = |more: &[&str]| -> Ended {
        let mut command = host_command();
        command.env("CONNECTOR_COMPONENT", component()).env("API_KEY", KEY);
        command.args(["list", "trackings", "--secret-env", "api-key=API_KEY"]).args(more);
        command.output().unwrap().into()
    };
    let account = Account::new().await;
    let base = format!("base-url={}", account.server.url());
    let open = host(&["--setting", &base]);
    open.failed(2, &["is not https", "--allow-private"]);
    let remote = host(&["--limits", "off"]);
    remote.failed(2, &["limits can be off towards this machine only", "https://api.aftership.com"]);
    for (base, words) in [
        ("base-url=https://10.0.0.1", "is an address; --allow-private"),
        ("base-url=ftp://a.example", "is neither https nor http"),
        ("base-url=https://a.example/path", "more than scheme, host and port"),
        ("base-url=https://user:pw@a.example", "holds a user name"),
        ("base-url=nonsense", "is no URL"),
        ("base-url=https://a.example ", "holds a space or a line break"),
    ] {
        host(&["--setting", base]).failed(2, &[words]);
    }
    assert_eq!(account.requests(), Vec::<String>::new());
}
