//! Connections: made, shown, tried, renamed, removed; and their secrets, which are written and never read.

use std::collections::BTreeMap;
use std::time::Duration;

use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with, put_with};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use connector_contract::setup::Scheme;
use connector_runtime::SCHEME;
use connector_runtime::secrets::Secret;
use connector_service::check::{ObjectCheck, check};
use connector_service::connect::{self, Begun, ConnectFlow, ConnectRequest, is_connected};
use connector_service::documents::{ConnectionDocument, SecretDocument};
use connector_state::Change;
use connector_state::lists::{
    ConnectionsQuery, LABELS, LabelledConnection, Labels, check_label, check_labels,
};
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{App, Nothing, Page, check_name, limited};
use crate::app::Api;
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::{Json, Path, Query};
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// Connections of a page, where no limit is given.
const USUAL: u32 = 100;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/v1/connections",
            get_with(list, told("listConnections", Scope::Read, "Connections, by name")).post_with(
                create,
                |operation| {
                    let operation =
                        told("createConnection", Scope::Admin, "Make a connection")(operation);
                    operation.response::<201, Json<ConnectionDocument>>()
                },
            ),
        )
        .api_route(
            "/v1/connections/{connection}",
            get_with(read, told("getConnection", Scope::Read, "A connection"))
                .patch_with(
                    change,
                    told(
                        "changeConnection",
                        Scope::Admin,
                        "Rename a connection, or give it other labels",
                    ),
                )
                .delete_with(
                    remove,
                    told(
                        "deleteConnection",
                        Scope::Admin,
                        "Give its grant back, and erase all that is kept for it",
                    ),
                ),
        )
        .api_route(
            "/v1/connections/{connection}/check",
            post_with(
                try_objects,
                told("checkConnection", Scope::Write, "Try whether it may use its objects"),
            ),
        )
        .api_route(
            "/v1/connections/{connection}/secrets",
            get_with(
                list_secrets,
                told("listSecrets", Scope::Admin, "Names and versions of its secrets"),
            ),
        )
        .api_route(
            "/v1/connections/{connection}/secrets/{secret}",
            put_with(put_secret, told("putSecret", Scope::Admin, "Keep a new version of a secret"))
                .delete_with(
                    remove_secret,
                    told("deleteSecret", Scope::Admin, "Erase every version of a secret"),
                ),
        )
}

/// Which connection.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OfConnection {
    /// Name of the connection.
    pub connection: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct ListParameters {
    /// Goes on after the page whose `next` this is.
    cursor: Option<String>,
    /// No more than so many, 1 to 1000 [default: 100].
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// Only those with this label, as `NAME=VALUE`; given several times, with all of them.
    #[serde(default)]
    label: Vec<String>,
}

async fn list(
    State(app): State<App>,
    Query(parameters): Query<ListParameters>,
) -> Result<Json<Page<ConnectionDocument>>, Problem> {
    let limit = limited(parameters.limit, USUAL)?;
    let mut labels = Vec::new();
    for given in parameters.label {
        let (name, value) =
            given.split_once('=').ok_or_else(|| Problem::invalid("label is NAME=VALUE"))?;
        check_label(name, value).map_err(Problem::invalid)?;
        labels.push((name.to_owned(), value.to_owned()));
    }
    if labels.len() > LABELS {
        return Err(Problem::invalid(format!("label is given up to {LABELS} times")));
    }
    let asked = ConnectionsQuery {
        connector: Some(app.connector.manifest().name.clone()),
        labels,
        after: parameters.cursor.unwrap_or_default(),
        limit: u32::try_from(limit + 1).unwrap_or(u32::MAX),
        ..ConnectionsQuery::default()
    };
    let mut rows = app.database.list_connections(asked).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let mut items = Vec::new();
    for one in rows {
        items.push(shown(&app, one).await?);
    }
    let last = items.last().filter(|_| has_more);
    let next = last.map(|last: &ConnectionDocument| last.name.clone());
    Ok(Json(Page { items, next }))
}

/// A connection as it is shown.
///
/// # Errors
/// When the state cannot be read.
pub async fn shown(app: &Api, one: LabelledConnection) -> Result<ConnectionDocument, Problem> {
    let LabelledConnection { row, labels } = one;
    let grant = app.database.grant(&row.id).await?;
    let mut document = ConnectionDocument::of(&row, grant.as_ref()).with_labels(labels);
    let schemes = &app.connector.manifest().schemes;
    if let Some(scheme) = schemes.iter().find(|scheme| grant.is_none() && scheme.name == row.scheme)
    {
        document.connected_if(is_connected(scheme, &app.vault.list(&row).await?, None));
    }
    Ok(document)
}

