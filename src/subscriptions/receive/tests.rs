//! Deliveries, verified by the host's own HMAC and read.

use crate::AfterShip;
use host_harness::vault::{Secret, verify_any};
use proptest::prelude::*;

use super::*;
use crate::subscriptions::SECRET;
use connector_sdk::{FnHost, Request, Response, SecretError, SendError};

/// Looks like bytes in hexadecimal, and is none: its characters are the key.
const KEY: &str = "95f35e6b3dbc26527029cbd9cfa51b80";

/// A whole tracking in the current version.
const WHOLE: &str = r#"{"event":"tracking_update","event_id":"94dadd60-ed26-46d0-aa52-3ced925a50ff","is_tracking_first_tag":true,"msg":{"id":"0b02015fc7fd4f3c8d5490cece4d124d","legacy_id":"k5lh7dy7vvqeck71p5loe011","created_at":"2026-11-18T08:47:10+00:00","updated_at":"2026-11-21T17:47:10+00:00","tracking_number":"61293150000079650811","slug":"dhl","active":true,"tag":"InTransit","title":"Café ☕ und \ud83d\ude9a","shipment_weight":{"unit":"kg","value":0.70},"checkpoints":[{"hash":"a1b2","slug":"dhl"}],"new_member":[1e2]},"ts":1795283230}"#;

/// One of version 4, which has another shape and order.
const V4: &str = r#"{"ts":1712741696,"event":"tracking_update","msg":{"id":"k5lh7dy7vvqeck71p5loe011","tracking_number":"61293150000079650811","slug":"dhl","created_at":"2024-04-10T09:34:56+00:00","updated_at":"2024-04-10T09:34:56+00:00","last_updated_at":"2024-04-10T09:34:56+00:00","tag":"InTransit","android":[],"ios":[],"emails":[],"smses":[],"expected_delivery":null,"unique_token":"deprecated","custom_fields":{},"checkpoints":[{"slug":"dhl","zip":null,"country_iso3":null,"coordinates":[]}]},"event_id":"6f0a5f0c-3a15-4a5b-8b6e-2b8b7a1f0e11","is_tracking_first_tag":false}"#;

/// Signatures by another program, the same by Python's `hmac`:
/// `openssl dgst -sha256 -hmac KEY -binary BODY | openssl base64`.
const GOLDEN: [(&str, &str, &str); 4] = [
    (KEY, WHOLE, "FIPYZR5GgB3dNBA+9ogPEkNgosrLNSaywHhr9Yzn7D0="),
    (KEY, V4, "/vYaRdxh7uaJhGaVV8LmPkOQivwYsIcW5FvxzBmhXYE="),
    ("\u{fc}ber-secret", WHOLE, "IAKicFkvhEj6blJ58in7wPCkuVQTtcINVacdeMEX5pE="),
    (KEY, "", "tXXL9CtuLscu6BMJ8U7xZmXr2iTODZbC+qag5bv9slQ="),
];

/// A host whose connection has these versions of the secret, and that sends nothing.
fn host(keys: &[&str]) -> FnHost<impl FnMut(Request) -> Result<Response, SendError> + use<>> {
    let keys: Vec<_> = keys.iter().map(|key| Secret::new(*key)).collect();
    let host = FnHost::of::<AfterShip>(|request| panic!("sent {request:?}"));
    host.verifying(move |name, algorithm, message, signature| {
        assert_eq!((name, algorithm), (SECRET, "hmac-sha256"));
        if keys.is_empty() {
            return Err(SecretError::NotFound);
        }
        Ok(verify_any(algorithm, &keys, message, signature).unwrap())
    })
}

/// A host that takes every signature: what is left is reading.
fn trusting() -> FnHost<impl FnMut(Request) -> Result<Response, SendError>> {
    FnHost::of::<AfterShip>(|request| panic!("sent {request:?}")).verifying(|_, _, _, _| Ok(true))
}

