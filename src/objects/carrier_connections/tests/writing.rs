//! create, update, delete and find.

use super::*;
use crate::testing::attempt;
use crate::testing::kind_name;
use crate::testing::whole_record;
use connector_sdk::Connector;
use connector_sdk::ErrorKind;
use connector_sdk::WrittenRecord;

const INPUT: &str =
    r#"{ "courier_slug": "dhl-api", "credentials": {"api_key": "canary-1", "site": "canary-2"} }"#;
const READ: &str = "GET /couriers?slug=dhl-api";

/// The courier `dhl-api` with these fields.
fn courier(fields: &str) -> String {
    let courier = format!(r#"{{"slug":"dhl-api","credentials":{{"fields":[{fields}]}}}}"#);
    enveloped(&format!(r#"{{"total":1,"couriers":[{courier}]}}"#))
}

fn field(name: &str, required: bool) -> String {
    format!(r#"{{"name":"{name}","type":"string","required":{required}}}"#)
}

fn refusal(code: u32, message: &str) -> String {
    let message = json::quoted(message);
    format!(
        r#"{{"meta":{{"code":{code},"message":{message},"errors":[{{"path":"credentials.api_key","message":{message}}}]}},"data":{{}}}}"#
    )
}

#[test]
fn create_reads_the_courier_and_then_writes_once() {
    let wants = [field("api_key", true), field("site", true), field("other", false)].join(",");
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &courier(&wants)), (201, &enveloped(CLEAR))]);
    let written = clean(create(&host, OBJECT, INPUT).unwrap());
    assert_eq!((written.item, written.also), (WrittenRecord::Whole(record()), Vec::new()));
    assert_eq!(lines(&sent), [READ.to_owned(), format!("POST /courier-connections {INPUT}")]);
    assert_eq!(clean(host.logged()), []);
}

/// Nothing would refuse a second one, so after a lost answer it is never made.
#[test]
fn after_a_lost_answer_the_connection_is_looked_for_and_never_made_twice() {
    let page = |items: &str| {
        let page = r#"{"has_next_page":false}"#;
        enveloped(&format!(r#"{{"pagination":{page},"courier_connections":[{items}]}}"#))
    };
    let twin = CLEAR.replace(r#""c1""#, r#""c2""#);
    let masked = CLEAR.replace("canary-1", "****").replace("canary-2", "****");
    for (items, expected) in [
        (CLEAR.to_owned(), Some(record())),
        (String::new(), None),
        (format!("{CLEAR},{twin}"), None),
        (masked, None),
    ] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &page(&items))]);
        let again = crate::AfterShip::create(&host, OBJECT, INPUT, &attempt(true));
        match (clean(again), expected) {
            (Ok(written), Some(record)) => assert_eq!(*whole_record(&written.item), record),
            (Err(Error { kind: ErrorKind::OutcomeUnknown, .. }), None) => {}
            other => panic!("{items} {other:?}"),
        }
        assert_eq!(lines(&sent).len(), 1);
    }
}

