//! What was received, and what could not be read or applied.

use std::collections::{BTreeMap, BTreeSet};

use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with};
use axum::extract::State;
use connector_contract::subscriptions::{Delivery, Refusal};
use connector_service::documents::{
    DeadLetter, DeadLetterNumber, DeliveryDocument, DeliverySummary, ReceivedEvent, date,
    dead_letters,
};
use connector_state::inbox::DeliveryRow;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{App, Nothing, Page, limited, without_path};
use crate::app::Api;
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// Deliveries of a page, where no limit is given.
const USUAL: u32 = 100;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/v1/deliveries",
            get_with(list, told("listDeliveries", Scope::Read, "What was received, newest first")),
        )
        .api_route(
            "/v1/deliveries/{number}",
            get_with(read, told("getDelivery", Scope::Read, "A delivery, whole")),
        )
        .api_route(
            "/v1/deliveries/{number}/events",
            get_with(
                decoded,
                told(
                    "decodeDelivery",
                    Scope::Read,
                    "What the connector makes of a delivery now; nothing is applied",
                ),
            ),
        )
        .api_route(
            "/v1/dead-letters",
            get_with(
                list_dead,
                told(
                    "listDeadLetters",
                    Scope::Read,
                    "What could not be read or applied, oldest first",
                ),
            ),
        )
        .api_route(
            "/v1/dead-letters/{number}",
            delete_with(drop_dead, told("deleteDeadLetter", Scope::Write, "Forget a dead letter")),
        )
        .api_route(
            "/v1/dead-letters/{number}/replay",
            post_with(
                replay,
                told(
                    "replayDeadLetter",
                    Scope::Write,
                    "Have an event tried again: one that was given up, or waits for its next try",
                ),
            ),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct ListParameters {
    /// Only those of this connection.
    connection: Option<String>,
    /// Goes on after the page whose `next` this is.
    cursor: Option<String>,
    /// No more than so many, 1 to 1000 [default: 100].
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

async fn list(
    State(app): State<App>,
    Query(asked): Query<ListParameters>,
) -> Result<Json<Page<DeliverySummary>>, Problem> {
    let limit = limited(asked.limit, USUAL)?;
    let before = asked.cursor.as_deref().map(str::parse::<u64>).transpose();
    let mut before = before.map_err(|_| Problem::invalid("cursor is none of this list"))?;
    let whose = app.whose(asked.connection.as_deref()).await?;
    let names = app.names().await?;
    let mut rows: Vec<DeliveryRow> = Vec::new();
    // Those of other connectors are in between.
    let is_over = loop {
        let left = u32::try_from(limit + 1 - rows.len()).unwrap_or(u32::MAX);
        if left == 0 {
            break false;
        }
        let page = app.database.deliveries(whose.as_deref(), before, left).await?;
        let Some(last) = page.last() else { break true };
        before = Some(last.number);
        rows.extend(page.into_iter().filter(|row| names.contains_key(&row.connection)));
    };
    rows.truncate(limit);
    let next = rows.last().filter(|_| !is_over).map(|row| row.number.to_string());
    let items = rows.iter().map(|row| DeliverySummary::of(row, &names)).collect();
    Ok(Json(Page { items, next }))
}

/// Which delivery.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct OfDelivery {
    /// Its number.
    number: u64,
}

async fn read(
    State(app): State<App>,
    Path(path): Path<OfDelivery>,
) -> Result<Json<DeliveryDocument>, Problem> {
    let names = app.names().await?;
    let row = kept(&app, &names, path.number).await?;
    Ok(Json(shown(&row, &names)))
}

/// A delivery of these connections.
///
/// # Errors
/// When there is none.
pub async fn kept(
    app: &Api,
    names: &BTreeMap<String, String>,
    number: u64,
) -> Result<DeliveryRow, Problem> {
    let row = app.database.delivery(number).await?;
    let row = row.filter(|row| names.contains_key(&row.connection));
    row.ok_or_else(|| Problem::not_found(format!("no delivery has the number {number}")))
}

/// A delivery as it is shown.
pub fn shown(row: &DeliveryRow, names: &BTreeMap<String, String>) -> DeliveryDocument {
    let mut shown = DeliveryDocument::of(row, names);
    // Its end is the receiver's path, which only the provider has to know.
    shown.url = without_path(&shown.url);
    shown
}

async fn decoded(
    State(app): State<App>,
    Path(path): Path<OfDelivery>,
) -> Result<Json<Page<ReceivedEvent>>, Problem> {
    let names = app.names().await?;
    let row = kept(&app, &names, path.number).await?;
    Ok(Json(Page { items: events(&app, &names, row).await?, next: None }))
}

/// What the connector makes of a delivery now. It is verified as any other; nothing is kept or applied.
///
/// # Errors
/// When the connection cannot be made, or the connector does not take the delivery.
pub async fn events(
    app: &Api,
    names: &BTreeMap<String, String>,
    row: DeliveryRow,
) -> Result<Vec<ReceivedEvent>, Problem> {
    let name = names.get(&row.connection).map(String::as_str).unwrap_or_default();
    let connection = app.open(name).await?.connection;
    let delivery = Delivery {
        subscription: None,
        method: row.method,
        url: row.url,
        headers: row.headers,
        body: row.body,
        received_at: date(row.received_ms),
    };
    let refused =
        |text: String| Problem::invalid(format!("the connector does not take it: {text}"));
    match connection.receive(delivery).await? {
        Ok(reception) => Ok(reception.events.iter().map(ReceivedEvent::of).collect()),
        Err(Refusal::Unverified) => {
            Err(refused("its signature is missing, or of a secret that has ended".to_owned()))
        }
        Err(Refusal::Unreadable(why) | Refusal::TryAgain(why)) => Err(refused(why)),
    }
}

async fn list_dead(
    State(app): State<App>,
    Query(asked): Query<ListParameters>,
) -> Result<Json<Page<DeadLetter>>, Problem> {
    let limit = limited(asked.limit, USUAL)?;
    let whose = app.whose(asked.connection.as_deref()).await?;
    let after = asked.cursor.as_deref().map(str::parse::<DeadLetterNumber>).transpose();
    let mut after = after.map_err(|_| Problem::invalid("cursor is none of this list"))?;
    let names = app.names().await?;
    let own: BTreeSet<&String> = names.values().collect();
    let mut letters: Vec<DeadLetter> = Vec::new();
    // Those of other connectors are in between.
    let is_over = loop {
        let left = u32::try_from(limit + 1 - letters.len()).unwrap_or(u32::MAX);
        if left == 0 {
            break false;
        }
        let page = dead_letters(&*app.database, whose.as_deref(), &names, after, left).await?;
        let Some(last) = page.last() else { break true };
        after = last.number.parse().ok();
        letters.extend(page.into_iter().filter(|one| own.contains(&one.connection)));
    };
    letters.truncate(limit);
    let next = letters.last().filter(|_| !is_over).map(|last| last.number.clone());
    Ok(Json(Page { items: letters, next }))
}

/// Which dead letter.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct OfDeadLetter {
    /// Its number, as the list has it: `3` came with a scan, `e3` with a delivery.
    number: String,
}

fn number(path: &OfDeadLetter) -> Result<DeadLetterNumber, Problem> {
    path.number.parse().map_err(|_| absent(path))
}

fn absent(path: &OfDeadLetter) -> Problem {
    Problem::not_found(format!("no dead letter has the number {}", path.number))
}

async fn replay(
    State(app): State<App>,
    Path(path): Path<OfDeadLetter>,
) -> Result<Nothing, Problem> {
    match number(&path)? {
        DeadLetterNumber::Event(event) if app.database.replay(event).await? => Ok(Nothing),
        DeadLetterNumber::Event(_) => Err(absent(&path)),
        DeadLetterNumber::Record(_) => {
            let text = format!("{} came with a scan, not with a delivery", path.number);
            Err(Problem::invalid(text).next("the next scan reads it again"))
        }
    }
}

async fn drop_dead(
    State(app): State<App>,
    Path(path): Path<OfDeadLetter>,
) -> Result<Nothing, Problem> {
    let was_there = match number(&path)? {
        DeadLetterNumber::Record(number) => app.database.remove_dead_letter(number).await?,
        DeadLetterNumber::Event(number) => app.database.drop_event(number).await?,
    };
    if was_there { Ok(Nothing) } else { Err(absent(&path)) }
}
