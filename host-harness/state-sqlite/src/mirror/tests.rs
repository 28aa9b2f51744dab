mod alike;
mod failures;
mod kills;
mod reading;
mod speed;

use std::sync::Arc;
use std::time::Duration;

use connector_contract::clock::SystemClock;
use connector_contract::types::DataRecord;
use connector_state::conformance::{Database, connection};
use connector_state::mirror::{Derived, ScanKind, ScanStep, Source};
use connector_state::{Change, Lease, Store as _};

use super::super::tests::OnDisk;
use super::*;

const WHOSE: &str = "id-of-a";
const OBJECT: &str = "orders";
const LINES: &str = "lines";
/// Records of a page; each holds one line.
const PAGE: u64 = 20;

/// A file with the connection `a`.
async fn disk() -> OnDisk {
    let disk = <OnDisk as Database>::new();
    let sqlite = disk.sqlite();
    sqlite.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    disk
}

/// Takes the scan over, and begins it when it is not running.
async fn take(sqlite: &Sqlite) -> ScanRow {
    let take = |row: &ScanRow, _: u64| {
        let scan = row.scan + u64::from(!row.running);
        let lease = Some(Lease { attempt: "mine".to_owned(), until_ms: 0 });
        let kind = Some(ScanKind::Full);
        Some(ScanRow { scan, kind, running: true, lease, ..row.clone() })
    };
    sqlite.change_scan(WHOSE, OBJECT, Box::new(take)).await.unwrap()
}

fn record(id: String) -> DataRecord {
    let data = format!(r#"{{"id":"{id}","filler":"{}"}}"#, "x".repeat(500));
    DataRecord { id, updated_at: None, created_at: None, version: None, data }
}

/// The page of this number, from 1; its cursor is its number.
fn page(scan: &ScanRow, number: u64) -> Batch {
    let ids: Vec<String> = (0..PAGE).map(|index| format!("{number:06}-{index}")).collect();
    let lists = ids.iter().map(|id| vec![record(format!("{id}/line"))]).collect();
    let step = ScanStep {
        scan: scan.scan,
        attempt: "mine".to_owned(),
        next: Some(number.to_string()),
        wait_ms: None,
        bookmark: Some(number.to_string()),
        outside: 0,
        lease_ms: 0,
    };
    Batch {
        records: ids.into_iter().map(record).collect(),
        derived: vec![Derived { object: LINES.to_owned(), lists }],
        step: Some(step),
        ..Batch::new(WHOSE, OBJECT, Source::Page, 0)
    }
}

/// Whether everything that is kept agrees; the number of the page that was committed last.
async fn agreed(sqlite: &Sqlite) -> u64 {
    let row = sqlite.scans(WHOSE).await.unwrap().remove(0);
    let number = row.cursor.as_deref().map_or(0, |cursor| cursor.parse().unwrap());
    assert_eq!(row.pages, number);
    assert_eq!(row.records, number * PAGE);
    assert_eq!(row.bookmark, row.cursor);
    let all = (number * PAGE, 0, 0);
    assert_eq!(sqlite.count(WHOSE, OBJECT).await.unwrap(), all);
    assert_eq!(sqlite.count(WHOSE, LINES).await.unwrap(), all);
    let seen = sqlite.count_unseen(WHOSE, OBJECT, row.scan).await.unwrap();
    assert_eq!(seen, (0, number * PAGE));
    assert_eq!(sqlite.moment(WHOSE).await.unwrap(), number * PAGE * 2);
    let changes = sqlite.changes(WHOSE, 0, u32::MAX).await.unwrap();
    assert_eq!(changes.len() as u64, number * PAGE * 2);
    if number > 0 {
        let last = format!("{number:06}-{}", PAGE - 1);
        assert!(sqlite.record(WHOSE, OBJECT, &last).await.unwrap().is_some());
    }
    number
}
