//! What became of a run's items, and what is decided about them.

use aide::OperationOutput;
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use connector_service::documents::{ConflictDocument, PlannedItemDocument};
use connector_service::push::{Decided, Decision, OnConflict, Push, Word as _};
use futures_util::stream;
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pushes::{OfRun, run};
use super::{App, Nothing, Page, limited};
use crate::app::Api;
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::{Json, Path, Query};
use crate::problem::{Problem, ProblemKind, ProblemSource};
use crate::working::{pusher, work};

/// Items of a page, where no limit is given.
const USUAL: u32 = 100;
/// Items of a plan, where no limit is given, and at most: each may ask the provider.
const PLANNED: u32 = 20;
const MOST_PLANNED: u32 = 100;
/// Conflicts that are decided about in one commit.
const AT_ONCE: usize = 100;

pub fn routes() -> ApiRouter<App> {
    const RUN: &str = "/v1/connections/{connection}/pushes/{run}";
    ApiRouter::new()
        .api_route(
            RUN,
            delete_with(
                discard,
                told("deletePush", Scope::Write, "Forget a run of which nothing was begun"),
            ),
        )
        .api_route(
            &format!("{RUN}/plan"),
            get_with(
                plan,
                told(
                    "planPush",
                    Scope::Read,
                    "What would be sent of a run's first items; reads at the provider",
                ),
            ),
        )
        .api_route(
            &format!("{RUN}/failed"),
            get_with(
                failed,
                told("getFailedItems", Scope::Read, "The items that failed, as they came"),
            ),
        )
        .api_route(
            &format!("{RUN}/conflicts"),
            get_with(
                conflicts,
                told(
                    "listConflicts",
                    Scope::Read,
                    "Items that wait for a decision, in their order",
                ),
            ),
        )
        .api_route(
            &format!("{RUN}/decide"),
            post_with(
                decide,
                told(
                    "decideConflicts",
                    Scope::Write,
                    "Decide about conflicts, and go on with the run",
                ),
            ),
        )
}

async fn discard(State(app): State<App>, Path(path): Path<OfRun>) -> Result<Nothing, Problem> {
    let (_, run) = run(&app, &path).await?;
    if app.database.discard(&run.id).await? {
        return Ok(Nothing);
    }
    let text = format!("some of push {} was sent, so it stays until it is 30 days old", run.id);
    Err(Problem::new(ProblemKind::Conflict, ProblemSource::Request, text))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct PlanParameters {
    /// No more than so many items, 1 to 100 [default: 20].
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
}

/// What would be sent of a run's first items.
///
/// # Errors
/// When the connection cannot be made, or an item not be opened.
pub async fn planned(
    app: &Api,
    path: &OfRun,
    limit: u32,
) -> Result<Vec<PlannedItemDocument>, Problem> {
    let (row, run) = run(app, path).await?;
    let push = pusher(app, &row, &run.object).await?;
    let items = push.plan_stored(&run.id, limit).await?;
    Ok(items.into_iter().map(PlannedItemDocument::of).collect())
}

async fn plan(
    State(app): State<App>,
    Path(path): Path<OfRun>,
    Query(asked): Query<PlanParameters>,
) -> Result<Json<Page<PlannedItemDocument>>, Problem> {
    let limit = asked.limit.unwrap_or(PLANNED);
    if !(1..=MOST_PLANNED).contains(&limit) {
        return Err(Problem::invalid(format!("limit is 1 to {MOST_PLANNED}")));
    }
    Ok(Json(Page { items: planned(&app, &path, limit).await?, next: None }))
}

/// Items as they came: CSV below the names of their columns, or a JSON object a line.
#[derive(Debug)]
pub struct Rows(Response);

impl IntoResponse for Rows {
    fn into_response(self) -> Response {
        self.0
    }
}

impl OperationOutput for Rows {
    type Inner = String;

    fn operation_response(
        _: &mut aide::generate::GenContext,
        _: &mut aide::openapi::Operation,
    ) -> Option<aide::openapi::Response> {
        let media = || aide::openapi::MediaType::default();
        let content = ["text/csv", "application/x-ndjson"].map(|kind| (kind.to_owned(), media()));
        Some(aide::openapi::Response {
            description: "The items, to be pushed again.".to_owned(),
            content: content.into_iter().collect(),
            ..aide::openapi::Response::default()
        })
    }

    fn inferred_responses(
        ctx: &mut aide::generate::GenContext,
        operation: &mut aide::openapi::Operation,
    ) -> Vec<(Option<u16>, aide::openapi::Response)> {
        Self::operation_response(ctx, operation).map(|one| (Some(200), one)).into_iter().collect()
    }
}

async fn failed(State(app): State<App>, Path(path): Path<OfRun>) -> Result<Rows, Problem> {
    failed_rows(&app, &path).await.map(Rows)
}

/// The items of a run that failed, piece by piece.
///
/// # Errors
/// When they may hold secrets, or the first of them cannot be read.
pub async fn failed_rows(app: &Api, path: &OfRun) -> Result<Response, Problem> {
    let (row, run) = run(app, path).await?;
    let push = pusher(app, &row, &run.object).await?;
    if push.has_secrets() {
        let text = format!("items of {} may hold secrets, which are not shown", run.object);
        return Err(Problem::new(ProblemKind::Forbidden, ProblemSource::Request, text)
            .next("`push --failed FILE` puts them into a file of yours"));
    }
    let kind = if run.header.is_some() { "text/csv" } else { "application/x-ndjson" };
    let first = push.failed_rows(&run.id, None).await?;
    let (text, next) = (first.text, first.next);
    let rest = stream::try_unfold((push, run.id, next), more);
    let pieces = stream::once(async { Ok::<_, std::io::Error>(text) });
    let body = Body::from_stream(futures_util::StreamExt::chain(pieces, rest));
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, kind)], body).into_response())
}

