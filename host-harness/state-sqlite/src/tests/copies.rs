//! Copies of a state.

use super::*;

/// Beside whoever writes; and whole.
#[tokio::test]
async fn a_backup_is_made_beside_a_running_host_and_restored() {
    let disk = OnDisk::new();
    let store = disk.sqlite();
    store.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let folder = Scratch::new();
    let (copy, again) = (folder.path().join("copy.db"), folder.path().join("new/state.db"));
    store.backup(&copy).await.unwrap();
    store.commit(vec![Change::PutConnection(connection("b"))]).await.unwrap();
    let taken = store.backup(&copy).await.unwrap_err();
    assert!(why(&taken).contains("there already"), "{taken}");
    Sqlite::restore(&copy, &again).unwrap();
    let clock = Arc::new(TokioClock::starting_at(UNIX_EPOCH));
    let restored = Sqlite::open(&again, clock).unwrap();
    restored.check().await.unwrap();
    assert_eq!(restored.connections().await.unwrap(), [connection("a")]);
    let refused = Sqlite::restore(&copy, &again).unwrap_err();
    assert!(why(&refused).contains("there already"), "{refused}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        for file in [&copy, &again] {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
    // Beside the log of another one it would be read with that.
    let beside = folder.path().join("new/other.db");
    fs::write(folder.path().join("new/other.db-wal"), b"of another").unwrap();
    let refused = Sqlite::restore(&copy, &beside).unwrap_err();
    assert!(why(&refused).contains("other.db-wal is there already"), "{refused}");
    assert!(!beside.exists());
    // Nothing is made of what is no copy.
    let other = folder.path().join("other.db");
    for content in [&b"garbage"[..], b""] {
        fs::write(&copy, content).unwrap();
        let refused = Sqlite::restore(&copy, &other).unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
        assert!(!other.exists());
    }
}
