//! Forwards: to whom changes are handed on.

use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use connector_runtime::secrets::Secret;
use connector_service::documents::{ForwardDocument, ParkedDocument};
use connector_service::forward::{
    Signer, TargetAddress, Template, new_id, new_secret, unknown_object, unknown_rule,
};
use connector_service::vault::VaultError;
use connector_state::Sealed;
use connector_state::outbox::plan::MOST_UNDELIVERED;
use connector_state::outbox::{ForwardRow, WhichParked};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{App, Nothing, Page, check_name};
use crate::app::Api;
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::{Json, Path, Query};
use crate::problem::{Problem, ProblemKind, ProblemSource};

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/v1/forwards",
            get_with(list, told("listForwards", Scope::Read, "Forwards, and how far each is"))
                .post_with(add, |operation| {
                    let operation = told(
                        "createForward",
                        Scope::Admin,
                        "Hand changes on to a URL from now on",
                    )(operation);
                    operation.response::<201, Json<MadeForward>>()
                }),
        )
        .api_route(
            "/v1/forwards/{forward}",
            get_with(read, told("getForward", Scope::Read, "A forward, and how far it is"))
                .patch_with(
                    change,
                    told(
                        "changeForward",
                        Scope::Admin,
                        "Change, enable or disable a forward, which goes on where it is",
                    ),
                )
                .delete_with(
                    remove,
                    told(
                        "deleteForward",
                        Scope::Admin,
                        "Remove a forward with all that is kept for it",
                    ),
                ),
        )
        .api_route(
            "/v1/forwards/{forward}/parked",
            get_with(
                parked,
                told("listParked", Scope::Read, "Changes that its target did not take"),
            )
            .delete_with(drop_parked, told("deleteParked", Scope::Write, "Forget parked changes")),
        )
        .api_route(
            "/v1/forwards/{forward}/parked/retry",
            post_with(retry, told("retryParked", Scope::Write, "Have parked changes tried again")),
        )
}

/// Which forward.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct OfForward {
    /// Its name.
    forward: String,
}

/// A forward to make.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewForward {
    /// A name for it, which no other forward has.
    name: String,
    /// Where changes go: https to a public address. It is sealed; of it, the origin alone is shown.
    url: String,
    /// Only the changes of this connection; without, those of all connections.
    connection: Option<String>,
    /// Hand on only these changes: `OBJECT`, `OBJECT.MEMBER=VALUE`, `OBJECT.MEMBER:FROM->TO`.
    #[serde(default)]
    only: Vec<String>,
    /// Send what this template makes of a message, instead of the message.
    template: Option<Value>,
    /// Sign with this: `whsec_` and the base64 of 24 to 64 bytes [default: one is made, and shown once].
    secret: Option<String>,
    /// Do not sign, for a target that cannot check.
    #[serde(default)]
    unsigned: bool,
}

/// What is changed of a forward. What is not given stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangedForward {
    /// Another name.
    name: Option<String>,
    /// Where changes go from now on.
    url: Option<String>,
    /// Hand on only these changes; none: every one.
    only: Option<Vec<String>>,
    /// Send what this template makes of a message; null: Standard Webhooks.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<Value>")]
    template: Option<Option<Value>>,
    /// Sign with this.
    secret: Option<String>,
    /// Sign with a new secret, which is shown once.
    #[serde(default)]
    new_secret: bool,
    /// Do not sign.
    #[serde(default)]
    unsigned: bool,
    /// Whether changes are handed on now; else they wait.
    enabled: Option<bool>,
}

/// A member whose null is told apart from its absence.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<Value>>, D::Error> {
    Option::<Value>::deserialize(from).map(Some)
}

