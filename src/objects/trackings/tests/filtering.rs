//! Every filter reaches the wire as AfterShip documents it.

use super::*;
use crate::AfterShip;
use connector_sdk::Connector as _;

use connector_sdk::{ListRequest, Start, View};

const EMPTY: &str = r#"{"data":{"pagination":{"has_next_page":false},"trackings":[]}}"#;

fn with(filter: &str) -> ListRequest {
    let (object, filter) = ("trackings".into(), Some(filter.into()));
    ListRequest { object, start: Start::Beginning, page_size: None, filter, view: View::whole() }
}

/// The parameters that a filter becomes, without those of every full scan.
fn wire(filter: &str) -> String {
    let sent = Sent::default();
    AfterShip::list(&scripted(&sent, &[(200, EMPTY)]), with(filter))
        .unwrap_or_else(|e| panic!("{filter} {e:?}"));
    let line = lines(&sent).remove(0);
    let query = line.strip_prefix("GET /trackings?").unwrap().strip_suffix("&limit=200").unwrap();
    let default = "created_at_min=2026-07-25T09%3A30%3A00%2B00%3A00";
    query.replace(default, "").trim_matches('&').to_owned()
}

#[test]
fn each_filter_has_its_parameter() {
    for (filter, expected) in [
        ("{}", ""),
        (r#"{"keyword":"a b&c"}"#, "keyword=a%20b%26c"),
        (r#"{"tracking_numbers":["A1","B/2"]}"#, "tracking_numbers=A1%2CB%2F2"),
        (r#"{"tracking_numbers":"A1, B2"}"#, "tracking_numbers=A1%2CB2"),
        (r#"{"slug":["dhl","ups"]}"#, "slug=dhl%2Cups"),
        (r#"{"slug":"dhl"}"#, "slug=dhl"),
        (r#"{"transit_time":5}"#, "transit_time=5"),
        (r#"{"transit_time":"5"}"#, "transit_time=5"),
        (r#"{"origin":["CHN","USA"]}"#, "origin=CHN%2CUSA"),
        (r#"{"destination":"CHN,USA"}"#, "destination=CHN%2CUSA"),
        (
            r#"{"courier_destination_country_region":["USA"]}"#,
            "courier_destination_country_region=USA",
        ),
        (r#"{"tag":"Delivered"}"#, "tag=Delivered"),
        (r#"{"return_to_sender":true}"#, "return_to_sender=true"),
        (r#"{"return_to_sender":[true,false]}"#, "return_to_sender=true%2Cfalse"),
        (r#"{"return_to_sender":"false"}"#, "return_to_sender=false"),
        (r#"{"shipment_tags":["a b","c"]}"#, "shipment_tags=a%20b%2Cc"),
        (r#"{"order_id":["1","2"]}"#, "order_id=1%2C2"),
        (
            r#"{"created_at_min":"2026-11-01T00:00:00Z"}"#,
            "created_at_min=2026-11-01T00%3A00%3A00%2B00%3A00",
        ),
        (
            r#"{"created_at_max":"2026-11-01T00:00:00.1+08:00"}"#,
            "created_at_max=2026-10-31T16%3A00%3A01%2B00%3A00",
        ),
        (
            r#"{"updated_at_min":"2026-11-01T00:00:00.9Z"}"#,
            "updated_at_min=2026-11-01T00%3A00%3A00%2B00%3A00",
        ),
        (
            r#"{"updated_at_max":"2026-10-31T19:00:00-05:00"}"#,
            "updated_at_max=2026-11-01T00%3A00%3A00%2B00%3A00",
        ),
    ] {
        assert_eq!(wire(filter), expected, "{filter}");
    }
}

#[test]
fn fifty_numbers_go_into_one_request() {
    let numbers: Vec<_> = (0..50).map(|n| format!("N{n}")).collect();
    let expected = format!("tracking_numbers={}", numbers.join("%2C"));
    assert_eq!(wire(&format!(r#"{{"tracking_numbers":"{}"}}"#, numbers.join(","))), expected);
    let items = numbers.join("\",\"");
    assert_eq!(wire(&format!(r#"{{"tracking_numbers":["{items}"]}}"#)), expected);
}

#[test]
fn what_aftership_would_misread_is_refused_before_it_is_sent() {
    let many = format!(r#"{{"tracking_numbers":"{}"}}"#, ["A1234"; 51].join(","));
    let many_items = format!(r#"{{"tracking_numbers":["{}"]}}"#, ["A1234"; 51].join("\",\""));
    for (filter, pointer) in [
        (r#"{"slugs":["dhl"]}"#, "/slugs"),
        (r#"{"limit":5}"#, "/limit"),
        (r#"{"slug":["DHL"]}"#, "/slug/0"),
        (r#"{"slug":[]}"#, "/slug"),
        (r#"{"slug":"dhl,,ups"}"#, "/slug"),
        (r#"{"slug":null}"#, "/slug"),
        (r#"{"order_id":["a,b"]}"#, "/order_id"),
        (r#"{"shipment_tags":["a,b","c"]}"#, "/shipment_tags"),
        (r#"{"tag":"In Transit"}"#, "/tag"),
        (r#"{"origin":"chn"}"#, "/origin"),
        (r#"{"transit_time":-1}"#, "/transit_time"),
        (r#"{"created_at_min":"2026-11-01"}"#, "/created_at_min"),
        (r#"{"updated_at_max":"yesterday"}"#, "/updated_at_max"),
        (&many, "/tracking_numbers"),
        (&many_items, "/tracking_numbers"),
        ("[]", ""),
        ("", ""),
    ] {
        let sent = Sent::default();
        let error = AfterShip::list(&scripted(&sent, &[]), with(filter)).unwrap_err();
        assert_eq!(pointers(&error), [pointer], "{filter}");
    }
}

#[test]
fn the_schema_and_the_wire_know_the_same_filters() {
    let schema = crate::testing::whole(super::super::DESCRIPTOR.filter_schema);
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let described: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(described.len(), 15);
    assert!(described.iter().all(|name| super::super::filters::is_parameter(name)));
    assert!(!super::super::filters::is_parameter("cursor"));
}

/// However a filter is written, it is the same, so its bookmark goes on.
#[test]
fn equal_filters_share_their_bookmarks() {
    let bookmark = |filter: &str| {
        let sent = Sent::default();
        AfterShip::list(&scripted(&sent, &[(200, EMPTY)]), with(filter)).unwrap().bookmark.unwrap()
    };
    for (one, other, is_equal) in [
        (r#"{"slug":"ups, dhl"}"#, r#"{"slug":["dhl","ups","dhl"]}"#, true),
        (r#"{"transit_time":7}"#, r#"{"transit_time":"007"}"#, true),
        (r#"{"transit_time":0}"#, r#"{"transit_time":"00"}"#, true),
        (r#"{"return_to_sender":[true,false]}"#, r#"{"return_to_sender":"false,true"}"#, true),
        (r#"{"tag":"Delivered","slug":"ups"}"#, r#"{"slug":"ups","tag":"Delivered"}"#, true),
        (
            r#"{"created_at_min":"2026-11-01T00:00:00Z"}"#,
            r#"{"created_at_min":"2026-11-01T08:00:00+08:00"}"#,
            true,
        ),
        (r#"{"slug":"ups"}"#, r#"{"slug":["dhl","ups"]}"#, false),
        (r#"{"transit_time":7}"#, r#"{"transit_time":70}"#, false),
        (r#"{"keyword":"b,a"}"#, r#"{"keyword":"a,b"}"#, false),
        (r#"{"order_id":"1"}"#, r#"{"shipment_tags":"1"}"#, false),
    ] {
        assert_eq!(bookmark(one) == bookmark(other), is_equal, "{one} {other}");
    }
}
