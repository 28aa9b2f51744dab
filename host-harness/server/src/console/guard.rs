//! Who is let in, and the headers of every answer.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::{At, Console, assets, login, page};
use crate::authorise::{ApiCall, Authorizer as _, Caller, Scope, check_host, token};
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// Seconds after which a host that has too much to do is worth another try.
const AGAIN: u64 = 1;

/// Scripts and styles of this host alone, none within a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Who asks for a page, and in which form.
#[derive(Clone)]
pub struct Asker {
    /// As the audit names them.
    pub name: Arc<str>,
    /// What they may do.
    pub scope: Scope,
    /// Personal data is not shown to them.
    pub hides: bool,
    /// In which form.
    pub wants: Wants,
    /// Their session's cookie; a program that sends a token has none.
    pub session: Option<Arc<str>>,
    /// By what the API knows them.
    pub bearer: Arc<str>,
    /// The page that they ask for, with its query.
    pub here: Arc<str>,
}

/// In which form a page is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// A page.
    Html,
    /// Its data.
    Json,
    /// A table's rows, where the page has one to give.
    Csv,
}

impl Asker {
    /// Whether they may do what needs this scope.
    pub fn may(&self, scope: Scope) -> bool {
        self.scope >= scope
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // The guard is before every route.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| signed_out("nobody is signed in"))
    }
}

impl Wants {
    /// What a request accepts. Browsers name HTML; whoever names nothing gets it too.
    pub fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let accept = accept.unwrap_or_default();
        if accept.contains("text/html") {
            Self::Html
        } else if accept.contains("text/csv") {
            Self::Csv
        } else if accept.contains("json") {
            Self::Json
        } else {
            Self::Html
        }
    }
}

/// Lets in who may, and shows errors in the form that was asked for.
pub async fn guard(State(console): State<At>, request: Request, next: Next) -> Response {
    let wants = Wants::of(request.headers());
    let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path().to_owned();
    let response = match let_in(&console, request, next).await {
        Ok(response) => response,
        Err(Refused { problem, asker }) => {
            if problem.kind == ProblemKind::Unauthenticated && wants == Wants::Html && is_get {
                return Redirect::to(login::PATH).into_response();
            }
            return page::fault(&console, asker.as_ref(), wants, &problem).await;
        }
    };
    let asker = response.extensions().get::<Asker>().cloned();
    match response.extensions().get::<Problem>().cloned() {
        Some(problem) if !path.starts_with(assets::PREFIX) => {
            page::fault(&console, asker.as_ref(), wants, &problem).await
        }
        _ => response,
    }
}

struct Refused {
    problem: Problem,
    asker: Option<Asker>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, asker: None }
    }
}

