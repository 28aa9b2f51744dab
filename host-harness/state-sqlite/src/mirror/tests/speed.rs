//! How fast pages are kept. Prints, and asserts nothing:
//! `cargo test -p host-harness --lib speed:: -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

const PAGES: u64 = 100;
const PAGE: u64 = 200;

fn record(id: String, version: u64, bytes: usize) -> DataRecord {
    let filler = "x".repeat(bytes);
    DataRecord {
        updated_at: Some(format!("2023-11-14T22:{version:02}:00Z")),
        created_at: Some("2023-11-01T00:00:00Z".to_owned()),
        version: None,
        data: format!(r#"{{"id":"{id}","version":{version},"filler":"{filler}","more":[1,2]}}"#),
        id,
    }
}

/// Ids look random, as providers' do.
fn page(number: u64, version: u64, held: u64) -> (Vec<DataRecord>, Vec<Derived>) {
    let ids = (number * PAGE..(number + 1) * PAGE)
        .map(|id| format!("{:032x}", u128::from(id.wrapping_mul(0x9E37_79B9_7F4A_7C15)) << 64 | 7));
    let ids: Vec<String> = ids.collect();
    let lists = ids
        .iter()
        .map(|id| (0..held).map(|line| record(format!("{id}/{line:032x}"), 1, 300)).collect());
    let derived = Derived { object: "lines".to_owned(), lists: lists.collect() };
    let records = ids.iter().map(|id| record(id.clone(), version, 2_200)).collect();
    (records, if held > 0 { vec![derived] } else { vec![] })
}

async fn scan(sqlite: &Sqlite, kind: ScanKind, version: u64, held: u64) {
    let begin = move |row: &ScanRow, _: u64| {
        let lease = Some(Lease { attempt: "mine".to_owned(), until_ms: 0 });
        let scan = row.scan + 1;
        Some(ScanRow { scan, kind: Some(kind), running: true, lease, ..row.clone() })
    };
    let whose = "id-of-a";
    let row = sqlite.change_scan(whose, "orders", Box::new(begin)).await.unwrap();
    let pages: Vec<_> = (0..PAGES).map(|number| page(number, version, held)).collect();
    let began = Instant::now();
    for (number, (records, derived)) in pages.into_iter().enumerate() {
        let last = number as u64 + 1 == PAGES;
        let step = ScanStep {
            scan: row.scan,
            attempt: "mine".to_owned(),
            next: (!last).then(|| number.to_string()),
            wait_ms: None,
            bookmark: None,
            outside: 0,
            lease_ms: 0,
        };
        let batch = Batch {
            records,
            derived,
            step: Some(step),
            ..Batch::new(whose, "orders", Source::Page, sqlite.moment(whose).await.unwrap())
        };
        sqlite.apply(batch).await.unwrap();
    }
    let rate = (PAGES * PAGE) as f64 / began.elapsed().as_secs_f64();
    println!("{kind:?}, version {version}, each holds {held}: {rate:.0} records/s");
}

/// Deliveries of one record each, many at once.
async fn alone(sqlite: &Arc<Sqlite>) {
    let began = Instant::now();
    let deliveries = (0..2_000_u32).map(|number| {
        let mut batch = super::page(&ScanRow::new(WHOSE, OBJECT), 1);
        batch.step = None;
        batch.derived.clear();
        batch.records = vec![record(format!("delivered-{number}"), 1, 2_200)];
        let sqlite = Arc::clone(sqlite);
        tokio::spawn(async move { sqlite.apply(batch).await })
    });
    let running: Vec<_> = deliveries.collect();
    for delivery in running {
        delivery.await.unwrap().unwrap();
    }
    println!("alone: {:.0} records/s", 2_000.0 / began.elapsed().as_secs_f64());
}

#[tokio::test]
#[ignore = "prints figures"]
async fn speed() {
    for held in [0, 4] {
        let disk = <OnDisk as Database>::new();
        let sqlite = Arc::new(Sqlite::open(&disk.path(), Arc::new(SystemClock)).unwrap());
        sqlite.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
        scan(&sqlite, ScanKind::Incremental, 1, held).await;
        scan(&sqlite, ScanKind::Incremental, 1, held).await;
        scan(&sqlite, ScanKind::Full, 1, held).await;
        scan(&sqlite, ScanKind::Full, 1, held).await;
        scan(&sqlite, ScanKind::Incremental, 2, held).await;
        let bytes = std::fs::metadata(disk.path()).unwrap().len();
        println!("{} bytes a record on the disk", bytes / PAGES / PAGE);
        alone(&sqlite).await;
        drop(sqlite);
        let began = Instant::now();
        disk.sqlite();
        println!("opened in {:?}", began.elapsed());
    }
}
