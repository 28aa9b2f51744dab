//! `status`: how far the mirror of each connection is, whether its subscriptions work, and which of
//! the provider's limits are used up.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use host_harness::clock::unix_ms;
use host_harness::egress::limit_scopes;
use host_harness::mirror::{FailingRow, LOOK_UP_TRIES, ScanRow};
use host_harness::state::hosts::HostRow;
use host_harness::state::process_of;
use host_harness::state::rates::Booked;
use host_harness::state::rates::{RateCounts, RateRow, minute};
use host_harness::store::ConnectionRow;
use host_harness::webhooks::{HookRow, SubscriptionRow};
use serde_json::json;

use super::context::Context;
use super::database::Database;
use super::output::{
    Columns, OutputFormat, cells, count, counted, date, duration, printable, section,
};
use super::print::Entry;
use super::state::{StateDirectory, name};
use super::sync::kind_word;

const OBJECTS: [&str; 8] = [
    "CONNECTION",
    "OBJECT",
    "RECORDS",
    "AGED OUT",
    "STATE",
    "UP TO DATE",
    "RETRIES",
    "DEAD LETTERS",
];
const SUBSCRIPTIONS: [&str; 6] =
    ["CONNECTION", "SUBSCRIBED TO", "PROVEN", "LAST DELIVERY", "DELIVERIES", "WAITING"];
const RATES: [&str; 6] =
    ["CONNECTION", "LIMIT", "SENT IN 1 H", "FULLEST MINUTE", "WAITED", "REFUSED"];
/// Minutes that `--rates` shows.
const RATES_OF: u64 = 60;
const HOSTS: [&str; 6] = ["HOST", "PROCESS", "CONNECTOR", "VERSION", "CONNECTIONS", "SINCE"];
const LIMITS: [&str; 4] = ["CONNECTION", "LIMIT", "FREE IN", "WHY"];

/// Shows what `sync` keeps of each connection and object, how far it is, and whether subscriptions
/// work.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  connector-host status
  connector-host status --connection shop-7 --output json
  connector-host status --rates
  connector-host status --hosts")]
pub struct StatusArgs {
    /// Show what the limits let go in the last hour, minute by minute
    #[arg(long)]
    rates: bool,

    /// Show the hosts that serve this state, and for how many connections each works
    #[arg(long, conflicts_with = "rates")]
    hosts: bool,
}

