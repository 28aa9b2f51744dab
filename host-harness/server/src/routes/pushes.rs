//! Many records written: a source is uploaded, kept whole before anything of it is sent, and worked off
//! as a run that can be followed.

use std::io::{self, Read};
use std::time::Duration;

use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::{Buf as _, Bytes};
use connector_contract::types::Attempt;
use connector_service::documents::{ItemDocument, PushDocument};
use connector_service::push::mapping::Mapping;
use connector_service::push::{Mode, OnConflict, PushRow, StoredRun, Word as _};
use connector_service::source::{Encoding, Items, PIPE_BOUND, ReadOptions, SourceForm, Spool};
use connector_state::ConnectionRow;
use http::{StatusCode, header};
use http_body_util::BodyExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::warn;

use super::connections::OfConnection;
use super::records::OfObject;
use super::{App, Page, encoded, limited};
use crate::app::Api;
use crate::authorise::Scope;
use crate::describe::told;
use crate::extract::{Json, Path, Query, check_content};
use crate::problem::{Problem, ProblemKind, ProblemSource};
use crate::working::{pusher, work};
use crate::writing::{UPLOAD, Writing};

/// Items of a page, where no limit is given.
const USUAL: u32 = 100;
/// A piece of an upload must come within this time.
const PIECE_WITHIN: Duration = Duration::from_secs(30);
/// An upload must be whole within this time.
const UPLOAD_WITHIN: Duration = Duration::from_secs(60 * 60);
/// Seconds after which another upload is worth a try.
const AGAIN: u64 = 15;
/// Pieces of an upload that wait to be kept.
const QUEUED: usize = 4;
const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";
const CSV: &str = "text/csv";

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            UPLOAD,
            post_with(push, |operation| {
                let operation = told("pushRecords", Scope::Write, "Write many records, each once")(operation);
                operation
                    .description(
                        "The body is NDJSON or an array of objects (`application/x-ndjson`, `application/json`) or CSV \
                         (`text/csv`). It is kept whole before anything of it is sent; one that is cut off is forgotten. \
                         The same source, pushed again before its run has ended, goes on with that run.",
                    )
                    .response::<202, Json<PushedRun>>()
            }),
        )
        .api_route(
            "/v1/connections/{connection}/pushes",
            get_with(list, told("listPushes", Scope::Read, "Runs of pushes, oldest first")),
        )
        .api_route(
            "/v1/connections/{connection}/pushes/{run}",
            get_with(read, told("getPush", Scope::Read, "A run, and how far it is")),
        )
        .api_route(
            "/v1/connections/{connection}/pushes/{run}/items",
            get_with(items, told("listPushItems", Scope::Read, "Items of a run, in their order")),
        )
        .api_route(
            "/v1/connections/{connection}/pushes/{run}/resume",
            post_with(resume, |operation| {
                let operation = told("resumePush", Scope::Write, "Go on with a run that has not ended")(operation);
                operation.response::<202, Json<PushDocument>>()
            }),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct PushParameters {
    /// What is asked of each item: `upsert`, `create`, `update` or `delete` [default: upsert].
    #[schemars(extend("enum" = ["upsert", "create", "update", "delete"]))]
    mode: Option<String>,
    /// What becomes of an item whose record somebody else has changed: `fail`, `ours`, `theirs` or `park`
    /// [default: fail].
    #[schemars(extend("enum" = ["fail", "ours", "theirs", "park"]))]
    on_conflict: Option<String>,
    /// A mapping, as JSON: makes records of a source that has other members.
    map: Option<String>,
    /// CSV: quoted cells may hold line ends, however many rows the lines look like.
    #[serde(default)]
    multiline: bool,
    /// CSV: the sign between cells [default: found].
    delimiter: Option<char>,
    /// Keep it, and begin nothing: `plan` tells what would be sent, `resume` begins.
    #[serde(default)]
    hold: bool,
    /// Encoding of a source that does not begin with a byte order mark, as browsers know it [default: utf-8].
    encoding: Option<String>,
}

/// A source that was kept.
#[derive(Debug, Serialize, JsonSchema)]
struct PushedRun {
    /// Names the run.
    run: String,
    /// What a person should know of how the source was read.
    notes: Vec<String>,
}

fn mode(word: Option<&str>) -> Result<Mode, Problem> {
    let word = word.unwrap_or("upsert");
    Mode::of(word).ok_or_else(|| Problem::invalid("mode is upsert, create, update or delete"))
}

fn on_conflict(word: Option<&str>) -> Result<OnConflict, Problem> {
    OnConflict::of(word.unwrap_or("fail"))
        .ok_or_else(|| Problem::invalid("on_conflict is fail, ours, theirs or park"))
}

fn options(asked: &PushParameters, form: SourceForm) -> Result<ReadOptions, Problem> {
    let mut options = ReadOptions { multiline: asked.multiline, ..ReadOptions::of(form) };
    if let Some(sign) = asked.delimiter {
        let is_sign = sign.is_ascii() && !matches!(sign, '"' | '\n' | '\r');
        let sign = u8::try_from(sign).ok().filter(|_| is_sign);
        options.delimiter =
            Some(sign.ok_or_else(|| Problem::invalid("delimiter is one ASCII sign, no quote"))?);
    }
    if let Some(name) = &asked.encoding {
        let known = Encoding::for_label(name.as_bytes());
        options.encoding = Some(known.ok_or_else(|| {
            Problem::invalid("encoding is a name as browsers know it, such as windows-1252")
        })?);
    }
    Ok(options)
}

async fn push(
    State(app): State<App>,
    Path(path): Path<OfObject>,
    Query(asked): Query<PushParameters>,
    writing: Writing,
    request: Request,
) -> Result<Response, Problem> {
    app.check_object(&path.object)?;
    check_content(request.headers(), &[NDJSON, JSON, CSV])?;
    let kind = request.headers().get(header::CONTENT_TYPE).map(|kind| kind.as_bytes().to_vec());
    let is_csv = kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with(CSV.as_bytes()));
    let form = if is_csv { SourceForm::Csv } else { SourceForm::Json };
    let (mode, policy) = (mode(asked.mode.as_deref())?, on_conflict(asked.on_conflict.as_deref())?);
    let options = options(&asked, form)?;
    let mapping = asked.map.as_deref().map(Mapping::read).transpose();
    let mapping = mapping.map_err(|why| Problem::invalid(format!("map: {why}")))?;
    let row = app.row(&path.connection).await?;
    let push = pusher(&app, &row, &path.object).await?;
    push.check(mode)?;
    let Ok(_place) = app.uploads.try_acquire() else {
        let text = "this host takes as many uploads as it may at once";
        let problem = Problem::new(ProblemKind::Unavailable, ProblemSource::Host, text);
        return Err(problem.retry_after(AGAIN));
    };
    let upload = timeout(UPLOAD_WITHIN, upload(&app, request.into_body(), options)).await;
    let slow =
        || Problem::invalid("the upload took too long").with_status(StatusCode::REQUEST_TIMEOUT);
    let (items, digest) = upload.map_err(|_| slow())??;
    if let Some(answered) = writing.begin(digest).await? {
        return Ok(answered);
    }
    let attempt = writing.attempt()?;
    let map = mapping.as_ref();
    let StoredRun { run, notes } = match attempt {
        Attempt { key, again: false } => Box::pin(push.read_as(key, items, mode, map)).await?,
        // What an earlier attempt kept is gone on with.
        Attempt { key, again: true } => match push.stored(&key).await? {
            Some(stored) => stored,
            None => Box::pin(push.read(items, mode, map)).await?,
        },
    };
    if !asked.hold {
        work(&app, push, run.clone(), policy).await?;
    }
    let place = format!("/v1/connections/{}/pushes/{run}", encoded(&row.name));
    let accepted = Json(PushedRun { run, notes });
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], accepted).into_response())
}

