//! How the statements reach their rows, as a golden file: whoever makes one read a table from end to
//! end, or forgets an index, sees it there.
//!
//! Every statement that is prepared is noted. All conformance cases run; then what they asked for is
//! explained in a schema whose tables are filled, as a plan that does not look at what is bound, because
//! that is what a statement that runs often gets. `make bless` writes the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;

use super::session::Work;
use super::tests::{InSchema, address};
use super::{Inner, Postgres};

/// Statements, by the schema.
static NOTED: Mutex<BTreeMap<String, BTreeSet<String>>> = Mutex::new(BTreeMap::new());

/// Notes a statement.
pub fn note(inner: &Inner, sql: &str) {
    let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    NOTED.lock().unwrap().entry(inner.schema.clone()).or_default().insert(sql);
}

/// Small tables, and those of which all rows are asked for: lists of connections and forwards, and of
/// what belongs to them in a small number.
const SCANNED: [&str; 25] = [
    // Sequences.
    "inbox_delivery_numbers",
    "mirror_bodies_body_seq",
    "tokens",
    "revisions",
    "moves",
    "connections",
    "forwards",
    "grants",
    "hooks",
    "subscriptions",
    "inboxes",
    "inbox_progress",
    "receiver",
    "removed_connections",
    "removed_pushes",
    "state_version",
    "master_keys",
    "hosts",
    "claims",
    "mirror_members",
    "mirror_indexes",
    "mirrors",
    "mirror_objects",
    // Dead letters and runs of all connections are listed whole.
    "mirror_dead_letters",
    "pushes",
];

/// Rows of 500 connections.
const FILL: &str = r"
INSERT INTO connections SELECT 'c' || n, 'c' || n, 'orders', '', '{}', '', 0 FROM generate_series(1, 500) n;
INSERT INTO mirrors SELECT n, 'c' || n, 100, 0, n FROM generate_series(1, 500) n;
INSERT INTO mirror_sets SELECT n, n % 500 + 1, false FROM generate_series(1, 1000) n;
INSERT INTO mirror_objects SELECT n, n % 500 + 1, 'o' || n / 500, CASE WHEN n > 500 THEN n - 500 END, n, 0, 0, 0
    FROM generate_series(1, 1000) n;
INSERT INTO mirror_heads SELECT n % 1000 + 1, 'r' || n, n, CASE n % 20 WHEN 0 THEN 'deleted' ELSE 'live' END,
    n / 500, sha256(n::text::bytea), 0, null, n % 3, 1 FROM generate_series(1, 60000) n;
INSERT INTO mirror_bodies SELECT n, null, '{}', null FROM generate_series(1, 60000) n;
INSERT INTO mirror_changes SELECT n % 500 + 1, n / 500, n % 1000 + 1, 'r' || n, 'updated', false, 'page', n, null,
    n / 500 - 1, null, null, null, null FROM generate_series(1, 60000) n;
INSERT INTO mirror_indexes SELECT n, n, '{}', CASE WHEN n % 100 = 0 THEN '' END, n % 100 = 1 FROM generate_series(1, 1000) n;
INSERT INTO mirror_members SELECT 'orders', 'o' || n, '{}' FROM generate_series(0, 2) n;
INSERT INTO mirror_entries SELECT n % 1000 + 1, n / 1000 % 6, 'v' || n % 977, n FROM generate_series(1, 60000) n;
INSERT INTO mirror_values SELECT n % 1000 + 1, n / 1000 % 6, false, 'v' || n, 5 FROM generate_series(1, 60000) n;
INSERT INTO hosts SELECT 'h' || n, 0, '', '', 'orders', 0 FROM generate_series(1, 8) n;
INSERT INTO claims SELECT 'c' || n, 'h' || n % 8 + 1 FROM generate_series(1, 500) n;
INSERT INTO mirror_versions SELECT n % 500 + 1, n / 500, n, '' FROM generate_series(1, 60000) n;
INSERT INTO mirror_readers SELECT 'consumer', 'r' || n % 40, n / 40 + 1, 5, n FROM generate_series(0, 19999) n;
INSERT INTO mirror_scans SELECT n, 1, 'full', false, null, null, 0, 0, 0, 0, 0, 0, 0, 0, false, null, null, null,
    null, null, null, null, null, 0, null FROM generate_series(1, 1000) n;
INSERT INTO mirror_bookmarks SELECT n % 1000 + 1, n, 'b' FROM generate_series(1, 30000) n;
INSERT INTO mirror_look_ups SELECT n % 1000 + 1, 'r' || n, 1, n % 5, n, null FROM generate_series(1, 30000) n;
INSERT INTO mirror_wakes SELECT n % 1000 + 1, n, n, 'r' || n FROM generate_series(1, 60000) n;
INSERT INTO mirror_raised SELECT n % 1000 + 1, 'rule' || n % 3, n, 'r' || n FROM generate_series(1, 60000) n;
INSERT INTO mirror_drifts SELECT n % 1000 + 1, '/' || n FROM generate_series(1, 30000) n;
INSERT INTO mirror_dead_letters SELECT n, n % 1000 + 1, null, '', sha256(n::text::bytea), '', n, null
    FROM generate_series(1, 30000) n;