/// A forward that was made or changed.
#[derive(Serialize, JsonSchema)]
struct MadeForward {
    /// The forward.
    forward: ForwardDocument,
    /// What its messages are signed with, where that was made now: it is not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

async fn shown(app: &Api, row: &ForwardRow) -> Result<ForwardDocument, Problem> {
    let lag = app.database.measure_forward(&row.id).await?;
    Ok(ForwardDocument::of(row, &lag, &app.names().await?))
}

/// The forwards of the connector.
async fn rows(app: &Api) -> Result<Vec<ForwardRow>, Problem> {
    let mut rows = app.database.list_forwards().await?;
    rows.retain(|row| row.connector == app.connector.manifest().name);
    Ok(rows)
}

async fn named(app: &Api, name: &str) -> Result<ForwardRow, Problem> {
    let rows = rows(app).await?;
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let found = rows.iter().find(|row| row.name == name).cloned();
    found.ok_or_else(|| Problem::unknown("forward", name, &names))
}

async fn list(State(app): State<App>) -> Result<Json<Page<ForwardDocument>>, Problem> {
    let mut items = Vec::new();
    for row in rows(&app).await? {
        items.push(shown(&app, &row).await?);
    }
    Ok(Json(Page { items, next: None }))
}

async fn read(
    State(app): State<App>,
    Path(path): Path<OfForward>,
) -> Result<Json<ForwardDocument>, Problem> {
    Ok(Json(shown(&app, &named(&app, &path.forward).await?).await?))
}

/// The URL is not repeated: it may hold a secret.
fn address(app: &Api, url: &str) -> Result<TargetAddress, Problem> {
    TargetAddress::new(url, app.surroundings.space, None).map_err(|_| {
        Problem::invalid("url is no https URL of a public address")
            .next("whoever runs this host allows others by --allow-private")
    })
}

fn check_filters(app: &Api, filters: &[String]) -> Result<(), Problem> {
    let objects = &app.connector.manifest().objects;
    let objects: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    let lost = unknown_object(filters, &objects);
    match lost.map_err(|why| Problem::invalid(format!("only: {why}")))? {
        None => {}
        Some(object) => {
            return Err(Problem::unknown("object of only", &object, &objects).of_input());
        }
    }
    match unknown_rule(filters, &app.connector.manifest().more) {
        None => Ok(()),
        Some((rule, known)) => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            Err(Problem::unknown("rule of only", &rule, &known).of_input())
        }
    }
}

fn template(given: Option<Value>) -> Result<Option<String>, Problem> {
    let Some(template) = given else { return Ok(None) };
    let text = template.to_string();
    Template::read(&text).map_err(|why| Problem::invalid(format!("template: {why}")))?;
    Ok(Some(text))
}

fn signing(given: String) -> Result<Secret, Problem> {
    let secret = Secret::new(given);
    Signer::read(&secret)
        .map_err(|why| Problem::invalid(format!("the secret cannot sign: {why}")))?;
    Ok(secret)
}

fn text(secret: &Secret) -> String {
    String::from_utf8_lossy(secret.expose()).into_owned()
}

