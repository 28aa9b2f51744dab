//! A state of an earlier version.

use connector_contract::types::DataRecord;
use connector_state::mirror::{Batch, ListQuery, Mirror as _, Source};

use super::*;

/// One of version 11, which had no indexes: what is there is indexed in pieces.
#[tokio::test]
async fn a_database_of_the_version_before_is_brought_up_to_date() {
    let disk = OnDisk::new();
    let store = disk.sqlite();
    store.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let record = |id: u64| DataRecord {
        id: format!("{id:03}"),
        updated_at: None,
        created_at: None,
        version: None,
        data: "{}".to_owned(),
    };
    let batch = Batch {
        records: (0..120).map(record).collect(),
        ..Batch::new("id-of-a", "orders", Source::Page, 0)
    };
    store.apply(batch).await.unwrap();
    drop(store);
    let before = "DROP TABLE mirror_members; DROP TABLE mirror_indexes; DROP TABLE mirror_entries;
                  DROP TABLE mirror_values; DROP VIEW changes;
                  ALTER TABLE mirror_changes DROP COLUMN delivery;
                  CREATE VIEW changes AS SELECT 1; PRAGMA user_version = 11;";
    disk.raw().execute_batch(before).unwrap();
    let store = disk.sqlite();
    let query = ListQuery {
        connection: "id-of-a".to_owned(),
        object: "orders".to_owned(),
        sort: "id".to_owned(),
        descending: true,
        limit: 2,
        ..ListQuery::default()
    };
    let mut page = store.list(query.clone()).await.unwrap();
    assert!(page.was_scanned);
    while store.maintain().await.unwrap() {}
    page.was_scanned = false;
    assert_eq!(store.list(query).await.unwrap(), page);
    assert_eq!(page.records[0].id, "119");
    let delivery = "SELECT delivery FROM changes LIMIT 1";
    let delivery: Option<u64> = disk.raw().query_row(delivery, (), |row| row.get(0)).unwrap();
    assert_eq!(delivery, None);
    let found: u32 = disk.raw().query_row("PRAGMA user_version", (), |row| row.get(0)).unwrap();
    assert_eq!(found, schema::VERSION);
}