INSERT INTO secrets SELECT 'c' || n % 500 + 1, 's' || n, 1, '', 0, n FROM generate_series(1, 20000) n;
INSERT INTO grants SELECT 'c' || n, 1, 'valid', 0, null, null, '', 0, null, '[]', '{}', null, 0, '', n
    FROM generate_series(1, 500) n;
INSERT INTO sessions SELECT sha256(n::text::bytea), 'c' || n, '', '', '', '{}', '', 0, '', '', null, 0, n
    FROM generate_series(1, 20000) n;
INSERT INTO session_secrets SELECT sha256(n::text::bytea), '', 's', 1, '', 0, null FROM generate_series(1, 20000) n;
INSERT INTO limits (account, name, idle_day) SELECT 'c' || n, 'l', n FROM generate_series(1, 20000) n;
INSERT INTO rates SELECT 'c' || n % 500, 'l', n, 0, 0, 0 FROM generate_series(1, 60000) n;
INSERT INTO hooks (connection, token, made_ms) SELECT 'c' || n, n::text, 0 FROM generate_series(1, 500) n;
INSERT INTO subscriptions SELECT 'c' || n, 'o', '[]', '', null, null, 0, null, null, 0 FROM generate_series(1, 500) n;
INSERT INTO inboxes SELECT n, 'c' || n, 5, 5 FROM generate_series(1, 500) n;
INSERT INTO inbox_keys SELECT n % 500 + 1, sha256(n::text::bytea), n % 2 FROM generate_series(1, 60000) n;
INSERT INTO inbox_deliveries SELECT n, n % 500 + 1, n, 0, '', '', '[]', '' FROM generate_series(1, 60000) n;
INSERT INTO inbox_events (number, delivery, inbox, state, asks, next_ms, attempts, effect, object, name)
    SELECT n, n, n % 500 + 1, CASE WHEN n % 600 = 0 THEN 2 WHEN n % 50 = 1 THEN 0 ELSE 1 END, n % 2 = 0,
        CASE n % 50 WHEN 1 THEN n END, 0, 3, '', '' FROM generate_series(1, 60000) n;
INSERT INTO pushes SELECT 'p' || n, 'c' || n % 500 + 1, '', 'upsert', '', sha256(n::text::bytea), n, n, 0, 0, 0, 0, 0
    FROM generate_series(1, 20000) n;
INSERT INTO run_leases SELECT 'p' || n, 'orders', '', '', n FROM generate_series(1, 5000) n;
INSERT INTO labels SELECT 'c' || n % 500 + 1, 'l' || n, 'v' || n % 50 FROM generate_series(1, 15000) n;
INSERT INTO intents SELECT 'p' || n % 20000 + 1, n, n, 'k', null, null, 'done', null, null, null, null, 0, null, null, CASE WHEN n % 100 = 0 THEN n END, null
    FROM generate_series(1, 60000) n;
INSERT INTO push_claims SELECT 'c' || n % 500, 'o', 'k' || n, 'w' || n % 100, 'p' || n, n, 0
    FROM generate_series(1, 20000) n;
INSERT INTO journal (connection, at_ms, kind, object, data, folds, day)
    SELECT 'c' || n % 500 + 1, n, 'setting', 'o', '{}', n % 2 = 0, CASE WHEN n % 2 = 1 THEN n END
    FROM generate_series(1, 60000) n;
INSERT INTO forwards SELECT 'f' || n, 'f' || n, 'orders', null, '', '[]', null, false, '', true, 0, null, null, null, null
    FROM generate_series(1, 8) n;
INSERT INTO forward_versions SELECT n % 500 + 1, n / 500, null, null FROM generate_series(1, 60000) n;
INSERT INTO forward_undelivered SELECT 'f' || n % 8 + 1, n % 500 + 1, n / 500, n % 1000 + 1, 'r' || n, 0,
    CASE WHEN n % 2 = 0 THEN n END, '' FROM generate_series(1, 30000) n;
INSERT INTO tokens SELECT 't' || n, sha256(n::text::bytea), 'read', null, 0, n, null FROM generate_series(1, 1000) n;
INSERT INTO writes (at_ms, caller, action, target, key, request)
    SELECT n, 't' || n % 100, '', '', CASE WHEN n % 50 = 0 THEN sha256(n::text::bytea) END, '' FROM generate_series(1, 60000) n;
