//! What users may read, and files of the version before.

use connector_state::mirror::Unreadable;
use rusqlite::{Connection, OpenFlags};

use super::super::super::schema::{APPLICATION, STEPS};
use super::*;

fn text(on: &Connection, sql: &str) -> String {
    on.query_row(sql, (), |row| row.get(0)).unwrap()
}

/// As documented: another program opens the file read-only while a host runs.
#[tokio::test]
async fn the_views_are_read_beside_a_running_host() {
    let disk = disk().await;
    let sqlite = disk.sqlite();
    let row = take(&sqlite).await;
    let unreadable =
        vec![Unreadable { id: None, raw: "{}".to_owned(), reason: "no id".to_owned() }];
    sqlite.apply(Batch { unreadable, ..page(&row, 1) }).await.unwrap();
    let on = Connection::open_with_flags(disk.path(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    on.execute_batch("PRAGMA trusted_schema = OFF").unwrap();
    let sql = "SELECT group_concat(connection || ' ' || object || ' ' || state || ' '
                   || (data ->> '$.id') || ' ' || coalesce(holder, '-'))
               FROM records WHERE id LIKE '000001-3%' ORDER BY object";
    let line = "a lines live 000001-3/line 000001-3";
    assert_eq!(text(&on, sql), format!("a orders live 000001-3 -,{line}"));
    let sql = "SELECT object || ' ' || kind || ' ' || id || ' ' || members || ' ' || length(hash)
               FROM changes WHERE number = 2";
    assert_eq!(text(&on, sql), "lines created 000001-0/line [] 64");
    let sql = "SELECT connection || ' ' || object || ' ' || kind || ' ' || pages FROM scans";
    assert_eq!(text(&on, sql), "a orders full 1");
    let sql = "SELECT connection || ' ' || object || ' ' || raw || ' ' || reason FROM dead_letters";
    assert_eq!(text(&on, sql), "a orders {} no id");
}

#[tokio::test]
async fn a_file_of_version_1_is_brought_up_to_date() {
    let disk = <OnDisk as Database>::new();
    std::fs::create_dir(disk.path().parent().unwrap()).unwrap();
    let old = disk.raw();
    old.execute_batch(STEPS[0]).unwrap();
    old.pragma_update(None, "application_id", APPLICATION).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old.pragma_update(None, "journal_mode", "WAL").unwrap();
    old.execute(
        "INSERT INTO connections VALUES ('id-of-a', 'a', 'orders', 'api-key', '{}', x'01', 5)",
        (),
    )
    .unwrap();
    old.execute("INSERT INTO secrets VALUES ('id-of-a', 'key', 1, x'02', 5, NULL)", ()).unwrap();
    drop(old);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(disk.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let sqlite = disk.sqlite();
    assert_eq!(sqlite.connections().await.unwrap()[0].name, "a");
    assert_eq!(sqlite.secrets(WHOSE, 0).await.unwrap().len(), 1);
    let row = take(&sqlite).await;
    sqlite.apply(page(&row, 1)).await.unwrap();
    assert_eq!(agreed(&sqlite).await, 1);
    let version = |on: &Connection| on.query_row("PRAGMA user_version", (), |row| row.get(0));
    assert_eq!(version(&disk.raw()), Ok(STEPS.len() as u32));
}

/// Neither in the file nor in the log beside it.
#[tokio::test]
async fn what_is_removed_or_reset_is_erased() {
    let disk = disk().await;
    let sqlite = disk.sqlite();
    let put = async |id: &str| {
        let row = take(&sqlite).await;
        let batch = page(&row, 1);
        // Also what goes into pages of its own.
        let mut canary = record(format!("canary-{id}"));
        canary.data = format!("{}{}", canary.data, "canary".repeat(2_000));
        let unreadable = Unreadable { id: None, raw: "canary".to_owned(), reason: id.to_owned() };
        let records = [vec![canary], batch.records].concat();
        let batch = Batch { records, derived: vec![], unreadable: vec![unreadable], ..batch };
        sqlite.apply(batch).await.unwrap();
        assert!(disk.holds(b"canarycanary"));
    };
    put("1").await;
    sqlite.reset(WHOSE, OBJECT).await.unwrap();
    assert!(!disk.holds(b"canarycanary"));
    put("2").await;
    sqlite.commit(vec![Change::RemoveConnection { id: WHOSE.to_owned() }]).await.unwrap();
    assert!(!disk.holds(b"canary"));
}
