//! A server for tests, and what is only this database's.

mod alike;
mod lost;
mod refused;
mod stress;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use connector_contract::clock::{Clock, TokioClock};
use connector_state::conformance::{Database, START_S, State};

use super::testing::TestServer;
use super::*;

/// A schema of its own, and the time of a conformance case.
pub(super) struct InSchema {
    name: String,
    opened: Postgres,
}

impl InSchema {
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// Numbers schemas.
static MADE: AtomicU32 = AtomicU32::new(0);

pub(super) fn address() -> Address {
    let name = format!("case_{}", MADE.fetch_add(1, Ordering::Relaxed));
    let given = format!("{}&schema={name}&connections=4", TestServer::get().place());
    Address::read(&given, |_| None).unwrap()
}

impl Database for InSchema {
    fn new() -> Self {
        let address = address();
        // With a runtime of its own, whose time is not paused.
        let prepared = address.clone();
        let preparing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(Postgres::open(&prepared)).map(drop)
        });
        preparing.join().unwrap().unwrap();
        let start = UNIX_EPOCH + Duration::from_secs(START_S);
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(start));
        let opened = Postgres::open_at(&address, Arc::clone(&clock)).unwrap();
        Self { name: address.schema, opened }
    }

    fn open(&self) -> Arc<dyn State> {
        Arc::new(self.opened.clone())
    }
}

connector_state::conformance_tests!(
    #[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
    InSchema
);

/// What a connector describes is read as tables, made anew and taken away.
#[tokio::test]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn views_take_the_place_of_those_of_before() {
    use connector_state::conformance::connection;
    use connector_state::mirror::{Batch, Mirror as _, Source};
    use connector_state::views::ViewFile;
    let file = |tables: &str| {
        let text = format!(r#"{{"version": 1, "title": "Parcels", "tables": {tables}}}"#);
        ViewFile::read(&text, &|_, _| Some(true)).unwrap()
    };
    let postgres = Postgres::open(&address()).await.unwrap();
    postgres.commit(vec![Change::PutConnection(connection("a"))]).await.unwrap();
    let mut batch = Batch::new("id-of-a", "parcels", Source::Lookup, 0);
    for (id, data) in [
        (
            "1",
            r#"{"n": 9, "it's": {"x/y": "é"}, "sent": "2026-02-27T01:02:03Z", "got": "2026-03-01"}"#,
        ),
        ("2", r#"{"n": 10, "sent": "2026-02-31", "got": null}"#),
    ] {
        batch.records.push(connector_contract::types::DataRecord {
            id: id.to_owned(),
            updated_at: None,
            created_at: None,
            version: None,
            data: data.to_owned(),
        });
    }
    postgres.apply(batch).await.unwrap();
    let one = file(
        r#"{"parcels": {"of": "parcels", "columns": {"n": "/n", "it": "/it's/x~1y", "day": {"date": ["/sent"]},
                "days": {"days": ["/sent", "/got"]}, "in_time": {"not_after": ["/got", ["/due", "/got"]]}}},
            "all": {"of": "parcels", "by": ["connection"], "columns": {"rows": {"rows": {}},
                "in_time": {"count": ["in_time", ["1"]]}, "share": {"mean": "in_time"}, "most": {"max": "n"},
                "mean": {"mean": "days"}}}}"#,
    );
    let made = postgres.make_views("orders", &one).await.unwrap();
    assert_eq!(made, Ok(vec!["parcels".to_owned(), "all".to_owned()]));
    let told = |sql: &'static str| {
        let work: Work<&'static str, Vec<String>> = |on, sql| Box::pin(on.simple(sql));
        postgres.read(sql, work)
    };
    assert_eq!(
        told("SELECT row_to_json(p)::text FROM parcels p ORDER BY id").await.unwrap(),
        [
            r#"{"connection":"a","id":"1","n":"9","it":"é","day":"2026-02-27","days":2,"in_time":true}"#,
            r#"{"connection":"a","id":"2","n":"10","it":null,"day":"2026-02-31","days":null,"in_time":null}"#,
        ]
    );
    assert_eq!(
        told(r#"SELECT row_to_json(a)::text FROM "all" a"#).await.unwrap(),
        [r#"{"connection":"a","rows":2,"in_time":1,"share":1.0000,"most":"10","mean":2.0000}"#]
    );
    let other = file(r#"{"parcels": {"of": "parcels", "columns": {"m": "/n"}}}"#);
    assert_eq!(postgres.make_views("shop", &other).await.unwrap(), Err("parcels".to_owned()));
    postgres.make_views("orders", &other).await.unwrap().unwrap();
    assert!(told(r#"SELECT 1 FROM "all""#).await.is_err());
    for taken in ["records", "connections", "mirror_heads", "state_day"] {
        let tables = format!(r#"{{"{taken}": {{"of": "parcels", "columns": {{}}}}}}"#);
        let made = postgres.make_views("orders", &file(&tables)).await.unwrap();
        assert_eq!(made.is_err(), taken != "state_day", "{taken}");
    }
}
