//! Values of records, and names of members.

use super::*;

fn index(members: &[&[&str]]) -> MemberIndex {
    let mut index = MemberIndex::default();
    for pointers in members {
        let pointers: Vec<String> = pointers.iter().map(|&pointer| pointer.into()).collect();
        index.note(&pointers, |_| {});
    }
    index
}

#[test]
fn values_are_read_where_the_pointers_lead() {
    let index = index(&[&["/a~1b"], &["/due/max", "/due", "/x"], &["/n"], &["/none"], &["/l"]]);
    let reader = ValueReader::new(&index);
    let of = |data: &str| reader.values("7", None, None, data).slots.split_off(MEMBERS);
    assert_eq!(
        of(
            r#"{"x": "c", "due": {"min": 1, "max": "a\u0041"}, "n": 1.50, "a/b": true, "l": ["x"]}"#
        ),
        ["true", "aA", "1.50", "", ""]
    );
    // The first of the pointers that leads to a value, in whatever order they stand.
    assert_eq!(of(r#"{"x": "c", "due": {"max": null}}"#), ["", "c", "", "", ""]);
    assert_eq!(of(r#"{"x": "c", "due": "b"}"#), ["", "b", "", "", ""]);
    assert_eq!(of("[1]"), [""; 5]);
    let long = format!(r#"{{"n": "{}"}}"#, "é".repeat(100));
    assert_eq!(of(&long)[2], "é".repeat(64));
}

#[test]
fn times_are_compared_in_utc() {
    assert_eq!(updated(Some("2026-11-28T10:00:00.25+02:00")), "2026-11-28T08:00:00.250Z");
    assert_eq!(updated(Some("2026-11-28T08:00:00Z")), "2026-11-28T08:00:00.000Z");
    assert_eq!(updated(Some("yesterday")), "yesterday");
    assert_eq!(updated(None), "");
}

#[test]
fn a_member_is_known_by_its_role_its_pointer_and_its_name() {
    let view = ObjectView {
        number: Some("/tracking/number".to_owned()),
        due: vec!["/due/max".to_owned(), "/due".to_owned()],
        index: vec!["/tag".to_owned(), "/tracking/number".to_owned()],
        count: vec!["/tag".to_owned()],
        ..ObjectView::default()
    };
    let index = MemberIndex::of(&view);
    for (name, slot) in [
        ("id", Some(ID)),
        ("updated", Some(UPDATED)),
        ("updated_at", Some(UPDATED)),
        ("number", Some(2)),
        ("/tracking/number", Some(2)),
        ("due", Some(3)),
        ("tag", Some(4)),
        ("max", None),
        ("colour", None),
    ] {
        assert_eq!(index.slot(name), slot, "{name}");
    }
    assert_eq!(index.names(), ["id", "updated", "number or /tracking/number", "due", "/tag"]);
    assert_eq!(index.counted().collect::<Vec<_>>(), [4]);
    let kept = serde_json::to_string(&index).unwrap();
    assert_eq!(serde_json::from_str::<MemberIndex>(&kept).unwrap(), index);
}

#[test]
fn times_of_rules_are_read_where_conditions_hold() {
    let rules = r#"{
        "late": {"title": "", "since": ["/due/max", "/due"], "unless": {"/tag": ["done"]}},
        "old": {"title": "", "since": [{"list": "/scans", "at": "/at", "take": "latest"}, "/made"]},
        "kept": {"title": "", "when": {"/tag": ["shop"]}, "since": [
            {"list": "/scans", "at": "/at", "take": "earliest", "when": {"/tag": ["shop", "box"]}}
        ]}
    }"#;
    let index = MemberIndex { rules: serde_json::from_str(rules).unwrap(), ..index(&[&["/tag"]]) };
    let reader = ValueReader::new(&index);
    let of = |data: &str| {
        let values = reader.values("7", None, None, data);
        assert_eq!(values.slots.len(), MEMBERS + 1);
        let hour = |(rule, at): (String, u64)| (rule, at / 3_600_000 % 24);
        values.rules.into_iter().map(hour).collect::<Vec<_>>()
    };
    let says = |all: &[(&str, u64)]| {
        all.iter().map(|(rule, hour)| ((*rule).to_owned(), *hour)).collect::<Vec<_>>()
    };
    let scan =
        |hour: u64, tag: &str| format!(r#"{{"tag":"{tag}","at":"2026-11-28T{hour:02}:00:00Z"}}"#);
    let scans = [scan(5, "way"), scan(9, "box"), scan(3, "way"), scan(7, "shop")].join(",");
    let in_shop = format!(r#"{{"tag":"shop","due":"2026-11-28T02:00:00Z","scans":[{scans}]}}"#);
    assert_eq!(of(&in_shop), says(&[("late", 2), ("old", 9), ("kept", 7)]));
    let done = in_shop.replacen("shop", "done", 1);
    assert_eq!(of(&done), says(&[("old", 9)]));
    // What is no time counts as none: the next one does.
    let odd = r#"{"due":{"max":"soon"},"scans":[7,{"at":null}],"made":"2026-11-28T04:00:00Z"}"#;
    assert_eq!(of(odd), says(&[("old", 4)]));
    assert_eq!(of(r#"{"scans":"none"}"#), []);
}
