//! What is in the file, for whoever reads it, and what is not any more.

use connector_state::conformance::{Database as _, connection};
use connector_state::inbox::{EventEffect, Inbox as _};
use connector_state::{Change, Store as _};

use super::{WHOSE, delivery};
use crate::inbox::rows::place_in;
use crate::tests::OnDisk;

#[tokio::test]
async fn the_views_show_what_is_documented() {
    let disk = OnDisk::new();
    let sqlite = disk.sqlite();
    sqlite.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let new = delivery(1, 1_000);
    let EventEffect::Upserted(record) = &new.events[0].effect else { panic!() };
    sqlite.receive(new.clone()).await.unwrap();
    let look = |sql: &str| {
        disk.raw()
            .query_row(sql, (), |row| {
                let count = row.as_ref().column_count();
                (0..count).map(|place| row.get(place)).collect::<Result<Vec<_>, _>>()
            })
            .unwrap()
    };
    let text = |text: &str| rusqlite::types::Value::Text(text.to_owned());
    let seen =
        look("SELECT number, connection, received_ms, method, url, headers, body FROM deliveries");
    assert_eq!((&seen[0], &seen[1], &seen[3]), (&1.into(), &text(WHOSE), &text("POST")));
    assert_eq!(seen[5], text(r#"[["x-webhook-version","2026-07"]]"#));
    assert_eq!(seen[6], new.body.clone().into());
    let seen = look(
        "SELECT number, delivery, connection, id, object, name, occurred_at, effect, record,
             updated_at, created_at, data, state, asks, attempts, next_ms, reason FROM events",
    );
    assert_eq!((&seen[0], &seen[1], &seen[2]), (&1.into(), &1.into(), &text(WHOSE)));
    assert_eq!((&seen[7], &seen[8]), (&text("upserted"), &text(&record.id)));
    assert_eq!((&seen[11], &seen[12]), (&text(&record.data), &text("waiting")));
    let bytes: u64 = disk
        .raw()
        .query_row("SELECT data_bytes FROM inbox_events WHERE data IS NULL", (), |row| row.get(0))
        .unwrap();
    assert_eq!(bytes, record.data.len() as u64, "it is not kept twice");
}

/// Piece by piece, and neither in the file nor in the log beside it in the end.
#[tokio::test]
async fn a_removed_connections_deliveries_are_erased() {
    let disk = OnDisk::new();
    let sqlite = disk.sqlite();
    for name in ["a", "b"] {
        sqlite.commit(vec![Change::PutConnection(connection(name))]).await.unwrap();
    }
    for number in 0..300 {
        let mut new = delivery(number, 500);
        new.body.extend_from_slice(b"canary");
        if number % 3 == 0 {
            new.connection = "id-of-b".to_owned();
            new.body.clear();
        }
        sqlite.receive(new).await.unwrap();
    }
    assert!(disk.holds(b"canary"));
    sqlite.commit(vec![Change::RemoveConnection { id: WHOSE.to_owned() }]).await.unwrap();
    let shown = || {
        let count = "SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM events)";
        disk.raw().query_row(count, (), |row| row.get::<_, u32>(0)).unwrap()
    };
    assert_eq!(shown(), 200);
    let mut pieces = 0;
    while sqlite.maintain().await.unwrap() {
        pieces += 1;
    }
    assert!(pieces > 1, "200 deliveries, events and keys are more than one piece");
    assert!(!disk.holds(b"canary"));
    assert_eq!(shown(), 200);
    for table in ["inboxes", "inbox_deliveries", "inbox_events", "inbox_keys"] {
        let count = format!("SELECT count(*) FROM {table}");
        let left: u32 = disk.raw().query_row(&count, (), |row| row.get(0)).unwrap();
        assert_eq!(left, if table == "inboxes" { 1 } else { 100 }, "{table}");
    }
}

#[test]
fn data_is_found_in_its_body() {
    let place = |body: &str, data: &str| place_in(Some(body), data);
    assert_eq!(place(r#"{"a":{"b":1},"c":{"b":2}}"#, r#"{"b":2}"#), Some((17, 7)));
    assert_eq!(place("aaa", "aaaa"), None);
    assert_eq!(place("aaa", ""), None);
    assert_eq!(place_in(None, "a"), None);
    // What differs late, and characters of many bytes at the end of what is looked for first.
    let (one, other) = ("é".repeat(100) + "1", "é".repeat(100) + "2");
    assert_eq!(place(&format!("{one},{other}"), &other), Some((202, 201)));
    // Text that begins alike everywhere is kept a second time instead of looked for on and on.
    let body = format!("{},{}", "a".repeat(10_000), "a".repeat(70) + "b");
    assert_eq!(place(&body, &("a".repeat(70) + "b")), None);
}
