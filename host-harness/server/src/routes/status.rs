//! How far everything is.

use std::collections::BTreeMap;

use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use connector_contract::clock::unix_ms;
use connector_service::documents::{
    self, HostStatus, LimitRates, LimitStatus, ObjectStatus, SubscriptionStatus,
};
use connector_state::ConnectionRow;
use connector_state::rates::minute;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{App, Page, limited, without_path};
use crate::app::Api;
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::{Json, Query};
use crate::problem::Problem;

/// Connections of a page, where no limit is given.
const USUAL: u32 = 50;
/// Minutes of rates, where none are given.
const MINUTES: u32 = 60;
/// Minutes of rates at most.
const MOST_MINUTES: u32 = 24 * 60;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/v1/status",
            get_with(
                status,
                told(
                    "getStatus",
                    Scope::Read,
                    "How far the records of connections are, and whether events come",
                ),
            ),
        )
        .api_route(
            "/v1/limits",
            get_with(
                limits,
                told(
                    "getLimits",
                    Scope::Read,
                    "Which of the provider's limits are used up, and what they let go by minute",
                ),
            ),
        )
        .api_route(
            "/v1/hosts",
            get_with(hosts, told("listHosts", Scope::Read, "The hosts that serve this state")),
        )
}

/// How far a connection is.
#[derive(Debug, Serialize, JsonSchema)]
struct ConnectionStatus {
    /// Name of the connection.
    connection: String,
    /// Its objects that were ever read.
    objects: Vec<ObjectStatus>,
    /// Its subscriptions.
    subscriptions: Vec<SubscriptionStatus>,
    /// Limits that requests wait for.
    limits: Vec<LimitStatus>,
}

/// Limits of a connection.
#[derive(Debug, Serialize, JsonSchema)]
struct ConnectionLimits {
    /// Name of the connection.
    connection: String,
    /// Limits that requests wait for.
    used_up: Vec<LimitStatus>,
    /// What its limits let go, by minute.
    rates: Vec<LimitRates>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct StatusParameters {
    /// Only this connection.
    connection: Option<String>,
    /// Goes on after the page whose `next` this is.
    cursor: Option<String>,
    /// Connections of the page, 1 to 1000 [default: 50].
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct LimitsParameters {
    /// Only this connection.
    connection: Option<String>,
    /// Goes on after the page whose `next` this is.
    cursor: Option<String>,
    /// Connections of the page, 1 to 1000 [default: 50].
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// The newest so many minutes, 1 to 1440 [default: 60].
    #[schemars(range(min = 1, max = 1440))]
    minutes: Option<u32>,
}

/// The connections of a page, and where the next one goes on.
async fn page(
    app: &Api,
    connection: Option<&str>,
    cursor: Option<&str>,
    limit: Option<u32>,
) -> Result<(Vec<ConnectionRow>, Option<String>), Problem> {
    let limit = limited(limit, USUAL)?;
    if let Some(name) = connection {
        return Ok((vec![app.row(name).await?], None));
    }
    let connector = &app.connector.manifest().name;
    let after = cursor.unwrap_or_default();
    let mut rows = app.database.connections().await?;
    rows.retain(|row| row.connector == *connector && row.name.as_str() > after);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|row| row.name.clone());
    Ok((rows, next))
}

async fn status(
    State(app): State<App>,
    Query(asked): Query<StatusParameters>,
) -> Result<Json<Page<ConnectionStatus>>, Problem> {
    let StatusParameters { connection, cursor, limit } = asked;
    let (rows, next) = page(&app, connection.as_deref(), cursor.as_deref(), limit).await?;
    let (database, now_ms) = (&*app.database, unix_ms(app.database.time()));
    let hooks = database.hooks().await?.into_iter();
    let hooks: BTreeMap<_, _> = hooks.map(|hook| (hook.connection.clone(), hook)).collect();
    let mut items = Vec::new();
    for row in &rows {
        let subscriptions = documents::subscriptions(database, row, hooks.get(&row.id)).await?;
        let mut subscriptions: Vec<_> = subscriptions.into_iter().map(|(_, shown)| shown).collect();
        for one in &mut subscriptions {
            // Its end is the receiver's path, which only the provider has to know.
            one.subscription.url = without_path(&one.subscription.url);
        }
        items.push(ConnectionStatus {
            connection: row.name.clone(),
            objects: documents::objects(database, row, now_ms).await?,
            subscriptions,
            limits: documents::limits(database, row, now_ms).await?,
        });
    }
    Ok(Json(Page { items, next }))
}

async fn limits(
    State(app): State<App>,
    Query(asked): Query<LimitsParameters>,
) -> Result<Json<Page<ConnectionLimits>>, Problem> {
    let LimitsParameters { connection, cursor, limit, minutes } = asked;
    let minutes = minutes.unwrap_or(MINUTES);
    if !(1..=MOST_MINUTES).contains(&minutes) {
        return Err(Problem::invalid(format!("minutes is 1 to {MOST_MINUTES}")));
    }
    let (rows, next) = page(&app, connection.as_deref(), cursor.as_deref(), limit).await?;
    let (database, time) = (&*app.database, app.database.time());
    let since = minute(time).saturating_sub(u64::from(minutes) - 1);
    let mut items = Vec::new();
    for row in &rows {
        items.push(ConnectionLimits {
            connection: row.name.clone(),
            used_up: documents::limits(database, row, unix_ms(time)).await?,
            rates: documents::limit_rates(database, row, since).await?,
        });
    }
    Ok(Json(Page { items, next }))
}

async fn hosts(State(app): State<App>) -> Result<Json<Page<HostStatus>>, Problem> {
    let rows = app.database.hosts().await?;
    Ok(Json(Page { items: rows.iter().map(HostStatus::of).collect(), next: None }))
}
