//! One connection: what happened to it, how far it is, and what it lives on.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use connector_contract::clock::unix_ms;
use connector_service::documents::{
    self, ConnectionDocument, JournalDocument, LimitStatus, ObjectStatus, SubscriptionStatus,
};
use connector_state::ConnectionRow;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::act::{Call, Form};
use super::guard::Asker;
use super::marks::{Mark, Status};
use super::overview::{object_title, standing};
use super::page::{Link, Page, Screen};
use super::parts::{Chip, ConfirmPage, Empty, Pager, href};
use super::sync::Begun;
use super::text::{self, Moment, counted, number, span};
use super::timeline::{Day, days, kinds};
use super::{At, Console};
use crate::authorise::Scope;
use crate::extract::{Path, Query};
use crate::problem::Problem;
use crate::routes::connections::{self, OfConnection};
use crate::routes::{encoded, without_path};

/// Entries of a page.
const PAGE: u32 = 50;
/// Entries that are read for a page: runs of them become one.
const READ: u32 = 200;

pub fn routes() -> Router<At> {
    Router::new()
        .route("/c/{connection}", get(show))
        .route("/c/{connection}/sync", post(sync))
        .route("/c/{connection}/check", post(check))
        .route("/c/{connection}/rename", get(ask_name).post(rename))
        .route("/c/{connection}/disconnect", get(ask_end).post(disconnect))
}

/// A view of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// What happened.
    Timeline,
    /// Its secrets.
    Credentials,
    /// Its settings.
    Settings,
    /// What its limits let go.
    Limits,
}

impl Console {
    /// What stands around a view of a connection.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn connection_page(
        &self,
        asker: &Asker,
        row: &ConnectionRow,
        tab: Tab,
    ) -> Result<Page, Problem> {
        let name = encoded(&row.name);
        let mut page = self.page(asker, Screen::Overview, Some(&row.name)).await?;
        page = page.titled(&row.name).crumb("Overview", "/").crumb(&row.name, format!("/c/{name}"));
        let schemes = &self.app.connector.manifest().schemes;
        let scheme = schemes.iter().find(|scheme| scheme.name == row.scheme);
        page.lead = format!(
            "{}, {} · made {}",
            self.app.connector.manifest().title,
            scheme.map_or(&row.scheme, |scheme| &scheme.title),
            Moment::full(row.made_ms).text(),
        );
        let to = |tab: &str| format!("/c/{name}{tab}");
        page.tabs = vec![
            Link::new("Timeline", to("")).here_if(tab == Tab::Timeline),
            Link::new("Records", to("/records")),
            Link::new("Deliveries", Screen::Deliveries.href(Some(&row.name))),
            Link::new("Pushes", Screen::Pushes.href(Some(&row.name))),
            Link::new("Credentials", to("/credentials")).here_if(tab == Tab::Credentials),
            Link::new("Settings", to("/settings")).here_if(tab == Tab::Settings),
            Link::new("Limits", to("/limits")).here_if(tab == Tab::Limits),
        ];
        Ok(page)
    }

    /// The connection as it is shown.
    ///
    /// # Errors
    /// As [`crate::Api::row`].
    pub async fn document(&self, name: &str) -> Result<ConnectionDocument, Problem> {
        connections::shown(&self.app, self.app.labelled(name).await?).await
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    kind: String,
    before: Option<u64>,
    each: bool,
}

#[derive(Serialize)]
struct Data {
    connection: ConnectionDocument,
    standing: documents::Standing,
    objects: Vec<ObjectStatus>,
    subscriptions: Vec<SubscriptionStatus>,
    limits: Vec<LimitStatus>,
    journal: Vec<JournalDocument>,
    /// Where the journal goes on, as `before`.
    next: Option<u64>,
}

struct ObjectLine {
    title: String,
    href: String,
    records: String,
    behind: String,
    note: Option<Status>,
}

