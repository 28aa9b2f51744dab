//! All connections, and what needs somebody.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use connector_contract::clock::unix_ms;
use connector_service::documents::{
    ConnectionOverview, Need, NeedCause, Standing, StandingGroup, overview,
};
use connector_state::lists::ConnectionsQuery;
use serde::{Deserialize, Serialize};

use super::At;
use super::act::Form;
use super::chart::Bars;
use super::guard::Asker;
use super::marks::{Mark, Status};
use super::page::{Button, Look, Page, Screen};
use super::parts::{Chip, Empty, Pager, href};
use super::sync::Begun;
use super::text::{self, counted, number, shown, span};
use crate::app::Api;
use crate::authorise::Scope;
use crate::extract::Query;
use crate::problem::Problem;
use crate::routes::{connections, encoded};

/// Connections of a page.
const PAGE: usize = 100;

pub fn routes() -> Router<At> {
    Router::new().route("/", get(show)).route("/sync", post(sync_all))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    q: String,
    state: String,
    after: String,
}

#[derive(Serialize)]
struct Data {
    needs: Vec<Whose>,
    items: Vec<ConnectionOverview>,
    /// Of this page, before it is filtered.
    counts: BTreeMap<&'static str, u64>,
    next: Option<String>,
    /// The object that records are counted of.
    object: String,
}

/// A need, and whose it is.
#[derive(Serialize)]
struct Whose {
    connection: String,
    #[serde(flatten)]
    need: Need,
}

struct Row {
    name: String,
    href: String,
    scheme: String,
    status: Status,
    records: String,
    records_href: String,
    behind: String,
    bars: Bars,
    last: String,
    waiting: u64,
    trouble: u64,
    trouble_href: String,
}

struct NeedRow {
    mark: Mark,
    name: String,
    href: String,
    what: String,
    rest: String,
    button: Button,
}

#[derive(Template)]
#[template(path = "console/overview.html")]
struct OverviewPage {
    page: Page,
    object: String,
    needs: Vec<NeedRow>,
    rows: Vec<Row>,
    chips: Vec<Chip>,
    q: String,
    state: String,
    pager: Option<Pager>,
    empty: Option<Empty>,
}

/// Names of kept connections, and how each is.
async fn data(app: &Api, asked: &Asked) -> Result<Data, Problem> {
    let query = ConnectionsQuery {
        connector: Some(app.connector.manifest().name.clone()),
        after: asked.after.clone(),
        limit: u32::try_from(PAGE + 1).unwrap_or(u32::MAX),
        ..ConnectionsQuery::default()
    };
    let mut found = app.database.list_connections(query).await?;
    let next = (found.len() > PAGE).then(|| found.get(PAGE - 1).map(|last| last.row.name.clone()));
    found.truncate(PAGE);
    let hooks = app.database.hooks().await?.into_iter();
    let hooks: BTreeMap<_, _> = hooks.map(|hook| (hook.connection.clone(), hook)).collect();
    let object = main_object(app).await;
    let now_ms = unix_ms(app.database.time());
    let mut all = Vec::new();
    for one in found {
        let document = connections::shown(app, one.clone()).await?;
        let hook = hooks.get(&one.row.id);
        all.push(overview(&*app.database, &one.row, &document, hook, &object, now_ms).await?);
    }
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    counts.insert("all", all.len() as u64);
    for group in GROUPS {
        let of_group = all.iter().filter(|one| one.group == group).count();
        counts.insert(group.word(), of_group as u64);
    }
    let needs = all.iter().flat_map(|one| {
        let whose = |need: &Need| Whose { connection: one.name.clone(), need: need.clone() };
        one.needs.iter().map(whose)
    });
    let mut needs: Vec<Whose> = needs.collect();
    needs.sort_by_key(|one| one.need.cause);
    let wanted = asked.q.to_lowercase();
    all.retain(|one| {
        let has = one.name.to_lowercase().contains(&wanted) || one.scheme.contains(&wanted);
        has && (asked.state.is_empty() || one.group.word() == asked.state)
    });
    // They are in the order of their names already.
    all.sort_by_key(|one| one.group);
    Ok(Data { needs, items: all, counts, next: next.flatten(), object })
}

const GROUPS: [StandingGroup; 4] =
    [StandingGroup::Needs, StandingGroup::Busy, StandingGroup::Good, StandingGroup::New];

/// The object that a connection is mostly about: the first that a person knows by a number.
pub async fn main_object(app: &Api) -> String {
    let view = app.view().await.ok().flatten();
    let named = view.into_iter().flat_map(|view| &view.objects).find(|(_, of)| of.number.is_some());
    let first = app.connector.manifest().objects.first().map(|object| object.name.clone());
    named.map(|(name, _)| name.clone()).or(first).unwrap_or_default()
}

