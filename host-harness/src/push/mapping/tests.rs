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
        concat!(
            r#"{"number":"1Z","slug":"dhl","order_id":"12345678901234567890","price":1.50,"#,
            r#""tags":["a","b"],"customers":[{"email":"m@example.com","name":"friend"}],"#,
            r#""language":"en"}"#
        )
    );
    let short = r#"{"Carrier":"none","order":{"id":"7"}}"#;
    assert_eq!(
        mapping.apply(short).unwrap(),
        r#"{"order_id":"7","customers":[{"name":"friend"}],"language":"en"}"#
    );
    let kept = r#"{"members":{"/number":"/no"},"rest":"keep"}"#;
    let kept = Mapping::read(kept).unwrap().apply(r#"{"no":"1","note":"n","number":"x"}"#);
    assert_eq!(kept.unwrap(), r#"{"number":"1","note":"n"}"#);
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
        (r#"{"members":{"/a":"/b","/a/c":"/d"}}"#, "entry for /a/c: it lies on the way of /a"),
    ] {
        let text = refused(text);
        assert!(text.contains(word), "{text}");
    }
}