async fn read(
    State(app): State<App>,
    Path(path): Path<OfConnection>,
) -> Result<Json<ConnectionDocument>, Problem> {
    let one = app.labelled(&path.connection).await?;
    Ok(Json(shown(&app, one).await?))
}

/// A connection to make.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewConnection {
    /// A name for it, which no other connection has.
    name: String,
    /// Authentication scheme [default: the connector's first].
    scheme: Option<String>,
    /// Settings that are its own.
    #[serde(default)]
    settings: BTreeMap<String, String>,
    /// Secrets that the scheme asks for, by their names. They are sealed, and never shown.
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// Labels by which it is found: up to 32, names and values as Kubernetes writes them.
    #[serde(default)]
    labels: Labels,
}

async fn create(
    State(app): State<App>,
    Json(new): Json<NewConnection>,
) -> Result<Response, Problem> {
    check_name("connection", &new.name)?;
    check_labels(&new.labels).map_err(Problem::invalid)?;
    if app.database.connection(&new.name).await?.is_some() {
        return Err(connector_state::StoreError::NameTaken(new.name).into());
    }
    let scheme = scheme(&app, new.scheme.as_deref())?;
    if scheme.interactive {
        let text = format!("the scheme {} goes by way of a browser", scheme.name);
        return Err(Problem::new(ProblemKind::Unsupported, ProblemSource::Request, text).next(
            format!(
                "POST /v1/connections/{}/connect answers a link for it",
                super::encoded(&new.name)
            ),
        ));
    }
    for (name, value) in &new.settings {
        if name == SCHEME {
            return Err(Problem::invalid("the scheme is no setting").next("give it as scheme"));
        }
        app.connector.check_setting(name, value, app.surroundings.space)?;
    }
    let mut secrets = connector_runtime::Tokens::new();
    for (name, value) in new.secrets {
        let value = Secret::new(value);
        app.connector.check_secret(&name)?;
        app.connector.check_secret_value(&name, &value)?;
        secrets.insert(name, value);
    }
    let is_missing = |name: &String| !secrets.contains_key(name);
    let mut missing = scheme.secrets.iter().filter(|it| it.required && is_missing(&it.name));
    if let Some(field) = missing.next() {
        let text = format!("the secret \"{}\" ({}) is needed", field.name, field.title);
        return Err(Problem::invalid(text).next("give it in secrets"));
    }
    let connector = &app.connector.manifest().name;
    let row = app.vault.new_connection(&new.name, connector, &scheme.name, new.settings)?;
    let builder = app.connect.surroundings().setting(SCHEME, &row.scheme);
    let builder =
        row.settings.iter().fold(builder, |builder, (name, value)| builder.setting(name, value));
    let authority = builder.build().await?.authority();
    let flow = ConnectFlow { vault: app.vault.clone() };
    let (callback_url, scopes) = (String::new(), vec![]);
    let request = ConnectRequest { connection: row, secrets, callback_url, scopes };
    let Begun::Ready(row) = Box::pin(flow.begin(&authority, request)).await? else {
        let text = "the connector sends to a browser, and its scheme does not say so";
        return Err(Problem::new(ProblemKind::Internal, ProblemSource::Connector, text));
    };
    if !new.labels.is_empty() {
        let (id, labels) = (row.id.clone(), Some(new.labels.clone()));
        app.database.commit(vec![Change::ChangeConnection { id, name: None, labels }]).await?;
    }
    let place = format!("/v1/connections/{}", super::encoded(&row.name));
    let made = Json(shown(&app, LabelledConnection { row, labels: new.labels }).await?);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], made).into_response())
}

fn scheme<'a>(app: &'a Api, name: Option<&str>) -> Result<&'a Scheme, Problem> {
    let schemes = &app.connector.manifest().schemes;
    let found = schemes.iter().find(|scheme| name.is_none_or(|name| scheme.name == name));
    found.ok_or_else(|| {
        let names: Vec<&str> = schemes.iter().map(|scheme| scheme.name.as_str()).collect();
        Problem::unknown("scheme", name.unwrap_or_default(), &names).of_input()
    })
}

/// What is changed of a connection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangedConnection {
    /// Its name from now on. Everything that is kept for it stays.
    name: Option<String>,
    /// Its labels from now on: they replace those that it has.
    labels: Option<Labels>,
}

