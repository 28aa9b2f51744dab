//! The token endpoint and what its tokens are good for.

use aftership_simulator::{ClientAuthentication, GrantType, OAuthClient, Scope};
use bytes::Bytes;
use http::Request;
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
async fn a_code_is_good_once_and_its_second_use_takes_everything_back() {
    let client = Client::with_app(|_| {});
    let form = redeem(&client.code().await);
    let tokens = client.token(&form).await;
    let access = tokens.text_of("access_token");
    assert_eq!(client.list_status(&access).await, 200);
    assert_eq!(client.token(&form).await.error(), "invalid_grant");
    assert_eq!(client.list_status(&access).await, 401);
    let refused = client.token(&refresh(&tokens.text_of("refresh_token"))).await;
    assert_eq!(refused.error(), "invalid_grant");
    assert!(client.simulator.live_grants().is_empty());
}

#[tokio::test]
async fn a_code_lives_ten_minutes() {
    let client = Client::with_app(|_| {});
    let (one, other) = (client.code().await, client.code().await);
    client.clock.advance(599_999);
    assert_eq!(client.token(&redeem(&one)).await.status, 200);
    client.clock.advance(1);
    assert_eq!(client.token(&redeem(&other)).await.error(), "invalid_grant");
}

#[tokio::test]
async fn a_code_is_bound_to_its_app_redirect_uri_and_proof_key() {
    let client = Client::with_app(|_| {});
    client.simulator.register_client(OAuthClient::new("other", "s", "https://other.test/"));
    let code = client.code().await;
    let stolen = redeem(&code).replace(&format!("client_id={ID}"), "client_id=other");
    let stolen = stolen.replace(SECRET, "s");
    assert_eq!(client.token(&stolen).await.error(), "invalid_grant");
    // The other app's attempt has used nothing up.
    assert_eq!(client.token(&redeem(&code)).await.status, 200);

    let mut wrong = VERIFIER.to_owned();
    wrong.replace_range(0..1, "e");
    for (from, to) in [("/done", "/gone"), (VERIFIER, &wrong), ("code_verifier", "x")] {
        let form = redeem(&client.code().await);
        assert_eq!(client.token(&form.replace(from, to)).await.error(), "invalid_grant", "{to}");
        // Nobody tries twice.
        assert_eq!(client.token(&form).await.error(), "invalid_grant", "{to}");
    }
}

