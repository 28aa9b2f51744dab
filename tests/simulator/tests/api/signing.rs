//! Signed requests: what is accepted, and that nothing can be changed afterwards.

use aftership_simulator::SignedKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http::request::Builder;
use ring::hmac;

use crate::client::{Answer, Client, TRACKINGS};

const DATE: &str = "Sun, 22 Nov 2026 12:00:00 GMT";
const HMAC: &str = "as-signature-hmac-sha256";
const RSA: &str = "as-signature-rsa-sha256";
const BODY: &str = r#"{"tracking_number":"123456789","slug":"dhl"}"#;

/// The worked examples of the official SDK under `test-secret`.
const GET: &str = "TjA2PNoTIGfi7hEauJyEDHvRxHxs/gHRhnmHuF1Y6Yk=";
const POST: &str = "xIa1hNooVLqa+Zwm86VARETQXGA6pVY1ISNuBh1qyig=";
const DELETE: &str = "LNDlHBQ7EoJblT40E7RjrZbXxBhScImkoMjtUWM0GM4=";

const QUERY: &str = "created_at_min=2026-11-01T00%3A00%3A00%2B00%3A00&limit=200";

fn signing() -> Client {
    Client::with(|options| options.signed_keys = vec![SignedKey::hmac("test-key", "test-secret")])
}

fn signed(builder: Builder, date: &str, signature: &str) -> Builder {
    builder.header("as-api-key", "test-key").header("date", date).header(HMAC, signature)
}

async fn get(client: &Client, query: &str, date: &str, signature: &str) -> Answer {
    let request = signed(Request::get(format!("{TRACKINGS}?{query}")), date, signature);
    client.raw(request.body(Bytes::new()).unwrap()).await
}

async fn post(client: &Client, kind: Option<&str>, body: &str) -> Answer {
    let mut request = signed(Request::post(TRACKINGS), DATE, POST);
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    client.raw(request.body(Bytes::from(body.to_owned())).unwrap()).await
}

/// The signature of a text under `test-secret`.
fn sign(text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"test-secret");
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

#[tokio::test]
async fn the_worked_examples_are_accepted() {
    let client = signing();
    let answer = get(&client, QUERY, DATE, GET).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = post(&client, Some("application/json"), BODY).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let path = format!("{TRACKINGS}/0b02015fc7fd4f3c8d5490cece4d124d");
    let request = signed(Request::delete(path), DATE, DELETE);
    let request = request.header("content-type", "application/json");
    let answer = client.raw(request.body(Bytes::new()).unwrap()).await;
    assert_eq!(answer.code(), 4004, "{}", answer.text);
    // The order of a query and the way its values are escaped do not matter.
    let other = "limit=200&created_at_min=2026-11-01T00:00:00%2B00:00";
    assert_eq!(get(&client, other, DATE, GET).await.status, 200);
    // A plain key needs no signature beside it.
    assert_eq!(client.list("").await.status, 200);
    let key = client.simulator.journal()[0].header("as-api-key").map(str::to_owned);
    assert_eq!(key.as_deref(), Some("valid"));
}

#[tokio::test]
async fn nothing_can_be_changed_after_signing() {
    let client = signing();
    let forged = |answer: Answer| {
        assert_eq!(answer.status, 401, "{}", answer.text);
        assert!(answer.text.contains("the signature does not fit the request"), "{}", answer.text);
    };
    forged(get(&client, &QUERY.replace("200", "100"), DATE, GET).await);
    forged(get(&client, &format!("{QUERY}&tag=Pending"), DATE, GET).await);
    forged(get(&client, QUERY, "Sun, 22 Nov 2026 12:00:01 GMT", GET).await);
    forged(get(&client, QUERY, DATE, DELETE).await);
    forged(get(&client, QUERY, DATE, "").await);
    forged(get(&client, QUERY, DATE, "no base64!").await);
    forged(post(&client, Some("application/json"), &BODY.replace("dhl", "ups")).await);
    let other = signed(Request::put(TRACKINGS), DATE, POST);
    let other = other.header("content-type", "application/json");
    forged(client.raw(other.body(Bytes::from(BODY)).unwrap()).await);
    let more = signed(Request::get(format!("{TRACKINGS}?{QUERY}")), DATE, GET);
    let more = more.header("as-store", "x");
    forged(client.raw(more.body(Bytes::new()).unwrap()).await);
    assert_eq!(client.simulator.count(), 0);
}

