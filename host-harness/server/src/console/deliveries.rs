//! What providers sent, and what became of it.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use connector_service::documents::{
    DeliveriesQuery, DeliveryDocument, DeliverySummary, EventDocument, ReceivedEvent, date,
    find_deliveries,
};
use connector_state::Word as _;
use connector_state::inbox::{DeliveryRow, EventState};
use http::{HeaderValue, Method, header};
use serde::{Deserialize, Serialize};

use super::At;
use super::act::{Call, Form};
use super::guard::Asker;
use super::marks::{Mark, Status};
use super::page::{Button, Page, Screen};
use super::parts::{Chip, Empty, Pager, Pick, href};
use super::personal::pretty;
use super::strip::{Half, Strip, halves};
use super::text::{Moment, argument, counted, cut, lines, moment, number, shown};
use crate::authorise::Scope;
use crate::extract::{Path, Query};
use crate::problem::{Problem, ProblemKind, ProblemSource};
use crate::routes::deliveries::{events, kept, shown as document};

/// Deliveries of a page.
const SHOWN: usize = 50;
/// Deliveries that the strip is made of, at most.
const COUNTED: usize = 2_000;
/// Characters of a body that a page shows.
const BODY: usize = 64 * 1024;
const HOUR_MS: u64 = 3_600_000;

pub fn routes() -> Router<At> {
    Router::new()
        .route("/deliveries", get(list))
        .route("/deliveries/{number}", get(read))
        .route("/deliveries/{number}/body", get(body))
        .route("/deliveries/{number}/decoded", get(decoded))
        .route("/deliveries/{number}/events/{event}/try", post(try_now))
}

#[derive(Deserialize)]
struct Listed {
    c: Option<String>,
    event: Option<String>,
    state: Option<String>,
    came: Option<String>,
    q: Option<String>,
    half: Option<u64>,
    before: Option<u64>,
}

#[derive(Serialize)]
struct Data {
    items: Vec<DeliverySummary>,
    next: Option<u64>,
    halves: Vec<Half>,
    /// Not all deliveries of the day are in `halves`.
    is_partial: bool,
}

/// A delivery as the list shows it.
struct Row {
    number: u64,
    href: String,
    came: Moment,
    events: String,
    records: String,
    whose: String,
    states: Vec<Status>,
}

#[derive(Template)]
#[template(path = "console/deliveries.html")]
struct DeliveriesPage {
    page: Page,
    strip: Strip,
    /// Not all of the day are drawn.
    is_partial: bool,
    connection: String,
    event: Pick,
    came: Pick,
    state: String,
    q: String,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    empty: Option<Empty>,
    pager: Pager,
}

/// How far back a list goes, as its address says it.
const CAME: [(&str, &str, u64); 4] = [
    ("1h", "the last hour", HOUR_MS),
    ("24h", "the last 24 hours", 24 * HOUR_MS),
    ("72h", "the last 3 days", 72 * HOUR_MS),
    ("all", "any time", u64::MAX),
];

const STATES: [(EventState, &str, Mark); 3] = [
    (EventState::Done, "Applied", Mark::Good),
    (EventState::Waiting, "Waits", Mark::Wait),
    (EventState::Dead, "Dead", Mark::Bad),
];

fn state_of(word: &str) -> Status {
    let known = STATES.iter().find(|(state, ..)| state.word() == word);
    let (text, mark) = known.map_or((word, Mark::None), |(_, text, mark)| (*text, *mark));
    Status::new(mark, text)
}

