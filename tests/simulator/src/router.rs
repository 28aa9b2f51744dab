//! From method and path to an endpoint. A further group of endpoints is one more table.

use crate::connections;
use crate::couriers;
use crate::errors::ApiError;
use crate::predictions;
use crate::query::Query;
use crate::scopes::Scope;
use crate::state::State;
use crate::text::percent_decode;
use crate::trackings;
use crate::webhooks::WebhookVersion as Version;

/// The oldest version that is still supported: a request to an older one is served by it. What a
/// version is served by stands in the header `as-api-version`.
///
/// Source: AfterShip API, versioning.
const OLDEST: Version = Version::V2025_07;

/// The tables of endpoints, one a group.
static TABLES: &[&[Endpoint]] =
    &[trackings::ENDPOINTS, couriers::ENDPOINTS, connections::ENDPOINTS, predictions::ENDPOINTS];

/// One operation of the API.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Requests in a second.
    pub(crate) limit: u32,
    /// What a key needs to use it.
    pub(crate) scope: Scope,
    /// The names of its query parameters.
    pub(crate) query: &'static [&'static str],
    /// The method and the path after the version; `:id` stands for one segment.
    pub(crate) name: &'static str,
    /// Performs it.
    pub(crate) run: fn(&mut Call<'_>) -> Result<Reply, ApiError>,
}

/// An operation, for the tables.
pub(crate) const fn endpoint(
    name: &'static str,
    limit: u32,
    scope: Scope,
    query: &'static [&'static str],
    run: fn(&mut Call<'_>) -> Result<Reply, ApiError>,
) -> Endpoint {
    Endpoint { name, limit, scope, query, run }
}

/// One request at its endpoint.
pub(crate) struct Call<'a> {
    /// What the simulator knows.
    pub(crate) state: &'a mut State,
    /// Now.
    pub(crate) now_ms: u64,
    /// The version that serves it.
    pub(crate) version: Version,
    /// The `{id}` of the path, decoded; empty where the path has none.
    pub(crate) id: &'a str,
    /// The query.
    pub(crate) query: Query,
    /// The body.
    pub(crate) body: &'a [u8],
}

/// A good answer.
pub(crate) struct Reply {
    /// HTTP status, and `meta.code`.
    pub(crate) status: u16,
    /// `data` as JSON text.
    pub(crate) data: String,
}

/// What a request is for.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) endpoint: &'static Endpoint,
    /// The `{id}` of the path, decoded.
    pub(crate) id: String,
    /// The version that serves it.
    pub(crate) version: Version,
}

/// What a method and a path are for; `None` where the URI is unknown.
pub(crate) fn route(method: &str, path: &str) -> Option<Found> {
    let (name, path) = path.strip_prefix("/tracking/")?.split_at_checked(7)?;
    let version = name.parse::<Version>().ok()?.max(OLDEST);
    let mut endpoints = TABLES.iter().flat_map(|table| table.iter());
    endpoints.find_map(|endpoint| {
        let (wanted, pattern) = endpoint.name.split_once(' ')?;
        let id = matched(pattern, path).filter(|_| wanted == method)?;
        Some(Found { endpoint, id, version })
    })
}

fn matched(pattern: &str, path: &str) -> Option<String> {
    let mut id = String::new();
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        let segment = segments.next()?;
        if wanted == ":id" {
            id = percent_decode(segment, false).filter(|id| !id.is_empty())?;
        } else if wanted != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_endpoints() {
        fn name(method: &str, path: &str) -> Option<(&'static str, String)> {
            route(method, path).map(|found| (found.endpoint.name, found.id))
        }
        let at = |name, id: &str| Some((name, id.to_owned()));
        let base = "/tracking/2026-07/trackings";
        assert_eq!(name("GET", base), at("GET /trackings", ""));
        assert_eq!(name("PUT", &format!("{base}/a%2Fb")), at("PUT /trackings/:id", "a/b"));
        assert_eq!(
            name("POST", &format!("{base}/x/retrack")),
            at("POST /trackings/:id/retrack", "x")
        );
        for (method, path) in [
            ("PATCH", base.to_owned()),
            ("GET", "/tracking/2026-07/couriers/detect".to_owned()),
            ("PUT", "/tracking/2026-07/courier-connections/x".to_owned()),
            ("GET", format!("{base}/")),
            ("GET", format!("{base}/x/retrack")),
            ("POST", format!("{base}/x/retrack/y")),
            ("GET", "/tracking/2025-10/trackings".to_owned()),
            ("GET", "/tracking/2027-01/trackings".to_owned()),
            ("GET", "/tracking/v4/trackings".to_owned()),
            ("GET", "/tracking/2026-07".to_owned()),
            ("GET", "/v4/trackings".to_owned()),
        ] {
            assert_eq!(name(method, &path), None, "{method} {path}");
        }
    }
}
