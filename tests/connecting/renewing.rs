//! What becomes of the tokens while a connection is used.

use std::time::Duration;

use aftership_simulator::{Answer, Matcher, Scope, TokenAnswer};
use host_harness::contract::types::ErrorKind;
use host_harness::retry::Policy;
use host_harness::runtime::CallError;
use host_harness::store::GrantState;

use super::world::{CLIENT_SECRET, World};
use crate::support::world::{kind, list};

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_replaced_once_and_the_call_made_again() {
    let world = World::new(|_| {}).await;
    world.connection.list(&list(None, None)).await.unwrap();
    let first = world.token("access-token").await;
    assert!(world.simulator.expire_token(&first));
    // Several at once: one asks, and all go on with what came.
    let request = list(None, None);
    let calls = (0..6).map(|_| world.connection.list(&request));
    for ended in futures(calls).await {
        ended.unwrap();
    }
    assert_eq!(world.simulator.token_requests().refresh_token, 1);
    assert_ne!(world.token("access-token").await, first);
    assert_eq!(world.grant().await.epoch, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_grant_needs_a_new_connection_and_a_new_one_mends_it() {
    let world = World::new(|_| {}).await;
    let access = world.token("access-token").await;
    assert!(world.simulator.revoke_grant(&access));
    let refused = world.connection.list(&list(None, None)).await;
    assert_eq!(kind(refused), ErrorKind::Unauthenticated);
    assert_eq!(world.grant().await.state, GrantState::Ended);
    let sent = world.simulator.token_requests().total;
    assert_eq!(kind(world.connection.list(&list(None, None)).await), ErrorKind::Unauthenticated);
    assert_eq!(world.simulator.token_requests().total, sent);
    world.connect().await;
    world.connection.list(&list(None, None)).await.unwrap();
}

/// Tokens that came are kept, whatever is odd about the rest of the answer: the refresh token that
/// brought them is used up.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_an_odd_answer_are_kept() {
    use TokenAnswer::{NullToken, NullType, OddType, SameTokens, WithoutType};
    for odd in [WithoutType, NullType, OddType, SameTokens, NullToken] {
        let world = World::new(|_| {}).await;
        let (first, row) = (world.token("refresh-token").await, world.grant().await);
        world.simulator.configure(|options| options.oauth.token_answer = odd);
        let life = row.expires_ms.unwrap() - row.received_ms;
        world.clock.forward(Duration::from_millis(life - 61_000));
        world.connection.list(&list(None, None)).await.unwrap();
        let row = world.grant().await;
        assert_eq!((row.epoch, row.state, row.sends), (2, GrantState::Valid, 0), "{odd:?}");
        assert_eq!(world.token("refresh-token").await == first, odd == SameTokens, "{odd:?}");
        assert_eq!(world.simulator.token_requests().refresh_token, 1, "{odd:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_order_mark_loses_no_token() {
    let world = World::new(|_| {}).await;
    let first = world.token("access-token").await;
    assert!(world.simulator.expire_token(&first));
    let body = "\u{feff}{\"access_token\":\"new-access\",\"refresh_token\":\"new-refresh\"}";
    let answer = Answer::new(200, body).header("content-type", "text/plain");
    world.simulator.answer_next(Matcher::new("POST", "/oauth/token"), answer);
    // The simulator does not know that token; what counts is that it is kept.
    let _ = world.connection.list(&list(None, None)).await;
    assert_eq!(world.token("refresh-token").await, "new-refresh");
}

/// A firewall knows nothing of grants.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_before_the_token_url_locks_nobody_out() {
    for status in [401, 403] {
        let world = World::new(|_| {}).await;
        let first = world.token("access-token").await;
        assert!(world.simulator.expire_token(&first));
        let page = Answer::new(status, "<html>Blocked</html>").header("content-type", "text/html");
        world.simulator.answer_next(Matcher::new("POST", "/oauth/token"), page);
        let once = Policy::default().attempts(1);
        let connection = world.connection.clone().with_policy(once);
        let error = connection.list(&list(None, None)).await.unwrap_err();
        assert!(error.to_string().contains("a gateway, not AfterShip"), "{error}");
        let CallError::Connector(error) = error else { panic!("{error}") };
        assert_eq!(error.kind, ErrorKind::Unavailable);
        let grant = world.grant().await;
        assert_eq!((grant.state, grant.sends), (GrantState::Valid, 0));
        world.clock.forward(Duration::from_secs(40));
        connection.list(&list(None, None)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_is_missing_for_its_objects_only() {
    let world =
        World::new(|options| options.oauth.consent_to = Some(vec![Scope::TrackingRead])).await;
    world.connection.check("trackings").await.unwrap();
    assert_eq!(kind(world.connection.check("couriers").await), ErrorKind::Forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_grant_is_seen_or_kept_open() {
    let world = World::new(|_| {}).await;
    let query = world.connect().await;
    let code = query.split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap();
    let first = world.token("access-token").await;
    world.simulator.expire_token(&first);
    world.connection.list(&list(None, None)).await.unwrap();
    let secrets = [
        CLIENT_SECRET.to_owned(),
        code.to_owned(),
        first,
        world.token("access-token").await,
        world.token("refresh-token").await,
    ];
    let events = format!("{:?}", world.watch.events());
    let files = world.files();
    for secret in secrets {
        assert!(!events.contains(&secret), "{events}");
        let found = files.windows(secret.len()).any(|piece| piece == secret.as_bytes());
        assert!(!found, "a secret lies open in the database");
    }
}

/// Awaits all at the same time.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (one, ended) in &mut all {
            if ended.is_none()
                && let std::task::Poll::Ready(value) = one.as_mut().poll(context)
            {
                *ended = Some(value);
            }
        }
        match all.iter().all(|(_, ended)| ended.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    all.into_iter().filter_map(|(_, ended)| ended).collect()
}
