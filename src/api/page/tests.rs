//! The scanner against serde_json: the same verdict, the same slices, the same members.

use super::*;
use proptest::prelude::*;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

#[test]
fn a_page_as_aftership_documents_it() {
    let text = r#"{"meta": {"code": 200}, "data": {
        "pagination": {"total": 2, "next_cursor": "WzE=", "has_next_page": true},
        "trackings": [
            {"id": "a", "weight": 0.70, "updated_at": "2023-01-18T17:47:10+00:00"},
            {"checkpoints": [{"id": "inner"}], "id": "b\u0031", "created_at": null}
        ]}}"#;
    let page = listing(text, "trackings").unwrap();
    assert_eq!(page.meta.code, Some(200));
    let pagination = page.pagination.unwrap();
    assert_eq!((pagination.total, pagination.next()), (Some(2), Some("WzE=")));
    let items = page.items.unwrap();
    assert_eq!(
        items[0].raw,
        r#"{"id": "a", "weight": 0.70, "updated_at": "2023-01-18T17:47:10+00:00"}"#
    );
    assert_eq!(items[0].updated_at.as_deref(), Some("2023-01-18T17:47:10+00:00"));
    assert_eq!(items[1].id.as_deref(), Some("b1"));
    assert_eq!(items[1].created_at, None);
}

#[test]
fn members_come_in_any_order_and_the_last_of_a_name_counts() {
    let text = r#"{"data":{"trackings":[{"id":"old"}],"trackings":[{"id":"a","id":"b"}]},
        "data2":0,"meta":{"message":"m","type":"t","errors":[],"code":401}}"#;
    let page = listing(text, "trackings").unwrap();
    assert_eq!(page.items.unwrap()[0].id.as_deref(), Some("b"));
    assert_eq!(page.meta.code, Some(401));
    assert_eq!(page.meta.message.as_deref(), Some("m"));
    assert_eq!(page.meta.errors, Some("[]"));
    let text = r#"{"data":{"trackings":[{"id":"a"}],"pagination":{}},"data":{}}"#;
    assert_eq!(listing(text, "trackings").unwrap(), Listing::default());
}

