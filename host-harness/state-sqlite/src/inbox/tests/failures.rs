//! Disks that are full, callers that go away.

use std::sync::Arc;

use connector_state::conformance::{Database as _, connection};
use connector_state::inbox::{Inbox as _, Receipt};
use connector_state::{Change, Store as _};

use super::delivery;
use crate::tests::{OnDisk, why};

/// Those that come together are kept together; the one for which there is no room takes no other
/// with it, and what they share is counted once for each that is kept.
#[tokio::test(start_paused = true)]
async fn one_that_fails_takes_no_other_with_it() {
    let disk = OnDisk::new();
    let sqlite = Arc::new(disk.sqlite());
    sqlite.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    sqlite.with_connection(|on| {
        let count = |row: &rusqlite::Row<'_>| row.get::<_, u32>(0);
        let pages = on.query_row("PRAGMA page_count", (), count).unwrap();
        let most = pages + 100;
        on.pragma_update_and_check(None, "max_page_count", most, |_| Ok(())).unwrap();
    });
    let other = disk.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let receive = |number: u64| {
        let sqlite = Arc::clone(&sqlite);
        let bytes = if number == 5 { 1_000_000 } else { 1_000 };
        tokio::spawn(async move { sqlite.receive(delivery(number, bytes)).await })
    };
    let answers: Vec<_> = (0..10).map(receive).collect();
    // Runs after all of them have been polled.
    tokio::spawn(async move { other.execute_batch("COMMIT").unwrap() }).await.unwrap();
    let before = sqlite.writer.transactions();
    let mut kept = Vec::new();
    for (number, answer) in answers.into_iter().enumerate() {
        match answer.await.unwrap() {
            Ok(Receipt::New { delivery, .. }) => kept.push(delivery),
            Ok(Receipt::Repeat) => panic!("a repeat"),
            Err(error) => {
                assert!(number == 5 && why(&error).contains("full"), "{number}: {error}");
            }
        }
    }
    assert_eq!(kept, (1..=9).collect::<Vec<_>>());
    assert!(sqlite.writer.transactions() <= before + 1);
    assert_eq!(sqlite.count_events(None).await.unwrap(), (9, 0));
    assert_eq!(disk.sqlite().deliveries(None, None, 100).await.unwrap().len(), 9);
}

/// A caller that is cut off before or after it asked.
#[tokio::test]
async fn a_dropped_delivery_is_kept_whole_or_not_at_all() {
    let disk = OnDisk::new();
    disk.sqlite().commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    for polls in [false, true] {
        let sqlite = disk.sqlite();
        let mut receive = sqlite.receive(delivery(1, 1_000));
        if polls {
            tokio::select! {
                biased;
                kept = &mut receive => drop(kept.unwrap()),
                () = std::future::ready(()) => {}
            }
        }
        drop(receive);
        drop(sqlite);
        let kept = disk.sqlite().count_events(None).await.unwrap();
        assert_eq!(kept, (u64::from(polls), 0));
    }
}
