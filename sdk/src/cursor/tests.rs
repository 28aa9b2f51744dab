use super::*;
use crate::contract::ErrorKind;
use proptest::prelude::*;

fn scan() -> Scan {
    let mut query = Query::new();
    query.add("created_at_min", "2026-07-25T09:30:00+00:00");
    query.add("slug", "dhl,ups");
    Scan {
        began_ms: 1_795_339_800_000,
        query,
        page_size: 200,
        window: Some(Window { since: Some("s".into()), until: None }),
        bookmark: Some("b".into()),
        position: None,
    }
}

#[test]
fn a_cursor_reads_back() {
    let mut scan = scan();
    scan.advance("WzE3MTk5").unwrap();
    let text = scan.encode("trackings");
    assert_eq!(Scan::decode("trackings", &text, scan.began_ms), Ok(scan));
}

#[test]
fn a_list_that_repeats_is_stopped() {
    let mut scan = scan();
    scan.advance("first").unwrap();
    scan.advance("second").unwrap();
    scan.advance("third").unwrap();
    for used in ["third", "first"] {
        assert!(
            matches!(scan.clone().advance(used), Err(Error { kind: ErrorKind::Internal, .. })),
            "{used}"
        );
    }
    scan.advance("fourth").unwrap();
}

#[test]
fn a_cursor_lives_a_day() {
    let mut scan = scan();
    scan.advance("c").unwrap();
    let text = scan.encode("trackings");
    let day = 86_400_000;
    assert!(Scan::decode("trackings", &text, scan.began_ms + day).is_ok());
    // A clock that was set back does not end a scan.
    assert!(Scan::decode("trackings", &text, scan.began_ms - 1).is_ok());
    let old = Scan::decode("trackings", &text, scan.began_ms + day + 1);
    assert!(
        matches!(old, Err(error) if error.kind == ErrorKind::CursorExpired && error.message.contains("24 hours"))
    );
}

#[test]
fn anything_else_starts_the_scan_again() {
    let mut scan = scan();
    scan.advance("c").unwrap();
    let good = scan.encode("trackings");
    for text in [
        String::new(),
        "WzE3MTk5".into(),
        "{}".into(),
        "7".into(),
        good.replace(r#""v":1"#, r#""v":2"#),
        good.replace("trackings", "couriers"),
        good.replace(r#""cursor":"c""#, r#""cursor":null"#),
        good.replace(r#""size":200"#, r#""size":-1"#),
        good.replace(r#""dhl,ups""#, "7"),
        good.replace(r#""began":1795339800000"#, r#""began":"now""#),
        good.replace('}', ""),
    ] {
        let decoded = Scan::decode("trackings", &text, scan.began_ms);
        assert!(matches!(decoded, Err(Error { kind: ErrorKind::CursorExpired, .. })), "{text}");
    }
}

proptest! {
    #[test]
    fn any_scan_reads_back(
        began_ms in 0_u64..9_000_000_000_000,
        page_size in any::<u32>(),
        value in any::<String>(),
        cursor in any::<String>(),
        since in any::<Option<String>>(),
        bookmark in any::<Option<String>>(),
    ) {
        let mut query = Query::new();
        query.add("keyword", value);
        let window = Some(Window { since, until: None });
        let mut scan = Scan { began_ms, query, page_size, window, bookmark, position: None };
        scan.advance(&cursor).unwrap();
        prop_assert_eq!(Scan::decode("x", &scan.encode("x"), began_ms), Ok(scan));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[{}\":,a-z0-9 ]{0,60}") {
        let _ = Scan::decode("trackings", &text, 0);
    }
}
