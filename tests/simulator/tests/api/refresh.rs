//! Refresh tokens: rotation, reuse and revocation.

use aftership_simulator::{GrantType, OAuthClient, Rotation, Scope};

use crate::app::{ID, SECRET, refresh};
use crate::client::Client;

fn rotating(grace_seconds: u64) -> Client {
    Client::with_app(|oauth| oauth.rotation = Rotation::Rotate { grace_seconds })
}

#[tokio::test]
async fn a_used_refresh_token_is_given_the_same_again_within_its_grace() {
    let client = rotating(60);
    let (_, first) = client.granted(&Scope::ALL);
    let once = client.token(&refresh(&first)).await;
    let second = once.text_of("refresh_token");
    assert_ne!(second, first);
    client.clock.advance(59_999);
    assert!(client.simulator.honours_refresh_token(&first));
    let again = client.token(&refresh(&first)).await;
    assert_eq!(again.text_of("refresh_token"), second);
    assert_eq!(again.text_of("access_token"), once.text_of("access_token"));
    assert_eq!(again.json["expires_in"], 3_540);
    assert_eq!(client.list_status(&again.text_of("access_token")).await, 200);
    assert!(client.simulator.honours_refresh_token(&second));
}

#[tokio::test]
async fn a_repeated_answer_holds_no_access_token_that_is_gone() {
    let client = Client::with_app(|oauth| {
        oauth.rotation = Rotation::Rotate { grace_seconds: 60 };
        oauth.access_token_seconds = 10;
    });
    let (_, first) = client.granted(&[Scope::TrackingRead, Scope::TrackingWrite]);
    let once = client.token(&refresh(&first)).await;
    // None that is good for more than the request asks for.
    let narrow = client.token(&(refresh(&first) + "&scope=aftership:tracking:write")).await;
    assert_eq!(narrow.text_of("scope"), "aftership:tracking:write");
    assert_eq!(client.list_status(&narrow.text_of("access_token")).await, 403);
    client.clock.advance(9_500);
    let again = client.token(&refresh(&first)).await;
    assert_ne!(again.text_of("access_token"), once.text_of("access_token"));
    assert_eq!(again.json["expires_in"], 10);
    assert_eq!(again.text_of("refresh_token"), once.text_of("refresh_token"));
}

#[tokio::test]
async fn a_used_refresh_token_beyond_its_grace_revokes_the_grant() {
    for grace_seconds in [0, 5] {
        let client = rotating(grace_seconds);
        let (access, first) = client.granted(&Scope::ALL);
        let (bystander, _) = client.granted(&Scope::ALL);
        let tokens = client.token(&refresh(&first)).await;
        client.clock.advance(grace_seconds * 1000);
        assert!(!client.simulator.honours_refresh_token(&first));
        assert_eq!(client.simulator.live_grants().len(), 2, "asking changes nothing");
        assert_eq!(client.token(&refresh(&first)).await.error(), "invalid_grant");
        let second = tokens.text_of("refresh_token");
        assert!(!client.simulator.honours_refresh_token(&second));
        assert_eq!(client.token(&refresh(&second)).await.error(), "invalid_grant");
        assert_eq!(client.list_status(&access).await, 401);
        assert_eq!(client.list_status(&tokens.text_of("access_token")).await, 401);
        assert_eq!(client.list_status(&bystander).await, 200);
        assert_eq!(client.simulator.live_grants().len(), 1);
    }
}

#[tokio::test]
async fn a_grace_ends_when_the_new_token_is_used() {
    let client = rotating(60);
    let (_, first) = client.granted(&Scope::ALL);
    let second = client.token(&refresh(&first)).await.text_of("refresh_token");
    let third = client.token(&refresh(&second)).await.text_of("refresh_token");
    assert!(client.simulator.honours_refresh_token(&second));
    assert!(client.simulator.honours_refresh_token(&third));
    assert_eq!(client.token(&refresh(&first)).await.error(), "invalid_grant");
    assert!(!client.simulator.honours_refresh_token(&third));
}

#[tokio::test]
async fn without_rotation_a_refresh_token_stays() {
    let client = Client::with_app(|oauth| oauth.rotation = Rotation::Never);
    let (access, token) = client.granted(&Scope::ALL);
    for _ in 0..3 {
        let answer = client.token(&refresh(&token)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json.get("refresh_token"), None);
        assert_ne!(answer.text_of("access_token"), access);
        client.clock.advance(100_000);
    }
    assert_eq!(client.list_status(&access).await, 200, "the earlier one lives on");
}

