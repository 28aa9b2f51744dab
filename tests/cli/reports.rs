//! Tables for reports, as `docs/reports.md` shows them.

use std::collections::BTreeMap;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::Account;
use super::keeping::Keeper;
use super::syncing::values;

const REPORTS: &str = include_str!("../../docs/reports.md");

#[tokio::test(flavor = "multi_thread")]
async fn tables_hold_what_the_provider_has_and_every_documented_query_runs() {
    let account = Account::new().await;
    account.simulator.seed(3, 250);
    let keeper = Keeper::new("reports");
    keeper.keep(&account, "default");
    keeper.run(&["--limits", "off", "sync", "trackings"]).quiet();
    for _ in 0..2 {
        let made = values(&keeper.run(&["state", "views"]).quiet());
        let names: Vec<&str> = made.iter().map(|row| row["table"].as_str().unwrap()).collect();
        assert_eq!(names, ["shipments", "checkpoints", "orders", "courier_performance"]);
    }

    let file = keeper.state().join("state.db");
    let on = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let truth: Vec<Value> = account
        .simulator
        .trackings()
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let mut statuses: BTreeMap<String, u64> = BTreeMap::new();
    for tracking in &truth {
        *statuses.entry(tracking["tag"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let mut of_tables =
        on.prepare("SELECT status, count(*) FROM shipments GROUP BY status").unwrap();
    let of_tables = of_tables.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(of_tables.map(Result::unwrap).collect::<BTreeMap<String, u64>>(), statuses);

    let number = |sql: &str| on.query_row(sql, (), |row| row.get::<_, u64>(0)).unwrap();
    let scans =
        truth.iter().map(|it| it["checkpoints"].as_array().map_or(0, Vec::len)).sum::<usize>();
    assert_eq!(number("SELECT count(*) FROM checkpoints"), scans as u64);
    let joined =
        "SELECT count(*) FROM checkpoints AS c JOIN shipments AS s ON s.id = c.tracking_id";
    assert_eq!(number(joined), scans as u64);
    for grouped in ["orders", "courier_performance"] {
        assert_eq!(number(&format!("SELECT sum(shipments) FROM {grouped}")), 250);
        let delivered = format!("SELECT sum(delivered) FROM {grouped}");
        assert_eq!(number(&delivered), statuses["Delivered"]);
    }
    // What can be told is told of those that were delivered, and of no other.
    let told = number("SELECT count(*) FROM shipments WHERE in_time IS NOT NULL");
    assert!(
        told > 0 && told <= number("SELECT count(*) FROM shipments WHERE delivered_on IS NOT NULL")
    );
    assert_eq!(number("SELECT count(*) FROM shipments WHERE in_time NOT IN (0, 1)"), 0);

    let queries: Vec<&str> =
        REPORTS.split("```sql\n").skip(1).map(|it| it.split("```").next().unwrap()).collect();
    assert_eq!(queries.len(), 3);
    for query in queries {
        on.prepare(query).unwrap().query(()).unwrap().next().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_without_a_view_file_says_so() {
    let account = Account::new().await;
    let keeper = Keeper::new("no-reports");
    keeper.keep(&account, "default");
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/dist/shop-connector.wasm");
    let ended = keeper.run(&["--component", shop, "state", "views"]);
    assert!(ended.err.contains("describes no tables"), "{}", ended.err);
    assert_eq!(ended.out, "");
}
