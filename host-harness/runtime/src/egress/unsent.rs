//! A write as a dry run shows it.

use connector_contract::http::Request;
use connector_contract::permissions::Place;

use super::AdmittedRequest;

/// A request that was not sent because the call is a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsentRequest {
    /// Its name in the manifest.
    pub endpoint: String,
    /// Upper case.
    pub method: String,
    /// Absolute, with query.
    pub url: String,
    /// The connector's headers, then those that hold a secret, by the secret's name.
    pub headers: Vec<(String, String)>,
    /// The body as it would be sent, without secrets.
    pub body: Option<Vec<u8>>,
}

impl UnsentRequest {
    pub(super) fn new(request: &Request, admitted: &AdmittedRequest<'_>) -> Self {
        let mut headers = request.headers.clone();
        let uses = admitted.rule.uses.iter().filter(|one| request.secret_uses.contains(&one.name));
        headers.extend(uses.map(|one| {
            let secret = format!("[secret {}]", one.secret);
            let basic = |credentials| ("authorization".to_owned(), format!("Basic {credentials}"));
            match &one.place {
                Place::Header(place) => (place.name.clone(), format!("{}{secret}", place.prefix)),
                Place::BasicPassword(user) => basic(format!("{user}:{secret}")),
                Place::BasicUser(password) => basic(format!("{secret}:{password}")),
                Place::FormField(name) => (format!("form field {name}"), secret),
                Place::Query(name) => (format!("query parameter {name}"), secret),
                Place::Json(pointer) => (format!("JSON member {pointer}"), secret),
                Place::Path(before) => {
                    (format!("path segment {{{}}}", one.name), format!("{before}{secret}"))
                }
                Place::Other(name) => (name.clone(), secret),
            }
        }));
        let endpoint = &admitted.rule.endpoint;
        Self {
            endpoint: endpoint.name.clone(),
            method: endpoint.method.clone(),
            url: format!("{}{}", admitted.origin, admitted.path_with_query().as_str()),
            headers,
            body: request.body.clone(),
        }
    }
}
