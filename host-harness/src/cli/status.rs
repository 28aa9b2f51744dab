//! `status`: how far the mirror of each connection is, whether its subscriptions work, and which of
//! the provider's limits are used up.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use host_harness::clock::unix_ms;
use host_harness::mirror::LOOK_UP_TRIES;
use host_harness::service::documents::{self, FailingStatus, HostStatus, MinuteRate, ObjectStatus};
use host_harness::state::hosts::HostRow;
use host_harness::state::rates::minute;
use host_harness::store::ConnectionRow;
use host_harness::webhooks::{HookRow, SubscriptionRow};

use super::context::Context;
use super::output::{
    Columns, OutputFormat, cells, count, counted, date, duration, printable, section,
};
use super::print::Entry;
use super::state::{StateDirectory, name};
use host_harness::store::Database;

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
    let entry = |row: &HostRow| {
        let host = HostStatus::of(row);
        let connections = count(host.connections);
        Ok::<_, serde_json::Error>(Entry {
            cells: cells([
                &host.host,
                &host.process,
                &host.connector,
                &host.version,
                &connections,
                &host.since,
            ]),
            json: serde_json::to_value(&host)?,
        })
    };
    let entries = hosts.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
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
    for status in documents::objects(database, row, report.now_ms).await? {
        if let Some(error) = &status.error {
            let text = format!("{}, {}: {}", row.name, status.object, printable(error));
            report.errors.push(text);
        }
        if let Some(failing) = &status.failing {
            let text = refused(&status, failing, report.now_ms);
            report.errors.push(printable(&text));
        }
        let lag = status.lag_seconds.map(|lag| format!("{} ago", seconds(lag * 1_000)));
        report.objects.push(Entry {
            cells: vec![
                row.name.clone(),
                status.object.clone(),
                count(status.records),
                count(status.aged_out),
                word(&status).to_owned(),
                lag.unwrap_or_else(|| "never".to_owned()),
                retries(&status, report.now_ms),
                count(status.dead_letters),
            ],
            json: serde_json::to_value(&status)?,
        });
    }
    Ok(())
}

/// Failures since the last success, and when it is tried again.
fn retries(status: &ObjectStatus, now_ms: u64) -> String {
    let next = status.next_ms.filter(|at| *at > now_ms);
    let next = next.map(|at| format!(", next in {}", seconds(at - now_ms)));
    count(u64::from(status.failures)) + &next.unwrap_or_default()
}

/// What is said of records that cannot be had by their id.
fn refused(status: &ObjectStatus, failing: &FailingStatus, now_ms: u64) -> String {
    format!(
        "{}, {}: {} cannot be had by id; {} failed {} of {LOOK_UP_TRIES} times, next in \
         {}, then it is put aside: {}",
        status.connection,
        status.object,
        counted(failing.records, "record"),
        failing.id,
        failing.tries,
        seconds(failing.due_ms.saturating_sub(now_ms)),
        failing.reason,
    )
}

fn word(status: &ObjectStatus) -> &'static str {
    match (status.failures, status.running, &status.error) {
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
    for (row, status) in documents::subscriptions(database, connection, hook).await? {
        let last = row.last_ms.map(|at| seconds(report.now_ms.saturating_sub(at)));
        report.warnings.extend(hook.into_iter().flat_map(|hook| warnings(connection, &row, hook)));
        report.subscriptions.push(Entry {
            cells: cells([
                &connection.name,
                &row.object,
                if row.proven_ms.is_some() { "yes" } else { "not yet" },
                &last.map_or_else(|| "never".to_owned(), |last| format!("{last} ago")),
                &count(row.deliveries),
                &count(status.subscription.waiting),
            ]),
            json: serde_json::to_value(&status)?,
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
    for status in documents::limits(database, row, report.now_ms).await? {
        let wait = Duration::from_millis(status.until_ms.saturating_sub(report.now_ms));
        let why = if status.limit.held { "the provider asked to slow down" } else { "used up" };
        let name = status.limit.name.clone();
        report.limits.push(Entry {
            json: serde_json::to_value(&status)?,
            cells: vec![row.name.clone(), name, duration(wait), why.to_owned()],
        });
    }
    Ok(())
}

/// What the limits let go in the last hour: for people its sums and its fullest minute.
async fn rates(context: &Context, database: &dyn Database, rows: &[ConnectionRow]) -> Result<()> {
    let since = minute(database.time()).saturating_sub(RATES_OF - 1);
    let mut all = Vec::new();
    for row in rows {
        for limit in documents::limit_rates(database, row, since).await? {
            let sum = |of: fn(&MinuteRate) -> u64| count(limit.minutes.iter().map(of).sum());
            let fullest = limit.minutes.iter().map(|minute| minute.sent).max();
            all.push(Entry {
                json: serde_json::to_value(&limit)?,
                cells: vec![
                    row.name.clone(),
                    limit.limit.clone(),
                    sum(|minute| minute.sent),
                    count(fullest.unwrap_or_default()),
                    sum(|minute| minute.waited),
                    sum(|minute| minute.refused),
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
