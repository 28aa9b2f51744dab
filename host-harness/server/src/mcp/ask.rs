//! Requests to the API of this process.

use axum::body::Body;
use axum::extract::Request;
use connector_state::views::ObjectView;
use http::{HeaderMap, HeaderValue, Method, header};
use http_body_util::{BodyExt as _, Limited};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tower_service::Service as _;

use super::{Answered, Mcp, Refused};
use crate::extract::JSON;
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// Bytes of an answer.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// A text as a segment of a path or a value of a query.
pub fn part(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Where the records of an object are.
pub fn records(connection: &str, object: &str) -> String {
    format!("/v1/connections/{}/objects/{}/records", part(connection), part(object))
}

impl Mcp {
    /// What the API answers to a `GET`, as it stands.
    pub(super) async fn ask(&self, caller: Option<&HeaderValue>, path: &str) -> Answered<String> {
        Ok(self.send(caller, Method::GET, path, None, HeaderMap::new()).await?.1)
    }

    /// Asks the API. Answers the headers and the text of a success.
    pub(super) async fn send(
        &self,
        caller: Option<&HeaderValue>,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: HeaderMap,
    ) -> Answered<(HeaderMap, String)> {
        let failed = |why: &dyn std::fmt::Display| {
            let text = format!("the API could not be asked: {why}");
            Problem::new(ProblemKind::Internal, ProblemSource::Host, text)
        };
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::HOST, &self.0.host);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, JSON);
        }
        let body = body.map_or_else(Body::empty, Body::from);
        let mut request = request.body(body).map_err(|why| failed(&why))?;
        request.headers_mut().extend(headers);
        if let Some(caller) = caller {
            request.headers_mut().insert(header::AUTHORIZATION, caller.clone());
        }
        let answer = self.0.router.clone().call(request).await.map_err(|never| failed(&never))?;
        let (head, body) = answer.into_parts();
        let bytes = Limited::new(body, ANSWER_BYTES).collect().await;
        let bytes = bytes.map_err(|why| failed(&why).next("ask for fewer"))?;
        let text = String::from_utf8_lossy(&bytes.to_bytes()).into_owned();
        if head.status.is_success() {
            return Ok((head.headers, text));
        }
        Err(Refused(text))
    }

    /// The object that is meant, and its view: without a name the first that has a number.
    pub(super) async fn object(&self, name: Option<&str>) -> Answered<(&str, &ObjectView)> {
        let view = self.0.app.view().await?;
        let mut all = view.iter().flat_map(|view| &view.objects);
        let found = match name {
            Some(name) => all.find(|(object, _)| *object == name),
            None => all.find(|(_, view)| view.number.is_some()),
        };
        let found = found.map(|(name, view)| (name.as_str(), view));
        found.ok_or_else(|| {
            let text = match name {
                Some(name) => format!("the connector says nothing of what is in \"{name}\""),
                None => "the connector does not say which object has a number".to_owned(),
            };
            Problem::not_found(text).next("describe_objects tells which there are").into()
        })
    }
}
