//! Links by which a customer connects in a browser.

use std::collections::BTreeMap;

use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use connector_runtime::Tokens;
use connector_runtime::secrets::Secret;
use connector_service::connect::{LinkError, LinkRequest};
use connector_service::documents::date;
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::connections::OfConnection;
use super::{App, check_name};
use crate::authorise::{Caller, Scope};
use crate::describe::told;
use crate::extract::{Json, Path};
use crate::problem::{Problem, ProblemKind, ProblemSource};

pub fn routes() -> ApiRouter<App> {
    ApiRouter::new().api_route(
        "/v1/connections/{connection}/connect",
        post_with(offer, |operation| {
            let summary = "Make a link by which a customer connects it in a browser";
            let operation = told("connectConnection", Scope::Admin, summary)(operation);
            operation.response::<201, Json<LinkDocument>>()
        }),
    )
}

/// What a link is for.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NewLink {
    /// Name of the connector, where the caller wants to be sure of it.
    connector: Option<String>,
    /// Authentication scheme [default: the connection's, else the connector's first].
    scheme: Option<String>,
    /// Settings of a new connection; of one that is there, as it has them.
    settings: BTreeMap<String, String>,
    /// Secrets that you give and the customer does not, such as an app's; they are sealed, and never shown.
    secrets: BTreeMap<String, String>,
    /// Scopes to ask for [default: all that the connector knows].
    scopes: Vec<String>,
    /// What the page calls you.
    label: Option<String>,
    /// Where the browser goes at the end, with `connection` and `result` (`connected`, `denied`, `failed`) in
    /// its query. Its origin has to be one of `serve --connect-return` [default: a page says how it went].
    return_to: Option<String>,
}

/// A link.
#[derive(Debug, Serialize, JsonSchema)]
struct LinkDocument {
    /// The address for the customer's browser. Whoever has it may connect, once.
    url: String,
    /// Until when it is good.
    expires_at: String,
}

async fn offer(
    State(app): State<App>,
    Path(path): Path<OfConnection>,
    caller: Option<Extension<Caller>>,
    Json(new): Json<NewLink>,
) -> Result<Response, Problem> {
    check_name("connection", &path.connection)?;
    let Some(links) = &app.surroundings.links else {
        let text = "this host has no address that a customer's browser could go to";
        return Err(Problem::new(ProblemKind::Unsupported, ProblemSource::Host, text).next(
            "serve --public-url https://…, with --tls-cert, on a loopback address, or with --trusted-proxy",
        ));
    };
    let NewLink { connector, scheme, settings, secrets, scopes, label, return_to } = new;
    let own = app.connector.manifest().name.as_str();
    if let Some(connector) = connector.filter(|connector| connector != own) {
        return Err(Problem::unknown("connector", &connector, &[own]).of_input());
    }
    let secret = |(name, value): (String, String)| (name, Secret::new(value));
    let secrets: Tokens = secrets.into_iter().map(secret).collect();
    let caller = caller.map(|Extension(caller)| caller.name.to_string()).unwrap_or_default();
    let request = LinkRequest {
        name: path.connection,
        scheme,
        settings,
        secrets,
        scopes,
        label,
        return_to,
        caller,
    };
    let made = links.offer(request).await.map_err(problem)?;
    let document = LinkDocument { url: made.url, expires_at: date(made.expires_ms) };
    Ok((StatusCode::CREATED, Json(document)).into_response())
}

fn problem(why: LinkError) -> Problem {
    match why {
        LinkError::Invalid(text) => Problem::invalid(text),
        LinkError::Conflict(text) => {
            Problem::new(ProblemKind::Conflict, ProblemSource::Request, text)
        }
        LinkError::Build(why) => why.into(),
        LinkError::Vault(why) => why.into(),
        LinkError::Store(why) => why.into(),
        LinkError::Seal(why) => connector_service::vault::VaultError::from(why).into(),
    }
}
