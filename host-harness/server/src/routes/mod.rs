//! The routes, one file for each kind of thing.

mod changes;
mod connect;
pub(crate) mod connections;
mod connectors;
pub(crate) mod deliveries;
mod figures;
mod forwards;
mod health;
pub(crate) mod push_items;
pub(crate) mod pushes;
pub(crate) mod records;
mod status;
mod sync;
pub(crate) mod troubles;
mod writes;

use aide::OperationOutput;
use aide::axum::ApiRouter;
use aide::generate::GenContext;
use aide::openapi::{OpenApi, Operation, Response as Described};
use axum::Router;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::describe::blank;
use crate::problem::Problem;

/// Items of a page at most.
const MOST: u32 = 1_000;
/// Bytes of a name.
const LONGEST_NAME: usize = 100;
/// What is encoded in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The routes, and their description.
pub(crate) fn router() -> (Router<App>, OpenApi) {
    aide::generate::reset_context();
    aide::generate::extract_schemas(true);
    aide::generate::infer_responses(true);
    let mut described = blank();
    let router = ApiRouter::new()
        .merge(health::routes())
        .merge(connections::routes())
        .merge(connect::routes())
        .merge(connectors::routes())
        .merge(figures::routes())
        .merge(writes::routes())
        .merge(pushes::routes())
        .merge(push_items::routes())
        .merge(troubles::routes())
        .merge(sync::routes())
        .merge(changes::routes())
        .merge(deliveries::routes())
        .merge(forwards::routes())
        .merge(status::routes())
        .merge(crate::metrics::routes())
        .merge(crate::mcp::routes())
        .finish_api(&mut described);
    crate::typed::narrow(&mut described);
    (router, described)
}

/// The OpenAPI description, as it is served.
#[must_use]
pub fn description() -> OpenApi {
    router().1
}

/// Some items of a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Where it goes on, as `cursor`; null: that was the last of it.
    pub next: Option<String>,
}

/// It is done, and there is nothing to say of it.
#[derive(Debug)]
pub(crate) struct Nothing;

impl IntoResponse for Nothing {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl OperationOutput for Nothing {
    type Inner = ();

    fn operation_response(_: &mut GenContext, _: &mut Operation) -> Option<Described> {
        Some(Described { description: "Done.".to_owned(), ..Described::default() })
    }

    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, Described)> {
        Self::operation_response(ctx, operation).map(|one| (Some(204), one)).into_iter().collect()
    }
}

/// The limit of a list.
///
/// # Errors
/// [`Problem`] when it is none.
pub(crate) fn limited(given: Option<u32>, usual: u32) -> Result<usize, Problem> {
    match given.unwrap_or(usual) {
        limit @ 1..=MOST => Ok(limit as usize),
        _ => Err(Problem::invalid(format!("limit is 1 to {MOST}"))),
    }
}

/// A name as a segment of a path.
pub(crate) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

/// Scheme, host and port of a URL.
pub(crate) fn without_path(url: &str) -> String {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(begin..).and_then(|rest| rest.find('/')).map(|at| begin + at);
    end.and_then(|end| url.get(..end)).unwrap_or(url).to_owned()
}

/// Whether it may be the name of a connection, a consumer or a forward.
///
/// # Errors
/// [`Problem`] when it may not.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), Problem> {
    let odd = name.chars().any(|c| c.is_control() || c.is_whitespace());
    if name.is_empty() || name.len() > LONGEST_NAME || odd {
        let text = format!("a {what}'s name has 1 to {LONGEST_NAME} bytes and no white space");
        return Err(Problem::invalid(text));
    }
    Ok(())
}
