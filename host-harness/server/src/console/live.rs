//! What changes now: the last changes as a page, and as they come as server-sent events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use connector_service::documents::{ChangeDocument, differs};
use connector_service::feed::{ChangeFeed, FeedStep};
use connector_state::StoreError;
use connector_state::mirror::{ChangeKind, ChangeRow, Content, HistoryRow, Source};
use futures_util::stream;
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};

use super::facts::{Facts, spoken, status_of};
use super::guard::Asker;
use super::marks::Mark;
use super::page::{Page, Screen};
use super::parts::{Chip, Empty, href};
use super::personal::Mask;
use super::text::{Moment, cut, shown};
use super::{At, Console};
use crate::app::App;
use crate::authorise::Scope;
use crate::extract::Query;
use crate::problem::{Problem, ProblemKind, ProblemSource};
use crate::routes::encoded;

/// Changes of the page.
const PAGE: usize = 100;
/// Changes of a connection that are looked through for the page.
const BACK: u64 = 200;
/// Connections of which changes are looked through.
const CONNECTIONS: usize = 50;
/// Changes that a stream reads at once; of more at once than [`DETAILED`] only the members are told.
const AT_ONCE: u32 = 200;
const DETAILED: usize = 50;
/// Changes of a record in which the newest of it are looked for.
const NEWEST: u32 = 3;
/// How often a stream looks for more.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A stream is never silent for longer, and its session is looked at as often.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Pages are told no more often that what they show is old.
const STALE_EVERY: Duration = Duration::from_secs(2);
const EVENTS: &str = "text/event-stream";

pub fn routes() -> Router<At> {
    Router::new().route("/live", get(show)).route("/events", get(events))
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// Name of a connection.
    c: String,
    object: String,
    /// Seconds after which the page reads itself anew, where no script does.
    every: Option<u32>,
}

#[derive(Serialize)]
struct Data {
    items: Vec<ChangeDocument>,
}

/// A change as a line.
#[derive(Template)]
#[template(path = "console/change.html")]
struct Line {
    id: String,
    at: Moment,
    connection: String,
    connection_href: String,
    record: String,
    href: String,
    mark: Mark,
    before: String,
    what: String,
    by: &'static str,
    number: u64,
    is_new: bool,
}

/// A template, which escapes its texts.
impl HtmlSafe for Line {}

#[derive(Template)]
#[template(path = "console/live.html")]
struct LivePage {
    page: Page,
    lines: Vec<Line>,
    chips: Vec<Chip>,
    events: String,
    every: Option<u32>,
    empty: Option<Empty>,
}

async fn show(
    State(console): State<At>,
    asker: Asker,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let app = &console.app;
    let names = app.names().await?;
    let rows = newest(&console, &asked).await?;
    let data = Data { items: rows.iter().map(|row| ChangeDocument::of(row, &names)).collect() };
    let every = asked.every.map(|every| every.clamp(5, 3_600));
    let response = console
        .answer(&asker, &data, async || {
            let name = Some(asked.c.as_str()).filter(|name| !name.is_empty());
            let page = console.page(&asker, Screen::Live, name).await?;
            let whose = name.map(|name| format!(" of {name}")).unwrap_or_default();
            let page = page.lead(format!("Changes{whose} as they are written, the newest first."));
            let of = name.map(|name| format!(" --connection {name}")).unwrap_or_default();
            let object = if asked.object.is_empty() {
                String::new()
            } else {
                format!(" --object {}", asked.object)
            };
            let page = page.command(format!("connector-host changes --follow{of}{object}"));
            let lines = lines(&console, &asker, &names, &rows).await?;
            let objects = app.connector.manifest().objects.iter();
            let objects = objects.map(|object| (object.name.as_str(), object.title.as_str()));
            let chip = |(object, title): (&str, &str)| Chip {
                text: title.to_owned(),
                href: href("/live", &[("c", &asked.c), ("object", object)]),
                count: None,
                mark: None,
                is_here: asked.object == object,
            };
            let chips = std::iter::once(("", "Everything")).chain(objects).map(chip).collect();
            let empty = lines.is_empty().then(|| {
                Empty::new(
                    "Nothing has changed yet",
                    "Changes come here as they are written; leave the page open.",
                )
            });
            let events = href(
                "/events",
                &[("c", &asked.c), ("object", &asked.object), ("topics", "changes")],
            );
            Ok(LivePage { page, lines, chips, events, every, empty })
        })
        .await;
    response.map(|mut response| {
        if let Some(every) = every {
            response.headers_mut().insert("refresh", every.into());
        }
        response
    })
}

