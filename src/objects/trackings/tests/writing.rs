//! One tracking: get, find, create, update, delete.

use super::*;
use crate::AfterShip;
use crate::testing::attempt;
use crate::testing::whole_record;
use connector_sdk::Connector;
use connector_sdk::Error;
use connector_sdk::WrittenRecord;
use connector_sdk::{DataRecord, ErrorKind, View};

use crate::testing::{create, delete, derive, get, update};

const OBJECT: &str = "trackings";

fn whole() -> DataRecord {
    DataRecord {
        id: "t1".into(),
        updated_at: Some("2026-11-02T00:00:00+00:00".into()),
        created_at: Some("2026-11-01T00:00:00+00:00".into()),
        version: None,
        data: WHOLE.into(),
    }
}

#[test]
fn get_takes_any_of_aftership_ids() {
    for id in ["0b02015fc7fd4f3c8d5490cece4d124d", "my-own_id", "my2uktymyz72xld1f7l3h01z"] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &enveloped(WHOLE))]);
        assert_eq!(get(&host, OBJECT, id), Ok(whole()));
        assert_eq!(lines(&sent), [format!("GET /trackings/{id}")]);
    }
}

#[test]
fn get_of_nothing_is_not_found() {
    let sent = Sent::default();
    let body = r#"{"meta":{"code":4004,"message":"Tracking does not exist.","type":"BadRequest"},"data":{}}"#;
    let error = get(&scripted(&sent, &[(404, body)]), OBJECT, "t1").unwrap_err();
    assert!(
        matches!(&error, f @ Error { kind: ErrorKind::NotFound, .. } if f.provider_code.as_deref() == Some("4004"))
    );
}

#[test]
fn an_id_that_is_none_costs_no_request() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for id in ["", "..", "a\u{0}b"] {
        assert!(matches!(
            get(&host, OBJECT, id),
            Err(Error { kind: ErrorKind::InvalidInput(_), .. })
        ));
        assert!(matches!(
            delete(&host, OBJECT, id),
            Err(Error { kind: ErrorKind::InvalidInput(_), .. })
        ));
        let patch = r#"{"title":"x"}"#;
        assert!(matches!(
            update(&host, OBJECT, id, patch),
            Err(Error { kind: ErrorKind::InvalidInput(_), .. })
        ));
    }
}

