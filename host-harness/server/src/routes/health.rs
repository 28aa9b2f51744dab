//! Whether the host is there, and whether it can work; and what the API is.

use std::sync::OnceLock;

use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{App, description};
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::Json;
use crate::problem::Problem;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/healthz", get_with(healthz, told("healthz", Scope::Open, "Whether it runs")))
        .api_route(
            "/readyz",
            get_with(readyz, told("readyz", Scope::Open, "Whether its state can be used")),
        )
        .api_route(
            "/v1/openapi.json",
            get_with(openapi, told("openapi", Scope::Open, "This description (OpenAPI 3.1)")),
        )
}

/// That something is well.
#[derive(Debug, Serialize, JsonSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
}

async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    // The cheapest question that the database itself must answer.
    app.database.hosts().await?;
    Ok(Json(Health { status: "ok" }))
}

async fn openapi() -> Result<Json<Value>, Problem> {
    // It says the same as long as the program runs.
    static DESCRIBED: OnceLock<Result<Value, String>> = OnceLock::new();
    let described = DESCRIBED
        .get_or_init(|| serde_json::to_value(description()).map_err(|why| why.to_string()));
    described.clone().map(Json).map_err(|why| {
        let (kind, source) = (crate::ProblemKind::Internal, crate::ProblemSource::Host);
        Problem::new(kind, source, format!("the description cannot be written: {why}"))
    })
}
