//! `status`: how far the mirror of each connection is.

mod limits;
mod subscriptions;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use host_harness::clock::unix_ms;
use host_harness::mirror::{FailingRow, LOOK_UP_TRIES, Mirror as _, ScanKind, ScanRow};
use host_harness::store::{ConnectionRow, Sqlite, Store as _};
use serde_json::{Value, json};

use self::limits::Waiting;
use self::subscriptions::Subscribed;
use super::context::Context;
use super::exit::Exit;
use super::output::{
    Columns, Form, Row, count, counted, date, duration, records, section, text_block,
};
use super::state::{State, clock, name};

/// Shows what `sync` keeps of each connection and object, how far it is, and whether subscriptions
/// work.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host status
  connector-host status --connection shop-7 --output json")]
pub struct Args {}

/// One object of one connection.
struct Standing {
    connection: String,
    scan: ScanRow,
    live: u64,
    aged_out: u64,
    deleted: u64,
    dead_letters: u64,
    /// Records whose look-ups fail.
    failing: Option<FailingRow>,
}

/// What there is to show.
struct Shown<'a> {
    standing: &'a [Standing],
    subscribed: &'a [Subscribed],
    waiting: &'a [Waiting],
}

/// Runs the command.
///
/// # Errors
/// When the state cannot be used.
pub async fn run(_: &Args, context: &Context) -> Result<Exit> {
    let state = State::needed(context)?;
    let database = state.database().await?;
    let mut rows = database.connections().await?;
    if let Some(name) = name(context)? {
        rows = vec![state.named(Some(&database), name).await?];
    }
    let mut standing = Vec::new();
    for row in &rows {
        standing.extend(of(&database, row).await?);
    }
    let now_ms = unix_ms(clock().now());
    let subscribed = subscriptions::of(&database, &rows).await?;
    let waiting = limits::of(&database, &rows, now_ms).await?;
    let shown = Shown { standing: &standing, subscribed: &subscribed, waiting: &waiting };
    context.watch.print(|| print(context.form(), &shown, now_ms))?;
    for warning in subscribed.iter().flat_map(subscriptions::warnings) {
        context.watch.mention(&warning);
    }
    for one in &standing {
        if let Some(error) = &one.scan.error {
            let whose = format!("{}, {}", one.connection, one.scan.object);
            context.watch.mention(&format!("{whose}: {}", super::output::printable(error)));
        }
        if let Some(failing) = &one.failing {
            context.watch.mention(&super::output::printable(&refused(one, failing, now_ms)));
        }
    }
    Ok(Exit::Done)
}

async fn of(database: &Sqlite, row: &ConnectionRow) -> Result<Vec<Standing>> {
    let mut letters: BTreeMap<String, u64> = BTreeMap::new();
    for letter in database.dead_letters(Some(&row.id)).await? {
        *letters.entry(letter.object).or_default() += 1;
    }
    let mut failing = database.failing(&row.id).await?;
    let mut all = Vec::new();
    for scan in database.scans(&row.id).await? {
        let (live, aged_out, deleted) = database.count(&row.id, &scan.object).await?;
        all.push(Standing {
            connection: row.name.clone(),
            live,
            aged_out,
            deleted,
            dead_letters: letters.get(&scan.object).copied().unwrap_or(0),
            failing: failing
                .iter()
                .position(|one| one.object == scan.object)
                .map(|at| failing.swap_remove(at)),
            scan,
        });
    }
    Ok(all)
}