#[derive(Template)]
#[template(path = "console/connection.html")]
struct ConnectionPage {
    page: Page,
    standing: Status,
    chips: Vec<Chip>,
    days: Vec<Day>,
    empty: Option<Empty>,
    pager: Pager,
    objects: Vec<ObjectLine>,
    limits: Vec<(String, String)>,
    limits_href: String,
    webhooks: Vec<Webhook>,
}

struct Webhook {
    object: String,
    proven: Status,
    facts: Vec<(&'static str, String)>,
}

async fn show(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let app = &console.app;
    let row = app.row(&path.connection).await?;
    let wanted = kinds(&asked.kind).ok_or_else(|| {
        Problem::invalid("kind is one of reading, receiving, writing, settings, trouble")
    })?;
    let now_ms = unix_ms(app.database.time());
    let document = console.document(&row.name).await?;
    let hooks = app.database.hooks().await?;
    let hook = hooks.iter().find(|hook| hook.connection == row.id);
    let main = super::overview::main_object(app).await;
    let found = documents::overview(&*app.database, &row, &document, hook, &main, now_ms).await?;
    let limit = if asked.each { PAGE } else { READ };
    let entries = app.database.journal(&row.id, wanted, asked.before, limit).await?;
    let next = (entries.len() == limit as usize).then(|| entries.last().map(|last| last.number));
    let subscriptions = documents::subscriptions(&*app.database, &row, hook).await?;
    let mut subscriptions: Vec<_> = subscriptions.into_iter().map(|(_, shown)| shown).collect();
    for one in &mut subscriptions {
        // Its end is the receiver's path, which only the provider has to know.
        one.subscription.url = without_path(&one.subscription.url);
    }
    let data = Data {
        connection: document,
        standing: found.standing,
        objects: documents::objects(&*app.database, &row, now_ms).await?,
        subscriptions,
        limits: documents::limits(&*app.database, &row, now_ms).await?,
        journal: entries.iter().map(JournalDocument::of).collect(),
        next: next.flatten(),
    };
    console
        .answer(&asker, &data, async || {
            let mut page = console.connection_page(&asker, &row, Tab::Timeline).await?;
            let name = encoded(&row.name);
            page.topics = format!("c:{}", row.name);
            page.command = format!(
                "connector-host status --connection {0} && connector-host journal --connection {0}",
                row.name
            );
            page.actions = vec![
                page.form("Check", format!("/c/{name}/check"), Scope::Write),
                page.form("Sync now", format!("/c/{name}/sync"), Scope::Write),
                page.asks("Rename…", format!("/c/{name}/rename"), Scope::Admin),
                page.asks("Disconnect…", format!("/c/{name}/disconnect"), Scope::Admin),
            ];
            let here = format!("/c/{name}");
            let chips = [
                ("", "Everything"),
                ("reading", "Reading"),
                ("receiving", "Receiving"),
                ("writing", "Writing"),
                ("settings", "Settings"),
                ("trouble", "Trouble"),
            ];
            let chip = |(word, text): (&str, &str)| Chip {
                text: text.to_owned(),
                href: href(&here, &[("kind", word)]),
                count: None,
                mark: (word == "trouble").then_some(Mark::Warn),
                is_here: asked.kind == word,
            };
            let days = days(&entries, asked.each);
            let before = data.next.map(|next| next.to_string());
            let each = if asked.each { "true" } else { "" };
            let older = before.map(|before| {
                href(&here, &[("kind", &asked.kind), ("each", each), ("before", &before)])
            });
            let empty = days.is_empty().then(|| match asked.kind.is_empty() {
                true => Empty::new(
                    "Nothing has happened yet",
                    "Reads, deliveries, pushes and settings come here.",
                ),
                false => Empty::new("Nothing of that kind", "In what is kept, for 90 days.")
                    .with(page.link("Everything", here.clone())),
            });
            Ok(ConnectionPage {
                standing: standing(&data.standing, now_ms),
                chips: chips.into_iter().map(chip).collect(),
                days,
                empty,
                pager: Pager { text: "kept for 90 days".to_owned(), next: older, label: "Older" },
                objects: data.objects.iter().map(|one| line(&console, &row, one)).collect(),
                limits: data.limits.iter().map(|limit| used_up(limit, now_ms)).collect(),
                limits_href: format!("/c/{name}/limits"),
                webhooks: data.subscriptions.iter().map(|one| webhook(&console, one)).collect(),
                page,
            })
        })
        .await
}

fn line(console: &Console, row: &ConnectionRow, one: &ObjectStatus) -> ObjectLine {
    let note = if one.failures > 0 {
        Some(Status::new(
            Mark::Bad,
            format!("failed {}", counted(one.failures.into(), "time", "times")),
        ))
    } else if one.running {
        let pages = counted(one.pages, "page", "pages");
        Some(Status::new(Mark::Moving, format!("reading, {pages} so far")))
    } else {
        one.error.as_ref().map(|_| Status::new(Mark::Warn, "see the timeline"))
    };
    ObjectLine {
        title: object_title(&console.app, &one.object),
        href: format!("/c/{}/records/{}", encoded(&row.name), encoded(&one.object)),
        records: number(one.records),
        behind: one.lag_seconds.map_or_else(|| "never".to_owned(), span),
        note,
    }
}

fn used_up(limit: &LimitStatus, now_ms: u64) -> (String, String) {
    let left = span(limit.until_ms.saturating_sub(now_ms).div_ceil(1_000));
    let why = if limit.limit.held { "the provider asked to wait" } else { "used up" };
    (limit.limit.name.clone(), format!("{why}, free in {left}"))
}

fn webhook(console: &Console, one: &SubscriptionStatus) -> Webhook {
    let facts = &one.subscription;
    let proven = match &facts.proven {
        Some(_) => Status::new(Mark::Good, "Proven"),
        None => Status::new(Mark::Wait, "Waits for its first delivery"),
    };
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    Webhook {
        object: object_title(&console.app, &one.object),
        proven,
        facts: vec![
            ("At", facts.url.clone()),
            ("Last delivery", or_none(&facts.last)),
            ("Deliveries", number(facts.deliveries)),
            ("Refused", number(facts.refused.unwrap_or_default())),
            ("May miss since", or_none(&facts.gap_since)),
            ("Events waiting", number(facts.waiting)),
        ],
    }
}

#[derive(Deserialize)]
struct Key {
    #[serde(default)]
    key: String,
}

async fn sync(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
    Form(form): Form<Key>,
) -> Result<Response, Problem> {
    let row = console.app.row(&path.connection).await?;
    let outcome = console.begin_sync(&asker, &row.name, &form.key).map(|begun| match begun {
        Begun::Now => {
            format!("{} is being read. What comes of it stands in the timeline.", row.name)
        }
        Begun::Before => format!("{} is being read already.", row.name),
    });
    Ok(console.done(&asker, &format!("/c/{}", encoded(&row.name)), outcome))
}

async fn check(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
    Form(form): Form<Key>,
) -> Result<Response, Problem> {
    let row = console.app.row(&path.connection).await?;
    let here = format!("/c/{}", encoded(&row.name));
    let to = format!("/v1/connections/{}/check", encoded(&row.name));
    let call = Call { method: Method::POST, path: &to, body: None, key: &form.key };
    let mut all_good = true;
    let told = Box::pin(console.call(&asker, call)).await.map(|answer| {
        let items = answer.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let lines = items.iter().map(|item| {
            let member = |name| item.get(name).and_then(Value::as_str).unwrap_or_default();
            let title = object_title(&console.app, member("object"));
            let result = member("result");
            all_good &= matches!(result, "usable" | "untried");
            match member("message") {
                "" => format!("{title}: {result}"),
                why => format!("{title}: {result}, {}", text::shown(why)),
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    let outcome = match told {
        Ok(text) if !all_good => Err(Problem::invalid(text)),
        other => other,
    };
    Ok(console.done(&asker, &here, outcome))
}

/// A form with one field.
#[derive(Template)]
#[template(path = "console/rename.html")]
struct RenamePage {
    page: Page,
    name: String,
    href: String,
    away: String,
}

async fn ask_name(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
) -> Result<Response, Problem> {
    let row = console.app.row(&path.connection).await?;
    let here = format!("/c/{}", encoded(&row.name));
    let page = console.page(&asker, Screen::Overview, Some(&row.name)).await?;
    let page =
        page.titled(format!("Rename {}", row.name)).crumb("Overview", "/").crumb(&row.name, &here);
    let command = format!("connector-host connections rename {} NEW", row.name);
    let (page, name) = (page.command(command), row.name);
    let form = RenamePage { page, name, href: format!("{here}/rename"), away: here };
    Ok(super::page::html(http::StatusCode::OK, &form))
}

#[derive(Deserialize)]
struct NewName {
    #[serde(default)]
    key: String,
    name: String,
}

async fn rename(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
    Form(form): Form<NewName>,
) -> Result<Response, Problem> {
    let before = encoded(&path.connection);
    let to = format!("/v1/connections/{before}");
    let body = Some(json!({"name": form.name}));
    let call = Call { method: Method::PATCH, path: &to, body, key: &form.key };
    match Box::pin(console.call(&asker, call)).await {
        Ok(_) => {
            let text = format!("{} is called {} from now on.", path.connection, form.name);
            Ok(console.done(&asker, &format!("/c/{}", encoded(&form.name)), Ok(text)))
        }
        Err(why) => Ok(console.done(&asker, &format!("/c/{before}/rename"), Err(why))),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ending {
    key: String,
    typed: String,
    force: bool,
}

async fn ask_end(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
) -> Result<Response, Problem> {
    Ok(end_page(&console, &asker, &path.connection, None, false).await?.answer())
}

async fn end_page(
    console: &Console,
    asker: &Asker,
    name: &str,
    fault: Option<String>,
    force: bool,
) -> Result<ConfirmPage, Problem> {
    let row = console.app.row(name).await?;
    let here = format!("/c/{}", encoded(&row.name));
    let page = console.page(asker, Screen::Overview, Some(&row.name)).await?;
    let page = page
        .titled(format!("Disconnect {}?", row.name))
        .crumb("Overview", "/")
        .crumb(&row.name, &here)
        .command(format!("connector-host disconnect --connection {}", row.name));
    let provider = &console.app.connector.manifest().title;
    let mut says = vec![
        format!("Its grant is given back to {provider}, and its secrets are erased."),
        "All that is kept for it is erased: records and their history, deliveries, dead letters, pushes. \
         It cannot be brought back."
            .to_owned(),
        format!("What {provider} has stays as it is."),
    ];
    if force {
        says.push(format!("{provider} could not be told. It is erased here all the same."));
    }
    Ok(ConfirmPage {
        page,
        says,
        typed: Some(row.name.clone()),
        fault,
        href: format!("{here}/disconnect"),
        fields: if force { vec![("force".to_owned(), "true".to_owned())] } else { vec![] },
        verb: format!("Disconnect {}", row.name),
        away: ("Keep it".to_owned(), here),
    })
}

async fn disconnect(
    State(console): State<At>,
    asker: Asker,
    Path(path): Path<OfConnection>,
    Form(form): Form<Ending>,
) -> Result<Response, Problem> {
    let name = &path.connection;
    if form.typed != *name {
        let fault = Some(format!("That is not {name}. Nothing was done."));
        return Ok(end_page(&console, &asker, name, fault, form.force).await?.answer());
    }
    let force = if form.force { "?force=true" } else { "" };
    let to = format!("/v1/connections/{}{force}", encoded(name));
    let call = Call { method: Method::DELETE, path: &to, body: None, key: &form.key };
    match Box::pin(console.call(&asker, call)).await {
        Ok(_) => {
            Ok(console.done(&asker, "/", Ok(format!("{name} is disconnected, and erased here."))))
        }
        Err(why) if why.detail.contains("there is no connection") => Err(why),
        Err(why) => {
            let fault = Some(super::act::told(&why));
            Ok(end_page(&console, &asker, name, fault, asker.may(Scope::Admin)).await?.answer())
        }
    }
}
