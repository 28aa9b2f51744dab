//! Secrets stand where they are declared, and nowhere else.

use std::sync::Arc;

use host_harness::runtime::{Connection, LoadError};
use host_harness::vault::Secret;

use super::{connection, fine};
use crate::support::wire::{Wire, answer};
use crate::support::{Watch, guest, guest_file, host_command, runtime};

/// A key that each place writes in another way.
const ODD: &str = "ca/n+ry&0123456789=\"x";

/// What a guest wishes for, and how the key then stands in the request: once, and as that place
/// wants it.
const PLACES: [(&str, &str); 7] = [
    ("declared", "x-key: ca/n+ry&0123456789=\"x\r\n"),
    ("declared in the query", "GET /query?a=b&key=ca%2Fn%2Bry%260123456789%3D%22x HTTP/1.1\r\n"),
    ("declared in the path", "GET /botca%2Fn+ry&0123456789=%22x/send HTTP/1.1\r\n"),
    ("declared in the form", "\r\n\r\na=b&key=ca%2Fn%2Bry%260123456789%3D%22x"),
    ("declared in the body", "\r\n\r\n{\"auth\":{\"key\":\"ca/n+ry&0123456789=\\\"x\"}}"),
    // `KEY:` and `me:KEY`.
    ("declared as user", "authorization: Basic Y2EvbityeSYwMTIzNDU2Nzg5PSJ4Og==\r\n"),
    ("declared as password", "authorization: Basic bWU6Y2EvbityeSYwMTIzNDU2Nzg5PSJ4\r\n"),
];

/// Parts of the key in every form above.
const PARTS: [&str; 3] = ["0123456789", "EvbityeSYwMTIzNDU2Nzg5", "Y2EvbityeSYwMTIzNDU2Nzg5"];

/// The host fills it in while sending; and whatever the provider sends back of it, neither the
/// connector nor whoever watches sees it.
#[tokio::test]
async fn a_key_stands_where_it_is_declared_and_nowhere_else() {
    let sends = guest(&runtime(), "sends").await;
    for (wish, expected) in PLACES {
        let watch = Arc::<Watch>::default();
        // A provider that quotes the whole request.
        let wire = Wire::new(|request| {
            let quoted = serde_json::json!({ "asked": request }).to_string();
            answer("200 OK", &quoted)
        });
        let sent = wire.sent();
        let connection = Connection::builder(&sends)
            .setting("base-url", "http://api.example.com")
            .allow_private()
            .secret("api-key", Secret::new(ODD))
            .network(Arc::new(wire))
            .observer(watch.clone())
            .build()
            .await
            .unwrap();
        let seen = connection.get("things", wish).await.unwrap().data;
        let sent = sent.lock().unwrap().concat();
        assert_eq!(sent.matches(expected).count(), 1, "{wish}: {sent}");
        assert!(seen.contains("asked") && seen.contains("[redacted]"), "{wish}: {seen}");
        let events = format!("{:?}", watch.events());
        assert!(!events.contains("a=b"), "{wish}: {events}");
        for part in PARTS {
            assert!(sent.matches(part).count() <= 1, "{wish}: {sent}");
            assert!(!seen.contains(part) && !events.contains(part), "{wish}: {seen} {events}");
        }
    }
}

/// What a user sees of requests holds no key either.
#[tokio::test(flavor = "multi_thread")]
async fn a_trace_and_a_log_hold_no_key() {
    let address = fine().listen(None).await;
    let base = format!("base-url=http://{address}");
    for (wish, _) in PLACES {
        let mut command = host_command();
        command.env("CONNECTOR_COMPONENT", guest_file("sends")).env("KEY", ODD);
        command.args(["--allow-private", "--secret-env", "api-key=KEY", "--setting", &base]);
        command.args(["--trace", "--verbose", "--log", "trace", "get", "things", wish]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(
            output.status.success() && said.contains("http.response.status_code=200"),
            "{wish}: {said}"
        );
        assert!(!said.contains("a=b"), "{wish}: {said}");
        assert!(PARTS.iter().all(|part| !said.contains(part)), "{wish}: {said}");
    }
}

#[tokio::test]
async fn a_secret_that_is_missing_is_no_fault_of_the_request() {
    let sends = guest(&runtime(), "sends").await;
    let wire = fine();
    let sent = wire.sent();
    let connection = connection(&sends, wire, &Arc::default()).await;
    let why = connection.get("things", "missing secret").await.unwrap_err().to_string();
    assert!(why.contains("NoSecret") && why.contains("never-given"), "{why}");
    assert!(sent.lock().unwrap().is_empty());
}

/// Only what the manifest says is taken out of an answer, and the connector is told its name.
#[tokio::test]
async fn what_is_captured_never_enters_the_connector() {
    let sends = guest(&runtime(), "sends").await;
    let body = r#"{"token":"tok-0123456789","next":"tok-0123456789","n":1.50}"#;
    let wire = Wire::new(move |_| answer("200 OK", body));
    let connection = connection(&sends, wire, &Arc::default()).await;
    let seen = connection.get("things", "captures").await.unwrap().data;
    assert_eq!(
        seen,
        r#"{"status":200,"captured":"access-token","body":{"token":null,"next":"[redacted]","n":1.50}}"#
    );
}

#[tokio::test]
async fn a_place_that_is_not_known_is_refused_as_a_whole() {
    let refused = runtime().load(&guest_file("place_other")).await.err().unwrap();
    assert!(
        matches!(&refused, LoadError::BadManifest { why, .. } if why.contains("xml:/envelope/key")),
        "{refused}"
    );
}

#[tokio::test]
async fn a_key_that_verifies_does_not_sign() {
    let sends = guest(&runtime(), "sends").await;
    let connection = connection(&sends, fine(), &Arc::default()).await;
    let denied =
        connection.get("things", "sign with a key that verifies").await.unwrap_err().to_string();
    assert!(denied.contains("denied"), "{denied}");
}