fn headers(list: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

fn delivery(list: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Delivery {
    Delivery::post(headers(list), body.into())
}

/// What a body of the current version says.
fn read(body: impl Into<Vec<u8>>) -> Result<Event, Refusal> {
    let list = [(SIGNATURE, GOLDEN[0].2), (VERSION, "2026-07")];
    receive(&trusting(), &delivery(&list, body))
}

fn effect_of(body: impl Into<Vec<u8>>) -> Effect {
    read(body).unwrap().effect
}

fn changed(input: &str) -> Effect {
    Effect::Changed(input.to_owned())
}

#[test]
fn what_another_program_signed_is_verified() {
    for (key, body, signature) in GOLDEN {
        let signed = delivery(&[(SIGNATURE, signature)], body);
        let received = receive(&host(&[key]), &signed);
        assert!(!matches!(received, Err(Refusal::Unverified | Refusal::TryAgain(_))), "{key}");
        assert_eq!(receive(&host(&["another"]), &signed), Err(Refusal::Unverified));
    }
}

#[test]
fn every_live_version_of_the_secret_verifies() {
    let signed = delivery(&[(SIGNATURE, GOLDEN[0].2)], WHOLE);
    for keys in [&["new", KEY][..], &[KEY, "old"], &["new", "newer", KEY]] {
        assert!(receive(&host(keys), &signed).is_ok(), "{keys:?}");
    }
    assert_eq!(receive(&host(&["new", "old"]), &signed), Err(Refusal::Unverified));
}

#[test]
fn a_byte_changed_anywhere_is_noticed() {
    let host = host(&[KEY]);
    for place in 0..WHOLE.len() {
        let mut body = WHOLE.as_bytes().to_vec();
        body[place] ^= 1;
        let tampered = delivery(&[(SIGNATURE, GOLDEN[0].2)], body);
        assert_eq!(receive(&host, &tampered), Err(Refusal::Unverified), "{place}");
    }
    let [headless, tailless] =
        [WHOLE.strip_prefix('{'), WHOLE.strip_suffix('}')].map(Option::unwrap);
    for body in [headless, tailless, &format!("{WHOLE}\n"), ""] {
        let tampered = delivery(&[(SIGNATURE, GOLDEN[0].2)], body);
        assert_eq!(receive(&host, &tampered), Err(Refusal::Unverified));
    }
}

#[test]
fn the_header_may_be_written_in_any_case() {
    for name in [SIGNATURE, "AfterShip-HMAC-SHA256", "AFTERSHIP-HMAC-SHA256"] {
        let list = [("host", "x"), (name, GOLDEN[0].2), ("AS-Webhook-Version", "2026-07")];
        let event = receive(&host(&[KEY]), &delivery(&list, WHOLE)).unwrap();
        assert!(matches!(event.effect, Effect::Upserted(_)), "{name}");
    }
}

#[test]
fn a_signature_that_is_missing_doubled_or_undecodable_is_none() {
    let good = GOLDEN[0].2;
    let [spaced, cut, url, bare, hex, twice, longer] = [
        format!(" {good}"),
        good.replacen('F', "", 1),
        good.replace('+', "-"),
        good.trim_end_matches('=').to_owned(),
        "1483d8651e46801ddd34103ef6880f124360a2cacb3526b2c0786bf58ce7ec3d".to_owned(),
        format!("{good}, {good}"),
        format!("{good}{good}"),
    ];
    // The last digit carries two bits that no encoder sets.
    let loose = good.replace("D0=", "D1=");
    let own = |value| vec![(SIGNATURE, value)];
    for list in [
        vec![],
        vec![(SIGNATURE, good), (SIGNATURE, good)],
        vec![(SIGNATURE, good), ("Aftership-Hmac-Sha256", "x")],
        vec![("as-signature-hmac-sha256", good)],
        vec![("am-webhook-signature", good)],
        own(""),
        own("%%%"),
        own("AAAA"),
        own(&spaced),
        own(&cut),
        own(&url),
        own(&bare),
        own(&hex),
        own(&twice),
        own(&longer),
        own(&loose),
    ] {
        assert_eq!(
            receive(&host(&[KEY]), &delivery(&list, WHOLE)),
            Err(Refusal::Unverified),
            "{list:?}"
        );
    }
    let raw = vec![(SIGNATURE.to_owned(), vec![0xff; 44])];
    let received = receive(&host(&[KEY]), &Delivery::post(raw, WHOLE));
    assert_eq!(received, Err(Refusal::Unverified));
}

#[test]
fn without_a_usable_secret_it_has_to_come_again() {
    let signed = delivery(&[(SIGNATURE, GOLDEN[0].2)], WHOLE);
    for (error, said) in [
        (SecretError::NotFound, "does not have it"),
        (SecretError::Denied, "withholds"),
        (SecretError::Unavailable, "does not answer"),
        (SecretError::Unsupported, "hmac-sha256"),
    ] {
        let host = FnHost::of::<AfterShip>(|request| panic!("sent {request:?}"));
        let host = host.verifying(move |_, _, _, _| Err(error));
        match receive(&host, &signed) {
            Err(Refusal::TryAgain(why)) => {
                assert!(why.contains(SECRET) && why.contains(said), "{why}");
            }
            other => panic!("{error:?} {other:?}"),
        }
    }
    let empty = receive(&host(&[]), &signed);
    assert!(matches!(empty, Err(Refusal::TryAgain(_))));
}

#[test]
fn nothing_is_read_before_it_is_verified() {
    for body in ["", "no JSON", "{\"event\":7}"] {
        let forged = delivery(&[(SIGNATURE, GOLDEN[0].2)], body);
        assert_eq!(receive(&host(&[KEY]), &forged), Err(Refusal::Unverified));
    }
}

#[test]
fn a_whole_tracking_is_handed_on_token_for_token() {
    let event = read(WHOLE).unwrap();
    assert_eq!(event.id.as_deref(), Some("94dadd60-ed26-46d0-aa52-3ced925a50ff"));
    assert_eq!((event.object.as_str(), event.name.as_str()), ("trackings", "tracking_update"));
    assert_eq!(event.occurred_at.as_deref(), Some("2026-11-21T17:47:10+00:00"));
    let Effect::Upserted(record) = event.effect else { panic!() };
    assert_eq!(record.id, "0b02015fc7fd4f3c8d5490cece4d124d");
    assert_eq!(record.updated_at.as_deref(), Some("2026-11-21T17:47:10+00:00"));
    assert_eq!(record.created_at.as_deref(), Some("2026-11-18T08:47:10+00:00"));
    let (_, msg) = WHOLE.split_once("\"msg\":").unwrap();
    assert_eq!(record.data, msg.strip_suffix(",\"ts\":1795283230}").unwrap());
    let derived = crate::testing::derive("checkpoints", &[record]).unwrap();
    assert_eq!(derived[0][0].id, "0b02015fc7fd4f3c8d5490cece4d124d/a1b2");
}

#[test]
fn all_events_and_later_ones_are_read_alike() {
    for name in ["tracking_update", "edd_revise", "tracking_pending_time", "tracking_deleted"] {
        let event = read(WHOLE.replace("tracking_update", name)).unwrap();
        assert_eq!(event.name, name);
        assert!(matches!(event.effect, Effect::Upserted(_)), "{name}");
    }
}

#[test]
fn a_tracking_of_another_version_is_looked_up() {
    let by_id = changed(r#"{"id":"0b02015fc7fd4f3c8d5490cece4d124d"}"#);
    for (list, body, expected) in [
        (vec![], WHOLE, by_id.clone()),
        (vec![(VERSION, "2026-01")], WHOLE, by_id.clone()),
        (vec![(VERSION, "2027-01")], WHOLE, by_id.clone()),
        (vec![(VERSION, "2026-07"), (VERSION, "2026-07")], WHOLE, by_id),
        (vec![(VERSION, "v4")], V4, changed(r#"{"id":"k5lh7dy7vvqeck71p5loe011"}"#)),
        (vec![], V4, changed(r#"{"id":"k5lh7dy7vvqeck71p5loe011"}"#)),
    ] {
        let mut list = list;
        list.push((SIGNATURE, GOLDEN[0].2));
        let host = trusting();
        assert_eq!(receive(&host, &delivery(&list, body)).unwrap().effect, expected, "{list:?}");
        let logged = host.logged();
        assert!(matches!(&logged[..], [(Level::Info, text)] if text.contains("2026-07")));
    }
}

#[test]
fn a_connection_of_another_version_takes_trackings_of_that_version() {
    let host = trusting().with_setting(API_VERSION, "2026-01");
    let list = |version| [(SIGNATURE, GOLDEN[0].2), (VERSION, version)];
    let older = receive(&host, &delivery(&list("2026-01"), WHOLE)).unwrap();
    assert!(matches!(older.effect, Effect::Upserted(_)));
    let newer = receive(&host, &delivery(&list("2026-07"), WHOLE)).unwrap();
    assert!(matches!(newer.effect, Effect::Changed(_)));
}

#[test]
fn part_of_a_tracking_is_looked_up() {
    let number = r#"{"tracking_number":"0000000000000000","slug":"usps"}"#;
    let edd = r#"{"event":"edd_revise","event_id":"e","msg":{"tracking_number":"0000000000000000","slug":"usps","tag":"InTransit","aftership_estimated_delivery_date":{"estimated_delivery_date":"2026-12-02"}},"ts":1712741700}"#;
    let pending = r#"{"event":"tracking_pending_time","event_id":"p","msg":{"tracking_number":"0000000000000000","slug":"usps","tag":"Pending"},"ts":1712741800}"#;
    assert_eq!(effect_of(edd), changed(number));
    assert_eq!(effect_of(pending), changed(number));
    assert_eq!(
        effect_of(r#"{"msg":{"tracking_number":"A\"\\1"}}"#),
        changed(r#"{"tracking_number":"A\"\\1"}"#)
    );
    // Whatever no whole tracking lacks, in turn missing or of another kind.
    let by_id = changed(r#"{"id":"0b02015fc7fd4f3c8d5490cece4d124d"}"#);
    for (member, others) in [
        ("\"created_at\":\"2026-11-18T08:47:10+00:00\"", ["\"created_at\":null", "\"x\":0"]),
        ("\"updated_at\":\"2026-11-21T17:47:10+00:00\"", ["\"updated_at\":\"soon\"", "\"x\":0"]),
        ("\"updated_at\":\"2026-11-21T17:47:10+00:00\"", ["\"updated_at\":1795283230", "\"x\":0"]),
        ("\"tracking_number\":\"61293150000079650811\"", ["\"tracking_number\":\"\"", "\"x\":0"]),
        ("\"slug\":\"dhl\",\"active\"", ["\"slug\":null,\"active\"", "\"active\""]),
        ("\"tag\":\"InTransit\"", ["\"tag\":null", "\"x\":0"]),
        (
            "\"checkpoints\":[{\"hash\":\"a1b2\",\"slug\":\"dhl\"}]",
            ["\"checkpoints\":{}", "\"x\":0"],
        ),
    ] {
        for other in others {
            let body = WHOLE.replace(member, other);
            assert_ne!(body, WHOLE);
            assert_eq!(effect_of(body), by_id, "{other}");
        }
    }
}

#[test]
fn a_delivery_about_no_tracking_says_nothing() {
    for body in [
        "{}",
        r#"{"event":"tracking_update"}"#,
        r#"{"event":"test","event_id":null,"msg":null,"ts":null}"#,
        r#"{"msg":{}}"#,
        r#"{"msg":{"id":"","tracking_number":"","slug":"dhl"}}"#,
        r#"{"msg":{"id":null,"title":"This is a test"}}"#,
        r#"{"event":"webhook_TEST","msg":{"title":"This is a test"}}"#,
        r#"{"event":"tracking_update","msg":{ }}"#,
        "\u{feff}{}",
    ] {
        let event = read(body).unwrap();
        assert_eq!((event.object.as_str(), event.effect), ("trackings", Effect::Nothing), "{body}");
        assert_eq!((event.id, event.occurred_at), (None, None), "{body}");
        assert!(!event.name.is_empty());
    }
}

#[test]
fn names_may_be_escaped_and_members_in_any_order() {
    let body = r#" { "x" : {"event":"y"} , "\u006dsg" : { "\u0069d" : "t\u0031" } , "\u0065vent" : "a\u0062" } "#;
    let event = read(body).unwrap();
    assert_eq!((event.name.as_str(), event.effect), ("ab", changed(r#"{"id":"t1"}"#)));
}

#[test]
fn what_cannot_be_read_is_told() {
    let deep = |levels| format!("{{\"msg\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    for (body, why) in [
        (String::new(), "JSON"),
        (" ".into(), "JSON"),
        ("tracking_update".into(), "JSON"),
        ("[]".into(), "object"),
        ("null".into(), "object"),
        ("7".into(), "object"),
        (r#"{"event":"x""#.into(), "JSON"),
        (r#"{"event":"x"}}"#.into(), "JSON"),
        (r#"{"event":"x",}"#.into(), "JSON"),
        ("{\"event\":\"a\nb\"}".into(), "JSON"),
        (deep(128), "128 levels"),
        (deep(100_000), "128 levels"),
        (r#"{"msg":"text"}"#.into(), "`msg`"),
        (r#"{"msg":[{"id":"t1"}]}"#.into(), "`msg`"),
        (r#"{"msg":true}"#.into(), "`msg`"),
        (r#"{"msg":{"id":"a"},"msg":{"id":"b"}}"#.into(), "`msg` twice"),
        // Of an event some tracking changed, so which one has to be said.
        (r#"{"msg":{"id":7}}"#.into(), "names no tracking"),
        (r#"{"msg":{"id":"\ud800"}}"#.into(), "names no tracking"),
        (r#"{"msg":{"tracking_number":7,"slug":"dhl"}}"#.into(), "names no tracking"),
        (r#"{"msg":{"id":"a","i\u0064":"b"}}"#.into(), "names no tracking"),
        (r#"{"event":7,"msg":{"title":"x"}}"#.into(), "names no tracking"),
        (r#"{"event":"tracking_update","msg":{"title":"x"}}"#.into(), "names no tracking"),
        (r#"{"event":"tracking_deleted","msg":{"tracking":{"id":"t1"}}}"#.into(), "names no"),
    ] {
        match read(body.as_bytes()) {
            Err(Refusal::Unreadable(found)) => assert!(found.contains(why), "{body:.80} {found}"),
            other => panic!("{body:.80} {other:?}"),
        }
    }
    let mut bytes = WHOLE.as_bytes().to_vec();
    bytes[30] = 0xff;
    assert!(matches!(read(bytes), Err(Refusal::Unreadable(why)) if why.contains("byte 30")));
}

/// A delivery is answered once: what it is about must not depend on how the rest is written.
#[test]
fn an_odd_member_counts_as_unknown_and_the_tracking_is_known_all_the_same() {
    let id = "\"94dadd60-ed26-46d0-aa52-3ced925a50ff\"";
    let (id, name, ts) =
        (format!("\"event_id\":{id}"), "\"event\":\"tracking_update\"", "\"ts\":1795283230");
    let odd = [
        "7",
        "7.5",
        "-1",
        "1e9",
        "1795283230000",
        "99999999999999999999",
        "true",
        "[]",
        "{}",
        "\"\\ud800\"",
    ];
    let told = |body: String| {
        let list = [(SIGNATURE, GOLDEN[0].2), (VERSION, "2026-07")];
        let host = trusting();
        let event = receive(&host, &delivery(&list, body)).unwrap();
        assert!(matches!(&event.effect, Effect::Upserted(record) if record.data.contains("kg")));
        let said = host.logged().iter().map(|(_, text)| text.clone()).collect::<String>();
        (event, said)
    };
    for value in odd {
        let (event, said) = told(WHOLE.replace(&id, &format!("\"event_id\":{value}")));
        assert!(event.id.is_none() && said.contains("`event_id`"), "{value} {said}");
        let (event, said) = told(WHOLE.replace(name, &format!("\"event\":{value}")));
        assert!(event.name == UNNAMED && said.contains("`event`"), "{value} {said}");
    }
    for value in odd.into_iter().skip(1).chain(["\"1795283230\"", "1795283230.0"]) {
        let (event, said) = told(WHOLE.replace(ts, &format!("\"ts\":{value}")));
        assert!(event.occurred_at.is_none() && said.contains("`ts`"), "{value} {said}");
    }
    for (member, doubled) in [(id.as_str(), "event_id"), (name, "event"), (ts, "ts")] {
        let (_, said) = told(WHOLE.replace(member, &format!("{member},{member}")));
        assert!(said.contains(doubled), "{said}");
    }
    // Of the tracking's own members the rest still says which one to look up.
    let by_id = changed(r#"{"id":"t1"}"#);
    for (body, expected) in [
        (r#"{"msg":{"id":"t1","slug":["dhl"]}}"#, by_id.clone()),
        (r#"{"msg":{"id":"t1","tracking_number":7}}"#, by_id.clone()),
        (r#"{"msg":{"id":7,"tracking_number":"N"}}"#, changed(r#"{"tracking_number":"N"}"#)),
        (
            r#"{"msg":{"id":"a","id":"b","tracking_number":"N"}}"#,
            changed(r#"{"tracking_number":"N"}"#),
        ),
        ("\u{feff}{\"msg\":{\"id\":\"t1\"}}", by_id),
    ] {
        assert_eq!(effect_of(body), expected, "{body}");
    }
    let twice = WHOLE.replace("\"active\":true", "\"updated_at\":null");
    assert_eq!(effect_of(twice), changed(r#"{"id":"0b02015fc7fd4f3c8d5490cece4d124d"}"#));
}

#[test]
fn a_member_that_nobody_reads_may_come_twice() {
    let body = WHOLE.replace("\"active\":true", "\"active\":true,\"active\":false");
    assert!(matches!(effect_of(body), Effect::Upserted(record) if record.data.contains("false")));
}

proptest! {
    #[test]
    fn no_bytes_panic(
        list in prop::collection::vec(("(?i)aftership-hmac-sha256|as-webhook-version|.{0,8}", prop::collection::vec(any::<u8>(), 0..50)), 0..4),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = receive(&trusting(), &Delivery::post(list, body.clone()));
        let _ = read(body);
    }

    #[test]
    fn no_damage_to_a_good_body_panics(
        places in prop::collection::vec((0..WHOLE.len(), any::<u8>()), 1..6),
        end in 0..=WHOLE.len(),
    ) {
        let mut body = WHOLE.as_bytes().to_vec();
        for (place, byte) in places {
            body[place] = byte;
        }
        body.truncate(end);
        // What still counts as whole is still a JSON text.
        if let Ok(Event { effect: Effect::Upserted(record), .. }) = read(body) {
            prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(&record.data).is_ok());
        }
    }
}