async fn add(State(app): State<App>, Json(new): Json<NewForward>) -> Result<Response, Problem> {
    check_name("forward", &new.name)?;
    let address = address(&app, &new.url)?;
    check_filters(&app, &new.only)?;
    let (secret, is_new) = match (new.secret, new.unsigned) {
        (Some(_), true) => {
            return Err(Problem::invalid("a forward has a secret, or is unsigned"));
        }
        (Some(given), false) => (Some(signing(given)?), false),
        (None, true) => (None, false),
        (None, false) => (Some(new_secret().map_err(VaultError::from)?), true),
    };
    let mut row = ForwardRow {
        id: new_id().map_err(VaultError::from)?,
        name: new.name,
        connector: app.connector.manifest().name.clone(),
        connection: app.whose(new.connection.as_deref()).await?,
        origin: String::new(),
        filters: new.only,
        template: template(new.template)?,
        is_signed: false,
        sealed: Sealed(vec![]),
        enabled: true,
        made_ms: app.clock().now_ms(),
    };
    let told = secret.as_ref().filter(|_| is_new).map(text);
    address.signed_by(secret).seal(&mut row, &app.vault)?;
    app.database.put_forward(row.clone()).await?;
    let made = MadeForward { forward: shown(&app, &row).await?, secret: told };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

async fn change(
    State(app): State<App>,
    Path(path): Path<OfForward>,
    Json(new): Json<ChangedForward>,
) -> Result<Json<MadeForward>, Problem> {
    let mut row = named(&app, &path.forward).await?;
    if let Some(name) = new.name {
        check_name("forward", &name)?;
        row.name = name;
    }
    if let Some(only) = new.only {
        check_filters(&app, &only)?;
        row.filters = only;
    }
    if let Some(given) = new.template {
        row.template = template(given)?;
    }
    row.enabled = new.enabled.unwrap_or(row.enabled);
    let secret = match (new.secret, new.new_secret, new.unsigned) {
        (None, false, false) => None,
        (Some(given), false, false) => Some((Some(signing(given)?), false)),
        (None, true, false) => Some((Some(new_secret().map_err(VaultError::from)?), true)),
        (None, false, true) => Some((None, false)),
        _ => return Err(Problem::invalid("give one of secret, new_secret and unsigned")),
    };
    let moved = new.url.map(|url| address(&app, &url)).transpose()?;
    let mut told = None;
    if moved.is_some() || secret.is_some() {
        let mut address = TargetAddress::open_to_change(&row, &app.vault).map_err(|why| {
            Problem::new(ProblemKind::Internal, ProblemSource::Host, why.to_string())
        })?;
        if let Some(moved) = moved {
            address = address.moved_to(moved);
        }
        if let Some((secret, is_new)) = secret {
            told = secret.as_ref().filter(|_| is_new).map(text);
            address = address.signed_by(secret);
        }
        address.seal(&mut row, &app.vault)?;
    }
    app.database.put_forward(row.clone()).await?;
    Ok(Json(MadeForward { forward: shown(&app, &row).await?, secret: told }))
}

async fn remove(State(app): State<App>, Path(path): Path<OfForward>) -> Result<Nothing, Problem> {
    app.database.remove_forward(&named(&app, &path.forward).await?.id).await?;
    Ok(Nothing)
}

async fn parked(
    State(app): State<App>,
    Path(path): Path<OfForward>,
) -> Result<Json<Page<ParkedDocument>>, Problem> {
    let row = named(&app, &path.forward).await?;
    let names = app.names().await?;
    // A forward keeps no more than these.
    let most = u32::try_from(MOST_UNDELIVERED).unwrap_or(u32::MAX);
    let rows = app.database.list_parked(&row.id, most).await?;
    let items = rows.iter().map(|(left, change)| ParkedDocument::of(left, change, &names));
    Ok(Json(Page { items: items.collect(), next: None }))
}

/// Which parked changes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ParkedChoice {
    /// Those of this connection [default: of all].
    connection: Option<String>,
    /// Those with these numbers [default: all].
    #[serde(default)]
    changes: Vec<u64>,
}

/// So many changes.
#[derive(Debug, Serialize, JsonSchema)]
struct ParkedCount {
    /// How many there were.
    changes: u64,
}

async fn which(app: &Api, choice: ParkedChoice) -> Result<WhichParked, Problem> {
    let connection = app.whose(choice.connection.as_deref()).await?;
    Ok(WhichParked { connection, changes: choice.changes })
}

async fn retry(
    State(app): State<App>,
    Path(path): Path<OfForward>,
    Json(choice): Json<ParkedChoice>,
) -> Result<Json<ParkedCount>, Problem> {
    let row = named(&app, &path.forward).await?;
    let changes = app.database.retry_parked(&row.id, which(&app, choice).await?).await?;
    Ok(Json(ParkedCount { changes }))
}

async fn drop_parked(
    State(app): State<App>,
    Path(path): Path<OfForward>,
    Query(choice): Query<ParkedChoice>,
) -> Result<Json<ParkedCount>, Problem> {
    let row = named(&app, &path.forward).await?;
    let changes = app.database.drop_parked(&row.id, which(&app, choice).await?).await?;
    Ok(Json(ParkedCount { changes }))
}