async fn change(
    State(app): State<App>,
    Path(path): Path<OfConnection>,
    Json(changed): Json<ChangedConnection>,
) -> Result<Json<ConnectionDocument>, Problem> {
    let ChangedConnection { name, labels } = changed;
    if let Some(name) = &name {
        check_name("connection", name)?;
    }
    if let Some(labels) = &labels {
        check_labels(labels).map_err(Problem::invalid)?;
    }
    if name.is_none() && labels.is_none() {
        return Err(Problem::invalid("give name or labels"));
    }
    let id = app.row(&path.connection).await?.id;
    let now = name.clone().unwrap_or(path.connection);
    app.database.commit(vec![Change::ChangeConnection { id, name, labels }]).await?;
    Ok(Json(shown(&app, app.labelled(&now).await?).await?))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct RemoveParameters {
    /// Erase it although the provider cannot be told.
    #[serde(default)]
    force: bool,
}

async fn remove(
    State(app): State<App>,
    Path(path): Path<OfConnection>,
    Query(parameters): Query<RemoveParameters>,
) -> Result<Nothing, Problem> {
    let row = app.row(&path.connection).await?;
    if let Some(grant) = connect::live_grant(&app.vault, &row).await? {
        let told = async {
            let authority = app.open(&row.name).await?.connection.authority();
            Ok::<_, Problem>(connect::give_back(&app.vault, &row, &grant, &authority).await?)
        };
        match told.await {
            Err(problem) if !parameters.force => {
                let next = "nothing was erased; ?force=true erases it all the same";
                return Err(problem.next(next));
            }
            _ => {}
        }
    }
    connect::remove(&app.vault, &row).await?;
    Ok(Nothing)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct CheckParameters {
    /// Only this object.
    object: Option<String>,
}

async fn try_objects(
    State(app): State<App>,
    Path(path): Path<OfConnection>,
    Query(parameters): Query<CheckParameters>,
) -> Result<Json<Page<ObjectCheck>>, Problem> {
    let objects = match parameters.object {
        Some(object) => {
            app.check_object(&object)?;
            vec![object]
        }
        None => app.connector.manifest().objects.iter().map(|it| it.name.clone()).collect(),
    };
    let opened = app.open(&path.connection).await?;
    let items = check(&opened.connection, opened.grants.as_ref(), &objects).await?;
    Ok(Json(Page { items, next: None }))
}

async fn list_secrets(
    State(app): State<App>,
    Path(path): Path<OfConnection>,
) -> Result<Json<Page<SecretDocument>>, Problem> {
    let row = app.row(&path.connection).await?;
    let rows = app.vault.list(&row).await?;
    Ok(Json(Page { items: rows.iter().map(SecretDocument::of).collect(), next: None }))
}

/// Which secret.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct OfSecret {
    /// Name of the connection.
    connection: String,
    /// Name of the secret in the connector's manifest.
    secret: String,
}

/// A secret to keep.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewSecret {
    /// The value. It is sealed, and never shown.
    value: String,
    /// For so many seconds the version before serves beside it, as a rotation needs [default: 0].
    #[serde(default)]
    overlap_seconds: u32,
}

async fn put_secret(
    State(app): State<App>,
    Path(path): Path<OfSecret>,
    Json(new): Json<NewSecret>,
) -> Result<Json<Page<SecretDocument>>, Problem> {
    let row = app.row(&path.connection).await?;
    let value = Secret::new(new.value);
    app.connector.check_secret(&path.secret)?;
    app.connector.check_secret_value(&path.secret, &value)?;
    let overlap = Duration::from_secs(new.overlap_seconds.into());
    app.vault.put(&row, &path.secret, &value, overlap).await?;
    let mut rows = app.vault.list(&row).await?;
    rows.retain(|row| row.name == path.secret);
    Ok(Json(Page { items: rows.iter().map(SecretDocument::of).collect(), next: None }))
}

async fn remove_secret(
    State(app): State<App>,
    Path(path): Path<OfSecret>,
) -> Result<Nothing, Problem> {
    let row = app.row(&path.connection).await?;
    let rows = app.vault.list(&row).await?;
    if !rows.iter().any(|version| version.name == path.secret) {
        let text = format!("no secret \"{}\" is kept for {}", path.secret, row.name);
        return Err(Problem::not_found(text));
    }
    app.vault.remove(&row, &path.secret).await?;
    Ok(Nothing)
}