async fn list(
    State(console): State<At>,
    asker: Asker,
    Query(asked): Query<Listed>,
) -> Result<Response, Problem> {
    let app = &console.app;
    let odd = |what: &str| Problem::invalid(format!("There is no such {what}."));
    let state = match asked.state.as_deref() {
        None | Some("") => None,
        Some(word) => Some(EventState::of(word).ok_or_else(|| odd("state"))?),
    };
    let came = asked.came.as_deref().filter(|word| !word.is_empty()).unwrap_or("72h");
    let (_, _, reach) = CAME.iter().find(|(word, ..)| *word == came).ok_or_else(|| odd("time"))?;
    let now_ms = app.clock().now_ms();
    let (whose, names) = (app.whose(asked.c.as_deref()).await?, app.names().await?);
    let day = DeliveriesQuery {
        connection: whose.clone(),
        since_ms: now_ms.saturating_sub(24 * HOUR_MS),
        limit: COUNTED,
        ..DeliveriesQuery::default()
    };
    let of_day = find_deliveries(&*app.database, &names, &day).await?;
    let halves = halves(&of_day.rows, now_ms);
    let text = |given: &Option<String>| given.clone().filter(|text| !text.is_empty());
    let half = asked.half.map(|half| half.saturating_mul(HOUR_MS / 2));
    let query = DeliveriesQuery {
        connection: whose,
        event: text(&asked.event),
        state,
        since_ms: half.unwrap_or(now_ms.saturating_sub(*reach)),
        until_ms: half.map(|from| from.saturating_add(HOUR_MS / 2)),
        text: text(&asked.q),
        before: asked.before,
        limit: SHOWN,
    };
    let found = find_deliveries(&*app.database, &names, &query).await?;
    let data = Data {
        items: found.rows.iter().map(|row| DeliverySummary::of(row, &names)).collect(),
        next: found.next,
        halves,
        is_partial: of_day.next.is_some(),
    };
    console
        .answer(&asker, &data, async || {
            let page = console.page(&asker, Screen::Deliveries, asked.c.as_deref()).await?;
            Ok(list_page(page, &asked, came, &of_day.rows, &found.rows, &data))
        })
        .await
}

fn list_page(
    page: Page,
    asked: &Listed,
    came: &str,
    of_day: &[DeliveryRow],
    rows: &[DeliveryRow],
    data: &Data,
) -> DeliveriesPage {
    let given = |text: &Option<String>| text.clone().unwrap_or_default();
    let (c, q, state, event) =
        (given(&asked.c), given(&asked.q), given(&asked.state), given(&asked.event));
    let half = asked.half.map(|half| half.to_string()).unwrap_or_default();
    let at = |state: &str, before: &str, half: &str| {
        let parameters = [
            ("c", c.as_str()),
            ("event", &event),
            ("state", state),
            ("came", came),
            ("q", &q),
            ("half", half),
            ("before", before),
        ];
        href("/deliveries", &parameters)
    };
    let all = data.halves.iter().map(|half| half.applied + half.waits + half.dead).sum::<u64>();
    let dead = data.halves.iter().map(|half| half.dead).sum::<u64>();
    let more = if data.is_partial { "More than " } else { "" };
    let title = format!("{more}{} in 24 hours", counted(all, "delivery", "deliveries"));
    let lead = match dead {
        0 => "What providers sent. What was applied is kept for three days.".to_owned(),
        dead => format!("{} could not be applied.", counted(dead, "of them", "of them")),
    };
    let command = match asked.c.as_deref() {
        Some(name) => format!("connector-host deliveries list --connection {}", argument(name)),
        None => "connector-host deliveries list".to_owned(),
    };
    let chip = |word: &str, text: &str, mark| Chip {
        text: text.to_owned(),
        href: at(word, "", &half),
        count: None,
        mark,
        is_here: state == word,
    };
    let mut chips = vec![chip("", "All", None)];
    chips.extend(STATES.iter().map(|(one, text, mark)| chip(one.word(), text, Some(*mark))));
    let names: std::collections::BTreeSet<&str> =
        of_day.iter().chain(rows).flat_map(|row| &row.events).map(|it| it.name.as_str()).collect();
    let mut options = vec![(String::new(), "any".to_owned())];
    options.extend(names.into_iter().take(50).map(|name| (name.to_owned(), shown(name))));
    let event_pick =
        Pick { name: "event", label: "Event".to_owned(), options, value: event.clone() };
    let options = CAME.iter().map(|(word, text, _)| ((*word).to_owned(), (*text).to_owned()));
    let came_pick = Pick {
        name: "came",
        label: "Came".to_owned(),
        options: options.collect(),
        value: came.to_owned(),
    };
    let is_filtered = [&q, &state, &event, &half].iter().any(|it| !it.is_empty());
    let empty = data.items.is_empty().then(|| match is_filtered {
        true => Empty::new("None of these", "No delivery is like that among those that were looked at.")
            .with(page.link("Leave the filters out", href("/deliveries", &[("c", &c)]))),
        false => Empty::new(
            "Nothing was received",
            "Subscribe to what a provider tells, and it comes here as it happens. Until then a sync finds what changed.",
        ),
    });
    let next = data.next.map(|next| at(&state, &next.to_string(), &half));
    let pager = Pager {
        text: counted(data.items.len() as u64, "delivery", "deliveries"),
        next,
        label: "Older",
    };
    let strip = Strip::new(&data.halves, |half| at(&state, "", &half.to_string()));
    DeliveriesPage {
        page: page.titled(title).lead(lead).command(command),
        strip,
        is_partial: data.is_partial,
        connection: c.clone(),
        event: event_pick,
        came: came_pick,
        chips,
        rows: rows.iter().zip(&data.items).map(|(row, shown)| line(row, shown)).collect(),
        empty,
        pager,
        state,
        q,
    }
}