/// Keeps an upload until it has ended; its items are looked at after that. With its digest.
async fn upload(
    app: &Api,
    mut body: Body,
    options: ReadOptions,
) -> Result<(Items, [u8; 32]), Problem> {
    let mut digest = Sha256::new();
    let (to, pieces) = mpsc::channel(QUEUED);
    let directory = app.surroundings.directory.clone();
    let keeping = tokio::task::spawn_blocking(move || {
        let spool = Spool::of(
            Upload { pieces, piece: Bytes::new(), is_whole: false },
            &directory,
            PIPE_BOUND,
        )?;
        Items::new(Box::new(spool), &options)
    });
    let slow =
        || Problem::invalid("the upload did not go on").with_status(StatusCode::REQUEST_TIMEOUT);
    loop {
        let Some(frame) = timeout(PIECE_WITHIN, body.frame()).await.map_err(|_| slow())? else {
            break;
        };
        let cut =
            |_| Problem::invalid("the upload was cut off").with_status(StatusCode::BAD_REQUEST);
        let Ok(piece) = frame.map_err(cut)?.into_data() else { continue };
        digest.update(&piece);
        // Whoever keeps it says why it stopped.
        if to.send(Some(piece)).await.is_err() {
            break;
        }
    }
    let _ = to.send(None).await;
    drop(to);
    let kept = keeping.await.map_err(|_| {
        Problem::new(ProblemKind::Internal, ProblemSource::Host, "reading the upload failed")
    })?;
    Ok((kept.map_err(|why| unreadable(&why))?, digest.finalize().into()))
}

