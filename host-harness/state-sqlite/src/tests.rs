mod copies;
mod versions;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use connector_contract::clock::{SystemClock, TokioClock};
use connector_state::conformance::{Database, START_S, State, connection, grant, secret, session};
use connector_state::scratch::Scratch;
use connector_state::{GrantRow, PreviousTokens, Sealed};
use rusqlite::Connection;

use super::*;

/// A file of its own, and the time of a conformance case.
pub(super) struct OnDisk(Scratch, Arc<dyn Clock>);

impl OnDisk {
    pub(super) fn path(&self) -> PathBuf {
        self.0.path().join("state/state.db")
    }

    pub(super) fn sqlite(&self) -> Sqlite {
        self.try_open().unwrap()
    }

    fn try_open(&self) -> Result<Sqlite, StoreError> {
        // Before all times in rows: nothing has ended.
        Sqlite::open(&self.path(), Arc::new(TokioClock::starting_at(UNIX_EPOCH)))
    }

    /// For what a store does not do.
    pub(super) fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// Whether any file holds these bytes.
    pub(super) fn holds(&self, bytes: &[u8]) -> bool {
        let files = fs::read_dir(self.path().parent().unwrap()).unwrap();
        files.into_iter().any(|file| {
            let content = fs::read(file.unwrap().path()).unwrap();
            content.windows(bytes.len()).any(|piece| piece == bytes)
        })
    }
}

impl Database for OnDisk {
    fn new() -> Self {
        let start = UNIX_EPOCH + Duration::from_secs(START_S);
        Self(Scratch::new(), Arc::new(TokioClock::starting_at(start)))
    }

    fn open(&self) -> Arc<dyn State> {
        Arc::new(Sqlite::open(&self.path(), Arc::clone(&self.1)).unwrap())
    }
}

connector_state::conformance_tests!(OnDisk);

pub(super) fn why(error: &StoreError) -> &str {
    match error {
        StoreError::Corrupt { why, .. } | StoreError::Unavailable { why, .. } => why,
        _ => "",
    }
}

#[tokio::test]
async fn a_commit_is_on_the_disk_before_it_is_answered() {
    let disk = OnDisk::new();
    let store = disk.sqlite();
    let pragma = |name: &str| {
        let sql = format!("PRAGMA {name}");
        store.writer.with_connection(|on| {
            on.query_row(&sql, (), |row| row.get::<_, rusqlite::types::Value>(0)).unwrap()
        })
    };
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
    for (name, value) in
        [("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1), ("busy_timeout", 5_000)]
    {
        assert_eq!(pragma(name), value.into(), "{name}");
    }
}

/// Everything that waits while another process writes goes into one transaction.
#[tokio::test(start_paused = true)]
async fn what_waits_is_committed_together() {
    let disk = OnDisk::new();
    let store = Arc::new(disk.sqlite());
    let other = disk.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let commits = (0..50).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store.commit(vec![Change::PutConnection(connection(&number.to_string()))]).await
        })
    });
    let commits: Vec<_> = commits.collect();
    // Runs after all of them have been polled.
    tokio::spawn(async move { other.execute_batch("COMMIT").unwrap() }).await.unwrap();
    // With the clock paused, the wait for another thread takes no time.
    tokio::time::timeout(Duration::from_millis(1), async {
        for commit in commits {
            commit.await.unwrap().unwrap();
        }
    })
    .await
    .unwrap();
    assert_eq!(store.connections().await.unwrap().len(), 50);
    assert_eq!(store.writer.transactions(), 1);
}

#[tokio::test]
async fn a_lock_that_lasts_is_said_and_then_forgotten() {
    let disk = OnDisk::new();
    let busy = Duration::from_millis(1);
    let store = Sqlite::waiting(&disk.path(), Arc::new(SystemClock), busy).unwrap();
    let other = disk.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let put = || store.commit(vec![Change::PutConnection(connection("a"))]);
    let refused = put().await.unwrap_err();
    assert!(why(&refused).contains("another program"), "{refused}");
    // Readers wait for nobody.
    assert_eq!(store.connections().await.unwrap(), []);
    other.execute_batch("COMMIT").unwrap();
    put().await.unwrap();
    assert_eq!(store.connections().await.unwrap(), [connection("a")]);
}

#[tokio::test]
async fn a_full_disk_is_said_and_then_forgotten() {
    let disk = OnDisk::new();
    let store = disk.sqlite();
    let limit = |pages: u32| {
        store.writer.with_connection(|on| {
            on.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
        });
    };
    limit(1);
    let large = ConnectionRow { scheme: "x".repeat(100_000), ..connection("a") };
    let refused = store.commit(vec![Change::PutConnection(large.clone())]).await.unwrap_err();
    assert!(why(&refused).contains("full"), "{refused}");
    assert_eq!(store.connections().await.unwrap(), []);
    limit(1_000_000);
    store.commit(vec![Change::PutConnection(large.clone())]).await.unwrap();
    assert_eq!(store.connections().await.unwrap(), [large]);
}

