//! AfterShip's error bodies, and the errors that they become.

use super::*;
use crate::testing::kind_name;
use connector_sdk::{ErrorKind, Violation, wait};

const READ: Context = Context {
    what: "list trackings",
    writes: false,
    cursor_sent: false,
    has_body: false,
    record_404: false,
    scope: None,
};
const CREATE: Context = Context {
    what: "create the tracking",
    writes: true,
    cursor_sent: false,
    has_body: true,
    record_404: false,
    scope: None,
};

fn head(status: u16) -> Head {
    let request_id = Some("trace-1".into());
    Head { status, request_id, wait_ms: None, retry_after: false, location: None }
}

fn error(context: Context, status: u16, body: &str) -> Error {
    let kind = if body.starts_with('{') { Body::Json } else { Body::Unreadable };
    answered(context, &head(status), body, kind, None, &Hidden::default())
}

fn refused(code: u32, message: &str) -> Vec<Violation> {
    let message = connector_sdk::json::quoted(message);
    let body = format!(
        r#"{{"meta":{{"code":{code},"message":{message},"type":"BadRequest"}},"data":{{}}}}"#
    );
    match error(CREATE, 400, &body) {
        Error { kind: ErrorKind::InvalidInput(violations), .. } => violations,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failure_holds_what_support_asks_for() {
    let body = r#"{"data":{},"meta":{"type":"Unauthorized","code":401,"errors":[],"message":"The API key is invalid."}}"#;
    let failure @ Error { kind: ErrorKind::Unauthenticated, .. } = error(READ, 401, body) else {
        panic!()
    };
    assert_eq!(
        failure.message,
        "Could not list trackings: AfterShip says \"The API key is invalid\". Check the \
         credentials, or connect again."
    );
    assert_eq!(failure.http_status, Some(401));
    assert_eq!(failure.provider_code.as_deref(), Some("401"));
    assert_eq!(failure.request_id.as_deref(), Some("trace-1"));
}

#[test]
fn a_missing_plan_names_the_next_step() {
    let body = r#"{"meta":{"code":403,"message":"You don't have permission to access AfterShip API.","type":"Forbidden"},"data":{}}"#;
    let failure @ Error { kind: ErrorKind::Forbidden, .. } = error(READ, 403, body) else {
        panic!()
    };
    assert!(failure.message.contains("lacks the plan or scope"), "{}", failure.message);
}

#[test]
fn a_missing_scope_is_named() {
    let context = Context { scope: Some("aftership:courier:read"), ..READ };
    let body = r#"{"meta":{"code":403,"message":"No.","type":"Forbidden"},"data":{}}"#;
    let failure @ Error { kind: ErrorKind::Forbidden, .. } = error(context, 403, body) else {
        panic!()
    };
    let expected = "lack the scope `aftership:courier:read`: connect again and allow it";
    assert!(failure.message.contains(expected), "{}", failure.message);
    let unauthorised = error(context, 401, body.replace("403", "401").as_str());
    assert!(!unauthorised.to_string().contains("scope"), "{unauthorised}");
}

#[test]
fn plain_text_keeps_its_status() {
    let failure @ Error { kind: ErrorKind::Unavailable, .. } = error(READ, 502, "Interal Error")
    else {
        panic!()
    };
    assert_eq!(failure.http_status, Some(502));
    assert_eq!(failure.provider_code, None);
    assert!(failure.message.contains("HTTP 502"), "{}", failure.message);
    assert!(matches!(
        error(CREATE, 502, "Interal Error"),
        Error { kind: ErrorKind::OutcomeUnknown, .. }
    ));
}

/// A firewall that refuses, or a proxy that is lost, says nothing of the key, plan or record.
#[test]
fn a_gateway_is_told_from_aftership() {
    let page = "\u{feff}\n<!DOCTYPE html><title>Access denied</title>";
    for (status, body) in [
        (400, page),
        (401, page),
        (403, page),
        (404, page),
        (410, page),
        (403, "Forbidden"),
        (403, ""),
        (404, r#"{"message":"no route matched"}"#),
        (401, r#"{"meta":{"code":"401","message":"Unauthorized"}}"#),
    ] {
        for context in [READ, CREATE] {
            let error = error(context, status, body);
            let text = error.message.clone();
            assert!(
                matches!(error, Error { kind: ErrorKind::Unavailable, .. }),
                "{status} {body} {error:?}"
            );
            let said = format!("a gateway, not AfterShip, answered HTTP {status}");
            assert!(text.contains(&said) && text.contains("a firewall or proxy"), "{text}");
            assert!(!text.contains("AfterShip says") && !text.contains("connect again"), "{text}");
        }
    }
    let error = error(CREATE, 413, page);
    assert!(matches!(error, Error { kind: ErrorKind::InvalidInput(_), .. }), "{error:?}");
    assert!(error.message.ends_with("It is too large: send less."), "{error:?}");
}

#[test]
fn a_page_in_place_of_an_answer_is_named() {
    for (body, words) in [
        ("<html>Sign in", "a gateway, not AfterShip, answered HTTP 200 with a web page"),
        ("{\"meta\":", "the answer (HTTP 200) was cut off or is not JSON"),
    ] {
        let error = answered(CREATE, &head(200), body, Body::Unreadable, None, &Hidden::default());
        assert!(matches!(error, Error { kind: ErrorKind::OutcomeUnknown, .. }), "{error:?}");
        assert!(error.message.contains(words), "{error:?}");
    }
}

#[test]
fn a_redirect_says_where_to_and_which_setting() {
    let head = Head { location: Some("https://x.example/a?ticket=t".into()), ..head(301) };
    for body in ["", "<html>moved"] {
        let error = answered(CREATE, &head, body, Body::Unreadable, None, &Hidden::default());
        assert!(matches!(error, Error { kind: ErrorKind::Unavailable, .. }), "{error:?}");
        let text = error.message;
        for part in ["HTTP 301", "`https://x.example/a`", "base-url", "are not followed"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("ticket"), "{text}");
    }
}

#[test]
fn an_unknown_address_is_no_missing_record() {
    let body = r#"{"meta":{"code":404,"message":"The URI requested is invalid or the resource requested does not exist.","type":"NotFound"},"data":{"resource":"/v4/couriers"}}"#;
    let error = error(READ, 404, body);
    assert!(matches!(error, Error { kind: ErrorKind::Internal, .. }), "{error:?}");
    assert!(error.message.contains("`base-url` and `api-version`"), "{error:?}");
}

#[test]
fn a_conflict_names_the_record_from_both_shapes() {
    for (data, id) in [
        (r#"{"id":"a1","tracking_number":"N","slug":"dhl"}"#, Some("a1")),
        (r#"{"tracking":{"id":"a1","tracking_number":"N","slug":"dhl"}}"#, Some("a1")),
        (r#"{"tracking":{"tracking_number":"N","slug":"dhl"}}"#, None),
        (r#"{"id":""}"#, None),
        ("{}", None),
        ("null", None),
    ] {
        let body = format!(
            r#"{{"meta":{{"code":4003,"message":"Tracking already exists.","type":"BadRequest"}},"data":{data}}}"#
        );
        let failure = error(CREATE, 400, &body);
        let ErrorKind::Conflict(existing) = failure.kind.clone() else { panic!() };
        assert_eq!(existing.as_deref(), id, "{data}");
        assert_eq!(failure.provider_code.as_deref(), Some("4003"));
    }
}

#[test]
fn violations_point_at_what_aftership_means() {
    for (code, message, pointers) in [
        (4005, "The value of tracking_number is invalid.", &["/tracking_number"][..]),
        (4007, "tracking_number is required.", &["/tracking_number"]),
        (4008, "The value of [order_date] is invalid.", &["/order_date"]),
        (4008, "The value of `order_date` is invalid.", &["/order_date"]),
        (4008, "The value of order_date is invalid.", &["/order_date"]),
        (4008, "The value of tracking_postal_code is invalid.", &["/destination_postal_code"]),
        (4009, "`customers.email` is required.", &["/customers/email"]),
        (4009, "last_mile.slug is required.", &["/last_mile/slug"]),
        (4009, "Something is required.", &[]),
        (4008, "The value of `customers[0].email` is invalid.", &["/customers/0/email"]),
        (4008, "The value of [customers[12].email] is invalid.", &["/customers/12/email"]),
        (4009, "customers[x].phone_number is required.", &["/customers/0/phone_number"]),
        (4010, "The value of slug is invalid.", &["/slug"]),
        (4015, "The value of id is invalid.", &["/id"]),
        (4017, "The format of tracking_number is invalid.", &["/tracking_number"]),
        (400, "The request was invalid or cannot be otherwise served.", &[]),
        (4001, "Invalid JSON data.", &[]),
    ] {
        let found: Vec<_> = refused(code, message).into_iter().map(|v| v.pointer).collect();
        assert_eq!(found, pointers, "{code} {message}");
    }
}

#[test]
fn each_member_that_the_courier_wants_is_told_alone() {
    let words = "Missing or invalid value of the required fields for this courier. Besides \
                 tracking_number, also required: ";
    for (list, pointers) in [
        ("[destination_postal_code]", &["/destination_postal_code"][..]),
        (
            "destination_postal_code, tracking_ship_date and tracking_key.",
            &["/destination_postal_code", "/tracking_ship_date", "/tracking_key"],
        ),
        ("`tracking_account_number`. See https://example.com", &["/tracking_account_number"]),
        (
            "tracking_postal_code,tracking_state,tracking_origin_country",
            &["/destination_postal_code", "/destination_state", "/origin_country_region"],
        ),
        ("tracking_destination_country_region", &["/destination_country_region"]),
        ("customers[x].phone_number", &["/customers/0/phone_number"]),
        (
            "[customers[1].email], `tracking_key`. See https://a.example/c",
            &["/customers/1/email", "/tracking_key"],
        ),
        ("", &[]),
    ] {
        let found = refused(4011, &format!("{words}{list}"));
        let found_at: Vec<_> = found.iter().map(|v| v.pointer.as_str()).collect();
        assert_eq!(found_at, pointers, "{list}");
        for violation in found {
            let name = violation.pointer.trim_start_matches('/').replace('/', ".");
            let said = format!("this courier wants `{name}`");
            assert!(violation.message.starts_with(&said), "{violation:?}");
        }
    }
    for (old, new) in [
        ("tracking_postal_code", "destination_postal_code"),
        ("tracking_state", "destination_state"),
        ("tracking_origin_country", "origin_country_region"),
        ("tracking_origin_country_region", "origin_country_region"),
        ("origin_country_iso3", "origin_country_region"),
        ("tracking_destination_country", "destination_country_region"),
        ("tracking_destination_country_region", "destination_country_region"),
        ("destination_country_iso3", "destination_country_region"),
    ] {
        let found = refused(4011, &format!("{words}{old}"));
        assert_eq!(found[0].pointer, format!("/{new}"), "{old}");
    }
    let old = refused(4011, &format!("{words}tracking_postal_code")).remove(0);
    assert!(old.message.contains("`tracking_postal_code`"), "{old:?}");
}

#[test]
fn a_carrier_problem_blames_the_member_and_keeps_the_link() {
    let link = "https://admin.aftership.com/settings/couriers";
    let not_approved = format!(
        "Unable to import shipment as the carrier is not on your approved list for carrier \
         auto-detection. Add the carrier here: {link}"
    );
    for (message, pointer) in [
        (not_approved.as_str(), "/slug"),
        (
            "Unable to import shipment as we don't recognize the carrier from this tracking number.",
            "/tracking_number",
        ),
        (
            "Unable to import shipment as the tracking number has an invalid format.",
            "/tracking_number",
        ),
        ("Unable to import shipment as this carrier is no longer supported.", "/slug"),
        (
            "Unable to import shipment as the tracking number does not belong to a carrier in that \
             group.",
            "/slug_group",
        ),
    ] {
        let [violation] = &refused(4012, message)[..] else { panic!("{message}") };
        assert_eq!((violation.pointer.as_str(), violation.message.as_str()), (pointer, message));
    }
    let body = format!(r#"{{"meta":{{"code":4012,"message":"{not_approved}"}},"data":{{}}}}"#);
    assert!(error(CREATE, 400, &body).to_string().contains(link));
}

#[test]
fn listed_errors_are_read_when_they_can_be() {
    let body = r#"{"meta":{"code":400,"message":"Invalid.","errors":[
        {"path":"customers[0].email","message":"is no address"},{"field":"note","info":"too long"},
        {"path":"a/b"},"odd",{}]},"data":{}}"#;
    let Error { kind: ErrorKind::InvalidInput(violations), .. } = error(CREATE, 400, body) else {
        panic!()
    };
    let found: Vec<_> =
        violations.iter().map(|v| (v.pointer.as_str(), v.message.as_str())).collect();
    assert_eq!(found, [("/customers/0/email", "is no address"), ("/note", "too long")]);
}

#[test]
fn an_id_in_the_path_is_no_member() {
    let body = r#"{"meta":{"code":4015,"message":"The value of `id` is invalid."},"data":{}}"#;
    let Error { kind: ErrorKind::InvalidInput(violations), .. } = error(READ, 400, body) else {
        panic!()
    };
    assert_eq!(violations, []);
}

#[test]
fn the_wait_reaches_the_host() {
    let body = r#"{"meta":{"code":429,"message":"You have exceeded the API call rate limit.","type":"TooManyRequests"},"data":{}}"#;
    let headers = [("x-ratelimit-reset".to_owned(), "1795339801".to_owned())];
    let wait_ms = wait::hint_ms(&headers, 1_795_339_800_400);
    let head = Head { wait_ms, ..head(429) };
    let error = answered(CREATE, &head, body, Body::Json, None, &Hidden::default());
    assert!(matches!(error, Error { kind: ErrorKind::RateLimited(Some(600)), .. }), "{error:?}");
}

#[test]
fn what_was_not_sent_says_why() {
    for (fault, read, write) in [
        (SendError::NotSent("no such host".into()), "Unavailable", "Unavailable"),
        (SendError::Limited(1500), "RateLimited", "RateLimited"),
        (SendError::Unanswered("reset".into()), "Unavailable", "OutcomeUnknown"),
        (SendError::Refused("path not declared".into()), "Internal", "Internal"),
    ] {
        for (context, expected) in [(READ, read), (CREATE, write)] {
            let error = unsent(context, fault.clone(), &Hidden::default());
            assert!(kind_name(&error).starts_with(expected), "{error:?}");
            if let SendError::NotSent(why) | SendError::Unanswered(why) | SendError::Refused(why) =
                &fault
            {
                assert!(error.message.contains(why), "{error:?}");
            }
        }
    }
    let limited = unsent(READ, SendError::Limited(1500), &Hidden::default());
    assert!(matches!(limited, Error { kind: ErrorKind::RateLimited(Some(1500)), .. }));
}

#[test]
fn long_or_odd_words_stay_one_line() {
    let message = format!("bad\nnews\u{7} {}", "x".repeat(9000));
    let body =
        format!(r#"{{"meta":{{"code":400,"message":{}}}}}"#, connector_sdk::json::quoted(&message));
    let text = error(READ, 400, &body).message;
    assert!(text.len() < 600 && !text.contains(['\n', '\u{7}']), "{text}");
}
