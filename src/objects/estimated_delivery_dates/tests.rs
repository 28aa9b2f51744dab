//! Estimated delivery dates, called as the host calls them, with a closure for AfterShip.

mod predicting;

use crate::testing::{Sent, enveloped, lines, pointers, scripted};
use crate::testing::{create, derive, get, update};
use connector_sdk::{DataRecord, Error, ErrorKind};

const OBJECT: &str = "estimated-delivery-dates";

fn record(data: &str) -> Option<DataRecord> {
    let holder = DataRecord {
        id: "t1".into(),
        updated_at: Some("2026-11-02T00:00:00+00:00".into()),
        created_at: Some("2026-11-01T00:00:00+00:00".into()),
        version: None,
        data: data.into(),
    };
    let mut records = derive(OBJECT, std::slice::from_ref(&holder)).unwrap().remove(0);
    assert!(records.len() < 2, "{records:?}");
    let record = records.pop()?;
    assert_eq!(DataRecord { data: holder.data.clone(), ..record.clone() }, holder);
    Some(record)
}

#[test]
fn what_everybody_says_stays_as_it_is() {
    let estimates = r#""courier_estimated_delivery_date":null,"aftership_estimated_delivery_date":{"estimated_delivery_date":"2026-11-05","confidence_code":10001.0,"n\u0065w":[ 1e2 ]},"first_estimated_delivery":{ "type":"range"},"order_promised_delivery_date":"2026-11-06""#;
    let outcome = r#""on_time_status":"early","on_time_difference":-1.50"#;
    // In AfterShip's tracking they stand in another order, between other members.
    let data = format!(
        r#"{{"id":"t1",{outcome},"note":"n","slug":"dhl","tags":[],{estimates},"tracking_number":"N1"}}"#
    );
    assert_eq!(
        record(&data).unwrap().data,
        format!(
            r#"{{"id":"t1","tracking_id":"t1","tracking_number":"N1","slug":"dhl",{estimates},{outcome}}}"#
        )
    );
}

#[test]
fn a_record_exists_while_anybody_estimates() {
    for (data, exists) in [
        (r#"{"custom_estimated_delivery_date":{"type":"specific","datetime":null}}"#, true),
        (r#"{"latest_estimated_delivery":{"datetime":"2026-11-05"}}"#, true),
        (r#"{"order_promised_delivery_date":"2026-11-05"}"#, true),
        (
            r#"{"courier_estimated_delivery_date":"2026-11-05","order_promised_delivery_date":null}"#,
            true,
        ),
        (
            r#"{"order_promised_delivery_date":{"promised_delivery_date":null,"promised_delivery_date_max":null}}"#,
            false,
        ),
        (r#"{"courier_estimated_delivery_date":{},"first_estimated_delivery":null}"#, false),
        (r#"{"on_time_status":"late","shipment_delivery_date":"2026-11-05"}"#, false),
        ("{}", false),
    ] {
        assert_eq!(record(data).is_some(), exists, "{data}");
    }
}

#[test]
fn get_reads_the_tracking() {
    let there = enveloped(
        r#"{"id":"t1","courier_estimated_delivery_date":{"estimated_delivery_date":"2026-11-05"}}"#,
    );
    let sent = Sent::default();
    assert_eq!(get(&scripted(&sent, &[(200, &there)]), OBJECT, "my-own").unwrap().id, "t1");
    assert_eq!(lines(&sent), ["GET /trackings/my-own"]);

    let error = get(&scripted(&sent, &[(200, &enveloped(r#"{"id":"t1"}"#))]), OBJECT, "t1");
    let error = error.unwrap_err();
    assert!(
        matches!(&error, f @ Error { kind: ErrorKind::NotFound, .. } if f.message.contains("`predict`")),
        "{error:?}"
    );
}

#[test]
fn a_prediction_is_no_record() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for error in [create(&host, OBJECT, "{}"), update(&host, OBJECT, "t1", "{}")] {
        assert!(
            matches!(&error, Err(Error { kind: ErrorKind::Unsupported, message: text, .. }) if text.contains("`predict`")),
            "{error:?}"
        );
    }
}
