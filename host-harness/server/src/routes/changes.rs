//! What changed: as a page, as lines, and as server-sent events; and how far consumers are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use connector_service::documents::ChangeDocument;
use connector_service::feed::{ChangeFeed, FeedStep};
use connector_state::StoreError;
use connector_state::mirror::ChangeRow;
use futures_util::stream;
use http::{HeaderMap, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};

use super::{App, Nothing, check_name, limited};
use crate::app::Api;
use crate::authorise::{Permit, Scope};
use crate::describe::told;
use crate::extract::{Json, Path, Query};
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// Changes of a page, where no limit is given.
const USUAL: u32 = 100;
/// Changes that a stream reads at once.
const AT_ONCE: u32 = 500;
/// Steps of a page at most, each of one connection.
const STEPS: usize = 200;
/// How often a stream looks for more.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A stream is never silent for longer, and its caller is asked for again as often.
const HEARTBEAT: Duration = Duration::from_secs(15);
const NDJSON: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route(
            "/v1/changes",
            get_with(changes, |operation| {
                let operation = told("listChanges", Scope::Read, "What changed")(operation);
                operation
                    .description(
                        "A page of JSON; by `Accept: application/x-ndjson` a line for each change until there are no \
                         more, or without end by `follow=true`; by `Accept: text/event-stream` server-sent events \
                         without end, whose ids are `connection/number` and whose `Last-Event-ID` resumes that \
                         connection. Without `connection` the changes of all connections are told; a stream of them \
                         names a `consumer`, and goes on after its positions, which move by `PUT \
                         /v1/consumers/{consumer}`. Changes that were forgotten before they were had are told by an \
                         event, or a line, `forgotten`.",
                    )
                    .response::<200, Json<ChangesPage>>()
            }),
        )
        .api_route(
            "/v1/consumers/{consumer}",
            get_with(positions, told("getConsumer", Scope::Read, "How far a consumer is in the changes of each connection"))
                .put_with(set_positions, told("putConsumer", Scope::Write, "Keep how far a consumer is"))
                .delete_with(forget, told("deleteConsumer", Scope::Write, "Forget a consumer")),
        )
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
struct ChangesParameters {
    /// Only those of this connection.
    connection: Option<String>,
    /// Only those with a greater number, of one connection; 0: from the oldest that is kept.
    after: Option<u64>,
    /// Go on after what this consumer has had.
    consumer: Option<String>,
    /// Only those of this object.
    object: Option<String>,
    /// A page: no more than so many, 1 to 1000 [default: 100].
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u32>,
    /// Lines: wait for more.
    #[serde(default)]
    follow: bool,
}

/// Some changes.
#[derive(Debug, Serialize, JsonSchema)]
struct ChangesPage {
    /// Changes: those of a connection in order.
    items: Vec<ChangeDocument>,
    /// Up to which number the changes of each connection, by its name, were told with these: where the next
    /// page goes on, and what a consumer that has dealt with them keeps.
    positions: BTreeMap<String, u64>,
    /// There is more now.
    has_more: bool,
}

async fn changes(
    State(app): State<App>,
    Query(asked): Query<ChangesParameters>,
    Extension(permit): Extension<Permit>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(object) = &asked.object {
        app.check_object(object)?;
    }
    let form = form(&headers)?;
    if form == Form::Page && asked.follow {
        return Err(Problem::invalid(format!("follow is for lines: Accept: {NDJSON}")));
    }
    let mut whose = app.whose(asked.connection.as_deref()).await?;
    let last = match form {
        Form::Events => last_event(&app, &headers).await?,
        _ => None,
    };
    if let Some((connection, _)) = &last {
        match &whose {
            Some(whose) if whose != connection => {
                return Err(Problem::invalid("Last-Event-ID is of another connection"));
            }
            None if asked.consumer.is_none() => whose = Some(connection.clone()),
            _ => {}
        }
    }
    let mut since = BTreeMap::new();
    if let Some(consumer) = &asked.consumer {
        check_name("consumer", consumer)?;
        since.extend(app.database.positions(consumer).await?);
    }
    match (asked.after, &whose) {
        (Some(after), Some(whose)) => drop(since.insert(whose.clone(), after)),
        (Some(_), None) => {
            let text = "after is a number of one connection's changes";
            return Err(Problem::invalid(text).next("give connection too, or a consumer"));
        }
        (None, None) if asked.consumer.is_none() && form != Form::Page => {
            let text = "a stream of all connections goes on after the positions of a consumer";
            return Err(Problem::invalid(text).next("give consumer, or connection"));
        }
        _ => {}
    }
    // What was told last goes before what was kept of it.
    since.extend(last);
    let connector = Some(app.connector.manifest().name.clone());
    let feed = ChangeFeed::new(Arc::clone(&app.database), connector, whose, since);
    if form == Form::Page {
        let limit = limited(asked.limit, USUAL)?;
        return Ok(Json(page(feed, asked.object.as_deref(), limit).await?).into_response());
    }
    let Ok(_place) = Arc::clone(&app.streams).try_acquire_owned() else {
        let text = "this host has as many streams as it takes";
        let problem = Problem::new(ProblemKind::Unavailable, ProblemSource::Host, text);
        return Err(problem.retry_after(HEARTBEAT.as_secs()));
    };
    let is_endless = form == Form::Events || asked.follow;
    let asked_at = Instant::now();
    let told = Stream {
        app,
        feed,
        object: asked.object,
        form,
        is_endless,
        permit,
        asked_at,
        _place,
        has_begun: false,
        said: asked_at,
    };
    let body = Body::from_stream(stream::try_unfold(told, Stream::next));
    let kind = if form == Form::Events { EVENTS } else { NDJSON };
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, body).into_response())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Page,
    Lines,
    Events,
}

