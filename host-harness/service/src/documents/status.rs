//! How far the mirror of a connection is, whether its subscriptions work, which of the provider's limits
//! are used up, and which hosts there are.

use connector_runtime::egress::limit_scopes;
use connector_state::hosts::HostRow;
use connector_state::inbox::{HookRow, SubscriptionRow};
use connector_state::mirror::{FailingRow, ScanKind, ScanRow};
use connector_state::rates::{Booked, RateRow};
use connector_state::{ConnectionRow, Database, StoreError, process_of};
use schemars::JsonSchema;
use serde::Serialize;

use super::date;

/// What is kept of an object, and how far it is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ObjectStatus {
    /// Name of the connection.
    pub connection: String,
    /// The object.
    pub object: String,
    /// Live records.
    pub records: u64,
    /// Records that lists no longer show, because of their age.
    pub aged_out: u64,
    /// Records that were removed.
    pub deleted: u64,
    /// What could not be read.
    pub dead_letters: u64,
    /// Records that cannot be had by their id.
    pub failing: Option<FailingStatus>,
    /// Position between scans.
    pub bookmark: Option<String>,
    /// Seconds since the last scan was completed.
    pub lag_seconds: Option<u64>,
    /// When the last scan was completed.
    pub completed: Option<String>,
    /// When the last scan with overlap was.
    pub overlap: Option<String>,
    /// When the last full scan was.
    pub full: Option<String>,
    /// Number of the newest scan.
    pub scan: u64,
    /// What that reads.
    pub read: Option<&'static str>,
    /// It is not complete.
    pub running: bool,
    /// When it began.
    pub began: Option<String>,
    /// Pages that it has read.
    pub pages: u64,
    /// Records that it has read.
    pub scanned: u64,
    /// Records that lay outside the window that was asked for.
    pub outside: u64,
    /// Times that it began anew.
    pub restarts: u32,
    /// What went wrong last.
    pub error: Option<String>,
    /// Failures since the last success.
    pub failures: u32,
    /// When it is tried again.
    pub next: Option<String>,
    /// As `next`, in milliseconds since 1970.
    #[serde(skip)]
    pub next_ms: Option<u64>,
}

/// Records that cannot be had by their id.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FailingStatus {
    /// So many.
    pub records: u64,
    /// The one that is asked for next.
    pub id: String,
    /// Failed tries of that one.
    pub tries: u32,
    /// When it is asked for.
    pub next: String,
    /// Why its last try failed.
    pub reason: String,
    /// As `next`, in milliseconds since 1970.
    #[serde(skip)]
    pub due_ms: u64,
}

impl FailingStatus {
    fn of(row: &FailingRow) -> Self {
        Self {
            records: row.records,
            id: row.id.clone(),
            tries: row.tries,
            next: date(row.due_ms),
            reason: row.reason.clone(),
            due_ms: row.due_ms,
        }
    }
}

/// How far each object of a connection is.
///
/// # Errors
/// When the state cannot be read.
pub async fn objects(
    database: &dyn Database,
    row: &ConnectionRow,
    now_ms: u64,
) -> Result<Vec<ObjectStatus>, StoreError> {
    let letters = database.dead_letters(Some(&row.id)).await?;
    let failing = database.failing(&row.id).await?;
    let mut all = Vec::new();
    for scan in database.scans(&row.id).await? {
        let counts = database.count(&row.id, &scan.object).await?;
        let letters = letters.iter().filter(|letter| letter.object == scan.object).count() as u64;
        let failing = failing.iter().find(|one| one.object == scan.object);
        let failing = failing.map(FailingStatus::of);
        all.push(object(&row.name, scan, counts, letters, failing, now_ms));
    }
    Ok(all)
}

