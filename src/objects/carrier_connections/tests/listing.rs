//! Scans, and reading one.

use super::*;
use connector_sdk::Connector;
use connector_sdk::ErrorKind;

fn request(start: Start) -> ListRequest {
    ListRequest { object: OBJECT.into(), start, page_size: None, filter: None, view: View::whole() }
}

fn page_of(items: &str, next: &str) -> String {
    let pagination =
        format!(r#"{{"total":2,"next_cursor":"{next}","has_next_page":{}}}"#, !next.is_empty());
    enveloped(&format!(r#"{{"pagination":{pagination},"courier_connections":[{items}]}}"#))
}

#[test]
fn a_scan_goes_page_by_page_and_shows_no_credential() {
    let odd =
        r#"{"courier_slug":"ups","extra":[{"credential":"canary-3"}],"credentials":["canary-4"]}"#;
    let sent = Sent::default();
    let host = scripted(
        &sent,
        &[(200, &page_of(&format!("{CLEAR},{odd}"), "next-1")), (200, &page_of("", ""))],
    );
    let filter = Some(r#"{"courier_slug":"dhl-api"}"#.to_owned());
    let first = AfterShip::list(
        &host,
        ListRequest { page_size: Some(50), filter, ..request(Start::Beginning) },
    );
    let first = clean(first.unwrap());
    assert_eq!((first.records, first.total, first.more), (vec![record()], Some(2), Vec::new()));
    assert_eq!(
        first.unreadable[0].raw,
        r#"{"courier_slug":"ups","extra":[{"credential":null}],"credentials":null}"#
    );
    let last = AfterShip::list(&host, request(Start::At(first.next.unwrap()))).unwrap();
    assert_eq!((last.records.len(), last.next, last.bookmark), (0, None, None));
    let line = "GET /courier-connections?courier_slug=dhl-api&limit=50";
    assert_eq!(lines(&sent), [line.to_owned(), format!("{line}&cursor=next-1")]);
    assert_eq!(clean(host.logged()), []);
}

#[test]
fn a_scan_since_a_bookmark_is_a_full_one() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &page_of(CLEAR, ""))]);
    let page = AfterShip::list(&host, request(Start::Since("any".into()))).unwrap();
    assert_eq!((page.records, page.bookmark), (vec![record()], None));
    assert_eq!(lines(&sent), ["GET /courier-connections?limit=200"]);
}

#[test]
fn a_cursor_is_held_to_the_rules_of_all() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &page_of("", "c")), (200, &page_of("", "c"))]);
    let cursor = AfterShip::list(&host, request(Start::Beginning)).unwrap().next.unwrap();
    let repeated = AfterShip::list(&host, request(Start::At(cursor.clone())));
    assert!(
        matches!(&repeated, Err(f @ Error { kind: ErrorKind::Internal, .. }) if f.message.contains("repeats"))
    );
    let late = scripted(&sent, &[]).at(host_time() + 86_400_001);
    let old = AfterShip::list(&late, request(Start::At(cursor.clone())));
    assert!(
        matches!(&old, Err(f @ Error { kind: ErrorKind::CursorExpired, .. }) if f.message.contains("24 hours"))
    );
    for forged in [
        cursor.replace("carrier-connections", "trackings"),
        cursor.replace(r#""query":{"#, r#""query":{"fields":"credentials""#),
    ] {
        let page = AfterShip::list(&scripted(&sent, &[]), request(Start::At(forged)));
        assert!(matches!(page, Err(Error { kind: ErrorKind::CursorExpired, .. })), "{page:?}");
    }
}

/// 2026-11-22T09:30:00Z, the time of [`connector_sdk::FnHost`].
fn host_time() -> u64 {
    1_795_339_800_000
}

#[test]
fn only_one_courier_can_be_asked_for() {
    let sent = Sent::default();
    for (filter, pointer) in [
        (r#"{"courier_slug":"dhl,ups"}"#, "/courier_slug"),
        (r#"{"courier_slug":["dhl"]}"#, "/courier_slug"),
        (r#"{"slug":"dhl"}"#, "/slug"),
    ] {
        let filter = Some(filter.to_owned());
        let asked = ListRequest { filter, ..request(Start::Beginning) };
        assert_eq!(
            pointers(&AfterShip::list(&scripted(&sent, &[]), asked).unwrap_err()),
            [pointer]
        );
    }
}

#[test]
fn get_shows_no_credential() {
    let sent = Sent::default();
    let gone = r#"{"meta":{"code":404,"message":"Not found."},"data":{}}"#;
    let host = scripted(&sent, &[(200, &enveloped(CLEAR)), (404, gone)]);
    assert_eq!(clean(get(&host, OBJECT, "c1")), Ok(record()));
    crate::testing::assert_valid(DESCRIPTOR.record_schema, CONCEALED);
    assert!(matches!(get(&host, OBJECT, "c1"), Err(Error { kind: ErrorKind::NotFound, .. })));
    assert_eq!(lines(&sent), ["GET /courier-connections/c1"; 2]);
}

#[test]
fn an_answer_that_cannot_be_read_shows_nothing_of_itself() {
    for body in [
        CLEAR.to_owned(),
        enveloped(&CLEAR.replace(r#""id":"c1""#, r#""id":7"#)),
        enveloped(&format!("[{CLEAR}]")),
        enveloped(CLEAR).replace("}}", "}"),
    ] {
        let sent = Sent::default();
        let host = scripted(&sent, &[(200, &body), (200, &body)]);
        clean(get(&host, OBJECT, "c1").unwrap_err());
        clean(AfterShip::list(&host, request(Start::Beginning)).unwrap_err());
        assert_eq!(clean(host.logged()), []);
    }
}

#[test]
fn check_asks_for_one_connection() {
    let sent = Sent::default();
    let host = scripted(&sent, &[(200, &page_of(CLEAR, ""))]);
    assert_eq!(AfterShip::check(&host, OBJECT), Ok(()));
    assert_eq!(lines(&sent), ["GET /courier-connections?limit=1"]);
}
