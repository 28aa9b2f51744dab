//! Deliveries that cannot be kept, callers that go away.

use std::sync::Arc;

use connector_state::conformance::{Database as _, connection};
use connector_state::inbox::{Inbox as _, Receipt};
use connector_state::{Change, Store as _};

use super::delivery;
use crate::tests::{OnDisk, why};

/// Those that come together are kept together; the one that cannot be kept takes no other with it.
#[tokio::test(start_paused = true)]
async fn one_that_fails_takes_no_other_with_it() {
    let disk = OnDisk::new();
    let sqlite = Arc::new(disk.sqlite());
    sqlite.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    sqlite.with_connection(|on| {
        on.execute_batch(
            "CREATE TEMP TRIGGER refused BEFORE INSERT ON inbox_deliveries
             WHEN length(new.body) > 100000 BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .unwrap();
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
                assert!(number == 5 && why(&error).contains("refused"), "{number}: {error}");
            }
        }
    }
    assert_eq!(kept, (1..=9).collect::<Vec<_>>());
    assert!(sqlite.writer.transactions() <= before + 1);
    assert_eq!(sqlite.count_events(None).await.unwrap(), (9, 0));
    assert_eq!(disk.sqlite().deliveries(None, None, 100).await.unwrap().len(), 9);
}

/// A full disk ends the whole transaction: what is answered with an error is not there either.
#[tokio::test(start_paused = true)]
async fn nothing_is_kept_after_the_transaction_ended_in_the_middle() {
    let disk = OnDisk::new();
    let sqlite = Arc::new(disk.sqlite());
    sqlite.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    sqlite.with_connection(|on| {
        on.execute_batch(
            "CREATE TEMP TRIGGER refused BEFORE INSERT ON inbox_deliveries
             WHEN length(new.body) BETWEEN 100000 AND 200000
             BEGIN SELECT RAISE(ABORT, 'refused'); END;
             CREATE TEMP TRIGGER ended BEFORE INSERT ON inbox_deliveries
             WHEN length(new.body) > 200000 BEGIN SELECT RAISE(ROLLBACK, 'full'); END",
        )
        .unwrap();
    });
    let other = disk.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let receive = |number: u64| {
        let sqlite = Arc::clone(&sqlite);
        // The first of these has each kept on its own, and the second ends the transaction.
        let bytes = match number {
            3 => 150_000,
            5 => 1_000_000,
            _ => 1_000,
        };
        tokio::spawn(async move { sqlite.receive(delivery(number, bytes)).await })
    };
    let answers: Vec<_> = (0..10).map(receive).collect();
    tokio::spawn(async move { other.execute_batch("COMMIT").unwrap() }).await.unwrap();
    for answer in answers {
        assert!(!answer.await.unwrap().unwrap_err().may_be_done());
    }
    assert_eq!(sqlite.count_events(None).await.unwrap(), (0, 0));
    assert_eq!(disk.sqlite().deliveries(None, None, 100).await.unwrap(), []);
}

/// What a fault takes with it is told, and what comes later is kept.
#[tokio::test(start_paused = true)]
async fn a_fault_in_other_work_ends_no_receiving() {
    let disk = OnDisk::new();
    let sqlite = Arc::new(disk.sqlite());
    sqlite.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let other = disk.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let faulty = tokio::spawn({
        let sqlite = Arc::clone(&sqlite);
        async move { sqlite.write(|_, _| -> crate::fault::DbResult<()> { panic!("on purpose") }).await }
    });
    let receive = || {
        let sqlite = Arc::clone(&sqlite);
        tokio::spawn(async move { sqlite.receive(delivery(1, 1_000)).await })
    };
    let with_it = receive();
    tokio::spawn(async move { other.execute_batch("COMMIT").unwrap() }).await.unwrap();
    assert!(faulty.await.unwrap().is_err());
    assert!(with_it.await.unwrap().is_err());
    assert_eq!(receive().await.unwrap(), Ok(Receipt::New { delivery: 1, dead: None }));
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
