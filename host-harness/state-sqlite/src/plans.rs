//! How SQLite finds what the statements of an area ask for, as golden files: whoever makes one read
//! a table from end to end, or forgets an index, sees it there.
//!
//! Every statement that comes by [`crate::columns`] is noted by its file. An area's conformance
//! cases run, and the plans of all that they asked for are compared with `plans/AREA.txt`;
//! `make bless` writes these.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;

use rusqlite::{Connection, Statement, StatementStatus};

use crate::tests::OnDisk;

/// Statements, by the path of the file.
static NOTED: Mutex<BTreeMap<String, BTreeSet<String>>> = Mutex::new(BTreeMap::new());

/// Notes a statement, which may not be prepared anew again and again: that would cost more than most of
/// them take to run. Once is right after the schema has changed, which making views does.
pub fn note(on: &Connection, sql: &str, statement: &Statement<'_>) {
    assert!(statement.get_status(StatementStatus::RePrepare) < 3, "prepared anew: {sql}");
    if let Some(path) = on.path() {
        let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
        NOTED.lock().unwrap().entry(path.to_owned()).or_default().insert(sql);
    }
}

/// All statements that these files were asked.
fn noted(files: &[OnDisk]) -> BTreeSet<String> {
    let noted = NOTED.lock().unwrap();
    let of = |file: &OnDisk| noted.get(&file.path().display().to_string()).cloned();
    files.iter().filter_map(of).flatten().collect()
}

/// The steps of a statement.
fn steps(on: &Connection, sql: &str) -> Vec<String> {
    let mut plan = on.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    plan.raw_query().mapped(|row| row.get("detail")).map(Result::unwrap).collect()
}

/// What an area's golden file leaves out: the statements of other areas' cases, and those that name a
/// table that begins so.
pub struct Others<'a>(pub &'a BTreeSet<String>, pub &'a [&'a str]);

