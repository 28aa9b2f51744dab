//! Checkpoints, called as the host calls them, with a closure for AfterShip.

use crate::AfterShip;
use connector_sdk::Connector as _;
use connector_sdk::{DataRecord, Error, ErrorKind, ListRequest, Page, Start, View};

use crate::testing::{Sent, enveloped, lines, pointers, scripted};
use crate::testing::{create, delete, derive, get};
use proptest::prelude::*;

const OBJECT: &str = "checkpoints";

/// As AfterShip answers one: names and texts with escapes, numbers with digits, members unknown.
const SCAN: &str = r#"{"created_at":"2026-11-01T08:47:10+00:00","slug":"fedex","checkpoint_time":"2026-11-01T18:47:10","coordinate":{"latitude":40.70,"longitude":-74.0},"message":"Caf\u00e9","\u006eew":[1e2, 0.10],"hash":"a1b2c3d4e5f6789012345678901234567890abcd"}"#;

fn tracking(checkpoints: &str) -> DataRecord {
    DataRecord {
        id: "t1".into(),
        updated_at: Some("2026-11-02T00:00:00+00:00".into()),
        created_at: Some("2026-11-01T00:00:00+00:00".into()),
        version: None,
        data: format!(
            r#"{{"id":"t1","created_at":"2026-11-01T00:00:00+00:00","updated_at":"2026-11-02T00:00:00+00:00","checkpoints":[{checkpoints}],"tag":"InTransit"}}"#
        ),
    }
}

fn held(checkpoints: &str) -> Vec<DataRecord> {
    derive(OBJECT, &[tracking(checkpoints)]).unwrap().remove(0)
}

fn ids(checkpoints: &str) -> Vec<String> {
    held(checkpoints).into_iter().map(|record| record.id).collect()
}