#[test]
fn find_answers_exact_matches_only() {
    let other = WHOLE.replace("\"N1\"", "\"N10\"").replace("\"t1\"", "\"t2\"");
    let ups = WHOLE.replace("\"dhl\"", "\"ups\"").replace("\"t1\"", "\"t3\"");
    let body = enveloped(&format!(r#"{{"trackings":[{WHOLE},{other},{ups}]}}"#));
    for (input, line, expected) in [
        (
            r#"{"tracking_number":"N1","slug":"dhl","title":"ignored"}"#,
            "GET /trackings?tracking_numbers=N1&slug=dhl&limit=200",
            &["t1"][..],
        ),
        (
            r#"{"tracking_number":"n1"}"#,
            "GET /trackings?tracking_numbers=n1&limit=200",
            &["t1", "t3"],
        ),
        (
            r#"{"tracking_number":"N1","slug":["dhl","fedex"]}"#,
            "GET /trackings?tracking_numbers=N1&slug=dhl%2Cfedex&limit=200",
            &["t1"],
        ),
    ] {
        let sent = Sent::default();
        let found = AfterShip::find(&scripted(&sent, &[(200, &body)]), OBJECT, &[input.to_owned()])
            .unwrap()
            .remove(0);
        let ids: Vec<_> = found.iter().map(|record| record.id.as_str()).collect();
        assert_eq!((ids.as_slice(), lines(&sent)), (expected, vec![line.to_owned()]));
    }
}

#[test]
fn find_asks_for_fifty_numbers_at_once() {
    let other = WHOLE.replace("\"N1\"", "\"N50\"").replace("\"t1\"", "\"t2\"");
    let body = enveloped(&format!(r#"{{"trackings":[{WHOLE},{other}]}}"#));
    let nothing = enveloped(r#"{"trackings":[]}"#);
    let sent = Sent::default();
    let inputs = (0..=51).map(|n| format!(r#"{{"tracking_number":"N{}","slug":"dhl"}}"#, n % 51));
    let inputs: Vec<String> = inputs.collect();
    let found =
        AfterShip::find(&scripted(&sent, &[(200, &body), (200, &nothing)]), OBJECT, &inputs)
            .unwrap();
    assert_eq!(found.len(), inputs.len());
    for (n, found) in found.iter().enumerate() {
        let ids: Vec<_> = found.iter().map(|record| record.id.as_str()).collect();
        let expected: &[&str] = if n == 1 { &["t1"] } else { &[] };
        assert_eq!(ids, expected, "number {n}");
    }
    let numbers = |from, to| (from..to).map(|n| format!("N{n}")).collect::<Vec<_>>().join("%2C");
    let line = |numbers| format!("GET /trackings?tracking_numbers={numbers}&slug=dhl&limit=200");
    assert_eq!(lines(&sent), [line(numbers(0, 50)), line("N50%2CN0".to_owned())]);
}

#[test]
fn find_takes_an_id_alone_or_beside_a_number() {
    let other = WHOLE.replace("\"t1\"", "\"t2\"");
    let missing = r#"{"meta":{"code":4004,"message":"Tracking does not exist."},"data":{}}"#;
    let list = enveloped(&format!(r#"{{"trackings":[{WHOLE}]}}"#));
    let by_number = "GET /trackings?tracking_numbers=N1&slug=dhl&limit=200";
    let both = |id: &str| format!(r#"{{"id":"{id}","tracking_number":"N1","slug":"dhl"}}"#);
    for (input, answers, expected_lines, expected) in [
        (
            r#"{"id":"t1"}"#.to_owned(),
            vec![(200, enveloped(WHOLE))],
            vec!["GET /trackings/t1"],
            vec!["t1"],
        ),
        (
            r#"{"id":"t9"}"#.to_owned(),
            vec![(404, missing.into())],
            vec!["GET /trackings/t9"],
            vec![],
        ),
        (
            both("t1"),
            vec![(200, list.clone()), (200, enveloped(WHOLE))],
            vec![by_number, "GET /trackings/t1"],
            vec!["t1"],
        ),
        (
            both("t2"),
            vec![(200, list.clone()), (200, enveloped(&other))],
            vec![by_number, "GET /trackings/t2"],
            vec!["t1", "t2"],
        ),
        (
            both("t9"),
            vec![(200, list.clone()), (404, missing.into())],
            vec![by_number, "GET /trackings/t9"],
            vec!["t1"],
        ),
    ] {
        let sent = Sent::default();
        let answers: Vec<_> =
            answers.iter().map(|(status, body): &(u16, String)| (*status, body.as_str())).collect();
        let found =
            AfterShip::find(&scripted(&sent, &answers), OBJECT, std::slice::from_ref(&input))
                .unwrap()
                .remove(0);
        let ids: Vec<_> = found.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids, expected, "{input}");
        assert_eq!(lines(&sent), expected_lines, "{input}");
    }
}

#[test]
fn find_keeps_ids_and_numbers_of_many_inputs_apart() {
    let other = WHOLE.replace("\"t1\"", "\"t2\"");
    let list = enveloped(&format!(r#"{{"trackings":[{WHOLE}]}}"#));
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &list), (200, &enveloped(&other))]);
    let inputs = [r#"{"id":"t2"}"#, r#"{"tracking_number":"N1","slug":"dhl"}"#].map(str::to_owned);
    let found = AfterShip::find(&host, OBJECT, &inputs).unwrap();
    let ids: Vec<Vec<_>> =
        found.iter().map(|each| each.iter().map(|record| record.id.as_str()).collect()).collect();
    assert_eq!(ids, [["t2"], ["t1"]]);
    let by_number = "GET /trackings?tracking_numbers=N1&slug=dhl&limit=200";
    assert_eq!(lines(&sent), [by_number, "GET /trackings/t2"]);
}

#[test]
fn find_needs_a_number_or_an_id() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for input in [
        "{}",
        r#"{"tracking_number":""}"#,
        r#"{"id":"","slug":"dhl"}"#,
        r#"{"id":7}"#,
        r#"{"id":"x","tracking_number":"A,B"}"#,
        r#"{"id":".."}"#,
        "[",
        "null",
    ] {
        assert!(
            matches!(
                AfterShip::find(&host, OBJECT, &[input.to_owned()]),
                Err(Error { kind: ErrorKind::InvalidInput(_), .. })
            ),
            "{input}"
        );
    }
}

#[test]
fn create_passes_the_input_on_as_it_is() {
    let sent = Sent::default();
    let input = r#"{ "tracking_number": "N123", "slug": "dhl", "title": "caf\u00e9",
        "customers": [{"role": "buyer", "email": "a@example.com", "language": null}] }"#;
    let host = scripted(&sent, &[(201, &enveloped(WHOLE))]);
    let written = create(&host, OBJECT, input).unwrap();
    assert_eq!((written.item, written.also), (WrittenRecord::Whole(whole()), Vec::new()));
    assert_eq!(sent.borrow()[0].body.as_deref(), Some(input.as_bytes()));
    assert!(lines(&sent)[0].starts_with("POST /trackings "));
}

#[test]
fn after_a_lost_answer_the_tracking_is_looked_for_before_it_is_sent_again() {
    let input = r#"{"tracking_number":"N123","slug":"dhl"}"#;
    let listed = |items: &str| {
        let page = r#"{"has_next_page":false}"#;
        enveloped(&format!(r#"{{"pagination":{page},"trackings":[{items}]}}"#))
    };
    let found = r#"{"id":"t1","tracking_number":"N123","slug":"dhl"}"#;
    let other = r#"{"id":"t2","tracking_number":"N123","slug":"ups"}"#;
    let twin = r#"{"id":"t3","tracking_number":"N123","slug":"dhl"}"#;
    for (items, sent_again) in [
        (format!("{other},{found}"), false),
        (other.to_owned(), true),
        (format!("{found},{twin}"), true),
    ] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &listed(&items)), (201, &enveloped(WHOLE))]);
        let written = crate::AfterShip::create(&host, OBJECT, input, &attempt(true)).unwrap();
        assert_eq!(whole_record(&written.item).data, if sent_again { WHOLE } else { found });
        assert_eq!(lines(&sent).len(), if sent_again { 2 } else { 1 }, "{items}");
        assert!(lines(&sent)[0].starts_with("GET /trackings?tracking_numbers=N123&slug=dhl"));
    }
    let sent = Sent::default();
    let exists = r#"{"meta":{"code":4003,"message":"Exists."},"data":{"id":"t1"}}"#;
    let host = scripted(&sent, &[(200, &listed("")), (400, exists)]);
    let error = crate::AfterShip::create(&host, OBJECT, input, &attempt(true)).unwrap_err();
    assert!(matches!(error, Error { kind: ErrorKind::Conflict(Some(id)), .. } if id == "t1"));
}

#[test]
fn a_view_asks_for_no_more_than_is_wanted_where_aftership_can() {
    let wanted = |fields: &[&str], options: Option<&str>| View {
        fields: fields.iter().map(|&name| name.to_owned()).collect(),
        options: options.map(str::to_owned),
    };
    for (view, query) in [
        (View::whole(), ""),
        (wanted(&["id", "title", "tag"], None), "?fields=title%2Ctag"),
        (
            wanted(&["tracking_key"], Some(r#"{"lang":"zh-Hant"}"#)),
            "?fields=tracking_key&lang=zh-Hant",
        ),
        // Only the whole holds them.
        (wanted(&["title", "note"], None), ""),
        (wanted(&["id"], Some("{}")), ""),
    ] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &enveloped(WHOLE))]);
        crate::AfterShip::get(&host, OBJECT, "t1", &view).unwrap();
        assert_eq!(lines(&sent), [format!("GET /trackings/t1{query}")]);
    }
    let sent = Sent::default();
    let none = scripted(&sent, &[]);
    for (object, options) in [
        (OBJECT, r#"{"lang":"xx"}"#),
        (OBJECT, r#"{"language":"de"}"#),
        ("couriers", r#"{"lang":"en"}"#),
    ] {
        let error = crate::AfterShip::get(&none, object, "dhl", &wanted(&[], Some(options)));
        let error = error.unwrap_err();
        let [pointer] = pointers(&error)[..] else { panic!("{object} {options}") };
        assert!(pointer.starts_with("/lang"), "{object} {options}");
    }
}

#[test]
fn no_version_can_be_expected() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    let update =
        crate::AfterShip::update(&host, OBJECT, "t1", "{}", &attempt(false), Some("1")).map(drop);
    for refused in
        [update, crate::AfterShip::delete(&host, OBJECT, "t1", &attempt(false), Some("1"))]
    {
        assert!(matches!(refused, Err(Error { kind: ErrorKind::Unsupported, .. })), "{refused:?}");
    }
}

#[test]
fn create_refuses_an_input_before_it_is_sent() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for (input, pointer) in [
        ("{}", "/tracking_number"),
        (r#"{"tracking_number":"abc"}"#, "/tracking_number"),
        (r#"{"tracking_number":"1234 5678"}"#, "/tracking_number"),
        (r#"{"tracking_number":12345}"#, "/tracking_number"),
        (r#"{"tracking_number":"N123","slug":["dhl"]}"#, "/slug"),
        (r#"{"tracking_number":"N123","slugg":"dhl"}"#, "/slugg"),
        (r#"{"tracking_number":"N123","slug":"dhl","slug_group":"dhl-group"}"#, ""),
        (r#"{"tracking_number":"N123","custom_fields":{"a":1}}"#, "/custom_fields/a"),
        (r#"{"tracking_number":"N123","customers":[{},{},{},{}]}"#, "/customers"),
        (
            r#"{"tracking_number":"N123","order_promised_delivery_date":"2026-01-01"}"#,
            "/order_promised_delivery_date",
        ),
        (r#"{"tracking_number":"N123","last_mile":{"slug":"ups"}}"#, "/last_mile/tracking_number"),
        (r#"{"tracking_number":"N123","tracking_number":"N124"}"#, "/tracking_number"),
        (r#"{"tracking_number":"N123","custom_fields":{"a":"1","a":"2"}}"#, "/custom_fields/a"),
    ] {
        assert_eq!(pointers(&create(&host, OBJECT, input).unwrap_err()), [pointer], "{input}");
    }
}

#[test]
fn creating_what_exists_is_a_conflict() {
    let sent = Sent::default();
    let body = r#"{"meta":{"code":4003,"message":"Tracking already exists.","type":"BadRequest"},"data":{"id":"t1"}}"#;
    let error = create(&scripted(&sent, &[(400, body)]), OBJECT, r#"{"tracking_number":"N123"}"#);
    assert!(
        matches!(&error, Err(Error { kind: ErrorKind::Conflict(Some(id)), .. }) if id == "t1"),
        "{error:?}"
    );
}

#[test]
fn a_write_whose_answer_was_lost_is_unknown() {
    let input = r#"{"tracking_number":"N123"}"#;
    for (status, body) in [
        (502, "Interal Error".to_owned()),
        (201, r#"{"meta":{"code":201},"data":{"id":"t1","#.to_owned()),
        (201, String::new()),
        (201, enveloped(r#"{"tracking_number":"N1"}"#)),
        (201, r#"{"meta":{"code":201}}"#.to_owned()),
        (503, "{}".to_owned()),
        (408, "{}".to_owned()),
    ] {
        let answers = [(status, body.as_str())];
        let sent = Sent::default();
        let error = create(&scripted(&sent, &answers), OBJECT, input).unwrap_err();
        assert!(
            matches!(error, Error { kind: ErrorKind::OutcomeUnknown, .. }),
            "{status} {body} {error:?}"
        );
        let error =
            update(&scripted(&sent, &answers), OBJECT, "t1", r#"{"title":"x"}"#).unwrap_err();
        assert!(
            matches!(error, Error { kind: ErrorKind::OutcomeUnknown, .. }),
            "{status} {body} {error:?}"
        );
    }
    let sent = Sent::default();
    let error = delete(&scripted(&sent, &[(200, "{\"meta\":")]), OBJECT, "t1").unwrap_err();
    assert!(matches!(error, Error { kind: ErrorKind::OutcomeUnknown, .. }), "{error:?}");
}

#[test]
fn update_sends_what_changes() {
    let sent = Sent::default();
    let patch = r#"{"title":"New","note":null}"#;
    let host = scripted(&sent, &[(200, &enveloped(WHOLE))]);
    assert_eq!(update(&host, OBJECT, "t1", patch).unwrap().item, WrittenRecord::Whole(whole()));
    assert_eq!(lines(&sent), [r#"PUT /trackings/t1 {"title":"New","note":""}"#]);
}

#[test]
fn each_method_takes_what_aftership_takes_by_it() {
    let cleared = r#"{"title":"","order_id":"","order_id_path":"","language":"","pickup_location":"","pickup_note":"","customers":[{"role":"","name":""}]}"#;
    let countries = r#""origin_country_region":"US","destination_country_region":"de""#;
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &enveloped(WHOLE)), (200, &enveloped(WHOLE))]);
    update(&host, OBJECT, "t1", cleared).unwrap();
    update(&host, OBJECT, "t1", &format!("{{{countries}}}")).unwrap();
    assert_eq!(
        lines(&sent),
        [format!("PUT /trackings/t1 {cleared}"), format!("PUT /trackings/t1 {{{countries}}}")]
    );
    let pointers_of_create = |input: &str| {
        let host = scripted(&sent, &[]);
        let input = input.replacen('{', r#"{"tracking_number":"N123","#, 1);
        pointers(&create(&host, OBJECT, &input).unwrap_err()).len()
    };
    assert_eq!(pointers_of_create(cleared), 8, "POST takes no empty texts there");
    let host = scripted(&sent, &[(201, &enveloped(WHOLE))]);
    create(&host, OBJECT, &format!(r#"{{"tracking_number":"N123",{countries}}}"#)).unwrap();
}

#[test]
fn what_aftership_does_not_take_away_is_a_conflict() {
    let there =
        WHOLE.replace(r#""active""#, r#""note":"n","custom_fields":{"a":"1","b":"2"},"active""#);
    let there = enveloped(&there);
    for (patch, answers, kept) in [
        (r#"{"custom_fields":{"b":null}}"#, 2, "custom_fields.b"),
        (r#"{"custom_fields":null}"#, 1, "custom_fields"),
        (r#"{"note":null,"title":"x"}"#, 1, "note"),
    ] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, there.as_str()), (200, there.as_str())][..answers]);
        let error = update(&host, OBJECT, "t1", patch).unwrap_err();
        assert!(
            matches!(&error, failure @ Error { kind: ErrorKind::Conflict(None), .. } if failure.message.contains(kept)),
            "{error:?}"
        );
    }
}

#[test]
fn members_of_another_version_pass_where_they_are_let() {
    let input = r#"{"tracking_number":"N123","new":[1.0],"customers":[{"new":""}]}"#;
    let sent = Sent::default();
    assert_eq!(
        pointers(&create(&scripted(&sent, &[]), OBJECT, input).unwrap_err()),
        ["/new", "/customers/0/new"]
    );
    let with = |answers: &[(u16, &str)], value| {
        scripted(&sent, answers).with_setting("unknown-members", value)
    };
    create(&with(&[(201, &enveloped(WHOLE))], "pass"), OBJECT, input).unwrap();
    update(&with(&[(200, &enveloped(WHOLE))], "pass"), OBJECT, "t1", r#"{"new":null}"#).unwrap();
    assert_eq!(
        lines(&sent),
        [format!("POST /trackings {input}"), r#"PUT /trackings/t1 {"new":null}"#.to_owned()]
    );
    let wrong = create(&with(&[], "pass"), OBJECT, r#"{"tracking_number":7,"new":1}"#);
    assert_eq!(pointers(&wrong.unwrap_err()), ["/tracking_number"]);
    let odd = create(&with(&[], "maybe"), OBJECT, input).unwrap_err();
    assert!(odd.to_string().contains("unknown-members"), "{odd}");
}

#[test]
fn find_is_bounded() {
    let sent = Sent::default();
    let slugs = |count: usize| vec![r#""dhl""#; count].join(",");
    let input = |slugs: String| format!(r#"{{"tracking_number":"N1","slug":[{slugs}]}}"#);
    let error =
        AfterShip::find(&scripted(&sent, &[]), OBJECT, &[input(slugs(60_000))]).unwrap_err();
    assert_eq!(pointers(&error), ["/slug"]);
    let many = vec![input(slugs(1)); 201];
    let error = AfterShip::find(&scripted(&sent, &[]), OBJECT, &many).unwrap_err();
    assert!(error.message.contains("At most 200"), "{error:?}");
}

/// Only AfterShip itself says that a tracking is gone, by 4004.
#[test]
fn nothing_else_passes_for_a_tracking_that_is_gone() {
    for (status, body) in [
        (404, "<html>not found"),
        (404, r#"{"meta":{"code":404,"message":"Unknown.","type":"NotFound"},"data":{}}"#),
        (410, ""),
        (200, r#"{"meta":{"code":404},"data":{}}"#),
    ] {
        let sent = Sent::default();
        let error = get(&scripted(&sent, &[(status, body)]), OBJECT, "t1").unwrap_err();
        assert!(
            !matches!(error, Error { kind: ErrorKind::NotFound, .. }),
            "{status} {body} {error:?}"
        );
        let host = scripted(&sent, &[(status, body)]);
        assert!(
            AfterShip::find(&host, OBJECT, &[r#"{"id":"t1"}"#.to_owned()]).is_err(),
            "{status} {body}"
        );
    }
}

#[test]
fn update_merges_custom_fields() {
    let sent = Sent::default();
    let current = enveloped(r#"{"id":"t1","custom_fields":{"a":"1","b":"2"}}"#);
    let host = scripted(&sent, &[(200, &current), (200, &enveloped(WHOLE))]);
    update(&host, OBJECT, "t1", r#"{"custom_fields":{"a":null,"c":"3"}}"#).unwrap();
    let put = r#"PUT /trackings/t1 {"custom_fields":{"b":"2","c":"3"}}"#;
    assert_eq!(lines(&sent), ["GET /trackings/t1", put]);
}

#[test]
fn a_failed_read_before_an_update_wrote_nothing() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(502, "Interal Error")]);
    let error = update(&host, OBJECT, "t1", r#"{"custom_fields":{"a":"1"}}"#).unwrap_err();
    assert!(matches!(error, Error { kind: ErrorKind::Unavailable, .. }), "{error:?}");
}

#[test]
fn update_refuses_what_cannot_be_changed_or_cleared() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for (patch, pointer) in [
        ("{}", ""),
        (r#"{"id":"t2"}"#, "/id"),
        (r#"{"tracking_number":"N2"}"#, "/tracking_number"),
        (r#"{"shipment_tags":[]}"#, "/shipment_tags"),
        (r#"{"courier_connection_id":"c"}"#, "/courier_connection_id"),
        (r#"{"slug_group":"dhl-group"}"#, "/slug_group"),
        (r#"{"title":null}"#, "/title"),
        (r#"{"origin_country_region":null}"#, "/origin_country_region"),
    ] {
        let error = update(&host, OBJECT, "t1", patch).unwrap_err();
        assert_eq!(pointers(&error), [pointer], "{patch}");
    }
}

#[test]
fn delete_says_only_that_it_is_done() {
    for (status, body) in [(200, enveloped(WHOLE)), (200, enveloped("{}")), (204, String::new())] {
        let sent = Sent::default();
        assert_eq!(delete(&scripted(&sent, &[(status, &body)]), OBJECT, "t1"), Ok(()));
        assert_eq!(lines(&sent), ["DELETE /trackings/t1"]);
    }
}

#[test]
fn trackings_are_not_derived() {
    assert!(matches!(derive(OBJECT, &[]), Err(Error { kind: ErrorKind::Unsupported, .. })));
}

#[test]
fn an_unknown_object_is_not_found() {
    let sent = Sent::default();
    let error = get(&scripted(&sent, &[]), "parcels", "1").unwrap_err();
    assert!(
        matches!(&error, f @ Error { kind: ErrorKind::NotFound, .. } if f.message.contains("trackings")),
        "{error:?}"
    );
}
