//! What is kept between calls: secrets, connections, and the rules of which are used.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hosts::state::Disk;

use super::{Account, Ended, KEY, component, host_command};

/// A directory for state, and the program that keeps things there. No secret stands in its
/// environment.
pub struct Keeper {
    base: PathBuf,
    /// Where the state is, when that is not a directory in `base`.
    database: Option<Disk>,
}

impl Keeper {
    pub fn new(name: &str) -> Self {
        let base = std::env::temp_dir().join(format!("keeping-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&base);
        std::fs::create_dir(&base).unwrap();
        Self { base, database: None }
    }

    /// With its state in PostgreSQL, in a schema `name`.
    pub fn postgres(name: &str) -> Self {
        let mut keeper = Self::new(name);
        keeper.database = Some(Disk::postgres(name, None));
        keeper
    }

    pub fn state(&self) -> PathBuf {
        self.base.join("state")
    }

    /// A file beside the state.
    pub fn path(&self, name: &str) -> String {
        self.base.join(name).display().to_string()
    }

    /// A file beside the state, with this content.
    pub fn file(&self, name: &str, content: &str) -> String {
        std::fs::write(self.base.join(name), content).unwrap();
        self.path(name)
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with("", &[], arguments)
    }

    /// The program with this state.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = host_command();
        if let Some(database) = &self.database {
            let key = format!("{}=", "A".repeat(43));
            command.env("CONNECTOR_STATE", database.argument()).env("CONNECTOR_MASTER_KEY", key);
        } else {
            command.env("CONNECTOR_STATE", self.state());
        }
        command
            .env("CONNECTOR_COMPONENT", component())
            .arg("--allow-private")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run_with(&self, input: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        let mut child = command.envs(variables.iter().copied()).spawn().unwrap();
        // It may end without reading any of it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// Keeps the key of `account` as connection `name`.
    pub fn keep(&self, account: &Account, name: &str) {
        let base = format!("base-url={}", account.server.url());
        let set = ["secrets", "set", "api-key", "--connection", name, "--setting", &base];
        assert_eq!(self.run_with(&format!("{KEY}\n"), &[], &set).quiet(), "");
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.base);
    }
}

fn holds(folder: &Path, bytes: &[u8]) -> bool {
    let files = folder.read_dir().unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.into_iter().any(|content| content.windows(bytes.len()).any(|piece| piece == bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_secret_is_used_without_being_handed_over() {
    let account = Account::new().await;
    let keeper = Keeper::new("used");
    keeper.keep(&account, "default");
    assert_eq!(keeper.run(&["list", "trackings"]).quiet(), "");
    assert!(!holds(&keeper.state(), KEY.as_bytes()));
    let shown = keeper.run(&["secrets", "list"]).quiet();
    assert!(shown.contains(r#""name":"api-key","version":1"#) && !shown.contains(KEY), "{shown}");
    let shown = keeper.run(&["connections", "list"]).quiet();
    assert!(shown.contains(r#""name":"default""#) && shown.contains(&account.server.url()));

    keeper.run(&["connections", "rename", "default", "shop"]).quiet();
    // No default any more, so a call without a connection has no secret.
    keeper.run(&["list", "trackings"]).failed(2, &["no secret \"api-key\"", "`connect`"]);
    assert_eq!(keeper.run(&["list", "trackings", "--connection", "shop"]).quiet(), "");
    let environment = [("CONNECTOR_CONNECTION", "shop")];
    assert_eq!(keeper.run_with("", &environment, &["list", "trackings"]).quiet(), "");
    // What the command line says goes before what is kept.
    let elsewhere = ["get", "trackings", "1", "--connection", "shop", "--setting"];
    let elsewhere = keeper.run(&[&elsewhere[..], &["base-url=http://127.0.0.1:1"]].concat());
    elsewhere.failed(1, &["127.0.0.1:1"]);

    // A key of another time is refused by the provider, and replaced by the next one.
    keeper.run_with("asat_of_nobody_0123", &environment, &["secrets", "set", "api-key"]).quiet();
    let refused = keeper.run_with("", &environment, &["list", "trackings"]);
    refused.failed(4, &["the credentials were refused", "`connect` again"]);
    let rotate = ["secrets", "rotate", "api-key", "--overlap", "1h", "--from-env", "NEXT"];
    keeper.run_with("", &[("NEXT", KEY), environment[0]], &rotate).quiet();
    assert_eq!(keeper.run_with("", &environment, &["list", "trackings"]).quiet(), "");
    let shown = keeper.run_with("", &environment, &["secrets", "list"]).quiet();
    // The first one ended when the second was set; the second goes on for an hour.
    let versions: Vec<&str> = shown.lines().collect();
    assert_eq!(versions.len(), 2, "{shown}");
    assert!(versions[0].contains(r#""version":3"#) && versions[0].ends_with(r#""ends":null}"#));
    assert!(versions[1].contains(r#""version":2"#) && !versions[1].ends_with("null}"), "{shown}");

    keeper.run_with("", &environment, &["secrets", "remove", "api-key"]).quiet();
    let none = keeper.run_with("", &environment, &["list", "trackings"]);
    none.failed(2, &["no secret \"api-key\"", "secrets set api-key --connection shop"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_opens_what_was_kept_and_the_old_one_does_not() {
    let account = Account::new().await;
    let keeper = Keeper::new("rewrap");
    keeper.keep(&account, "default");
    let new = keeper.base.join("new.key");
    let new = new.to_str().unwrap();
    let sealed = keeper.run(&["secrets", "rewrap", "--new-key-file", new]);
    assert_eq!((sealed.code, sealed.out.as_str()), (Some(0), ""));
    assert!(sealed.err.contains("sealed 1 connection"), "{}", sealed.err);
    let list = ["list", "trackings"];
    keeper.run(&list).failed(1, &["does not open with this master key"]);
    assert_eq!(keeper.run(&[&list[..], &["--master-key", new]].concat()).quiet(), "");
    let text = std::fs::read_to_string(new).unwrap();
    let variable = [("CONNECTOR_MASTER_KEY", text.as_str())];
    assert_eq!(keeper.run_with("", &variable, &list).quiet(), "");
    // Nothing new is kept under the key that opens nothing.
    let set = ["secrets", "set", "api-key", "--connection", "two"];
    keeper.run_with(KEY, &[], &set).failed(1, &["does not open with this master key"]);
    // Without its key the state opens with none; a new one is not made in its place.
    std::fs::remove_file(keeper.state().join("master.key")).unwrap();
    keeper.run_with(KEY, &[], &set).failed(1, &["master.key is not there"]);
    assert!(!keeper.state().join("master.key").exists());
}

#[test]
fn reading_makes_nothing_and_wrong_words_keep_nothing() {
    let keeper = Keeper::new("nothing");
    assert_eq!(keeper.run(&["connections", "list"]).quiet(), "");
    let rows: [(&[&str], &[&str]); 9] = [
        (&["secrets", "list"], &["no connection is kept in", "`connect` makes one"]),
        (&["secrets", "remove", "api-key"], &["no connection is kept in"]),
        (&["secrets", "rotate", "api-key"], &["no connection is kept in"]),
        (&["secrets", "rewrap", "--new-key-file", "x"], &["nothing is kept"]),
        (&["connections", "rename", "a", "b"], &["no connection is kept in"]),
        (&["list", "trackings", "--connection", "a"], &["no connection is kept in"]),
        (&["secrets", "set", "api-kee"], &["no use for a secret \"api-kee\"", "api-key"]),
        (&["secrets", "set", "api-key"], &["standard input is empty"]),
        (&["secrets", "set", "api-key", "--scheme", "none"], &["unknown scheme \"none\""]),
    ];
    for (arguments, words) in rows {
        keeper.run(arguments).failed(2, words);
        assert!(!keeper.state().exists(), "{arguments:?}");
    }
    let both = ["list", "trackings", "--connection", "a", "--secret-env", "api-key=KEY"];
    keeper.run_with("", &[("KEY", KEY)], &both).failed(2, &["only one of them", "leave one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_do_not_fit_are_told_with_those_that_do() {
    let account = Account::new().await;
    let keeper = Keeper::new("names");
    keeper.keep(&account, "shop");
    keeper.keep(&account, "other");
    let unknown = keeper.run(&["list", "trackings", "--connection", "shp"]);
    unknown
        .failed(2, &["unknown connection \"shp\"; known: other, shop", "did you mean \"shop\"?"]);
    keeper
        .run(&["connections", "rename", "other", "shop"])
        .failed(2, &["\"shop\" is there already"]);
    let rotate = ["secrets", "rotate", "api-kez", "--connection", "shop"];
    keeper.run_with(KEY, &[], &rotate).failed(2, &["unknown kept secret", "known: api-key"]);
    let again = ["secrets", "set", "api-key", "--connection", "shop", "--setting", "base-url=x"];
    keeper.run_with(KEY, &[], &again).failed(2, &["is there already", "leave --scheme"]);
    // With a secret from the environment the state is not even opened.
    std::fs::write(keeper.state().join("state.db"), "garbage").unwrap();
    let base = format!("base-url={}", account.server.url());
    let given = ["list", "trackings", "--secret-env", "api-key=KEY", "--setting", &base];
    assert_eq!(keeper.run_with("", &[("KEY", KEY)], &given).quiet(), "");
    keeper.run(&["list", "trackings"]).failed(1, &["state.db is damaged", "restore it"]);
}
