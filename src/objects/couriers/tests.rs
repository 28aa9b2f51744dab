//! Couriers, called as the host calls them, with a closure for AfterShip.

use super::*;
use crate::testing::attempt;
use crate::testing::window;
use connector_sdk::Connector;
use connector_sdk::{ErrorKind, Invocation};

use crate::testing::{Sent, assert_valid, enveloped, lines, pointers, scripted};
use crate::testing::{create, get};

const OBJECT: &str = "couriers";
const DHL: &str = r#"{"slug":"dhl","name":"DHL Express","phone":null,"other_name":"DHL International","new_member":[1.50]}"#;
const POSTE: &str =
    r#"{"name":"\u00d6sterreichische Post","slug":"austrian-post","other_name":""}"#;

fn couriers(items: &str) -> String {
    enveloped(&format!(r#"{{"total":1,"couriers":[{items}]}}"#))
}

fn request(start: Start, filter: &str) -> ListRequest {
    let (object, filter) = (OBJECT.into(), Some(filter.into()));
    ListRequest { object, start, page_size: Some(1), filter, view: View::whole() }
}

fn ids(page: &Page) -> Vec<&str> {
    page.records.iter().map(|record| record.id.as_str()).collect()
}

fn detection(input: &str) -> Invocation {
    Invocation {
        object: OBJECT.into(),
        action: "detect".into(),
        id: None,
        input: input.into(),
        attempt: attempt(false),
    }
}

#[test]
fn all_couriers_come_in_one_page() {
    for start in [Start::Beginning, Start::Since("any".into())] {
        let sent = Sent::default();
        let body = couriers(&format!(r#"{DHL},{POSTE},{{"name":"no slug"}},{{"slug":7}}"#));
        let page =
            AfterShip::list(&scripted(&sent, &[(200, &body)]), request(start, "{}")).unwrap();
        assert_eq!(ids(&page), ["dhl", "austrian-post"]);
        assert_eq!(page.records[0].data, DHL);
        page.records.iter().for_each(|record| assert_valid(DESCRIPTOR.record_schema, &record.data));
        let raw: Vec<_> = page.unreadable.iter().map(|item| item.raw.as_str()).collect();
        assert_eq!(raw, [r#"{"name":"no slug"}"#, r#"{"slug":7}"#]);
        assert_eq!(
            (page.total, page.next.clone(), page.bookmark.clone(), window(&page)),
            (Some(2), None, None, None)
        );
        assert_eq!(
            page.records[0].updated_at.as_ref().or(page.records[0].created_at.as_ref()),
            None
        );
        assert_eq!(lines(&sent), ["GET /couriers"]);
    }
}

#[test]
fn filters_reach_the_wire() {
    for (filter, line) in [
        (r#"{"active":true}"#, "GET /couriers?active=true"),
        (r#"{"active":false,"slug":"dhl, ups"}"#, "GET /couriers?active=false&slug=dhl%2Cups"),
        (r#"{"slug":["dhl","ups"],"search":"x"}"#, "GET /couriers?slug=dhl%2Cups"),
    ] {
        let sent = Sent::default();
        AfterShip::list(
            &scripted(&sent, &[(200, &couriers(DHL))]),
            request(Start::Beginning, filter),
        )
        .unwrap();
        assert_eq!(lines(&sent), [line]);
    }
    for (filter, pointer) in [
        (r#"{"active":"yes"}"#, "/active"),
        (r#"{"slug":["dhl,ups"]}"#, "/slug/0"),
        (r#"{"slug":"dhl,"}"#, "/slug"),
        (r#"{"search":""}"#, "/search"),
        (r#"{"name":"dhl"}"#, "/name"),
    ] {
        let sent = Sent::default();
        let error =
            AfterShip::list(&scripted(&sent, &[]), request(Start::Beginning, filter)).unwrap_err();
        assert_eq!(pointers(&error), [pointer], "{filter}");
    }
}

#[test]
fn a_search_wants_every_word_somewhere() {
    for (search, found) in [
        ("dhl", &["dhl"][..]),
        ("EXPRESS international", &["dhl"]),
        ("express poste", &[]),
        ("Österreichische POST", &["austrian-post"]),
        ("Post AUSTRIAN", &["austrian-post"]),
        ("s", &["dhl", "austrian-post"]),
        ("new_member", &[]),
    ] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &couriers(&format!("{DHL},{POSTE}")))]);
        let filter = format!(r#"{{"search":"{search}"}}"#);
        let page = AfterShip::list(&host, request(Start::Beginning, &filter)).unwrap();
        assert_eq!((ids(&page).as_slice(), page.total), (found, None), "{search}");
    }
}

#[test]
fn there_is_no_cursor_to_go_on_with() {
    let sent = Sent::default();
    let page = AfterShip::list(&scripted(&sent, &[]), request(Start::At("c".into()), "{}"));
    assert!(matches!(page, Err(Error { kind: ErrorKind::CursorExpired, .. })), "{page:?}");
}

#[test]
fn get_takes_the_exact_slug() {
    let sent = Sent::default();
    let both = couriers(&format!(r#"{{"slug":"dhl-api"}},{DHL}"#));
    let other = couriers(r#"{"slug":"dhl-api"}"#);
    let invalid = r#"{"meta":{"code":4010,"message":"The value of slug is invalid."},"data":{}}"#;
    let host = scripted(&sent, &[(200, &both), (200, &other), (400, invalid)]);
    assert_eq!(get(&host, OBJECT, "dhl").unwrap().data, DHL);
    for _ in 0..2 {
        let error = get(&host, OBJECT, "dhl").unwrap_err();
        assert!(
            matches!(&error, f @ Error { kind: ErrorKind::NotFound, .. } if f.message.contains("`search`")),
            "{error:?}"
        );
    }
    assert_eq!(lines(&sent), ["GET /couriers?slug=dhl"; 3]);
}

#[test]
fn a_slug_that_can_be_none_costs_no_request() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for slug in ["", "dhl,ups", "DHL", "d hl", "dhl/../x", "dhl_x", "dhl\u{e9}"] {
        assert!(
            matches!(get(&host, OBJECT, slug), Err(Error { kind: ErrorKind::InvalidInput(_), .. })),
            "{slug}"
        );
    }
}

#[test]
fn check_asks_for_one_courier() {
    let sent = Sent::default();
    let denied = r#"{"meta":{"code":403},"data":{}}"#;
    let host = scripted(&sent, &[(200, &couriers("")), (403, denied)]);
    assert_eq!(AfterShip::check(&host, OBJECT), Ok(()));
    assert!(matches!(
        AfterShip::check(&host, OBJECT),
        Err(Error { kind: ErrorKind::Forbidden, .. })
    ));
    assert_eq!(lines(&sent), ["GET /couriers?slug=dhl"; 2]);
}

#[test]
fn couriers_cannot_be_made() {
    let sent = Sent::default();
    let error = create(&scripted(&sent, &[]), OBJECT, "{}").unwrap_err();
    assert!(matches!(error, Error { kind: ErrorKind::Unsupported, .. }));
}

#[test]
fn detection_answers_every_candidate() {
    for candidates in ["", DHL, r#"{"slug":"usps"} , {"slug":"ups"}"#] {
        let data = format!(r#"{{"total":2, "couriers":[{candidates}]}}"#);
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &enveloped(&data))]);
        let input = r#"{"tracking_number":"906587618687"}"#;
        let outcome = AfterShip::invoke(&host, &detection(input)).unwrap();
        assert_valid(detect::DETECT.output_schema, &outcome.output);
        assert_eq!((outcome.output, outcome.written), (data, Vec::new()));
        assert_eq!(lines(&sent), [format!("POST /couriers/detect {input}")]);
    }
}

#[test]
fn detection_sends_the_ship_date_as_aftership_wants_it() {
    for (date, sent_as) in [("2013-12-31", "20131231"), ("20131231", "20131231")] {
        let sent = Sent::default();
        let input = |date: &str| {
            format!(r#"{{"tracking_number":"9","tracking_ship_date":"{date}","slug":["ups"]}}"#)
        };
        AfterShip::invoke(&scripted(&sent, &[(200, &couriers(""))]), &detection(&input(date)))
            .unwrap();
        assert_eq!(lines(&sent), [format!("POST /couriers/detect {}", input(sent_as))]);
    }
}

/// AfterShip's own example writes them so.
#[test]
fn detection_sends_couriers_one_by_one() {
    let sent = Sent::default();
    let input = r#"{"tracking_number":"9","slug":["usps,ups,","dhl"]}"#;
    AfterShip::invoke(&scripted(&sent, &[(200, &couriers(""))]), &detection(input)).unwrap();
    let body = r#"{"tracking_number":"9","slug":["usps","ups","dhl"]}"#;
    assert_eq!(lines(&sent), [format!("POST /couriers/detect {body}")]);
}

#[test]
fn detection_refuses_what_aftership_would_misread() {
    for (input, pointer) in [
        ("{}", "/tracking_number"),
        (r#"{"tracking_number":"9","slug":"ups"}"#, "/slug"),
        (r#"{"tracking_number":"9","slug":[]}"#, "/slug"),
        (r#"{"tracking_number":"9","slug":["ups"],"slug_group":"dhl-group"}"#, ""),
        (r#"{"tracking_number":"9","origin_country_region":1}"#, "/origin_country_region"),
        (r#"{"tracking_number":"9","tracking_ship_date":"31.12.2013"}"#, "/tracking_ship_date"),
        (r#"{"tracking_number":"9","tracking_ship_date":"2013-13-31"}"#, "/tracking_ship_date"),
        (r#"{"tracking_number":"9","tracking_ship_date":"2013-1231"}"#, "/tracking_ship_date"),
        (
            r#"{"tracking_number":"9","tracking_ship_date":"2013-12-31T00:00:00"}"#,
            "/tracking_ship_date",
        ),
        (r#"{"tracking":{"tracking_number":"9"}}"#, "/tracking_number"),
    ] {
        let sent = Sent::default();
        let error = AfterShip::invoke(&scripted(&sent, &[]), &detection(input)).unwrap_err();
        assert!(pointers(&error).contains(&pointer), "{input} {error:?}");
    }
}

#[test]
fn an_answer_without_couriers_is_no_empty_list() {
    let sent = Sent::default();
    let nothing = enveloped("{}");
    let host = scripted(&sent, &[(200, &nothing), (200, &nothing), (200, &nothing)]);
    let page = AfterShip::list(&host, request(Start::Beginning, "{}"));
    assert!(matches!(page, Err(Error { kind: ErrorKind::Internal, .. })), "{page:?}");
    assert!(matches!(get(&host, OBJECT, "dhl"), Err(Error { kind: ErrorKind::Internal, .. })));
    let outcome = AfterShip::invoke(&host, &detection(r#"{"tracking_number":"9"}"#));
    assert!(matches!(outcome, Err(Error { kind: ErrorKind::Internal, .. })), "{outcome:?}");
}