/// The newest changes, of a connection or all.
async fn newest(console: &Console, asked: &Asked) -> Result<Vec<ChangeRow>, Problem> {
    let app = &console.app;
    if !asked.object.is_empty() {
        app.check_object(&asked.object)?;
    }
    let names = app.names().await?;
    let mut moments = match asked.c.as_str() {
        "" => app.database.moments().await?,
        name => {
            let id = app.row(name).await?.id;
            let moment = app.database.moment(&id).await?;
            vec![(id, moment)]
        }
    };
    moments.retain(|(id, _)| names.contains_key(id));
    let mut rows = Vec::new();
    for (id, moment) in moments.into_iter().take(CONNECTIONS) {
        rows.extend(back(app, &id, moment).await?);
    }
    rows.retain(|row| asked.object.is_empty() || row.object == asked.object);
    rows.sort_by_key(|row| std::cmp::Reverse((row.at_ms, row.number)));
    rows.truncate(PAGE);
    Ok(rows)
}

/// The last changes of a connection.
async fn back(app: &App, id: &str, moment: u64) -> Result<Vec<ChangeRow>, Problem> {
    let limit = u32::try_from(BACK).unwrap_or(u32::MAX);
    let since = moment.saturating_sub(BACK);
    match app.database.changes(id, since, limit).await {
        Ok(rows) => Ok(rows),
        Err(StoreError::Forgotten { until, .. }) => {
            Ok(app.database.changes(id, until, limit).await?)
        }
        Err(why) => Err(why.into()),
    }
}

async fn lines(
    console: &Console,
    asker: &Asker,
    names: &BTreeMap<String, String>,
    rows: &[ChangeRow],
) -> Result<Vec<Line>, Problem> {
    let mut lines = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let name = names.get(&row.connection).cloned().unwrap_or_default();
        let known = if at < DETAILED && !row.id.is_empty() {
            let found =
                console.app.database.history(&row.connection, &row.object, &row.id, NEWEST).await?;
            found.into_iter().find(|one| one.change.number == row.number)
        } else {
            None
        };
        lines.push(line(console, asker, name, row, known.as_ref()).await?);
    }
    Ok(lines)
}

