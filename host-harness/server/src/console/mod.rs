//! The console: the host in a browser. Pages are made here and need no script; what they show comes from
//! the state and from the functions of the API's routes, and what they do is asked of the API within the
//! process, where scopes, repeats and the audit are decided as for every other caller.
//!
//! | module | what it holds |
//! |---|---|
//! | `guard` | who is let in, and the headers of every answer |
//! | `session`, `login` | links, cookies, who is signed in |
//! | `page` | what stands around every page; a page as HTML or as JSON |
//! | `act` | forms, and asking the API |
//! | `assets` | style and scripts, within the program |
//! | `parts` | parts that many pages have |
//! | `text`, `marks`, `chart` | how numbers, times, states and bars look |
//! | `facts`, `personal` | what a record says, and what of it is hidden |
//! | `sync` | reading that somebody asks for |
//! | the others | a file for each screen |

mod act;
mod analytics;
mod assets;
mod chart;
mod connect;
mod connection;
mod credentials;
mod deliveries;
mod facts;
mod guard;
mod live;
mod login;
mod marks;
mod overview;
mod page;
mod parts;
mod personal;
mod picture;
mod pushes;
mod record;
mod records;
mod session;
mod strip;
mod sync;
mod table;
mod text;
mod timeline;
mod trouble;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use connector_runtime::egress::Pending;
use connector_service::jobs::Shutdown;
use connector_service::listener::{Accept, Tls};
use tokio::sync::Semaphore;

use self::session::Sessions;
use crate::app::{Api, App};
use crate::audit::Audit;
use crate::authorise::{ApiCall, Authorizer, Caller, Gate, authorise};
use crate::listener::{ApiBounds, Door};
use crate::problem::{Problem, ProblemKind, ProblemSource};
use crate::tokens::{TokenNeed, Tokens};
use crate::working::go_on;

/// Streams of pages at the same time.
const STREAMS: usize = 32;

/// What handlers share.
type At = Arc<Console>;

/// What the console's screens work on.
pub(crate) struct Console {
    /// The state, and connections.
    pub app: App,
    /// The API behind its gate: what changes something is asked of it.
    api: Router,
    callers: Arc<Callers>,
    audit: Audit,
    hosts: Vec<String>,
    /// Where it is called, for people.
    place: String,
    is_secure: bool,
    hides: bool,
    cookie: String,
    room: Semaphore,
    streams: Arc<Semaphore>,
}

/// How the console is opened.
#[derive(Debug, Clone)]
pub struct ConsoleOptions {
    /// Bounds of the listener.
    pub bounds: ApiBounds,
    /// Names by which it may be called; empty where TLS tells a stranger's name apart.
    pub hosts: Vec<String>,
    /// Host and port of its address.
    pub place: String,
    /// Data of persons is never shown.
    pub hides_personal: bool,
    /// It goes on with pushes of hosts that have died; once in a process is enough.
    pub goes_on: bool,
}

/// Serves the console.
pub struct ConsoleServer {
    door: Door,
    console: At,
    goes_on: bool,
}

/// Bounds of a console's listener: for people, and streams of their pages.
#[must_use]
pub fn console_bounds() -> ApiBounds {
    ApiBounds { connections: 64, requests: 32, ..ApiBounds::default() }
}

impl ConsoleServer {
    /// A console of `api`.
    pub fn new(api: Arc<Api>, tls: Option<Tls>, options: ConsoleOptions) -> Self {
        let ConsoleOptions { bounds, hosts, place, hides_personal, goes_on } = options;
        let (routes, described) = crate::routes::router();
        let callers = Arc::new(Callers {
            sessions: Sessions::default(),
            tokens: Tokens::new(Arc::clone(&api.database), TokenNeed::Always),
        });
        let audit = || Audit::new(Arc::clone(&api.database), Arc::clone(&api.vault));
        let asked = Arc::clone(&callers) as Arc<dyn Authorizer>;
        let gate = Gate::new(&described, asked, audit(), vec![], bounds.requests);
        let router = routes
            .layer(from_fn_with_state(Arc::new(gate), authorise))
            .with_state(Arc::clone(&api));
        let is_secure = tls.is_some();
        // Browsers keep cookies by host, whatever the port.
        let port = place.rsplit_once(':').map_or("", |(_, port)| port);
        let cookie =
            if is_secure { "__Host-console".to_owned() } else { format!("console-{port}") };
        let audit = audit();
        let console = Arc::new(Console {
            app: api,
            api: router,
            callers,
            audit,
            hosts,
            place,
            is_secure,
            hides: hides_personal,
            cookie,
            room: Semaphore::new(bounds.requests),
            streams: Arc::new(Semaphore::new(STREAMS)),
        });
        let router = screens()
            .fallback(page::nowhere)
            .layer(from_fn_with_state(Arc::clone(&console), guard::guard))
            .layer(from_fn(guard::headers))
            .with_state(Arc::clone(&console));
        Self { door: Door { router, bounds, tls }, console, goes_on }
    }

    /// Path and query of a link that signs in once, with all rights; the one before is good no more.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new_link(&self) -> Result<String, Problem> {
        let key = self.console.callers.sessions.new_link()?;
        Ok(format!("{}?t={key}", login::PATH))
    }

    /// Serves until `stop` is requested.
    pub async fn run(&self, accept: impl Accept, stop: &Shutdown) {
        let going = async {
            if self.goes_on {
                go_on(&self.console.app).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            () = self.door.run(accept, stop) => {}
            () = going => {}
        }
    }
}

/// The screens, a file for each.
fn screens() -> Router<At> {
    Router::new()
        .merge(overview::routes())
        .merge(connection::routes())
        .merge(credentials::routes())
        .merge(records::routes())
        .merge(record::routes())
        .merge(live::routes())
        .merge(connect::routes())
        .merge(login::routes())
        .merge(trouble::routes())
        .merge(deliveries::routes())
        .merge(pushes::routes())
        .merge(analytics::routes())
}

/// Who may do what: sessions by their cookies, and tokens as the API has them.
struct Callers {
    sessions: Sessions,
    tokens: Tokens,
}

impl Callers {
    async fn decide(&self, call: &ApiCall<'_>) -> Result<Caller, Problem> {
        let session = call.token.and_then(|key| self.sessions.find(key));
        let Some(session) = session else { return self.tokens.authorize(call).await };
        if let Some(token) = &session.token {
            let call = ApiCall { token: Some(token), ..*call };
            return self.tokens.authorize(&call).await;
        }
        if session.scope < call.scope {
            let text = format!("this session may {} alone", session.scope.word());
            return Err(Problem::new(ProblemKind::Forbidden, ProblemSource::Request, text));
        }
        Ok(Caller { name: session.name })
    }
}

impl Authorizer for Callers {
    fn authorize<'c>(&'c self, call: &'c ApiCall<'c>) -> Pending<'c, Result<Caller, Problem>> {
        Box::pin(self.decide(call))
    }
}
