//! What the tests of objects share: a host with ready answers, and what was sent to it.

use crate::AfterShip;
use connector_sdk::Connector as _;
use connector_sdk::cursor::Window;
use connector_sdk::{
    Attempt, DataRecord, Error, ErrorKind, FnHost, Host, Packed, Page, Request, Response,
    SendError, View, Written, WrittenRecord, json,
};
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
    FnHost::of::<AfterShip>(move |request| {
        let (status, body) = answers
            .next()
            .unwrap_or_else(|| panic!("{} {}", request.endpoint, request.path_with_query));
        sent.borrow_mut().push(request);
        Ok(Response::json(status, &body))
    })
}

/// Fails unless `text` is valid against a schema.
pub(crate) fn assert_valid(schema: Packed, text: &str) {
    let schema = serde_json::from_str(&whole(schema)).unwrap();
    let value = serde_json::from_str(text).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&value), "{value}");
}

/// `data` inside AfterShip's envelope.
pub(crate) fn enveloped(data: &str) -> String {
    format!(r#"{{"meta":{{"code":200}},"data":{data}}}"#)
}

/// Method, path after the version with its query, and body of each request, which fits the endpoint
/// that it names.
pub(crate) fn lines(sent: &Sent) -> Vec<String> {
    let endpoints = AfterShip::manifest().endpoints;
    let line = |request: &Request| {
        let named = endpoints.iter().find(|endpoint| endpoint.name == request.endpoint);
        let endpoint = named.unwrap_or_else(|| panic!("{}", request.endpoint));
        let asked = request.path_with_query.as_str();
        let segments = asked.split('?').next().unwrap().split('/');
        let fits = |(segment, known): (&str, &str)| known == "*" || segment == known;
        assert_eq!(segments.clone().count(), endpoint.path.split('/').count(), "{request:?}");
        assert!(segments.zip(endpoint.path.split('/')).all(fits), "{request:?}");
        for name in &request.secret_uses {
            assert!(endpoint.secret_uses.iter().any(|known| known == name), "{name}");
        }
        let path = asked.strip_prefix("/tracking/2026-07").unwrap();
        let body = request.body.as_deref().map_or("", |body| std::str::from_utf8(body).unwrap());
        format!("{} {path} {body}", endpoint.method).trim_end().to_owned()
    };
    sent.borrow().iter().map(line).collect()
}

/// One attempt at a write.
pub(crate) fn attempt(again: bool) -> Attempt {
    Attempt { key: "k".to_owned(), again }
}

/// One whole record.
pub(crate) fn get(host: &dyn Host, object: &str, id: &str) -> Result<DataRecord, Error> {
    AfterShip::get(host, object, id, &View::whole())
}

/// The first attempt at a create.
pub(crate) fn create(host: &dyn Host, object: &str, input: &str) -> Result<Written, Error> {
    AfterShip::create(host, object, input, &attempt(false))
}

/// An update of whatever version there is.
pub(crate) fn update(
    host: &dyn Host,
    object: &str,
    id: &str,
    patch: &str,
) -> Result<Written, Error> {
    AfterShip::update(host, object, id, patch, &attempt(false), None)
}

/// The first attempt at a delete.
pub(crate) fn delete(host: &dyn Host, object: &str, id: &str) -> Result<(), Error> {
    AfterShip::delete(host, object, id, &attempt(false), None)
}

/// The records of one derived object.
pub(crate) fn derive(object: &str, parents: &[DataRecord]) -> Result<Vec<Vec<DataRecord>>, Error> {
    AfterShip::derive(&[object.to_owned()], parents).map(|mut lists| lists.remove(0))
}

/// The change times that a page says to cover.
pub(crate) fn window(page: &Page) -> Option<Window> {
    let (_, text) = page.more.iter().find(|(name, _)| name == "window")?;
    let bound = |name| json::text_member(text, name);
    Some(Window { since: bound("since"), until: bound("until") })
}

/// The whole record that a write left behind.
pub(crate) fn whole_record(item: &WrittenRecord) -> &DataRecord {
    let WrittenRecord::Whole(record) = item else { panic!("{item:?}") };
    record
}

/// A schema with its parts filled in.
pub(crate) fn whole(schema: Packed) -> String {
    connector_sdk::schema::whole(schema, AfterShip::SCHEMA_PARTS)
}

/// How the kind of an error is called, and what it carries.
pub(crate) fn kind_name(error: &Error) -> String {
    format!("{:?}", error.kind).trim_start_matches("ErrorKind::").to_owned()
}

/// The pointers of an invalid input.
pub(crate) fn pointers(error: &Error) -> Vec<&str> {
    let Error { kind: ErrorKind::InvalidInput(violations), .. } = error else {
        panic!("{error:?}")
    };
    violations.iter().map(|violation| violation.pointer.as_str()).collect()
}