/// An object's name for people.
pub fn object_title(app: &Api, name: &str) -> String {
    let found = app.connector.manifest().objects.iter().find(|object| object.name == name);
    found.map_or_else(|| name.to_owned(), |object| object.title.clone())
}

/// How a connection is, in a word.
pub fn standing(standing: &Standing, now_ms: u64) -> Status {
    let left = |at: u64| span(at.saturating_sub(now_ms).div_ceil(1_000));
    let (mark, word) = match standing {
        Standing::NeedsReconnect => (Mark::Bad, "Needs reconnecting".to_owned()),
        Standing::NotConnected => (Mark::Bad, "A secret is missing".to_owned()),
        Standing::Failing { next_ms: Some(at), .. } if *at > now_ms => {
            (Mark::Bad, format!("Failing, try in {}", left(*at)))
        }
        Standing::Failing { .. } => (Mark::Bad, "Failing".to_owned()),
        Standing::MayMiss { .. } => (Mark::Warn, "Deliveries may be missing".to_owned()),
        Standing::Waits { until_ms, .. } => {
            (Mark::Wait, format!("Waits for limit, {}", left(*until_ms)))
        }
        Standing::Reading { pages: 0 } => (Mark::Moving, "Reading".to_owned()),
        Standing::Reading { pages } => {
            (Mark::Moving, format!("Reading, {}", counted(*pages, "page", "pages")))
        }
        Standing::Good => (Mark::Good, "Good".to_owned()),
        Standing::New => (Mark::None, "Not read yet".to_owned()),
    };
    Status::new(mark, word)
}

async fn show(
    State(console): State<At>,
    asker: Asker,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let words: Vec<&str> = GROUPS.iter().map(|group| group.word()).collect();
    if !asked.state.is_empty() && !words.contains(&asked.state.as_str()) {
        return Err(Problem::invalid(format!("state is one of {}", words.join(", "))));
    }
    let data = data(&console.app, &asked).await?;
    console
        .answer(&asker, &data, async || {
            let page = console.page(&asker, Screen::Overview, None).await?;
            Ok(page_of(&console.app, page, &asked, &data))
        })
        .await
}

fn page_of(app: &Api, mut page: Page, asked: &Asked, data: &Data) -> OverviewPage {
    let now_ms = unix_ms(app.database.time());
    let count = |word: &str| data.counts.get(word).copied().unwrap_or_default();
    let (all, need) = (count("all"), count("needs"));
    let more = if data.next.is_some() || !asked.after.is_empty() { " here" } else { "" };
    page.title = match (all, need) {
        (0, _) => "No connection yet".to_owned(),
        (_, 0) => format!("{}{more}, all good", counted(all, "connection", "connections")),
        (_, 1) => format!("{}{more}, 1 needs you", counted(all, "connection", "connections")),
        _ => format!("{}{more}, {need} need you", counted(all, "connection", "connections")),
    };
    let mut parts = Vec::new();
    for (word, one, many) in [
        ("good", "is good", "are good"),
        ("busy", "is busy", "are busy"),
        ("new", "is new", "are new"),
    ] {
        match count(word) {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            some => parts.push(format!("{} {many}", number(some))),
        }
    }
    let records: u64 = data.items.iter().map(|one| one.records).sum();
    let title = object_title(app, &data.object);
    let kept = format!("{} {} are kept.", number(records), title.to_lowercase());
    page.lead = if parts.is_empty() { kept } else { format!("{}. {kept}", parts.join(", ")) };
    if all > 0 {
        page.actions.push(page.form("Sync all", "/sync", Scope::Write));
    }
    page.actions.push(page.asks("New connection", "/connect", Scope::Admin).look(Look::Main));
    "connector-host status --output table".clone_into(&mut page.command);
    "overview".clone_into(&mut page.topics);
    let needs = data.needs.iter().map(|one| need_row(app, &page, one)).collect();
    let chip = |word: &'static str, text: &str, mark: Option<Mark>| Chip {
        text: text.to_owned(),
        href: href("/", &[("q", &asked.q), ("state", word), ("after", &asked.after)]),
        count: Some(count(if word.is_empty() { "all" } else { word })),
        mark,
        is_here: asked.state == word,
    };
    let mut chips = vec![chip("", "All", None)];
    for (word, text, mark) in [
        ("needs", "Needs you", Mark::Bad),
        ("busy", "Busy", Mark::Moving),
        ("good", "Good", Mark::Good),
        ("new", "New", Mark::None),
    ] {
        chips.push(chip(word, text, Some(mark)));
    }
    let rows: Vec<Row> = data.items.iter().map(|one| row(app, one, &data.object, now_ms)).collect();
    let empty = rows.is_empty().then(|| match all {
        0 => Empty::new(
            "No connection yet",
            format!(
                "A connection is one account at {}. You need its credentials.",
                app.connector.manifest().title
            ),
        )
        .with(page.asks("New connection", "/connect", Scope::Admin).look(Look::Main)),
        _ => Empty::new("No connection is like that", "Leave out a filter to see the others.")
            .with(page.link("Clear all", "/")),
    });
    let next = data.next.as_deref().map(|after| href("/", &[("after", after)]));
    let pager = (next.is_some() || !asked.after.is_empty()).then(|| Pager {
        text: format!("{} of this page", counted(all, "connection", "connections")),
        next,
        label: "Next page",
    });
    let (q, state) = (asked.q.clone(), asked.state.clone());
    OverviewPage { page, object: title, needs, rows, chips, q, state, pager, empty }
}