#[tokio::test]
async fn the_date_must_be_within_three_minutes() {
    let client = signing();
    for (seconds, status) in [(170, 200), (180, 200), (181, 401), (190, 401)] {
        client.clock.set(crate::client::NOON + seconds * 1000);
        assert_eq!(get(&client, QUERY, DATE, GET).await.status, status, "{seconds} s late");
        client.clock.set(crate::client::NOON - seconds * 1000);
        assert_eq!(get(&client, QUERY, DATE, GET).await.status, status, "{seconds} s early");
    }
    let late = get(&client, QUERY, DATE, GET).await;
    assert_eq!(
        late.json["meta"]["message"],
        "The API key is for signed requests: the header `date` is more than 3 minutes off."
    );
    let text = |date: &str| format!("GET\n\n\n{date}\nas-api-key:test-key\n{TRACKINGS}?a=");
    client.clock.set(crate::client::NOON);
    for date in ["Sun, 22 Nov 2026 12:00:00 +0000", "2026-11-22T12:00:00Z", ""] {
        let answer = get(&client, "a", date, &sign(&text(date))).await;
        assert!(answer.status == 401 && answer.text.contains("of the form"), "{}", answer.text);
    }
    // The text is right: with the true date it is an unknown parameter, not a wrong signature.
    assert_eq!(get(&client, "a", DATE, &sign(&text(DATE))).await.status, 400);
}

#[tokio::test]
async fn a_space_may_be_signed_in_either_way() {
    let client = signing();
    for (sent, signed) in [("a%20b", "a%20b"), ("a+b", "a+b"), ("a%20b", "a+b"), ("a+b", "a%20b")] {
        let text = format!("GET\n\n\n{DATE}\nas-api-key:test-key\n{TRACKINGS}?keyword={signed}");
        let answer = get(&client, &format!("keyword={sent}"), DATE, &sign(&text)).await;
        assert_eq!(answer.status, 200, "{sent} as {signed}: {}", answer.text);
    }
}

/// Signatures of `GET {TRACKINGS}?limit=5` by OpenSSL (`dgst -sha256 -sign`, PSS), with the salt
/// of 32 bytes that the API wants, and with one of 20.
const BY_OPENSSL: &str = "lKsPx/mGOlm7WHb8WUbnL+al8xLwzEIkIsDAxZ6hm/3kNnLj0fkfDq/2wtSdMmSuYpBvO7tP/OuBIEPUAwqrdKIN \
    aIqiDeMn5ZS3xMGt/RMGa/+FiaLSw7ZtxjCu7+6ms0qSDwqo+oFxUIxHtaOEIRz3avbr2yqpZd7SKpLbAt0JtJTj \
    +QR3G/o/XuZnylgC0mGxaiWsYm8AGQ83j6rm26nxj3ipla+vVjgUwXjzgiefPKKnFqTDvq7hLdqKe9eAdV1HpVp4 \
    GwARMJz7H3jIXT7cCYdiQGlG0PA/XdPM1Hq0lsU9chZTa8c7pzcVubpIhGSJc5IHoforr0w/wIbmTg==";
const ODD_SALT: &str = "ZjJQsEr5cK3N6Aef7+Mmg9QHus3Iu2c03FlXNtHhoVYNzL1fFcmThZdxm9nV8V9O5Vz9tRSIFb9TFizyHwnClz8l \
    K5K+Zutfx6f87rJderI0A5rnenoDmheEC4l8CPCyuT1R5dx9oV6lL4xCbDooF1v1cx2OWXHZbY1x56lYiPp3Ur54 \
    XH1nlsS/W2nGyn5gTKmceE+HtxQSWXK9jcMzsUG1XSMZVlZr5BbAM7P3vojc5lLkA1cYhX1MyaVTrBE/zhNAzQl1 \
    z6yfRDpqH9ljl+WoJz+CxswtGd/dDXtyDICK0LxH1r1RbAIALbTxUwUjBu094kEATKZwozsnMSy4Pg==";

#[tokio::test]
async fn rsa_signatures_are_checked() {
    let public_key = include_bytes!("../../../fixtures/rsa-public-key.pem");
    let key = SignedKey::rsa("rsa-key", public_key).unwrap();
    assert!(!format!("{key:?}").contains("rsa-key"));
    let client = Client::with(|options| options.signed_keys = vec![key]);
    for (limit, name, signature, status) in [
        (5, RSA, BY_OPENSSL, 200),
        (6, RSA, BY_OPENSSL, 401),
        (5, RSA, ODD_SALT, 401),
        (5, HMAC, BY_OPENSSL, 401),
    ] {
        let signature = signature.replace(' ', "");
        let request = Request::get(format!("{TRACKINGS}?limit={limit}"));
        let request = request.header("as-api-key", "rsa-key").header("date", DATE);
        let request = request.header(name, signature).body(Bytes::new()).unwrap();
        let answer = client.raw(request).await;
        assert_eq!(answer.status, status, "{limit} {name}: {}", answer.text);
    }
    for bad in ["-----BEGIN PUBLIC KEY-----", "", "MIIB"] {
        assert!(SignedKey::rsa("rsa-key", bad.as_bytes()).is_err(), "{bad}");
    }
}
