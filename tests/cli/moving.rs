//! Connections from one state to another, as a user moves them.

use std::fs;

use super::keeping::Keeper;
use super::{Account, Ended};

/// A kept connection whose records were read and whose consumer has had all changes but the last.
async fn kept(name: &str) -> (Account, Keeper) {
    let account = Account::new().await;
    account.simulator.seed(1, 30);
    let keeper = Keeper::new(name);
    keeper.keep(&account, "default");
    keeper.run(&["sync", "trackings"]).quiet();
    let had = keeper.run(&["changes", "--consumer", "erp", "--output", "json"]).quiet();
    assert!(had.lines().count() >= 30, "{had}");
    (account, keeper)
}

/// Paths of the file and of its key.
fn paths(keeper: &Keeper) -> (String, String) {
    (keeper.path("move.bin"), keeper.path("move.key"))
}

fn export(keeper: &Keeper, names: &[&str]) -> Ended {
    let (file, key) = paths(keeper);
    let mut arguments = vec!["connections", "export"];
    arguments.extend(names);
    arguments.extend(["--to", &file, "--key-file", &key]);
    keeper.run(&arguments)
}

fn import(keeper: &Keeper, from: &Keeper, more: &[&str]) -> Ended {
    let (file, key) = paths(from);
    let mut arguments = vec!["connections", "import", &file, "--key-file", &key];
    arguments.extend(more);
    keeper.run(&arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_goes_on_in_another_state_where_it_was() {
    moved(&Keeper::new("moving-to"), "moving-from").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, which `make test` looks for"]
async fn a_connection_goes_on_with_postgres_where_it_was() {
    moved(&Keeper::postgres("moving_to"), "moving-to-database").await;
}

/// A connection of a state `from` goes on in `new`.
async fn moved(new: &Keeper, from: &str) {
    let (account, old) = kept(from).await;
    let records = old.run(&["export", "trackings", "--output", "json"]).quiet();
    assert_eq!(export(&old, &["default"]).code, Some(0));
    let refused = old.run(&["sync", "trackings"]);
    refused.failed(
        2,
        &["the connection \"default\" was moved to another state", "connections erase default"],
    );
    assert!(old.run(&["connections", "list"]).quiet().contains("moved"));

    let ended = import(new, &old, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(new.run(&["export", "trackings", "--output", "json"]).quiet(), records);
    // The consumer has had all; what is read now is known; what is new is the only change.
    assert_eq!(new.run(&["changes", "--consumer", "erp"]).quiet(), "");
    let synced = new.run(&["sync", "trackings", "--output", "json"]).quiet();
    assert!(
        synced.contains("\"read\":\"changes\"") && synced.contains("\"created\":0"),
        "{synced}"
    );
    account.create(super::NUMBER);
    new.run(&["sync", "trackings"]).quiet();
    let changes = new
        .run(&["changes", "--consumer", "erp", "--object", "trackings", "--output", "json"])
        .quiet();
    assert_eq!(changes.lines().count(), 1, "{changes}");

    // It is there: neither it nor another one of its name may come once more.
    import(new, &old, &[]).failed(1, &["is in this state already"]);
    old.run(&["connections", "erase", "default"]);
    assert!(!old.run(&["connections", "list"]).quiet().contains("default"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_whole_or_not_ours_imports_nothing() {
    let (_account, old) = kept("moving-damaged").await;
    assert_eq!(export(&old, &["default"]).code, Some(0));
    let (file, key) = paths(&old);
    let whole = fs::read(&file).unwrap();
    let new = Keeper::new("moving-nowhere");
    let nothing = |words: &[&str]| {
        import(&new, &old, &[]).failed(1, words);
        assert!(!new.run(&["connections", "list"]).out.contains("default"));
    };
    fs::write(&file, &whole[..whole.len() - 40_000]).unwrap();
    nothing(&["is cut", "nothing of it was imported"]);
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&file, &changed).unwrap();
    nothing(&["was changed after it was made"]);
    fs::write(&file, [&whole[..], b"more"].concat()).unwrap();
    nothing(&["was changed after it was made"]);
    fs::write(&file, "no such file").unwrap();
    nothing(&["holds no connections"]);
    fs::write(&file, &whole).unwrap();
    fs::write(&key, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").unwrap();
    nothing(&["does not open with this key file"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_taken_back_and_overwrites_nothing() {
    let (account, old) = kept("moving-back").await;
    assert_eq!(export(&old, &["default"]).code, Some(0));
    export(&old, &["default"]).failed(2, &["is there already"]);
    old.run(&["connections", "export", "default", "--cancel"]);
    assert!(old.run(&["sync", "trackings", "--output", "json"]).quiet().contains("\"created\":0"));
    // Where its name is taken it comes under another one.
    let other = Keeper::new("moving-named");
    other.keep(&account, "default");
    import(&other, &old, &[]).failed(2, &["named \"default\" is there already"]);
    let ended = import(&other, &old, &["--as", "shop-7"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let listed = other.run(&["connections", "list", "--output", "json"]).quiet();
    assert!(listed.contains("\"shop-7\"") && listed.contains("\"default\""), "{listed}");
}
