use super::*;

const FILE: &str = r#"{
    "members": {
        "/number": "/Tracking No",
        "/slug": { "from": "/Carrier", "table": { "DHL Express": "dhl", "none": null }, "otherwise": "keep" },
        "/order_id": { "from": "/order/id", "as": "text", "required": true },
        "/price": { "from": "/price", "as": "number" },
        "/tags": { "from": "/Tags", "split": "," },
        "/customers/0/email": "/Email",
        "/customers/0/name": { "from": "/Name", "default": "friend" },
        "/language": { "value": "en" }
    }
}"#;

#[test]
fn an_export_becomes_an_input() {
    let mapping = Mapping::read(FILE).unwrap();
    let source = r#"{"Tracking No":"1Z","Carrier":"DHL Express","order":{"id":12345678901234567890},
        "price":"1.50","Tags":"a, b,","Email":"m@example.com","Name":"","left":"over"}"#;
    assert_eq!(
        mapping.apply(source).unwrap(),
        [concat!(
            r#"{"number":"1Z","slug":"dhl","order_id":"12345678901234567890","price":1.50,"#,
            r#""tags":["a","b"],"customers":[{"email":"m@example.com","name":"friend"}],"#,
            r#""language":"en"}"#
        )]
    );
    let short = r#"{"Carrier":"none","order":{"id":"7"}}"#;
    assert_eq!(
        mapping.apply(short).unwrap(),
        [r#"{"order_id":"7","customers":[{"name":"friend"}],"language":"en"}"#]
    );
    let kept = r#"{"members":{"/number":"/no"},"rest":"keep"}"#;
    let kept = Mapping::read(kept).unwrap().apply(r#"{"no":"1","note":"n","number":"x"}"#);
    assert_eq!(kept.unwrap(), [r#"{"number":"1","note":"n"}"#]);
}

#[test]
fn what_cannot_be_mapped_is_named() {
    let mapping = Mapping::read(FILE).unwrap();
    let refused = |source: &str| mapping.apply(source).unwrap_err();
    assert_eq!(refused("{}"), "/order_id: the source has no /order/id");
    assert_eq!(refused(r#"{"order":{"id":1},"price":"much"}"#), "/price: it is no number");
    let strict = r#"{"members":{"/slug":{"from":"/c","table":{"a":"b"}}}}"#;
    let strict = Mapping::read(strict).unwrap();
    assert_eq!(strict.apply(r#"{"c":"z"}"#).unwrap_err(), "/slug: the table has no \"z\"");
}

/// What shops' exports need: rows that are no shipments, names in other letters, several in one.
#[test]
fn rows_are_skipped_parted_and_brought_to_one_form() {
    let mapping = Mapping::read(
        r#"{
            "members": {
                "/number": { "from": "/No", "skip_if_empty": true, "trim": true },
                "/slug": { "from": "/By", "table": { "UPS": "ups", "DHL": "dhl" }, "ignore_case": true },
                "/country": { "from": "/Land", "case": "upper" }
            },
            "split": { "from": "/No", "at": [",", "/", "\n"] }
        }"#,
    )
    .unwrap();
    let made = |source: &str| mapping.apply(source).unwrap();
    for skipped in ["{}", r#"{"No":null}"#, r#"{"No":" \u00a0"}"#, r#"{"No":",","By":"UPS"}"#] {
        assert_eq!(made(skipped), Vec::<String>::new(), "{skipped}");
    }
    assert_eq!(
        made(r#"{"No":"A1, A2/\nA3 ","By":"Ups ","Land":"de"}"#),
        ["A1", "A2", "A3"].map(|no| format!(r#"{{"number":"{no}","slug":"ups","country":"DE"}}"#))
    );
    assert_eq!(made(r#"{"No":"\u200b A1"}"#), [r#"{"number":"A1"}"#]);
    let many = format!(r#"{{"No":"{}"}}"#, "x,".repeat(1_001));
    assert_eq!(mapping.apply(&many).unwrap_err(), "/No: it would make more than 1000 items");
    let kept = r#"{"members":{},"split":{"from":"/no","at":[";"]},"rest":"keep"}"#;
    let kept = Mapping::read(kept).unwrap().apply(r#"{"no":"1;2","note":"n"}"#).unwrap();
    assert_eq!(kept, [r#"{"no":"1","note":"n"}"#, r#"{"no":"2","note":"n"}"#]);
    let strict = r#"{"members":{"/slug":{"from":"/By","table":{"UPS":"ups"}}}}"#;
    let why = Mapping::read(strict).unwrap().apply(r#"{"By":"Ups"}"#).unwrap_err();
    assert_eq!(why, "/slug: the table has no \"Ups\", but \"UPS\"; `ignore_case` takes both");
}

#[test]
fn columns_that_are_not_there_are_named() {
    let mapping = r#"{"members":{"/a":{"from":"/Tracking No","required":true},"/b":"/Emails"}}"#;
    let mapping = Mapping::read(mapping).unwrap();
    let missing = mapping.missing(&["Tracking Number", "Email"]).unwrap_err();
    assert!(
        missing.ends_with("\"Tracking No\" that is not there; did you mean \"Tracking Number\"?")
    );
    let told = mapping.missing(&["Tracking No", "E-Mail"]).unwrap();
    assert!(
        told[0].ends_with("\"Emails\" that is not there; did you mean \"E-Mail\"?"),
        "{told:?}"
    );
    assert!(mapping.uses("Emails") && !mapping.uses("Email"));
}

#[test]
fn a_file_of_another_form_is_refused() {
    let refused = |text: &str| Mapping::read(text).unwrap_err().to_string();
    for (text, word) in [
        ("{", "EOF"),
        ("{}", "missing field `members`"),
        (r#"{"members":{},"rest":"maybe"}"#, "unknown variant `maybe`"),
        (r#"{"members":{"/a":{"form":"/b"}}}"#, "entry for /a: unknown field `form`"),
        (r#"{"members":{"/a":{}}}"#, "entry for /a: it needs `from` or `value`"),
        (r#"{"members":{"/a":{"from":"/b","value":1}}}"#, "both `from` and `value`"),
        (r#"{"members":{"/a":"b"}}"#, "\"b\" is no JSON Pointer"),
        (r#"{"members":{"a":"/b"}}"#, "\"a\" is no JSON Pointer"),
        (
            r#"{"members":{"/a":{"from":"/b","skip_if_empty":true,"required":true}}}"#,
            "skip_if_empty",
        ),
        (r#"{"members":{"/a":{"from":"/b","ignore_case":true}}}"#, "`ignore_case` needs a `table`"),
        (
            r#"{"members":{"/a":{"from":"/b","table":{"x":1,"X":2},"ignore_case":true}}}"#,
            "has \"x\" twice",
        ),
        (r#"{"members":{},"split":{"from":"no","at":[","]}}"#, "split: \"no\" is no JSON Pointer"),
        (r#"{"members":{},"split":{"from":"/no","at":[]}}"#, "split: `at` needs separators"),
        (r#"{"members":{"/a":"/b","/a/c":"/d"}}"#, "entry for /a/c: it lies on the way of /a"),
    ] {
        let text = refused(text);
        assert!(text.contains(word), "{text}");
    }
}
