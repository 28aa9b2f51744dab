//! What waits for a person, by cause, and what is done about all of a cause at once.

use std::collections::BTreeSet;

use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::extract::State;
use connector_service::documents::{TroubleDocument, TroubleGroup, TroublesDocument};
use connector_service::push::OnConflict;
use connector_service::trouble::{Treatment, TroubleKind, TroubleScope, Which, act as treat, find};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{App, limited};
use crate::app::Api;
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;
use crate::working::{pusher, work};

/// Troubles of a page, where no limit is given.
const USUAL: u32 = 100;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/v1/troubles",
            get_with(
                list,
                told("listTroubles", Scope::Read, "What waits for a person, grouped by cause"),
            ),
        )
        .api_route(
            "/v1/troubles/{group}",
            get_with(
                read,
                told("getTroubles", Scope::Read, "The troubles of a cause, oldest first"),
            ),
        )
        .api_route(
            "/v1/troubles/{group}/{treatment}",
            post_with(
                act,
                told(
                    "treatTroubles",
                    Scope::Write,
                    "Have troubles of a cause tried again, forgotten or decided",
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
    /// Only those of this kind.
    #[schemars(extend("enum" = ["dead-letter", "unread-record", "conflict", "unknown-outcome", "parked-change"]))]
    kind: Option<String>,
}

/// Whose troubles are meant: of one connection, or of all of the connector.
///
/// # Errors
/// When there is no such connection.
pub async fn scope(app: &Api, connection: Option<&str>) -> Result<TroubleScope, Problem> {
    let connector = app.connector.manifest().name.clone();
    let connection = app.whose(connection).await?;
    Ok(TroubleScope { connector, names: app.names().await?, connection })
}

/// The kind of this word.
///
/// # Errors
/// When there is none.
pub fn kind(word: Option<&str>) -> Result<Option<TroubleKind>, Problem> {
    let known = |word| {
        TroubleKind::of(word).ok_or_else(|| {
            let words: Vec<&str> = TroubleKind::ALL.into_iter().map(TroubleKind::word).collect();
            Problem::invalid(format!("kind is {}", words.join(", ")))
        })
    };
    word.map(known).transpose()
}

async fn list(
    State(app): State<App>,
    Query(asked): Query<ListParameters>,
) -> Result<Json<TroublesDocument>, Problem> {
    let only = kind(asked.kind.as_deref())?;
    let scope = scope(&app, asked.connection.as_deref()).await?;
    let found = find(&*app.database, &scope).await?;
    Ok(Json(TroublesDocument::of(&found, &scope, only, app.clock().now_ms())))
}

/// Which cause.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct OfGroup {
    /// Its key, as the list has it.
    group: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct ReadParameters {
    /// Only those of this connection.
    connection: Option<String>,
    /// No more than so many, 1 to 1000 [default: 100].
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

/// A cause with its troubles.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OpenedGroup {
    /// The cause.
    pub group: TroubleGroup,
    /// Its troubles, the oldest first.
    pub items: Vec<TroubleDocument>,
}

/// The troubles of a cause, some of them.
///
/// # Errors
/// When there is no such cause, or none any more.
pub async fn opened(
    app: &Api,
    scope: &TroubleScope,
    key: &str,
    limit: usize,
) -> Result<OpenedGroup, Problem> {
    let found = find(&*app.database, scope).await?;
    let all = TroublesDocument::of(&found, scope, None, app.clock().now_ms());
    let group = all.groups.into_iter().find(|group| group.key == key);
    let group = group.ok_or_else(|| {
        Problem::not_found(format!("no trouble of the cause {key} is left"))
            .next("GET /v1/troubles lists the causes that there are")
    })?;
    let items = found.items.iter().filter(|item| item.group(&scope.connector) == key).take(limit);
    let items = items.map(|item| TroubleDocument::of(item, scope)).collect();
    Ok(OpenedGroup { group, items })
}

async fn read(
    State(app): State<App>,
    Path(path): Path<OfGroup>,
    Query(asked): Query<ReadParameters>,
) -> Result<Json<OpenedGroup>, Problem> {
    let limit = limited(asked.limit, USUAL)?;
    let scope = scope(&app, asked.connection.as_deref()).await?;
    Ok(Json(opened(&app, &scope, &path.group, limit).await?))
}

/// Which cause, and what is to be done.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct OfTreatment {
    /// Its key, as the list has it.
    group: String,
    /// `replay` tries again, `drop` forgets, `ours` and `theirs` decide conflicts.
    #[schemars(extend("enum" = ["replay", "drop", "ours", "theirs"]))]
    treatment: String,
}

/// Which troubles of a cause.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TroubleChoice {
    /// Those of this connection [default: of all].
    connection: Option<String>,
    /// Those with these numbers [default: all].
    #[serde(default)]
    numbers: BTreeSet<String>,
}

/// What came of it.
#[derive(Debug, Serialize, JsonSchema)]
struct TreatedTroubles {
    /// About so many it was done.
    done: u64,
    /// So many were dealt with meanwhile, or have changed.
    passed: u64,
    /// There were more troubles than are looked at: ask again.
    more: bool,
}

async fn act(
    State(app): State<App>,
    Path(path): Path<OfTreatment>,
    Json(choice): Json<TroubleChoice>,
) -> Result<Json<TreatedTroubles>, Problem> {
    let treatment = Treatment::of(&path.treatment);
    let treatment = treatment.ok_or_else(|| {
        Problem::unknown("treatment", &path.treatment, &["replay", "drop", "ours", "theirs"])
    })?;
    let scope = scope(&app, choice.connection.as_deref()).await?;
    let which = Which { group: path.group, numbers: choice.numbers };
    let acted = treat(&*app.database, &scope, &which, treatment).await?;
    // What was decided or is to be looked for is carried out by working the runs off.
    for (run, connection) in &acted.runs {
        let (Some(name), Some(row)) = (scope.names.get(connection), app.database.run(run).await?)
        else {
            continue;
        };
        let push = pusher(&app, &app.row(name).await?, &row.object).await?;
        work(&app, push, run.clone(), OnConflict::Park).await?;
    }
    Ok(Json(TreatedTroubles { done: acted.done, passed: acted.passed, more: acted.is_partial }))
}
