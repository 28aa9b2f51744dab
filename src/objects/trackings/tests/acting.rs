//! retrack and mark-as-completed.

use super::*;
use crate::AfterShip;
use crate::testing::attempt;
use crate::testing::whole_record;
use connector_sdk::Connector as _;
use connector_sdk::Error;
use connector_sdk::{ErrorKind, Invocation};

fn call(action: &str, input: &str) -> Invocation {
    Invocation {
        object: "trackings".into(),
        action: action.into(),
        id: Some("t1".into()),
        input: input.into(),
        attempt: attempt(false),
    }
}

#[test]
fn a_partial_answer_takes_no_records_place() {
    let partial = r#"{"id":"t1","tracking_number":"N1","slug":"dhl","active":true}"#;
    let without = |part: &str| WHOLE.replace(part, "");
    let timeless = without(r#","updated_at":"2026-11-02T00:00:00+00:00""#);
    let unscanned = without(r#","checkpoints":[]"#);
    for (answer, written) in
        [(partial, 0), (timeless.as_str(), 0), (unscanned.as_str(), 0), (WHOLE, 1)]
    {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &enveloped(answer))]);
        let outcome = AfterShip::invoke(&host, &call("retrack", "{}")).unwrap();
        assert_eq!((outcome.output.as_str(), outcome.written.len()), (answer, written));
        assert_eq!(lines(&sent), ["POST /trackings/t1/retrack"]);
        assert_eq!(sent.borrow()[0].body, None);
    }
}

#[test]
fn a_tracking_that_cannot_be_retracked_is_a_conflict() {
    for (code, message) in [
        (4013, "Retrack is not allowed. You can only retrack an inactive tracking."),
        (4016, "Retrack is not allowed. You can only retrack each shipment once."),
    ] {
        let body = format!(r#"{{"meta":{{"code":{code},"message":"{message}"}},"data":{{}}}}"#);
        let sent = Sent::default();
        let error = AfterShip::invoke(&scripted(&sent, &[(400, &body)]), &call("retrack", "null"))
            .unwrap_err();
        assert!(matches!(error, Error { kind: ErrorKind::Conflict(None), .. }), "{error:?}");
    }
}

#[test]
fn retrack_again_looks_first() {
    let again = Invocation { attempt: attempt(true), ..call("retrack", "{}") };
    let sent = Sent::default();
    let outcome = AfterShip::invoke(&scripted(&sent, &[(200, &enveloped(WHOLE))]), &again).unwrap();
    assert_eq!((outcome.output.as_str(), outcome.written.len()), (WHOLE, 1));
    assert_eq!(lines(&sent), ["GET /trackings/t1"]);

    let inactive = enveloped(&WHOLE.replace("\"active\":true", "\"active\":false"));
    let sent = Sent::default();
    AfterShip::invoke(&scripted(&sent, &[(200, &inactive), (200, &enveloped(WHOLE))]), &again)
        .unwrap();
    assert_eq!(lines(&sent), ["GET /trackings/t1", "POST /trackings/t1/retrack"]);
}

#[test]
fn marking_passes_the_reason_on() {
    let sent = Sent::default();
    let input = r#"{"reason":"LOST","event_datetime":"2026-11-20"}"#;
    let host = scripted(&sent, &[(200, &enveloped(WHOLE))]);
    let outcome = AfterShip::invoke(&host, &call("mark-as-completed", input)).unwrap();
    assert_eq!(whole_record(&outcome.written[0].item).data, WHOLE);
    assert_eq!(lines(&sent), [format!("POST /trackings/t1/mark-as-completed {input}")]);
}

#[test]
fn marking_again_looks_first() {
    let marked = |subtag: &str, source: &str| {
        let checkpoint = format!(r#""checkpoints":[{{"subtag":"{subtag}","source":"{source}"}}]"#);
        WHOLE.replace("InTransit_001", subtag).replace(r#""checkpoints":[]"#, &checkpoint)
    };
    for (reason, found, requests) in [
        ("DELIVERED", marked("Delivered_001", "user"), 1),
        ("LOST", marked("Exception_013", "user"), 1),
        ("RETURNED_TO_SENDER", marked("Exception_011", "user"), 1),
        // Delivered as the carrier says, or marked for another reason: not what was wished.
        ("DELIVERED", marked("Delivered_001", "carrier"), 2),
        ("LOST", marked("Delivered_001", "user"), 2),
        // Marked once, and moved on since; or delivered after it was marked as lost.
        (
            "DELIVERED",
            marked("Delivered_001", "user").replacen("Delivered_001", "InTransit_001", 1),
            2,
        ),
        (
            "DELIVERED",
            marked("Exception_013", "user").replacen("Exception_013", "Delivered_001", 1),
            2,
        ),
        ("LOST", WHOLE.to_owned(), 2),
    ] {
        let input = format!(r#"{{"reason":"{reason}"}}"#);
        let again = Invocation { attempt: attempt(true), ..call("mark-as-completed", &input) };
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &enveloped(&found)), (200, &enveloped(WHOLE))]);
        let outcome = AfterShip::invoke(&host, &again).unwrap();
        assert_eq!(lines(&sent).len(), requests, "{reason} {found}");
        assert_eq!(outcome.written.len(), 1);
    }
}

#[test]
fn a_call_that_does_not_fit_the_action_costs_no_request() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for input in ["{}", r#"{"reason":"EATEN"}"#, r#"{"reason":"LOST","when":"now"}"#, "x"] {
        let error = AfterShip::invoke(&host, &call("mark-as-completed", input)).unwrap_err();
        assert!(
            matches!(error, Error { kind: ErrorKind::InvalidInput(_), .. }),
            "{input} {error:?}"
        );
    }
    let extra = AfterShip::invoke(&host, &call("retrack", r#"{"reason":"LOST"}"#)).unwrap_err();
    assert_eq!(pointers(&extra), ["/reason"]);
    let without_id = Invocation { id: None, ..call("retrack", "{}") };
    assert!(matches!(
        AfterShip::invoke(&host, &without_id),
        Err(Error { kind: ErrorKind::InvalidInput(_), .. })
    ));
    let unknown = AfterShip::invoke(&host, &call("explode", "{}")).unwrap_err();
    assert!(
        matches!(&unknown, f @ Error { kind: ErrorKind::NotFound, .. } if f.message.contains("retrack, mark-as-completed"))
    );
}
