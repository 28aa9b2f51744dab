//! Reading now, instead of when it is due.

use std::sync::Arc;

use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use connector_service::documents::{PullDocument, date};
use connector_service::sync::{Catalog, Pull, PullOptions, PullOutcome, Synced, SyncedConnection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::connections::OfConnection;
use super::{App, Page};
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::{Json, Path};
use crate::problem::Problem;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new().api_route(
        "/v1/connections/{connection}/sync",
        post_with(sync, |operation| {
            let operation = told("syncConnection", Scope::Write, "Read now what changed")(operation);
            operation.description(
                "Answers when it is read. A caller that goes ends it; what was read stays, and the next scan goes on \
                 from there.",
            )
        }),
    )
}

/// What is to be read.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SyncRequest {
    /// Only these objects [default: all that can be listed].
    #[serde(default)]
    objects: Vec<String>,
    /// Read everything, whatever is due.
    #[serde(default)]
    full: bool,
}

/// What came of reading an object.
#[derive(Debug, Serialize, JsonSchema)]
struct SyncedObject {
    /// The object.
    object: String,
    /// What was read; null where it was not.
    report: Option<PullDocument>,
    /// Another process or task reads it, until then at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    busy_until: Option<String>,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

async fn sync(
    State(app): State<App>,
    Path(path): Path<OfConnection>,
    Json(asked): Json<SyncRequest>,
) -> Result<Json<Page<SyncedObject>>, Problem> {
    let row = app.row(&path.connection).await?;
    let catalog = Catalog::of(&app.connector).await?;
    let mut objects: Vec<Synced> = Vec::new();
    for name in &asked.objects {
        let found = catalog.bringing(name);
        let found =
            found.ok_or_else(|| Problem::unknown("object to sync", name, &catalog.names()))?;
        if objects.iter().all(|known| known.name != found.name) {
            objects.push(found.clone());
        }
    }
    if objects.is_empty() {
        objects = catalog.all().to_vec();
    }
    let account = SyncedConnection {
        client: app.open(&row.name).await?.connection,
        mirror: Arc::clone(&app.database) as _,
        clock: app.clock(),
        connection: row.id.clone(),
        turns: app.turns.clone(),
    };
    let options = PullOptions { full: asked.full, ..PullOptions::default() };
    let mut items = Vec::new();
    for object in objects {
        let name = object.name.clone();
        let ended = Box::pin(Pull::new(account.clone(), object).run(&options)).await;
        let mut item = SyncedObject { object: name, report: None, busy_until: None, problem: None };
        match ended {
            Ok(PullOutcome::Done(report)) => {
                item.report = Some(PullDocument::of(&row.name, &report));
            }
            Ok(PullOutcome::Busy { until_ms }) => item.busy_until = Some(date(until_ms)),
            Err(why) => item.problem = Some(why.into()),
        }
        items.push(item);
    }
    Ok(Json(Page { items, next: None }))
}
