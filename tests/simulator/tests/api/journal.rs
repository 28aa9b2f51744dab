//! The journal.

use std::io::Write;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use crate::client::{Client, NOON, TRACKINGS};

#[tokio::test]
async fn every_request_is_kept_without_its_key() {
    let client = Client::new();
    let request = Request::post(format!("{TRACKINGS}?a=%2B"))
        .header("AS-Api-Key", "wrong-secret")
        .header("Aftership-Api-Key", "old-secret")
        .header("User-Agent", "t");
    client.raw(request.body(Bytes::from("{\"x\":1}")).unwrap()).await;
    client.clock.advance(5);
    let answer = client.list("limit=1").await;

    let journal = client.simulator.journal();
    assert_eq!(journal.len(), 2);
    let first = &journal[0];
    assert_eq!((first.seq, first.at_ms, first.status), (1, NOON, Some(401)));
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", TRACKINGS));
    assert_eq!((first.query.as_deref(), first.body.as_str()), (Some("a=%2B"), "{\"x\":1}"));
    assert_eq!(first.header("as-api-key"), Some("invalid"));
    assert_eq!(first.header("aftership-api-key"), Some("present"));
    assert_eq!(first.header("user-agent"), Some("t"));
    let second = &journal[1];
    assert_eq!((second.seq, second.at_ms, second.status), (2, NOON + 5, Some(200)));
    assert_eq!(second.header("as-api-key"), Some("valid"));
    assert_eq!(second.bytes_out, answer.text.len() as u64);
    assert!(!format!("{journal:?}").contains("secret"));

    client.simulator.clear_journal();
    client.list("").await;
    assert_eq!(client.simulator.with_journal(|entries| entries.next().unwrap().seq), 3);
}

#[tokio::test]
async fn a_journal_is_written_line_by_line() {
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let client = Client::new();
    let sink = Sink::default();
    client.simulator.write_journal_to(sink.clone());
    client.list("").await;
    client.create("{\n}").await;
    let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[1]["method"], &lines[1]["status"]), (&"POST".into(), &400.into()));
    assert_eq!(lines[1]["body"], "{\n}");
}
