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