/// What the caller takes.
fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let accept = accept.unwrap_or("*/*").to_ascii_lowercase();
    let takes = |kind: &str| {
        accept.split(',').any(|one| one.split(';').next().is_some_and(|it| it.trim() == kind))
    };
    if takes(EVENTS) {
        Ok(Form::Events)
    } else if takes(NDJSON) {
        Ok(Form::Lines)
    } else if takes("*/*") || takes("application/*") || takes("application/json") {
        Ok(Form::Page)
    } else {
        let text = format!("changes come as application/json, {NDJSON} or {EVENTS}");
        Err(Problem::invalid(text).with_status(http::StatusCode::NOT_ACCEPTABLE))
    }
}

/// The connection and number of the event that a client had last.
async fn last_event(app: &Api, headers: &HeaderMap) -> Result<Option<(String, u64)>, Problem> {
    let Some(id) = headers.get("last-event-id") else { return Ok(None) };
    // A browser sends the bytes that it got.
    let id = std::str::from_utf8(id.as_bytes()).unwrap_or_default();
    let wrong = || Problem::invalid("Last-Event-ID is connection/number, as an event's id is");
    let (connection, number) = id.rsplit_once('/').ok_or_else(wrong)?;
    let number = number.parse().map_err(|_| wrong())?;
    if !app.names().await?.contains_key(connection) {
        return Err(Problem::not_found("the connection of Last-Event-ID is gone"));
    }
    Ok(Some((connection.to_owned(), number)))
}

async fn page(
    mut feed: ChangeFeed,
    object: Option<&str>,
    limit: usize,
) -> Result<ChangesPage, Problem> {
    let (mut rows, mut reached, mut has_more) = (Vec::<ChangeRow>::new(), BTreeMap::new(), true);
    // What is not wanted is read too, so there is an end to it: `positions` says how far it came.
    for _ in 0..STEPS {
        let room = limit.saturating_sub(rows.len());
        if room == 0 {
            break;
        }
        let most = object.map_or(u32::try_from(room).unwrap_or(u32::MAX), |_| AT_ONCE);
        match feed.next(most).await? {
            FeedStep::Changes { connection, mut changes, reached: number } => {
                changes.retain(|row| object.is_none_or(|object| object == row.object));
                let is_cut = changes.len() > room;
                changes.truncate(room);
                let last = changes.last().filter(|_| is_cut).map(|last| last.number);
                reached.insert(connection, last.unwrap_or(number));
                rows.extend(changes);
            }
            // The next page tells it.
            FeedStep::Forgotten { .. } if !rows.is_empty() => break,
            FeedStep::Forgotten { connection, since, until } => {
                let problem = Problem::from(StoreError::Forgotten { since, until });
                let name = feed.names().get(&connection).cloned();
                return Err(problem.with(|problem| {
                    problem.resume_after = Some(until);
                    problem.connection = name;
                }));
            }
            FeedStep::Nothing => {
                has_more = false;
                break;
            }
        }
    }
    let names = feed.names();
    let positions = reached.into_iter();
    let positions = positions.filter_map(|(id, number)| Some((names.get(&id)?.clone(), number)));
    let positions = positions.collect();
    let items = rows.iter().map(|row| ChangeDocument::of(row, names)).collect();
    Ok(ChangesPage { items, positions, has_more })
}

/// Changes on their way to a caller. They are read when the caller has taken those before.
struct Stream {
    app: App,
    feed: ChangeFeed,
    object: Option<String>,
    form: Form,
    is_endless: bool,
    permit: Permit,
    /// When it was last asked whether the caller is still let through.
    asked_at: Instant,
    _place: OwnedSemaphorePermit,
    has_begun: bool,
    /// When something was last said.
    said: Instant,
}

