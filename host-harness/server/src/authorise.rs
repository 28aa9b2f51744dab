//! Who may do what: every route needs a scope, which stands beside it in the OpenAPI description and
//! nowhere else, and one middleware asks the [`Authorizer`] before the route sees the request.

use std::collections::HashMap;
use std::sync::Arc;

use aide::openapi::{OpenApi, ReferenceOr};
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use connector_runtime::egress::Pending;
use http::{HeaderMap, Method, StatusCode, header};
use tokio::sync::Semaphore;

use crate::audit::{Audit, target};
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// Seconds after which a host that has too much to do is worth another try.
const AGAIN: u64 = 1;

/// The extension of an operation that names its scope.
pub const EXTENSION: &str = "x-required-scope";

/// What a caller has to be allowed. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Nothing: it tells nothing of anybody.
    Open,
    /// To see connections, records, changes.
    Read,
    /// To write records, and to have things read or sent again.
    Write,
    /// To make, change and remove connections, secrets and forwards.
    Admin,
}

impl Scope {
    /// As it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    fn read(word: &str) -> Option<Self> {
        [Self::Open, Self::Read, Self::Write, Self::Admin].into_iter().find(|it| it.word() == word)
    }
}

/// What somebody asks to do.
#[derive(Debug)]
pub struct ApiCall<'c> {
    /// What follows `Bearer` in the header `Authorization`.
    pub token: Option<&'c str>,
    /// What it needs.
    pub scope: Scope,
    /// Name of the connection in the path; `None`: the route is of none, or of all.
    pub connection: Option<&'c str>,
    /// Its method.
    pub method: &'c Method,
    /// Its path as the description writes it.
    pub route: &'c str,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As the journal names them.
    pub name: Arc<str>,
}

/// Decides who may do what.
pub trait Authorizer: Send + Sync {
    /// Who asks, if they may; else why not: `unauthenticated` without a good token, `forbidden` where it
    /// does not reach so far.
    fn authorize<'c>(&'c self, call: &'c ApiCall<'c>) -> Pending<'c, Result<Caller, Problem>>;
}

/// Which scope each route needs, and who decides.
pub struct Gate {
    scopes: HashMap<(String, String), Scope>,
    authorizer: Arc<dyn Authorizer>,
    audit: Audit,
    /// Names by which the listener may be called; empty: any.
    hosts: Vec<String>,
    /// Requests that may be under way. Whether the host is well is told beside them.
    room: Semaphore,
}

impl Gate {
    /// The gate before the routes of a description. Without TLS, `hosts` are the names by which it may be
    /// called: a name of a stranger that leads here is how a web page reaches this machine (DNS rebinding).
    pub(crate) fn new(
        described: &OpenApi,
        authorizer: Arc<dyn Authorizer>,
        audit: Audit,
        hosts: Vec<String>,
        requests: usize,
    ) -> Self {
        let room = Semaphore::new(requests);
        Self { scopes: scopes(described), authorizer, audit, hosts, room }
    }

    /// As it is, with a route that needs nothing.
    pub(crate) fn open(mut self, method: &str, path: &str) -> Self {
        self.scopes.insert((method.to_owned(), path.to_owned()), Scope::Open);
        self
    }

    /// Whether the request comes of a program that means this host.
    fn check_origin(&self, request: &Request) -> Result<(), Problem> {
        let headers = request.headers();
        let refused =
            |text: &str| Problem::new(ProblemKind::Forbidden, ProblemSource::Request, text);
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let is_foreign =
            text("sec-fetch-site").is_some_and(|site| !matches!(site, "none" | "same-origin"));
        if headers.contains_key(header::ORIGIN) || is_foreign {
            return Err(refused("web pages may not call this")
                .next("call it from a server, without the header Origin"));
        }
        check_host(request, &self.hosts)
    }
}

/// Whether a request calls this host by one of its names; without any, whatever it calls it.
///
/// # Errors
/// Of a stranger's name.
pub(crate) fn check_host(request: &Request, hosts: &[String]) -> Result<(), Problem> {
    let headers = request.headers();
    if headers.get_all(header::HOST).iter().count() > 1 {
        return Err(Problem::invalid("the header Host is there more than once")
            .with_status(StatusCode::BAD_REQUEST));
    }
    let text = headers.get(header::HOST).map(|value| value.to_str().unwrap_or("?"));
    let host = request.uri().host().map(str::to_owned).or_else(|| text.map(name_of));
    let host = host.unwrap_or_default().to_ascii_lowercase();
    if hosts.is_empty() || hosts.contains(&host) {
        return Ok(());
    }
    let text = format!("this is not \"{host}\"");
    let problem = Problem::new(ProblemKind::Forbidden, ProblemSource::Request, text);
    Err(problem
        .with_status(StatusCode::MISDIRECTED_REQUEST)
        .next(format!("call it as {}", hosts.join(" or "))))
}

/// The name in a `Host` header, without its port.
fn name_of(host: &str) -> String {
    let end = match host.strip_prefix('[') {
        Some(rest) => rest.find(']').map(|at| at + 2),
        None => host.find(':'),
    };
    end.and_then(|end| host.get(..end)).unwrap_or(host).to_owned()
}

/// What a request was let through by. Answers that go on for long ask it again.
#[derive(Clone)]
pub(crate) struct Permit {
    gate: Arc<Gate>,
    token: Option<String>,
    scope: Scope,
    connection: Option<String>,
    method: Method,
    route: String,
}

