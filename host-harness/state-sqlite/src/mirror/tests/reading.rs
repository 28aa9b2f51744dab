//! What users may read, and what is erased.

use connector_state::Sealed;
use connector_state::conformance::outbox::forward;
use connector_state::mirror::Unreadable;
use connector_state::outbox::{ForwardRow, Outbox as _};
use rusqlite::{Connection, OpenFlags};

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
    while sqlite.maintain().await.unwrap() {}
    assert!(!disk.holds(b"canarycanary"));
    // With a forward that has not had them, and whose target is in its row.
    let sealed = Sealed(b"canary of the target".to_vec());
    let connection = Some(WHOSE.to_owned());
    sqlite.put_forward(ForwardRow { sealed, connection, ..forward("one") }).await.unwrap();
    put("2").await;
    let kept = "SELECT count(*) FROM forward_versions";
    assert!(
        sqlite.with_connection(|on| on.query_row(kept, (), |row| row.get::<_, u32>(0))).unwrap()
            > 0
    );
    assert!(disk.holds(b"canary of the target"));
    sqlite.commit(vec![Change::RemoveConnection { id: WHOSE.to_owned() }]).await.unwrap();
    while sqlite.maintain().await.unwrap() {}
    assert!(!disk.holds(b"canary"));
}