INSERT INTO write_answers SELECT n * 50, 'c' || n % 500 + 1, 200, '' FROM generate_series(1, 1200) n;
INSERT INTO reads SELECT n, 't', 1 FROM generate_series(1, 60000) n;
INSERT INTO links SELECT sha256(n::text::bytea), 'c' || n % 500 + 1, 'key', '[]', null, '', null, n FROM generate_series(1, 20000) n;
ANALYZE;
SET plan_cache_mode = force_generic_plan";

/// All statements that these schemas were asked.
fn noted(schemas: &[InSchema]) -> BTreeSet<String> {
    let noted = NOTED.lock().unwrap();
    schemas.iter().filter_map(|schema| noted.get(schema.name())).flatten().cloned().collect()
}

/// How many values a statement binds.
fn bound(sql: &str) -> usize {
    (1..100).rev().find(|number| sql.contains(&format!("${number}"))).unwrap_or(0)
}

/// The ways to rows in a plan, and the tables that it reads from end to end.
fn ways(plan: &[String]) -> (BTreeSet<String>, Vec<String>) {
    let (mut ways, mut scanned) = (BTreeSet::new(), Vec::new());
    for line in plan {
        let step = line.trim().trim_start_matches("-> ");
        let Some((how, what)) = step.split_once(" on ").filter(|(how, _)| how.contains("Scan"))
        else {
            continue;
        };
        let table = what.split(' ').next().unwrap_or_default();
        // The server's own, asked when a schema is opened: not by each case.
        if table.starts_with("pg_") {
            continue;
        }
        match how.split_once(" using ") {
            Some((_, index)) => drop(ways.insert(format!("{table} by {index}"))),
            None if how.starts_with("Bitmap Index") => drop(ways.insert(format!("index {table}"))),
            None if how.contains("Seq Scan") => {
                ways.insert(format!("{table}, all of it"));
                if !SCANNED.contains(&table) {
                    scanned.push(table.to_owned());
                }
            }
            None => {}
        }
    }
    (ways, scanned)
}

#[tokio::test(start_paused = true)]
#[cfg_attr(without_server, ignore = "PostgreSQL is not installed")]
async fn golden() {
    let mut schemas: Vec<InSchema> = Vec::new();
    connector_state::store_cases! { conformance_runs InSchema, schemas, }
    connector_state::mirror_cases! { conformance_runs InSchema, schemas, }
    connector_state::outbox_cases! { conformance_runs InSchema, schemas, }
    connector_state::push_cases! { conformance_runs InSchema, schemas, }
    connector_state::slots_cases! { conformance_runs InSchema, schemas, }
    connector_state::inbox_cases! { conformance_runs InSchema, schemas, }
    connector_state::journal_cases! { conformance_runs InSchema, schemas, }
    connector_state::rates_cases! { conformance_runs InSchema, schemas, }
    connector_state::hosts_cases! { conformance_runs InSchema, schemas, }
    connector_state::access_cases! { conformance_runs InSchema, schemas, }
    connector_state::moving_cases! { conformance_runs InSchema, schemas, }
    let statements = noted(&schemas);
    let explained = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(explain(statements))
    });
    let (text, scans) = explained.join().unwrap();
    assert!(scans.is_empty(), "these read a whole table: {scans:#?}");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plans.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(kept == text, "{} is not what is asked now; run make bless:\n{text}", golden.display());
}

async fn explain(statements: BTreeSet<String>) -> (String, Vec<String>) {
    let postgres = Postgres::open(&address()).await.unwrap();
    let work: Work<BTreeSet<String>, (String, Vec<String>)> = |on, statements| {
        Box::pin(async move {
            on.batch(FILL).await?;
            let (mut text, mut scans) = (String::new(), Vec::new());
            for (number, sql) in statements.iter().enumerate() {
                let is_explained = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"]
                    .iter()
                    .any(|word| sql.starts_with(word));
                if !is_explained {
                    continue;
                }
                let nothing = vec!["NULL"; bound(sql)].join(", ");
                let nothing = if nothing.is_empty() { nothing } else { format!("({nothing})") };
                on.batch(&format!("PREPARE p{number} AS {sql}")).await?;
                let plan = format!("EXPLAIN (COSTS OFF) EXECUTE p{number}{nothing}");
                let plan = on.simple(&plan).await?;
                let (ways, scanned) = ways(&plan);
                scans.extend(scanned.iter().map(|table| format!("{table}: {sql}")));
                if !ways.is_empty() {
                    let ways: Vec<_> = ways.into_iter().collect();
                    // Writing to a text cannot fail.
                    let _ = writeln!(text, "{sql}\n    {}\n", ways.join("\n    "));
                }
            }
            Ok((text, scans))
        })
    };
    postgres.read(statements, work).await.unwrap()
}