type Left = (Push, String, Option<(u64, u64)>);

async fn more((push, run, next): Left) -> std::io::Result<Option<(Vec<u8>, Left)>> {
    let Some(from) = next else { return Ok(None) };
    let rows = push.failed_rows(&run, Some(from)).await.map_err(std::io::Error::other)?;
    Ok(Some((rows.text, (push, run, rows.next))))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct ConflictParameters {
    /// Goes on after the page whose `next` this is.
    cursor: Option<String>,
    /// No more than so many, 1 to 1000 [default: 100].
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

async fn conflicts(
    State(app): State<App>,
    Path(path): Path<OfRun>,
    Query(asked): Query<ConflictParameters>,
) -> Result<Json<Page<ConflictDocument>>, Problem> {
    let limit = limited(asked.limit, USUAL)?;
    let from = asked.cursor.as_deref().map(str::parse::<u64>).transpose();
    let from = from.map_err(|_| Problem::invalid("cursor is none of this list"))?;
    let (_, run) = run(&app, &path).await?;
    let most = u32::try_from(limit + 1).unwrap_or(u32::MAX);
    let mut rows = app.database.conflicts(&run.id, from.unwrap_or_default(), most).await?;
    let next = rows.get(limit).map(|row| row.index.to_string());
    rows.truncate(limit);
    let items = rows.iter().map(|row| ConflictDocument::of(&run, row)).collect();
    Ok(Json(Page { items, next }))
}

/// What is decided.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewDecision {
    /// `ours` writes all the same, `theirs` leaves what stands there.
    #[schemars(extend("enum" = ["ours", "theirs"]))]
    decision: String,
    /// Which items, each with what was seen of it [default: all that wait, as they are now].
    #[serde(default)]
    items: Vec<SeenConflict>,
}

/// A conflict as it was seen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SeenConflict {
    /// The item.
    index: u64,
    /// `theirs` of the conflict.
    theirs: String,
}

/// What came of decisions.
#[derive(Debug, Serialize, JsonSchema)]
struct DecidedConflicts {
    /// About so many it was decided.
    decided: u64,
    /// So many were decided before, met another change, or wait for nothing.
    passed: u64,
}

async fn decide(
    State(app): State<App>,
    Path(path): Path<OfRun>,
    Json(asked): Json<NewDecision>,
) -> Result<Json<DecidedConflicts>, Problem> {
    let decision = Decision::of(&asked.decision)
        .ok_or_else(|| Problem::invalid("decision is ours or theirs"))?;
    let (row, run) = run(&app, &path).await?;
    let mut seen = Vec::new();
    for item in &asked.items {
        let theirs = digest(&item.theirs)
            .ok_or_else(|| Problem::invalid("theirs is 64 hexadecimal digits"))?;
        seen.push((item.index, theirs));
    }
    let mut result = DecidedConflicts { decided: 0, passed: 0 };
    let mut from = 0;
    loop {
        let some = if asked.items.is_empty() {
            let waiting = app.database.conflicts(&run.id, from, AT_ONCE as u32).await?;
            from = waiting.last().map_or(from, |last| last.index + 1);
            let seen = waiting.into_iter().map(|item| (item.index, item.conflict));
            seen.filter_map(|(index, conflict)| Some((index, conflict?.theirs))).collect()
        } else {
            seen.drain(..seen.len().min(AT_ONCE)).collect::<Vec<_>>()
        };
        if some.is_empty() {
            break;
        }
        for one in app.database.decide(&run.id, some, decision).await? {
            match one {
                Decided::Now => result.decided += 1,
                _ => result.passed += 1,
            }
        }
    }
    if result.decided > 0 {
        let push = pusher(&app, &row, &run.object).await?;
        work(&app, push, run.id, OnConflict::Park).await?;
    }
    Ok(Json(result))
}

/// A digest as it is written.
fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |sign: &u8| char::from(*sign).to_digit(16);
        *byte = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_or_is_none() {
        assert_eq!(digest(&"0f".repeat(32)), Some([15; 32]));
        for odd in ["", "0f", &"0g".repeat(32), &"0f".repeat(33), &format!("{}é", "0f".repeat(31))]
        {
            assert_eq!(digest(odd), None, "{odd}");
        }
    }
}