fn line(row: &DeliveryRow, shown_as: &DeliverySummary) -> Row {
    let distinct = |of: &dyn Fn(&EventDocument) -> String| {
        let mut all: Vec<String> =
            shown_as.events.iter().map(of).filter(|it| !it.is_empty()).collect();
        all.dedup();
        all
    };
    let events = match shown_as.events.len() {
        0 => "nothing".to_owned(),
        1 => distinct(&|event| shown(&event.name)).join(", "),
        many => counted(many as u64, "event", "events"),
    };
    let states = distinct(&|event| event.state.to_owned());
    Row {
        number: row.number,
        href: format!("/deliveries/{}", row.number),
        came: Moment::full(row.received_ms),
        events,
        records: cut(&distinct(&|event| event.record.clone().unwrap_or_default()).join(", "), 80),
        whose: shown(&shown_as.connection),
        states: states.iter().map(|word| state_of(word)).collect(),
    }
}

#[derive(Deserialize)]
struct OfDelivery {
    number: u64,
}

/// An event as its delivery shows it.
struct Event {
    name: String,
    effect: &'static str,
    id: String,
    record: Option<(String, String)>,
    state: Status,
    reason: String,
    next: Option<Moment>,
    tries: Vec<(Option<Moment>, String, String)>,
    button: Option<Button>,
}

#[derive(Template)]
#[template(path = "console/delivery.html")]
struct DeliveryPage {
    page: Page,
    facts: Vec<(&'static str, String)>,
    events: Vec<Event>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    is_cut: bool,
    /// What the connector makes of it now.
    decoded: Option<Result<Vec<Decoded>, String>>,
}

/// What a connector says of an event now.
struct Decoded {
    title: String,
    data: String,
}

/// A delivery of one of the connector's connections.
async fn found(
    console: &super::Console,
    asker: &Asker,
    number: u64,
) -> Result<(DeliveryRow, DeliveryDocument), Problem> {
    let names = console.app.names().await?;
    let row = kept(&console.app, &names, number).await?;
    let mut shown = document(&row, &names);
    if asker.hides {
        (shown.body, shown.body_base64) = (None, None);
    }
    Ok((row, shown))
}

async fn read(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfDelivery>,
) -> Result<Response, Problem> {
    let (_, data) = found(&console, &asker, path.number).await?;
    console.answer(&asker, &data, async || delivery_page(&console, &asker, &data, None).await).await
}

async fn delivery_page(
    console: &super::Console,
    asker: &Asker,
    data: &DeliveryDocument,
    decoded: Option<Result<Vec<Decoded>, String>>,
) -> Result<DeliveryPage, Problem> {
    let summary = &data.summary;
    let page = console.page(asker, Screen::Deliveries, Some(&summary.connection)).await?;
    let base = format!("/deliveries/{}", summary.number);
    let mut actions = vec![page.link("Replay without applying", format!("{base}/decoded"))];
    if data.body.is_some() || data.body_base64.is_some() {
        actions.push(page.link("Download", format!("{base}/body")));
    }
    let events = summary.events.iter().map(|event| shown_event(event, summary, &page)).collect();
    let facts = vec![
        ("Connection", shown(&summary.connection)),
        ("Size", format!("{} bytes", number(summary.bytes))),
        ("Kept within", format!("{} ms", number(summary.answered_ms))),
        ("Sent to", format!("{} {}", shown(&data.method), shown(&data.url))),
    ];
    let headers = data.headers.iter().map(|(name, value)| (shown(name), shown(value))).collect();
    let text = data.body.as_deref().map(laid_out);
    let is_cut = text.as_ref().is_some_and(|text| text.chars().count() > BODY);
    let came = moment(&summary.received).map(Moment::full);
    let lead = came.map_or(String::new(), |came| format!("Came {} UTC", came.text()));
    let page = page
        .titled(format!("Delivery {}", number(summary.number)))
        .lead(lead)
        .crumb("Deliveries", Screen::Deliveries.href(Some(&summary.connection)))
        .command(format!("connector-host deliveries show {}", summary.number))
        .actions(actions);
    let body = text.map(|text| lines(&text, BODY));
    Ok(DeliveryPage { page, facts, events, headers, body, is_cut, decoded })
}

/// JSON on many lines; other texts as they are.
fn laid_out(body: &str) -> String {
    match serde_json::from_str::<&serde_json::value::RawValue>(body) {
        Ok(_) => pretty(body),
        Err(_) => body.to_owned(),
    }
}

fn shown_event(event: &EventDocument, of: &DeliverySummary, page: &Page) -> Event {
    let record = event.record.as_ref().map(|id| {
        let encoded = crate::routes::encoded;
        let place = format!(
            "/c/{}/records/{}/{}",
            encoded(&of.connection),
            encoded(&event.object),
            encoded(id)
        );
        (shown(id), place)
    });
    let can_try = event.state == EventState::Dead.word()
        || (event.state == EventState::Waiting.word() && event.next.is_some());
    let button = can_try.then(|| {
        let action = format!("/deliveries/{}/events/{}/try", of.number, event.number);
        page.form("Try now", action, Scope::Write)
    });
    let tries = event.tries.iter().map(|one| {
        let wait = one.wait_seconds.map_or("not again".to_owned(), |seconds| {
            format!("again after {}", super::text::span(seconds as u64))
        });
        (moment(&one.at).map(Moment::second), shown(&one.reason), wait)
    });
    Event {
        name: shown(&event.name),
        effect: event.effect,
        id: event.id.as_deref().map(shown).unwrap_or_default(),
        record,
        state: state_of(event.state),
        reason: event.reason.as_deref().map(shown).unwrap_or_default(),
        next: event.next.as_deref().and_then(moment).map(Moment::full),
        tries: tries.collect(),
        button,
    }
}

async fn body(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfDelivery>,
) -> Result<Response, Problem> {
    if asker.hides {
        let text = "a body holds personal data, which is hidden";
        return Err(Problem::new(ProblemKind::Forbidden, ProblemSource::Request, text));
    }
    let (row, _) = found(&console, &asker, path.number).await?;
    let name = format!("attachment; filename=\"delivery-{}\"", path.number);
    let name =
        HeaderValue::try_from(name).unwrap_or_else(|_| HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, row.body).into_response())
}

