//! The token endpoint and what its tokens are good for.

use serde_json::json;

use crate::app::{ID, SECRET, VERIFIER, query, redeem, refresh};
use crate::client::{Client, TRACKINGS};

#[tokio::test]
async fn a_code_gives_tokens_that_open_the_api() {
    let client = Client::with_app(|_| {});
    let code = client.code().await;
    let answer = client.token(&redeem(&code)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    assert_eq!(answer.header("date"), "Sun, 22 Nov 2026 12:00:00 GMT");
    let (access, refresh) = (answer.text_of("access_token"), answer.text_of("refresh_token"));
    assert_eq!(
        answer.json,
        json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": refresh,
            "scope": "aftership:tracking:read aftership:courier:read",
        })
    );
    assert!(code.len() == 43 && access.len() == 43 && refresh.len() == 43);
    assert!(access != refresh && access != code && refresh != code);
    assert_eq!(client.list_status(&access).await, 200);
    for wrong in [&refresh, &code, "", "x"] {
        assert_eq!(client.list_status(wrong).await, 401);
    }
    assert_eq!(client.simulator.live_grants()[0].client_id, ID);
    let again = Client::with_app(|_| {});
    assert_eq!(again.code().await, code, "the same seed");
    let other = Client::with_app(|_| {});
    other.simulator.configure(|options| options.seed = 1);
    assert_ne!(other.code().await, code);
}

#[tokio::test]
async fn the_journal_keeps_no_secret_of_oauth() {
    let client = Client::with_app(|_| {});
    let code = client.code().await;
    let tokens = client.token(&redeem(&code)).await;
    let (access, token) = (tokens.text_of("access_token"), tokens.text_of("refresh_token"));
    client.token(&refresh(&token)).await;
    client.bear(&access, "GET", TRACKINGS).await;
    client.form("/oauth/revoke", &format!("token={access}&client_id={ID}")).await;
    client.token(&format!("{{\"refresh_token\":\"{token}\"}}")).await;
    let journal = client.simulator.journal();
    assert_eq!(journal.len(), 6);
    assert_eq!(journal[0].path, "/oauth/authorize");
    assert!(journal[0].query.as_ref().unwrap().contains("&client_id=app&"));
    assert!(journal[1].body.starts_with("grant_type=authorization_code&code=hidden&"));
    assert_eq!((journal[2].status, journal[5].status), (Some(200), Some(401)));
    let shown = format!("{journal:?} {:?}", client.simulator.grant(ID, &[]));
    let mut options = String::new();
    client.simulator.configure(|known| options = format!("{known:?}"));
    for secret in [code.as_str(), &access, &token, VERIFIER, SECRET, "st%2Fate"] {
        assert!(!shown.contains(secret) && !options.contains(secret), "{secret} in {shown}");
    }
    assert!(query().contains("st%2Fate"));
}
