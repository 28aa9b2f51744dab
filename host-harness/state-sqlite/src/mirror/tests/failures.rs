//! Disks that are full, files that are locked, callers that go away.

use super::super::super::tests::why;
use super::*;

/// Room for a little more each time: it ends anywhere in a page, and what it had is undone.
#[tokio::test]
async fn a_full_disk_takes_a_page_whole_or_not_at_all() {
    let disk = disk().await;
    let sqlite = disk.sqlite();
    let row = take(&sqlite).await;
    sqlite.apply(page(&row, 1)).await.unwrap();
    let limit = |more: Option<u32>| {
        sqlite.writer.with_connection(|on| {
            let count = |row: &rusqlite::Row<'_>| row.get::<_, u32>(0);
            let pages = on.query_row("PRAGMA page_count", (), count).unwrap();
            let most = more.map_or(1_000_000, |more| pages + more);
            on.pragma_update_and_check(None, "max_page_count", most, |_| Ok(())).unwrap();
        });
    };
    let mut refused = 0;
    for more in 0..200 {
        limit(Some(more));
        match sqlite.apply(page(&row, 2)).await {
            Ok(_) => break,
            Err(error) => assert!(why(&error).contains("full"), "{error}"),
        }
        refused += 1;
        // This process and another one see the same.
        assert_eq!(agreed(&sqlite).await, 1);
        assert_eq!(agreed(&disk.sqlite()).await, 1);
    }
    assert!(refused > 3, "{refused}");
    assert_eq!(agreed(&sqlite).await, 2);
    limit(None);
    sqlite.apply(page(&row, 3)).await.unwrap();
    assert_eq!(agreed(&disk.sqlite()).await, 3);
}

#[tokio::test]
async fn a_locked_file_takes_no_page_until_it_is_free() {
    let disk = disk().await;
    let busy = Duration::from_millis(1);
    let sqlite = Sqlite::waiting(&disk.path(), Arc::new(SystemClock), busy).unwrap();
    let row = take(&sqlite).await;
    let other = disk.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = sqlite.apply(page(&row, 1)).await.unwrap_err();
    assert!(why(&refused).contains("another program"), "{refused}");
    assert_eq!(agreed(&sqlite).await, 0);
    other.execute_batch("COMMIT").unwrap();
    sqlite.apply(page(&row, 1)).await.unwrap();
    assert_eq!(agreed(&sqlite).await, 1);
}

/// A caller that is cut off before or after it asked.
#[tokio::test]
async fn a_dropped_page_is_committed_whole_or_not_at_all() {
    let disk = disk().await;
    let row = take(&disk.sqlite()).await;
    for polls in [false, true] {
        let sqlite = disk.sqlite();
        let mut apply = sqlite.apply(page(&row, 1));
        if polls {
            tokio::select! {
                biased;
                ended = &mut apply => drop(ended.unwrap()),
                () = std::future::ready(()) => {}
            }
        }
        drop(apply);
        drop(sqlite);
        assert_eq!(agreed(&disk.sqlite()).await, u64::from(polls));
    }
}
