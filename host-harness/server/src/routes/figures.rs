//! What became of records, and how many there are of which kind.

use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use connector_service::documents::{
    AnalyticsDocument, CountsDocument, HistoryEntry, differs, history_entry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::records::{OfObject, OfRecord, absent};
use super::{App, Page, limited};
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::{Json, Path, Query};
use crate::problem::Problem;

/// Changes of a history, where no limit is given.
const USUAL: u32 = 100;
/// Weeks of analytics, where none are given.
const WEEKS: u16 = 12;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/v1/connections/{connection}/objects/{object}/records/{id}/history",
            get_with(
                history,
                told("getHistory", Scope::Read, "What became of a record, newest change first"),
            ),
        )
        .api_route(
            "/v1/connections/{connection}/objects/{object}/counts",
            get_with(
                counts,
                told("getCounts", Scope::Read, "How many kept records have which value"),
            ),
        )
        .api_route(
            "/v1/connections/{connection}/objects/{object}/analytics",
            get_with(
                analytics,
                told(
                    "getAnalytics",
                    Scope::Read,
                    "What became of records by week, how carriers and lanes perform, and why records are in trouble",
                ),
            ),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct HistoryParameters {
    /// No more than so many changes, 1 to 1000 [default: 100].
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

async fn history(
    State(app): State<App>,
    Path(path): Path<OfRecord>,
    Query(asked): Query<HistoryParameters>,
) -> Result<Json<Page<HistoryEntry>>, Problem> {
    app.check_object(&path.object)?;
    let limit = u32::try_from(limited(asked.limit, USUAL)?).unwrap_or(u32::MAX);
    let row = app.row(&path.connection).await?;
    let rows = app.database.history(&row.id, &path.object, &path.id, limit).await?;
    if rows.is_empty() && app.database.record(&row.id, &path.object, &path.id).await?.is_none() {
        return Err(absent(&path));
    }
    let items = rows.iter().map(|row| history_entry(row, differs(row))).collect();
    Ok(Json(Page { items, next: None }))
}

async fn counts(
    State(app): State<App>,
    Path(path): Path<OfObject>,
) -> Result<Json<CountsDocument>, Problem> {
    app.check_object(&path.object)?;
    let row = app.row(&path.connection).await?;
    Ok(Json(CountsDocument::of(
        &path.object,
        app.database.value_counts(&row.id, &path.object).await?,
    )))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct AnalyticsParameters {
    /// The newest so many weeks, 1 to 520 [default: 12].
    #[schemars(range(min = 1, max = 520))]
    weeks: Option<u16>,
}

async fn analytics(
    State(app): State<App>,
    Path(path): Path<OfObject>,
    Query(asked): Query<AnalyticsParameters>,
) -> Result<Json<AnalyticsDocument>, Problem> {
    app.check_object(&path.object)?;
    let weeks = asked.weeks.unwrap_or(WEEKS);
    if !(1..=520).contains(&weeks) {
        return Err(Problem::invalid("weeks is 1 to 520"));
    }
    let row = app.row(&path.connection).await?;
    let mut found = app.database.analytics(&row.id, &path.object).await?;
    found.keep_newest(usize::from(weeks));
    Ok(Json(AnalyticsDocument::of(&found)))
}