#[test]
fn items_without_a_readable_id_do_not_stop_the_page() {
    let text =
        r#"{"data":{"trackings":[null,7,[],{},{"id":7},{"id":""},{"id":"\ud800"},{"id":"a"}]}}"#;
    let items = listing(text, "trackings").unwrap().items.unwrap();
    let ids: Vec<_> = items.iter().map(|item| item.id.as_deref()).collect();
    assert_eq!(ids, [None, None, None, None, None, None, None, Some("a")]);
    assert_eq!(items[0].raw, "null");
    assert_eq!(items[6].raw, r#"{"id":"\ud800"}"#);
}

#[test]
fn other_shapes_are_no_list() {
    for text in ["null", "[]", "{}", r#"{"data":[]}"#, r#"{"data":{"trackings":{}}}"#] {
        assert_eq!(listing(text, "trackings").unwrap().items, None, "{text}");
    }
}

#[test]
fn the_scan_ends_where_aftership_says() {
    for (text, next) in [
        (r#"{"next_cursor":"c","has_next_page":true}"#, Some("c")),
        (r#"{"next_cursor":"c"}"#, Some("c")),
        (r#"{"next_cursor":"c","has_next_page":false}"#, None),
        (r#"{"next_cursor":"","has_next_page":true}"#, None),
        (r#"{"next_cursor":null,"has_next_page":true}"#, None),
        (r#"{"has_next_page":true}"#, None),
        ("{}", None),
    ] {
        let text = format!(r#"{{"data":{{"pagination":{text}}}}}"#);
        assert_eq!(listing(&text, "x").unwrap().pagination.unwrap().next(), next, "{text}");
    }
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(single(&nested(128)).is_ok());
    assert!(single(&nested(129)).is_err());
    // Inside a record, the levels around it count too.
    let record = |depth| format!(r#"{{"data":{{"a":{}}}}}"#, nested(depth));
    assert!(single(&record(126)).is_ok());
    assert!(single(&record(127)).is_err());
}

#[test]
fn text_that_is_not_json() {
    for text in [
        "",
        " ",
        "{",
        "{}x",
        "{}{}",
        "[1,]",
        "[,1]",
        "{,}",
        r#"{"a":1,}"#,
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{a:1}"#,
        "[1 2]",
        r#"{"a":1 "b":2}"#,
        "[}",
        "{]",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "--1",
        "nul",
        "truE",
        "NaN",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"\u{0}\"",
        "{}\u{feff}",
        "\u{feff}\u{feff}{}",
        "'a'",
        "[\u{a0}1]",
        "\u{0}",
        "{}\u{0}",
    ] {
        assert!(listing(text, "trackings").is_err(), "{text:?}");
        assert!(single(text).is_err(), "{text:?}");
        assert!(serde_json::from_str::<&RawValue>(text).is_err(), "oracle: {text:?}");
    }
}

/// RFC 8259 section 8.1 lets a reader pass over it.
#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let text = "\u{feff}{\"data\":{\"id\":\"a\"}}";
    let data = single(text).unwrap().data.unwrap();
    assert_eq!((data.raw, data.id.as_deref()), (r#"{"id":"a"}"#, Some("a")));
    assert_eq!(record("\u{feff} {\"id\":\"b\"}").unwrap().raw, r#"{"id":"b"}"#);
}

#[test]
fn a_surrogate_pair_is_one_character() {
    for (escaped, character) in [
        (r"\ud800\udc00", '\u{10000}'),
        (r"\uD83D\uDE9A", '\u{1f69a}'),
        (r"\udbff\udfff", '\u{10ffff}'),
        (r"\ue000", '\u{e000}'),
        (r"\ud7ff", '\u{d7ff}'),
    ] {
        let text = format!(r#"{{"id":"{escaped}"}}"#);
        assert_eq!(record(&text).unwrap().id.as_deref(), Some(&*character.to_string()), "{text}");
    }
    for half in
        [r"\ud800", r"\udc00", r"\ud800\ue000", r"\ud800\ud800", r"\ud800x", r"\udc00\ud800"]
    {
        assert_eq!(record(&format!(r#"{{"id":"{half}"}}"#)).unwrap().id, None, "{half}");
    }
}

/// As a writer of ASCII has it: a character above U+FFFF becomes two escapes.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// Any JSON, as text with any spaces; strings with escapes, quotes and long plain runs.
fn json() -> impl Strategy<Value = String> {
    let string = prop_oneof![
        "[a-z]{0,40}".prop_map(|text| format!("\"{text}\"")),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        "[\u{10000}-\u{10ffff}a]{0,5}".prop_map(|text| format!("\"{}\"", escaped(&text))),
        r#"(\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|[a-zé ]){0,20}"#.prop_map(|text| format!("\"{text}\"")),
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,5})?",
        string,
    ];
    let space = || r"[ \n\r\t]{0,2}";
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let item = (space(), inner.clone(), space()).prop_map(|(a, b, c)| a + &b + &c);
        let member = (name(), space(), item.clone())
            .prop_map(|(name, a, value)| format!("{a}\"{name}\"{a}:{value}"));
        prop_oneof![
            proptest::collection::vec(item, 0..5)
                .prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(member, 0..7)
                .prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// Names that the scanner looks for come often, sometimes written with an escape.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(vec![
            "data", "meta", "trackings", "pagination", "id", "created_at", "updated_at", "code",
            "total", "next_cursor", "has_next_page", "message", r"i\u0064", r"d\u0061ta",
        ]).prop_map(str::to_owned),
        1 => "[a-z]{0,3}",
    ]
}

fn page_text() -> impl Strategy<Value = String> {
    prop_oneof![
        json(),
        (proptest::collection::vec(json(), 0..5), json(), json()).prop_map(|(items, a, b)| {
            let items = items.join(",");
            format!(r#"{{"meta":{a},"data":{{"pagination":{b},"trackings":[{items}]}}}}"#)
        }),
    ]
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

fn members(text: &str) -> Members<'_> {
    serde_json::from_str(text).unwrap_or_default()
}

fn string(members: &Members<'_>, name: &str) -> Option<String> {
    serde_json::from_str(members.get(name)?.get()).ok()
}

/// Code, items (text, id, created_at, updated_at) and next cursor.
type Seen = (Option<u32>, Option<Vec<[Option<String>; 4]>>, Option<String>);

/// What serde_json says the page holds.
fn expected(text: &str) -> Seen {
    let top = members(text);
    let inside = |name: &str| top.get(name).map_or("", |value| value.get());
    let code = members(inside("meta")).get("code").and_then(|code| code.get().parse().ok());
    let data = members(inside("data"));
    let items = data.get("trackings").map(|list| list.get());
    let items = items.and_then(|list| serde_json::from_str::<Vec<&RawValue>>(list).ok());
    let items = items.map(|items| {
        let item = |item: &&RawValue| {
            let members = members(item.get());
            [
                Some(item.get().to_owned()),
                string(&members, "id").filter(|id| !id.is_empty()),
                string(&members, "created_at"),
                string(&members, "updated_at"),
            ]
        };
        items.iter().map(item).collect()
    });
    let pagination = data.get("pagination").map_or("", |value| value.get());
    (code, items, string(&members(pagination), "next_cursor"))
}

fn found(page: &Listing<'_>) -> Seen {
    let own = |text: &Option<Cow<'_, str>>| text.as_ref().map(ToString::to_string);
    let items = page.items.as_ref().map(|items| {
        let item = |item: &Item<'_>| {
            [Some(item.raw.to_owned()), own(&item.id), own(&item.created_at), own(&item.updated_at)]
        };
        items.iter().map(item).collect()
    });
    let next = page.pagination.as_ref().and_then(|pagination| own(&pagination.next_cursor));
    (page.meta.code, items, next)
}

/// serde_json refuses half a surrogate pair in a member's *name* when it reads a map.
fn has_half_pair_in_a_name(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_err_and(|error| {
        error.to_string().contains("surrogate") || error.to_string().contains("hex escape")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn well_formed_text_is_read_as_serde_reads_it(text in page_text()) {
        let page = listing(&text, "trackings").unwrap();
        if !has_half_pair_in_a_name(&text) {
            prop_assert_eq!(found(&page), expected(&text));
        }
    }

    #[test]
    fn changed_bytes_get_serdes_verdict(
        text in page_text(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = text.into_bytes();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
            // The connector refuses what is not UTF-8 before it scans.
            if let Ok(text) = std::str::from_utf8(bytes) {
                let verdict = serde_json::from_str::<&RawValue>(text).is_ok();
                prop_assert_eq!(listing(text, "trackings").is_ok(), verdict, "{}", text);
                prop_assert_eq!(single(text).is_ok(), verdict, "{}", text);
            }
        }
    }

    #[test]
    fn any_text_gets_serdes_verdict(text in "[\\[\\]{}:,\"\\\\ 0-9a-u.eE+-]{0,30}") {
        let verdict = serde_json::from_str::<&RawValue>(&text).is_ok();
        prop_assert_eq!(single(&text).is_ok(), verdict, "{}", text);
    }
}