pub(super) fn object(
    connection: &str,
    scan: ScanRow,
    (records, aged_out, deleted): (u64, u64, u64),
    dead_letters: u64,
    failing: Option<FailingStatus>,
    now_ms: u64,
) -> ObjectStatus {
    ObjectStatus {
        connection: connection.to_owned(),
        object: scan.object,
        records,
        aged_out,
        deleted,
        dead_letters,
        failing,
        bookmark: scan.bookmark,
        lag_seconds: scan.completed_ms.map(|done| now_ms.saturating_sub(done) / 1_000),
        completed: scan.completed_ms.map(date),
        overlap: scan.overlap_ms.map(date),
        full: scan.full_ms.map(date),
        scan: scan.scan,
        read: scan.kind.map(kind_word),
        running: scan.running,
        began: (scan.scan > 0).then(|| date(scan.began_ms)),
        pages: scan.pages,
        scanned: scan.records,
        outside: scan.outside,
        restarts: scan.restarts,
        error: scan.error,
        failures: scan.failures,
        next: scan.retry_ms.map(date),
        next_ms: scan.retry_ms,
    }
}

/// What a scan of this kind reads.
#[must_use]
pub fn kind_word(kind: ScanKind) -> &'static str {
    match kind {
        ScanKind::Incremental => "changes",
        ScanKind::Overlap => "changes of 72 hours",
        ScanKind::Full => "everything",
    }
}

/// A subscription, and whether it works.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SubscriptionStatus {
    /// Name of the connection.
    pub connection: String,
    /// To which object.
    pub object: String,
    /// The subscription.
    pub subscription: SubscriptionFacts,
}

/// What is known of a subscription.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SubscriptionFacts {
    /// The URL that was given to the provider, whose end is the receiver's secret path.
    pub url: String,
    /// Only these events; empty: all.
    pub events: Vec<String>,
    /// The provider's id, where it has an API for it.
    pub id: Option<String>,
    /// When it ends.
    pub expires_at: Option<String>,
    /// When it was made.
    pub made: String,
    /// When the first verified delivery came.
    pub proven: Option<String>,
    /// When the last one came.
    pub last: Option<String>,
    /// How many came.
    pub deliveries: u64,
    /// Since when deliveries may be missing.
    pub gap_since: Option<String>,
    /// When a receiver last served it.
    pub served: Option<String>,
    /// Deliveries that did not verify.
    pub refused: Option<u64>,
    /// When the last one did not.
    pub last_refused: Option<String>,
    /// Events that wait to be applied.
    pub waiting: u64,
    /// Events that were given up.
    pub dead: u64,
}

/// The subscriptions of a connection, each with its row; `hook`: where its deliveries come to.
///
/// # Errors
/// When the state cannot be read.
pub async fn subscriptions(
    database: &dyn Database,
    connection: &ConnectionRow,
    hook: Option<&HookRow>,
) -> Result<Vec<(SubscriptionRow, SubscriptionStatus)>, StoreError> {
    let (waiting, dead) = database.count_events(Some(&connection.id)).await?;
    let rows = database.subscriptions(Some(&connection.id)).await?;
    let shown = rows.into_iter().map(|row| {
        let subscription = SubscriptionFacts {
            url: row.url.clone(),
            events: row.events.clone(),
            id: row.id.clone(),
            expires_at: row.expires_at.clone(),
            made: date(row.made_ms),
            proven: row.proven_ms.map(date),
            last: row.last_ms.map(date),
            deliveries: row.deliveries,
            gap_since: hook.and_then(|hook| hook.gap_ms).map(date),
            served: hook.and_then(|hook| hook.alive_ms).map(date),
            refused: hook.map(|hook| hook.refused),
            last_refused: hook.and_then(|hook| hook.refused_ms).map(date),
            waiting,
            dead,
        };
        let (name, object) = (connection.name.clone(), row.object.clone());
        (row, SubscriptionStatus { connection: name, object, subscription })
    });
    Ok(shown.collect())
}

/// A limit that requests wait for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LimitStatus {
    /// Name of the connection.
    pub connection: String,
    /// The limit.
    pub limit: LimitFacts,
    /// As `free`, in milliseconds since 1970.
    #[serde(skip)]
    pub until_ms: u64,
}

/// A limit that is used up.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LimitFacts {
    /// Its name in the manifest.
    pub name: String,
    /// When it is free again.
    pub free: String,
    /// The provider asked for it.
    pub held: bool,
}

