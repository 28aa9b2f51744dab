//! Which of the provider's limits are used up, so that requests wait.

use std::time::Duration;

use anyhow::Result;
use host_harness::egress::sharers;
use host_harness::store::sqlite::Booked;
use host_harness::store::{ConnectionRow, Sqlite, Store as _};
use serde_json::{Value, json};

use crate::cli::output::{date, duration};

/// One limit of one connection.
pub struct Waiting {
    connection: String,
    limit: Booked,
}

/// Those of these connections, by whatever process they are used.
///
/// # Errors
/// When the state cannot be used.
pub async fn of(database: &Sqlite, rows: &[ConnectionRow], now_ms: u64) -> Result<Vec<Waiting>> {
    let mut all = Vec::new();
    for row in rows {
        let account = database.grant(&row.id).await?.and_then(|grant| grant.learned.account);
        let sharers = sharers(&row.connector, &row.id, account.map(|account| account.id));
        let booked = database.booked(sharers.into(), now_ms).await?.into_iter();
        all.extend(booked.map(|limit| Waiting { connection: row.name.clone(), limit }));
    }
    Ok(all)
}

/// The head of [`cells`].
pub const HEADER: [&str; 4] = ["CONNECTION", "LIMIT", "FREE IN", "WHY"];

/// A line of the table.
pub fn cells(one: &Waiting, now_ms: u64) -> Vec<String> {
    let wait = Duration::from_millis(one.limit.until_ms.saturating_sub(now_ms));
    let why = if one.limit.held { "the provider asked to slow down" } else { "used up" };
    vec![one.connection.clone(), one.limit.name.clone(), duration(wait), why.to_owned()]
}

/// For programs.
pub fn as_json(one: &Waiting) -> Value {
    let limit = &one.limit;
    json!({
        "connection": one.connection,
        "limit": { "name": limit.name, "free": date(limit.until_ms), "held": limit.held },
    })
}
