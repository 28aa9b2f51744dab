//! What stands around every page; and a page as HTML or as JSON.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use connector_state::lists::ConnectionsQuery;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::guard::{Asker, Wants};
use super::marks::{Icon, Mark};
use super::session::{Notice, random};
use super::{Console, act, assets};
use crate::authorise::Scope;
use crate::extract::Json;
use crate::problem::Problem;
use crate::routes::encoded;

/// Connections that the switch shows; beyond, they are looked for on the overview.
const SWITCH: u32 = 30;
/// Troubles that are counted for the side.
const TROUBLES: u32 = 100;

/// A screen of the side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// All connections.
    Overview,
    /// What is kept.
    Records,
    /// What it says together.
    Analytics,
    /// What providers sent.
    Deliveries,
    /// What is written from files.
    Pushes,
    /// What changes now.
    Live,
    /// What waits for a person.
    Trouble,
    /// A new connection.
    Connect,
}

impl Screen {
    /// Where it is, of a connection or of all.
    #[must_use]
    pub fn href(self, connection: Option<&str>) -> String {
        let path = match (self, connection) {
            (Self::Overview, None) => return "/".to_owned(),
            (Self::Overview, Some(name)) => return format!("/c/{}", encoded(name)),
            (Self::Records, Some(name)) => return format!("/c/{}/records", encoded(name)),
            (Self::Records, None) => return "/records".to_owned(),
            (Self::Connect, _) => return "/connect".to_owned(),
            (Self::Analytics, _) => "/analytics",
            (Self::Deliveries, _) => "/deliveries",
            (Self::Pushes, _) => "/pushes",
            (Self::Live, _) => "/live",
            (Self::Trouble, _) => "/trouble",
        };
        match connection {
            Some(name) => format!("{path}?c={}", encoded(name)),
            None => path.to_owned(),
        }
    }

    fn icon(self) -> Icon {
        Icon(match self {
            Self::Overview => "overview",
            Self::Records => "records",
            Self::Analytics => "analytics",
            Self::Deliveries => "down",
            Self::Pushes => "up",
            Self::Live => "live",
            Self::Trouble => "trouble",
            Self::Connect => "plus",
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Records => "Records",
            Self::Analytics => "Analytics",
            Self::Deliveries => "Deliveries",
            Self::Pushes => "Pushes",
            Self::Live => "Live",
            Self::Trouble => "Trouble",
            Self::Connect => "New connection",
        }
    }
}

/// A link of the side.
#[derive(Template)]
#[template(path = "console/nav.html")]
pub struct NavLink {
    screen: Screen,
    is_here: bool,
    href: String,
    icon: Icon,
    word: &'static str,
    count: Option<String>,
}

/// A template, which escapes its texts.
impl HtmlSafe for NavLink {}

impl NavLink {
    pub(super) fn is_trouble(&self) -> bool {
        self.screen == Screen::Trouble
    }
}

/// A place that leads on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it says.
    pub text: String,
    /// Where it leads.
    pub href: String,
    /// It is where we are.
    pub is_here: bool,
}

impl Link {
    /// To another place.
    pub fn new(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { text: text.into(), href: href.into(), is_here: false }
    }

    /// The same, where we are.
    #[must_use]
    pub fn here_if(mut self, is_here: bool) -> Self {
        self.is_here = is_here;
        self
    }
}

/// How a button looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// One of several.
    Plain,
    /// What is done next.
    Main,
    /// What cannot be taken back.
    Bad,
}

/// A button that leads on, or sends a form.
#[derive(Debug, Clone, Template)]
#[template(path = "console/button.html")]
pub struct Button {
    label: String,
    href: String,
    is_post: bool,
    look: Look,
    key: String,
    fields: Vec<(String, String)>,
    /// Why it cannot be used.
    refused: Option<String>,
}

/// A template, which escapes its texts.
impl HtmlSafe for Button {}

impl Button {
    /// With another look.
    #[must_use]
    pub fn look(mut self, look: Look) -> Self {
        self.look = look;
        self
    }

