//! The real component, against a provider that repeats the key wherever it can.

use std::sync::Arc;

use host_harness::contract::actions::Invocation;
use host_harness::contract::batches;
use host_harness::contract::records::{ListRequest, Start};
use host_harness::contract::types::Attempt;
use host_harness::retry::{Policy, first_attempt};
use host_harness::runtime::Connection;
use host_harness::vault::{Secret, Secrets};
use serde_json::Value;

use super::assert_only_in;
use super::canary::{CANARY, Seen, forms_in_headers, forms_in_json};
use crate::support::wire::Wire;
use crate::support::world::list;
use crate::support::{Watch, component, runtime};

const ID: &str = "0b02015fc7fd4f3c8d5490cece4d124d";
const WISH: &str = r#"{"tracking_number":"1Z12345E0205271688","slug":"ups"}"#;

/// An answer with this status whose headers hold `echo`.
fn answer(status: u16, echo: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Some words\r\ncontent-type: application/json\r\nas-trace-id: {echo}\r\n\
         x-echo: {echo}\r\nas-api-version: {echo}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What a provider answers that lets `echo` stand in every text of a record, of the paging
/// and of an error.
fn body(status: u16, echo: &str, is_list: bool) -> String {
    let record = format!(
        r#"{{"id":"{echo}","tracking_number":"a {echo} b","slug":"ups","title":"{echo}{echo}","{echo}":["{echo}",1.10]}}"#
    );
    if status >= 400 {
        return format!(
            r#"{{"meta":{{"code":{status},"message":"bad key {echo}","type":"{echo}","errors":[{{"path":"{echo}","info":"{echo}"}}]}},"data":{record}}}"#
        );
    }
    let data = match is_list {
        true => format!(
            r#"{{"pagination":{{"total":9,"next_cursor":"{echo}","has_next_page":true}},"trackings":[{record},{{"title":"{echo}"}}]}}"#
        ),
        false => record,
    };
    format!(r#"{{"meta":{{"code":200}},"data":{data}}}"#)
}

struct Echo {
    connection: Connection,
    watch: Arc<Watch>,
    sent: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Echo {
    /// The connection with calls that are made once.
    fn once(&self) -> Connection {
        self.connection.clone().with_policy(Policy::once())
    }
}

/// A connection whose provider answers `status`, with `echo` everywhere.
async fn provider(status: u16, header: String, echo: String) -> Echo {
    let wire = Wire::new(move |request| {
        let is_list = request.starts_with("GET ") && request.contains("/trackings?");
        answer(status, &header, &body(status, &echo, is_list))
    });
    let (sent, watch) = (wire.sent(), Arc::<Watch>::default());
    let connector = runtime().load(&component()).await.unwrap();
    let connection = Connection::builder(&connector)
        .secret("api-key", Secret::new(CANARY))
        .setting("base-url", "http://api.echoing")
        .allow_private()
        .network(Arc::new(wire))
        .observer(watch.clone())
        .build()
        .await
        .unwrap();
    let policy = Policy::default().seed(7);
    Echo { connection: connection.with_policy(policy), watch, sent }
}

/// Every operation; what came of it, to be searched.
async fn everything(echo: &Echo, seen: &mut Seen) -> Vec<String> {
    let connection = echo.once();
    let mut records = Vec::new();
    match connection.list(&list(None, None)).await {
        Ok(page) => {
            seen.add_debug("a page", &page);
            // A cursor is text in an encoding of the connector's own; what it leads to is seen.
            let start = Start::At(page.next.clone().unwrap());
            seen.add_debug(
                "page 2",
                &connection.list(&ListRequest { start, ..list(None, None) }).await,
            );
            records.extend(page.records.into_iter().map(|record| record.data));
            records.extend(page.unreadable.into_iter().map(|item| item.raw));
        }
        Err(why) => seen.add("an error", format!("{why} {why:?}")),
    }
    match connection.get("trackings", ID).await {
        Ok(record) => records.push(record.data),
        Err(why) => seen.add("an error", format!("{why} {why:?}")),
    }
    seen.add_debug("find", &connection.find("trackings", WISH).await);
    seen.add_debug("create", &connection.create("trackings", WISH).await);
    seen.add_debug("update", &connection.update("trackings", ID, r#"{"note":"n"}"#).await);
    seen.add_debug("delete", &connection.delete("trackings", ID).await);
    for (action, input) in [("retrack", "{}"), ("mark-as-completed", r#"{"reason":"LOST"}"#)] {
        let invocation = Invocation {
            object: "trackings".to_owned(),
            action: action.to_owned(),
            id: Some(ID.to_owned()),
            input: input.to_owned(),
            attempt: Attempt { again: true, ..first_attempt().unwrap() },
        };
        seen.add_debug(action, &echo.connection.invoke(&invocation).await);
        seen.add_debug(action, &connection.plan_action(&invocation).await);
    }
    seen.add_debug("check", &connection.check("trackings").await);
    let create = batches::Operation::Create(WISH.to_owned());
    seen.add_debug("a plan", &connection.plan("trackings", &create).await);
    seen.add_debug("repeated create", &echo.connection.create("trackings", WISH).await.is_ok());
    records.iter().for_each(|record| seen.add("a record", record.clone()));
    seen.add_debug("events", &echo.watch.events());
    records
}

/// In records, ids, cursors, members' names, request ids, messages, plans and events.
#[tokio::test(start_paused = true)]
async fn a_key_that_the_provider_repeats_comes_back_nowhere() {
    let headers = forms_in_headers();
    let forms = forms_in_json();
    for (number, form) in forms.iter().enumerate() {
        let header = headers[number % headers.len()].clone();
        for status in [200, [400, 401, 403, 404, 409, 429, 500][number % 7]] {
            let echo = provider(status, header.clone(), form.clone()).await;
            let mut seen = Seen::default();
            let records = everything(&echo, &mut seen).await;
            seen.assert_clean();
            assert!(seen.redactions() > 0, "{status} {form}: the answers did not repeat the key");
            assert_eq!(records.is_empty(), status != 200);
            for record in records {
                let whole: Result<Value, _> = serde_json::from_str(&record);
                assert!(whole.is_ok(), "{form} left no JSON: {record}");
            }
            let sent = echo.sent.lock().unwrap();
            assert!(sent.len() >= 8, "{status}: {} requests", sent.len());
            sent.iter().for_each(|request| assert_only_in(request, "as-api-key"));
        }
    }
}

/// A string that holds the key among other text loses the key and nothing else.
#[tokio::test(start_paused = true)]
async fn scrubbing_leaves_the_rest_of_a_record_as_it_was() {
    for form in forms_in_json() {
        let echo = provider(200, "trace".to_owned(), form.clone()).await;
        let record = echo.once().get("trackings", ID).await.unwrap();
        assert_eq!(
            record.data,
            r#"{"id":"[redacted]","tracking_number":"a [redacted] b","slug":"ups","title":"[redacted][redacted]","[redacted]":["[redacted]",1.10]}"#,
            "{form}"
        );
    }
}

/// An embedder rotates a key: the next call of a connection that was made before sends the new one.
#[tokio::test(start_paused = true)]
async fn a_rotated_secret_is_used_by_the_next_call() {
    let wire = Wire::new(|_| crate::support::wire::answer("200 OK", "{}"));
    let (sent, secrets) = (wire.sent(), Arc::<Secrets>::default());
    secrets.set("api-key", Secret::new("canary-before"));
    let connection = Connection::builder(&runtime().load(&component()).await.unwrap())
        .setting("base-url", "http://api.example.com")
        .allow_private()
        .secrets(Arc::clone(&secrets))
        .network(Arc::new(wire))
        .policy(Policy::once())
        .build()
        .await
        .unwrap();
    connection.get("trackings", ID).await.unwrap_err();
    secrets.succeed("api-key", Secret::new("canary-after"));
    connection.get("trackings", ID).await.unwrap_err();
    let keys = ["canary-before", "canary-after"];
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 2);
    for (request, key) in sent.iter().zip(keys) {
        assert!(keys.iter().all(|it| request.contains(it) == (*it == key)), "{request}");
    }
    let live = secrets.live("api-key", 0);
    let live: Vec<&[u8]> = live.iter().map(Secret::expose).collect();
    assert_eq!(live, [&b"canary-after"[..], b"canary-before"], "the one before overlaps");
}