fn print(form: Form, shown: &Shown<'_>, now_ms: u64) -> Result<()> {
    let Shown { standing, subscribed, waiting } = *shown;
    if form == Form::Table {
        let header = [
            "CONNECTION",
            "OBJECT",
            "RECORDS",
            "AGED OUT",
            "STATE",
            "UP TO DATE",
            "RETRIES",
            "DEAD LETTERS",
        ];
        let rows = standing.iter().map(|one| {
            vec![
                one.connection.clone(),
                one.scan.object.clone(),
                count(one.live),
                count(one.aged_out),
                word(&one.scan).to_owned(),
                lag_ms(&one.scan, now_ms).map_or_else(
                    || "never".to_owned(),
                    |lag| format!("{} ago", duration(Duration::from_secs((lag / 1_000).max(1)))),
                ),
                retries(&one.scan, now_ms),
                count(one.dead_letters),
            ]
        });
        let mut text = section("", &header, rows.collect());
        if !subscribed.is_empty() {
            let rows = subscribed.iter().map(|one| subscriptions::cells(one, now_ms));
            text.push_str(&section("\nSubscriptions", &subscriptions::HEADER, rows.collect()));
        }
        if !waiting.is_empty() {
            let rows = waiting.iter().map(|one| limits::cells(one, now_ms));
            text.push_str(&section(
                "\nLimits that requests wait for",
                &limits::HEADER,
                rows.collect(),
            ));
        }
        return text_block(&text);
    }
    let mut out = records(form, &Columns::default());
    for one in standing {
        out.page(&[Row { id: &one.scan.object, data: &as_json(one, now_ms).to_string() }])?;
    }
    if form != Form::Csv {
        let subscribed = subscribed.iter().map(subscriptions::as_json);
        for one in subscribed.chain(waiting.iter().map(limits::as_json)) {
            out.page(&[Row { id: "", data: &one.to_string() }])?;
        }
    }
    out.end()
}

/// Failures since the last success, and when it is tried again.
fn retries(scan: &ScanRow, now_ms: u64) -> String {
    let next = scan.retry_ms.filter(|at| *at > now_ms).map(|at| {
        let wait = Duration::from_secs(((at - now_ms) / 1_000).max(1));
        format!(", next in {}", duration(wait))
    });
    count(u64::from(scan.failures)) + &next.unwrap_or_default()
}

/// What is said of records that cannot be had by their id.
fn refused(one: &Standing, failing: &FailingRow, now_ms: u64) -> String {
    let wait = Duration::from_secs((failing.due_ms.saturating_sub(now_ms) / 1_000).max(1));
    format!(
        "{}, {}: {} cannot be had by id; {} failed {} of {LOOK_UP_TRIES} times, next in {}, then it \
         is put aside: {}",
        one.connection,
        failing.object,
        counted(failing.records, "record"),
        failing.id,
        failing.tries,
        duration(wait),
        failing.reason,
    )
}

/// Time since the object was up to date.
fn lag_ms(scan: &ScanRow, now_ms: u64) -> Option<u64> {
    scan.completed_ms.map(|completed| now_ms.saturating_sub(completed))
}

fn word(scan: &ScanRow) -> &'static str {
    match (scan.failures, scan.running, &scan.error) {
        (1.., _, _) => "failed",
        (0, true, _) => "reading, or cut",
        (0, false, Some(_)) => "see its error",
        (0, false, None) => "good",
    }
}

fn as_json(one: &Standing, now_ms: u64) -> Value {
    let scan = &one.scan;
    let time = |ms: Option<u64>| ms.map(date);
    json!({
        "connection": one.connection,
        "object": scan.object,
        "records": one.live,
        "aged_out": one.aged_out,
        "deleted": one.deleted,
        "dead_letters": one.dead_letters,
        "failing": one.failing.as_ref().map(|failing| json!({
            "records": failing.records,
            "id": failing.id,
            "tries": failing.tries,
            "next": date(failing.due_ms),
            "reason": failing.reason,
        })),
        "bookmark": scan.bookmark,
        "lag_seconds": lag_ms(scan, now_ms).map(|lag| lag / 1_000),
        "completed": time(scan.completed_ms),
        "overlap": time(scan.overlap_ms),
        "full": time(scan.full_ms),
        "scan": scan.scan,
        "read": scan.kind.map(|kind| match kind {
            ScanKind::Incremental => "changes",
            ScanKind::Overlap => "changes of 72 hours",
            ScanKind::Full => "everything",
        }),
        "running": scan.running,
        "began": (scan.scan > 0).then(|| date(scan.began_ms)),
        "pages": scan.pages,
        "scanned": scan.records,
        "outside": scan.outside,
        "restarts": scan.restarts,
        "error": scan.error,
        "failures": scan.failures,
        "next": time(scan.retry_ms),
    })
}