impl Permit {
    /// Whether the request would be let through now. A state that cannot be asked ends nothing.
    pub async fn holds(&self) -> bool {
        let call = ApiCall {
            token: self.token.as_deref(),
            scope: self.scope,
            connection: self.connection.as_deref(),
            method: &self.method,
            route: &self.route,
        };
        let refused = self.gate.authorizer.authorize(&call).await.err();
        !refused.is_some_and(|problem| {
            matches!(problem.kind, ProblemKind::Unauthenticated | ProblemKind::Forbidden)
        })
    }
}

/// Scopes by method and path.
fn scopes(described: &OpenApi) -> HashMap<(String, String), Scope> {
    let mut scopes = HashMap::new();
    for (path, item) in described.paths.iter().flat_map(|paths| &paths.paths) {
        let ReferenceOr::Item(item) = item else { continue };
        for (method, operation) in item.iter() {
            let word = operation.extensions.get(EXTENSION).and_then(|word| word.as_str());
            if let Some(scope) = word.and_then(Scope::read) {
                scopes.insert((method.to_ascii_uppercase(), path.clone()), scope);
            }
        }
    }
    scopes
}

/// Lets through who may. A route without a scope is closed.
pub async fn authorise(
    State(gate): State<Arc<Gate>>,
    matched: Option<MatchedPath>,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Err(problem) = gate.check_origin(&request) {
        return problem.into_response();
    }
    let Some(matched) = matched else { return next.run(request).await };
    let method = match request.method() {
        &Method::HEAD => Method::GET,
        other => other.clone(),
    };
    let route = (method.as_str().to_owned(), matched.as_str().to_owned());
    let Some(scope) = gate.scopes.get(&route) else { return no_method(&gate, &route.1) };
    let parameters = match &parameters {
        Ok(parameters) => parameters,
        Err(why) => {
            let problem = Problem::invalid(format!("the path cannot be read: {}", why.body_text()));
            return problem.with_status(StatusCode::BAD_REQUEST).into_response();
        }
    };
    let connection = parameters.iter().find(|(key, _)| *key == "connection").map(|(_, name)| name);
    let token = match token(request.headers()) {
        Ok(token) => token.map(str::to_owned),
        Err(problem) => return problem.into_response(),
    };
    let call = ApiCall {
        token: token.as_deref(),
        scope: *scope,
        connection,
        method: &method,
        route: &route.1,
    };
    if *scope == Scope::Open {
        return next.run(request).await;
    }
    let Ok(_place) = gate.room.try_acquire() else {
        let text = "this host has as many requests under way as it takes";
        let problem = Problem::new(ProblemKind::Unavailable, ProblemSource::Host, text);
        return problem.retry_after(AGAIN).into_response();
    };
    let caller = match gate.authorizer.authorize(&call).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    request.extensions_mut().insert(Permit {
        gate: Arc::clone(&gate),
        token: token.clone(),
        scope: *scope,
        connection: connection.map(str::to_owned),
        method: method.clone(),
        route: route.1.clone(),
    });
    request.extensions_mut().insert(caller.clone());
    if *scope == Scope::Read {
        gate.audit.count_read(&caller).await;
        return next.run(request).await;
    }
    let done = gate.audit.write(&caller, &call, target(parameters), request, next).await;
    done.unwrap_or_else(Problem::into_response)
}

/// The token of a request.
///
/// # Errors
/// When there is more than one, or it is none of a bearer.
pub(crate) fn token(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (first, more) = (all.next(), all.next());
    let Some(value) = first else { return Ok(None) };
    let wrong = || {
        Problem::new(
            ProblemKind::Unauthenticated,
            ProblemSource::Request,
            "the header Authorization has to be one: Bearer TOKEN",
        )
    };
    let (scheme, token) =
        value.to_str().ok().and_then(|it| it.split_once(' ')).ok_or_else(wrong)?;
    if more.is_some() || !scheme.eq_ignore_ascii_case("bearer") || token.trim().is_empty() {
        return Err(wrong());
    }
    Ok(Some(token.trim()))
}

fn no_method(gate: &Gate, path: &str) -> Response {
    let mut allowed: Vec<&str> = gate
        .scopes
        .keys()
        .filter(|(_, of)| of == path)
        .map(|(method, _)| method.as_str())
        .collect();
    allowed.sort_unstable();
    let allowed = allowed.join(", ");
    let problem = Problem::new(
        ProblemKind::Unsupported,
        ProblemSource::Request,
        format!("{path} takes {allowed} alone"),
    );
    let problem = problem.with_status(StatusCode::METHOD_NOT_ALLOWED);
    ([(header::ALLOW, allowed)], problem).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_without_its_port() {
        for (host, name) in [
            ("localhost", "localhost"),
            ("127.0.0.1:8081", "127.0.0.1"),
            ("[::1]:8081", "[::1]"),
            ("[::1]", "[::1]"),
            ("[::1", "[::1"),
            ("a.example:", "a.example"),
        ] {
            assert_eq!(name_of(host), name);
        }
    }

    #[test]
    fn a_token_is_one_and_a_bearers() {
        let with = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().unwrap());
            }
            token(&headers).map(|token| token.map(str::to_owned)).map_err(|problem| problem.status)
        };
        assert_eq!(with(&[]), Ok(None));
        assert_eq!(with(&["bearer  abc "]), Ok(Some("abc".to_owned())));
        for wrong in [&["Basic abc"][..], &["Bearer "], &["abc"], &["Bearer a", "Bearer a"]] {
            assert_eq!(with(wrong), Err(401), "{wrong:?}");
        }
    }
}
