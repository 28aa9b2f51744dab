//! Records made, changed, removed, acted on and looked for at the provider.

use std::sync::Arc;

use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use connector_contract::actions::Invocation;
use connector_contract::batches::{Patch, Removal};
use connector_contract::catalog::Action;
use connector_contract::types::WrittenRecord;
use connector_runtime::{Connection, id_of};
use connector_service::own_writes::RecordWriter;
use http::{HeaderMap, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::records::{OfObject, OfRecord, RecordDocument, list, matches_strongly, read};
use super::{App, Nothing, Page, encoded};
use crate::app::Api;
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::{Json, JsonText, Path};
use crate::problem::{Problem, ProblemKind, ProblemSource};
use crate::writing::Writing;

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/v1/connections/{connection}/objects/{object}/records",
            get_with(list, |operation| {
                told(
                    "listRecords",
                    Scope::Read,
                    "Records: those that are kept, or by live=true the provider's",
                )(operation)
            })
            .post_with(create, |operation| {
                let operation = told("createRecord", Scope::Write, "Make a record")(operation);
                operation.response::<201, Json<WrittenDocument>>()
            }),
        )
        .api_route(
            "/v1/connections/{connection}/objects/{object}/records/{id}",
            get_with(read, |operation| {
                let operation = told(
                    "getRecord",
                    Scope::Read,
                    "A record: as it is kept, or by live=true as the provider has it",
                )(operation);
                operation.response::<200, Json<RecordDocument>>()
            })
            .patch_with(
                update,
                told(
                    "updateRecord",
                    Scope::Write,
                    "Change a record by a JSON Merge Patch (RFC 7396)",
                ),
            )
            .delete_with(delete, told("deleteRecord", Scope::Write, "Remove a record")),
        )
        .api_route(
            "/v1/connections/{connection}/objects/{object}/records/{id}/actions/{action}",
            post_with(
                act_on,
                told("invokeRecordAction", Scope::Write, "Run an action on a record"),
            ),
        )
        .api_route(
            "/v1/connections/{connection}/objects/{object}/actions/{action}",
            post_with(
                act,
                told("invokeAction", Scope::Write, "Run an action that is of no record"),
            ),
        )
        .api_route(
            "/v1/connections/{connection}/objects/{object}/find",
            post_with(
                find,
                told(
                    "findRecords",
                    Scope::Read,
                    "The provider's records that creating this would collide with",
                ),
            ),
        )
}

/// A connection to write records by: what is written is in what is kept of it at once.
async fn opened(app: &Api, name: &str) -> Result<(Connection, RecordWriter), Problem> {
    let row = app.row(name).await?;
    let connection = app.open(name).await?.connection;
    let kept = Some((Arc::clone(&app.database) as _, row.id));
    Ok((connection.clone(), RecordWriter::new(connection, kept)))
}

/// A record that was written.
#[derive(Debug, Serialize, JsonSchema)]
struct WrittenDocument {
    /// Its id.
    id: String,
    /// As it is now; null where it was written, and could not be read after.
    record: Option<RecordDocument>,
    /// The answer to the write was lost, and the record was there: by this write, or by another in the
    /// same moment.
    found: bool,
}

async fn shown(
    connection: &Connection,
    object: &str,
    item: WrittenRecord,
    found: bool,
) -> WrittenDocument {
    let id = id_of(&item).to_owned();
    // One that cannot be read now was written all the same.
    let record = connection.whole(object, item).await.ok().map(RecordDocument::from);
    WrittenDocument { id, record, found }
}

async fn create(
    State(app): State<App>,
    Path(path): Path<OfObject>,
    writing: Writing,
    JsonText(input): JsonText,
) -> Result<Response, Problem> {
    app.check_object(&path.object)?;
    let (connection, writer) = opened(&app, &path.connection).await?;
    let attempt = writing.attempt()?;
    let created = Box::pin(writer.create(&path.object, &input, &attempt)).await?;
    let written = shown(&connection, &path.object, created.written.item, created.found).await;
    let OfObject { connection, object } = &path;
    let (connection, object, id) = (encoded(connection), encoded(object), encoded(&written.id));
    let place = format!("/v1/connections/{connection}/objects/{object}/records/{id}");
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(written)).into_response())
}

async fn update(
    State(app): State<App>,
    Path(path): Path<OfRecord>,
    headers: HeaderMap,
    writing: Writing,
    JsonText(patch): JsonText,
) -> Result<Json<WrittenDocument>, Problem> {
    app.check_object(&path.object)?;
    let (connection, writer) = opened(&app, &path.connection).await?;
    let attempt = writing.attempt()?;
    let expected = expected(&connection, &path, &headers, attempt.again).await?;
    let patch = Patch { id: path.id, patch, expected };
    let written = Box::pin(writer.update(&path.object, &patch, &attempt)).await?;
    Ok(Json(shown(&connection, &path.object, written.item, false).await))
}