#[tokio::test]
async fn a_refresh_can_narrow_but_not_widen() {
    let client = rotating(0);
    let (_, token) = client.granted(&[Scope::TrackingRead, Scope::CourierRead]);
    let wide = refresh(&token) + "&scope=aftership:tracking:write";
    assert_eq!(client.token(&wide).await.error(), "invalid_scope");
    let narrow = refresh(&token) + "&scope=aftership:courier:read";
    let tokens = client.token(&narrow).await;
    assert_eq!(tokens.text_of("scope"), "aftership:courier:read");
    assert_eq!(client.list_status(&tokens.text_of("access_token")).await, 403);
    let tokens = client.token(&refresh(&tokens.text_of("refresh_token"))).await;
    assert_eq!(tokens.text_of("scope"), "aftership:tracking:read aftership:courier:read");
}

#[tokio::test]
async fn a_refresh_token_is_its_apps_and_lives_long() {
    let client = Client::with_app(|oauth| oauth.refresh_token_seconds = 86_400);
    client.simulator.register_client(OAuthClient::new("other", "s", "https://other.test/"));
    let (_, token) = client.granted(&Scope::ALL);
    let theirs = refresh(&token).replace(&format!("client_id={ID}"), "client_id=other");
    let theirs = theirs.replace(SECRET, "s");
    assert_eq!(client.token(&theirs).await.error(), "invalid_grant");
    client.clock.advance(86_399_999);
    assert!(client.simulator.honours_refresh_token(&token));
    client.clock.advance(1);
    assert_eq!(client.token(&refresh(&token)).await.error(), "invalid_grant");
    assert!(client.simulator.live_grants().is_empty());
}

#[tokio::test]
async fn the_revocation_endpoint_ends_tokens() {
    let client = Client::with_app(|_| {});
    client.simulator.register_client(OAuthClient::new("other", "s", "https://other.test/"));
    let (access, token) = client.granted(&Scope::ALL);
    let ours = format!("&client_id={ID}&client_secret={SECRET}");
    let revoke = async |form: String| client.form("/oauth/revoke", &form).await;

    let answer = revoke(format!("token={access}&client_id=other&client_secret=s")).await;
    assert_eq!((answer.status, answer.error()), (400, "invalid_grant"));
    assert_eq!(revoke(format!("token={access}")).await.error(), "invalid_client");
    assert_eq!(revoke(format!("token={ours}")).await.error(), "invalid_request");
    assert_eq!(client.list_status(&access).await, 200);

    let hint = "&token_type_hint=refresh_token";
    let answer = revoke(format!("token={access}{hint}{ours}")).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(client.list_status(&access).await, 401);
    assert!(client.simulator.honours_refresh_token(&token), "an access token goes alone");

    let tokens = client.token(&refresh(&token)).await;
    assert_eq!(
        revoke(format!("token={}{ours}", tokens.text_of("refresh_token"))).await.status,
        200
    );
    assert_eq!(client.list_status(&tokens.text_of("access_token")).await, 401);
    assert!(client.simulator.live_grants().is_empty());
    assert_eq!(revoke(format!("token=unknown{ours}")).await.status, 200);

    client.simulator.configure(|options| options.oauth.revocation = false);
    assert_eq!(client.send("POST", "/oauth/revoke", "").await.status, 404);
}

#[tokio::test]
async fn the_handle_gives_expires_and_revokes() {
    let client = Client::with_app(|_| {});
    let simulator = &client.simulator;
    assert!(simulator.grant("nobody", &Scope::ALL).is_none());
    let (access, token) = client.granted(&[Scope::TrackingRead]);
    assert_eq!(simulator.live_grants()[0].scopes, [Scope::TrackingRead]);

    assert!(simulator.expire_token(&access));
    assert_eq!(client.list_status(&access).await, 401);
    let tokens = client.token(&refresh(&token)).await;
    assert_eq!(tokens.status, 200);
    let newest = tokens.text_of("refresh_token");
    assert!(!simulator.expire_token(&token), "no longer the newest");
    assert!(simulator.expire_token(&newest));
    assert_eq!(client.token(&refresh(&newest)).await.error(), "invalid_grant");
    let access = tokens.text_of("access_token");
    assert_eq!(client.list_status(&access).await, 200);
    assert_eq!(simulator.live_grants().len(), 1);
    assert!(simulator.revoke_token(&access));
    assert_eq!(client.list_status(&access).await, 401);
    assert!(simulator.live_grants().is_empty());

    let (access, token) = client.granted(&Scope::ALL);
    assert!(simulator.revoke_grant(&access));
    assert_eq!(client.list_status(&access).await, 401);
    assert!(!simulator.honours_refresh_token(&token));
    for gone in
        [simulator.expire_token("x"), simulator.revoke_token("x"), simulator.revoke_grant("x")]
    {
        assert!(!gone);
    }
    simulator.configure(|options| {
        options.oauth.clients[0].grant_types = vec![GrantType::AuthorizationCode];
    });
    assert_eq!(simulator.grant(ID, &Scope::ALL).unwrap().refresh_token, None);
}
