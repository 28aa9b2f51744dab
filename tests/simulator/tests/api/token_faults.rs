//! Requests for tokens that go wrong on demand, and how many there were.

use aftership_simulator::{Answer, Fault, Matcher, Outcome, Rotation, Scope, TokenAnswer};
use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::app::{ID, refresh};
use crate::client::Client;

fn next() -> Matcher {
    Matcher::new("POST", "/oauth/token")
}

fn request(form: &str) -> Request<Bytes> {
    let request = Request::post("/oauth/token");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(Bytes::from(form.to_owned())).unwrap()
}

#[tokio::test]
async fn a_lost_answer_leaves_rotated_tokens() {
    let client = Client::with_app(|oauth| oauth.rotation = Rotation::Rotate { grace_seconds: 5 });
    let (_, token) = client.granted(&Scope::ALL);
    for (answer, performed) in [
        (Answer::reset(), false),
        (Answer::from(Fault::Unavailable), false),
        (Answer::from(Fault::TooMany), false),
        (Answer::reset().executed(), true),
        (Answer::from(Fault::ServerError).executed(), true),
        (Answer::from(Fault::BadGateway).executed(), true),
        (Answer::new(200, "<html>").executed(), true),
        (Answer::from(Fault::BadUtf8), true),
    ] {
        let grant = client.simulator.grant(ID, &Scope::ALL).unwrap();
        let token = grant.refresh_token.unwrap();
        client.simulator.answer_next(next(), answer);
        client.simulator.handle(request(&refresh(&token))).await;
        client.clock.advance(5_000);
        assert_eq!(client.simulator.honours_refresh_token(&token), !performed);
    }
    // Within the grace nothing is lost.
    client.simulator.answer_next(next(), Answer::reset().executed());
    let outcome = client.simulator.handle(request(&refresh(&token))).await;
    assert!(matches!(outcome, Outcome::Reset));
    assert_eq!(client.token(&refresh(&token)).await.status, 200);
}

#[tokio::test]
async fn an_answer_with_tokens_may_be_odd() {
    for (how, kind) in [
        (TokenAnswer::Regular, json!("Bearer")),
        (TokenAnswer::WithoutType, json!(null)),
        (TokenAnswer::NullType, json!(null)),
        (TokenAnswer::OddType, json!("token")),
    ] {
        let client = Client::with_app(|options| options.token_answer = how);
        let (_, token) = client.granted(&Scope::ALL);
        let answer = client.token(&refresh(&token)).await;
        assert_eq!((answer.status, &answer.json["token_type"]), (200, &kind), "{how:?}");
        assert_eq!(answer.text.contains("token_type"), how != TokenAnswer::WithoutType);
        assert_eq!(client.list_status(&answer.text_of("access_token")).await, 200);
    }
    let client = Client::with_app(|options| options.token_answer = TokenAnswer::NullToken);
    let (_, token) = client.granted(&Scope::ALL);
    let answer = client.token(&refresh(&token)).await;
    assert_eq!((answer.status, &answer.json["access_token"]), (200, &json!(null)));
}

#[tokio::test]
async fn a_refresh_may_answer_the_same_tokens_again() {
    let client = Client::with_app(|options| options.token_answer = TokenAnswer::SameTokens);
    let (access, token) = client.granted(&Scope::ALL);
    for _ in 0..2 {
        client.clock.advance(3_599_000);
        let answer = client.token(&refresh(&token)).await;
        assert_eq!(
            (answer.text_of("access_token"), answer.text_of("refresh_token")),
            (access.clone(), token.clone())
        );
        assert_eq!(client.list_status(&access).await, 200);
    }
}
