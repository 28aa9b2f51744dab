//! What the tests of objects share: a host with ready answers, and what was sent to it.

use crate::error::Error;
use crate::host::{FnHost, Request, Response, SendError};
use std::cell::RefCell;

/// The requests that were sent.
pub(crate) type Sent = RefCell<Vec<Request>>;

/// Answers each request with the next of these, and keeps the requests.
pub(crate) fn scripted<'a>(
    sent: &'a Sent,
    answers: &[(u16, &str)],
) -> FnHost<impl FnMut(Request) -> Result<Response, SendError> + use<'a>> {
    let answers: Vec<_> =
        answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
    let mut answers = answers.into_iter();
    FnHost::new(move |request| {
        let (status, body) =
            answers.next().unwrap_or_else(|| panic!("{} {}", request.method, request.url));
        sent.borrow_mut().push(request);
        Ok(Response::json(status, &body))
    })
}

/// Fails unless `text` is valid against a schema.
pub(crate) fn assert_valid(schema: &str, text: &str) {
    let schema = serde_json::from_str(&crate::schema::whole(schema)).unwrap();
    let value = serde_json::from_str(text).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&value), "{value}");
}

/// `data` inside AfterShip's envelope.
pub(crate) fn enveloped(data: &str) -> String {
    format!(r#"{{"meta":{{"code":200}},"data":{data}}}"#)
}

/// Method, path after the version with its query, and body of each request.
pub(crate) fn lines(sent: &Sent) -> Vec<String> {
    let line = |request: &Request| {
        let path = request.url.strip_prefix("https://api.aftership.com/tracking/2026-07").unwrap();
        let body = request.body.as_deref().map_or("", |body| std::str::from_utf8(body).unwrap());
        format!("{} {path} {body}", request.method).trim_end().to_owned()
    };
    sent.borrow().iter().map(line).collect()
}

/// The pointers of an invalid input.
pub(crate) fn pointers(error: &Error) -> Vec<&str> {
    let Error::InvalidInput { violations, .. } = error else { panic!("{error:?}") };
    violations.iter().map(|violation| violation.pointer.as_str()).collect()
}