impl Stream {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        if !std::mem::replace(&mut self.has_begun, true) && self.form == Form::Events {
            // The answer begins, and its client knows when to come again.
            return Ok(Some((Bytes::from_static(b"retry: 1000\n\n"), self)));
        }
        loop {
            if self.app.surroundings.stop.is_requested() {
                return Ok(None);
            }
            if self.asked_at.elapsed() >= HEARTBEAT {
                self.asked_at = Instant::now();
                if !self.permit.holds().await {
                    return Ok(None);
                }
            }
            let text = match self.feed.next(AT_ONCE).await? {
                FeedStep::Changes { changes, .. } => self.lines(&changes),
                FeedStep::Forgotten { connection, since, until } => {
                    self.forgotten(&connection, since, until)
                }
                FeedStep::Nothing if !self.is_endless => return Ok(None),
                FeedStep::Nothing => match self.wait().await {
                    // An event that says nothing, or an empty line.
                    true if self.form == Form::Events => ":\n\n".to_owned(),
                    true => "\n".to_owned(),
                    false => continue,
                },
            };
            if !text.is_empty() {
                self.said = Instant::now();
                return Ok(Some((text.into(), self)));
            }
        }
    }

    /// Waits before it looks again; answers whether it was silent for long.
    async fn wait(&self) -> bool {
        let now = Instant::now();
        let silent_until = self.said + HEARTBEAT;
        let is_beat = silent_until <= now;
        if !is_beat {
            tokio::select! {
                () = sleep_until(now + LOOK_EVERY) => {}
                () = self.app.surroundings.stop.requested() => {}
            }
        }
        is_beat
    }

    fn lines(&self, changes: &[ChangeRow]) -> String {
        let names = self.feed.names();
        let is_wanted =
            |row: &&ChangeRow| self.object.as_ref().is_none_or(|object| *object == row.object);
        let mut text = String::new();
        for row in changes.iter().filter(is_wanted) {
            let change = ChangeDocument::of(row, names);
            // Texts and numbers: nothing of it can fail.
            let data = serde_json::to_string(&change).unwrap_or_default();
            match self.form {
                // By its id: a name may change, and become another one's.
                Form::Events => text.push_str(&format!(
                    "id: {}/{}\nevent: change\ndata: {data}\n\n",
                    row.connection, row.number
                )),
                _ => text.push_str(&format!("{data}\n")),
            }
        }
        text
    }

    fn forgotten(&self, connection: &str, since: u64, until: u64) -> String {
        let name = self.feed.names().get(connection).map_or(connection, String::as_str);
        let data = json!({
            "connection": name, "kind": "forgotten", "since": since, "until": until,
        });
        match self.form {
            Form::Events => format!("id: {connection}/{until}\nevent: forgotten\ndata: {data}\n\n"),
            _ => format!("{data}\n"),
        }
    }
}

/// Which consumer.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct OfConsumer {
    /// Its name.
    consumer: String,
}

/// How far a consumer is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Positions {
    /// Up to which number it has had the changes of each connection, by the connection's name.
    positions: BTreeMap<String, u64>,
}

async fn positions(
    State(app): State<App>,
    Path(path): Path<OfConsumer>,
) -> Result<Json<Positions>, Problem> {
    check_name("consumer", &path.consumer)?;
    let names = app.names().await?;
    let kept = app.database.positions(&path.consumer).await?.into_iter();
    let positions = kept.filter_map(|(id, number)| Some((names.get(&id)?.clone(), number)));
    Ok(Json(Positions { positions: positions.collect() }))
}

async fn forget(State(app): State<App>, Path(path): Path<OfConsumer>) -> Result<Nothing, Problem> {
    check_name("consumer", &path.consumer)?;
    match app.database.forget_consumer(&path.consumer).await? {
        true => Ok(Nothing),
        false => Err(Problem::not_found(format!("there is no consumer \"{}\"", path.consumer))),
    }
}

/// Those that are not named stay.
async fn set_positions(
    State(app): State<App>,
    Path(path): Path<OfConsumer>,
    Json(new): Json<Positions>,
) -> Result<Json<Positions>, Problem> {
    check_name("consumer", &path.consumer)?;
    let mut rows = Vec::new();
    for (name, number) in &new.positions {
        let row = app.row(name).await?;
        let moment = app.database.moment(&row.id).await?;
        if *number > moment {
            let text = format!("{name} has no change {number} yet; its newest is {moment}");
            return Err(Problem::invalid(text));
        }
        rows.push((row.id, *number));
    }
    for (id, number) in rows {
        app.database.set_position(&path.consumer, &id, number).await?;
    }
    positions(State(app), Path(path)).await
}
