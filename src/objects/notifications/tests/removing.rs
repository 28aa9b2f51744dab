//! Customers replaced and removed.

use super::*;
use crate::testing::{delete, update};
use crate::types::ObjectRecord;

#[test]
fn update_replaces_them_all_at_once() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &enveloped(&tracking(CY, "")))]);
    let patch = r#"{"customers":[{"name":"Cy", "phone_number":"+491703"}]}"#;
    let written = update(&host, OBJECT, "t1", patch).unwrap();
    assert!(written.item.data.contains(r#""recipients":[{"channel":"sms","address":"+491703"}]"#));
    let also = ObjectRecord { object: "trackings", record: holder(&tracking(CY, "")) };
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
        assert!(matches!(&error, Error::Conflict { existing: None, .. }), "{error:?}");
        assert!(error.to_string().contains("customers"), "{error}");
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
        assert!(matches!(error, Error::NotFound(_)), "{error:?}");
        assert_eq!(lines(&sent).len(), 1);
    }
}

#[test]
fn subscribers_are_not_ours_to_remove() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &enveloped(&tracking("", r#""s@x.io""#)))]);
    let error = delete(&host, OBJECT, "t1").unwrap_err();
    assert!(
        matches!(&error, Error::Conflict { existing: Some(id), .. } if id == "t1"),
        "{error:?}"
    );
    assert!(error.to_string().contains("unsubscribe themselves"), "{error}");
    assert_eq!(lines(&sent).len(), 1);
    // After a lost answer that is what the earlier attempt left.
    let host = scripted(&sent, &[(200, &enveloped(&tracking("", r#""s@x.io""#)))]);
    assert_eq!(crate::records::delete(&host, OBJECT, "t1", true, None), Ok(()));
    assert_eq!(lines(&sent).len(), 2);
}
