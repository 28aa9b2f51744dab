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
async fn kept_records_are_listed_by_what_they_hold_and_counted() {
    let account = Account::new().await;
    account.simulator.seed(3, 250);
    let keeper = Keeper::new("listed");
    keeper.keep(&account, "default");
    keeper.run(&["--limits", "off", "sync", "trackings"]).quiet();
    let truth: Vec<Value> = account
        .simulator
        .trackings()
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let listed = |more: &[&str]| {
        let list = [&["records", "list", "trackings", "--max", "1000"], more].concat();
        values(&keeper.run(&list).quiet())
    };
    let expected = |holds: &dyn Fn(&Value) -> bool| {
        let mut ids: Vec<&str> =
            truth.iter().filter(|it| holds(it)).map(|it| it["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        assert!(!ids.is_empty());
        ids.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let ids = |rows: &[Value]| {
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let delivered = listed(&["--where", "tag=Delivered", "--sort", "id"]);
    assert_eq!(ids(&delivered), expected(&|it| it["tag"] == "Delivered"));
    let of_one = truth[0]["slug"].as_str().unwrap();
    let (carrier, status) = (format!("carrier={of_one}"), "status=Delivered");
    let both = listed(&["--where", &carrier, "--where", status, "--sort", "id", "--desc"]);
    let mut of_both = expected(&|it| it["slug"] == of_one && it["tag"] == "Delivered");
    of_both.reverse();
    assert_eq!(ids(&both), of_both);
    let number = truth[7]["tracking_number"].as_str().unwrap();
    let begins: String = number.chars().take(6).collect();
    let begins = format!("tracking_number^={begins}");
    let found = listed(&["--where", &begins]);
    assert!(found.iter().any(|row| row["tracking_number"] == number), "{found:?}");
    // The newest first, page by page.
    let (mut told, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut page = vec!["records", "list", "trackings", "--max", "60"];
        page.extend(after.iter().flat_map(|after| ["--after", after]));
        let page = keeper.run(&page);
        told.extend(values(&page.out));
        let next =
            page.err.split_once("--after '").map(|(_, next)| next.split_once('\'').unwrap().0);
        after = next.map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    let times: Vec<&str> = told.iter().map(|row| row["updated_at"].as_str().unwrap()).collect();
    assert!(told.len() == 250 && times.is_sorted_by(|one, other| one >= other));
    let refused = keeper.run(&["records", "list", "trackings", "--where", "colour=red"]);
    refused.failed(2, &["\"colour\"", "status or /tag", "order or /order_number", "due"]);
    let refused = keeper.run(&["records", "list", "checkpoints"]);
    refused.failed(2, &["lie in those of trackings"]);

    let counts = values(&keeper.run(&["records", "counts", "trackings"]).quiet());
    let of =
        |value: &str| counts.iter().find(|row| row["value"] == value).unwrap()["records"].clone();
    assert_eq!(of("Delivered"), delivered.len());
    assert_eq!(of(of_one), truth.iter().filter(|it| it["slug"] == of_one).count());

    // The same as by SQL, over all of them.
    keeper.run(&["state", "views"]).quiet();
    let file = keeper.state().join("state.db");
    let on = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let arguments = ["records", "analytics", "trackings", "--weeks", "520", "--output", "json"];
    let told: Value = serde_json::from_str(&keeper.run(&arguments).quiet()).unwrap();
    let sum = |rows: &Value, of: &str| {
        rows.as_array().unwrap().iter().map(|row| row[of].as_u64().unwrap()).sum::<u64>()
    };
    for groups in [&told["carriers"], &told["lanes"]] {
        for (of, sql) in [
            ("n", "count(*)"),
            ("base", "count(in_time)"),
            ("in_time", "coalesce(sum(in_time), 0)"),
            ("trouble", "sum(status IN ('AttemptFail', 'Exception'))"),
        ] {
            let sql = format!("SELECT {sql} FROM shipments");
            let expected = on.query_row(&sql, (), |row| row.get::<_, u64>(0)).unwrap();
            assert_eq!(sum(groups, of), expected, "{of}");
        }
    }
    let carrier = told["carriers"].as_array().unwrap().iter().find(|it| it["key"][0] == of_one);
    let sql = "SELECT days_on_the_way FROM shipments
               WHERE courier = ? AND days_on_the_way >= 0 ORDER BY days_on_the_way";
    let mut days = on.prepare(sql).unwrap();
    let days = days.query_map([of_one], |row| row.get::<_, u64>(0)).unwrap();
    let days: Vec<u64> = days.map(Result::unwrap).collect();
    assert!(days.len() > 5);
    assert_eq!(carrier.unwrap()["p50"], days[days.len().div_ceil(2) - 1].min(30));
    for (of, sql) in [
        ("n", "count(*)"),
        ("base", "count(in_time)"),
        ("in_time", "sum(in_time)"),
        ("trouble", "sum(status IN ('AttemptFail', 'Exception'))"),
    ] {
        let sql = format!("SELECT {sql} FROM shipments");
        assert_eq!(told["all"][of], on.query_row(&sql, (), |row| row.get::<_, u64>(0)).unwrap());
    }
    let mut reasons = on
        .prepare(
            "SELECT substatus, courier, count(*) FROM shipments
             WHERE status IN ('AttemptFail', 'Exception') GROUP BY 1, 2",
        )
        .unwrap();
    let reasons = reasons.query_map((), |row| row.try_into()).unwrap();
    let reasons: Vec<(String, String, u64)> = reasons.map(Result::unwrap).collect();
    let cell = |code: &str| {
        let found = told["reasons"].as_array().unwrap().iter();
        found.clone().find(|it| it["reason"] == code).cloned().unwrap_or_default()
    };
    for (code, courier, count) in &reasons {
        assert_eq!(cell(code)["carriers"][courier], *count, "{code} of {courier}");
        assert!(cell(code)["words"].is_string(), "{code} has no words");
    }
    let troubled: u64 = reasons.iter().map(|(.., count)| count).sum();
    assert!(troubled > 0);
    assert_eq!(sum(&told["reasons"], "n"), troubled);
    // All were met once, each in the status that it has.
    let entered = |status: &str| -> u64 {
        let days = told["entered"].as_array().unwrap();
        days.iter().filter_map(|day| day["counts"][status].as_u64()).sum()
    };
    let mut statuses =
        on.prepare("SELECT status, count(*) FROM shipments GROUP BY status").unwrap();
    let statuses = statuses.query_map((), |row| row.try_into()).unwrap();
    for (status, count) in statuses.map(Result::<(String, u64), _>::unwrap) {
        assert_eq!(entered(&status), count, "{status}");
    }
    assert_eq!(told["statuses"]["Delivered"], of("Delivered"));
    let weeks = told["weeks"].as_array().unwrap();
    let delivered: u64 = weeks.iter().filter_map(|week| week["counts"]["Delivered"].as_u64()).sum();
    assert_eq!(delivered, of("Delivered"));
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