/// What there is to show.
#[derive(Default)]
struct StatusReport {
    now_ms: u64,
    objects: Vec<Entry>,
    subscriptions: Vec<Entry>,
    limits: Vec<Entry>,
    /// What a person should know of subscriptions, and of objects.
    warnings: Vec<String>,
    errors: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When the state cannot be used.
pub async fn run(args: &StatusArgs, context: &Context) -> Result<()> {
    let state = StateDirectory::needed(context)?;
    let database = state.database().await?;
    if args.hosts {
        return hosts(context, &*database).await;
    }
    let mut rows = database.connections().await?;
    if let Some(name) = name(context)? {
        rows = vec![state.named(&*database, name).await?];
    }
    if args.rates {
        return rates(context, &*database, &rows).await;
    }
    let hooks = database.hooks().await?.into_iter();
    let hooks: BTreeMap<_, _> = hooks.map(|hook| (hook.connection.clone(), hook)).collect();
    let mut report = StatusReport { now_ms: unix_ms(database.time()), ..StatusReport::default() };
    for row in &rows {
        objects(&mut report, &*database, row).await?;
        subscriptions(&mut report, &*database, row, hooks.get(&row.id)).await?;
        limits(&mut report, &*database, row).await?;
    }
    let StatusReport { objects, subscriptions, limits, warnings, errors, .. } = report;
    if context.form() == OutputFormat::Table {
        let cells = |rows: Vec<Entry>| rows.into_iter().map(|row| row.cells);
        let mut text = section("", &OBJECTS, cells(objects));
        text.push_str(&section("\nSubscriptions", &SUBSCRIPTIONS, cells(subscriptions)));
        text.push_str(&section("\nLimits that requests wait for", &LIMITS, cells(limits)));
        context.text(&text)?;
    } else {
        let mut rows = objects;
        // These have other columns.
        if context.form() != OutputFormat::Csv {
            rows.extend(subscriptions.into_iter().chain(limits));
        }
        let mut out = context.output(&Columns::default());
        out.page(rows.into_iter().map(|row| row.json))?;
        out.end()?;
    }
    warnings.iter().chain(&errors).for_each(|line| context.watch.mention(line));
    Ok(())
}

/// Shows who serves the state.
async fn hosts(context: &Context, database: &dyn Database) -> Result<()> {
    let hosts = database.hosts().await?;
    let entry = |host: &HostRow| {
        let process = process_of(&host.lease.attempt).trim_end_matches('-');
        let process = process.rsplit('.').next().and_then(|own| own.split('-').next());
        let process = process.unwrap_or_default();
        let (connections, since) = (count(host.connections), date(host.began_ms));
        Entry {
            cells: cells([
                &host.name,
                process,
                &host.connector,
                &host.version,
                &connections,
                &since,
            ]),
            json: json!({
                "host": host.name,
                "process": process,
                "holder": host.lease.attempt,
                "connector": host.connector,
                "version": host.version,
                "connections": host.connections,
                "since": since,
                "until": date(host.lease.until_ms),
            }),
        }
    };
    let entries: Vec<Entry> = hosts.iter().map(entry).collect();
    if context.form() == OutputFormat::Table {
        return context.text(&section("", &HOSTS, entries.into_iter().map(|row| row.cells)));
    }
    let mut out = context.output(&Columns::default());
    out.page(entries.into_iter().map(|row| row.json))?;
    out.end()
}

async fn objects(
    report: &mut StatusReport,
    database: &dyn Database,
    row: &ConnectionRow,
) -> Result<()> {
    let letters = database.dead_letters(Some(&row.id)).await?;
    let failing = database.failing(&row.id).await?;
    for scan in database.scans(&row.id).await? {
        let (live, aged_out, deleted) = database.count(&row.id, &scan.object).await?;
        let letters = letters.iter().filter(|letter| letter.object == scan.object).count() as u64;
        let failing = failing.iter().find(|one| one.object == scan.object);
        let lag_ms = scan.completed_ms.map(|completed| report.now_ms.saturating_sub(completed));
        let time = |ms: Option<u64>| ms.map(date);
        if let Some(error) = &scan.error {
            report.errors.push(format!("{}, {}: {}", row.name, scan.object, printable(error)));
        }
        if let Some(failing) = failing {
            let text = refused(&row.name, failing, report.now_ms);
            report.errors.push(printable(&text));
        }
        report.objects.push(Entry {
            cells: vec![
                row.name.clone(),
                scan.object.clone(),
                count(live),
                count(aged_out),
                word(&scan).to_owned(),
                lag_ms.map_or_else(|| "never".to_owned(), |lag| format!("{} ago", seconds(lag))),
                retries(&scan, report.now_ms),
                count(letters),
            ],
            json: json!({
                "connection": row.name,
                "object": scan.object,
                "records": live,
                "aged_out": aged_out,
                "deleted": deleted,
                "dead_letters": letters,
                "failing": failing.map(|failing| json!({
                    "records": failing.records,
                    "id": failing.id,
                    "tries": failing.tries,
                    "next": date(failing.due_ms),
                    "reason": failing.reason,
                })),
                "bookmark": scan.bookmark,
                "lag_seconds": lag_ms.map(|lag| lag / 1_000),
                "completed": time(scan.completed_ms),
                "overlap": time(scan.overlap_ms),
                "full": time(scan.full_ms),
                "scan": scan.scan,
                "read": scan.kind.map(kind_word),
                "running": scan.running,
                "began": (scan.scan > 0).then(|| date(scan.began_ms)),
                "pages": scan.pages,
                "scanned": scan.records,
                "outside": scan.outside,
                "restarts": scan.restarts,
                "error": scan.error,
                "failures": scan.failures,
                "next": time(scan.retry_ms),
            }),
        });
    }
    Ok(())
}

/// Failures since the last success, and when it is tried again.
fn retries(scan: &ScanRow, now_ms: u64) -> String {
    let next = scan.retry_ms.filter(|at| *at > now_ms);
    let next = next.map(|at| format!(", next in {}", seconds(at - now_ms)));
    count(u64::from(scan.failures)) + &next.unwrap_or_default()
}

/// What is said of records that cannot be had by their id.
fn refused(connection: &str, failing: &FailingRow, now_ms: u64) -> String {
    format!(
        "{connection}, {}: {} cannot be had by id; {} failed {} of {LOOK_UP_TRIES} times, next in \
         {}, then it is put aside: {}",
        failing.object,
        counted(failing.records, "record"),
        failing.id,
        failing.tries,
        seconds(failing.due_ms.saturating_sub(now_ms)),
        failing.reason,
    )
}

fn word(scan: &ScanRow) -> &'static str {
    match (scan.failures, scan.running, &scan.error) {
        (1.., _, _) => "failed",
        (0, true, _) => "reading, or cut",
        (0, false, Some(_)) => "see its error",
        (0, false, None) => "good",
    }
}