#[tokio::test]
async fn rights_that_are_missing_are_said_and_then_forgotten() {
    let disk = OnDisk::new();
    let store = disk.sqlite();
    let read_only = |yes: bool| {
        store.writer.with_connection(|on| on.pragma_update(None, "query_only", yes).unwrap());
    };
    read_only(true);
    let put = || store.commit(vec![Change::PutConnection(connection("a"))]);
    let refused = put().await.unwrap_err();
    assert!(why(&refused).contains("may not be written"), "{refused}");
    read_only(false);
    put().await.unwrap();
}

/// Neither in the file nor in the log beside it, while the store is open.
#[tokio::test]
async fn a_removed_connection_is_erased() {
    let disk = OnDisk::new();
    let store = disk.sqlite();
    // Also what goes into pages of its own.
    let key = [b"canary of the key ".as_slice(), &[7; 20_000]].concat();
    let changes = (0..40).map(|version| {
        let sealed = Sealed(format!("canary of the secret {version:04}").into_bytes());
        Change::PutSecret(SecretRow { sealed, ..secret("new", "key", version, None) })
    });
    let whose = ConnectionRow { sealed_key: Sealed(key), ..connection("new") };
    let tokens = Sealed(b"canary of the tokens".to_vec());
    let rest = [
        Change::PutGrant(GrantRow { sealed_tokens: tokens, ..grant("new") }),
        Change::PutSession(SessionRow {
            sealed_verifier: Sealed(b"canary of the verifier".to_vec()),
            ..session(1, 2_000)
        }),
    ];
    let all = [Change::PutConnection(whose)].into_iter().chain(changes).chain(rest);
    store.commit(vec![Change::PutConnection(connection("stays"))]).await.unwrap();
    store.commit(all.collect()).await.unwrap();
    for canary in ["of the key", "of the secret 0033", "of the tokens", "of the verifier"] {
        assert!(disk.holds(format!("canary {canary}").as_bytes()), "{canary}");
    }
    store.commit(vec![Change::RemoveConnection { id: "id-of-new".to_owned() }]).await.unwrap();
    assert!(!disk.holds(b"canary"));
    assert!(disk.holds(b"id-of-stays"));
}

#[tokio::test(start_paused = true)]
async fn what_ended_is_erased_within_the_hour() {
    let disk = OnDisk::new();
    let store = disk.sqlite();
    let ended = Sealed(b"canary".to_vec());
    let previous = Some(PreviousTokens { sealed: ended.clone(), until_ms: 1_000 });
    let mut kept = GrantRow { previous, ..grant("a") };
    store
        .commit(vec![
            Change::PutConnection(connection("a")),
            Change::PutSecret(SecretRow { sealed: ended, ..secret("a", "key", 1, Some(1_000)) }),
            Change::PutSecret(secret("a", "key", 2, None)),
            Change::PutGrant(kept.clone()),
        ])
        .await
        .unwrap();
    assert!(disk.holds(b"canary"));
    tokio::time::advance(Duration::from_secs(3_600)).await;
    store.commit(vec![]).await.unwrap();
    assert!(!disk.holds(b"canary"));
    kept.previous = None;
    assert_eq!(store.grant("id-of-a").await.unwrap(), Some(kept));
    assert_eq!(store.secrets("id-of-a").await.unwrap(), [secret("a", "key", 2, None)]);
}

/// Whoever waits hears that nobody knows, and the next ones are served.
#[tokio::test]
async fn work_that_panics_leaves_nobody_waiting() {
    let disk = OnDisk::new();
    let store = disk.sqlite();
    let broken =
        |_: &Connection, _: u64| -> fault::DbResult<()> { panic!("a fault of the program") };
    let broken = store.write(broken).await.unwrap_err();
    assert!(matches!(&broken, StoreError::Unknown { .. }) && broken.may_be_done(), "{broken}");
    store.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    assert_eq!(store.connections().await.unwrap(), [connection("a")]);
}

/// A runtime that ends drops what it has not begun; what was queued is committed all the same.
#[test]
fn a_runtime_that_ends_loses_no_commit() {
    let disk = OnDisk::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = runtime.block_on(async {
        let store = disk.open();
        let mut commit = store.commit(vec![Change::PutConnection(connection("a"))]);
        tokio::select! {
            biased;
            _ = &mut commit => panic!("it was not run yet"),
            () = std::future::ready(()) => {}
        }
        drop(commit);
        store
    });
    runtime.shutdown_background();
    drop(store);
    let count = "SELECT count(*) FROM connections";
    let kept: u32 = disk.raw().query_row(count, (), |row| row.get(0)).unwrap();
    assert_eq!(kept, 1);
}

#[test]
fn a_database_of_a_newer_version_is_refused_untouched() {
    let disk = OnDisk::new();
    drop(disk.sqlite());
    disk.raw().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(disk.path()).unwrap();
    let refused = disk.try_open().map(|_| ()).unwrap_err();
    let path = disk.path().display().to_string();
    assert_eq!(refused, StoreError::TooNew { path, found: 99, known: schema::VERSION });
    assert_eq!(fs::read(disk.path()).unwrap(), before);
}

