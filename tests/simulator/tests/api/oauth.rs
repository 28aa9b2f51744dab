//! The authorization endpoint: consent, redirects and what they refuse.

use aftership_simulator::{Consent, GrantType, OAuthClient, Pkce, Scope};
use bytes::Bytes;
use http::Request;
use ring::hmac;

use crate::app::{CHALLENGE, ID, REDIRECT, SECRET, query, redeem};
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
async fn consent_can_come_without_a_person() {
    let client = Client::with_app(|oauth| oauth.consent = Consent::AskAndPress);
    let page = client.authorize(&query()).await;
    assert!(page.text.contains("<script>document.getElementById(\"allow\").submit()</script>"));
    assert!(page.text.contains("<form id=\"allow\" method=\"post\""));
    client.simulator.configure(|options| options.oauth.consent = Consent::Allow);
    assert!(client.authorize(&query()).await.parameter("code").is_some());
    client.simulator.configure(|options| options.oauth.consent = Consent::Deny);
    let denied = client.authorize(&query()).await;
    assert_eq!(denied.parameter("error").unwrap(), "access_denied");
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
        ("state=st%2Fate", "state=%zz"),
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

#[tokio::test]
async fn consent_to_less_is_told_in_the_answer() {
    let client = Client::with_app(|oauth| oauth.consent_to = Some(vec![Scope::CourierRead]));
    let tokens = client.token(&redeem(&client.code().await)).await;
    assert_eq!(tokens.text_of("scope"), "aftership:courier:read");
    client.simulator.configure(|options| {
        options.oauth.consent_to = Some(vec![Scope::CourierWrite]);
    });
    let answer = client.authorize(&query()).await;
    assert_eq!(answer.parameter("error").unwrap(), "access_denied");
}

#[tokio::test]
async fn a_callback_names_its_issuer_and_is_signed_on_demand() {
    let client = Client::with_app(|oauth| {
        oauth.issuer = Some("https://accounts.test/a b".to_owned());
        oauth.callback_hmac = true;
        oauth.clients[0].redirect_uris = vec!["https://app.test/done?shop=1".to_owned()];
    });
    let named = query().replace("%2Fdone&", "%2Fdone%3Fshop%3D1&");
    let location = client.authorize(&named).await.header("location").to_owned();
    let (_, callback) = location.split_once('?').unwrap();
    let (signed, tag) = callback.split_once("&hmac=").unwrap();
    assert!(signed.starts_with("shop=1&code="), "{signed}");
    assert!(signed.ends_with("&state=st%2Fate&iss=https%3A%2F%2Faccounts.test%2Fa%20b"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let expected = hmac::sign(&key, signed.as_bytes());
    let expected: String = expected.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(tag, expected);
}

#[tokio::test]
async fn the_port_of_a_loopback_redirect_uri_is_free() {
    let client = Client::with_app(|oauth| {
        oauth.clients = vec![OAuthClient::new(ID, SECRET, "http://127.0.0.1/done")];
    });
    let uri = "redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fdone";
    let asked = query().replace("redirect_uri=https%3A%2F%2Fapp.test%2Fdone", uri);
    let answer = client.authorize(&asked).await;
    assert!(answer.header("location").starts_with("http://127.0.0.1:4711/done?code="));
    let form = redeem(&answer.parameter("code").unwrap());
    let other = form.replace(REDIRECT, "http://127.0.0.1:4712/done");
    assert_eq!(client.token(&other).await.error(), "invalid_grant");
    let code = client.authorize(&asked).await.parameter("code").unwrap();
    let form = redeem(&code).replace(REDIRECT, "http://127.0.0.1:4711/done");
    assert_eq!(client.token(&form).await.status, 200);
}

#[tokio::test]
async fn the_only_redirect_uri_need_not_be_named() {
    let client = Client::with_app(|_| {});
    let unnamed = query().replace("&redirect_uri=https%3A%2F%2Fapp.test%2Fdone", "");
    let answer = client.authorize(&unnamed).await;
    let form = redeem(&answer.parameter("code").unwrap());
    let form = form.replace(&format!("&redirect_uri={REDIRECT}"), "");
    assert_eq!(client.token(&form).await.status, 200);
    // One that was named must be named again.
    let form = redeem(&client.code().await).replace(&format!("&redirect_uri={REDIRECT}"), "");
    assert_eq!(client.token(&form).await.error(), "invalid_grant");
    client.simulator.configure(|options| {
        options.oauth.clients[0].redirect_uris.push("https://app.test/other".to_owned());
    });
    assert_eq!(client.authorize(&unnamed).await.status, 400);
}

#[tokio::test]
async fn proof_keys_can_be_optional_or_unknown() {
    let client = Client::with_app(|oauth| oauth.pkce = Pkce::Optional);
    let bare = query().replace(&format!("&code_challenge={CHALLENGE}"), "");
    let bare = bare.replace("&code_challenge_method=S256", "");
    let without = |form: String| form.split("&code_verifier=").next().unwrap().to_owned();
    let shown = format!("&client_id={ID}&client_secret={SECRET}");

    let code = client.authorize(&bare).await.parameter("code").unwrap();
    assert_eq!(client.token(&(without(redeem(&code)) + &shown)).await.status, 200);
    // A verifier without a challenge: somebody took the challenge out.
    let code = client.authorize(&bare).await.parameter("code").unwrap();
    assert_eq!(client.token(&redeem(&code)).await.error(), "invalid_grant");
    // A challenge counts although it is optional.
    let form = without(redeem(&client.code().await)) + &shown;
    assert_eq!(client.token(&form).await.error(), "invalid_grant");

    client.simulator.configure(|options| options.oauth.pkce = Pkce::Ignored);
    let form = without(redeem(&client.code().await)) + &shown;
    assert_eq!(client.token(&form).await.status, 200);
}

#[tokio::test]
async fn scopes_can_be_separated_by_a_comma() {
    let client = Client::with_app(|oauth| oauth.scope_separator = ',');
    let asked = query().replace('+', "%2C");
    let code = client.authorize(&asked).await.parameter("code").unwrap();
    let tokens = client.token(&redeem(&code)).await;
    assert_eq!(tokens.text_of("scope"), "aftership:tracking:read,aftership:courier:read");
}