#[test]
fn a_checkpoint_is_kept_token_for_token() {
    let record = held(SCAN).remove(0);
    assert_eq!(record.id, "t1/a1b2c3d4e5f6789012345678901234567890abcd");
    let ours = format!(r#"{{"id":"{}","tracking_id":"t1","#, record.id);
    assert_eq!(record.data, ours + SCAN.strip_prefix('{').unwrap());
    assert_eq!(record.created_at.as_deref(), Some("2026-11-01T08:47:10+00:00"));
    assert_eq!(record.updated_at.as_deref(), Some("2026-11-02T00:00:00+00:00"));
}

#[test]
fn members_of_ours_go_before_theirs() {
    let record = held(r#"{"\u0069d":"x","hash":"a1","position":9,"tracking_id":null}"#).remove(0);
    assert_eq!(record.data, r#"{"id":"t1/a1","tracking_id":"t1","hash":"a1","position":9}"#);
    // Without a time of its own it was made no later than its tracking was seen.
    assert_eq!(record.created_at.as_deref(), Some("2026-11-01T00:00:00+00:00"));
    let odd = held(r#"{"hash":"a1","created_at":"yesterday"}"#).remove(0);
    assert_eq!(odd.created_at.as_deref(), Some("2026-11-01T00:00:00+00:00"));
}

#[test]
fn the_order_is_aftership_s() {
    let scans = r#"{"hash":"b","checkpoint_time":"2026-11-03T00:00:00+08:00"},{"hash":"a","checkpoint_time":"2026-11-01T00:00:00+03:00"}"#;
    assert_eq!(ids(scans), ["t1/b", "t1/a"]);
}

/// Else each would be a change of its own to everybody who follows.
#[test]
fn a_scan_that_comes_in_between_changes_no_other() {
    let (first, last) = (r#"{"hash":"a","message":"1"}"#, r#"{"hash":"c","message":"3"}"#);
    let before = held(&format!("{first},{last}"));
    let after = held(&format!(r#"{first},{{"hash":"b","message":"2"}},{last}"#));
    assert_eq!([&after[0], &after[2]], [&before[0], &before[1]]);
}

#[test]
fn without_a_hash_the_couriers_words_tell_it() {
    let scan = r#"{"checkpoint_time":"2026-11-01T00:00:00","slug":"dhl","message":"Departed","location":"Bonn","raw_tag":"DP","tag":"InTransit"}"#;
    let of = |scan: &str| ids(scan).remove(0);
    let id = of(scan);
    let digest = id.strip_prefix("t1/").unwrap();
    assert!(digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    // What AfterShip makes of it may change, and a text may be escaped in another way.
    let mended = scan.replace("InTransit", "Exception").replace("Bonn", "\\u0042onn");
    assert_eq!(of(&mended), id);
    assert_eq!(of(&scan.replace(r#""slug""#, r#""hash":null,"slug""#)), id);
    for (from, to) in [
        ("2026-11-01", "2026-11-02"),
        ("dhl", "ups"),
        ("Departed", "Arrived"),
        ("Bonn", "Köln"),
        ("DP", "AR"),
    ] {
        assert_ne!(of(&scan.replace(from, to)), id, "{to}");
    }
    // A hash that would break the id apart is none.
    for hash in ["a/b", "a~2", "", "a b"] {
        let odd = of(&scan.replace(r#""slug""#, &format!(r#""hash":"{hash}","slug""#)));
        assert_eq!(odd, id, "{hash}");
    }
}

#[test]
fn equal_scans_are_kept_apart() {
    let scans =
        r#"{"hash":"a"},{"hash":"b"},{"hash":"a"},{"message":"x"},{"hash":"a"},{"message":"x"}"#;
    let ids = ids(scans);
    assert_eq!(ids[..3], ["t1/a", "t1/b", "t1/a~2"]);
    assert_eq!((ids[4].as_str(), ids[5].clone()), ("t1/a~3", format!("{}~2", ids[3])));
}

#[test]
fn many_equal_scans_cost_no_more_than_others() {
    let scans = vec!["{}"; 50_000].join(",");
    assert!(ids(&scans)[49_999].ends_with("~50000"));
}

#[test]
fn what_is_no_checkpoint_is_not_passed_over_in_silence() {
    let whole = r#"{"id":"t2","checkpoints":[{"hash":"a"}]}"#;
    for data in [r#"{"id":"t1","checkpoints":[7]}"#, r#"{"id":"t1","checkpoints":"none"}"#] {
        let error = derive(OBJECT, &[DataRecord { data: data.into(), ..tracking("") }]);
        assert!(matches!(error, Err(Error { kind: ErrorKind::Internal, .. })), "{error:?}");
        let sent = Sent::default();
        let answer = enveloped(&format!(
            r#"{{"pagination":{{"has_next_page":false}},"trackings":[{data},{whole}]}}"#
        ));
        let page = AfterShip::list(&scripted(&sent, &[(200, &answer)]), request(None)).unwrap();
        assert_eq!((page.records.len(), page.unreadable.len()), (1, 1));
        assert_eq!(page.unreadable[0].raw, data);
        assert!(page.unreadable[0].reason.contains("`t1`"), "{}", page.unreadable[0].reason);
    }
}

fn request(filter: Option<&str>) -> ListRequest {
    let filter = filter.map(str::to_owned);
    ListRequest {
        object: OBJECT.into(),
        start: Start::Beginning,
        page_size: None,
        filter,
        view: View::whole(),
    }
}

#[test]
fn one_tracking_is_one_request() {
    let answer = enveloped(&tracking(r#"{"hash":"a"},{"hash":"b"}"#).data);
    for start in [Start::Beginning, Start::Since("of an older scan".into())] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &answer)]);
        let asked = ListRequest { start, ..request(Some(r#"{"tracking_id":"my-own"}"#)) };
        let page = AfterShip::list(&host, asked).unwrap();
        let ids: Vec<_> = page.records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!((ids.as_slice(), page.next, page.bookmark), (&["t1/a", "t1/b"][..], None, None));
        assert_eq!(lines(&sent), ["GET /trackings/my-own"]);
    }
}

#[test]
fn scans_are_chosen_by_their_own_tag_on_every_page() {
    let page = |scans: &str, pagination: &str| {
        let data = tracking(scans).data;
        enveloped(&format!(r#"{{"pagination":{{{pagination}}},"trackings":[{data}]}}"#))
    };
    let scans = r#"{"hash":"a","tag":"InTransit"},{"hash":"b","t\u0061g":"Exception"},{"hash":"c"},{"hash":"d","tag":"Delivered"}"#;
    let first = page(scans, r#""has_next_page":true,"next_cursor":"n1""#);
    let last = page(scans, r#""has_next_page":false"#);
    let filter = r#"{"checkpoint_tag":["Exception","Delivered"],"tag":"Delivered"}"#;
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &first), (200, &last), (200, &last), (200, &first)]);
    let ids = |page: &Page| page.records.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    let begun = AfterShip::list(&host, request(Some(filter))).unwrap();
    assert_eq!(ids(&begun), ["t1/b", "t1/d"]);
    // A cursor keeps the filter, and AfterShip hears of its own alone.
    let start = Start::At(begun.next.unwrap());
    let ended = AfterShip::list(&host, ListRequest { start, ..request(None) }).unwrap();
    assert_eq!(ids(&ended), ["t1/b", "t1/d"]);
    assert!(lines(&sent).iter().all(|line| !line.contains("checkpoint")), "{:?}", lines(&sent));
    // "Everything up to here" is true of these scans only.
    let since = |filter: Option<&str>| {
        let start = Start::Since(ended.bookmark.clone().unwrap());
        AfterShip::list(&host, ListRequest { start, ..request(filter) })
    };
    assert_eq!(ids(&since(Some(filter)).unwrap()), ["t1/b", "t1/d"]);
    for other in [None, Some(r#"{"checkpoint_tag":"Exception","tag":"Delivered"}"#)] {
        assert!(
            matches!(since(other), Err(Error { kind: ErrorKind::CursorExpired, .. })),
            "{other:?}"
        );
    }
    let whole = AfterShip::list(&host, request(None)).unwrap();
    let start = Start::Since(whole.next.unwrap());
    let other = AfterShip::list(&host, ListRequest { start, ..request(Some(filter)) });
    assert!(matches!(other, Err(Error { kind: ErrorKind::CursorExpired, .. })), "{other:?}");
    // Of one tracking, too.
    let answer = enveloped(&tracking(scans).data);
    let one = r#"{"tracking_id":"t1","checkpoint_tag":"InTransit"}"#;
    let page = AfterShip::list(&scripted(&Sent::default(), &[(200, &answer)]), request(Some(one)))
        .unwrap();
    assert_eq!((ids(&page), page.bookmark), (vec!["t1/a".to_owned()], None));
}

#[test]
fn one_tracking_is_asked_for_alone() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for (filter, pointer) in [
        (r#"{"tracking_id":"t1","slug":"dhl"}"#, "/slug"),
        (r#"{"updated_at_min":"2026-11-01T00:00:00Z","tracking_id":"t1"}"#, "/updated_at_min"),
        (r#"{"tracking_id":""}"#, "/tracking_id"),
        (r#"{"tracking_id":["t1"]}"#, "/tracking_id"),
        (r#"{"checkpoint_tag":"Exception,,Delivered"}"#, "/checkpoint_tag"),
        (r#"{"checkpoint_tag":[]}"#, "/checkpoint_tag"),
    ] {
        assert_eq!(
            pointers(&AfterShip::list(&host, request(Some(filter))).unwrap_err()),
            [pointer]
        );
    }
}

#[test]
fn get_answers_the_true_id() {
    let answer = enveloped(&tracking(r#"{"hash":"a"},{"hash":"a"},{"message":"x"}"#).data);
    for id in ids(r#"{"hash":"a"},{"hash":"a"},{"message":"x"}"#) {
        let sent = Sent::default();
        let asked = id.replace("t1/", "legacy/");
        assert_eq!(get(&scripted(&sent, &[(200, &answer)]), OBJECT, &asked).unwrap().id, id);
        assert_eq!(lines(&sent), ["GET /trackings/legacy"]);
    }
}

#[test]
fn get_of_nothing_is_not_found() {
    let answer = enveloped(&tracking(r#"{"hash":"a"}"#).data);
    let gone = r#"{"meta":{"code":4004,"message":"Tracking does not exist."},"data":{}}"#;
    for (status, body) in [(200, answer.as_str()), (404, gone)] {
        let sent = Sent::default();
        let error = get(&scripted(&sent, &[(status, body)]), OBJECT, "t1/b").unwrap_err();
        assert!(matches!(error, Error { kind: ErrorKind::NotFound, .. }), "{error:?}");
    }
}

#[test]
fn an_id_that_is_none_costs_no_request() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for id in ["", "t1", "t1/", "/a", "/", "../a", "t1/x/a"] {
        let error = get(&host, OBJECT, id).unwrap_err();
        assert!(matches!(error, Error { kind: ErrorKind::InvalidInput(_), .. }), "{id} {error:?}");
    }
}

#[test]
fn checkpoints_are_the_couriers() {
    let sent = Sent::default();
    let host = scripted(&sent, &[]);
    for error in [create(&host, OBJECT, "{}").map(drop), delete(&host, OBJECT, "t1/a")] {
        assert!(
            matches!(&error, Err(Error { kind: ErrorKind::Unsupported, message: text, .. }) if text.contains("mark-as-completed"))
        );
    }
}

/// Few values, so that equal scans are common.
fn scan() -> impl Strategy<Value = String> {
    let hash = prop_oneof![
        Just(""),
        Just(r#""hash":"a","#),
        Just(r#""hash":null,"#),
        Just(r#""hash":"b","#)
    ];
    let message = prop_oneof![Just("x"), Just("y\\u0041"), Just("é"), Just("")];
    (hash, message, any::<Option<i32>>()).prop_map(|(hash, message, unknown)| {
        let unknown = unknown.map_or(String::new(), |n| format!(r#","unknown":[{n}.50e1]"#));
        format!(r#"{{{hash}"message":"{message}"{unknown}}}"#)
    })
}

proptest! {
    #[test]
    fn ids_are_unique_in_order_and_stay_when_scans_are_appended(
        scans in proptest::collection::vec(scan(), 0..12),
        more in proptest::collection::vec(scan(), 0..4),
    ) {
        let records = held(&scans.join(","));
        let mut once: Vec<_> = records.iter().map(|record| record.id.clone()).collect();
        prop_assert_eq!(once.len(), scans.len());
        let later = ids(&[scans.clone(), more].concat().join(","));
        prop_assert_eq!(&later[..once.len()], &once[..]);
        for (record, scan) in records.iter().zip(&scans) {
            let ours = format!(r#"{{"id":"{}","tracking_id":"t1","#, record.id);
            prop_assert_eq!(&record.data, &(ours + scan.strip_prefix('{').unwrap()));
        }
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), scans.len());
    }
}
