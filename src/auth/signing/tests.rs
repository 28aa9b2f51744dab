use super::*;
use crate::AfterShip;
use crate::testing::kind_name;
use connector_sdk::{FnHost, Response, SecretError};
use host_harness::vault::{self, Secret};

/// 2026-11-22T12:00:00Z.
const NOON_MS: u64 = 1_795_348_800_999;

/// A host whose `api-key` is `test-key`, and which signs with `test-secret` as the real one does.
fn host() -> FnHost<impl FnMut(Request) -> Result<Response, connector_sdk::SendError>> {
    FnHost::of::<AfterShip>(|_| panic!("nothing is sent")).at(NOON_MS).signing(
        |name, algorithm, message| {
            assert_eq!(name, "api-secret");
            let text = resolved(message);
            Ok(vault::sign(algorithm, &Secret::new("test-secret"), &text).unwrap())
        },
    )
}

fn resolved(message: &[Part]) -> Vec<u8> {
    let parts = message.iter().map(|part| match part {
        Part::Bytes(bytes) => bytes.clone(),
        Part::Secret(name) if name == "api-key" => b"test-key".to_vec(),
        Part::Secret(other) => panic!("{other}"),
    });
    parts.collect::<Vec<_>>().concat()
}

/// Signs as a scheme does.
fn authorise(
    scheme: &str,
    host: &dyn Host,
    method: &'static str,
    request: &mut Request,
) -> Result<(), Error> {
    let endpoint = Endpoint { name: "any", method, ..connector_sdk::declare::READ };
    connector_sdk::scheme::find_named(crate::auth::SCHEMES, scheme)
        .unwrap()
        .authorise(host, &endpoint, request)
}

fn request(path: &str, body: Option<&str>) -> Request {
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    headers.extend(body.map(|_| ("content-type".to_owned(), "application/json".to_owned())));
    Request {
        endpoint: "any".into(),
        cost: 1,
        path_with_query: path.to_owned(),
        headers,
        body: body.map(|text| text.as_bytes().to_vec()),
        secret_uses: Vec::new(),
    }
}

/// Made with AfterShip's own SDK (tracking-sdk 17.0.0, `authentication.ts`).
#[test]
fn hmac_signatures_are_those_of_aftership() {
    let list = "/tracking/2026-07/trackings";
    for (method, path, body, expected) in [
        (
            "GET",
            &*format!("{list}?created_at_min=2026-11-01T00%3A00%3A00%2B00%3A00&limit=200"),
            None,
            "TjA2PNoTIGfi7hEauJyEDHvRxHxs/gHRhnmHuF1Y6Yk=",
        ),
        (
            "POST",
            list,
            Some(r#"{"tracking_number":"123456789","slug":"dhl"}"#),
            "xIa1hNooVLqa+Zwm86VARETQXGA6pVY1ISNuBh1qyig=",
        ),
        (
            "DELETE",
            &format!("{list}/0b02015fc7fd4f3c8d5490cece4d124d"),
            None,
            "LNDlHBQ7EoJblT40E7RjrZbXxBhScImkoMjtUWM0GM4=",
        ),
    ] {
        let mut request = request(path, body);
        authorise("api-key-hmac", &host(), method, &mut request).unwrap();
        let sent = |name| header(&request.headers, name);
        assert_eq!(sent("as-signature-hmac-sha256"), Some(expected), "{method} {path}");
        assert_eq!(sent("date"), Some("Sun, 22 Nov 2026 12:00:00 GMT"));
        assert_eq!(request.secret_uses, ["api-key"]);
    }
}

/// AfterShip's own vectors (aftership-sdk-go, `signature_test.go`).
#[test]
fn the_parts_are_those_of_aftership() {
    assert_eq!(md5_hex(br#"{"key1":"value1"}"#), "1530ACCF30CAB891D759FA3CB8322250");
    let headers = [("AS-header2", "ThisIsHeader2"), ("AS-Header1", " this-is-header-1 ")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let text = |value: &str| Value::Text(value.into());
    assert_eq!(
        canonical_headers(&headers, &[]),
        [
            ("as-header1".to_owned(), text("this-is-header-1")),
            ("as-header2".to_owned(), text("ThisIsHeader2")),
        ]
    );
    assert_eq!(
        canonical_resource("/tracking?3key=111&2key=222&key=333&1key=000"),
        "/tracking?1key=000&2key=222&3key=111&key=333"
    );
}

#[test]
fn a_resource_keeps_empty_values_and_the_order_of_equal_names() {
    for (given, canonical) in [
        ("/trackings", "/trackings"),
        ("/trackings?", "/trackings"),
        ("/trackings?b=&a", "/trackings?a=&b="),
        ("/trackings?b=2&a=1&b=1", "/trackings?a=1&b=2&b=1"),
        ("/trackings?a=x%2Cy%20z&A=1", "/trackings?A=1&a=x%2Cy%20z"),
    ] {
        assert_eq!(canonical_resource(given), canonical);
    }
}

#[test]
fn six_parts_are_signed_and_the_same_query_is_sent() {
    let mut asked = request("/tracking/2026-07/trackings/1?b=2&a=1", Some("{}"));
    asked.headers.push(("AS-More".into(), " 1 ".into()));
    authorise("api-key-hmac", &host(), "PUT", &mut asked).unwrap();
    assert_eq!(asked.path_with_query, "/tracking/2026-07/trackings/1?a=1&b=2");
    asked.headers.retain(|(name, _)| name != "as-signature-hmac-sha256");
    assert_eq!(
        String::from_utf8(resolved(&message("PUT", &asked, &[crate::auth::api_key::KEY]))).unwrap(),
        "PUT\n99914B932BD37A50B983C5E7C90AE93B\napplication/json\nSun, 22 Nov 2026 12:00:00 GMT\n\
         as-api-key:test-key\nas-more:1\n/tracking/2026-07/trackings/1?a=1&b=2"
    );
    let bare = Request { headers: Vec::new(), ..request("", None) };
    assert_eq!(resolved(&message("GET", &bare, &[])), b"GET\n\n\n\n\n");
}

#[test]
fn rsa_has_a_key_and_a_header_of_its_own() {
    let host = FnHost::of::<AfterShip>(|_| panic!("nothing is sent")).at(NOON_MS);
    let host = host.signing(|name, algorithm, _| {
        assert_eq!((name, algorithm), ("private-key", "rsa-pss-sha256"));
        Ok(b"signed".to_vec())
    });
    let mut request = request("/tracking/2026-07/couriers", None);
    authorise("api-key-rsa", &host, "GET", &mut request).unwrap();
    assert_eq!(header(&request.headers, "as-signature-rsa-sha256"), Some("c2lnbmVk"));
}

#[test]
fn a_key_that_does_not_sign_stops_the_request_with_a_next_step() {
    for (why, case, step) in [
        (SecretError::NotFound, "Unauthenticated", "`api-secret`. Connect again"),
        (SecretError::Denied, "Internal", "the right key"),
        (SecretError::Unavailable, "Unavailable", "try again later"),
        (SecretError::Unsupported, "Internal", "another scheme"),
    ] {
        let host = FnHost::of::<AfterShip>(|_| panic!("nothing is sent"));
        let host = host.with_setting("scheme", "api-key-hmac").signing(move |_, _, _| Err(why));
        let error = crate::testing::get(&host, "trackings", "1").unwrap_err();
        assert!(kind_name(&error).starts_with(case), "{error:?}");
        assert!(error.message.contains(step), "{error:?}");
    }
}