    /// With a field of its form.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// What stands around every page.
pub struct Page {
    /// The heading: a sentence where a count matters.
    pub title: String,
    /// One line of state.
    pub lead: String,
    /// The way to here.
    pub crumbs: Vec<Link>,
    /// What can be done, three at most.
    pub actions: Vec<Button>,
    /// Views of the same thing.
    pub tabs: Vec<Link>,
    /// The command line that does the same.
    pub command: String,
    /// What became of what was done before.
    pub notice: Option<Notice>,
    /// The connection that it is about.
    pub connection: Option<String>,
    /// Makes each form of the page happen once.
    pub key: String,
    /// Where the page is, with its query.
    pub here: String,
    /// What a stream tells this page of; empty: nothing.
    pub topics: String,
    /// Personal data is not shown.
    pub hides: bool,
    pub(super) group: String,
    pub(super) switch: Vec<Link>,
    pub(super) has_more: bool,
    pub(super) overview: NavLink,
    pub(super) data: Vec<NavLink>,
    pub(super) operation: Vec<NavLink>,
    pub(super) connect: NavLink,
    pub(super) only: Option<&'static str>,
    pub(super) must_hide: bool,
    pub(super) who: String,
    pub(super) place: String,
    pub(super) good: Mark,
    pub(super) bad: Mark,
    pub(super) warn: Mark,
    pub(super) menu: Icon,
    scope: Scope,
}

impl Page {
    /// With this heading.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// With this line below it.
    #[must_use]
    pub fn lead(mut self, lead: impl Into<String>) -> Self {
        self.lead = lead.into();
        self
    }

    /// With this command line.
    #[must_use]
    pub fn command(mut self, command: impl Into<String>) -> Self {
        self.command = command.into();
        self
    }

    /// With a step of the way to here.
    #[must_use]
    pub fn crumb(mut self, text: &str, href: impl Into<String>) -> Self {
        self.crumbs.push(Link::new(text, href));
        self
    }

    /// With these actions.
    #[must_use]
    pub fn actions(mut self, actions: Vec<Button>) -> Self {
        self.actions = actions;
        self
    }

    /// A button that leads to another page.
    pub fn link(&self, label: impl Into<String>, href: impl Into<String>) -> Button {
        Button {
            label: label.into(),
            href: href.into(),
            is_post: false,
            look: Look::Plain,
            key: String::new(),
            fields: vec![],
            refused: None,
        }
    }

    /// A button that has something done; it says why where that needs more than who looks may do.
    pub fn form(&self, label: impl Into<String>, href: impl Into<String>, needs: Scope) -> Button {
        let refused = (self.scope < needs).then(|| {
            format!("You may {} here, and this needs {}.", self.scope.word(), needs.word())
        });
        Button { is_post: true, key: self.key.clone(), refused, ..self.link(label, href) }
    }

    /// A button to a page that asks before something is done.
    pub fn asks(&self, label: impl Into<String>, href: impl Into<String>, needs: Scope) -> Button {
        Button { is_post: false, ..self.form(label, href, needs) }
    }

    /// Where a style or script is.
    pub(super) fn asset(&self, name: &str) -> &'static str {
        assets::path(name)
    }
}

