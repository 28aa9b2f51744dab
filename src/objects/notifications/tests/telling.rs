//! Who is told: the record of a tracking.

use super::*;
use crate::testing::{derive, get};
use connector_sdk::Error;
use connector_sdk::ErrorKind;

fn record(data: &str) -> Option<DataRecord> {
    let mut records = derive(OBJECT, &[holder(data)]).unwrap().remove(0);
    assert!(records.len() < 2, "{records:?}");
    records.pop()
}

#[test]
fn customers_and_subscribers_stay_as_they_are() {
    let customers = format!("{ANN}, {BOB}");
    let record = record(&tracking(&customers, r#" "\u0061@x.io" "#)).unwrap();
    assert_eq!(
        record.data,
        format!(
            r#"{{"id":"t1","tracking_id":"t1","tracking_number":"N1","slug":"dhl","customers":[{customers}],"subscribed_emails":[ "\u0061@x.io" ],"subscribed_smses":[],"recipients":[{{"channel":"email","address":"Ann@example.com"}},{{"channel":"sms","address":"+491701"}},{{"channel":"email","address":"\u0061@x.io"}}]}}"#
        )
    );
    assert_eq!(DataRecord { data: String::new(), ..record }, holder(""));
}

#[test]
fn each_address_is_told_once_a_channel() {
    let data = r#"{"customers":[{"email":"A@x.io"},{"email":"b@x.io","phone_number":"+1"},{"email":""},{"name":"no address"},7],"subscribed_emails":["a@X.io",null,"c@x.io","c@x.io"],"subscribed_smses":["+1","A@x.io","+2",5]}"#;
    let record: serde_json::Value = serde_json::from_str(&record(data).unwrap().data).unwrap();
    let told = record["recipients"].as_array().unwrap().iter().map(|recipient| {
        format!(
            "{} {}",
            recipient["channel"].as_str().unwrap(),
            recipient["address"].as_str().unwrap()
        )
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        ["email A@x.io", "email b@x.io", "sms +1", "email c@x.io", "sms A@x.io", "sms +2"]
    );
}

#[test]
fn a_record_exists_while_anybody_is_told() {
    for (data, exists) in [
        (r#"{"customers":[{}]}"#, true),
        (r#"{"customers":[],"subscribed_emails":["a@x.io"]}"#, true),
        (r#"{"subscribed_smses":["+1"]}"#, true),
        (r#"{"customers":[],"subscribed_emails":[],"subscribed_smses":[]}"#, false),
        (r#"{"customers":[null],"subscribed_emails":null,"subscribed_smses":"+1"}"#, false),
        ("{}", false),
    ] {
        assert_eq!(record(data).is_some(), exists, "{data}");
    }
}

#[test]
fn get_finds_it_by_any_id_of_the_tracking() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &enveloped(&tracking(ANN, "")))]);
    assert_eq!(get(&host, OBJECT, "my-own").unwrap().id, "t1");
    assert_eq!(lines(&sent), ["GET /trackings/my-own"]);
}

#[test]
fn get_of_nobody_is_not_found() {
    for (status, body) in [(200, enveloped(&tracking("", ""))), (404, GONE.to_owned())] {
        let sent = Sent::default();
        let error = get(&scripted(&sent, &[(status, &body)]), OBJECT, "t1").unwrap_err();
        assert!(matches!(error, Error { kind: ErrorKind::NotFound, .. }), "{error:?}");
    }
}
