//! Refresh tokens: rotation, reuse and revocation.

use aftership_simulator::{Rotation, Scope};

use crate::app::refresh;
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
