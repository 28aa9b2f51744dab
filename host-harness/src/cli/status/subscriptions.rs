//! Whether subscriptions work: proven or not, when the last delivery came, and what is missing.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use host_harness::store::{ConnectionRow, Sqlite};
use host_harness::webhooks::{HookRow, Inbox as _, SubscriptionRow};
use serde_json::{Value, json};

use crate::cli::output::{count, date, duration};

/// One subscription.
pub struct Subscribed {
    connection: String,
    row: SubscriptionRow,
    hook: Option<HookRow>,
    /// Events of the connection that wait to be applied, and dead ones.
    events: (u64, u64),
}

/// Subscriptions of these connections.
///
/// # Errors
/// When the state cannot be used.
pub async fn of(database: &Sqlite, rows: &[ConnectionRow]) -> Result<Vec<Subscribed>> {
    let hooks = database.hooks().await?.into_iter();
    let mut hooks: HashMap<String, HookRow> =
        hooks.map(|hook| (hook.connection.clone(), hook)).collect();
    let mut all = Vec::new();
    for connection in rows {
        let events = database.count_events(Some(&connection.id)).await?;
        let hook = hooks.remove(&connection.id);
        for row in database.subscriptions(Some(&connection.id)).await? {
            let (connection, hook) = (connection.name.clone(), hook.clone());
            all.push(Subscribed { connection, row, hook, events });
        }
    }
    Ok(all)
}

/// The head of [`cells`].
pub const HEADER: [&str; 6] =
    ["CONNECTION", "SUBSCRIBED TO", "PROVEN", "LAST DELIVERY", "DELIVERIES", "WAITING"];

/// A line of the table.
pub fn cells(one: &Subscribed, now_ms: u64) -> Vec<String> {
    let ago = |at_ms: u64| {
        let seconds = (now_ms.saturating_sub(at_ms) / 1_000).max(1);
        format!("{} ago", duration(Duration::from_secs(seconds)))
    };
    let never = || "never".to_owned();
    vec![
        one.connection.clone(),
        one.row.object.clone(),
        if one.row.proven_ms.is_some() { "yes" } else { "not yet" }.to_owned(),
        one.row.last_ms.map_or_else(never, ago),
        count(one.row.deliveries),
        count(one.events.0),
    ]
}

/// What a person should know of it, if anything.
pub fn warnings(one: &Subscribed) -> Vec<String> {
    let Some(hook) = &one.hook else { return vec![] };
    let mut all = Vec::new();
    let whose = format!("{}, {}", one.connection, one.row.object);
    if let Some(since_ms) = hook.gap_ms {
        all.push(format!("{whose}: deliveries may be missing since {}", date(since_ms)));
    }
    if let Some(at_ms) = hook.refused_ms.filter(|at| one.row.last_ms.is_none_or(|last| last < *at))
    {
        let refused = count(hook.refused);
        all.push(format!(
            "{whose}: {refused} deliveries did not verify, the last one at {}",
            date(at_ms)
        ));
    }
    all
}

/// For programs.
pub fn as_json(one: &Subscribed) -> Value {
    let hook = one.hook.as_ref();
    json!({
        "connection": one.connection,
        "object": one.row.object,
        "subscription": {
            "url": one.row.url,
            "events": one.row.events,
            "id": one.row.id,
            "expires_at": one.row.expires_at,
            "made": date(one.row.made_ms),
            "proven": one.row.proven_ms.map(date),
            "last": one.row.last_ms.map(date),
            "deliveries": one.row.deliveries,
            "gap_since": hook.and_then(|hook| hook.gap_ms).map(date),
            "served": hook.and_then(|hook| hook.alive_ms).map(date),
            "refused": hook.map(|hook| hook.refused),
            "last_refused": hook.and_then(|hook| hook.refused_ms).map(date),
            "waiting": one.events.0,
            "dead": one.events.1,
        },
    })
}
