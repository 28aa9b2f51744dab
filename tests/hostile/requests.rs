//! Requests that the manifest does not allow.

use std::sync::Arc;

use host_harness::contract::batches;
use host_harness::contract::subscriptions::{Delivery, Refusal};
use host_harness::contract::types::DataRecord;
use host_harness::retry::first_attempt;
use host_harness::runtime::{CallError, Connection};
use host_harness::vault::Secret;

use super::{KEY, connection, fine};
use crate::support::wire::Wire;
use crate::support::{guest, runtime};

/// Everything that the manifest does not declare is refused before a byte is sent.
#[tokio::test]
async fn what_is_not_declared_is_never_sent() {
    let runtime = runtime();
    let sends = guest(&runtime, "sends").await;
    for wish in [
        "undeclared endpoint",
        "another endpoint's path",
        "another endpoint's secret",
        "undeclared secret use",
        "another host",
        "another host by slashes",
        "another host by a user",
        "a way out of the path",
        "own key header",
        "own key parameter",
        "own key segment",
        "place of a key without the key",
        "own key field",
        "own key field as text",
        "own key member",
        "own key member twice",
        "own credentials",
        "own user",
        "own password beside the key",
        "own host",
        "origin without a value",
    ] {
        let wire = fine();
        let sent = wire.sent();
        let connection = connection(&sends, wire, &Arc::default()).await;
        let refused = connection.get("things", wish).await;
        let Err(CallError::Connector(why)) = refused else { panic!("{wish}: {refused:?}") };
        assert!(why.message.contains("Refused"), "{wish}: {}", why.message);
        assert!(sent.lock().unwrap().is_empty(), "{wish}");
        connection.get("things", "declared").await.unwrap();
        assert_eq!(sent.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn what_sends_nothing_can_send_nothing() {
    let runtime = runtime();
    let connector = guest(&runtime, "sends_offline").await;
    let wire = fine();
    let sent = wire.sent();
    let connection = connection(&connector, wire, &Arc::default()).await;
    for described in [connector.describe("things").await, connection.describe("things").await] {
        let why = described.unwrap_err().to_string();
        assert!(why.contains("Refused"), "{why}");
    }
    let parent = |id: &str| DataRecord {
        id: id.to_owned(),
        updated_at: None,
        created_at: None,
        version: None,
        data: "{}".to_owned(),
    };
    let lines = ["lines".to_owned()];
    let derived = connection.derive(&lines, vec![parent("1")]).await.unwrap_err().to_string();
    assert!(derived.contains("Refused"), "{derived}");
    let delivery = Delivery {
        subscription: None,
        method: "POST".to_owned(),
        url: "https://host.example/hooks/x".to_owned(),
        headers: vec![],
        body: vec![],
        received_at: "2026-11-22T09:30:00+00:00".to_owned(),
    };
    let received = connection.receive(delivery).await.unwrap();
    assert!(
        matches!(&received, Err(Refusal::TryAgain(why)) if why.contains("Refused")),
        "{received:?}"
    );
    assert!(sent.lock().unwrap().is_empty());
    // A record that is not named after what holds it could be claimed by two.
    let named = connection.derive(&lines, vec![parent("mine")]).await.unwrap_err().to_string();
    assert!(named.contains("its holder is \"mine\""), "{named}");
}

/// What it cannot do is not offered, and that is no fault.
#[tokio::test]
async fn an_interface_that_is_missing_is_not_offered() {
    let connector = guest(&runtime(), "sends").await;
    let connection = connection(&connector, fine(), &Arc::default()).await;
    assert!(!connector.offers_batches());
    assert!(connection.objects().await.unwrap().is_empty());
    let input = batches::Operation::Create("{}".to_owned());
    let item = batches::Item { operation: input, attempt: first_attempt().unwrap() };
    let written = connection.write("things", &[item.clone(), item]).await;
    assert_eq!(written.len(), 2, "one by one: {written:?}");
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_unless_the_operator_allows_it() {
    let runtime = runtime();
    let sends = guest(&runtime, "sends").await;
    let wire = fine().at("169.254.169.254:443");
    let inside = Connection::builder(&sends)
        .secret("api-key", Secret::new(KEY))
        .network(Arc::new(wire))
        .build()
        .await
        .unwrap();
    let refused = inside.get("things", "declared").await.unwrap_err().to_string();
    assert!(refused.contains("no public address"), "{refused}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_brings_no_key_elsewhere() {
    let wire = Wire::new(|_| {
        b"HTTP/1.1 307 Temporary Redirect\r\nlocation: https://evil.example.com/\r\ncontent-length: 0\r\n\r\n".to_vec()
    });
    let sent = wire.sent();
    let sends = guest(&runtime(), "sends").await;
    let connection = connection(&sends, wire, &Arc::default()).await;
    let record = connection.get("things", "declared").await.unwrap();
    assert!(record.data.starts_with("{\"status\":307,"), "{}", record.data);
    assert_eq!(sent.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_writes_once() {
    let wire = fine();
    let sent = wire.sent();
    let sends = guest(&runtime(), "sends").await;
    let connection = connection(&sends, wire, &Arc::default()).await;
    for (number, wish) in (1..).zip(["two writes", "a read after a write"]) {
        let refused = connection.get("things", wish).await.unwrap_err().to_string();
        assert!(refused.contains("already written"), "{refused}");
        assert_eq!(sent.lock().unwrap().len(), number);
    }
}

#[tokio::test]
async fn a_trap_after_a_write_says_that_it_may_have_been_applied() {
    let sends = guest(&runtime(), "sends").await;
    let connection = connection(&sends, fine(), &Arc::default()).await;
    let stopped = connection.get("things", "trap after a write").await;
    assert!(matches!(stopped, Err(CallError::Stopped { wrote: true, .. })), "{stopped:?}");
}
