//! Customers replaced and removed.

use super::*;
use crate::testing::attempt;
use crate::testing::whole_record;
use crate::testing::{delete, update};
use connector_sdk::Connector;
use connector_sdk::Error;
use connector_sdk::WrittenRecord;
use connector_sdk::{ErrorKind, ObjectRecord};

#[test]
fn update_replaces_them_all_at_once() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &enveloped(&tracking(CY, "")))]);
    let patch = r#"{"customers":[{"name":"Cy", "phone_number":"+491703"}]}"#;
    let written = update(&host, OBJECT, "t1", patch).unwrap();
    assert!(
        whole_record(&written.item)
            .data
            .contains(r#""recipients":[{"channel":"sms","address":"+491703"}]"#)
    );
    let also = ObjectRecord {
        object: "trackings".into(),
        item: WrittenRecord::Whole(holder(&tracking(CY, ""))),
    };
    assert_eq!(written.also, [also]);
    assert_eq!(lines(&sent), [format!("PUT /trackings/t1 {patch}")]);
}

/// Where AfterShip merges, some stay.
#[test]
fn customers_that_stay_are_a_conflict() {
    let both = enveloped(&tracking(&format!("{ANN},{CY}"), ""));
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &both), (200, &both), (200, &both)]);
    let patch = r#"{"customers":[{"name":"Cy","phone_number":"+491703"}]}"#;
    for error in
        [update(&host, OBJECT, "t1", patch).unwrap_err(), delete(&host, OBJECT, "t1").unwrap_err()]
    {
        assert!(matches!(&error, Error { kind: ErrorKind::Conflict(None), .. }), "{error:?}");
        assert!(error.message.contains("customers"), "{error:?}");
    }
}

#[test]
fn update_clears_nothing() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for (patch, pointer) in [
        ("{}", "/customers"),
        (r#"{"customers":null}"#, "/customers"),
        (r#"{"customers":[]}"#, "/customers"),
        (r#"{"customers":[{},{},{},{}]}"#, "/customers"),
        (r#"{"customers":[{}],"subscribed_emails":[]}"#, "/subscribed_emails"),
    ] {
        assert_eq!(pointers(&update(&host, OBJECT, "t1", patch).unwrap_err()), [pointer]);
    }
}

#[test]
fn delete_removes_all_customers() {
    for (emails, answer) in [("", ""), (r#""s@x.io""#, r#""s@x.io""#)] {
        let sent = Sent::default();
        let answers =
            [(200, enveloped(&tracking(ANN, emails))), (200, enveloped(&tracking("", answer)))];
        let answers = answers.each_ref().map(|(status, body)| (*status, body.as_str()));
        assert_eq!(delete(&scripted(&sent, &answers), OBJECT, "my-own"), Ok(()));
        let put = r#"PUT /trackings/t1 {"customers":[]}"#;
        assert_eq!(lines(&sent), ["GET /trackings/my-own", put]);
    }
}

#[test]
fn what_is_deleted_is_not_found_again() {
    for (status, body) in [(200, enveloped(&tracking("", ""))), (404, GONE.to_owned())] {
        let sent = Sent::default();
        let error = delete(&scripted(&sent, &[(status, &body)]), OBJECT, "t1").unwrap_err();
        assert!(matches!(error, Error { kind: ErrorKind::NotFound, .. }), "{error:?}");
        assert_eq!(lines(&sent).len(), 1);
    }
}

#[test]
fn subscribers_are_not_ours_to_remove() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &enveloped(&tracking("", r#""s@x.io""#)))]);
    let error = delete(&host, OBJECT, "t1").unwrap_err();
    assert!(
        matches!(&error, Error { kind: ErrorKind::Conflict(Some(id)), .. } if id == "t1"),
        "{error:?}"
    );
    assert!(error.message.contains("unsubscribe themselves"), "{error:?}");
    assert_eq!(lines(&sent).len(), 1);
    // After a lost answer that is what the earlier attempt left.
    let host = scripted(&sent, &[(200, &enveloped(&tracking("", r#""s@x.io""#)))]);
    assert_eq!(crate::AfterShip::delete(&host, OBJECT, "t1", &attempt(true), None), Ok(()));
    assert_eq!(lines(&sent).len(), 2);
}