async fn line(
    console: &Console,
    asker: &Asker,
    connection: String,
    row: &ChangeRow,
    known: Option<&HistoryRow>,
) -> Result<Line, Problem> {
    let view = console.app.view().await?.and_then(|view| view.objects.get(&row.object));
    let mask = Mask::of(console.app.view().await?, &row.object, asker.hides);
    let text = known.and_then(|known| match (&known.after, &known.before) {
        (Content::Text(text), _) | (_, Content::Text(text)) => Some(mask.text(text)),
        _ => None,
    });
    let value: Value = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let facts = Facts::of(view, &row.id, &value, 0);
    let status = view.and_then(|view| view.status.as_ref());
    let moved = status.and_then(|status| {
        let found = differs(known?)?.into_iter().find(|place| place.pointer == status.at)?;
        let word = |text: Option<String>| {
            serde_json::from_str::<String>(&text.unwrap_or_default()).unwrap_or_default()
        };
        Some((word(found.before), word(found.after)))
    });
    let stands = facts.status.as_ref().map_or(Mark::None, |status| status.mark);
    let (mark, before, what) = match (row.kind, moved) {
        (ChangeKind::Created, _) => (stands, String::new(), "New".to_owned()),
        (ChangeKind::Deleted, _) => (Mark::Ended, String::new(), "Removed".to_owned()),
        (ChangeKind::AgedOut, _) => (Mark::Ended, String::new(), "No longer listed".to_owned()),
        (ChangeKind::Drift, _) => {
            (Mark::Warn, "Shape changed:".to_owned(), cut(&row.members.join(", "), 120))
        }
        (ChangeKind::Reset, _) => (Mark::Warn, String::new(), "Reset".to_owned()),
        (ChangeKind::Rule, _) => {
            let told = row.rule.as_ref();
            let name = told.map_or("", |told| told.rule.as_str());
            let title = view.and_then(|view| view.rules.get(name)).map(|rule| rule.title.as_str());
            let title = title.unwrap_or(name).to_owned();
            match told.is_some_and(|told| told.raised) {
                true => (Mark::Warn, String::new(), title),
                false => (Mark::Good, "No longer:".to_owned(), title),
            }
        }
        (ChangeKind::Updated, Some((before, after))) => {
            let mark = status.and_then(|status| status.marks.get(&after).copied());
            let mark = status_of(mark, &after).mark;
            (mark, format!("{} →", spoken(&shown(&before))), spoken(&shown(&after)))
        }
        (ChangeKind::Updated, None) => {
            (stands, String::new(), format!("{} changed", cut(&row.members.join(", "), 120)))
        }
    };
    let by = match (row.ours, row.delivery, row.source) {
        (true, ..) => "our write",
        (_, Some(_), _) => "delivery",
        (_, None, Some(Source::Lookup)) => "look-up",
        (_, None, Some(Source::Page)) => "sync",
        (_, None, Some(Source::Delivery)) => "delivery",
        (_, None, Some(Source::Ours)) => "our write",
        (_, None, None) => "–",
    };
    let own = encoded(&connection);
    Ok(Line {
        id: format!("{own}-{}", row.number),
        at: Moment::second(row.at_ms),
        connection_href: format!("/c/{own}"),
        connection,
        record: cut(&facts.number, 60),
        href: format!("/c/{own}/records/{}/{}", encoded(&row.object), encoded(&row.id)),
        mark,
        before,
        what,
        by,
        number: row.number,
        is_new: false,
    })
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Streamed {
    c: String,
    object: String,
    topics: String,
}

/// What changes, as it comes: rows for the live page, else that what a page shows is old.
async fn events(
    State(console): State<At>,
    asker: Asker,
    Query(asked): Query<Streamed>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let app = &console.app;
    let Ok(place) = Arc::clone(&console.streams).try_acquire_owned() else {
        let text = "this host has as many streams as it takes";
        let problem = Problem::new(ProblemKind::Unavailable, ProblemSource::Host, text);
        return Err(problem.retry_after(HEARTBEAT.as_secs()));
    };
    let tells_rows = asked.topics == "changes";
    // A page that is about one connection is told of that one.
    let name = asked.topics.strip_prefix("c:").unwrap_or(&asked.c);
    let whose = app.whose(Some(name).filter(|name| !name.is_empty())).await?;
    let since: BTreeMap<String, u64> = app.database.moments().await?.into_iter().collect();
    let connector = Some(app.connector.manifest().name.clone());
    let feed = ChangeFeed::new(Arc::clone(&app.database), connector, whose, since);
    // What was missed while the stream was cut; what was had already is known by its id.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse::<u64>().ok());
    let missed = match last.filter(|_| tells_rows) {
        Some(last) => {
            let page = Asked { c: name.to_owned(), object: asked.object.clone(), every: None };
            let mut rows = newest(&console, &page).await?;
            rows.retain(|row| row.at_ms >= last);
            rows.reverse();
            rows
        }
        None => vec![],
    };
    let now = Instant::now();
    let told = Stream {
        console: Arc::clone(&console),
        asker,
        feed,
        object: asked.object,
        tells_rows,
        missed,
        has_begun: false,
        said: now,
        asked_at: now,
        told_stale: now,
        is_stale: false,
        _place: place,
    };
    let body = Body::from_stream(stream::try_unfold(told, Stream::next));
    Ok(([(header::CONTENT_TYPE, EVENTS)], body).into_response())
}

/// Events on their way to a page. They are read when the page has taken those before.
struct Stream {
    console: At,
    asker: Asker,
    feed: ChangeFeed,
    object: String,
    tells_rows: bool,
    missed: Vec<ChangeRow>,
    has_begun: bool,
    said: Instant,
    /// When it was last asked whether the session is still good.
    asked_at: Instant,
    told_stale: Instant,
    is_stale: bool,
    _place: OwnedSemaphorePermit,
}

impl Stream {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, String> {
        if !std::mem::replace(&mut self.has_begun, true) {
            let names = self.console.app.names().await.map_err(|why| why.detail.clone())?;
            let rows = std::mem::take(&mut self.missed);
            let text = format!("retry: 1000\n\n{}", self.rows(&names, &rows).await?);
            return Ok(Some((text.into(), self)));
        }
        loop {
            if self.console.app.surroundings.stop.is_requested() {
                return Ok(None);
            }
            if self.asked_at.elapsed() >= HEARTBEAT {
                self.asked_at = Instant::now();
                if !self.console.is_signed_in(&self.asker).await {
                    return Ok(None);
                }
            }
            let step = self.feed.next(AT_ONCE).await.map_err(|why| why.to_string())?;
            let text = match step {
                FeedStep::Changes { changes, .. } if self.tells_rows => {
                    let names = self.feed.names().clone();
                    self.rows(&names, &changes).await?
                }
                FeedStep::Changes { .. } | FeedStep::Forgotten { .. } => {
                    self.is_stale = true;
                    String::new()
                }
                FeedStep::Nothing => self.wait().await,
            };
            if !text.is_empty() {
                self.said = Instant::now();
                return Ok(Some((text.into(), self)));
            }
        }
    }

    /// Waits before it looks again; answers what is said meanwhile.
    async fn wait(&mut self) -> String {
        let now = Instant::now();
        if self.is_stale && now >= self.told_stale + STALE_EVERY {
            (self.is_stale, self.told_stale) = (false, now);
            return "event: stale\ndata: page\n\n".to_owned();
        }
        if now >= self.said + HEARTBEAT {
            return ":\n\n".to_owned();
        }
        tokio::select! {
            () = sleep_until(now + LOOK_EVERY) => {}
            () = self.console.app.surroundings.stop.requested() => {}
        }
        String::new()
    }

    async fn rows(
        &self,
        names: &BTreeMap<String, String>,
        rows: &[ChangeRow],
    ) -> Result<String, String> {
        let wanted: Vec<ChangeRow> = rows
            .iter()
            .filter(|row| self.object.is_empty() || row.object == self.object)
            .cloned()
            .collect();
        let lines = lines(&self.console, &self.asker, names, &wanted).await;
        let mut text = String::new();
        for (mut line, row) in lines.map_err(|why| why.detail.clone())?.into_iter().zip(&wanted) {
            line.is_new = true;
            let html = line.render().unwrap_or_default().replace(['\r', '\n'], " ");
            text.push_str(&format!("id: {}\nevent: change\ndata: {html}\n\n", row.at_ms));
        }
        Ok(text)
    }
}

impl Console {
    /// Whether somebody is still signed in. This does not count as use: a page that is left open keeps no
    /// session.
    async fn is_signed_in(&self, asker: &Asker) -> bool {
        let token = match &asker.session {
            None => Some(Arc::clone(&asker.bearer)),
            Some(key) => match self.callers.sessions.peek(key) {
                None => return false,
                Some(session) => session.token,
            },
        };
        match token {
            None => true,
            Some(token) => {
                let refused = self.caller(&token, Scope::Read).await.err();
                // A state that cannot be asked ends nothing.
                !refused.is_some_and(|why| {
                    matches!(why.kind, ProblemKind::Unauthenticated | ProblemKind::Forbidden)
                })
            }
        }
    }
}