#[test]
fn what_the_courier_requires_is_asked_for_before_anything_is_sent() {
    let wants = [field("api_key", true), field("user/id", true), field("pin", true)].join(",");
    let wants = wants.replace(r#""name":"pin","type":"string""#, r#""name":"pin""#);
    let sent = Sent::default();
    let input = r#"{"courier_slug":"dhl-api","credentials":{"api_key":"canary-1","pin":""}}"#;
    let error = create(&scripted(&sent, &[(200, &courier(&wants))]), OBJECT, input).unwrap_err();
    let error = clean(error);
    assert_eq!(pointers(&error), ["/credentials/user~1id", "/credentials/pin"]);
    assert!(
        error.message.contains("`user/id` (string) is required, `pin` is required"),
        "{error:?}"
    );
    assert_eq!(lines(&sent), [READ]);
}

#[test]
fn an_unknown_courier_is_refused() {
    for (status, body) in [
        (200, enveloped(r#"{"total":0,"couriers":[]}"#)),
        (200, enveloped(r#"{"total":1,"couriers":[{"slug":"dhl"}]}"#)),
        (400, refusal(4010, "The value of slug is invalid.")),
    ] {
        let sent = Sent::default();
        let error = create(&scripted(&sent, &[(status, &body)]), OBJECT, INPUT).unwrap_err();
        assert_eq!(pointers(&clean(error)), ["/courier_slug"]);
    }
}

#[test]
fn without_the_scope_for_couriers_aftership_judges_alone() {
    let sent = Sent::default();
    let denied = refusal(403, "The access token lacks a scope.");
    let host = scripted(&sent, &[(403, &denied), (201, &enveloped(CLEAR))]);
    assert_eq!(create(&host, OBJECT, INPUT).unwrap().item, WrittenRecord::Whole(record()));
    assert_eq!(lines(&sent).len(), 2);
}

#[test]
fn a_failed_read_before_a_write_wrote_nothing() {
    for (status, body, expected) in [
        (502, "Interal Error".to_owned(), "Unavailable"),
        (429, refusal(429, "Slow down."), "RateLimited"),
        (401, refusal(401, "The API key is invalid."), "Unauthenticated"),
    ] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(status, &body), (status, &body)]);
        for error in [
            create(&host, OBJECT, INPUT).unwrap_err(),
            update(&host, OBJECT, "c1", r#"{"credentials":{"a":"b"}}"#).unwrap_err(),
        ] {
            assert!(kind_name(&error).starts_with(expected), "{error:?}");
        }
        assert_eq!(lines(&sent), [READ, "GET /courier-connections/c1"]);
    }
}

#[test]
fn aftership_may_quote_a_credential_but_no_error_does() {
    let secret = "canary\"-5\\/\n\u{e9}";
    let quoted = json::quoted(secret);
    let input = format!(
        r#"{{"courier_slug":"dhl-api","credentials":{{"api_key":{quoted},"id":"kanari"}}}}"#
    );
    let patch = format!(r#"{{"credentials":{{"api_key":{quoted}}}}}"#);
    let long = format!("{}{secret}", "x".repeat(395));
    for words in [
        format!("The value {secret} of `credentials.api_key` is invalid."),
        format!("The value `{secret}` is invalid."),
        format!("Invalid body {{\"api_key\":{quoted}}}."),
        quoted.replace('/', "\\/").replace('\u{e9}', "\\u00e9"),
        "The value `kanari` is invalid, [kanari] as well.".to_owned(),
        long,
    ] {
        for (status, code) in
            [(400, 400), (400, 4008), (403, 403), (409, 409), (500, 500), (200, 401)]
        {
            let listed = r#""errors":[{"path":"kanari","message":"odd"},"#;
            let refused = refusal(code, &words).replace(r#""errors":["#, listed);
            let sent = Sent::default();
            let nothing = courier("");
            let host = scripted(&sent, &[(200, &nothing), (status, &refused)]);
            let error = clean(create(&host, OBJECT, &input).unwrap_err());
            if code == 400 {
                let found = pointers(&error);
                assert!(found.contains(&"/credentials/api_key"), "{error:?}");
                assert!(!found.contains(&"/credential"), "{error:?}");
                assert!(error.message.contains("[cred"), "{error:?}");
            }
            let patch = patch.replace("}}", r#","id":"kanari"}}"#);
            let host = scripted(&sent, &[(200, &enveloped(CLEAR)), (status, &refused)]);
            clean(update(&host, OBJECT, "c1", &patch).unwrap_err());
            assert_eq!(clean(host.logged()), []);
        }
    }
}

#[test]
fn what_was_there_before_goes_with_a_patch_and_is_hidden_too() {
    let sent = Sent::default();
    let refused = refusal(400, "Neither canary-1 nor canary-2 nor third is right.");
    let host = scripted(&sent, &[(200, &enveloped(CLEAR)), (400, &refused)]);
    let patch = r#"{"credentials":{"pin":"third","site":null}}"#;
    let error = update(&host, OBJECT, "c1", patch).unwrap_err().message;
    assert!(error.contains("Neither [credential] nor [credential] nor [credential]"), "{error:?}");
}

#[test]
fn a_host_that_quotes_the_body_is_not_repeated() {
    use connector_sdk::{FnHost, Response, SendError};
    let nothing = courier("");
    let host = FnHost::of::<AfterShip>(|request| match request.body {
        None => Ok(Response::json(200, &nothing)),
        Some(body) => Err(SendError::Unanswered(String::from_utf8(body).unwrap())),
    });
    let error = clean(create(&host, OBJECT, INPUT).unwrap_err());
    assert!(matches!(error, Error { kind: ErrorKind::OutcomeUnknown, .. }), "{error:?}");
}

#[test]
fn an_input_is_refused_without_showing_it() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for (input, pointer) in [
        ("{}", "/courier_slug"),
        (r#"{"courier_slug":"dhl"}"#, "/credentials"),
        (r#"{"courier_slug":"dhl","credentials":{}}"#, "/credentials"),
        (r#"{"courier_slug":"dhl","credentials":"canary"}"#, "/credentials"),
        (r#"{"courier_slug":"dhl","credentials":{"a":["canary"]}}"#, "/credentials/a"),
        (r#"{"courier_slug":"dhl","credential":{"a":"canary"}}"#, "/credential"),
        (r#"{"courier_slug":"dhl,ups","credentials":{"a":"canary"}}"#, "/courier_slug"),
        (r#"{"courier_slug":"dhl","credentials":{"a":"canary"}"#, ""),
    ] {
        let error = clean(create(&host, OBJECT, input).unwrap_err());
        assert!(pointers(&error).contains(&pointer), "{input} {error:?}");
    }
    for (patch, pointer) in [
        ("{}", "/credentials"),
        (r#"{"credentials":null}"#, "/credentials"),
        (r#"{"credentials":{}}"#, "/credentials"),
        (r#"{"credentials":{"a":7}}"#, "/credentials/a"),
        (r#"{"credentials":{"a":"b"},"courier_slug":"dhl"}"#, "/courier_slug"),
    ] {
        let error = update(&host, OBJECT, "c1", patch).unwrap_err();
        assert_eq!(pointers(&error), [pointer], "{patch}");
    }
}

#[test]
fn update_sends_the_whole() {
    for (patch, body) in [
        (r#"{"api_key":"new"}"#, r#"{"site":"canary-2","api_key":"new"}"#),
        (r#"{"site":null}"#, r#"{"api_key":"canary-1"}"#),
        (r#"{"more":"m"}"#, r#"{"api_key":"canary-1","site":"canary-2","more":"m"}"#),
    ] {
        let patch = format!(r#"{{"credentials":{patch}}}"#);
        let answer = CLEAR.replace(r#","site":"canary-2""#, "");
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &enveloped(CLEAR)), (200, &enveloped(&answer))]);
        assert_eq!(
            clean(update(&host, OBJECT, "c1", &patch).unwrap()).item,
            WrittenRecord::Whole(record())
        );
        let line = format!(r#"PATCH /courier-connections/c1 {{"credentials":{body}}}"#);
        assert_eq!(lines(&sent), ["GET /courier-connections/c1".to_owned(), line]);
    }
}

#[test]
fn update_of_a_connection_that_shows_no_credentials_sends_what_is_given() {
    for hidden in [r#"{"id":"c1"}"#, r#"{"id":"c1","credentials":null}"#] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &enveloped(hidden)), (200, &enveloped(CLEAR))]);
        let patch = r#"{"credentials":{"api_key":"new","pin":null}}"#;
        assert_eq!(
            update(&host, OBJECT, "c1", patch).unwrap().item,
            WrittenRecord::Whole(record())
        );
        let line = r#"PATCH /courier-connections/c1 {"credentials":{"api_key":"new"}}"#;
        assert_eq!(lines(&sent)[1], line);

        let host = scripted(&sent, &[(200, &enveloped(hidden))]);
        let error = update(&host, OBJECT, "c1", r#"{"credentials":{"pin":null}}"#).unwrap_err();
        assert_eq!(pointers(&error), ["/credentials"]);
    }
}

#[test]
fn a_credential_that_aftership_keeps_is_told() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &enveloped(CLEAR)), (200, &enveloped(CLEAR))]);
    let error = update(&host, OBJECT, "c1", r#"{"credentials":{"site":null}}"#).unwrap_err();
    let error = clean(error);
    assert!(
        matches!(&error, failure @ Error { kind: ErrorKind::Conflict(_), .. } if failure.message.contains("site"))
    );
}

#[test]
fn a_write_whose_answer_was_lost_is_unknown() {
    let sent = Sent::default();
    let whole = enveloped(CLEAR);
    let cut = whole.strip_suffix("}}").unwrap();
    let nothing = courier("");
    let host =
        scripted(&sent, &[(200, &nothing), (201, cut), (200, &enveloped(CLEAR)), (200, cut)]);
    for error in [
        create(&host, OBJECT, INPUT).unwrap_err(),
        update(&host, OBJECT, "c1", r#"{"credentials":{"a":"b"}}"#).unwrap_err(),
    ] {
        assert!(
            matches!(clean(&error), Error { kind: ErrorKind::OutcomeUnknown, .. }),
            "{error:?}"
        );
    }
}

#[test]
fn delete_of_nothing_is_not_found() {
    let sent = Sent::default();
    let gone = refusal(404, "The resource does not exist.");
    let host = scripted(&sent, &[(200, &enveloped(CLEAR)), (404, &gone)]);
    assert_eq!(delete(&host, OBJECT, "c1"), Ok(()));
    assert!(matches!(delete(&host, OBJECT, "c1"), Err(Error { kind: ErrorKind::NotFound, .. })));
    assert_eq!(lines(&sent), ["DELETE /courier-connections/c1"; 2]);
}

/// A page of the list.
fn page(items: &str, next: &str) -> String {
    let more = !next.is_empty();
    enveloped(&format!(
        r#"{{"pagination":{{"next_cursor":"{next}","has_next_page":{more}}},"courier_connections":[{items}]}}"#
    ))
}

/// "None" would have the connection made a second time.
#[test]
fn find_does_not_guess_what_aftership_masks() {
    let masked =
        |api_key: &str| CLEAR.replace(r#""c1""#, r#""c4""#).replace(r#""canary-1""#, api_key);
    let ups = r#"{"courier_slug":"ups","credentials":{"api_key":"canary-1"}}"#.to_owned();
    for (there, is_told) in [
        (masked(r#""********""#), false),
        (masked(r#""cana****""#), false),
        (masked(r#""\u2022""#), false),
        (masked("null"), false),
        (CONCEALED.to_owned(), false),
        (CONCEALED.replace("null", "{}"), false),
        // What is shown is different.
        (masked(r#""********""#).replace("canary-2", "canary-9"), true),
        // The one is there, whatever others hide.
        (format!("{},{CLEAR}", masked("null")), true),
    ] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &page(&there, "")), (200, &page("", ""))]);
        match clean(AfterShip::find(&host, OBJECT, &[INPUT.to_owned(), ups.clone()])) {
            Ok(found) => assert!(is_told, "{there} {found:?}"),
            Err(error) => {
                assert!(!is_told, "{there} {error:?}");
                assert_eq!(pointers(&error), ["/credentials"], "{there}");
            }
        }
    }
}

/// A mask that is sent back takes the credential's place.
#[test]
fn update_sends_no_mask() {
    for mask in [r#""********""#, r#""****6789""#, r#""\u25cf\u25cf\u25cf""#, r#""xxxx""#, "null"] {
        let there = CLEAR.replace(r#""canary-1""#, mask);
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &enveloped(&there))]);
        let patch = r#"{"credentials":{"site":"new"}}"#;
        let error = clean(update(&host, OBJECT, "c1", patch).unwrap_err());
        assert_eq!(pointers(&error), ["/credentials"], "{mask}");
        assert!(error.message.contains("api_key"), "{error:?}");
        for patch in [
            r#"{"credentials":{"api_key":"new","site":"canary-2"}}"#,
            r#"{"credentials":{"api_key":"new"}}"#,
            r#"{"credentials":{"api_key":null}}"#,
        ] {
            let answer = CLEAR.replace(r#""api_key":"canary-1","#, "");
            let host = scripted(&sent, &[(200, &enveloped(&there)), (200, &enveloped(&answer))]);
            assert_eq!(
                clean(update(&host, OBJECT, "c1", patch).unwrap()).item,
                WrittenRecord::Whole(record())
            );
        }
    }
}

#[test]
fn find_compares_credentials_and_shows_none() {
    let more = CLEAR.replace(r#""c1""#, r#""c2""#).replace(r#""site":"#, r#""third":"3","site":"#);
    let other = CLEAR.replace(r#""c1""#, r#""c3""#).replace("canary-2", "canary-9");
    let sent = Sent::default();
    let host = scripted(
        &sent,
        &[
            (200, &page(&format!("{more},{other}"), "n")),
            (200, &page(CLEAR, "")),
            (200, &page(CLEAR, "")),
        ],
    );
    let inputs = [
        INPUT.to_owned(),
        r#"{"courier_slug":"ups","credentials":{"api_key":"canary-1","site":"canary-2"}}"#
            .to_owned(),
        r#"{"courier_slug":"dhl-api","credentials":{"api_key":"canary-1"}}"#.to_owned(),
        r#"{"courier_slug":"dhl-api","credentials":{"site":"canary-2","api_key":"canary-1"}}"#
            .to_owned(),
    ];
    let found = clean(AfterShip::find(&host, OBJECT, &inputs).unwrap());
    assert_eq!(found, [vec![record()], Vec::new(), Vec::new(), vec![record()]]);
    let line = |slug: &str| format!("GET /courier-connections?courier_slug={slug}&limit=200");
    assert_eq!(lines(&sent), [line("dhl-api"), line("dhl-api") + "&cursor=n", line("ups")]);
}

#[test]
fn find_needs_courier_and_credentials() {
    let sent = Sent::default();
    for (input, pointer) in [
        ("{}", "/courier_slug"),
        (r#"{"courier_slug":"dhl,ups","credentials":{"a":"canary"}}"#, "/courier_slug"),
        (r#"{"courier_slug":"dhl","credentials":{}}"#, "/credentials"),
        ("[", ""),
    ] {
        let error =
            AfterShip::find(&scripted(&sent, &[]), OBJECT, &[input.to_owned()]).unwrap_err();
        assert_eq!(pointers(&clean(error))[0], pointer);
    }
}