fn unreadable(why: &io::Error) -> Problem {
    match why.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            Problem::invalid(format!("the source cannot be read: {why}"))
        }
        _ => {
            warn!(%why, "an upload cannot be kept");
            let text = "the upload cannot be kept now; the host's log says why";
            Problem::new(ProblemKind::Unavailable, ProblemSource::Host, text)
        }
    }
}

/// An upload as it comes. It is whole when its end was told: a caller that goes tells none.
struct Upload {
    pieces: mpsc::Receiver<Option<Bytes>>,
    piece: Bytes,
    is_whole: bool,
}

impl Read for Upload {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.is_whole {
            match self.pieces.blocking_recv() {
                Some(Some(piece)) => self.piece = piece,
                Some(None) => self.is_whole = true,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let taken = into.len().min(self.piece.len());
        if let Some(into) = into.get_mut(..taken) {
            self.piece.copy_to_slice(into);
        }
        Ok(taken)
    }
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
}

async fn list(
    State(app): State<App>,
    Path(path): Path<OfConnection>,
    Query(asked): Query<ListParameters>,
) -> Result<Json<Page<PushDocument>>, Problem> {
    let limit = limited(asked.limit, USUAL)?;
    let row = app.row(&path.connection).await?;
    let after = match &asked.cursor {
        None => None,
        Some(id) => {
            let run = app.database.run(id).await?.filter(|run| run.connection == row.id);
            let odd = || Problem::invalid("cursor is none of this list; begin anew");
            let run = run.ok_or_else(odd)?;
            Some((run.made_ms, run.id))
        }
    };
    let most = u32::try_from(limit + 1).unwrap_or(u32::MAX);
    let mut rows = app.database.list_pushes(&row.id, after, most).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|last| last.id.clone());
    Ok(Json(Page { items: rows.iter().map(PushDocument::of).collect(), next }))
}

/// Which run.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct OfRun {
    /// Name of the connection.
    pub connection: String,
    /// The run.
    pub run: String,
}

/// A run, and its connection.
///
/// # Errors
/// When there is none of this connection.
pub async fn run(app: &Api, path: &OfRun) -> Result<(ConnectionRow, PushRow), Problem> {
    let row = app.row(&path.connection).await?;
    let run = app.database.run(&path.run).await?.filter(|run| run.connection == row.id);
    let run = run.ok_or_else(|| Problem::not_found(format!("there is no push {}", path.run)))?;
    Ok((row, run))
}

async fn read(
    State(app): State<App>,
    Path(path): Path<OfRun>,
) -> Result<Json<PushDocument>, Problem> {
    Ok(Json(PushDocument::of(&run(&app, &path).await?.1)))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct ItemsParameters {
    /// Goes on after the page whose `next` this is.
    cursor: Option<String>,
    /// No more than so many, 1 to 1000 [default: 100].
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
}

async fn items(
    State(app): State<App>,
    Path(path): Path<OfRun>,
    Query(asked): Query<ItemsParameters>,
) -> Result<Json<Page<ItemDocument>>, Problem> {
    let limit = limited(asked.limit, USUAL)?;
    let from = asked.cursor.as_deref().map(str::parse::<u64>).transpose();
    let from = from.map_err(|_| Problem::invalid("cursor is none of this list"))?;
    let (_, run) = run(&app, &path).await?;
    let most = u32::try_from(limit + 1).unwrap_or(u32::MAX);
    let mut rows = app.database.intents(&run.id, from.unwrap_or_default(), most).await?;
    let next = rows.get(limit).map(|row| row.index.to_string());
    rows.truncate(limit);
    Ok(Json(Page { items: rows.iter().map(ItemDocument::of).collect(), next }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct ResumeParameters {
    /// As of the push [default: fail].
    #[schemars(extend("enum" = ["fail", "ours", "theirs", "park"]))]
    on_conflict: Option<String>,
}

async fn resume(
    State(app): State<App>,
    Path(path): Path<OfRun>,
    Query(asked): Query<ResumeParameters>,
) -> Result<Response, Problem> {
    let policy = on_conflict(asked.on_conflict.as_deref())?;
    let (row, run) = run(&app, &path).await?;
    if run.digest.is_none() {
        let text = format!("the source of {} was not read to its end", run.id);
        return Err(
            Problem::new(ProblemKind::Conflict, ProblemSource::Request, text).next("push it again")
        );
    }
    let push = pusher(&app, &row, &run.object).await?;
    work(&app, push, run.id.clone(), policy).await?;
    Ok((StatusCode::ACCEPTED, Json(PushDocument::of(&run))).into_response())
}
