//! The connector: its manifest, and what its objects offer.

use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use connector_service::documents::catalog;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{App, Page};
use crate::app::Api;
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::{Json, Path};
use crate::problem::Problem;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/v1/connectors",
            get_with(list, told("listConnectors", Scope::Read, "Manifests of the connectors")),
        )
        .api_route(
            "/v1/connectors/{connector}",
            get_with(
                manifest,
                told(
                    "getConnector",
                    Scope::Read,
                    "A connector's manifest: what it is, needs and may reach",
                ),
            ),
        )
        .api_route(
            "/v1/connectors/{connector}/objects/{object}",
            get_with(
                describe,
                told(
                    "describeObject",
                    Scope::Read,
                    "An object: its schemas, operations, filters, actions",
                ),
            ),
        )
}

/// Which connector.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct OfConnector {
    /// Its name.
    connector: String,
}

/// Which object.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct OfObject {
    /// Name of the connector.
    connector: String,
    /// Name of the object.
    object: String,
}

async fn list(State(app): State<App>) -> Json<Page<Value>> {
    Json(Page { items: vec![shown(&app)], next: None })
}

async fn manifest(
    State(app): State<App>,
    Path(path): Path<OfConnector>,
) -> Result<Json<Value>, Problem> {
    known(&app, &path.connector)?;
    Ok(Json(shown(&app)))
}

async fn describe(
    State(app): State<App>,
    Path(path): Path<OfObject>,
) -> Result<Json<Value>, Problem> {
    known(&app, &path.connector)?;
    app.check_object(&path.object)?;
    Ok(Json(catalog::value(&app.connector.describe(&path.object).await?)))
}

fn known(app: &Api, name: &str) -> Result<(), Problem> {
    let known = app.connector.manifest().name.as_str();
    if name == known { Ok(()) } else { Err(Problem::unknown("connector", name, &[known])) }
}

fn shown(app: &Api) -> Value {
    let mut shown = catalog::connector(app.connector.facts(), app.connector.manifest());
    // Where the file lies is the machine's business.
    if let Some(members) = shown.as_object_mut() {
        members.shift_remove("file");
    }
    shown
}