#[derive(Serialize)]
struct DecodedData {
    items: Vec<ReceivedEvent>,
}

async fn decoded(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfDelivery>,
) -> Result<Response, Problem> {
    let (row, data) = found(&console, &asker, path.number).await?;
    let names = console.app.names().await?;
    let told = events(&console.app, &names, row).await;
    let hides = asker.hides;
    if !matches!(asker.wants, super::guard::Wants::Html) {
        let mut items = told?;
        if hides {
            items.iter_mut().for_each(|event| event.data = None);
        }
        return Ok(super::page::json(&DecodedData { items }));
    }
    let now = date(console.app.clock().now_ms());
    let shown_now = told.map_err(|problem| problem.detail.clone()).map(|items| {
        let one = |event: ReceivedEvent| {
            let record = event.record.as_deref().map(|id| format!(" of {}", shown(id)));
            let data = event.data.map(|data| laid_out(data.get())).unwrap_or_default();
            Decoded {
                title: format!(
                    "{}: {}{}",
                    shown(&event.name),
                    event.effect,
                    record.unwrap_or_default()
                ),
                data: if hides { String::new() } else { lines(&data, BODY) },
            }
        };
        items.into_iter().map(one).collect::<Vec<_>>()
    });
    let mut shown_page = delivery_page(&console, &asker, &data, Some(shown_now)).await?;
    shown_page.page.lead = format!("As the connector reads it now, {now}; nothing was applied.");
    shown_page.page.command = format!(
        "connector-host deliveries show {0} --output json >{0}.json && connector-host deliveries replay {0}.json",
        path.number
    );
    Ok(super::page::html(http::StatusCode::OK, &shown_page))
}

#[derive(Deserialize)]
struct OfEvent {
    number: u64,
    event: u64,
}

#[derive(Deserialize)]
struct Try {
    #[serde(default)]
    key: String,
}

async fn try_now(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfEvent>,
    Form(form): Form<Try>,
) -> Result<Response, Problem> {
    let place = format!("/v1/dead-letters/e{}/replay", path.event);
    let call = Call { method: Method::POST, path: &place, body: None, key: &form.key };
    let outcome = console.call(&asker, call).await;
    let outcome = outcome.map(|_| "It is tried now; this page tells how that ends.".to_owned());
    Ok(console.done(&asker, &format!("/deliveries/{}", path.number), outcome))
}
