//! Signed keys against a simulator that checks each signature and its time.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aftership_simulator::{Options, SignedKey, Simulator};
use host_harness::clock::TokioClock;
use host_harness::contract::types::ErrorKind;
use host_harness::retry::Policy;
use host_harness::runtime::Connection;
use host_harness::vault::Secret;

use crate::support::world::{NOW_MS, connecting, kind, list};
use crate::support::{Watch, component, runtime};

const KEY: &str = "asat_signed_0123456789";
/// Made for these tests.
pub const RSA_KEY: &str = include_str!("../fixtures/rsa-key.pem");
const SECRET: &str = "canary-api-secret-0123456789";

/// Calls with a signed key by a host whose clock is ahead by so many seconds.
async fn connection(
    scheme: &str,
    key: SignedKey,
    secret: (&str, &str),
    ahead_s: i64,
) -> (Connection, Simulator) {
    let simulator = Simulator::new(Options {
        signed_keys: vec![key],
        clock: Arc::new(aftership_simulator::TokioClock::new(NOW_MS)),
        ..Options::default()
    });
    let connector = runtime().load(&component()).await.unwrap();
    let now_ms = NOW_MS.saturating_add_signed(ahead_s * 1_000);
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms);
    let watch = Arc::<Watch>::default();
    let connection = connecting(&connector, &simulator, &watch, KEY)
        .setting("scheme", scheme)
        .secret(secret.0, Secret::new(secret.1))
        .clock(Arc::new(TokioClock::starting_at(now)))
        .build()
        .await
        .unwrap();
    (connection.with_policy(Policy::default().seed(7)), simulator)
}

/// AfterShip takes times within three minutes of its own; beyond, its answer sets the time right.
#[tokio::test(start_paused = true)]
async fn signatures_hold_the_providers_time() {
    for (ahead_s, requests) in [(0, 1), (170, 1), (-170, 1), (600, 2), (-600, 2)] {
        let key = SignedKey::hmac(KEY, SECRET);
        let (connection, simulator) =
            connection("api-key-hmac", key, ("api-secret", SECRET), ahead_s).await;
        connection.list(&list(None, None)).await.unwrap();
        assert_eq!(simulator.journal().len(), requests, "{ahead_s} s ahead");
        let wish = r#"{"tracking_number":"1Z12345E0205271688","slug":"ups","note":"a b+c"}"#;
        connection.create("trackings", wish).await.unwrap();
        assert_eq!(simulator.journal().len(), requests + 1, "the time is known by now");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_refused_once() {
    let key = SignedKey::hmac(KEY, SECRET);
    let (connection, simulator) = connection("api-key-hmac", key, ("api-secret", "other"), 0).await;
    assert_eq!(kind(connection.list(&list(None, None)).await), ErrorKind::Unauthenticated);
    assert_eq!(simulator.journal().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_rsa_key_signs() {
    let key = SignedKey::rsa(KEY, include_bytes!("../fixtures/rsa-public-key.pem")).unwrap();
    let (connection, _) = connection("api-key-rsa", key, ("private-key", RSA_KEY), 0).await;
    let filter = serde_json::json!({ "tag": "Delivered", "keyword": "a b+c" });
    connection.list(&list(Some(filter), None)).await.unwrap();
    let wish = r#"{"tracking_number":"1Z12345E0205271688","slug":"ups"}"#;
    connection.create("trackings", wish).await.unwrap();
}