async fn subscriptions(
    report: &mut StatusReport,
    database: &dyn Database,
    connection: &ConnectionRow,
    hook: Option<&HookRow>,
) -> Result<()> {
    // Those that wait to be applied, and dead ones.
    let (waiting, dead) = database.count_events(Some(&connection.id)).await?;
    for row in database.subscriptions(Some(&connection.id)).await? {
        let last = row.last_ms.map(|at| seconds(report.now_ms.saturating_sub(at)));
        report.warnings.extend(hook.into_iter().flat_map(|hook| warnings(connection, &row, hook)));
        report.subscriptions.push(Entry {
            cells: cells([
                &connection.name,
                &row.object,
                if row.proven_ms.is_some() { "yes" } else { "not yet" },
                &last.map_or_else(|| "never".to_owned(), |last| format!("{last} ago")),
                &count(row.deliveries),
                &count(waiting),
            ]),
            json: json!({
                "connection": connection.name,
                "object": row.object,
                "subscription": {
                    "url": row.url,
                    "events": row.events,
                    "id": row.id,
                    "expires_at": row.expires_at,
                    "made": date(row.made_ms),
                    "proven": row.proven_ms.map(date),
                    "last": row.last_ms.map(date),
                    "deliveries": row.deliveries,
                    "gap_since": hook.and_then(|hook| hook.gap_ms).map(date),
                    "served": hook.and_then(|hook| hook.alive_ms).map(date),
                    "refused": hook.map(|hook| hook.refused),
                    "last_refused": hook.and_then(|hook| hook.refused_ms).map(date),
                    "waiting": waiting,
                    "dead": dead,
                },
            }),
        });
    }
    Ok(())
}

fn warnings(connection: &ConnectionRow, row: &SubscriptionRow, hook: &HookRow) -> Vec<String> {
    let whose = format!("{}, {}", connection.name, row.object);
    let gap = hook
        .gap_ms
        .map(|since_ms| format!("{whose}: deliveries may be missing since {}", date(since_ms)));
    let refused = hook.refused_ms.filter(|at| row.last_ms.is_none_or(|last| last < *at));
    let refused = refused.map(|at_ms| {
        let (number, at) = (count(hook.refused), date(at_ms));
        format!("{whose}: {number} deliveries did not verify, the last one at {at}")
    });
    gap.into_iter().chain(refused).collect()
}

/// Limits that are used up, by whatever process uses the connection.
async fn limits(
    report: &mut StatusReport,
    database: &dyn Database,
    row: &ConnectionRow,
) -> Result<()> {
    let scopes = scopes(database, row).await?;
    for Booked { name, until_ms, held, .. } in database.booked(scopes, report.now_ms).await? {
        let wait = Duration::from_millis(until_ms.saturating_sub(report.now_ms));
        let why = if held { "the provider asked to slow down" } else { "used up" };
        report.limits.push(Entry {
            json: json!({
                "connection": row.name,
                "limit": { "name": name, "free": date(until_ms), "held": held },
            }),
            cells: vec![row.name.clone(), name, duration(wait), why.to_owned()],
        });
    }
    Ok(())
}

/// Whose limits count for a connection.
async fn scopes(database: &dyn Database, row: &ConnectionRow) -> Result<Vec<String>> {
    let account = database.grant(&row.id).await?.and_then(|grant| grant.learned.account);
    let scopes = limit_scopes(&row.connector, &row.id, account.map(|account| account.id));
    let mut scopes = Vec::from(scopes);
    // Without an account, the connection counts for itself.
    scopes.dedup();
    Ok(scopes)
}

/// What the limits let go in the last hour: for people its sums and its fullest minute.
async fn rates(context: &Context, database: &dyn Database, rows: &[ConnectionRow]) -> Result<()> {
    let since = minute(database.time()).saturating_sub(RATES_OF - 1);
    let mut all = Vec::new();
    for row in rows {
        let found = database.rates(scopes(database, row).await?, since).await?;
        let of_limit = |one: &RateRow, other: &RateRow| {
            (&one.account, &one.name) == (&other.account, &other.name)
        };
        for minutes in found.chunk_by(of_limit) {
            let Some(RateRow { account, name, .. }) = minutes.first() else { continue };
            let sum = minutes.iter().map(|row| row.counts);
            let sum = sum.fold(RateCounts::default(), RateCounts::and);
            let fullest = minutes.iter().map(|row| row.counts.sent).max().unwrap_or_default();
            let shown = minutes.iter().map(|RateRow { minute, counts, .. }| {
                json!({
                    "at": date(minute * 60_000),
                    "sent": counts.sent,
                    "waited": counts.waited,
                    "refused": counts.refused,
                })
            });
            all.push(Entry {
                json: json!({
                    "connection": row.name,
                    "account": account,
                    "limit": name,
                    "minutes": shown.collect::<Vec<_>>(),
                }),
                cells: vec![
                    row.name.clone(),
                    name.clone(),
                    count(sum.sent),
                    count(fullest),
                    count(sum.waited),
                    count(sum.refused),
                ],
            });
        }
    }
    context.listing(&RATES, all)
}

/// At least a second: less says nothing.
fn seconds(ms: u64) -> String {
    duration(Duration::from_secs((ms / 1_000).max(1)))
}