impl Console {
    /// What stands around a page of this screen, about a connection or all.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn page(
        &self,
        asker: &Asker,
        screen: Screen,
        connection: Option<&str>,
    ) -> Result<Page, Problem> {
        let database = &self.app.database;
        let asked = ConnectionsQuery {
            connector: Some(self.app.connector.manifest().name.clone()),
            limit: SWITCH + 1,
            ..ConnectionsQuery::default()
        };
        let mut rows = database.list_connections(asked).await?;
        let has_more = rows.len() > SWITCH as usize;
        rows.truncate(SWITCH as usize);
        let to = |name: &str| screen.href(Some(name));
        let switch = rows.iter().map(|one| one.row.name.as_str());
        let switch = switch.map(|name| Link::new(name, to(name)).here_if(Some(name) == connection));
        let (_, dead) = database.count_events(None).await?;
        let letters = database.list_dead_letters(None, 0, TROUBLES).await?.len() as u64;
        let troubles = match dead + letters {
            0 => None,
            more if more >= u64::from(TROUBLES) => Some(format!("{}+", TROUBLES - 1)),
            some => Some(some.to_string()),
        };
        let view = self.app.view().await.ok().flatten();
        let link = |of: Screen, count: Option<String>| NavLink {
            screen: of,
            is_here: of == screen,
            href: of.href(connection.filter(|_| of != Screen::Overview)),
            icon: of.icon(),
            word: of.word(),
            count,
        };
        let mut data = vec![link(Screen::Records, None)];
        if view.is_some() {
            data.push(link(Screen::Analytics, None));
        }
        let operation = vec![
            link(Screen::Deliveries, None),
            link(Screen::Pushes, None),
            link(Screen::Live, None),
            link(Screen::Trouble, troubles),
        ];
        let sessions = &self.callers.sessions;
        let notice = asker.session.as_deref().and_then(|key| sessions.take_notice(key));
        Ok(Page {
            title: screen.word().to_owned(),
            lead: String::new(),
            crumbs: vec![],
            actions: vec![],
            tabs: vec![],
            command: String::new(),
            notice,
            connection: connection.map(str::to_owned),
            key: random()?,
            here: asker.here.to_string(),
            topics: String::new(),
            hides: asker.hides,
            group: view.map_or_else(|| "Data".to_owned(), |view| view.title.clone()),
            switch: switch.collect(),
            has_more,
            overview: link(Screen::Overview, None),
            data,
            operation,
            connect: link(Screen::Connect, None),
            only: (!asker.may(Scope::Admin)).then(|| asker.scope.word()),
            must_hide: self.hides,
            who: asker.name.to_string(),
            place: self.place.clone(),
            good: Mark::Good,
            bad: Mark::Bad,
            warn: Mark::Warn,
            menu: Icon("menu"),
            scope: asker.scope,
        })
    }

    /// An answer in the form that was asked for.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub async fn answer<T: Template>(
        &self,
        asker: &Asker,
        data: &impl Serialize,
        page: impl AsyncFnOnce() -> Result<T, Problem>,
    ) -> Result<Response, Problem> {
        match asker.wants {
            Wants::Json | Wants::Csv => Ok(json(data)),
            Wants::Html => Ok(html(StatusCode::OK, &page().await?)),
        }
    }
}

/// A page of this status.
pub fn html(status: StatusCode, page: &impl Template) -> Response {
    // Writing into a text does not fail.
    let text = page.render().unwrap_or_default();
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(header::CONTENT_TYPE, kind)], text).into_response()
}

/// The data of a page.
pub fn json(data: &impl Serialize) -> Response {
    Json(data).into_response()
}

#[derive(Template)]
#[template(path = "console/error.html")]
struct ErrorPage {
    page: Page,
    next: Option<String>,
    kind: &'static str,
}

/// What went wrong, in the form that was asked for.
pub async fn fault(
    console: &Console,
    asker: Option<&Asker>,
    wants: Wants,
    problem: &Problem,
) -> Response {
    let plain = || problem.clone().into_response();
    let Some(asker) = asker.filter(|_| wants == Wants::Html) else {
        return match wants {
            Wants::Html => {
                let text = act::told(problem);
                let status =
                    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
                (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text)
                    .into_response()
            }
            _ => plain(),
        };
    };
    let Ok(page) = console.page(asker, Screen::Overview, None).await else { return plain() };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let page = page.titled(problem.title.clone()).lead(problem.detail.clone());
    let page = ErrorPage { page, next: problem.next.clone(), kind: problem.kind.word() };
    html(status, &page)
}

/// There is no such page.
pub async fn nowhere(request: Request) -> Problem {
    let path = super::text::shown(request.uri().path());
    Problem::not_found(format!("There is no page {path}."))
        .next("The side leads to those there are.")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// Whatever a page shows is escaped: what is not says so by its type.
    #[test]
    fn no_template_takes_a_text_for_safe() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/console");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            for never in [
                "|safe",
                "| safe",
                "escape(\"none\")",
                "autoescape",
                " style=",
                "onclick",
                "<script>",
            ] {
                assert!(!text.contains(never), "{} holds {never}", path.display());
            }
            seen += 1;
        }
        assert!(seen > 20, "{seen}");
    }
}