async fn delete(
    State(app): State<App>,
    Path(path): Path<OfRecord>,
    headers: HeaderMap,
    writing: Writing,
) -> Result<Nothing, Problem> {
    app.check_object(&path.object)?;
    let (connection, writer) = opened(&app, &path.connection).await?;
    let attempt = writing.attempt()?;
    let expected = match expected(&connection, &path, &headers, attempt.again).await {
        // It is gone by an earlier attempt.
        Err(problem) if attempt.again && problem.kind == ProblemKind::NotFound => {
            return Ok(Nothing);
        }
        expected => expected?,
    };
    let removal = Removal { id: path.id, expected };
    Box::pin(writer.delete(&path.object, &removal, &attempt)).await?;
    Ok(Nothing)
}

/// The provider's version of a record that has to be as `If-Match` says. Where the provider has no
/// versions, the record was so just before the write.
async fn expected(
    connection: &Connection,
    path: &OfRecord,
    headers: &HeaderMap,
    again: bool,
) -> Result<Option<String>, Problem> {
    let Some(wanted) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let found = connection.get(&path.object, &path.id).await?;
    let version = found.version.clone();
    if matches_strongly(wanted, &RecordDocument::from(found).etag()) {
        return Ok(version);
    }
    if again {
        let text = format!("{} {} is another by now, perhaps by this write", path.object, path.id);
        return Err(Problem::new(ProblemKind::OutcomeUnknown, ProblemSource::Host, text)
            .next("read it with live=true, and decide"));
    }
    let text = format!("{} {} is another by now", path.object, path.id);
    Err(Problem::new(ProblemKind::Conflict, ProblemSource::Request, text)
        .with_status(StatusCode::PRECONDITION_FAILED)
        .next("read it with live=true, and decide anew"))
}

/// Which action on which record.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct OfRecordAction {
    /// Name of the connection.
    connection: String,
    /// Name of the object.
    object: String,
    /// Id of the record.
    id: String,
    /// Name of the action.
    action: String,
}

/// Which action.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct OfAction {
    /// Name of the connection.
    connection: String,
    /// Name of the object.
    object: String,
    /// Name of the action.
    action: String,
}

/// What an action answered.
#[derive(Debug, Serialize, JsonSchema)]
struct ActionOutcome {
    /// Valid against the action's `output-schema`.
    #[schemars(with = "serde_json::Value")]
    output: Box<RawValue>,
    /// Records that it changed.
    changed: Vec<ChangedRecord>,
}

/// A record that was changed.
#[derive(Debug, Serialize, JsonSchema)]
struct ChangedRecord {
    /// Its object.
    object: String,
    /// Its id.
    id: String,
}

async fn act_on(
    State(app): State<App>,
    Path(path): Path<OfRecordAction>,
    writing: Writing,
    JsonText(input): JsonText,
) -> Result<Json<ActionOutcome>, Problem> {
    let OfRecordAction { connection, object, id, action } = path;
    invoke(&app, &connection, (object, action, Some(id)), &writing, input).await
}

async fn act(
    State(app): State<App>,
    Path(path): Path<OfAction>,
    writing: Writing,
    JsonText(input): JsonText,
) -> Result<Json<ActionOutcome>, Problem> {
    let OfAction { connection, object, action } = path;
    invoke(&app, &connection, (object, action, None), &writing, input).await
}

async fn invoke(
    app: &Api,
    connection: &str,
    (object, action, id): (String, String, Option<String>),
    writing: &Writing,
    input: String,
) -> Result<Json<ActionOutcome>, Problem> {
    app.check_object(&object)?;
    let descriptor = app.connector.describe(&object).await?;
    known(&descriptor.actions, &action, id.is_some())?;
    let (_, writer) = opened(app, connection).await?;
    let invocation = Invocation { object, action, id, input, attempt: writing.attempt()? };
    let outcome = Box::pin(writer.invoke(&invocation)).await?;
    let changed = outcome
        .written
        .iter()
        .map(|one| ChangedRecord { object: one.object.clone(), id: id_of(&one.item).to_owned() });
    let changed = changed.collect();
    Ok(Json(ActionOutcome { output: super::records::raw(&outcome.output), changed }))
}

/// Whether there is such an action, on a record or on none.
fn known(actions: &[Action], name: &str, on_record: bool) -> Result<(), Problem> {
    let names: Vec<&str> = actions.iter().map(|action| action.name.as_str()).collect();
    let found = actions.iter().find(|action| action.name == name);
    let found = found.ok_or_else(|| Problem::unknown("action", name, &names))?;
    match (found.on_record, on_record) {
        (true, false) => Err(Problem::not_found(format!("the action {name} works on one record"))
            .next("POST …/records/{id}/actions/{action}")),
        (false, true) => Err(Problem::not_found(format!("the action {name} works on no record"))
            .next("POST …/actions/{action}")),
        _ => Ok(()),
    }
}

async fn find(
    State(app): State<App>,
    Path(path): Path<OfObject>,
    JsonText(input): JsonText,
) -> Result<Json<Page<RecordDocument>>, Problem> {
    app.check_object(&path.object)?;
    let connection = app.open(&path.connection).await?.connection;
    let found = connection.find(&path.object, &input).await?;
    let items = found.into_iter().map(RecordDocument::from).collect();
    Ok(Json(Page { items, next: None }))
}
