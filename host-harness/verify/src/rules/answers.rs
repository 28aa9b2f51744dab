//! Answers that no provider should give, and those that say what to do.

use std::sync::Arc;

use connector_contract::records::ListRequest;
use connector_contract::types::ErrorKind;
use connector_runtime::CallError;

use crate::report::Report;
use crate::session::{Object, Session};
use crate::tap::Fault;

const RULE: &str = "answers";

/// A kind that must come of an answer.
type Kind = fn(&ErrorKind) -> bool;

/// Answers to a read: status, body, and the kind that must come of it. None: any error.
fn to_reads() -> Vec<(&'static str, u16, String, Option<Kind>)> {
    let deep = "[".repeat(100_000);
    vec![
        ("nothing", 200, String::new(), None),
        ("a page of HTML", 200, "<html><body>Maintenance</body></html>".to_owned(), None),
        ("half a JSON text", 200, "{\"data\":{\"items\":[{\"id\":\"1\",".to_owned(), None),
        ("a hundred thousand brackets", 200, deep, None),
        ("bytes that are no UTF-8 text", 200, "\u{fffd}\u{0}\u{fffd}".to_owned(), None),
        (
            "401",
            401,
            "{}".to_owned(), // What stands in between may answer it too, of which the body says nothing.
            Some(|it| matches!(it, ErrorKind::Unauthenticated | ErrorKind::Unavailable)),
        ),
        (
            "429",
            429,
            "{}".to_owned(),
            Some(|it| matches!(it, ErrorKind::RateLimited(_) | ErrorKind::QuotaExhausted(_))),
        ),
        ("503", 503, "<html/>".to_owned(), Some(|it| *it == ErrorKind::Unavailable)),
    ]
}

/// Tries each on each object.
pub async fn hostile(session: &Session, report: &mut Report) {
    for object in session.listed().filter(|it| it.descriptor.derived_from.is_none()) {
        for (what, status, body, expected) in to_reads() {
            let shown = format!("{}: list, answered {what}", object.name());
            let answer = raw(status, &body);
            let listed = list(session, object, answer).await;
            judge(report, &shown, listed, expected);
        }
        odd_types(session, object, report).await;
        report.tried(RULE, format!("{}: {} answers to list", object.name(), to_reads().len() + 4));
    }
    for object in session.objects.iter().filter(|it| it.offers("create")) {
        let Some(sample) = &object.sample else { continue };
        let before = session.tap.requests();
        if session.connection.create(object.name(), &session.input(sample)).await.is_err() {
            continue;
        }
        let write = session.tap.requests() - before;
        for (what, status, body) in [
            ("nothing", 200, ""),
            ("a page of HTML", 200, "<html/>"),
            ("half a JSON text", 201, "{\"id\":"),
        ] {
            let shown = format!("{}: create, answered {what}", object.name());
            let Ok(connection) = session.fresh().await else { continue };
            session.tap.set(Fault::Instead(raw(status, body)), Some(write));
            let made = connection.create(object.name(), &session.input(sample)).await;
            session.tap.set(Fault::None, None);
            judge(report, &shown, made.map(drop), Some(|it| *it == ErrorKind::OutcomeUnknown));
        }
        report.tried(RULE, format!("{}: 3 answers to create", object.name()));
    }
}

/// JSON of other types than expected may be empty to a connector; it must not stop it.
async fn odd_types(session: &Session, object: &Object, report: &mut Report) {
    for body in ["null", "[]", "7", "{\"data\":7,\"items\":null,\"errors\":{}}"] {
        let listed = list(session, object, raw(200, body)).await;
        if let Err(why @ CallError::Stopped { .. }) = &listed {
            report.failed(RULE, &format!("{}: list, answered {body}", object.name()), why);
        }
    }
}

/// By a connection of its own: one that has failed several times is spared for a while.
async fn list(session: &Session, object: &Object, answer: Arc<[u8]>) -> Result<(), CallError> {
    let Ok(connection) = session.fresh().await else { return Ok(()) };
    session.tap.set(Fault::Instead(answer), None);
    let listed = connection.list(&ListRequest::all(object.name())).await;
    session.tap.set(Fault::None, None);
    listed.map(drop)
}

fn judge(report: &mut Report, shown: &str, ended: Result<(), CallError>, expected: Option<Kind>) {
    match ended {
        Ok(()) => report.fault(RULE, format!("{shown}: taken for a success")),
        Err(CallError::Connector(why)) if expected.is_some_and(|fits| !fits(&why.kind)) => {
            report.fault(RULE, format!("{shown}: it ends as {:?}", why.kind));
        }
        Err(CallError::Connector(_) | CallError::TooLarge | CallError::Paused(_)) => {}
        Err(why) => report.failed(RULE, shown, &why),
    }
}

fn raw(status: u16, body: &str) -> Arc<[u8]> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Odd\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat().into()
}