/// The limits of a connection that are used up, by whatever process uses it.
///
/// # Errors
/// When the state cannot be read.
pub async fn limits(
    database: &dyn Database,
    row: &ConnectionRow,
    now_ms: u64,
) -> Result<Vec<LimitStatus>, StoreError> {
    let booked = database.booked(scopes(database, row).await?, now_ms).await?;
    let shown = booked.into_iter().map(|Booked { name, until_ms, held }| LimitStatus {
        connection: row.name.clone(),
        limit: LimitFacts { name, free: date(until_ms), held },
        until_ms,
    });
    Ok(shown.collect())
}

/// Whose limits count for a connection.
async fn scopes(database: &dyn Database, row: &ConnectionRow) -> Result<Vec<String>, StoreError> {
    let account = database.grant(&row.id).await?.and_then(|grant| grant.learned.account);
    let scopes = limit_scopes(&row.connector, &row.id, account.map(|account| account.id));
    let mut scopes = Vec::from(scopes);
    // Without an account, the connection counts for itself.
    scopes.dedup();
    Ok(scopes)
}

/// What a limit let go, minute by minute.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LimitRates {
    /// Name of the connection.
    pub connection: String,
    /// Whose limit it is.
    pub account: String,
    /// The limit.
    pub limit: String,
    /// Minutes in which there was something, in order.
    pub minutes: Vec<MinuteRate>,
}

/// What a limit let go in a minute.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MinuteRate {
    /// When the minute began.
    pub at: String,
    /// Requests that had their time in it.
    pub sent: u64,
    /// Those of them that the limit made wait.
    pub waited: u64,
    /// Those of them that the provider refused.
    pub refused: u64,
}

/// As [`limit_rates`], as it is kept.
pub(super) async fn rates(
    database: &dyn Database,
    row: &ConnectionRow,
    since_minute: u64,
) -> Result<Vec<RateRow>, StoreError> {
    database.rates(scopes(database, row).await?, since_minute).await
}

/// What the limits of a connection let go from a minute on (minutes since 1970).
///
/// # Errors
/// When the state cannot be read.
pub async fn limit_rates(
    database: &dyn Database,
    row: &ConnectionRow,
    since_minute: u64,
) -> Result<Vec<LimitRates>, StoreError> {
    let found = rates(database, row, since_minute).await?;
    let of_limit =
        |one: &RateRow, other: &RateRow| (&one.account, &one.name) == (&other.account, &other.name);
    let rates = found.chunk_by(of_limit).filter_map(|minutes| {
        let RateRow { account, name, .. } = minutes.first()?;
        let shown = minutes.iter().map(|RateRow { minute, counts, .. }| MinuteRate {
            at: date(minute * 60_000),
            sent: counts.sent,
            waited: counts.waited,
            refused: counts.refused,
        });
        Some(LimitRates {
            connection: row.name.clone(),
            account: account.clone(),
            limit: name.clone(),
            minutes: shown.collect(),
        })
    });
    Ok(rates.collect())
}

/// A host that serves the state.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct HostStatus {
    /// Its name.
    pub host: String,
    /// Its process.
    pub process: String,
    /// Who it is in leases.
    pub holder: String,
    /// Of which connector it works for connections.
    pub connector: String,
    /// Version of the program.
    pub version: String,
    /// For how many connections it works.
    pub connections: u64,
    /// When it came.
    pub since: String,
    /// Until when it counts as there.
    pub until: String,
}

impl HostStatus {
    /// Of a row.
    #[must_use]
    pub fn of(row: &HostRow) -> Self {
        let process = process_of(&row.lease.attempt).trim_end_matches('-');
        let process = process.rsplit('.').next().and_then(|own| own.split('-').next());
        Self {
            host: row.name.clone(),
            process: process.unwrap_or_default().to_owned(),
            holder: row.lease.attempt.clone(),
            connector: row.connector.clone(),
            version: row.version.clone(),
            connections: row.connections,
            since: date(row.began_ms),
            until: date(row.lease.until_ms),
        }
    }
}
