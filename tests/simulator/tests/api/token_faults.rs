//! Requests for tokens that go wrong on demand, and how many there were.

use std::sync::Arc;
use std::time::Duration;

use aftership_simulator::{
    Answer, Fault, Matcher, OAuthClient, Options, Outcome, Rotation, Scope, Simulator, TokenAnswer,
    TokenRequests, TokioClock,
};
use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::app::{ID, REDIRECT, SECRET, redeem, refresh};
use crate::client::{Client, NOON};

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
async fn a_good_answer_can_have_other_members() {
    let client = Client::with_app(|_| {});
    let (_, token) = client.granted(&Scope::ALL);
    let answer = Answer::real()
        .without_member("refresh_token")
        .member("expires_in", "\"3600\"")
        .member("token_type", "\"bEaReR\"")
        .member("id_token", "{\"a\":1}");
    client.simulator.answer_next(next(), answer);
    let changed = client.token(&refresh(&token)).await;
    assert_eq!(changed.status, 200);
    let access = changed.text_of("access_token");
    assert_eq!(
        changed.text,
        format!(
            "{{\"access_token\":\"{access}\",\"token_type\":\"bEaReR\",\"expires_in\":\"3600\",\
             \"scope\":\"{}\",\"id_token\":{{\"a\":1}}}}",
            Scope::ALL.map(Scope::name).join(" ")
        )
    );
    client.simulator.answer_next(next(), Answer::real().without_member("expires_in"));
    let changed = client.token(&refresh(&token)).await;
    assert_eq!(changed.json.get("expires_in"), None);
    assert_eq!(changed.text_of("access_token"), access);
    client.simulator.answer_next(next(), Answer::new(502, "text").member("a", "1"));
    assert_eq!(client.token("").await.text, "text");
}

#[tokio::test(start_paused = true)]
async fn a_request_can_wait_before_or_after_it_is_performed() {
    let options = Options { clock: Arc::new(TokioClock::new(NOON)), ..Options::default() };
    let simulator = Simulator::new(options);
    simulator.register_client(OAuthClient::new(ID, SECRET, REDIRECT));
    simulator.configure(|o| o.oauth.rotation = Rotation::Rotate { grace_seconds: 0 });
    let wait = Duration::from_secs(8);
    for (answer, performed) in
        [(Answer::real().held(wait), false), (Answer::real().delayed(wait), true)]
    {
        let token = simulator.grant(ID, &Scope::ALL).unwrap().refresh_token.unwrap();
        simulator.answer_next(next(), answer);
        let (handle, form) = (simulator.clone(), refresh(&token));
        let sent = tokio::spawn(async move { handle.handle(request(&form)).await });
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert_eq!(simulator.honours_refresh_token(&token), !performed);
        assert!(!sent.is_finished());
        let Outcome::Reply(response) = sent.await.unwrap() else { panic!("no answer") };
        assert_eq!(response.status(), 200);
        assert!(!simulator.honours_refresh_token(&token));
    }
}

#[tokio::test(start_paused = true)]
async fn requests_for_tokens_are_counted() {
    let client = Client::with_app(|_| {});
    let simulator = &client.simulator;
    let (_, one) = client.granted(&Scope::ALL);
    let (_, other) = client.granted(&Scope::ALL);
    client.token(&redeem("no-code")).await;
    client.token("grant_type=password").await;
    client.list("").await;
    let slow = || Answer::real().delayed(Duration::from_secs(5));
    let mut sent = Vec::new();
    for token in [&one, &one, &other] {
        simulator.answer_next(next(), slow());
        let (handle, form) = (simulator.clone(), refresh(token));
        sent.push(tokio::spawn(async move { handle.handle(request(&form)).await }));
    }
    simulator.answer_next(next(), Answer::hang());
    let (handle, form) = (simulator.clone(), refresh(&other));
    let hanging = tokio::spawn(async move { handle.handle(request(&form)).await });
    for task in sent {
        task.await.unwrap();
    }
    let expected = TokenRequests {
        total: 6,
        authorization_code: 1,
        refresh_token: 4,
        most_at_once: 4,
        most_at_once_for_a_grant: 2,
    };
    assert_eq!(simulator.token_requests(), expected);
    // A request that its client gave up is no longer under way.
    hanging.abort();
    assert!(hanging.await.unwrap_err().is_cancelled());
    simulator.answer_next(next(), slow());
    for _ in 0..2 {
        client.token(&refresh(&other)).await;
    }
    assert_eq!(
        simulator.token_requests(),
        TokenRequests { total: 8, refresh_token: 6, ..expected }
    );
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
