//! Customers added: read, joined, written once.

use super::*;
use crate::AfterShip;
use crate::testing::whole_record;
use connector_sdk::Connector as _;
use connector_sdk::Error;
use connector_sdk::ErrorKind;

use crate::testing::create;

fn input(customers: &str) -> String {
    format!(r#"{{"tracking_id":"my-own","customers":[{customers}]}}"#)
}

/// The body sent when `given` are added to `there`; `None` when nothing is sent.
fn sent_for(there: &str, given: &str) -> Option<String> {
    let sent = Sent::default();
    let answer = enveloped(&tracking(there, ""));
    let host = scripted(&sent, &[(200, &answer), (200, &enveloped(&tracking(ANN, "")))]);
    let written = create(&host, OBJECT, &input(given)).unwrap();
    let record = whole_record(&written.item);
    assert_eq!((record.id.as_str(), whole_record(&written.also[0].item).id.as_str()), ("t1", "t1"));
    let lines = lines(&sent);
    assert_eq!(lines[0], "GET /trackings/my-own");
    let put = lines.get(1)?.strip_prefix(r#"PUT /trackings/t1 {"customers":["#);
    Some(put.unwrap().strip_suffix("]}").unwrap().to_owned())
}

/// Without the nulls that AfterShip answers and does not take.
const SENT_ANN: &str = r#"{"name":"Ann","phone_number":"+491701","email":"Ann@example.com","language":"de","\u006eew":[1e2]}"#;
const SENT_BOB: &str = r#"{"role":"buyer","name":"Bob","id":"cust_1"}"#;

#[test]
fn new_ones_come_after_those_that_are_there() {
    let both = format!("{ANN},{BOB}");
    assert_eq!(sent_for(&both, CY), Some(format!("{SENT_ANN},{SENT_BOB},{CY}")));
    assert_eq!(sent_for("", CY), Some(CY.to_owned()));
    let with_null = r#"{"email":"d@x.io","language":null}"#;
    assert_eq!(sent_for("", with_null), Some(with_null.to_owned()));
}

#[test]
fn the_same_one_takes_over_what_is_given() {
    let both = format!("{ANN},{BOB}");
    for (given, first, second) in [
        // By mail address, whatever its case.
        (
            r#"{"email":"ANN@example.com","language":"en"}"#,
            SENT_ANN.replace("\"de\"", "\"en\""),
            SENT_BOB.to_owned(),
        ),
        // By telephone number, and a null clears.
        (
            r#"{"phone_number":"+491701","language":null,"id":null}"#,
            SENT_ANN.replace("\"de\"", "null"),
            SENT_BOB.to_owned(),
        ),
        // By id: an address may change then.
        (
            r#"{"id":"cust_1","email":"bob@x.io"}"#,
            SENT_ANN.to_owned(),
            SENT_BOB.replace('}', r#","email":"bob@x.io"}"#),
        ),
        // An id decides before a mail address does.
        (
            r#"{"email":"ann@example.com","id":"cust_1"}"#,
            SENT_ANN.to_owned(),
            SENT_BOB.replace('}', r#","email":"ann@example.com"}"#),
        ),
    ] {
        assert_eq!(sent_for(&both, given), Some(format!("{first},{second}")), "{given}");
    }
    // Other mail addresses are other people, though they share a telephone.
    let other = r#"{"email":"eve@example.com","phone_number":"+491701"}"#;
    assert_eq!(sent_for(ANN, other), Some(format!("{SENT_ANN},{other}")));
}

#[test]
fn what_is_there_already_is_not_written_again() {
    let both = format!("{ANN},{BOB}");
    for given in [
        r#"{"email":"Ann@example.com"}"#,
        r#"{"name":"\u0041nn","phone_number":"+491701"}"#,
        r#"{"id":"cust_1","phone_number":null}"#,
        r#"{"name":"Bob"}"#,
        "{}",
    ] {
        assert_eq!(sent_for(&both, given), None, "{given}");
    }
}

#[test]
fn adding_twice_is_as_adding_once() {
    for given in [
        CY.to_owned(),
        r#"{"email":"ann@example.com","id":"7","language":null}"#.to_owned(),
        r#"{"name":"Nobody can be told"}"#.to_owned(),
        "{}".to_owned(),
        // One person, said in two ways: the second counts.
        r#"{"email":"d@x.io","name":"Dan"},{"email":"D@x.io","name":"Daniel"}"#.to_owned(),
    ] {
        let once = sent_for(ANN, &given).unwrap_or_else(|| ANN.to_owned());
        assert_eq!(sent_for(&once, &given), None, "{given}");
    }
}

#[test]
fn more_than_three_are_refused_before_anything_is_written() {
    let sent = Sent::default();
    let answer = enveloped(&tracking(&format!("{ANN},{BOB}"), ""));
    let given = format!(r#"{{"id":"cust_1","name":"Rob"}},{CY},{{"email":"d@x.io"}}"#);
    let error = create(&scripted(&sent, &[(200, &answer)]), OBJECT, &input(&given)).unwrap_err();
    assert_eq!(pointers(&error), ["/customers/2"]);
    assert!(error.message.contains("at most 3") && error.message.contains("`update`"));
    assert_eq!(lines(&sent).len(), 1);
}

#[test]
fn a_wrong_input_costs_no_request() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for (input, pointer) in [
        ("{}".to_owned(), "/tracking_id"),
        (input(""), "/customers"),
        (input("{},{},{},{}"), "/customers"),
        (input(r#"{"mail":"a@x.io"}"#), "/customers/0/mail"),
        (input(r#"{"name":null}"#), "/customers/0/name"),
        (r#"{"tracking_id":"t1","customers":[{}],"emails":[]}"#.to_owned(), "/emails"),
    ] {
        let error = create(&host, OBJECT, &input).unwrap_err();
        assert_eq!(pointers(&error)[0], pointer, "{input}");
    }
}

#[test]
fn a_lost_answer_is_told_from_a_failed_read() {
    let answer = enveloped(&tracking(ANN, ""));
    for (answers, unknown) in [
        (&[(502, "Interal Error")][..], false),
        (&[(200, answer.as_str()), (502, "Interal Error")], true),
        // Written, but the answer does not show it.
        (&[(200, answer.as_str()), (200, r#"{"meta":{"code":200},"data":{"id":"t1"}}"#)], true),
    ] {
        let sent = Sent::default();
        let error = create(&scripted(&sent, answers), OBJECT, &input(CY)).unwrap_err();
        assert_eq!(
            matches!(error, Error { kind: ErrorKind::OutcomeUnknown, .. }),
            unknown,
            "{error:?}"
        );
        assert_eq!(
            matches!(error, Error { kind: ErrorKind::Unavailable, .. }),
            !unknown,
            "{error:?}"
        );
    }
}

/// After a lost answer the host asks `find`, and takes what it answers for what was written.
#[test]
fn only_a_record_that_tells_them_all_is_found() {
    let inputs = [
        input(r#"{"email":"ann@example.com"}"#),
        input(r#"{"email":"Ann@example.com","language":"de"}"#),
        input(CY),
        r#"{"tracking_id":"my-own"}"#.to_owned(),
        r#"{"tracking_id":"gone","customers":[{}]}"#.to_owned(),
        r#"{"tracking_id":"nobody"}"#.to_owned(),
        r#"{"tracking_id":"gone"}"#.to_owned(),
    ];
    let sent = Sent::default();
    let host = scripted(
        &sent,
        &[(200, &enveloped(&tracking(ANN, ""))), (404, GONE), (200, &enveloped(&tracking("", "")))],
    );
    let found = AfterShip::find(&host, OBJECT, &inputs).unwrap();
    let found: Vec<_> = found.iter().map(Vec::len).collect();
    assert_eq!(found, [1, 1, 0, 1, 0, 0, 0]);
    let asked = ["GET /trackings/my-own", "GET /trackings/gone", "GET /trackings/nobody"];
    assert_eq!(lines(&sent), asked);
}

#[test]
fn find_needs_a_tracking_and_may_fail() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(503, "{}")]);
    for input in ["{}", "[", r#"{"tracking_id":""}"#, r#"{"tracking_id":"t","customers":7}"#] {
        let error = AfterShip::find(&host, OBJECT, &[input.to_owned()]);
        assert!(matches!(error, Err(Error { kind: ErrorKind::InvalidInput(_), .. })), "{input}");
    }
    let error = AfterShip::find(&host, OBJECT, &[r#"{"tracking_id":"t1"}"#.to_owned()]);
    assert!(matches!(error, Err(Error { kind: ErrorKind::Unavailable, .. })), "{error:?}");
}