/// Compares the plans of what these files were asked with the golden file of an area. `scanned`: what
/// may be read from end to end, because it is small or all of it was asked for.
pub fn check(area: &str, files: &[OnDisk], but: &Others<'_>, scanned: &[&str]) {
    let on = files.first().unwrap().raw();
    let (mut text, mut scans) = (String::new(), Vec::new());
    for sql in noted(files).difference(but.0) {
        if but.1.iter().any(|table| sql.contains(table)) {
            continue;
        }
        let steps = steps(&on, sql);
        let is_bad = |step: &&String| {
            let table = step.strip_prefix("SCAN ");
            let may = |table: &str| {
                scanned.iter().any(|it| table == *it || table.starts_with(&format!("{it} ")))
            };
            table.is_some_and(|table| !may(table))
        };
        scans.extend(steps.iter().filter(is_bad).map(|step| format!("{step}: {sql}")));
        if !steps.is_empty() {
            writeln!(text, "{sql}\n    {}\n", steps.join("\n    ")).unwrap();
        }
    }
    assert!(scans.is_empty(), "these read a whole table: {scans:#?}");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/plans/{area}.txt"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
        std::fs::write(&golden, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(kept == text, "{} is not what is asked now; run make bless:\n{text}", golden.display());
}

/// What the cases of `store` ask for stands in its own file alone.
async fn of_store() -> Vec<OnDisk> {
    let mut files = Vec::new();
    connector_state::store_cases! { conformance_runs OnDisk, files, }
    files
}

#[tokio::test(start_paused = true)]
async fn golden_store() {
    let lists_all = ["connections", "removed_connections", "removed_pushes", "revisions"];
    let others = Others(&BTreeSet::new(), &["mirror_"]);
    check("store", &of_store().await, &others, &lists_all);
}

#[tokio::test(start_paused = true)]
async fn golden_push() {
    let mut files = Vec::new();
    connector_state::push_cases! { conformance_runs OnDisk, files, }
    let of_store = noted(&of_store().await);
    // `pushes` of all connections lists them all.
    check(
        "push",
        &files,
        &Others(&of_store, &["mirror_", "FROM journal"]),
        &["p", "f", "removed_connections", "removed_pushes"],
    );
}

#[tokio::test(start_paused = true)]
async fn golden_slots() {
    let mut files = Vec::new();
    connector_state::slots_cases! { conformance_runs OnDisk, files, }
    check("slots", &files, &Others(&noted(&of_store().await), &[]), &[]);
}

#[tokio::test(start_paused = true)]
async fn golden_rates() {
    let mut files = Vec::new();
    connector_state::rates_cases! { conformance_runs OnDisk, files, }
    check("rates", &files, &Others(&noted(&of_store().await), &["limits"]), &[]);
}

#[tokio::test(start_paused = true)]
async fn golden_hosts() {
    let mut files = Vec::new();
    connector_state::hosts_cases! { conformance_runs OnDisk, files, }
    let but = ["mirror_changes", "mirror_readers", "INSERT", "REPLACE INTO mirror"];
    // Hosts are few.
    check("hosts", &files, &Others(&noted(&of_store().await), &but), &["h", "m"]);
}

#[tokio::test(start_paused = true)]
async fn golden_access() {
    let mut files = Vec::new();
    connector_state::access_cases! { conformance_runs OnDisk, files, }
    // Tokens are few.
    check("access", &files, &Others(&noted(&of_store().await), &[]), &["tokens"]);
}

#[tokio::test(start_paused = true)]
async fn golden_lists() {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    connector_state::lists_cases! { conformance_runs OnDisk, files, }
    connector_state::store_cases! { conformance_runs OnDisk, others, }
    connector_state::mirror_cases! { conformance_runs OnDisk, others, }
    connector_state::push_cases! { conformance_runs OnDisk, others, }
    connector_state::inbox_cases! { conformance_runs OnDisk, others, }
    check("lists", &files, &Others(&noted(&others), &["FROM journal"]), &[]);
}

#[tokio::test(start_paused = true)]
async fn golden_runs() {
    let mut files = Vec::new();
    connector_state::runs_cases! { conformance_runs OnDisk, files, }
    let but = ["intents", "INTO pushes", "journal", "mirror_"];
    check("runs", &files, &Others(&noted(&of_store().await), &but), &[]);
}

#[tokio::test(start_paused = true)]
async fn golden_mirror() {
    let mut files = Vec::new();
    connector_state::mirror_cases! { conformance_runs OnDisk, files, }
    let of_store = noted(&of_store().await);
    // Connections and forwards are few, and what a record holds is read whole.
    // Dead letters of all connections are listed whole.
    let few =
        ["m", "mirrors", "connections", "n", "f", "forwards", "d", "removed_connections", "moves"];
    check("mirror", &files, &Others(&of_store, &[]), &few);
}

#[tokio::test(start_paused = true)]
async fn golden_outbox() {
    let (mut files, mut of_mirror) = (Vec::new(), Vec::new());
    connector_state::outbox_cases! { conformance_runs OnDisk, files, }
    connector_state::mirror_cases! { conformance_runs OnDisk, of_mirror, }
    let mut others = noted(&of_store().await);
    others.extend(noted(&of_mirror));
    check(
        "outbox",
        &files,
        &Others(&others, &[]),
        &["m", "mirrors", "n", "f", "removed_connections", "moves"],
    );
}

#[tokio::test(start_paused = true)]
async fn golden_journal() {
    let mut files = Vec::new();
    connector_state::journal_cases! { conformance_runs OnDisk, files, }
    // What else the cases ask for stands in the files of its areas.
    let others = noted(&of_store().await);
    let but = ["mirror", "hooks", "subscriptions", "pushes", "intents", "inbox", "receiver"];
    check("journal", &files, &Others(&others, &but), &["json_each"]);
}

#[tokio::test(start_paused = true)]
async fn golden_inbox() {
    let mut files = Vec::new();
    connector_state::inbox_cases! { conformance_runs OnDisk, files, }
    // One row for each connection, or for each of its objects.
    let few = ["c", "i", "hooks", "subscriptions", "removed_connections"];
    check("inbox", &files, &Others(&noted(&of_store().await), &["mirror_"]), &few);
}

/// What only moves ask for: the other areas' statements stand in their files.
#[tokio::test(start_paused = true)]
async fn golden_moving() {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    connector_state::moving_cases! { conformance_runs OnDisk, files, }
    connector_state::store_cases! { conformance_runs OnDisk, others, }
    connector_state::mirror_cases! { conformance_runs OnDisk, others, }
    connector_state::outbox_cases! { conformance_runs OnDisk, others, }
    connector_state::push_cases! { conformance_runs OnDisk, others, }
    connector_state::inbox_cases! { conformance_runs OnDisk, others, }
    connector_state::journal_cases! { conformance_runs OnDisk, others, }
    // Few are on their way, and forwards are few.
    // Once for each move the numbers of its deliveries are looked for.
    let few = [
        "moves",
        "forwards",
        "f",
        "m",
        "n",
        "c",
        "connections",
        "(subquery-2)",
        "sqlite_sequence",
        "revisions",
    ];
    check("moving", &files, &Others(&noted(&others), &[]), &few);
}
