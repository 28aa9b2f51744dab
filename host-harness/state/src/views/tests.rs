//! Files that cannot be, each with where that is.

use super::*;

fn checked(tables: &str) -> Result<(), String> {
    let text = format!(r#"{{"version": 1, "title": "Parcels", "tables": {tables}}}"#);
    let declares = |object: &str, pointer: &str| {
        (object == "parcels").then(|| ["/number", "/sent", "/to/city"].contains(&pointer))
    };
    ViewFile::read(&text, &declares).map(drop).map_err(|why| why.to_string())
}

#[test]
fn every_slip_is_told_with_its_place() {
    let parcels = r#""parcels": {"of": "parcels", "columns": {"number": "/number"}}"#;
    for (tables, told) in [
        (
            r#"{"p": {"of": "orders", "columns": {"a": "/number"}}}"#,
            "tables.p.columns.a: there is no object `orders`",
        ),
        (
            r#"{"p": {"of": "parcels", "columns": {"a": "/colour"}}}"#,
            "tables.p.columns.a: records of `parcels` have no member `/colour`",
        ),
        (
            r#"{"p": {"of": "parcels", "columns": {"a": {"date": ["/sent", "/gone"]}}}}"#,
            "no member `/gone`",
        ),
        (r#"{"p; DROP": {"of": "parcels", "columns": {}}}"#, "is no name"),
        (r#"{"p": {"of": "parcels", "columns": {"A b": "/number"}}}"#, "is no name"),
        (r#"{"p": {"of": "parcels", "columns": {"id": "/number"}}}"#, "stands before the others"),
        (r#"{"p": {"of": "parcels", "columns": {"a": "number"}}}"#, "`number` is no JSON Pointer"),
        (
            r#"{"p": {"of": "parcels", "columns": {"a": {"rows": {}}}}}"#,
            "only in a table with `by`",
        ),
        (r#"{"p": {"of": "parcels", "columns": {"a": {"sum": "x"}}}}"#, "not of the form"),
        (
            r#"{"late": {"of": "parcels", "by": ["number"], "columns": {"a": {"rows": {}}}}}"#,
            "is no table before this one",
        ),
    ] {
        let why = checked(tables).unwrap_err();
        assert!(why.contains(told), "{why}");
    }
    let grouped =
        |rest: &str| checked(&format!("{{{parcels}, \"g\": {{\"of\": \"parcels\", {rest}}}}}"));
    assert_eq!(grouped(r#""by": ["number"], "columns": {"n": {"rows": {}}}"#), Ok(()));
    assert!(
        grouped(r#""by": ["colour"], "columns": {"n": {"rows": {}}}"#)
            .unwrap_err()
            .contains("no column `colour`")
    );
    assert!(
        grouped(r#""by": ["number"], "columns": {"n": {"min": "colour"}}"#)
            .unwrap_err()
            .contains("no column `colour`")
    );
    assert!(
        grouped(r#""by": ["number"], "columns": {"n": "/number"}"#)
            .unwrap_err()
            .contains("columns are counted")
    );
    let twice = |by: &str| {
        let rows = r#""columns": {"n": {"rows": {}}}"#;
        checked(&format!(
            r#"{{{parcels}, "g": {{"of": "parcels", "by": ["number"], {rows}}},
                "h": {{"of": "g", "by": ["{by}"], {rows}}}}}"#
        ))
    };
    assert_eq!(twice("number"), Ok(()));
    assert!(twice("connection").unwrap_err().contains("no column `connection`"));
    let newer = ViewFile::read(r#"{"version": 2, "shapes": []}"#, &|_, _| None).unwrap_err();
    assert_eq!(newer, ViewError::Version(2));
}

#[test]
fn what_is_personal_is_not_counted_by() {
    let read = |view: &str| {
        let text =
            format!(r#"{{"version": 1, "title": "Parcels", "objects": {{"parcels": {view}}}}}"#);
        ViewFile::read(&text, &|_, _| Some(true)).map_err(|why| why.to_string())
    };
    for (member, name) in [
        (r#""reason": {"at": "/to/name"}"#, "reason.at"),
        (r#""carrier": "/to""#, "carrier"),
        (r#""count": ["/state", "/to/name/first"]"#, "count"),
    ] {
        let why = read(&format!(r#"{{{member}, "personal": ["/to"]}}"#)).unwrap_err();
        assert!(why.contains(&format!("objects.parcels.{name}: ")), "{why}");
        assert!(why.contains("is personal"), "{why}");
        read(&format!(r#"{{{member}, "personal": ["/t", "/to/na"]}}"#)).unwrap();
    }
    // Lists are filtered by what is personal, and nothing of it is counted.
    read(r#"{"number": "/number", "index": ["/to"], "personal": ["/to"]}"#).unwrap();
}

#[test]
fn a_rule_names_what_is_there() {
    let read = |name: &str, rule: &str| {
        let text = format!(
            r#"{{"version": 1, "title": "Parcels", "objects": {{"parcels": {{"rules": {{"{name}": {rule}}}}}}}}}"#
        );
        let known = ["/due", "/state", "/scans/-/at", "/scans/-/state"];
        let declares = |_: &str, pointer: &str| Some(known.contains(&pointer));
        ViewFile::read(&text, &declares).map(drop).map_err(|why| why.to_string())
    };
    let listed = r#"{"list": "/scans", "at": "/at", "take": "latest", "when": {"/state": ["x"]}}"#;
    let whole = format!(
        r#"{{"title": "Late", "since": ["/due", {listed}], "days": 3, "unless": {{"/state": ["y"]}}}}"#
    );
    assert_eq!(read("late-3", &whole), Ok(()));
    for (name, rule, told) in [
        ("Late", whole.as_str(), "is no name of a rule"),
        ("late", r#"{"title": "Late", "since": []}"#, "names no time"),
        ("late", r#"{"title": "Late", "since": ["/gone"]}"#, "no member `/gone`"),
        ("late", r#"{"title": "Late", "since": ["/due"], "days": 9999}"#, "are more than"),
        (
            "late",
            r#"{"title": "Late", "since": ["/due"], "when": {"/gone": ["x"]}}"#,
            "rules.late.when",
        ),
        ("late", &whole.replace("/at", "/gone"), "no member `/scans/-/gone`"),
        ("late", &whole.replace("latest", "last"), "not of the form"),
    ] {
        let why = read(name, rule).unwrap_err();
        assert!(why.contains(told), "{why}");
    }
}