fn row(app: &Api, one: &ConnectionOverview, object: &str, now_ms: u64) -> Row {
    let schemes = &app.connector.manifest().schemes;
    let scheme = schemes.iter().find(|scheme| scheme.name == one.scheme);
    let sent: u64 = one.requests.iter().sum();
    let title = format!("{} in the last hour", counted(sent, "request", "requests"));
    Row {
        name: one.name.clone(),
        href: Screen::Overview.href(Some(&one.name)),
        scheme: scheme.map_or_else(|| one.scheme.clone(), |scheme| scheme.title.clone()),
        status: standing(&one.standing, now_ms),
        records: number(one.records),
        records_href: format!("/c/{}/records/{}", encoded(&one.name), encoded(object)),
        behind: one.behind_seconds.map_or_else(|| "never".to_owned(), span),
        bars: Bars::new(title, &one.requests, None),
        last: one.last_delivery.clone().unwrap_or_default(),
        waiting: one.waiting,
        trouble: one.trouble,
        trouble_href: Screen::Trouble.href(Some(&one.name)),
    }
}

fn need_row(app: &Api, page: &Page, one: &Whose) -> NeedRow {
    let Whose { connection, need } = one;
    let provider = &app.connector.manifest().title;
    let (name, object) = (encoded(connection), need.object.clone().unwrap_or_default());
    let reason = need.reason.as_deref().map(shown).unwrap_or_default();
    let sync = || {
        let to = format!("/c/{name}/sync");
        page.form("Sync now", to, Scope::Write)
    };
    let look = || page.link("Look", format!("/c/{name}"));
    let reconnect = || {
        let to = href("/connect", &[("c", connection)]);
        page.asks("Reconnect", to, Scope::Admin).look(Look::Main)
    };
    let (mark, what, rest, button) = match need.cause {
        NeedCause::GrantEnded => (
            Mark::Bad,
            "needs reconnecting.".to_owned(),
            format!("{provider} has ended its grant. Nothing is read or written until then; its records stay."),
            reconnect(),
        ),
        NeedCause::SecretMissing => (
            Mark::Bad,
            "lacks a secret.".to_owned(),
            "Nothing is read or written until it is there.".to_owned(),
            reconnect(),
        ),
        NeedCause::FailingReads => (
            Mark::Bad,
            format!("cannot read {object}, {} times in a row:", need.count),
            format!("{reason}. It is tried again by itself."),
            look(),
        ),
        NeedCause::Gap => (
            Mark::Warn,
            "may miss deliveries".to_owned(),
            "since no receiver ran. The next sync closes the gap by itself.".to_owned(),
            sync(),
        ),
        NeedCause::Refused => (
            Mark::Warn,
            format!("refused {}", counted(need.count, "delivery", "deliveries")),
            "that did not verify, and none has verified since. Is the signing secret the provider's?"
                .to_owned(),
            page.link("Look", format!("/c/{name}/credentials")),
        ),
        NeedCause::SweepAlarm => (
            Mark::Warn,
            format!("did not see many of its {object}:"),
            format!("{reason}. None was removed for it."),
            look(),
        ),
        NeedCause::Held => (
            Mark::Warn,
            "is asked to wait".to_owned(),
            format!("by {provider}: {reason} is held for more than ten minutes."),
            page.link("Look", format!("/c/{name}/limits")),
        ),
    };
    let href = Screen::Overview.href(Some(connection));
    NeedRow { mark, name: connection.clone(), href, what, rest, button }
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    key: String,
}

/// Has every connection read that can be.
async fn sync_all(
    State(console): State<At>,
    asker: Asker,
    Form(form): Form<Key>,
) -> Result<Response, Problem> {
    let data = data(&console.app, &Asked::default()).await?;
    let (mut begun, mut tried) = (0_u64, 0_u64);
    for one in &data.items {
        if matches!(one.standing, Standing::NeedsReconnect | Standing::NotConnected) {
            continue;
        }
        tried += 1;
        let key = format!("{}{}", form.key, one.name);
        if console.begin_sync(&asker, &one.name, &key)? == Begun::Now {
            begun += 1;
        }
    }
    let text =
        format!("{begun} of {} begun to be read.", counted(tried, "connection", "connections"));
    Ok(console.done(&asker, "/", Ok(text)))
}