#[tokio::test]
async fn requests_for_tokens_must_be_well_formed() {
    let client = Client::with_app(|_| {});
    let good = redeem(&client.code().await);
    for (from, to, error) in [
        ("grant_type=authorization_code", "x=y", "invalid_request"),
        ("grant_type=authorization_code", "grant_type=", "invalid_request"),
        ("grant_type=authorization_code", "grant_type=password", "unsupported_grant_type"),
        ("grant_type=", "state=a&state=b&grant_type=", "invalid_request"),
        ("grant_type=authorization_code", "grant_type=%zz", "invalid_request"),
        ("grant_type=authorization_code", "grant_type=refresh_token", "invalid_request"),
        ("&code=", "&kode=", "invalid_request"),
    ] {
        let answer = client.token(&good.replace(from, to)).await;
        assert_eq!((answer.status, answer.error()), (400, error), "{to}");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let answer = client.form(&format!("/oauth/token?client_id={ID}"), &good).await;
    assert_eq!((answer.status, answer.error()), (400, "invalid_request"));
    let request = Request::post("/oauth/token").header("content-type", "application/json");
    let answer = client.raw(request.body(Bytes::from(good.clone())).unwrap()).await;
    assert_eq!((answer.status, answer.error()), (400, "invalid_request"));
    let request = Request::get("/oauth/token").body(Bytes::new()).unwrap();
    let answer = client.raw(request).await;
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
    assert_eq!(client.token(&good).await.status, 200, "nothing was used up");
}

#[tokio::test]
async fn an_app_shows_its_secret_in_one_way() {
    let client = Client::with_app(|oauth| {
        oauth.clients = vec![OAuthClient::new("a b", "s:%", "https://app.test/done")];
    });
    let token = client.simulator.grant("a b", &Scope::ALL).unwrap().refresh_token.unwrap();
    let bare = format!("grant_type=refresh_token&refresh_token={token}");
    let body = format!("{bare}&client_id=a+b&client_secret=s%3A%25");
    // `a+b:s%3A%25`, `a b:s:%` and `a+b:x`.
    let (basic, unescaped, wrong) =
        ("Basic YStiOnMlM0ElMjU=", "Basic YSBiOnM6JQ==", "Basic YStiOng=");
    for (form, headers, status, error) in [
        (&bare, vec![], 401, "invalid_client"),
        (&body.replace("s%3A%25", "x"), vec![], 401, "invalid_client"),
        (&body.replace("a+b", "c"), vec![], 401, "invalid_client"),
        (&bare, vec![("authorization", wrong)], 401, "invalid_client"),
        (&bare, vec![("authorization", unescaped)], 401, "invalid_client"),
        (&bare, vec![("authorization", "Bearer x")], 401, "invalid_client"),
        (&body, vec![("authorization", basic)], 400, "invalid_request"),
        (&format!("{bare}&client_id=c"), vec![("authorization", basic)], 401, "invalid_client"),
        (&format!("{bare}&client_id=a+b"), vec![("authorization", basic)], 200, ""),
        (&bare, vec![("authorization", basic)], 200, ""),
        (&body, vec![], 200, ""),
    ] {
        let answer = client.form_with("/oauth/token", form, &headers).await;
        assert_eq!((answer.status, answer.error()), (status, error), "{headers:?} {form}");
        let challenged = answer.header("www-authenticate").starts_with("Basic ");
        assert_eq!(challenged, status == 401);
    }
    let set = |way| client.simulator.configure(|o| o.oauth.client_authentication = way);
    set(ClientAuthentication::Basic);
    assert_eq!(client.token(&body).await.error(), "invalid_client");
    set(ClientAuthentication::Body);
    let answer = client.form_with("/oauth/token", &bare, &[("authorization", basic)]).await;
    assert_eq!(answer.error(), "invalid_client");
}

#[tokio::test]
async fn an_app_may_lack_a_way_to_have_tokens() {
    let client = Client::with_app(|_| {});
    let (_, token) = client.granted(&Scope::ALL);
    client.simulator.configure(|options| {
        options.oauth.clients[0].grant_types = vec![GrantType::AuthorizationCode];
    });
    assert_eq!(client.token(&refresh(&token)).await.error(), "unauthorized_client");
    let tokens = client.token(&redeem(&client.code().await)).await;
    assert_eq!(tokens.json.get("refresh_token"), None);
}

#[tokio::test]
async fn an_access_token_lives_its_seconds() {
    let client = Client::with_app(|oauth| oauth.access_token_seconds = 60);
    let (access, _) = client.granted(&Scope::ALL);
    client.clock.advance(59_999);
    assert_eq!(client.list_status(&access).await, 200);
    assert!(client.simulator.accepts_access_token(&access));
    client.clock.advance(1);
    let answer = client.bear(&access, "GET", TRACKINGS).await;
    assert_eq!((answer.status, answer.code()), (401, 401));
    assert_eq!(
        answer.text,
        r#"{"data":{},"meta":{"type":"Unauthorized","code":401,"errors":[],"message":"The access token is unknown, expired or revoked."}}"#
    );
    assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    assert!(!client.simulator.accepts_access_token(&access));
}

#[tokio::test]
async fn an_access_token_opens_what_its_scopes_name() {
    let client = Client::with_app(|_| {});
    let (read, _) = client.granted(&[Scope::TrackingRead]);
    for (scope, method, path) in [
        (Scope::TrackingRead, "GET", "trackings"),
        (Scope::TrackingRead, "GET", "trackings/x"),
        (Scope::TrackingWrite, "POST", "trackings"),
        (Scope::TrackingWrite, "PUT", "trackings/x"),
        (Scope::TrackingWrite, "DELETE", "trackings/x"),
        (Scope::TrackingWrite, "POST", "trackings/x/retrack"),
        (Scope::TrackingWrite, "POST", "trackings/x/mark-as-completed"),
        (Scope::CourierRead, "GET", "couriers"),
        (Scope::CourierWrite, "POST", "couriers/detect"),
        (Scope::EstimatedDeliveryDateWrite, "POST", "estimated-delivery-date/predict"),
        (Scope::EstimatedDeliveryDateWrite, "POST", "estimated-delivery-date/predict-batch"),
        (Scope::CarrierConnectionRead, "GET", "courier-connections"),
        (Scope::CarrierConnectionRead, "GET", "courier-connections/x"),
        (Scope::CarrierConnectionWrite, "POST", "courier-connections"),
        (Scope::CarrierConnectionWrite, "PATCH", "courier-connections/x"),
        (Scope::CarrierConnectionWrite, "DELETE", "courier-connections/x"),
    ] {
        let others: Vec<_> = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
        let ((good, _), (bad, _)) = (client.granted(&[scope]), client.granted(&others));
        let path = format!("/tracking/2026-07/{path}");
        assert_ne!(client.bear(&good, method, &path).await.status, 403, "{method} {path}");
        let refused = client.bear(&bad, method, &path).await;
        assert_eq!((refused.status, refused.code()), (403, 403), "{method} {path}");
        let message = format!("The access token lacks the scope {}.", scope.name());
        assert_eq!(refused.json["meta"]["message"], message);
        let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.name());
        assert_eq!(refused.header("www-authenticate"), challenge);
    }
    // What the keys of the account may do is another matter.
    client.simulator.configure(|options| options.scopes.clear());
    assert_eq!(client.list_status(&read).await, 200);
    assert_eq!(client.list("").await.status, 403);
    assert_eq!(client.bear(&read, "GET", "/v4/couriers").await.status, 404);
    client.simulator.configure(|options| options.forbidden = true);
    let refused = client.bear(&read, "GET", TRACKINGS).await;
    assert!(refused.text.contains("Select a plan"));
}

#[tokio::test]
async fn one_request_has_one_credential() {
    let client = Client::with_app(|_| {});
    let (access, _) = client.granted(&Scope::ALL);
    let bearer = format!("Bearer {access}");
    let rows: &[(&[(&str, &str)], u16)] = &[
        (&[("authorization", &bearer)], 200),
        (&[("authorization", &format!("bearer {access}"))], 200),
        (&[("authorization", &format!("Basic {access}"))], 401),
        (&[("authorization", &access)], 401),
        (&[("as-api-key", &access)], 401),
        (&[("authorization", &bearer), ("authorization", &bearer)], 401),
        (&[("authorization", &bearer), ("as-api-key", "asat_simulator")], 401),
    ];
    for (headers, status) in rows {
        let mut request = Request::get(TRACKINGS);
        for (name, value) in *headers {
            request = request.header(*name, *value);
        }
        let answer = client.raw(request.body(Bytes::new()).unwrap()).await;
        assert_eq!(answer.status, *status, "{}", answer.text);
    }
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