async fn let_in(console: &Console, mut request: Request, next: Next) -> Result<Response, Refused> {
    check_host(&request, &console.hosts)?;
    let is_post = match *request.method() {
        Method::GET | Method::HEAD => false,
        Method::POST => true,
        _ => return Err(no_method().into()),
    };
    let path = request.uri().path().to_owned();
    if path.starts_with(assets::PREFIX) {
        return Ok(assets::serve(&path, request.headers()));
    }
    if is_post {
        check_same_origin(&request)?;
    }
    if path == login::PATH {
        return Ok(next.run(request).await);
    }
    let Ok(_place) = console.room.try_acquire() else {
        let text = "this host has as many requests under way as it takes";
        let problem = Problem::new(ProblemKind::Unavailable, ProblemSource::Host, text);
        return Err(problem.retry_after(AGAIN).into());
    };
    let mut asker = console.asker(request.headers()).await?;
    if !is_post {
        asker.here = request.uri().path_and_query().map_or("/", |here| here.as_str()).into();
    }
    if is_post && asker.session.is_none() {
        let text = "the console's forms are for people who are signed in";
        let problem = Problem::new(ProblemKind::Forbidden, ProblemSource::Request, text);
        return Err(problem.next("programs call /v1 of `serve --api`").into());
    }
    console.audit.count_read(&Caller { name: Arc::clone(&asker.name) }).await;
    request.extensions_mut().insert(asker.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(asker);
    Ok(response)
}

impl Console {
    /// Who sends a request: by its token, or by its cookie.
    async fn asker(&self, headers: &HeaderMap) -> Result<Asker, Problem> {
        let wants = Wants::of(headers);
        let (hides, here) = (self.hides, Arc::from("/"));
        if let Some(bearer) = token(headers)? {
            let caller = self.caller(bearer, Scope::Read).await?;
            let scope = self.reach(bearer).await;
            let bearer = Arc::from(bearer);
            return Ok(Asker {
                name: caller.name,
                scope,
                hides,
                wants,
                session: None,
                bearer,
                here,
            });
        }
        let key = self.cookie_of(headers).ok_or_else(|| signed_out("nobody is signed in"))?;
        let session = self.callers.sessions.find(&key);
        let session = session.ok_or_else(|| signed_out("the session has ended"))?;
        if let Some(token) = &session.token {
            // It may have been revoked, or be over.
            self.caller(token, Scope::Read).await?;
        }
        let key: Arc<str> = Arc::from(key);
        Ok(Asker {
            name: session.name,
            scope: session.scope,
            hides: hides || session.hides,
            wants,
            session: Some(Arc::clone(&key)),
            bearer: key,
            here,
        })
    }

    /// Who has a token, if it reaches all connections and this scope.
    pub(super) async fn caller(&self, token: &str, scope: Scope) -> Result<Caller, Problem> {
        let (connection, route) = (None, "/");
        let call = ApiCall { token: Some(token), scope, connection, method: &Method::GET, route };
        self.callers.tokens.authorize(&call).await
    }

    /// How far a good token reaches.
    pub(super) async fn reach(&self, token: &str) -> Scope {
        for scope in [Scope::Admin, Scope::Write] {
            if self.caller(token, scope).await.is_ok() {
                return scope;
            }
        }
        Scope::Read
    }

    /// What the session's cookie holds.
    fn cookie_of(&self, headers: &HeaderMap) -> Option<String> {
        let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|it| it.split_once('='));
        pairs.find(|(name, _)| name.trim() == self.cookie).map(|(_, key)| key.trim().to_owned())
    }

    /// A cookie that begins a session, or ends it.
    pub(super) fn cookie(&self, key: Option<&str>) -> HeaderValue {
        let secure = if self.is_secure { "; Secure" } else { "" };
        let (key, age) = (key.unwrap_or_default(), if key.is_some() { "" } else { "; Max-Age=0" });
        let text = format!("{}={key}; Path=/; HttpOnly; SameSite=Strict{secure}{age}", self.cookie);
        // Letters, digits and signs of our own.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// A form is sent by a page of ours: the browser says so, and no page of another can make it say so.
fn check_same_origin(request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_same = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let own = text("host").unwrap_or_default();
            origin.split_once("://").is_some_and(|(_, host)| host.eq_ignore_ascii_case(own))
        }
        (None, None) => false,
    };
    if is_same {
        return Ok(());
    }
    let text = "the form was not sent by a page of this console";
    let problem = Problem::new(ProblemKind::Forbidden, ProblemSource::Request, text);
    Err(problem.next("open the page here, and send it again"))
}

fn signed_out(text: &str) -> Problem {
    Problem::new(ProblemKind::Unauthenticated, ProblemSource::Request, text).next(
        "sign in by the link that the host prints when it starts, or with a token (`tokens add`)",
    )
}

fn no_method() -> Problem {
    let text = "pages are read by GET, and forms sent by POST";
    Problem::new(ProblemKind::Unsupported, ProblemSource::Request, text)
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
}

/// Headers that every answer has.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What somebody may see is for nobody in between.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
