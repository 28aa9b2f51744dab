//! The authorization endpoint: consent, redirects and what they refuse.

use aftership_simulator::{Consent, GrantType, Scope};
use bytes::Bytes;
use http::Request;

use crate::app::{CHALLENGE, query};
use crate::client::{Answer, Client};

/// Presses a button on the page that the query leads to.
async fn press(client: &Client, query: &str, form: &str) -> Answer {
    client.form(&format!("/oauth/authorize?{query}"), form).await
}

#[tokio::test]
async fn a_page_asks_and_a_button_decides() {
    let client = Client::with_app(|oauth| {
        oauth.consent = Consent::Ask;
        oauth.clients[0].name = "Tom & <Jerry>".to_owned();
    });
    let page = client.authorize(&query()).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("x-frame-options"), "DENY");
    let action = format!("action=\"/oauth/authorize?{}\"", query().replace('&', "&amp;"));
    assert_eq!(page.text.matches(&action).count(), 2, "{}", page.text);
    for part in
        ["Tom &amp; &lt;Jerry&gt;", "aftership:tracking:read", "aftership:courier:read", "Deny"]
    {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    assert!(!page.text.contains("<script>"));
    assert!(client.simulator.live_grants().is_empty());

    let allowed = press(&client, &query(), "decision=allow").await;
    assert_eq!((allowed.status, allowed.text.as_str()), (302, ""));
    assert!(allowed.header("location").starts_with("https://app.test/done?code="));
    assert_eq!(allowed.parameter("state").unwrap(), "st%2Fate");
    let denied = press(&client, &query(), "decision=deny").await;
    assert_eq!(denied.status, 302);
    assert_eq!(denied.parameter("error").unwrap(), "access_denied");
    assert_eq!(denied.parameter("state").unwrap(), "st%2Fate");
    assert_eq!(denied.parameter("code"), None);
    assert_eq!(press(&client, &query(), "decision=perhaps").await.status, 400);
    let plain = Request::post(format!("/oauth/authorize?{}", query()));
    let plain = plain.header("content-type", "text/plain");
    let answer = client.raw(plain.body(Bytes::from("decision=allow")).unwrap()).await;
    assert_eq!((answer.status, answer.header("location")), (400, ""));
}

#[tokio::test]
async fn nothing_is_sent_on_to_a_redirect_uri_that_is_not_registered() {
    let client = Client::with_app(|_| {});
    let uri = "redirect_uri=https%3A%2F%2Fapp.test%2Fdone";
    for (from, to) in [
        ("client_id=app", "client_id=other"),
        ("client_id=app", "x=y"),
        ("client_id=app", "client_id=app&client_id=app"),
        (uri, "redirect_uri=https%3A%2F%2Fapp.test%2Fdone%2F"),
        (uri, "redirect_uri=https%3A%2F%2Fapp.test%2Fdone&redirect_uri=https%3A%2F%2Fevil.test"),
        ("state=st%2Fate", "state=%ff"),
    ] {
        let answer = client.authorize(&query().replace(from, to)).await;
        assert_eq!((answer.status, answer.header("location")), (400, ""), "{to}");
    }
    let put = Request::put(format!("/oauth/authorize?{}", query()));
    let answer = client.raw(put.body(Bytes::new()).unwrap()).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "GET, POST"));
}

#[tokio::test]
async fn other_refusals_go_back_to_the_app() {
    let client = Client::with_app(|oauth| {
        oauth.clients[0].scopes = vec![Scope::TrackingRead, Scope::CourierRead];
    });
    let scope = "aftership:tracking:read+aftership:courier:read";
    for (from, to, error) in [
        ("response_type=code", "x=y", "invalid_request"),
        ("response_type=code", "response_type=token", "unsupported_response_type"),
        ("state=", "state=first&state=", "invalid_request"),
        (scope, "", "invalid_scope"),
        (scope, "tracking:read", "invalid_scope"),
        (scope, "aftership:tracking:read,aftership:courier:read", "invalid_scope"),
        (scope, "aftership:tracking:write", "invalid_scope"),
        ("code_challenge_method=S256", "code_challenge_method=plain", "invalid_request"),
        ("code_challenge_method=S256", "x=y", "invalid_request"),
        (CHALLENGE, "short", "invalid_request"),
        (CHALLENGE, "", "invalid_request"),
    ] {
        let answer = client.authorize(&query().replace(from, to)).await;
        assert_eq!(answer.status, 302, "{to}");
        assert_eq!(answer.parameter("error").as_deref(), Some(error), "{to}");
        assert!(answer.parameter("state").is_some() && answer.parameter("code").is_none());
    }
    client.simulator.configure(|options| {
        options.oauth.clients[0].grant_types = vec![GrantType::RefreshToken];
    });
    let answer = client.authorize(&query()).await;
    assert_eq!(answer.parameter("error").unwrap(), "unauthorized_client");
}
