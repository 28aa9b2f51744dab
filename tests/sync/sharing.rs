//! Several processes and tasks on one state.

use host_harness::mirror::{Mirror as _, ScanRow};
use host_harness::store::{Lease, StoreError};
use host_harness::sync::{PullOutcome, SyncError};

use super::mirrored::{DUE, Mirrored, OBJECT};

#[tokio::test(start_paused = true)]
async fn one_of_two_hosts_reads_and_the_other_leaves_it() {
    let mirrored = Mirrored::of(45).await;
    let elsewhere = mirrored.elsewhere();
    let (here, there) = (mirrored.pull(), mirrored.pull_into(&elsewhere));
    let (here, there) = tokio::join!(Box::pin(here.run(&DUE)), Box::pin(there.run(&DUE)));
    let ended = [here.unwrap(), there.unwrap()];
    let busy = ended.iter().filter(|ended| matches!(ended, PullOutcome::Busy { .. })).count();
    assert_eq!(busy, 1, "{ended:?}");
    mirrored.assert_true().await;
    // It has ended, so it is free.
    assert!(matches!(mirrored.run(DUE).await.unwrap(), PullOutcome::Done(_)));
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_was_taken_over_commits_nothing_more() {
    let mirrored = Mirrored::of(45).await;
    let (database, connection) = (mirrored.database().clone(), mirrored.connection.clone());
    let pull = mirrored.pull().told(move |_| {
        let (database, connection) = (database.clone(), connection.clone());
        tokio::spawn(async move {
            let change = |row: &ScanRow, _: u64| {
                let lease = Lease { attempt: "other".to_owned(), until_ms: 0 };
                Some(ScanRow { lease: Some(lease), ..row.clone() })
            };
            database.change_scan(&connection, OBJECT, Box::new(change)).await.unwrap();
        });
    });
    let error = Box::pin(pull.run(&DUE)).await.unwrap_err();
    assert!(matches!(error, SyncError::Store(StoreError::Superseded { .. })), "{error}");
    let row = mirrored.scan().await;
    assert_eq!((row.failures, row.error), (0, None));
    assert!(row.pages < 5);
    assert!(mirrored.sync(DUE).await.resumed);
    mirrored.assert_true().await;
}
