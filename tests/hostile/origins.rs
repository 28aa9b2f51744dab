//! A customer, or a connector that learns, chooses which account of a domain, and never the domain.

use std::sync::Arc;

use host_harness::runtime::{Authorizer as _, Tokens};
use host_harness::runtime::{BuildError, Connection};
use host_harness::vault::Secret;

use super::{KEY, connection, fine};
use crate::support::wire::{Wire, answer};
use crate::support::{guest, runtime};

/// A customer chooses a shop, and never the domain.
#[tokio::test]
async fn a_label_stays_a_label() {
    let sends = guest(&runtime(), "sends").await;
    let shop = |value: &str| {
        let wire = fine();
        let sent = wire.sent();
        let builder = Connection::builder(&sends)
            .customer_setting("shop", value)
            .secret("api-key", Secret::new(KEY))
            .network(Arc::new(wire));
        (builder, sent)
    };
    for value in
        ["acme.evil", "a@evil", "acme:8443", "evil.com/", "evil.com?", "evil.com#", "", "-"]
    {
        let refused = shop(value).0.build().await.err().unwrap();
        assert!(matches!(&refused, BuildError::Setting(_)), "{value}: {refused}");
        assert!(refused.to_string().contains("\"shop\""), "{refused}");
    }
    let (builder, _) = shop("acme");
    let refused = builder.customer_setting("base-url", "https://evil.example.com").build().await;
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("given by the operator, and not by the customer"), "{refused}");
    let (builder, sent) = shop("acme");
    // What is reached speaks no TLS, so nothing is sent; but it was to be sent there.
    let why = builder.build().await.unwrap().get("things", "shop").await.unwrap_err();
    assert!(why.to_string().contains("https://acme.example.com"), "{why}");
    assert!(sent.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_learned_stays_within_its_domain() {
    let learns = guest(&runtime(), "learns").await;
    let body = r#"{"token":"tok-0123456789"}"#;
    let wire = || Wire::new(move |_| answer("200 OK", body));
    let authority = connection(&learns, wire(), &Arc::default()).await.authority();
    let complete =
        |session: &str| authority.complete(session.to_owned(), String::new(), Tokens::new());
    for session in [
        "instance-url=https://evil.com",
        "instance-url=https://example.com",
        "instance-url=https://evilexample.com",
        "instance-url=http://eu1.example.com",
        "instance-url=https://eu1.example.com:8443",
        "instance-url=https://me@eu1.example.com",
        "instance-url=https://127.0.0.1",
        "base-url=https://eu1.example.com",
        "shop=acme",
    ] {
        let refused = complete(session).await.err().unwrap().to_string();
        assert!(refused.contains("may not be kept"), "{session}: {refused}");
        assert!(!refused.contains("tok-"), "{refused}");
    }
    let ignored = complete("of-a-later-version=1").await.unwrap_or_else(|why| panic!("{why}"));
    assert!(ignored.learned.settings.is_empty());
    let received = complete("").await.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(received.tokens.into_keys().collect::<Vec<_>>(), ["access-token"]);
    let connection = Connection::builder(&learns)
        .learned(received.learned.settings)
        .secret("api-key", Secret::new(KEY))
        .network(Arc::new(wire()))
        .build()
        .await
        .unwrap();
    let why = connection.get("things", "").await.unwrap_err().to_string();
    assert!(why.contains("https://eu1.example.com"), "requests go there now: {why}");
}
