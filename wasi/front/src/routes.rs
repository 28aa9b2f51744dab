//! What may be asked.

use crate::bindings::connector::api::records::{self, ListRequest, Start, View};
use crate::bindings::connector::api::types::{Attempt, Error};
use crate::bindings::connector::api::{actions, catalog};
use crate::bindings::connector::wasi::calls;
use crate::bindings::wasi::random::random;
use crate::http::{Reply, Request, not_allowed, unquoted};
use crate::problem::{Kind, Problem, Source};
use crate::{deliveries, json, settings};

/// Answers a request.
///
/// # Errors
/// A problem, which is an answer too.
pub fn answer(request: &Request) -> Result<Reply, Problem> {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["healthz"] => {
            let unusable = |why| Problem::new(Kind::Internal, Source::Host, why);
            calls::check().map_err(unusable)?;
            return Ok(Reply::empty(204));
        }
        // Whoever delivers has no token: its signature is judged.
        ["hooks"] => return deliveries::receive(request),
        _ => {}
    }
    authorize(request)?;
    calls::begin();
    let ["v1", "objects", rest @ ..] = path.as_slice() else { return Err(no_route()) };
    match (request.method.as_str(), rest) {
        ("GET", []) => Ok(Reply::json(200, json::manifest(&catalog::get_manifest()))),
        ("GET", [object]) => {
            let described = catalog::describe(object).map_err(failed)?;
            Ok(Reply::json(200, json::descriptor(&described)))
        }
        (method, [object, "records"]) => records_of(method, object, request),
        (method, [object, "records", id]) => record(method, object, id, request),
        ("POST", [object, "actions", action]) => invoke(object, action, None, request),
        ("POST", [object, "records", id, "actions", action]) => {
            invoke(object, action, Some(*id), request)
        }
        (method, [] | [_] | [_, "actions", _] | [_, "records", _, "actions", _]) => {
            Err(not_allowed(method))
        }
        _ => Err(no_route()),
    }
}

fn records_of(method: &str, object: &str, request: &Request) -> Result<Reply, Problem> {
    match method {
        "GET" => {
            let asked = listed(object, request)?;
            let page = records::list(&asked).map_err(failed)?;
            Ok(Reply::json(200, json::page(&page)))
        }
        "POST" => {
            let made = records::create(object, request.text()?, &attempt(request));
            let made = made.map_err(failed)?;
            Ok(Reply::json(201, json::written(&made.item)))
        }
        other => Err(not_allowed(other)),
    }
}

fn record(method: &str, object: &str, id: &str, request: &Request) -> Result<Reply, Problem> {
    let expected = request.header("if-match").map(unquoted);
    let is_expected = expected.is_some();
    let failed = |error| Problem::of_call(error, is_expected);
    let attempt = attempt(request);
    match method {
        "GET" => {
            let found = records::get(object, id, &view(request)).map_err(failed)?;
            Ok(Reply::json(200, json::record(&found)))
        }
        "PATCH" => {
            let text = request.text()?;
            let written = records::update(object, id, text, &attempt, expected);
            Ok(Reply::json(200, json::written(&written.map_err(failed)?.item)))
        }
        "DELETE" => {
            records::delete(object, id, &attempt, expected).map_err(failed)?;
            Ok(Reply::empty(204))
        }
        other => Err(not_allowed(other)),
    }
}

fn invoke(
    object: &str,
    action: &str,
    id: Option<&str>,
    request: &Request,
) -> Result<Reply, Problem> {
    let input = match request.text()? {
        "" => "{}",
        text => text,
    };
    let outcome = actions::invoke(&actions::Invocation {
        object: object.to_owned(),
        action: action.to_owned(),
        id: id.map(str::to_owned),
        input: input.to_owned(),
        attempt: attempt(request),
    });
    let outcome = outcome.map_err(failed)?;
    let changed = json::list(&outcome.written, json::changed);
    let output = outcome.output;
    Ok(Reply::json(200, format!("{{\"output\":{output},\"changed\":[{changed}]}}")))
}

fn listed(object: &str, request: &Request) -> Result<ListRequest, Problem> {
    let start = match (request.parameter("cursor"), request.parameter("since")) {
        (Some(_), Some(_)) => {
            return Err(Problem::of_request(400, "a cursor or since, and not both"));
        }
        (Some(cursor), None) => Start::At(cursor.to_owned()),
        (None, Some(bookmark)) => Start::Since(bookmark.to_owned()),
        (None, None) => Start::Beginning,
    };
    let limit = request.parameter("limit").map(str::parse).transpose();
    Ok(ListRequest {
        object: object.to_owned(),
        start,
        page_size: limit.map_err(|_| Problem::of_request(400, "limit is no number"))?,
        filter: request.parameter("filter").map(str::to_owned),
        view: view(request),
    })
}

fn view(request: &Request) -> View {
    let fields = request.parameter("fields").into_iter().flat_map(|it| it.split(','));
    View {
        fields: fields.map(str::to_owned).collect(),
        options: request.parameter("options").map(str::to_owned),
    }
}

/// The caller names the change, and says whether it was tried before; nothing is kept here by which that could be
/// known.
fn attempt(request: &Request) -> Attempt {
    let key = request.header("idempotency-key").map(str::to_owned);
    let random = || format!("{:016x}{:016x}", random::get_random_u64(), random::get_random_u64());
    let again = request.header("attempt-again") == Some("true");
    Attempt { key: key.unwrap_or_else(random), again }
}

/// Who reaches this uses the account, so nobody may without the token that the operator set.
fn authorize(request: &Request) -> Result<(), Problem> {
    let Some(token) = settings::read("front.token")? else {
        let detail = "nobody may call this yet: set front.token in the configuration, and send it as a bearer token";
        return Err(Problem::new(Kind::Unavailable, Source::Host, detail));
    };
    let given = request.header("authorization").and_then(|it| it.strip_prefix("Bearer "));
    match given.is_some_and(|given| connector_policy::same(given.as_bytes(), token.as_bytes())) {
        true => Ok(()),
        false => {
            let detail = "the bearer token is missing, or another one";
            Err(Problem::new(Kind::Unauthenticated, Source::Request, detail))
        }
    }
}

fn failed(error: Error) -> Problem {
    Problem::of_call(error, false)
}

fn no_route() -> Problem {
    Problem::new(Kind::NotFound, Source::Request, "there is no such path; docs/wasi.md lists them")
}
