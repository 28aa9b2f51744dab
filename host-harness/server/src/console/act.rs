//! Forms, and what they ask of the API.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse as _, Redirect, Response};
use connector_contract::hex;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tower_service::Service as _;

use super::Console;
use super::guard::Asker;
use crate::extract::{JSON, whole};
use crate::problem::{Problem, ProblemKind, ProblemSource};

/// Bytes of an answer of the API that are read.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;
const FORM: &str = "application/x-www-form-urlencoded";

/// A form as a browser sends it.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let wrong = |text: &str| Problem::invalid(text).with_status(StatusCode::BAD_REQUEST);
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with(FORM)) {
            return Err(wrong("this is no form"));
        }
        let bytes = whole(request.into_body()).await?;
        let read = serde_html_form::from_bytes(&bytes);
        read.map(Self).map_err(|why| wrong(&format!("the form cannot be read: {why}")))
    }
}

/// What is asked of the API.
pub struct Call<'c> {
    /// By which method.
    pub method: Method,
    /// Path and query, encoded.
    pub path: &'c str,
    /// A JSON document.
    pub body: Option<Value>,
    /// What makes a form happen once, however often it is sent.
    pub key: &'c str,
}

impl Console {
    /// Asks the API as whoever asks us; what it answers is JSON or nothing.
    ///
    /// # Errors
    /// What the API answers.
    pub async fn call(&self, asker: &Asker, call: Call<'_>) -> Result<Value, Problem> {
        let body = call.body.as_ref().map(|body| (JSON, Body::from(body.to_string())));
        self.send(asker, call, body).await
    }

    /// As [`Console::call`], with a body of this kind.
    ///
    /// # Errors
    /// What the API answers.
    pub async fn send(
        &self,
        asker: &Asker,
        call: Call<'_>,
        body: Option<(&str, Body)>,
    ) -> Result<Value, Problem> {
        let failed = |why: &dyn std::fmt::Display| {
            let text = format!("the API could not be asked: {why}");
            Problem::new(ProblemKind::Internal, ProblemSource::Host, text)
        };
        let Call { method, path, key, .. } = call;
        let mut request = Request::builder().method(method.clone()).uri(path);
        request = request.header(header::HOST, "localhost");
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", asker.bearer));
        if let Some((kind, _)) = &body {
            request = request.header(header::CONTENT_TYPE, *kind);
        }
        let body = body.map_or_else(Body::empty, |(_, body)| body);
        let mut request = request.body(body).map_err(|why| failed(&why))?;
        if !key.is_empty() && method != Method::GET {
            // Two forms of a page share its key, and are two writes.
            let key = hex(&Sha256::digest(format!("{key} {method} {path}")));
            if let Ok(key) = HeaderValue::try_from(format!("\"{key}\"")) {
                request.headers_mut().insert(HeaderName::from_static("idempotency-key"), key);
            }
        }
        let answer = self.api.clone().call(request).await.map_err(|never| failed(&never))?;
        let (head, body) = answer.into_parts();
        if let Some(problem) = head.extensions.get::<Problem>() {
            return Err(problem.clone());
        }
        let bytes = Limited::new(body, ANSWER_BYTES).collect().await;
        let bytes = bytes.map_err(|why| failed(&why))?.to_bytes();
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        let value: Value = serde_json::from_slice(&bytes).map_err(|why| failed(&why))?;
        if head.status.is_success() {
            return Ok(value);
        }
        let detail = value.get("detail").and_then(Value::as_str).unwrap_or("it was refused");
        Err(failed(&detail))
    }

    /// Goes on to a page, which says what became of an action.
    pub fn done(&self, asker: &Asker, to: &str, outcome: Result<String, Problem>) -> Response {
        if let Some(key) = &asker.session {
            match outcome {
                Ok(text) => self.callers.sessions.tell(key, true, &text),
                Err(problem) => self.callers.sessions.tell(key, false, &told(&problem)),
            }
        }
        back(to)
    }
}

/// A problem in a sentence or two.
pub fn told(problem: &Problem) -> String {
    match &problem.next {
        Some(next) => format!("{}. {next}", problem.detail),
        None => problem.detail.clone(),
    }
}

/// Goes to a page of this console; elsewhere nobody is sent.
pub fn back(to: &str) -> Response {
    let is_ours = to.starts_with('/') && !to.starts_with("//") && !to.contains('\\');
    let is_plain = to.bytes().all(|byte| byte.is_ascii_graphic());
    Redirect::to(if is_ours && is_plain { to } else { "/" }).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for (to, goes) in [
            ("/c/a?b=c", "/c/a?b=c"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/\\evil.example", "/"),
            ("", "/"),
            ("/a\r\nset-cookie: b", "/"),
        ] {
            assert_eq!(back(to).headers()[header::LOCATION], goes, "{to}");
        }
    }
}
