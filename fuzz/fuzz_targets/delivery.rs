//! A delivery with any headers and body is refused or read, and read as serde_json reads it.
#![no_main]

use aftership_connector::AfterShip;
use aftership_connector::subscriptions::receive;
use connector_sdk::{Delivery, Effect, FnHost};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// Base64 of 32 bytes.
const SIGNATURE: &[u8] = b"FIPYZR5GgB3dNBA+9ogPEkNgosrLNSaywHhr9Yzn7D0=";

fuzz_target!(|input: (Vec<(String, Vec<u8>)>, Vec<u8>)| {
    let (mut headers, body) = input;
    let host = FnHost::of::<AfterShip>(|request| panic!("sent {request:?}")).verifying(|_, _, _, _| Ok(true));
    let _ = receive(&host, &Delivery::post(headers.clone(), body.clone()));
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("aftership-hmac-sha256"));
    headers.push(("aftership-hmac-sha256".into(), SIGNATURE.into()));
    headers.push(("as-webhook-version".into(), b"2026-07".into()));
    let Ok(event) = receive(&host, &Delivery::post(headers, body.clone())) else { return };
    let Ok(value) = serde_json::from_slice::<Value>(&body) else { return };
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    assert_eq!(event.id, text(&value["event_id"]));
    match event.effect {
        Effect::Upserted(record) => {
            assert_eq!(serde_json::from_str::<Value>(&record.data).unwrap(), value["msg"]);
            assert_eq!(Some(record.id), text(&value["msg"]["id"]));
            assert_eq!(record.updated_at, text(&value["msg"]["updated_at"]));
        }
        Effect::Changed(wanted) => {
            let wanted: Value = serde_json::from_str(&wanted).unwrap();
            for (name, known) in wanted.as_object().unwrap() {
                assert_eq!(known, &value["msg"][name]);
            }
        }
        _ => {
            assert_eq!(text(&value["msg"]["id"]), None);
            assert_eq!(text(&value["msg"]["tracking_number"]), None);
        }
    }
});
