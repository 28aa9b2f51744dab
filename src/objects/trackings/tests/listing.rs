//! Scans: pages, windows, cursors and bookmarks.

use super::*;
use crate::AfterShip;
use crate::testing::kind_name;
use crate::testing::window;
use connector_sdk::Connector as _;
use connector_sdk::Error;
use connector_sdk::{ErrorKind, ListRequest, Page, Start, View, cursor::Window};

fn request(start: Start) -> ListRequest {
    ListRequest {
        object: "trackings".into(),
        start,
        page_size: None,
        filter: None,
        view: View::whole(),
    }
}

fn page_of(items: &str, pagination: &str) -> String {
    enveloped(&format!(r#"{{"pagination":{{{pagination}}},"trackings":[{items}]}}"#))
}

fn last_page() -> String {
    page_of("", r#""total":0,"next_cursor":"","has_next_page":false"#)
}

/// The parameters of a request, decoded.
fn parameters(line: &str) -> Vec<(String, String)> {
    let (_, query) = line.split_once('?').unwrap();
    let decoded = |text: &str| text.replace("%3A", ":").replace("%2B", "+").replace("%2C", ",");
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

fn asked(sent: &Sent) -> Vec<(String, String)> {
    parameters(lines(sent).last().unwrap())
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn full_scan(host: &dyn connector_sdk::Host) -> Page {
    AfterShip::list(host, request(Start::Beginning)).unwrap()
}

#[test]
fn a_full_scan_goes_page_by_page() {
    let sent = Sent::default();
    let host = scripted(
        &sent,
        &[
            (200, &page_of(WHOLE, r#""total":3,"next_cursor":"c1","has_next_page":true"#)),
            (200, &page_of("", r#""total":3,"next_cursor":"c2","has_next_page":true"#)),
            (
                200,
                &page_of(r#"{"id":"t2"}"#, r#""total":3,"next_cursor":"","has_next_page":false"#),
            ),
        ],
    );
    let first = full_scan(&host);
    assert_eq!((first.total, window(&first), first.bookmark), (Some(3), None, None));
    let record = &first.records[0];
    assert_eq!((record.id.as_str(), record.data.as_str()), ("t1", WHOLE));
    assert_eq!(record.created_at.as_deref(), Some("2026-11-01T00:00:00+00:00"));
    assert_eq!(record.updated_at.as_deref(), Some("2026-11-02T00:00:00+00:00"));

    // The filter of a scan that goes on is the cursor's: another one is not even looked at.
    let filter = Some(r#"{"no such filter":1}"#.to_owned());
    let next = request(Start::At(first.next.unwrap()));
    let second = AfterShip::list(&host, ListRequest { filter, ..next }).unwrap();
    assert!(second.records.is_empty() && second.bookmark.is_none());
    let third = AfterShip::list(&host, request(Start::At(second.next.unwrap()))).unwrap();
    assert_eq!((third.records[0].id.as_str(), third.next), ("t2", None));
    assert!(third.bookmark.unwrap().contains("2026-11-22T09:29:00+00:00"));

    let frozen = "GET /trackings?created_at_min=2026-07-25T09%3A30%3A00%2B00%3A00&limit=200";
    let expected =
        [frozen.to_owned(), format!("{frozen}&cursor=c1"), format!("{frozen}&cursor=c2")];
    assert_eq!(lines(&sent), expected);
}

#[test]
fn an_incremental_scan_asks_for_a_frozen_window() {
    let sent = Sent::default();
    let more = page_of("", r#""next_cursor":"c1","has_next_page":true"#);
    let host = scripted(&sent, &[(200, &last_page()), (200, &more)]);
    let bookmark = full_scan(&host).bookmark.unwrap();

    let host = host.at(NOW_MS + 3_600_999);
    let page = AfterShip::list(&host, request(Start::Since(bookmark))).unwrap();
    let expected = Window {
        since: Some("2026-11-22T09:19:00+00:00".into()),
        until: Some("2026-11-22T10:29:00+00:00".into()),
    };
    assert_eq!(window(&page), Some(expected.clone()));
    assert_eq!(
        asked(&sent),
        pairs(&[
            ("created_at_min", "2026-07-25T10:30:00+00:00"),
            ("updated_at_min", "2026-11-22T09:19:00+00:00"),
            ("updated_at_max", "2026-11-22T10:29:00+00:00"),
            ("limit", "200"),
        ])
    );

    // Time goes on; the window stays, and so does the promise at its end.
    let later = Sent::default();
    let host = scripted(&later, &[(200, &last_page())]).at(NOW_MS + 7_200_000);
    let last = AfterShip::list(&host, request(Start::At(page.next.unwrap()))).unwrap();
    assert_eq!(asked(&later)[..3], asked(&sent)[..3]);
    assert_eq!(window(&last), Some(expected));
    assert!(last.bookmark.unwrap().contains("2026-11-22T10:29:00+00:00"));
}

#[test]
fn a_callers_own_bounds_narrow_the_scan_and_promise_nothing() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &last_page()), (200, &last_page()), (200, &last_page())]);
    let bookmark = full_scan(&host).bookmark.unwrap();
    let filter = Some(r#"{"updated_at_min":"2026-11-22T17:25:00.5+08:00"}"#.to_owned());
    let since = ListRequest { filter, ..request(Start::Since(bookmark)) };
    let page = AfterShip::list(&host, since.clone()).unwrap();
    assert_eq!((page.bookmark, page.next), (None, None));
    assert_eq!(
        asked(&sent)[1..3],
        pairs(&[
            ("updated_at_min", "2026-11-22T09:25:00+00:00"),
            ("updated_at_max", "2026-11-22T09:29:00+00:00"),
        ])
    );
    let page = AfterShip::list(&host, ListRequest { start: Start::Beginning, ..since }).unwrap();
    assert_eq!(page.bookmark, None);
    assert_eq!(window(&page).unwrap().until, None);
}

#[test]
fn a_window_that_holds_nothing_costs_no_request() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &last_page())]);
    let bookmark = full_scan(&host).bookmark.unwrap();
    let filter = Some(r#"{"updated_at_max":"2020-01-01T00:00:00Z"}"#.to_owned());
    let page =
        AfterShip::list(&host, ListRequest { filter, ..request(Start::Since(bookmark)) }).unwrap();
    assert_eq!((page.records.len(), page.next, sent.borrow().len()), (0, None, 1));
}

#[test]
fn a_bookmark_is_of_its_filter() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &last_page()), (200, &last_page())]);
    let filtered =
        |start, filter: &str| ListRequest { filter: Some(filter.into()), ..request(start) };
    let bookmark = AfterShip::list(&host, filtered(Start::Beginning, r#"{"slug":["dhl","ups"]}"#))
        .unwrap()
        .bookmark
        .unwrap();
    // Written otherwise, but the same filter.
    assert!(
        AfterShip::list(&host, filtered(Start::Since(bookmark.clone()), r#"{"slug":"dhl, ups"}"#))
            .is_ok()
    );
    for other in [r#"{"slug":"dhl"}"#, "{}", r#"{"slug":"dhl,ups","tag":"Delivered"}"#] {
        let page = AfterShip::list(&host, filtered(Start::Since(bookmark.clone()), other));
        assert!(
            matches!(page, Err(Error { kind: ErrorKind::CursorExpired, .. })),
            "{other} {page:?}"
        );
    }
    let page = AfterShip::list(&host, request(Start::Since("2026-11-22".into())));
    assert!(matches!(page, Err(Error { kind: ErrorKind::CursorExpired, .. })));
}

#[test]
fn the_page_size_is_held_within_bounds() {
    let sent = Sent::default();
    let more = page_of("", r#""next_cursor":"c1","has_next_page":true"#);
    let host = scripted(&sent, &[(200, &*more); 6]);
    let mut next = None;
    for (wished, asked_for) in [
        (None, "200"),
        (Some(0), "1"),
        (Some(50), "50"),
        (Some(201), "200"),
        (Some(u32::MAX), "200"),
    ] {
        let page =
            AfterShip::list(&host, ListRequest { page_size: wished, ..request(Start::Beginning) })
                .unwrap();
        assert_eq!(asked(&sent)[1], ("limit".to_owned(), asked_for.to_owned()));
        next = next.or(page.next.filter(|_| wished == Some(50)));
    }
    // A scan keeps its page size, and takes another one when it is halved.
    let host = scripted(&sent, &[(200, &last_page()), (200, &last_page())]);
    for (wished, asked_for) in [(None, "50"), (Some(25), "25")] {
        let at = request(Start::At(next.clone().unwrap()));
        AfterShip::list(&host, ListRequest { page_size: wished, ..at }).unwrap();
        assert_eq!(asked(&sent)[1], ("limit".to_owned(), asked_for.to_owned()));
    }
}

#[test]
fn one_bad_item_does_not_stop_the_page() {
    let sent = Sent::default();
    let items =
        format!(r#"{WHOLE},{{"tracking_number":"no id"}},{{"id":"t2","updated_at":"soon"}}"#);
    let host = scripted(&sent, &[(200, &page_of(&items, r#""has_next_page":false"#))]);
    let page = full_scan(&host);
    let ids: Vec<_> = page.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["t1", "t2"]);
    assert_eq!(page.records[1].updated_at, None);
    assert_eq!(page.unreadable[0].raw, r#"{"tracking_number":"no id"}"#);
    assert!(page.bookmark.is_some());
}

#[test]
fn answers_that_would_lose_records_are_refused() {
    for (status, body, expected) in [
        (200, enveloped(r#"{"trackings":[]}"#), "Internal"),
        (200, enveloped(r#"{"pagination":{}}"#), "Internal"),
        (200, enveloped("[]"), "Internal"),
        (
            200,
            r#"{"meta":{"code":200},"data":{"trackings":[{"id":"t1"},"#.to_owned(),
            "Unavailable",
        ),
        (200, String::new(), "Unavailable"),
        (200, r#"{"meta":{"code":500},"data":{}}"#.to_owned(), "Unavailable"),
        (400, r#"{"meta":{"code":400},"data":{}}"#.to_owned(), "InvalidInput"),
    ] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(status, &body)]);
        let error = AfterShip::list(&host, request(Start::Beginning)).unwrap_err();
        assert!(kind_name(&error).starts_with(expected), "{body} {error:?}");
    }
}

#[test]
fn a_cursor_that_aftership_refuses_is_expired() {
    let sent = Sent::default();
    let more = page_of("", r#""next_cursor":"c1","has_next_page":true"#);
    let bad = r#"{"meta":{"code":400,"message":"bad cursor"},"data":{}}"#;
    let host = scripted(&sent, &[(200, &more), (400, bad), (200, &more)]);
    let cursor = full_scan(&host).next.unwrap();
    let refused = AfterShip::list(&host, request(Start::At(cursor.clone())));
    assert!(matches!(refused, Err(Error { kind: ErrorKind::CursorExpired, .. })), "{refused:?}");
    // The same cursor again would loop for ever.
    let repeated = AfterShip::list(&host, request(Start::At(cursor)));
    assert!(
        matches!(&repeated, Err(f @ Error { kind: ErrorKind::Internal, .. }) if f.message.contains("repeats")),
        "{repeated:?}"
    );
}

#[test]
fn a_cursor_cannot_ask_for_what_the_connector_does_not_know() {
    let sent = Sent::default();
    let more = page_of("", r#""next_cursor":"c1","has_next_page":true"#);
    let cursor = full_scan(&scripted(&sent, &[(200, &more)])).next.unwrap();
    let forged = cursor.replace("created_at_min", "api_key");
    let host = scripted(&sent, &[]);
    assert!(matches!(
        AfterShip::list(&host, request(Start::At(forged))),
        Err(Error { kind: ErrorKind::CursorExpired, .. })
    ));
}

/// A cursor keeps its view; and no list has a parameter for the language.
#[test]
fn a_view_goes_on_with_its_scan() {
    let view = |fields: &[&str]| View {
        fields: fields.iter().map(|&name| name.to_owned()).collect(),
        options: None,
    };
    let sent = Sent::default();
    let page =
        |next: &str| enveloped(&format!(r#"{{"pagination":{{"total":2,{next}}},"trackings":[]}}"#));
    let first = page(r#""next_cursor":"c1","has_next_page":true"#);
    let last = page(r#""has_next_page":false"#);
    let host = scripted(&sent, &[(200, &first), (200, &last), (200, &last)]);
    let asked = ListRequest { view: view(&["id", "tag"]), ..request(Start::Beginning) };
    let next = AfterShip::list(&host, asked).unwrap().next.unwrap();
    AfterShip::list(&host, request(Start::At(next))).unwrap();
    assert!(lines(&sent).iter().all(|line| line.contains("fields=tag")), "{:?}", lines(&sent));
    // `tracking_key` is a parameter of one tracking only, so the whole is asked for.
    AfterShip::list(
        &host,
        ListRequest { view: view(&["tracking_key"]), ..request(Start::Beginning) },
    )
    .unwrap();
    assert!(!lines(&sent)[2].contains("fields"));
    let options = Some(r#"{"lang":"de"}"#.to_owned());
    let view = View { options, ..View::whole() };
    let refused = AfterShip::list(&host, ListRequest { view, ..request(Start::Beginning) });
    assert_eq!(pointers(&refused.unwrap_err()), ["/lang"]);
}