#[test]
fn a_database_of_an_unreleased_version_is_refused_untouched() {
    let disk = OnDisk::new();
    drop(disk.sqlite());
    disk.raw().pragma_update(None, "user_version", 9).unwrap();
    let before = fs::read(disk.path()).unwrap();
    let refused = disk.try_open().map(|_| ()).unwrap_err();
    let path = disk.path().display().to_string();
    assert_eq!(refused, StoreError::TooOld { path, found: 9, known: schema::VERSION });
    assert_eq!(fs::read(disk.path()).unwrap(), before);
}

/// The newer version's process was killed, so the number stands in the log beside the file only.
#[test]
fn a_newer_version_in_the_log_is_refused_untouched() {
    let disk = OnDisk::new();
    drop(disk.sqlite());
    let newer = disk.raw();
    newer.pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(disk.path()).unwrap();
    assert!(matches!(disk.try_open(), Err(StoreError::TooNew { found: 99, .. })));
    assert_eq!(fs::read(disk.path()).unwrap(), before);
}

#[test]
fn what_is_no_state_is_refused_untouched() {
    let disk = OnDisk::new();
    fs::create_dir(disk.path().parent().unwrap()).unwrap();
    let refused = |content: &[u8]| {
        fs::write(disk.path(), content).unwrap();
        let refused = disk.try_open().map(|_| ()).unwrap_err();
        assert_eq!(fs::read(disk.path()).unwrap(), content);
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
        why(&refused).to_owned()
    };
    assert_eq!(refused(b"garbage"), "file is not a database");
    assert_eq!(refused(&[7; 8_192]), "file is not a database");

    fs::remove_file(disk.path()).unwrap();
    disk.raw().execute_batch("CREATE TABLE photos (name); PRAGMA user_version = 1").unwrap();
    assert_eq!(refused(&fs::read(disk.path()).unwrap()), "it is a database of another program");
}

/// Opening reads no table; a damaged one is noticed when it is read, or asked for.
#[tokio::test]
async fn damage_is_noticed_by_whoever_reads_it_and_by_a_check() {
    let disk = OnDisk::new();
    drop(disk.sqlite());
    disk.sqlite().check().await.unwrap();
    let roots = "SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'connections'";
    let roots: Vec<usize> = columns::values(&disk.raw(), roots, ()).unwrap();
    let mut content = fs::read(disk.path()).unwrap();
    roots.into_iter().for_each(|root| content[(root - 1) * 4_096..root * 4_096].fill(0xA5));
    fs::write(disk.path(), content).unwrap();
    let store = disk.sqlite();
    for read in [store.connections().await.map(drop), store.check().await] {
        assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
    }
}

/// The file may be read by anybody: whoever does so for long holds up no commit.
#[tokio::test]
async fn a_reader_that_stays_holds_up_no_commit_and_erasing_is_made_up_for() {
    let disk = OnDisk::new();
    let clock = Arc::new(TokioClock::starting_at(UNIX_EPOCH));
    // Longer than anybody waits for a test.
    let busy = Duration::from_secs(3_600);
    let store = Sqlite::waiting(&disk.path(), clock, busy).unwrap();
    let canary = Sealed(b"canary of a secret".to_vec());
    let row = SecretRow { sealed: canary, ..secret("a", "key", 1, None) };
    store
        .commit(vec![Change::PutConnection(connection("a")), Change::PutSecret(row)])
        .await
        .unwrap();
    let reader = disk.raw();
    reader.execute_batch("BEGIN; SELECT count(*) FROM secrets").unwrap();
    let removal = Change::RemoveSecret { connection: "id-of-a".to_owned(), name: "key".to_owned() };
    store.commit(vec![removal]).await.unwrap();
    store.commit(vec![Change::PutConnection(connection("b"))]).await.unwrap();
    assert!(disk.holds(b"canary of a secret"), "the reader still sees it");
    reader.execute_batch("COMMIT").unwrap();
    drop(store);
    assert!(!disk.holds(b"canary of a secret"));
}

/// Eight processes find no file and make one.
#[test]
fn many_may_open_at_once() {
    let disk = OnDisk::new();
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..8).map(|_| scope.spawn(|| disk.try_open())).collect();
        opened.into_iter().for_each(|store| drop(store.join().unwrap().unwrap()));
    });
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_this_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let disk = OnDisk::new();
    let store = disk.sqlite();
    assert_eq!(store.connections().await.unwrap(), []);
    store.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    let directory = disk.path().parent().unwrap().to_owned();
    assert_eq!(mode(directory.clone()), 0o700);
    let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(files.len(), 3);
    files.into_iter().for_each(|file| assert_eq!(mode(file.path()), 0o600, "{:?}", file.path()));
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
    let refused = disk.try_open().map(|_| ()).unwrap_err();
    assert!(why(&refused).contains("run: chmod go-w "), "{refused}");
}
